"""Files of state are their owner's, whatever the umask."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lgsp.mocks.national.store import PortalStore
from lgsp.runtime.private import create_private
from lgsp.store.engine import open_store


@pytest.fixture(params=[0o000, 0o022, 0o777])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


@pytest.mark.usefixtures("umask")
def test_a_private_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    create_private(tmp_path / "a")
    assert modes(tmp_path) == {"a": 0o600}


def test_a_file_that_exists_keeps_its_mode_and_content(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("x")
    file.chmod(0o640)
    create_private(file)
    assert (file.read_text(), modes(tmp_path)) == ("x", {"a": 0o640})


def test_the_store_and_the_mock_are_private(tmp_path: Path) -> None:
    engine = open_store(f"sqlite:///{tmp_path}/rates.db")
    store = PortalStore(tmp_path / "mock.db")
    with engine.connect():
        found = modes(tmp_path)
    store.close()
    engine.dispose()
    assert {"rates.db", "mock.db"} <= found.keys()
    assert set(found.values()) == {0o600}
