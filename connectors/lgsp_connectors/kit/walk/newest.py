"""A list read newest change first, by offset: nothing is lost while it moves."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

import structlog

from lgsp_connectors.kit.contract import Cursor, Listing, Page
from lgsp_connectors.kit.walk.cursor import Level, Pass, read_cursor, start_cursor, write_cursor
from lgsp_connectors.kit.walk.descent import Descent
from lgsp_connectors.kit.walk.seen import Seen, understand
from lgsp_connectors.kit.walk.window import Ask, DoubtfulError, Doubts, Window

_MOST_ANCHORS = 50
_RARE = 10  # times as long as a full pass takes, before what is gone or back begins another
_CHEAP = 5_000  # ms: a full pass of no more is begun by every poll that finds the list shorter
_MOMENT = 2_000  # ms: times are told in whole seconds
_READ_AGAIN = 2  # times that an answer out of order is asked for once more
_log = structlog.get_logger()

Read = Callable[[Ask], Awaitable[Window]]
_Met = set[tuple[str, int | None]]


class Newest:
    """Walks down a list whose newest change stands first, pass after pass.

    **What a portal may do.** Dossiers change and go to the top, are filed, are removed, have equal
    times in any order; answers fail, are short, repeat themselves, tell wrong totals; a time may
    lie ahead; the portal may be set back to an older state.

    **Why nothing is lost.** A pass keeps one promise after each answer: *every row later than
    `above` was read, but those that changed since the pass began* (they are newer than its
    watermark, and the next pass reads them). Rows that do not change keep their times, so they
    stay in the same order; only removals lift one from below what was read to above what is asked
    for.

    - An answer whose first row is later than `above` has nothing unread before it, and `above` may
      go down to its last row's time. Each answer is asked for from before the last group of equal
      times on, so it begins so unless many were removed; else the walk goes back up until it does.
    - A group of equal times that no answer holds whole is read until `Ties` can prove it met.
    - A pass ends below its floor, or where an answer brings the walk no further: fewer rows than
      the portal's total are an error with both numbers. A total that is too small is not believed;
      then an answer may only have been short, and a second one must end at the same row.
    - The watermark is the newest time on top when the pass began that is not in the future. What
      changes later has a later time; `overlap` bounds how late it may be shown. A pass that begins
      so long after the watermark was first met therefore *settles* it: nothing of that time or an
      earlier one is still to come, and the next poll looks at later times only. A watermark that
      lies ahead was met by a clock that was wrong, and all is read again.
    - A poll reads from `overlap` below the watermark of the last pass that read so far itself,
      not of one that followed it: what was shown late since that pass began is still to be read.
    - A pass of several answers is followed by another from the top down to its watermark, until
      one answer alone showed all of that, or nothing new was met: then the walk is *caught up*, as
      of the beginning of that last pass.

    All rows are read again every `full_every`; and when the list has shrunk, when it has more rows
    than were added on top, and when the newest rows are gone without a trace, because then the
    portal was set back (a row that is gone while a newer one stands as it stood was removed).
    Where that takes long, such a full pass takes a tenth of the time at most. It is a complete
    listing: what it does not hold is gone. So another pass follows it, whatever was met before,
    and reads `overlap` further down: what moves up while it goes on, also late, is not gone.

    Args:
        rows: to ask for at once.
        overlap: ms that each poll reads again below the watermark.
        full_every: ms between passes through the whole list; 0: only when something calls for it.
        clock: gives now, ms UTC.
        numbered: the list has page numbers only (`numbers.page_of`): no answer can begin in the
            first half of another one and reach beyond it.
    """

    def __init__(
        self,
        *,
        rows: int,
        overlap: int,
        full_every: int,
        clock: Callable[[], int],
        numbered: bool = False,
    ) -> None:
        self._rows, self._overlap, self._full_every = rows, overlap, full_every
        self._clock = clock
        self._doubts = Doubts()
        self._excused: _Met = set()
        self._numbered = numbered
        self._descent = Descent(rows, numbered=numbered)
        self._met: _Met = set()  # on top, in this pass
        self._met_before: _Met | None = None  # in the one before; None: another has to follow

    def start(self, since: int | None) -> Cursor:
        """Give the first cursor: reads everything (None), or what changed since (ms UTC)."""
        return start_cursor(since)

    async def fetch(self, cursor: Cursor, read: Read) -> Page:
        """Read the next answer; repeatable with the same cursor.

        Raises:
            RetryableError: the answer cannot be right, or `read` says so.
            FatalError: five such answers came in a row.
        """
        level, under_way = read_cursor(cursor)
        way = under_way or self._poll(level)
        if not way.requests:  # the process may have slept since it was to begin
            way = replace(way, began=self._clock())
        try:
            answer = await read(Ask(way.start, self._rows))
            page = self._take(level, way, answer)
        except DoubtfulError as error:
            raise self._doubts.raised(error) from error
        self._doubts.settle()
        return page

    def _poll(self, level: Level) -> Pass:
        """Begin what a level calls for: a full pass, or one down to the watermark."""
        now = self._clock()
        self._descent = Descent(self._rows, numbered=self._numbered)
        self._met, self._met_before = set(), None
        due = self._full_every and level.full_at and self._since_all(level) >= self._full_every
        is_ahead = level.seen_at and level.watermark - now > self._overlap
        if due or is_ahead or not level.watermark:
            return Pass(now, listing=now, missing=level.anchors)
        floor = self._floor(level)
        depth = min([floor, *level.anchors.values()])
        return Pass(now, floor, depth, missing=level.anchors)

    def _floor(self, level: Level) -> int:
        """Give the time down to which all that may have been shown since `swept` is read."""
        newest = min(level.watermark, level.swept or level.watermark, self._clock())
        return max(0, newest - self._overlap, level.settled)

    def _since_all(self, level: Level) -> int:
        """Give the ms since all was read; from a time ahead as many as it is ahead."""
        return abs(self._clock() - level.full_at)

    def _may_read_all(self, level: Level) -> bool:
        return self._since_all(level) >= _RARE * level.full_took

    def _again(self, way: Pass, floor: int, listing: int, missing: Mapping[str, int]) -> Pass:
        """Begin the pass that follows one, and look for what is missing."""
        self._descent = Descent(self._rows, numbered=self._numbered)
        self._met_before, self._met = self._met, set()
        depth = min([floor, *missing.values()])
        return Pass(self._clock(), floor, depth, listing, missing=dict(missing))

    def _take(self, level: Level, way: Pass, answer: Window) -> Page:
        way = replace(way, missing=dict(way.missing), requests=way.requests + 1)
        seen = self._understood(level, way, answer)
        if way.requests == 1:
            self._note_top(level, way, seen)
        self._note(way, seen)
        after: Pass | None = way
        if self._descent.is_done(way, seen):
            lost, grown = self._lost(level, way), self._grown(level, way, seen)
            if (lost or grown) and (not way.floor or self._may_read_all(level)):
                _log.warning("portal_was_set_back", dossiers=len(lost), come_back=grown)
            if not way.floor or not (lost or grown):
                level = self._levelled(level, way, seen)
                after = self._next(level, way, {})
            elif self._may_read_all(level):
                after = self._again(way, 0, self._clock(), {})
                self._met_before = None
            else:
                after = self._next(level, way, lost)  # the next poll sees it again
        listing = way.listing
        return Page(
            [row.record for row, at in seen.rows if row.at is None or at >= way.floor],
            write_cursor(level, after),
            after is None,
            seen.end,
            answer.total or 0,
            listing=Listing(f"full pass {listing}", listing, after is None) if listing else None,
        )

    def _understood(self, level: Level, way: Pass, answer: Window) -> Seen:
        """Check one answer for itself.

        Raises:
            DoubtfulError: it has no rows where there must be some, or is out of order.
        """
        rows, total, start = answer.rows, answer.total, answer.start
        if not rows and total and total > start:
            raise DoubtfulError(
                f"no rows came from row {start} on, but the portal says that it has {total} in all"
            )
        had = bool(level.seen_at or way.top)
        if not rows and not start and (had or not self._doubts.count):
            raise DoubtfulError(f"the portal says that it has no dossiers{' any more' * had}")
        seen = understand(answer, way.above, self._excused)
        if seen.misplaced:
            if self._doubts.count < _READ_AGAIN or not seen.is_in_order:
                raise DoubtfulError(
                    "the list is not in order of last change, newest first:"
                    f" {len(seen.misplaced)} of {len(rows)} rows from row {start} on are out of"
                    " place; check by what it is sorted (source.sort)"
                )
            self._excused |= {(row.id, row.at) for row in seen.misplaced}
            _log.warning("rows_out_of_place", rows=len(seen.misplaced), start=start)
        return seen

    def _note_top(self, level: Level, way: Pass, seen: Seen) -> None:
        """Take the anchors to come, and look whether the list has shrunk.

        Rows of a time that goes on behind the answer are none: to meet them again, each poll
        would have to read all that have this time.
        """
        now, total = self._clock(), seen.answer.total
        goes_on = seen.times[-1] if seen.times and total != seen.end else 0
        top = [(row.id, row.at) for row, at in seen.rows if row.at == at <= now and at != goes_on]
        way.anchors = dict(top[: max(1, min(_MOST_ANCHORS, self._rows // 4))])
        if total is None or total < seen.end or way.listing:
            return
        if total < level.held and (level.full_took <= _CHEAP or self._may_read_all(level)):
            way.floor, way.depth, way.listing = 0, 0, way.began
            self._met_before = None

    def _note(self, way: Pass, seen: Seen) -> None:
        """Note the watermark to come, the anchors met, and what stood on top."""
        now = self._clock()
        for row, at in seen.rows:
            if row.at is not None and row.at >= way.missing.get(row.id, row.at + 1):
                is_unmoved = row.at == way.missing.pop(row.id)
                way.unmoved = max(way.unmoved, row.at if is_unmoved else 0)
            if not way.top and row.at == at <= now:
                way.top = at
            if row.at is None or row.at >= way.top:
                self._met.add((row.id, row.at))

    def _lost(self, level: Level, way: Pass) -> dict[str, int]:
        """Give the anchors that are gone, and no newer one stands as it stood."""
        lost = {id_: at for id_, at in way.missing.items() if at > way.unmoved}
        if way.floor and level.seen_at and not level.anchors and way.top < level.watermark:
            lost[""] = level.watermark
        return lost

    def _grown(self, level: Level, way: Pass, seen: Seen) -> int:
        """Give how many more rows the list has than were added on top since the last pass."""
        total = seen.answer.total or 0
        if not self._is_poll(level, way) or way.requests > 1 or not level.held or total < seen.end:
            return 0
        return max(0, total - level.held - sum(at >= way.floor for at in seen.times))

    def _is_poll(self, level: Level, way: Pass) -> bool:
        """Tell whether a pass reads all that may have been shown since the last one."""
        return way.floor <= self._floor(level)

    def _next(self, level: Level, way: Pass, lost: Mapping[str, int]) -> Pass | None:
        """Give the pass that follows one; None: the walk is caught up."""
        if way.requests == 1 or (self._met_before is not None and self._met <= self._met_before):
            return None
        missing = {**way.anchors, **lost} if way.top else {}
        floor = min(way.top, self._floor(level)) if way.listing else way.top
        return self._again(way, floor, way.listing, missing)

    def _levelled(self, level: Level, way: Pass, seen: Seen) -> Level:
        """Give the level after a pass."""
        total = seen.answer.total or 0
        if way.listing and not way.floor:
            took = max(1, self._clock() - way.began)
            level = replace(level, full_at=way.began, full_took=took, held=total)
        if way.top:
            level = self._stood(level, way)
        return replace(level, full_at=level.full_at or way.began, held=max(level.held, total))

    def _stood(self, level: Level, way: Pass) -> Level:
        """Give the level with what stood on top, and how far that is settled."""
        is_poll = self._is_poll(level, way)
        swept = way.top if is_poll else level.swept or level.watermark
        level = replace(level, anchors=way.anchors, swept=swept)
        if way.top != level.watermark or not level.seen_at:
            settled = level.settled if way.top > level.watermark else 0
            return replace(level, watermark=way.top, seen_at=way.began, settled=settled)
        if is_poll and way.began - level.seen_at >= self._overlap + _MOMENT:
            return replace(level, settled=way.top + 1)
        return level
