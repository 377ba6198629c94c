"""Reads the tests as text: which of them cannot fail, and which wait or skip in their own way."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

_RAISING = {"raises", "warns", "RaisesGroup", "fail"}
_TOO_WIDE = {"Exception", "BaseException", "AssertionError"}
_SKIPPING = {"skip", "skipif", "importorskip", "xfail"}
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def faults(
    sources: Mapping[str, str], *, waiting: str = "", skipping: str = "", profile: str = ""
) -> list[str]:
    """Return "file:line: what" for each fault.

    Args:
        sources: file name -> text.
        waiting: the file in which a loop may sleep.
        skipping: the file in which a test may be skipped.
        profile: the file that sets the hypothesis profile.
    """
    trees = {name: ast.parse(text) for name, text in sources.items()}
    asserting = _asserting(trees.values())
    found = []
    for name, tree in trees.items():
        for node in ast.walk(tree):
            for what in _faults_of(node, asserting):
                found.append(f"{name}:{node.lineno}: {what}")  # type: ignore[attr-defined]
            if name != waiting and isinstance(node, ast.While) and "sleep" in _calls(node):
                found.append(f"{name}:{node.lineno}: a loop sleeps outside the waiting helpers")
            if name != skipping and isinstance(node, ast.Attribute) and node.attr in _SKIPPING:
                found.append(f"{name}:{node.lineno}: skips by itself: {node.attr}")
            if name != profile and isinstance(node, ast.ImportFrom) and _of_a_profile(node):
                found.append(f"{name}:{node.lineno}: sets its own hypothesis profile")
    return found


def _faults_of(node: ast.AST, asserting: set[str]) -> Iterator[str]:
    if isinstance(node, _Function) and node.name.startswith("test_"):
        checks = {name for name in _calls(node) if name.startswith("check_")}  # they raise
        if not _asserts(node) and not _calls(node) & asserting and not checks:
            yield f"{node.name} asserts nothing"
        for part in ast.walk(node):
            if isinstance(part, _Function) and part is not node and not _is_named(part, node):
                yield f"{node.name} never calls its {part.name}"
            if isinstance(part, ast.ExceptHandler) and _swallows(part):
                yield f"{node.name} swallows an exception"
    elif isinstance(node, ast.Assert) and _cannot_fail(node.test):
        yield f"cannot fail: {ast.unparse(node)}"
    elif isinstance(node, ast.Call) and _name(node.func) == "suppress":
        for wide in _TOO_WIDE & {_name(argument) for argument in node.args}:
            yield f"suppresses every {wide}"


def _cannot_fail(test: ast.expr) -> bool:
    if isinstance(test, ast.Constant | ast.Tuple | ast.Lambda | ast.GeneratorExp):
        return not (isinstance(test, ast.Constant) and not test.value)
    if isinstance(test, ast.BoolOp):
        return isinstance(test.op, ast.Or) and any(map(_cannot_fail, test.values))
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        same = ast.dump(test.left) == ast.dump(test.comparators[0])
        return same and isinstance(test.ops[0], ast.Eq | ast.LtE | ast.GtE | ast.Is)
    return False


def _of_a_profile(node: ast.ImportFrom) -> bool:
    names = {alias.name for alias in node.names}
    return node.module == "hypothesis" and bool(names & {"settings", "HealthCheck"})


def _swallows(handler: ast.ExceptHandler) -> bool:
    return all(isinstance(line, ast.Pass | ast.Continue | ast.Return) for line in handler.body)


def _is_named(part: ast.AST, within: _Function) -> bool:
    """Tell whether an inner function is used; a method, a dunder or a fixture is by others."""
    name = getattr(part, "name", "")
    of_class = any(
        isinstance(node, ast.ClassDef) and part in node.body for node in ast.walk(within)
    )
    loads = {n.id for n in ast.walk(within) if isinstance(n, ast.Name)}
    return of_class or name in loads or bool(getattr(part, "decorator_list", []))


def _asserting(trees: Iterable[ast.Module]) -> set[str]:
    """Return the names of functions that assert, or call one that does."""
    calls: dict[str, set[str]] = {}
    found: set[str] = set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, _Function):
                calls.setdefault(node.name, set()).update(_calls(node))
                if _asserts(node):
                    found.add(node.name)
    while more := {name for name, called in calls.items() if called & found} - found:
        found |= more
    return found


def _asserts(node: ast.AST) -> bool:
    return any(isinstance(part, ast.Assert) for part in ast.walk(node)) or bool(
        _calls(node) & _RAISING
    )


def _calls(node: ast.AST) -> set[str]:
    return {_name(part.func) for part in ast.walk(node) if isinstance(part, ast.Call)}


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def read(root: Path) -> dict[str, str]:
    """Return the tests of the tree and the contract suite that connectors share."""
    files = [*root.glob("tests/**/*.py"), root / "connectors/lgsp_connectors/kit/suite.py"]
    return {str(file.relative_to(root)): file.read_text("utf-8") for file in sorted(files)}
