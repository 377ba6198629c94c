"""Every installed connector of this project keeps the house rules; found by entry point."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import yaml

from lgsp_connectors.kit.config import Head, RunSettings
from lgsp_connectors.kit.registry import installed, start_of
from lgsp_connectors.kit.suite import ConnectorContract

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
FLEET = [p for p in installed().values() if p.value.startswith("lgsp_connectors.")]


def suites(name: str) -> list[type]:
    file = HERE / f"test_{name.replace('-', '_')}.py"
    spec = importlib.util.spec_from_file_location(f"fleet_{name}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    own = [v for v in vars(module).values() if isinstance(v, type)]
    return [v for v in own if issubclass(v, ConnectorContract) and v.__module__ == spec.name]


def keys(model: Any) -> list[str]:
    found = []
    for name, field in model.model_fields.items():
        found.append(name)
        if hasattr(field.annotation, "model_fields"):
            found += keys(field.annotation)
    return found


def test_the_fleet_is_found() -> None:
    assert {"files", "opencps"} <= {point.name for point in FLEET}


@pytest.mark.parametrize("point", FLEET, ids=lambda point: point.name)
class TestEach:
    def test_has_the_parts_of_a_connector(self, point: Any) -> None:
        kind = point.load()
        assert point.name == kind.name
        for part in ("start", "fetch", "to_events", "close"):
            assert callable(getattr(kind, part))
            assert getattr(kind, part).__doc__

    def test_runs_the_contract_suite(self, point: Any) -> None:
        assert suites(point.name)

    def test_documents_every_key(self, point: Any) -> None:
        page = (ROOT / f"docs/connectors/{point.name}.md").read_text("utf-8")
        for key in keys(point.load().settings):
            assert f"`{key}`" in page, f"{key} is not in docs/connectors/{point.name}.md"

    def test_has_a_starter_of_valid_yaml(self, point: Any) -> None:
        data = yaml.safe_load(start_of(point.name, "my-portal").yaml)
        head = Head.model_validate({k: v for k, v in data.items() if k in Head.model_fields})
        assert (head.connector, head.portal) == (point.name, "my-portal")


def test_common_keys_are_documented() -> None:
    page = (ROOT / "docs/how-to/add-a-connector.md").read_text("utf-8")
    for key in [*Head.model_fields, *RunSettings.model_fields]:
        assert f"`{key}`" in page
