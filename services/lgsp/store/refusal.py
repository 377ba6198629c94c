"""A note beside a SQLite store that says why it must not be counted into any more.

A file that was put over a live one is a mixture of two; nothing in it can be trusted to say so.
The note stands until `lgsp restore` or `lgsp upgrade` puts a whole store there.
"""

import os
from pathlib import Path

from lgsp.domain.errors import ConfigurationError
from lgsp.runtime.private import create_private

_WAY_OUT = (
    "restore a backup (`lgsp restore --from FOLDER`), or move the store and this note away: an"
    " empty one is filled from the log"
)


def refuse(file: Path, reason: str) -> None:
    """Leave the note; what cannot be written is left out: the caller says the reason, too."""
    note = _note(file)
    create_private(note)
    try:
        note.write_text(f"{reason}\n", "utf-8")
    except OSError:
        return


def refusal(file: Path) -> str:
    """Return why the store is refused, with the way out; "" when it is not."""
    try:
        reason = _note(file).read_text("utf-8").strip()
    except FileNotFoundError:
        return ""
    return f"{reason}: {way_out(file)}"


def raise_if_refused(file: Path) -> None:
    """Raise ConfigurationError when the store is refused."""
    if reason := refusal(file):
        raise ConfigurationError(reason)


def way_out(file: Path) -> str:
    """Say what to do about a refused store."""
    return f"stop all that runs on it, then {_WAY_OUT} ({_note(file)})"


def forget_refusal(file: Path) -> None:
    """Take the note away: a whole store stands there now."""
    with_note = _note(file)
    if with_note.exists():
        os.unlink(with_note)


def _note(file: Path) -> Path:
    return file.with_name(f"{file.name}.refused")
