"""How many letters of records that should be counted are open, of each portal."""

from collections import Counter

from lgsp.domain.errors import RejectedRecord
from lgsp.domain.reasons import Finding, Reason
from lgsp.runtime.letters.dead_letters import Stage, decode_letter

_NOT_COUNTED = frozenset({Stage.UNKNOWN, Stage.CONNECTOR, Stage.RATES})
"""Stages whose rejects are in no figure; the national sync's are counted all the same."""


class OpenLetterCounts:
    """Open letters by portal, as a table of the topic dead-letters; no record is kept."""

    def __init__(self) -> None:
        self._portals: dict[bytes, str] = {}

    def clear(self) -> None:
        """Forget everything."""
        self._portals.clear()

    def take(self, key: bytes, value: bytes | None) -> None:
        """Take a letter; None: it was closed. One that cannot be read counts, too."""
        self._portals.pop(key, None)
        if value is None:
            return
        try:
            letter = decode_letter(value)
        except (RejectedRecord, KeyError):
            self._portals[key] = ""
            return
        if letter.stage in _NOT_COUNTED:
            self._portals[key] = letter.portal

    def findings(self) -> list[Finding]:
        """Give one finding for each portal that has open letters."""
        counts = Counter(self._portals.values())
        return [
            Finding(Reason.LETTERS_OPEN, portal, number=count)
            for portal, count in sorted(counts.items())
        ]
