import errno
import os
from pathlib import Path

import pytest

from lgsp.runtime import disk
from lgsp.runtime.disk import describe, has_no_room


def full(path: str | None = None) -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)


def test_a_full_disk_is_told_with_its_file_and_the_way_out(tmp_path: Path) -> None:
    said = describe(full(f"{tmp_path}/none/yet"), Path("elsewhere"))
    assert said.startswith(f"{tmp_path}/none/yet: No space left on device: its disk has ")
    assert said.endswith("MB left: make room there, or set LGSP_DATA to a folder on another disk")


def test_our_state_is_named_only_where_its_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert describe(full(), tmp_path) == "No space left on device"
    assert not has_no_room(tmp_path)
    monkeypatch.setattr(disk, "_left", lambda _path: 4096)
    assert describe(full(), tmp_path).startswith(f"{tmp_path}: No space left on device: its disk")


def test_another_fault_is_told_with_its_file() -> None:
    assert describe(PermissionError(errno.EACCES, "Permission denied", "a/b"), Path()) == (
        "a/b: Permission denied"
    )
