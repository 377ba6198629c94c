"""Programs that tests start: without one its tests are skipped, in CI they fail."""

import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

import pytest


def program(name: str, made_by: str, folder: Path | None = None) -> str:
    """Return the path of a program in `folder`, by default the environment's or the user's."""
    path = str(folder or os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    return shutil.which(name, path=path) or missing(f"{name} is not here (`{made_by}`)")


def missing(what: str) -> NoReturn:
    """Skip the test for the stated reason; in CI fail it, because nothing may be skipped there."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)
