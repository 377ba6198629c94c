"""Why a person has closed dead letters: a line each in a file of the data folder."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.period import show_instant
from lgsp.runtime.clock import now_ms
from lgsp.runtime.letters.dead_letters import DeadLetter
from lgsp.runtime.personal import mask
from lgsp.runtime.private import create_private


def note_closed(
    data: Path, letters: Sequence[DeadLetter], why: str, clock: Callable[[], int] = now_ms
) -> Path:
    """Note letters that are about to be closed, and return the file once the disk has it.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    path = data / "closed-letters.jsonl"
    at = show_instant(clock())
    lines = [
        orjson.dumps(
            {
                "at": at,
                "why": mask(why),
                "letter_id": letter.letter_id,
                "stage": letter.stage.value,
                "portal": letter.portal,
                "dossier_code": letter.dossier_code,
                "reason": letter.reason,
                "origin": letter.origin,
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for letter in letters
    ]
    create_private(path)
    try:
        with path.open("ab") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}") from error
    return path
