import json
import shutil
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from lgsp_schemas.compatibility import Incompatibility, check_schemas

Edit = Callable[[dict[str, Any]], object]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    copied = tmp_path / "schemas"
    shutil.copytree(Path(str(files("lgsp_schemas"))), copied)
    return copied


def _edit(path: Path, edit: Edit) -> None:
    schema = json.loads(path.read_text())
    edit(schema)
    path.write_text(json.dumps(schema))


def _event_faults(root: Path, edit: Edit) -> list[Incompatibility]:
    """Check after an edit of dossier_event, without the reminder to freeze it."""
    _edit(root / "dossier_event.avsc", edit)
    faults = check_schemas(root)
    assert [f.kind for f in faults if f.kind == "NOT_FROZEN"] == ["NOT_FROZEN"]
    return [f for f in faults if f.kind != "NOT_FROZEN"]


def _messages(faults: list[Incompatibility]) -> list[str]:
    return sorted(fault.message for fault in faults)


def test_the_published_schemas_are_compatible_and_frozen() -> None:
    assert [] == check_schemas()


def test_a_new_field_with_a_default_may_be_added(root: Path) -> None:
    new = {"name": "ward", "type": "string", "default": ""}

    assert [] == _event_faults(root, lambda schema: schema["fields"].append(new))


def test_a_new_field_without_a_default_breaks_backward(root: Path) -> None:
    new = {"name": "ward", "type": "string"}

    found = _event_faults(root, lambda schema: schema["fields"].append(new))

    assert {"READER_FIELD_MISSING_DEFAULT_VALUE"} == {fault.kind for fault in found}
    assert {"/fields/26 (ward)"} == {fault.path for fault in found}
    assert [f"not BACKWARD with version {n}: ward" for n in (1, 2)] == _messages(found)


def test_a_needed_field_taken_away_breaks_forward(root: Path) -> None:
    found = _event_faults(root, lambda schema: schema["fields"].pop(1))

    assert [f"not FORWARD with version {n}: portal" for n in (1, 2)] == _messages(found)


def test_another_type_breaks_both_ways(root: Path) -> None:
    found = _event_faults(root, lambda schema: schema["fields"][1].update(type="long"))

    assert ["TYPE_MISMATCH"] * 4 == [fault.kind for fault in found]
    assert ["/fields/1/type (portal)"] * 4 == [fault.path for fault in found]


def test_a_new_symbol_is_read_as_unknown_by_old_readers(root: Path) -> None:
    def edit(schema: dict[str, Any]) -> None:
        status = next(field for field in schema["fields"] if field["name"] == "status")
        status["type"]["symbols"].append("ARCHIVED")

    assert [] == _event_faults(root, edit)


def test_an_unfrozen_change_is_told_how_to_be_frozen(root: Path) -> None:
    _edit(root / "rate_cell.avsc", lambda schema: schema.update(doc="Other words."))

    (fault,) = check_schemas(root)

    assert "NOT_FROZEN" == fault.kind
    assert "copy it to history/rate_cell/v2.avsc" in fault.message


def test_a_frozen_change_passes(root: Path) -> None:
    new = {"name": "ward", "type": "string", "default": ""}
    _edit(root / "rate_cell.avsc", lambda schema: schema["fields"].append(new))
    shutil.copy(root / "rate_cell.avsc", root / "history" / "rate_cell" / "v2.avsc")

    def register(registry: dict[str, Any]) -> None:
        registry["subjects"]["rate-cells-value"]["versions"]["2"] = 6

    _edit(root / "registry.json", register)

    assert [] == check_schemas(root)


def test_the_registry_must_be_complete_and_its_ids_unique(root: Path) -> None:
    def edit(registry: dict[str, Any]) -> None:
        registry["subjects"]["rate-cells-value"]["versions"] = {"1": 1, "2": 9}
        del registry["subjects"]["sync-results-value"]

    _edit(root / "registry.json", edit)

    found = {(fault.schema, fault.kind) for fault in check_schemas(root)}

    assert {
        ("rate_cell", "ID_TAKEN"),
        ("rate_cell", "VERSION_MISSING"),
        ("sync_result", "NOT_REGISTERED"),
    } == found
