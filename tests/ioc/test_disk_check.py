"""A full disk lowers the trust, and names the place and the way out."""

from pathlib import Path

import pytest

from lgsp.domain.reasons import Reason
from lgsp.ioc.disk_check import DiskCheck
from lgsp.store.engine import open_store


def test_a_disk_without_room_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_store(f"sqlite:///{tmp_path / 'rates.db'}")
    check = DiskCheck(tmp_path / "data", engine)
    assert list(check()) == []
    monkeypatch.setattr("lgsp.runtime.disk._LITTLE", 1 << 62)
    (finding,) = check()
    assert finding.reason is Reason.DISK_FULL
    assert str(tmp_path / "data") in finding.detail
    assert "LGSP_DATA" in finding.detail
    engine.dispose()
