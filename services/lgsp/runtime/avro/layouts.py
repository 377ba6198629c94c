"""The fields of each version of the event in order, as a reader of columns walks them."""

from typing import Any, NamedTuple

import numpy as np

import lgsp_schemas
from lgsp.runtime.avro.codec import EVENTS, MAGIC


class Layout(NamedTuple):
    """How records of one schema version are read.

    `header` is their first five bytes as a little-endian number. `fields` are name, kind and
    bound (of a record: its items) in order, `absent` those of the newest version that it lacks.
    """

    header: np.uint64
    fields: tuple[tuple[str, str, Any], ...]
    absent: tuple[tuple[str, str, Any], ...]


def most_numbers(fields: tuple[tuple[str, str, Any], ...]) -> int:
    """Count the numbers of a record at most: a field has two, where a branch comes before it."""
    return sum(2 + (most_numbers(items) if "record" in kind else 0) for _, kind, items in fields)


def _fields(schema: dict[str, Any]) -> tuple[tuple[str, str, Any], ...]:
    """List name, kind and bound (or items) of each field of the record schema, in order.

    Raises:
        NotImplementedError: a field is of a type that no column is made of.
    """
    enums: dict[str, int] = {}
    return tuple((field["name"], *_kind(field["type"], enums)) for field in schema["fields"])


def _kind(node: Any, enums: dict[str, int]) -> tuple[str, Any]:
    if isinstance(node, list) and len(node) == 2 and node[0] == "null":
        inner = node[1]
        if isinstance(inner, dict) and inner["type"] == "record":
            items = tuple((item["name"], *_kind(item["type"], enums)) for item in inner["fields"])
            return "optional record", items
        return f"optional {_simple(inner)}", 0
    if isinstance(node, dict) and node["type"] == "fixed":
        return "fixed", int(node["size"])
    if isinstance(node, dict) and node["type"] == "enum":
        enums[node["name"]] = len(node["symbols"])
    name = node["name"] if isinstance(node, dict) and "name" in node else _simple(node)
    if name in enums:
        return "number", enums[name]
    kinds = {"string": "text", "long": "number", "boolean": "boolean"}
    if name not in kinds:
        raise NotImplementedError(f"no column for the Avro type {node!r}")
    return kinds[name], 0


def _simple(node: Any) -> str:
    return str(node["type"] if isinstance(node, dict) else node)


def _layouts() -> list[Layout]:
    """Lay out every registered version, the newest first."""
    entry = lgsp_schemas.registry()["subjects"][EVENTS.subject]
    newest = _fields(lgsp_schemas.load(entry["schema"]))
    layouts = []
    for version, schema_id in sorted(entry["versions"].items(), key=lambda v: -int(v[0])):
        fields = _fields(lgsp_schemas.load_version(entry["schema"], int(version)))
        names = {name for name, _, _ in fields}
        header = MAGIC.to_bytes(1, "big") + int(schema_id).to_bytes(4, "big")
        absent = tuple(field for field in newest if field[0] not in names)
        layouts.append(Layout(np.uint64(int.from_bytes(header, "little")), fields, absent))
    return layouts


LAYOUTS = _layouts()
"""Of every registered version, the newest first."""
