"""A list read oldest change first, by key: nothing is lost while it moves."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from lgsp_connectors.kit.contract import Cursor, Listing, Page
from lgsp_connectors.kit.walk.window import DoubtfulError, Doubts, Listed


class After(NamedTuple):
    """Ask for `rows` rows changed at `at` or later (ms UTC; None: from the oldest on)."""

    at: int | None
    rows: int


Read = Callable[[After], Awaitable[list[Listed]]]


class Oldest:
    """Walks up a list that can be asked for what changed at a time or later, oldest first.

    **Why nothing is lost.** Each answer is asked for from the last time of the one before it on,
    that time included: it holds all rows from there to its own last time, whatever was removed or
    moved on meanwhile, because no place in the list is counted. What changes goes to the end,
    which the walk has still to reach. It is *caught up* when an answer brings nothing later, as of
    that answer. A group of equal times that one answer cannot hold is asked for with more rows,
    up to `most`, and is an error beyond.

    The watermark is the latest time read that is neither in the future nor later than the
    beginning of the poll; each poll reads `overlap` below it again, which bounds how late a change
    may be shown. So what is shown late while a poll goes on, below what it has read, is read by
    the next one, however long that poll takes or its process sleeps.

    Args:
        rows: to ask for at once.
        most: rows that the portal is known to give at once: fewer are the end of the list.
        overlap: ms that each poll reads again below the watermark.
        full_every: ms between passes through the whole list; 0: none but the first.
        clock: gives now, ms UTC.
    """

    def __init__(
        self, *, rows: int, most: int, overlap: int, full_every: int, clock: Callable[[], int]
    ) -> None:
        self._most = most
        self._rows, self._overlap, self._full_every = rows, overlap, full_every
        self._clock = clock
        self._doubts = Doubts()

    def start(self, since: int | None) -> Cursor:
        """Give the first cursor: reads everything (None), or what changed since (ms UTC)."""
        return {"watermark": str(since or 0)}

    async def fetch(self, cursor: Cursor, read: Read) -> Page:
        """Read the next answer; repeatable with the same cursor.

        Raises:
            RetryableError: the answer cannot be right, or `read` says so.
            FatalError: five such answers came in a row.
        """
        cursor = cursor if "after" in cursor else self._poll(cursor)
        after = After(int(cursor["after"]) if cursor["after"] else None, int(cursor["rows"]))
        try:
            rows = await read(after)
            page = self._take(cursor, after, rows)
        except DoubtfulError as error:
            raise self._doubts.raised(error) from error
        self._doubts.settle()
        return page

    def _poll(self, cursor: Cursor) -> Cursor:
        now, watermark = self._clock(), int(cursor["watermark"])
        full_at = int(cursor.get("full_at", "0"))
        due = self._full_every and full_at and now - full_at >= self._full_every
        whole = bool(due) or not watermark
        return {
            "watermark": str(watermark),
            "full_at": str(full_at or now),
            "after": "" if whole else str(watermark - self._overlap),
            "rows": str(self._rows),
            "listing": str(now) if whole else "",
            "began": str(now),
        }

    def _take(self, cursor: Cursor, after: After, rows: list[Listed]) -> Page:
        times = [row.at for row in rows if row.at is not None]
        if times != sorted(times) or (after.at is not None and times and times[0] < after.at):
            raise DoubtfulError(
                "the rows are not those changed since the time asked for, oldest first; check by"
                " what the list is sorted and narrowed"
            )
        last = times[-1] if times else after.at
        now = self._clock()
        watermark = max([int(cursor["watermark"]), *(at for at in times if at <= now)])
        listing = int(cursor["listing"] or 0)
        if last != after.at:
            following = cursor | {"after": str(last), "rows": str(self._rows)}
            following["watermark"] = str(watermark)
        elif len(rows) < after.rows:
            full_at = str(listing) if listing else cursor["full_at"]
            watermark = min(watermark, int(cursor.get("began", watermark)))
            following = {"watermark": str(watermark), "full_at": full_at}
        elif after.rows >= self._most:
            raise DoubtfulError(
                f"{len(rows)} dossiers or more changed at one time: no answer holds them all"
            )
        else:
            following = cursor | {"rows": str(min(after.rows * 2, self._most))}
        ended = "after" not in following
        return Page(
            [row.record for row in rows],
            following,
            ended,
            len(rows),
            listing=Listing(f"full pass {listing}", listing, ended) if listing else None,
        )
