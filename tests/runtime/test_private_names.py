"""private_names.toml lists what we use of libraries without their promise: all of it, no more."""

import ast
import inspect
import pkgutil
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
USED = tomllib.loads(Path(__file__).with_name("private_names.toml").read_text("utf-8"))["used"]
MODULES = sorted((ROOT / "services" / "lgsp" / "runtime").rglob("*.py"))
PUBLIC = {"_exit", "_asdict", "_fields", "_replace"}  # of os and of named tuples: documented

each_library = pytest.mark.parametrize("used", USED, ids=[used["distribution"] for used in USED])


def theirs(used: dict[str, Any]) -> type:
    found: type = pkgutil.resolve_name(used["of"])
    return found


def ours(used: dict[str, Any]) -> list[type]:
    """Our classes that inherit from the library's."""
    name = Path(used["by"]).relative_to("services").with_suffix("").as_posix().replace("/", ".")
    found = [c for c in vars(pkgutil.resolve_name(name)).values() if isinstance(c, type)]
    return [c for c in found if issubclass(c, theirs(used)) and c is not theirs(used)]


def overridden(used: dict[str, Any]) -> set[str]:
    """Methods of the library's class that one of ours defines anew."""
    methods = {n for cls in ours(used) for n, m in vars(cls).items() if inspect.isfunction(m)}
    return {name for name in methods if hasattr(theirs(used), name) and name[:2] != "__"}


def taken(module: Path) -> set[str]:
    """Private names that the module takes of objects whose class it has not written."""
    written: set[str] = set()
    found: set[str] = set()
    for part in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(part, ast.ClassDef):
            for member in part.body:
                if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef):
                    written.add(member.name)
                elif isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
                    written.add(member.target.id)
                elif isinstance(member, ast.Assign):
                    written |= {name.id for name in member.targets if isinstance(name, ast.Name)}
        elif isinstance(part, ast.Attribute) and part.attr.startswith("_"):
            of_self = isinstance(part.value, ast.Name) and part.value.id == "self"
            (written if of_self and isinstance(part.ctx, ast.Store) else found).add(part.attr)
    return {name for name in found - written - PUBLIC if not name.endswith("__")}


def test_every_private_name_of_a_library_is_listed() -> None:
    found = {str(module.relative_to(ROOT)): taken(module) for module in MODULES}
    listed = {used["by"]: {n for n in used["names"] if n.startswith("_")} for used in USED}
    assert {module for module, names in found.items() if names} <= listed.keys()
    assert all(found[module] <= listed[module] for module in listed)


@each_library
def test_every_name_listed_is_used(used: dict[str, Any]) -> None:
    assert set(used["names"]) == taken(ROOT / used["by"]) | overridden(used)


@each_library
def test_the_version_is_pinned_and_has_the_names(used: dict[str, Any]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    pins = {pin.name: str(pin.specifier) for pin in map(Requirement, project["dependencies"])}
    assert pins[used["distribution"]] == f"=={version(used['distribution'])}"
    known = set(dir(theirs(used)))
    known.update(*(inspect.get_annotations(cls) for cls in theirs(used).__mro__))
    assert set(used["names"]) <= known


@each_library
def test_what_we_override_takes_the_same_arguments(used: dict[str, Any]) -> None:
    for cls in ours(used):
        for name in overridden(used):
            mine = inspect.signature(getattr(cls, name)).parameters
            base = inspect.signature(getattr(theirs(used), name)).parameters
            assert [*mine] == [*base], name
