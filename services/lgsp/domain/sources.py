"""How lately a portal was looked at: what its connector says of itself, judged at an instant.

Fresh is what was looked at lately: an event says when it was read, not that all was read since.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from lgsp.domain.connector_status import Clock, ConnectorStatus, Phase
from lgsp.domain.reasons import Finding, Reason, show_known
from lgsp.domain.working_time import (
    DAY_MS,
    WORKING_DAY_MS,
    Calendar,
    CalendarRangeError,
    day_and_time,
    day_start_ms,
)

MINUTE = 60_000
FAILING_AFTER = 10_000
"""Ms for which the reads of a portal may fail before that is told."""
STOPPED_FOR = 10_000
"""Ms for which a connector may be stopped, as when it is started anew."""
READING_FOR = 15_000
"""Ms that a look may take, beside one and a half pauses between two looks."""
ONCE_FOR = 5 * MINUTE
"""Ms for which a reading by a run that ended counts as late, unless `every` says otherwise."""
DOWN_AFTER = 24 * 60 * MINUTE
"""Ms after which a portal that was not read is down."""
AHEAD = 2 * MINUTE
"""Ms that a connector's clock may be ahead of ours."""
BACKFILL = "/backfill/"
"""Stands in the key of a backfill's status, after the portal."""


class Liveness(StrEnum):
    """How lately a portal was looked at."""

    LIVE = "live"
    SILENT = "silent"
    DOWN = "down"
    RETIRED = "retired"  # gone for good, as somebody said


@dataclass(frozen=True, slots=True)
class Freshness:
    """A portal's newest event and when it was last looked at (ms UTC), judged at an instant.

    `level_at` is when all of it was last read; None: never, or nobody says so.
    """

    portal: str
    last_event_at: int | None
    last_seen_at: int | None
    liveness: Liveness
    level_at: int | None = None

    def document(self) -> dict[str, str | None]:
        """Return it as published."""
        return {
            "portal": self.portal,
            "last_event_at": show_known(self.last_event_at),
            "last_seen_at": show_known(self.last_seen_at),
            "level_at": show_known(self.level_at),
            "state": self.liveness.value,
        }


class LastSeen(NamedTuple):
    """What the store knows of a portal: its newest event, and when the newest one was read."""

    portal: str
    last_event_at: int
    last_seen_at: int


def elapsed(since: int, now: int, clock: str, calendar: Calendar) -> int:
    """Return the ms from `since` to `now` that count: all, or of working days or hours only.

    Outside the calendar's years all of them count.
    """
    try:
        if clock == Clock.WORKING_HOURS:
            return calendar.worked_until(now) - calendar.worked_until(since)
        if clock == Clock.WORKING_DAYS:
            return _of_working_days(now, calendar) - _of_working_days(since, calendar)
    except CalendarRangeError:
        pass
    return now - since


def judge_sources(
    seen: Iterable[LastSeen],
    statuses: Sequence[ConnectorStatus],
    *,
    until: int,
    now: int,
    calendar: Calendar,
    expected: Iterable[str] = (),
) -> tuple[tuple[Freshness, ...], list[Finding]]:
    """Judge each portal that was ever heard of, and list what lowers the trust.

    A portal that is not read now does no harm to figures up to an instant at which it was level.

    Args:
        seen: portals that the store knows.
        statuses: what the connectors say of themselves, the newest word of each.
        until: the instant up to which the figures speak, ms UTC.
        now: ms UTC.
        calendar: the working days.
        expected: portals that must be there besides.
    """
    known = {row.portal: row for row in seen}
    said = {status.portal: status for status in statuses if BACKFILL not in status.portal}
    portals: list[Freshness] = []
    findings: list[Finding] = []
    finding: Finding | None
    for portal in sorted(known.keys() | said.keys() | set(expected)):
        row, status = known.get(portal), said.get(portal)
        if status is None:
            liveness, finding, read_to = _unwatched(portal, row, now)
            looked_at, level_at = read_to, None
        else:
            liveness, finding = _judged(status, now, calendar)
            looked_at, level_at = status.looked_at or status.level_at, status.level_at
            read_to = level_at if level_at is not None and level_at <= now + AHEAD else None
            if finding is not None and finding.reason is Reason.PORTAL_NOTHING_NEW:
                read_to = finding.at
            findings += _problems(status)
        if finding is not None and (read_to is None or read_to < until):
            findings.append(finding)
        event_at = row.last_event_at if row else None
        portals.append(Freshness(portal, event_at, looked_at, liveness, level_at))
    findings += _backfills(statuses, now)
    return tuple(portals), findings


