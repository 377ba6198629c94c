"""What a connector says of itself on the log, and what it does to the trust in the figures."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.store.filled import CALENDAR
from tests.waiting import wait_until

from lgsp.domain.connector_status import ConnectorStatus, Phase
from lgsp.domain.errors import FatalError, RejectedRecord, RetryableError
from lgsp.domain.reasons import Reason
from lgsp.domain.sources import Liveness, judge_sources
from lgsp.runtime.kafka.connector_status import Statuses, decode_status, encode_status
from lgsp_connectors.kit.config import Expect, RunSettings
from lgsp_connectors.kit.report import Report
from lgsp_connectors.kit.status import Speaker

NOW = 1_719_792_000_000
LEVEL = ConnectorStatus("p", NOW, NOW, {}, looked_at=NOW, new_at=NOW)


class Said:
    """A clock, and what was said by it."""

    def __init__(self) -> None:
        self.now = NOW
        self.statuses: list[ConnectorStatus] = []

    def publish(self, key: str, status: ConnectorStatus | None) -> None:
        assert status is not None
        assert key == status.portal
        self.statuses.append(status)

    @property
    def last(self) -> ConnectorStatus:
        return self.statuses[-1]

    def speaker(self, before: ConnectorStatus | None = None, *, once: bool = False) -> Speaker:
        return Speaker("p", lambda: self.now, self.publish, None, before, once=once)


def test_says_at_once_what_changed_and_beats_between() -> None:
    said = Said()
    with said.speaker() as speaker:
        speaker.say(Report(caught_up=True, records=3, rejected=1), left=0)
        wait_until("it says that it is level", lambda: said.last.level_at == NOW)
        said.now += 2000
        speaker.fail(RetryableError("503 Service Unavailable"))
        wait_until("it says that reads fail", lambda: said.last.failing_since == NOW + 2000)

    assert (said.last.phase, said.last.failure) == (Phase.STOPPED, "503 Service Unavailable")
    assert (said.last.rows, said.last.rejected, said.last.left) == (3, 1, 0)
    assert said.last.at == NOW + 2000


def test_a_beat_says_that_the_process_lives_though_nothing_changes() -> None:
    said = Said()
    speaker = said.speaker()
    speaker.say(Report(caught_up=True))
    said.now += 30_000
    speaker.beat()

    assert (said.last.at, said.last.level_at) == (NOW + 30_000, NOW)


def test_what_is_new_is_told_apart_from_a_look() -> None:
    said = Said()
    speaker = said.speaker(LEVEL._replace(new_at=NOW - 5000))
    report = Report(caught_up=True)
    for events in (0, 7, 7):
        said.now += 1000
        report.events = events
        speaker.say(report)
        speaker.beat()

    assert [NOW - 5000, NOW + 2000, NOW + 2000] == [s.new_at for s in said.statuses]
    assert said.last.looked_at == NOW + 3000


@pytest.mark.parametrize(
    ("report", "phase"),
    [
        (Report(caught_up=True), Phase.ONCE),
        (Report(problem="no file matches inbox/*.csv"), Phase.ONCE),
        (Report(), Phase.STOPPED),
    ],
)
def test_a_run_that_ends_by_itself_is_told_from_one_that_was_stopped(
    report: Report, phase: Phase
) -> None:
    said = Said()
    with said.speaker(once=True) as speaker:
        speaker.say(report)

    assert said.last.phase == phase


def test_an_error_stands_through_restarts_until_a_read_succeeds() -> None:
    said = Said()
    with pytest.raises(FatalError), said.speaker(LEVEL):
        raise FatalError("gave up: NGUYEN VAN TEST 0912 345 678")
    failed = said.last
    said.now += 1000
    again = said.speaker(failed)
    again.beat()
    crashing = said.last
    again.say(Report(caught_up=True))
    again.beat()

    assert (failed.phase, failed.level_at) == (Phase.FAILED, NOW)
    assert "0912" not in failed.failure
    assert (crashing.phase, crashing.failing_since) == (Phase.RUNNING, NOW)
    assert crashing.failure == failed.failure
    assert (said.last.failing_since, said.last.failure) == (None, "")


def test_a_restart_is_no_new_portal() -> None:
    said = Said()
    said.speaker(LEVEL._replace(at=NOW - 5000, phase="stopped")).beat()
    portals, findings = judge_sources(
        [], [said.last], until=NOW, now=NOW, calendar=CALENDAR, expected=()
    )

    assert (portals[0].liveness, findings) == (Liveness.LIVE, [])


def test_survives_the_log_and_other_versions() -> None:
    status = LEVEL._replace(problems={"not_level": "no file matches inbox/*.csv"})
    old = b'{"portal":"p","at":1,"level_at":null,"problems":{}}'

    assert status == decode_status(encode_status(status))
    assert ConnectorStatus("p", 1, None, {}) == decode_status(old)
    assert decode_status(old) == decode_status(old[:-1] + b',"of_a_later_version":[1]}')


@given(st.binary() | st.dictionaries(st.sampled_from(ConnectorStatus._fields), st.none()))
def test_what_is_no_status_is_refused(value: object) -> None:
    with pytest.raises(RejectedRecord):
        decode_status(value if isinstance(value, bytes) else json.dumps(value).encode())


@pytest.mark.parametrize(
    "wrong", [{"at": 2**63}, {"at": "now"}, {"problems": {"a": 1}}, {"level_at": 1.5}]
)
def test_a_value_of_another_kind_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(RejectedRecord):
        decode_status(json.dumps(LEVEL._asdict() | wrong).encode())


def test_one_status_that_cannot_be_read_hides_no_other() -> None:
    statuses = Statuses()
    statuses.take(b"bad", b"{")
    statuses.take(b"p", encode_status(LEVEL))

    assert (statuses.all(), [f.portal for f in statuses.findings()]) == ([LEVEL], ["bad"])
    statuses.take(b"bad", None)
    assert statuses.findings() == []


def test_a_source_with_a_problem_lowers_trust() -> None:
    report = Report(files_refused=4, unordered=18, problem="no file matches", caught_up=False)
    _, findings = judge_sources(
        [],
        [LEVEL._replace(problems=report.problems)],
        until=NOW,
        now=NOW,
        calendar=CALENDAR,
        expected=(),
    )

    assert {Reason.FILES_REFUSED, Reason.NOT_LEVEL, Reason.UNORDERED} == {
        finding.reason for finding in findings
    }
    assert "portal p: 4 files cannot be used" in {finding.english() for finding in findings}


def test_what_is_expected_is_said_with_every_word() -> None:
    said = Said()
    run = RunSettings(poll_seconds=2, expect=Expect(every="2d", working_hours=True))
    Speaker("p", lambda: NOW, said.publish, run).beat()

    assert (said.last.every, said.last.clock, said.last.poll) == (
        2 * 8 * 3_600_000,
        "working_hours",
        2000,
    )
    with pytest.raises(ValueError, match="one of them only"):
        Expect(every="1d", working_days=True, working_hours=True)


@pytest.mark.parametrize(("wrong", "reason"), [(90_000, None), (-7_200_000, Reason.CLOCK_BEHIND)])
def test_a_connector_on_a_machine_with_another_clock_is_alive(
    wrong: int, reason: Reason | None
) -> None:
    statuses = Statuses(lambda: NOW)
    statuses.follow()
    said = LEVEL.shifted(wrong)
    statuses.take(b"p", encode_status(said))
    portals, findings = judge_sources(
        [], statuses.all(), until=NOW, now=NOW, calendar=CALENDAR, expected=()
    )

    assert (portals[0].liveness, portals[0].level_at, findings) == (Liveness.LIVE, NOW, [])
    assert [f.reason for f in statuses.findings()] == ([reason] if reason else [])


def test_a_word_of_before_is_as_old_as_it_says() -> None:
    statuses = Statuses(lambda: NOW)
    statuses.take(b"p", encode_status(LEVEL.shifted(-60_000)))
    statuses.follow()

    assert statuses.all() == [LEVEL.shifted(-60_000)]
    assert statuses.findings() == []


def test_a_retired_portal_lowers_no_trust_and_a_run_takes_it_back() -> None:
    retired = LEVEL._replace(at=NOW - 10**9, level_at=NOW - 10**9, phase="retired")
    portals, findings = judge_sources([], [retired], until=NOW, now=NOW, calendar=CALENDAR)
    said = Said()
    said.speaker(retired).beat()

    assert (portals[0].liveness, findings) == (Liveness.RETIRED, [])
    assert said.last.phase == Phase.RUNNING
