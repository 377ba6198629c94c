"""How lately portals were looked at, and what that does to the figures up to an instant."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.connector_status import DEAD_AFTER, Clock, ConnectorStatus
from lgsp.domain.period import VIETNAM
from lgsp.domain.reasons import Finding, Reason
from lgsp.domain.sources import (
    AHEAD,
    FAILING_AFTER,
    MINUTE,
    ONCE_FOR,
    STOPPED_FOR,
    LastSeen,
    Liveness,
    elapsed,
    judge_sources,
)
from tests.store.filled import CALENDAR

HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=VIETNAM).timestamp() * 1000)


NOW = at("2024-06-26T10:00")  # a Wednesday
LEVEL = ConnectorStatus(
    "one", NOW - 1000, NOW - 2000, {}, looked_at=NOW - 2000, new_at=NOW - 2000, poll=5_000
)


def judged(
    *statuses: ConnectorStatus, seen: tuple[LastSeen, ...] = (), until: int = NOW, now: int = NOW
) -> tuple[list[Liveness], list[Reason]]:
    portals, findings = judge_sources(
        seen, statuses, until=until, now=now, calendar=CALENDAR, expected=()
    )
    return [portal.liveness for portal in portals], [finding.reason for finding in findings]


def test_a_portal_that_was_level_lately_is_live() -> None:
    assert judged(LEVEL) == ([Liveness.LIVE], [])


@pytest.mark.parametrize(
    ("changed", "liveness", "reason"),
    [
        ({"at": NOW - DEAD_AFTER - 1}, Liveness.DOWN, Reason.CONNECTOR_DEAD),
        ({"phase": "failed", "failure": "no login"}, Liveness.DOWN, Reason.CONNECTOR_FAILED),
        (
            {"phase": "stopped", "at": NOW - STOPPED_FOR - 1},
            Liveness.DOWN,
            Reason.CONNECTOR_STOPPED,
        ),
        (
            {"failing_since": NOW - FAILING_AFTER - 1},
            Liveness.SILENT,
            Reason.CONNECTOR_FAILING,
        ),
        ({"level_at": None, "rows": 7}, Liveness.SILENT, Reason.PORTAL_NEVER_LEVEL),
        ({"level_at": NOW - MINUTE - 1}, Liveness.SILENT, Reason.PORTAL_BEHIND),
        (
            {"level_at": NOW - MINUTE - 1, "looked_at": NOW - 2 * MINUTE},
            Liveness.SILENT,
            Reason.PORTAL_SILENT,
        ),
        (
            {"level_at": NOW - 2 * DAY, "looked_at": NOW - 2 * DAY},
            Liveness.DOWN,
            Reason.PORTAL_SILENT,
        ),
        (
            {"phase": "once", "at": NOW - HOUR, "level_at": NOW - HOUR, "looked_at": NOW - HOUR},
            Liveness.SILENT,
            Reason.PORTAL_SILENT,
        ),
        ({"every": HOUR, "new_at": NOW - 2 * HOUR}, Liveness.SILENT, Reason.PORTAL_NOTHING_NEW),
        ({"at": NOW + AHEAD + 1}, Liveness.SILENT, Reason.CLOCK_AHEAD),
        ({"level_at": 2**63 - 1}, Liveness.SILENT, Reason.CLOCK_AHEAD),
    ],
)
def test_each_way_of_not_being_level_has_its_reason(
    changed: dict[str, object], liveness: Liveness, reason: Reason
) -> None:
    assert judged(LEVEL._replace(**changed)) == ([liveness], [reason])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changed",
    [
        {"at": NOW - DEAD_AFTER},
        {"phase": "stopped", "at": NOW - STOPPED_FOR},
        {"failing_since": NOW - FAILING_AFTER},
        {"phase": "once", "at": NOW - ONCE_FOR, "level_at": NOW - ONCE_FOR},
        {"phase": "once", "at": NOW - HOUR, "level_at": NOW - HOUR, "every": DAY},
        {"every": 3 * HOUR, "new_at": NOW - 2 * HOUR},
        {"level_at": NOW - 100_000, "poll": MINUTE},
    ],
)
def test_an_ordinary_pause_is_no_alarm(changed: dict[str, object]) -> None:
    assert judged(LEVEL._replace(**changed)) == ([Liveness.LIVE], [])  # type: ignore[arg-type]


def test_a_quiet_night_and_a_weekend_are_no_silence() -> None:
    friday, monday = at("2024-06-21T16:30"), at("2024-06-24T08:00")
    hours = LEVEL._replace(every=2 * HOUR, clock=Clock.WORKING_HOURS, new_at=friday)
    days = LEVEL._replace(every=DAY, clock=Clock.WORKING_DAYS, new_at=friday)

    def on(status: ConnectorStatus, now: int) -> list[Reason]:
        return judged(status._replace(at=now, level_at=now), until=now, now=now)[1]

    assert [[], []] == [on(hours, monday), on(days, monday)]
    assert on(hours, at("2024-06-24T08:31")) == [Reason.PORTAL_NOTHING_NEW]
    assert on(days, at("2024-06-24T16:31")) == [Reason.PORTAL_NOTHING_NEW]


def test_a_portal_switched_off_at_night_fails_in_working_hours_only() -> None:
    off = LEVEL._replace(
        every=HOUR, clock=Clock.WORKING_HOURS, failing_since=at("2024-06-25T19:00")
    )
    night, morning = at("2024-06-26T06:59"), at("2024-06-26T07:01")

    def reasons(now: int) -> list[Reason]:
        level_at = at("2024-06-25T18:59")
        status = off._replace(at=now, level_at=level_at, looked_at=level_at, new_at=level_at)
        return judged(status, now=now, until=now)[1]

    assert [[], [Reason.CONNECTOR_FAILING]] == [reasons(night), reasons(morning)]


def test_a_read_that_hangs_is_late_on_a_sunday_too() -> None:
    sunday = at("2024-06-23T10:00")
    hangs = LEVEL._replace(
        every=DAY,
        clock=Clock.WORKING_DAYS,
        at=sunday,
        level_at=sunday - HOUR,
        looked_at=sunday - HOUR,
        new_at=sunday - HOUR,
    )

    assert judged(hangs, now=sunday, until=sunday)[1] == [Reason.PORTAL_SILENT]
    ended = hangs._replace(phase="once")
    assert judged(ended, now=sunday, until=sunday)[1] == []


def test_an_empty_folder_is_silent_at_once() -> None:
    empty = LEVEL._replace(problems={"not_level": "no file matches inbox/*.csv"})

    assert judged(empty) == ([Liveness.SILENT], [Reason.NOT_LEVEL])


def test_a_period_that_was_over_when_the_portal_was_level_stays_trusted() -> None:
    dead = LEVEL._replace(at=NOW - DAY, level_at=NOW - DAY, looked_at=NOW - DAY)

    assert judged(dead, until=NOW - DAY) == ([Liveness.DOWN], [])
    assert judged(dead, until=NOW - DAY + 1) == ([Liveness.DOWN], [Reason.CONNECTOR_DEAD])


def test_a_portal_of_which_no_connector_speaks_is_never_live() -> None:
    lately, early = LastSeen("one", NOW - DAY, NOW), LastSeen("two", NOW - DAY, NOW - 2 * DAY)
    beyond = LastSeen("three", 2**63 - 1, 2**63 - 1)
    portals, findings = judge_sources(
        [lately, early, beyond], [], until=NOW + 1, now=NOW, calendar=CALENDAR, expected=["four"]
    )

    assert len(portals) == 4
    assert {"one": "silent", "two": "down", "three": "down", "four": "down"} == {
        p.portal: p.liveness.value for p in portals
    }
    assert {Reason.PORTAL_UNWATCHED} == {finding.reason for finding in findings}
    assert 4 == len(findings)
    assert [None, None] == [
        p.document()[name]
        for p in portals
        if p.portal == "three"
        for name in ("last_event_at", "last_seen_at")
    ]


def test_what_a_connector_knows_to_be_amiss_is_told_beside_the_rest() -> None:
    dead = LEVEL._replace(at=NOW - DAY, problems={"files_refused": "4 files", "later_one": "x"})

    assert judged(dead)[1] == [
        Reason.FILES_REFUSED,
        Reason.SOURCE_PROBLEM,
        Reason.CONNECTOR_DEAD,
    ]


def test_a_backfill_is_told_until_it_is_done() -> None:
    status = LEVEL._replace(portal="one/backfill/all", level_at=None)
    killed = status._replace(at=NOW - DEAD_AFTER - 1)

    assert judged(LEVEL, status) == ([Liveness.LIVE], [Reason.BACKFILL_RUNNING])
    assert judged(LEVEL, killed) == ([Liveness.LIVE], [Reason.BACKFILL_UNFINISHED])
    assert judged(LEVEL, status._replace(phase="stopped"))[1] == [Reason.BACKFILL_UNFINISHED]


@given(
    since=st.integers(at("1990-01-02T00:00"), at("2059-01-01T00:00")),
    parts=st.lists(st.integers(0, 30 * DAY), min_size=1, max_size=4),
    clock=st.sampled_from(Clock),
)
def test_what_counts_of_a_time_is_the_sum_of_its_parts(
    since: int, parts: list[int], clock: Clock
) -> None:
    ends = [since + sum(parts[: i + 1]) for i in range(len(parts))]
    starts = [since, *ends[:-1]]
    counted = [elapsed(a, b, clock, CALENDAR) for a, b in zip(starts, ends, strict=True)]

    assert sum(counted) == elapsed(since, ends[-1], clock, CALENDAR)
    assert all(0 <= part <= whole for part, whole in zip(counted, parts, strict=True))


def test_outside_the_calendar_all_time_counts() -> None:
    assert 5 == elapsed(-(2**62), -(2**62) + 5, Clock.WORKING_DAYS, CALENDAR)


def test_every_reason_has_words_in_both_languages() -> None:
    for reason in Reason:
        finding = Finding(reason, "cong-mot", "sáu tệp", 1234, NOW)
        document = finding.document()

        assert document["code"] == reason.value
        assert document["en"] != document["vi"]
        assert not {"{", "}", "None"} & {*document["en"], *document["vi"]}
        Finding(reason, at=2**63 - 1).document()
    assert "1,234" in Finding(Reason.BACKLOG, number=1234).english()
    assert "1.234" in Finding(Reason.BACKLOG, number=1234).vietnamese()
    assert "10:00:00 26/06/2024" in Finding(Reason.PORTAL_SILENT, "p", at=NOW).vietnamese()
