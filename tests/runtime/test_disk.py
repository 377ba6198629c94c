import errno
import os
from pathlib import Path

import pytest

from lgsp.runtime import disk
from lgsp.runtime.disk import describe, has_no_room, refused


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
    assert describe(IsADirectoryError(errno.EISDIR, "Is a directory", "a/b"), Path()) == (
        "a/b: Is a directory"
    )


@pytest.fixture
def denied(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may be written, as for a user to whom nothing belongs."""
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)


@pytest.mark.usefixtures("denied")
def test_a_place_of_another_user_is_told_with_both_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 65_534_123)
    error = PermissionError(errno.EACCES, "Permission denied", f"{tmp_path}/none/yet")

    assert describe(error, Path("elsewhere")) == (
        f"{tmp_path}/none/yet: Permission denied: {tmp_path} belongs to user {tmp_path.owner()},"
        " and this is 65534123: run it as that user, or set LGSP_DATA to a folder of your own"
    )


@pytest.mark.usefixtures("denied")
def test_a_place_of_ours_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    assert refused(tmp_path / "x") == (
        f"this user may not write {tmp_path}: change its mode, or set LGSP_DATA"
    )


def test_what_may_be_written_is_not_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert refused(tmp_path / "x") == ""
    monkeypatch.setattr(disk, "_left", lambda _path: 4096)
    assert refused(tmp_path / "x").startswith("its disk has 0.0 MB left: make room there")
