"""Proves that every schema version can read every other one of its subject, both ways.

BACKWARD: the current schema reads what older versions wrote. FORWARD: older versions read what
the current one writes. So processes of different versions may run at once, in any order.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import avro.schema
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType


@dataclass(frozen=True, kw_only=True)
class Incompatibility:
    """One thing wrong with one schema; `kind` is Avro's word for an incompatibility."""

    schema: str
    kind: str
    path: str
    message: str

    def document(self) -> dict[str, str]:
        """Return the fault for JSON."""
        return asdict(self)


def check_schemas(root: Traversable | None = None) -> list[Incompatibility]:
    """Check every schema, its frozen history and the registry; empty when all is well.

    Args:
        root: folder of the `*.avsc`, `registry.json` and `history/`; None: the package's own.
    """
    root = files("lgsp_schemas") if root is None else root
    registry = json.loads(root.joinpath("registry.json").read_text("utf-8"))
    current = {
        entry.name.removesuffix(".avsc"): _read(entry)
        for entry in sorted(root.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".avsc")
    }
    history = {name: _history(root, name) for name in current}
    faults = _registry_faults(registry, current, history)
    for name, schema in current.items():
        faults += _schema_faults(name, schema, history[name])
    return faults


def _read(entry: Traversable) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(entry.read_text("utf-8"))
    return parsed


def _history(root: Traversable, name: str) -> dict[int, dict[str, Any]]:
    folder = root.joinpath("history", name)
    if not folder.is_dir():
        return {}
    versions = {
        int(entry.name.removeprefix("v").removesuffix(".avsc")): _read(entry)
        for entry in folder.iterdir()
    }
    return dict(sorted(versions.items()))


def _registry_faults(
    registry: Mapping[str, Any],
    current: Mapping[str, Any],
    history: Mapping[str, Mapping[int, Any]],
) -> list[Incompatibility]:
    faults: list[Incompatibility] = []
    taken: dict[int, str] = {}
    registered: set[str] = set()
    for subject, entry in registry["subjects"].items():
        name = entry["schema"]
        registered.add(name)
        path = f"registry.json/{subject}"
        if name not in current:
            faults.append(_fault(name, "UNKNOWN_SCHEMA", path, f"there is no {name}.avsc"))
            continue
        versions = {int(version): schema_id for version, schema_id in entry["versions"].items()}
        for version in sorted(versions.keys() ^ history[name].keys()):
            where = "registry.json" if version in versions else f"history/{name}"
            what = f"version {version} is only in {where}"
            faults.append(_fault(name, "VERSION_MISSING", path, what))
        for version, schema_id in versions.items():
            place = f"{subject} version {version}"
            if schema_id in taken:
                what = f"id {schema_id} of {place} belongs to {taken[schema_id]} already"
                faults.append(_fault(name, "ID_TAKEN", path, what))
            taken[schema_id] = place
    for name in sorted(current.keys() - registered):
        what = f"{name}.avsc belongs to no subject"
        faults.append(_fault(name, "NOT_REGISTERED", "registry.json", what))
    return faults


def _schema_faults(
    name: str, schema: dict[str, Any], versions: Mapping[int, dict[str, Any]]
) -> list[Incompatibility]:
    faults: list[Incompatibility] = []
    newest = max(versions, default=0)
    if newest and versions[newest] != schema:
        what = (
            f"{name}.avsc is not its newest frozen version {newest}. To publish the change: copy"
            f" it to history/{name}/v{newest + 1}.avsc and give version {newest + 1} the next free"
            " id in registry.json. Never change a frozen file"
        )
        faults.append(_fault(name, "NOT_FROZEN", f"{name}.avsc", what))
    now = avro.schema.make_avsc_object(schema)
    for version, text in versions.items():
        then = avro.schema.make_avsc_object(text)
        for way, reader, writer, fields in (
            ("BACKWARD", now, then, schema["fields"]),
            ("FORWARD", then, now, text["fields"]),
        ):
            checker: Any = ReaderWriterCompatibilityChecker  # it has no types
            found = checker().get_compatibility(reader, writer)
            if found.compatibility is not SchemaCompatibilityType.compatible:
                names = [field["name"] for field in fields]
                faults.append(_incompatible(name, f"{way} with version {version}", found, names))
    return faults


def _incompatible(name: str, way: str, found: Any, fields: list[str]) -> Incompatibility:
    """Put Avro's findings into one fault; it keeps kinds, places and messages apart."""
    places = sorted(found.locations - {"/"}) or ["/"]
    return _fault(
        name,
        ", ".join(kind.value for kind in found.incompatibilities),
        ", ".join(_place(place, fields) for place in places),
        f"not {way}: {'; '.join(sorted(found.messages))}",
    )


def _place(path: str, fields: list[str]) -> str:
    """Give /fields/3/type the field's name, which Avro leaves out."""
    parts = path.split("/")
    if len(parts) > 2 and parts[1] == "fields":
        return f"{path} ({fields[int(parts[2])]})"
    return path


def _fault(name: str, kind: str, path: str, message: str) -> Incompatibility:
    return Incompatibility(schema=name, kind=kind.upper(), path=path, message=message)
