"""Wall clocks of processes set wrong while they run: each has a file that says how far."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

_PRELOAD = Path(__file__).parent / "preload"


class Clocks:
    """The clocks of the processes whose command lines have all words of a name.

    Args:
        folder: made here; one file a clock.
        words: of each clock's process, such as `worker rates`.
    """

    def __init__(self, folder: Path, words: Mapping[str, str]) -> None:
        self._folder, self._words = folder, words
        folder.mkdir()
        for name in words:
            self._set(name, 0)

    @property
    def environment(self) -> dict[str, str]:
        """Return what the processes' environment has to hold."""
        path = os.pathsep.join([str(_PRELOAD), os.environ.get("PYTHONPATH", "")])
        return {"PYTHONPATH": path, "CHAOS_CLOCKS": str(self._folder)}

    @contextmanager
    def off(self, name: str, seconds: int) -> Iterator[None]:
        """Set a clock off by so many seconds, and right again after the block."""
        self._set(name, seconds)
        try:
            yield
        finally:
            self._set(name, 0)

    def _set(self, name: str, seconds: int) -> None:
        new = self._folder.with_suffix(".new")
        new.write_text(str(seconds))
        new.rename(self._folder / self._words[name])
