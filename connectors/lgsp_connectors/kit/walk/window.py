"""What a walker asks of a portal's list, and what comes back."""

from collections.abc import Sequence
from typing import NamedTuple

from lgsp.domain.errors import FatalError, RetryableError
from lgsp_connectors.kit.contract import Record

TOP = 2**62
"""Later than any time: what stands before the first row that has one."""
_MOST_DOUBTS = 5  # in a row: then it is no hiccup


class Listed(NamedTuple):
    """One dossier of the list.

    Args:
        id: tells the dossier from the others, whatever changes.
        at: its last change, ms UTC; None: it has none that can be read.
        record: what the connector is to map.
    """

    id: str
    at: int | None
    record: Record


class Ask(NamedTuple):
    """Ask for `rows` rows from the row `start` on, counted from 0."""

    start: int
    rows: int


class Window(NamedTuple):
    """One answer: a moment of the list.

    Args:
        start: where its first row stands in the list, at or before what was asked for.
        rows: as many as the portal gave.
        total: how many rows the portal says the list has; None: it does not say.
    """

    start: int
    rows: Sequence[Listed]
    total: int | None = None


class DoubtfulError(RetryableError):
    """An answer that cannot be right; the next one may be."""


class Doubts:
    """Counts doubtful answers in a row."""

    def __init__(self) -> None:
        self.count = 0

    def settle(self) -> None:
        """An answer was good."""
        self.count = 0

    def raised(self, error: DoubtfulError) -> Exception:
        """Give what to raise: the error itself, or after some in a row the end."""
        self.count += 1
        if self.count < _MOST_DOUBTS:
            return error
        return FatalError(f"{error}; {self.count} answers in a row")
