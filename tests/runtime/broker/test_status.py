"""What is known of a broker where none runs."""

from pathlib import Path

import pytest

from lgsp.runtime.broker.embedded import EmbeddedBroker
from lgsp.runtime.settings import Settings


@pytest.mark.parametrize("text", ["[]", "{", '{"pid": "x", "port": 1}', '{"pid": -1, "port": 1}'])
def test_what_somebody_wrote_over_is_no_broker(tmp_path: Path, text: str) -> None:
    home = tmp_path / "broker"
    home.mkdir()
    (home / "broker.json").write_text(text)
    broker = EmbeddedBroker(Settings(data=tmp_path))
    assert not broker.status().running
    assert not broker.stop()
