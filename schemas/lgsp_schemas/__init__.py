"""The log's language: Avro schemas, their registry and frozen history. Imports nothing of ours."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

NAMES = ("dossier_event", "rate_cell", "sync_result", "dead_letter")

_ROOT = files(__name__)


@cache
def load(name: str) -> dict[str, Any]:
    """Return the current schema `name` (one of NAMES) as parsed JSON."""
    return _read(f"{name}.avsc")


@cache
def load_version(name: str, version: int) -> dict[str, Any]:
    """Return the frozen schema `name` of `version`; FileNotFoundError when there is none."""
    return _read(f"history/{name}/v{version}.avsc")


@cache
def registry() -> dict[str, Any]:
    """Return registry.json: subject -> schema name and version -> id."""
    return _read("registry.json")


def _read(path: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(_ROOT.joinpath(path).read_text("utf-8"))
    return parsed
