"""What a process was about to state when it died: the log may hold it, or a part, or none of it.

The source may have gone back meanwhile to what it said before. By its entry alone that is nothing
new, and what the log may hold would stand for ever.
"""

from collections.abc import Sequence
from typing import NamedTuple

from lgsp.domain.event import DossierEvent, statement_of
from lgsp_connectors.kit.memory.entry import Entry
from lgsp_connectors.kit.memory.news import news


class Told(NamedTuple):
    """What a record says of one dossier: its events, its personal data's digest, its file."""

    events: Sequence[DossierEvent]
    personal: bytes
    file: str


def without(entry: Entry, *, whole: bool) -> Entry:
    """Give the entry as if nothing had been announced, but for who filed the dossier.

    Of single steps (not `whole`) what was announced otherwise is not known: it is news again.
    """
    announced = entry.announced
    if announced is None:
        return entry
    stated = entry.stated
    if not whole:
        stated = {s: a for s, a in stated.items() if announced.stated.get(s) == a}
    return entry._replace(stated=stated, filing=announced.filing, announced=None)


def settled(announced: Entry, after: Entry, word: Told) -> tuple[list[DossierEvent], Entry]:
    """Give what is to be stated once more of a whole dossier, and its entry afterwards.

    The same word as was announced needs nothing: what was sent of it has the same ids. Another
    one is stated in full, later than what was announced. An older one settles nothing.

    Args:
        announced: what the log may hold.
        after: the entry after the record, as if nothing had been announced.
        word: of the last record that tells of the dossier.
    """
    last = word.events[-1]
    stated = last.stated_at is not None
    order = max(announced.written, after.written)
    if _words_of(after) == _words_of(announced):
        if after.written == announced.written:
            return [], after
        order = announced.written - 1  # stated in full then, too: with the same ids
    elif stated and statement_of(last) < announced.said and not announced.ties(last, word.file):
        return [], after._replace(announced=announced)
    doubtful = announced._replace(stated={}, said=0, written=order)
    events, again = news(doubtful, word.events, whole=True, personal=word.personal, file=word.file)
    return events, again._replace(filing=after.filing)


def _words_of(entry: Entry) -> tuple[object, ...]:
    return entry.stated, entry.paused, entry.shown_at, entry.said, entry.file
