"""How a walk goes down a list, answer by answer, so that no row is passed over."""

import structlog

from lgsp_connectors.kit.walk.cursor import Pass
from lgsp_connectors.kit.walk.seen import Seen
from lgsp_connectors.kit.walk.ties import Ties, overlap_of
from lgsp_connectors.kit.walk.window import DoubtfulError, Window

_BELOW = 3  # rows beyond the floor that end a pass: one alone might show a wrong time
_MOST_STUCK = 20  # answers in a row that had to be read from further up
_MOST_REPEATS = 3
_MOST_SWEEPS = 60  # over a group of one time that never shows as a whole
_MOST_UNCOUNTED = 12  # of them where no total tells its size: only an order that holds proves it
_MOMENT = 2_000  # ms: rows may still be joining the group of a time so short ago
_log = structlog.get_logger()


class Descent:
    """Tells after each answer of a pass where the next one is asked for.

    It remembers the answer before and the group of equal times that it sweeps over. Both are lost
    with the process: then the group is swept anew.

    Args:
        rows: that are asked for at once.
        numbered: no answer can begin in the first half of another one and reach beyond it.
    """

    def __init__(self, rows: int, *, numbered: bool) -> None:
        self._rows, self._numbered = rows, numbered
        self._before: Window | None = None
        self._ties: Ties | None = None

    def is_done(self, way: Pass, seen: Seen) -> bool:
        """Take the next answer and tell whether it ends the pass; else `way` knows what is next.

        Raises:
            DoubtfulError: the list ends too early, or cannot be read without a gap.
        """
        total = seen.answer.total
        way.is_counted = way.is_counted and total is not None and total >= seen.end
        repeats = self._repeats(way, seen)
        self._before = seen.answer
        if repeats or not self._follows(way, seen):
            return False
        way.stuck = 0
        is_last = not seen.times or seen.end <= way.reached
        if is_last and total is not None and total > seen.end:
            if way.ended >= 0 and seen.times:  # it has grown since: ask from further down again
                way.ended = -1
                self._go_on(way, seen)
                return False
            raise DoubtfulError(
                f"the list ends after {seen.end} rows, but the portal says that it has {total}"
            )
        if sum(at < way.depth for at in seen.times) >= _BELOW:
            return True
        if is_last:
            return self._is_end(way, seen)
        self._go_on(way, seen)
        return False

    def _follows(self, way: Pass, seen: Seen) -> bool:
        """Tell whether nothing unread can stand before the answer; else go where it may be."""
        if way.group >= 0:
            return self._is_group_read(way, seen)
        if seen.answer.start == 0 or (seen.times and seen.times[0] > way.above):
            return True
        self._go_back(way, seen)
        return False

    def _repeats(self, way: Pass, seen: Seen) -> bool:
        """Tell whether the same rows came as from elsewhere in the list; then begin at its top.

        As many may have been added as the walk went on; again and again is no accident.
        """
        before, answer = self._before, seen.answer
        if before is None or not answer.rows or before.start == answer.start:
            return False
        if [row.id for row in before.rows] != [row.id for row in answer.rows]:
            return False
        way.repeats += 1
        if way.repeats >= _MOST_REPEATS:
            raise DoubtfulError(
                f"the same {len(answer.rows)} rows came from row {answer.start} on as from row"
                f" {before.start} on: the portal does not heed which rows are asked for"
            )
        way.start = way.reached = 0
        way.group = -1
        return True

    def _is_end(self, way: Pass, seen: Seen) -> bool:
        """Tell whether the list ends with an answer that went no further; else ask once more.

        An answer may only be short. The total tells, if it has been right so far; else another
        answer from elsewhere.
        """
        if seen.end == way.ended or (way.is_counted and seen.end == seen.answer.total):
            return True
        way.ended = way.reached = seen.end
        way.start = max(0, seen.answer.start - 1)
        return False

    def _go_back(self, way: Pass, seen: Seen) -> None:
        """Ask from further up: rows were removed, and others came up unread."""
        way.stuck += 1
        if way.stuck > _MOST_STUCK:
            raise DoubtfulError(
                f"the list moves faster than it can be read: {way.stuck} answers in a row did not"
                " follow on what was read before"
            )
        total, start = seen.answer.total, seen.answer.start
        if not seen.times and total is not None:
            start = min(start, total)
        way.start = way.reached = max(0, start - self._rows * way.stuck)
        way.group, self._ties = -1, None

    def _go_on(self, way: Pass, seen: Seen) -> None:
        """Ask from before the last group of equal times on, or begin to sweep over it."""
        last, overlap = seen.times[-1], overlap_of(len(seen.times))
        asked = way.start
        way.reached = max(way.reached, seen.end)
        way.start = max(asked, seen.end - overlap)
        if last > way.above:
            return  # the walk has gone back, and has read all of this
        way.above = last
        group = seen.times.index(last)
        step = group - overlap if group > overlap else group - 1
        least = self._rows // 2 if self._numbered else 0
        if step > least and seen.answer.start + step > asked:
            way.start = seen.answer.start + step
            return
        if self._ties and self._ties.time == last:
            self._ties.again(seen.behind(group))
        else:
            self._ties = Ties(last, seen.behind(group))
        self._ties.meet(seen.answer, seen.times)
        way.group = seen.answer.start

    def _is_group_read(self, way: Pass, seen: Seen) -> bool:
        """Take an answer within a group; tell whether the walk goes on below it with this one."""
        ties = self._ties
        if ties is None:  # another process began: it sweeps anew
            way.start = way.reached = way.group
            way.group = -1
            return False
        ties.meet(seen.answer, seen.times)
        below = next((i for i, at in enumerate(seen.times) if at < ties.time), None)
        if below is None and seen.end > way.reached:
            way.start = max(way.start, seen.end - overlap_of(len(seen.times)))
            way.reached = seen.end
            return False
        if below is None and not self._is_end(way, seen):
            return False
        if not ties.end(seen.behind(len(seen.times) if below is None else below)):
            self._sweep_again(way, ties)
            return False
        if ties.sweeps > 1:
            _log.info("equal_times_read", rows=len(ties.met), sweeps=ties.sweeps)
        if ties.time > way.began - _MOMENT:
            way.top = min(way.top, ties.time)  # the pass that follows looks at it once more
        self._ties, way.group, way.above = None, -1, ties.time - 1
        if seen.times and seen.times[0] > way.above:
            return True
        self._go_back(way, seen)
        return False

    def _sweep_again(self, way: Pass, ties: Ties) -> None:
        if ties.sweeps >= (_MOST_UNCOUNTED if ties.size is None else _MOST_SWEEPS):
            raise DoubtfulError(
                f"many dossiers have one time of last change, in another order in each answer:"
                f" {len(ties.met)} of {ties.size or 'an unknown number'} were met at last in"
                f" {ties.sweeps} readings, and a count has to hold twice; more rows a request may"
                " hold them all"
            )
        way.start = way.reached = way.group
        way.group = -1
