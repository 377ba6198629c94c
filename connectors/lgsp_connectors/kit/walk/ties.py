"""A group of rows of one time that no answer holds whole: has all of it been read?"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from lgsp_connectors.kit.walk.window import Window

_OVERLAP = 10  # rows read again with the next answer: so many may be removed meanwhile
_IN_ORDER = 5  # rows that follow each other as before are no accident


def overlap_of(rows: int) -> int:
    """Give how many of an answer's rows the next one reads again."""
    return max(1, min(_OVERLAP, max(rows // 2, min(_IN_ORDER, rows - 1))))


@dataclass
class Ties:
    """The rows of one time, met so far in one or more sweeps over them.

    Two proofs that none is missing:

    - *the order holds*: each answer of a sweep begins with at least five rows of the answer before
      it, in the same order, or brings none that is new. So the portal orders equal times in a
      stable way, and rows that follow each other were read without a gap. Answers of five rows or
      fewer cannot show it. Two servers that take turns may differ elsewhere than at the seams, so
      the count has to agree, but for about as many rows as left during the sweep before; without
      a count, a second sweep in order has to meet none that is new.
    - *the count holds*, for a portal that orders equal times anew each time. An answer tells
      exactly how many rows stand from the group's first row to the end of the list (its total less
      that row's place), a later one how many stand behind the group. Where rows only leave both,
      the difference is at least the group's size when the first of the two was given, and as many
      distinct rows met since are all of them. The first number is the same again when the next
      sweep begins only if none has left meanwhile; else the count begins anew. A row that joins,
      shown late or by a portal set back, can stand in a count for one that was not met, and leave
      every number as it was. So the count has to hold a second time, with none that the first had
      not: then a row that stood all the while is missing only if rows joined during both.

    Args:
        time: of the group, ms UTC.
        down: rows from the group's first row to the end of the list; None: the portal's total is
            none, or is wrong.
    """

    time: int
    down: int | None
    met: set[str] = field(default_factory=set)
    size: int | None = None
    ordered: bool = True
    sweeps: int = 1
    left: int = 0  # rows that left the group, or the list below it, since the sweep before began
    before: int = -1  # rows met when the sweep before ended in order; -1: it did not
    _counted: frozenset[str] = frozenset()  # the rows of the last count that held
    _anew: bool = False  # the next sweep begins another count
    _last: Sequence[str] = ()
    _start: int = 0  # where it stood

    def again(self, down: int | None) -> None:
        """Begin another sweep, with the answer that shows the group's first row."""
        self.sweeps += 1
        self.before = len(self.met) if self.ordered else -1
        self.left = 0 if None in (down, self.down) else max(0, (self.down or 0) - (down or 0))
        self.ordered, self._last = True, ()
        if down is None or self.down is None or down > self.down:
            self._counted = frozenset()  # rows have joined, or nobody can tell
        if self._anew or down != self.down:
            self.met.clear()
        self.down, self._anew = down, False

    def meet(self, answer: Window, times: Sequence[int]) -> None:
        """Take one answer of the sweep; `times`: by which its rows stand."""
        ids = [row.id for row in answer.rows]
        if not times or times[0] <= self.time:
            lead = max(0, self._start - answer.start)
            self.ordered = self.ordered and self._follows(ids[lead:], times)
        self.met.update(i for i, at in zip(ids, times, strict=True) if at == self.time)
        self._last, self._start = ids, answer.start

    def end(self, behind: int | None) -> bool:
        """End the sweep; tell whether the whole group was met.

        Args:
            behind: rows that stand behind the group; None: nobody can tell.
        """
        self.size = None if self.down is None or behind is None else self.down - behind
        if self.size is None:
            return self.ordered and len(self.met) == self.before
        missing = self.size - len(self.met)
        return missing <= 2 * self.left if self.ordered else self._holds_again(missing)

    def _holds_again(self, missing: int) -> bool:
        """Tell whether the count holds as it did before; it begins anew when it is through."""
        self._anew = missing <= 0  # more than there are: rows have joined
        if missing:
            return False
        before, self._counted = self._counted, frozenset(self.met)
        return self._counted <= before

    def _follows(self, ids: Sequence[str], times: Sequence[int]) -> bool:
        if not self._last:
            return True  # the first answer of the sweep
        if not times or times[0] < self.time:
            return False
        before = {id_: place for place, id_ in enumerate(self._last)}
        places = [before[id_] for id_ in ids if id_ in before]
        rising = all(a < b for a, b in pairwise(places))
        together = all(id_ in before for id_ in ids[: len(places)])
        return rising and together and len(places) >= min(_IN_ORDER, len(ids))
