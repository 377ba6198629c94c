"""From a YAML to a connector: what is not there, or cannot be loaded, is said by key."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from lgsp.domain.errors import ConfigurationError
from lgsp_connectors.kit import registry

_BROKEN = EntryPoint("broken", "no_such_module_here:Portal", registry.GROUP)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("connector: fils\n", "connector: no connector 'fils'"),
        (
            "connector: broken\n",
            "connector: broken cannot be loaded: ModuleNotFoundError: No module",
        ),
        ("connector: [files]\n", "connector: "),
        ("portal: p\n", "connector: "),
    ],
)
def test_a_connector_that_is_not_there_is_a_fault_of_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    known = registry.installed()
    monkeypatch.setattr(registry, "installed", lambda: known | {"broken": _BROKEN})
    file = tmp_path / "c.yaml"
    file.write_text(text, "utf-8")

    with pytest.raises(ConfigurationError) as caught:
        registry.read_config(file)

    assert f"c.yaml:1: {said}" in str(caught.value)
