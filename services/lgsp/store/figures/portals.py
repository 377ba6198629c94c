"""The portals behind a figure: when they spoke last, and how far that lowers the trust."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, select

from lgsp.domain.reasons import Finding, Reason
from lgsp.domain.sources import Freshness, LastSeen, judge_sources
from lgsp.domain.trust import LogView
from lgsp.domain.working_time import Calendar
from lgsp.store.tables import PORTALS


def last_seen(connection: Connection) -> list[LastSeen]:
    """Return when each portal that the store knows spoke last, by its id."""
    return [
        LastSeen(*row) for row in connection.execute(select(PORTALS).order_by(PORTALS.c.portal))
    ]


def judge_portals(
    log: LogView,
    seen: Sequence[LastSeen],
    until: int,
    now: int,
    *,
    calendar: Calendar,
    expected: Collection[str],
) -> tuple[tuple[Freshness, ...], list[Finding]]:
    """Judge the portals as of the last look at the log, which is another reason if it is old.

    Without a look nothing is known of the connectors, so nothing is said of each of them.

    Args:
        log: what the log's side tells.
        seen: portals that the store knows.
        until: the instant up to which the figures speak, ms UTC.
        now: ms UTC.
        calendar: the working days.
        expected: portals that must be there.
    """
    portals, findings = judge_sources(
        seen,
        log.statuses,
        until=until,
        now=min(now, log.at) if log.at and log.backlog is None else now,
        calendar=calendar,
        expected=expected if log.at else (),
    )
    if not log.at:
        findings = [Finding(Reason.STATUS_UNKNOWN)]
    return portals, findings
