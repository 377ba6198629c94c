"""The schemas and what the code calls their fields are one thing."""

from dataclasses import fields
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest

import lgsp_schemas
from lgsp.domain.event import Channel, DossierEvent, ServiceLevel
from lgsp.domain.profiles.profile import Profile
from lgsp.domain.profiles.registry import PROFILES
from lgsp.domain.status import Status
from lgsp.runtime.letters.dead_letters import DeadLetter, Stage

README = Path(lgsp_schemas.__file__).with_name("README.md")


def _fields(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lgsp_schemas.load(name)["fields"]
    return found


def _symbols(name: str, field: str) -> list[str]:
    (found,) = [f["type"]["symbols"] for f in _fields(name) if f["name"] == field]
    return list(found)


@pytest.mark.parametrize(
    ("schema", "dataclass"), [("dossier_event", DossierEvent), ("dead_letter", DeadLetter)]
)
def test_the_fields_are_the_dataclass_s(schema: str, dataclass: Any) -> None:
    assert [field.name for field in fields(dataclass)] == [f["name"] for f in _fields(schema)]


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda p: p.name)
def test_a_published_cell_holds_every_measure(profile: Profile) -> None:
    assert [*profile.measures.names] == [f["name"] for f in _fields("rate_cell")][6:]


@pytest.mark.parametrize(
    ("schema", "field", "enum"),
    [
        ("dossier_event", "status", Status),
        ("dossier_event", "channel", Channel),
        ("dossier_event", "service_level", ServiceLevel),
        ("sync_result", "status", Status),
    ],
)
def test_a_symbol_s_place_is_its_code(schema: str, field: str, enum: type[IntEnum]) -> None:
    assert _symbols(schema, field) == [member.name for member in sorted(enum)]
    assert list(range(len(enum))) == sorted(enum)


def test_the_stages_are_the_enum_s() -> None:
    assert [stage.name for stage in Stage] == _symbols("dead_letter", "stage")


def test_an_enum_has_an_unknown_default_so_that_new_symbols_can_be_read() -> None:
    kinds = [field["type"] for name in lgsp_schemas.NAMES for field in _fields(name)]
    enums = [kind for kind in kinds if isinstance(kind, dict) and kind["type"] == "enum"]

    assert enums
    assert {("UNKNOWN", "UNKNOWN")} == {(kind["default"], kind["symbols"][0]) for kind in enums}


@pytest.mark.parametrize("name", lgsp_schemas.NAMES)
def test_the_readme_has_a_row_for_every_field(name: str) -> None:
    part = README.read_text().split(f"## {name}\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1].strip(" `") for line in part.splitlines() if line.startswith("| `")]

    assert [field["name"] for field in _fields(name)] == rows
