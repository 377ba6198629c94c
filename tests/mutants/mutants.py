"""The list of mutants, and what is done with each: apply, run its tests, put back."""

import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("mutants.toml")
_WITHIN = 600.0  # seconds for one run of pytest; a test by itself has far less
_FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - (\w+).*)?$", re.MULTILINE)
_OF_THE_MUTANT = frozenset({"AttributeError", "ImportError", "NameError", "UnboundLocalError"})
_TESTS_FAILED = 1  # pytest's exit code; others: interrupted, usage error, nothing collected


@dataclass(frozen=True)
class Mutant:
    """A change of one place in the code that some of `tests` (pytest's arguments) must notice."""

    promise: str
    file: str
    text: str
    becomes: str
    tests: tuple[str, ...]

    def applied(self, source: str) -> str:
        """Return the file's text with the change made; ValueError when it does not fit once."""
        if (count := source.count(self.text)) != 1:
            raise ValueError(f"{self.file}: stands {count} times, not once: {self.text.strip()}")
        return source.replace(self.text, self.becomes)


@dataclass(frozen=True)
class Outcome:
    """What the tests said; `by` is the first that failed, "" when none did."""

    killed: bool
    by: str
    seconds: float
    output: str


def load() -> list[Mutant]:
    """Read the list."""
    entries = tomllib.loads(LIST.read_text("utf-8"))["mutant"]
    return [Mutant(**entry | {"tests": tuple(entry["tests"])}) for entry in entries]


class Tree:
    """A copy of the working tree in `folder`: the only place where code is changed."""

    def __init__(self, folder: Path) -> None:
        ignored = [".git", *(ROOT / ".gitignore").read_text("utf-8").split()]

        def left_out(_folder: str, names: list[str]) -> set[str]:
            return {n for n in names if any(fnmatch(n, i.rstrip("/")) for i in ignored)}

        self._folder = folder
        self._stamp = int(time.time())
        shutil.copytree(ROOT, folder, ignore=left_out, symlinks=True)

    def try_out(self, mutant: Mutant) -> Outcome:
        """Apply the mutant, run its tests, put the file back."""
        path = self._folder / mutant.file
        source = path.read_text("utf-8")
        self._write(path, mutant.applied(source))
        try:
            return self.run(mutant.tests)
        finally:
            self._write(path, source)

    def run(self, arguments: Sequence[str]) -> Outcome:
        """Run pytest on the copy until the first failure."""
        began = time.monotonic()
        roots = os.pathsep.join(
            str(self._folder / n) for n in ("services", "connectors", "schemas")
        )
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-rfE", "--tb=short", *arguments]
        try:
            said = subprocess.run(
                [*command, "-p", "no:cacheprovider", "-m", "not kafka and not postgres"],
                cwd=self._folder,
                env=os.environ | {"PYTHONPATH": roots, "CI": "true", "HYPOTHESIS_NO_SHRINK": "1"},
                capture_output=True,
                text=True,
                check=False,
                timeout=_WITHIN,
            )
        except subprocess.TimeoutExpired:
            return Outcome(killed=False, by="no end", seconds=_WITHIN, output="")
        failed = _FAILED.search(said.stdout)
        seconds, output = time.monotonic() - began, said.stdout + said.stderr
        if said.returncode == 0:
            return Outcome(killed=False, by="", seconds=seconds, output=output)
        # A change that names what is not there breaks every test, and proves nothing.
        if said.returncode != _TESTS_FAILED or not failed or failed[2] in _OF_THE_MUTANT:
            return Outcome(killed=False, by="broken mutant", seconds=seconds, output=output)
        return Outcome(killed=True, by=failed[1], seconds=seconds, output=output)

    def _write(self, path: Path, text: str) -> None:
        """Write, with a time that no compiled form of the file has seen."""
        path.write_text(text, "utf-8")
        self._stamp += 1
        os.utime(path, (self._stamp, self._stamp))
