"""Why a dossier is behind a figure, in words, as published: codes and times, nobody's name."""

from dataclasses import replace

from lgsp.domain.dossier import Dossier, merge_all
from lgsp.domain.explanation import explain
from lgsp.domain.measures import Measure
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.status import Status
from lgsp.runtime.calendar.vietnam import load_calendar
from tests.national.dossiers import CODE, HOUR, START, steps

CALENDAR = load_calendar()
NOW = START + 100 * HOUR
DUE = START + 50 * HOUR
MEASURES = {measure.name: measure for measure in SIMPLE.measures.measures}


def dossier(*statuses: int) -> Dossier:
    made = steps(*statuses, due_at=DUE, sealed=b"NGUYEN VAN TEST")
    return merge_all(made)[CODE]


def counted_as(one: Dossier) -> list[Measure]:
    found = SIMPLE.contribution(one, CALENDAR, NOW)
    return [SIMPLE.measures.measures[count.measure] for count in found]


def test_says_how_it_is_counted_and_when() -> None:
    one = dossier(2, 4, 9)
    stood = SIMPLE.standing(one, CALENDAR, NOW)
    (measure,) = [m for m in counted_as(one) if m.name.startswith("resolved")]
    document = explain(one, stood, measure, SIMPLE).document()

    assert document == {
        "dossier": CODE,
        "portal": one.portal,
        "agency": "H37.1",
        "procedure": "1.001612",
        "status": int(Status.PROCESSED),
        "received_at": "2024-01-08T01:00:00Z",
        "due_at": "2024-01-10T03:00:00Z",
        "finished_at": "2024-01-08T03:00:00Z",
        "counted_as": measure.name,
        "reason": measure.reason,
    }


def test_a_local_code_is_shown_without_its_portal_s_space() -> None:
    one = replace(dossier(2, 4, 9), code="my-portal:HS:12", portal="other")
    stood = SIMPLE.standing(one, CALENDAR, NOW)
    found = explain(one, stood, MEASURES["resolved_late"], SIMPLE)

    assert found.dossier == "my-portal:HS:12"
    assert (found.document()["dossier"], found.document()["portal"]) == ("HS:12", "my-portal")


def test_an_extended_deadline_is_said_where_the_clock_counts() -> None:
    one = dossier(2, 5, 4, 9)
    stood = SIMPLE.standing(one, CALENDAR, NOW)
    assert stood.deadline is not None
    assert stood.deadline > DUE
    reasons = {
        measure.clocked: explain(one, stood, measure, SIMPLE).reason for measure in counted_as(one)
    }

    assert "extended" in reasons[True]
    assert "extended" not in reasons[False]
    moved = explain(replace(one, due_at=stood.deadline), stood, MEASURES["resolved_late"], SIMPLE)
    assert moved.reason == MEASURES["resolved_late"].reason
