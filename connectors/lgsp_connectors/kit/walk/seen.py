"""One answer of a list that is read newest change first, understood."""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from lgsp_connectors.kit.walk.window import TOP, Listed, Window

_FEW = 4  # one row in so many may show a time that does not fit its place


@dataclass(frozen=True)
class Seen:
    """An answer in its order.

    Args:
        answer: what came.
        times: by which its rows stand, falling, ms UTC.
        misplaced: rows whose own time does not fit their place.
    """

    answer: Window
    times: Sequence[int]
    misplaced: Sequence[Listed]

    @property
    def end(self) -> int:
        """Give the place behind its last row, counted from 0 in the whole list."""
        return self.answer.start + len(self.times)

    @property
    def rows(self) -> Iterator[tuple[Listed, int]]:
        """Give each row with the time by which it stands."""
        return zip(self.answer.rows, self.times, strict=True)

    @property
    def is_in_order(self) -> bool:
        """Whether so few rows are out of place that the list itself is in order."""
        return len(self.misplaced) * _FEW <= len(self.times)

    def behind(self, place: int) -> int | None:
        """Give how many rows the list has from a place of the answer on; None: nobody can tell."""
        total = self.answer.total
        if total is None or total < self.end:
            return None
        return total - self.answer.start - place


def understand(answer: Window, above: int, excused: Collection[tuple[str, int | None]]) -> Seen:
    """Find by which time each row stands in the list.

    A row without a time, or with one that does not fit its place, stands by the row before it; at
    the beginning of an answer, by the next one that has a time.

    Args:
        answer: newest change first.
        above: the time that was read down to; `TOP`: none yet.
        excused: (id, time) of rows that are known to be out of place.
    """
    rows = answer.rows
    shown = [None if (row.id, row.at) in excused else row.at for row in rows]
    wrong = _misplaced(shown)
    for i in wrong:
        shown[i] = None
    if above != TOP:
        above = next((at for at in shown if at is not None), above)
    times: list[int] = []
    for at in shown:
        above = above if at is None else at
        times.append(above)
    return Seen(answer, times, [rows[i] for i in wrong])


def _misplaced(times: Sequence[int | None]) -> list[int]:
    """Give the places that do not fit a list in falling order: the fewest that explain it."""
    known = [i for i, at in enumerate(times) if at is not None]
    lowest: list[int] = []  # the last times (negated) of the best falling rows of each length
    ends: list[int] = []
    before: dict[int, int] = {}
    for i in known:
        key = -(times[i] or 0)
        at = bisect_right(lowest, key)
        before[i] = ends[at - 1] if at else -1
        lowest[at : at + 1], ends[at : at + 1] = [key], [i]
    fitting = set()
    i = ends[-1] if ends else -1
    while i >= 0:
        fitting.add(i)
        i = before[i]
    return [i for i in known if i not in fitting]