def _unwatched(
    portal: str, row: LastSeen | None, now: int
) -> tuple[Liveness, Finding, int | None]:
    """Judge a portal whose connector says nothing: only its events tell when it was read."""
    at = row.last_seen_at if row and row.last_seen_at <= now + AHEAD else None
    down = at is None or now - at > DOWN_AFTER
    finding = Finding(Reason.PORTAL_UNWATCHED, portal, at=at)
    return Liveness.DOWN if down else Liveness.SILENT, finding, at


def _judged(  # noqa: PLR0911
    status: ConnectorStatus, now: int, calendar: Calendar
) -> tuple[Liveness, Finding | None]:
    portal, level_at = status.portal, status.level_at

    def is_(
        liveness: Liveness, reason: Reason, at: int | None, detail: str = ""
    ) -> tuple[Liveness, Finding]:
        return liveness, Finding(reason, portal, detail, at=at)

    if status.phase == Phase.RETIRED:
        return Liveness.RETIRED, None
    if max(status.at, level_at or 0) > now + AHEAD:
        return is_(Liveness.SILENT, Reason.CLOCK_AHEAD, max(status.at, level_at or 0))
    if status.phase == Phase.FAILED:
        return is_(Liveness.DOWN, Reason.CONNECTOR_FAILED, status.at, status.failure)
    if status.phase == Phase.RUNNING and not status.is_alive(now):
        return is_(Liveness.DOWN, Reason.CONNECTOR_DEAD, status.at)
    if status.phase == Phase.STOPPED and now - status.at > STOPPED_FOR:
        return is_(Liveness.DOWN, Reason.CONNECTOR_STOPPED, status.at)
    failing = status.failing_since
    if failing is not None and elapsed(failing, now, status.clock, calendar) > FAILING_AFTER:
        return is_(Liveness.SILENT, Reason.CONNECTOR_FAILING, failing, status.failure)
    left = f"{status.rows:,} records read" + (f", {status.left:,} left" if status.left else "")
    if level_at is None:
        return is_(Liveness.SILENT, Reason.PORTAL_NEVER_LEVEL, None, left)
    # Who runs and whose reads do not fail has no reason to be late, whatever the day.
    looks = status.phase == Phase.RUNNING and failing is None
    clock = Clock.ALL if looks else status.clock
    late = elapsed(level_at, now, clock, calendar) - _allowed(status)
    if late > 0:
        if status.looked_at is not None and now - status.looked_at <= _allowed(status):
            return is_(Liveness.SILENT, Reason.PORTAL_BEHIND, level_at, left)
        down = late > DOWN_AFTER
        return is_(Liveness.DOWN if down else Liveness.SILENT, Reason.PORTAL_SILENT, level_at)
    new_at = status.new_at
    if status.every and new_at and elapsed(new_at, now, status.clock, calendar) > status.every:
        return is_(Liveness.SILENT, Reason.PORTAL_NOTHING_NEW, new_at)
    return Liveness.SILENT if Reason.NOT_LEVEL in status.problems else Liveness.LIVE, None


def _allowed(status: ConnectorStatus) -> int:
    """Return how many ms may pass until the portal is read to its end again."""
    if status.phase == Phase.RUNNING:
        return 3 * status.poll // 2 + READING_FOR
    return status.every or ONCE_FOR


def _problems(status: ConnectorStatus) -> Iterator[Finding]:
    """Give what the connector knows to be amiss; codes of a later version keep their words."""
    for code, words in sorted(status.problems.items()):
        reason = Reason(code) if code in _TOLD else Reason.SOURCE_PROBLEM
        yield Finding(reason, status.portal, words)


def _backfills(statuses: Sequence[ConnectorStatus], now: int) -> Iterator[Finding]:
    """Give the backfills that are not done; one that is done takes its status away."""
    for status in statuses:
        portal, backfill, _ = status.portal.partition(BACKFILL)
        if backfill and status.is_alive(now):
            yield Finding(Reason.BACKFILL_RUNNING, portal)
        elif backfill:
            yield Finding(Reason.BACKFILL_UNFINISHED, portal, at=status.at)


_TOLD = frozenset(
    {
        Reason.NOT_LEVEL,
        Reason.NOT_REMOVED,
        Reason.FILES_REFUSED,
        Reason.UNORDERED,
        Reason.CONFLICTS,
        Reason.CLOCK,
    }
)
"""Problems that a connector tells under the reason's own code."""


def _of_working_days(at: int, calendar: Calendar) -> int:
    """Return the ms of working days, midnight to midnight, from the calendar's beginning."""
    day, of_day = day_and_time(at)
    before = calendar.worked_until(day_start_ms(day)) // WORKING_DAY_MS
    return before * DAY_MS + (of_day if calendar.is_working(day) else 0)
