"""A folder of files for each test."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.connectors.files.folder import Folder

Make = Callable[..., Folder]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Return `make(source, mapping, rest) -> Folder`."""
    return lambda source="", **rest: Folder(tmp_path, source, **rest)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Give a folder read with the plainest YAML."""
    return Folder(tmp_path)
