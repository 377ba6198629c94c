"""The plan of a repair: a file of JSON lines that says what is sent of each dossier, and why."""

import os
import secrets
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from lgsp.domain.errors import ConfigurationError, Fault
from lgsp.domain.period import show_instant
from lgsp.reconciliation.findings import Finding, causes_of

_FORM = 1


class PlanLine(NamedTuple):
    """A dossier of the plan: `code` of the queue, classes with their causes, what is sent."""

    dossier: str
    code: str
    causes: dict[str, str]
    sends: list[dict[str, Any]]


class RepairPlan(NamedTuple):
    """A plan as it was read; `name` tells it from any other, `store` is whose it is."""

    name: str
    store: str
    lines: list[PlanLine]


def write_plan(path: Path, store: str, now: int, findings: Iterable[Finding]) -> int:
    """Write what can be mended from here; return how many dossiers.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    lines = [_line_of(finding) for finding in findings if finding["sends"]]
    counts: dict[str, int] = {}
    for line in lines:
        for kind in line["classes"]:
            counts[kind] = counts.get(kind, 0) + 1
    header = {
        "plan": _FORM,
        "name": secrets.token_hex(8),
        "store": store,
        "made_at": show_instant(now),
        "dossiers": len(lines),
        "classes": counts,
    }
    content = b"".join(orjson.dumps(each) + b"\n" for each in (header, *lines))
    try:
        handle, name = tempfile.mkstemp(".part", f".{path.name}-", path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except OSError as error:
        raise _refused(path, 0, error.strerror or str(error)) from error
    return len(lines)


def read_plan(path: Path) -> RepairPlan:
    """Read a plan.

    Raises:
        ConfigurationError: it is none, or a line of it cannot be read: file and line are named.
    """
    try:
        rows = path.read_bytes().splitlines()
    except OSError as error:
        raise _refused(path, 0, error.strerror or str(error)) from error
    header = _object(path, 1, rows[0] if rows else b"")
    named = [header.get("name"), header.get("store")]
    if header.get("plan") != _FORM or not all(isinstance(each, str) for each in named):
        raise _refused(path, 1, "is no plan: `lgsp reconcile --plan FILE` writes one")
    lines = []
    for number, row in enumerate(rows[1:], 2):
        found = _object(path, number, row)
        try:
            lines.append(
                PlanLine(
                    str(found["dossier"]),
                    str(found["code"]),
                    dict(found["classes"]),
                    list(found["sends"]),
                )
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _refused(path, number, "is no line of a plan") from error
    if header.get("dossiers") != len(lines):
        message = f"has {len(lines)} dossiers and says {header.get('dossiers')}: it was cut"
        raise _refused(path, 1, message)
    return RepairPlan(str(header["name"]), str(header["store"]), lines)


def _line_of(finding: Finding) -> dict[str, Any]:
    return {
        "dossier": finding["dossier"],
        "code": finding["code"],
        "classes": causes_of(finding),
        "sends": finding["sends"],
        "seen": finding["seen"],
    }


def _object(path: Path, number: int, row: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(row)
    except orjson.JSONDecodeError as error:
        raise _refused(path, number, "is no JSON") from error
    if not isinstance(found, dict):
        raise _refused(path, number, "is no JSON object")
    return found


def _refused(path: Path, line: int, message: str) -> ConfigurationError:
    return ConfigurationError([Fault(message=message, file=str(path), line=line)])
