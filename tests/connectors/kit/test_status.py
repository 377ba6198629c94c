"""What a connector says of itself on the log, and what it does to the trust in the figures."""

from lgsp.domain.trust import SourceProblem, Trust, judge
from lgsp.runtime.kafka.connector_status import ConnectorStatus, decode_status, problems_of
from lgsp_connectors.kit.report import Report
from lgsp_connectors.kit.status import Speaker

NOW = 1_719_792_000_000


def test_says_what_changed_at_once_and_the_same_every_half_minute() -> None:
    said: list[ConnectorStatus] = []
    now = [NOW]
    speaker = Speaker("p", lambda: now[0], said.append)
    report = Report(caught_up=True)
    speaker.say(report)
    now[0] += 1000
    speaker.say(report)
    report.files_refused, report.caught_up = 4, False
    speaker.say(report)
    now[0] += 30_000
    speaker.say(report)

    assert [(NOW, {}), (NOW + 1000, {"files_refused"}), (NOW + 31_000, {"files_refused"})] == [
        (status.at, status.problems.keys() or {}) for status in said
    ]
    assert [NOW] * 3 == [status.level_at for status in said]


def test_survives_the_log() -> None:
    status = ConnectorStatus("p", NOW, None, {"not_level": "no file matches inbox/*.csv"})

    assert status == decode_status(status.encode())


def test_a_source_with_a_problem_lowers_trust() -> None:
    statuses = [
        ConnectorStatus("one", NOW, NOW, Report(files_refused=4, unordered=18).problems),
        ConnectorStatus("two", NOW, NOW, {}),
    ]
    problems = problems_of(statuses)
    trust, reasons = judge([], {"r": 1}, until=NOW, backlog=0, problems=problems)

    assert [("one", "files_refused"), ("one", "unordered")] == [p[:2] for p in problems]
    assert Trust.PROVISIONAL is trust
    assert reasons[0] == "portal one: 4 files cannot be used"
    assert (Trust.FULL, ()) == judge([], {"r": 1}, until=NOW, backlog=0)
    assert isinstance(problems[0], SourceProblem)
