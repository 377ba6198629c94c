"""A portal whose changes are always as old is said to have a clock of another zone."""

from collections.abc import Sequence

import pytest
from tests.connectors.kit.test_level import Scripted

from lgsp.domain.event import DossierEvent, with_id
from lgsp.domain.status import Status
from lgsp_connectors.kit.clock_watch import ClockWatch
from lgsp_connectors.kit.config import RunSettings
from lgsp_connectors.kit.contract import Page, Record
from lgsp_connectors.kit.runner import Runner
from lgsp_connectors.kit.testing import MemoryCheckpoints, MemorySink

HOUR = 3_600_000
MINUTE = 60_000
NOW = 1_720_400_000_000


def watched(*ages: int) -> ClockWatch:
    watch = ClockWatch()
    for number, age in enumerate(ages):
        at = NOW + number * MINUTE
        watch.see(at - age)
        watch.see(at - age - HOUR)
        watch.end_pass(at)
    return watch


def test_changes_that_are_always_seven_hours_old_are_named() -> None:
    assert "about 7 h old" in watched(*[7 * HOUR + n * MINUTE for n in range(5)]).problem


@pytest.mark.parametrize(
    "ages",
    [
        [7 * HOUR] * 4,  # too few passes
        [20 * MINUTE] * 9,  # a slow portal
        [12 * HOUR, 8 * HOUR, 7 * HOUR, 7 * HOUR, 7 * HOUR],  # after a night
        [*[7 * HOUR] * 8, MINUTE],  # it was mended, or chance
    ],
)
def test_other_ages_are_not(ages: list[int]) -> None:
    assert watched(*ages).problem == ""


def test_a_pass_without_a_change_tells_nothing() -> None:
    watch = watched(*[7 * HOUR] * 4)
    for number in range(9):
        watch.end_pass(NOW + number * HOUR)
    assert watch.problem == ""


def test_a_restart_goes_on_counting() -> None:
    watch = ClockWatch(watched(*[7 * HOUR] * 4).text())
    watch.see(NOW - 7 * HOUR)
    watch.end_pass(NOW)
    assert "7 h" in watch.problem


class Portal(Scripted):
    """One dossier, whose newest change is `age` old each time."""

    def __init__(self, number: int, age: int, file: str = "") -> None:
        record = Record("x", {"at": NOW - age}, NOW, file=file)
        super().__init__(Page([record], {"at": str(number)}, True))

    def to_events(self, record: Record) -> Sequence[DossierEvent]:
        return [
            with_id(
                DossierEvent(
                    portal="p",
                    province="H37",
                    dossier_code="p:1",
                    agency="H37.12",
                    status=Status.PROCESSING,
                    occurred_at=record.data["at"],
                    observed_at=NOW,
                )
            )
        ]


@pytest.mark.parametrize(
    ("age", "file", "in_doubt"),
    [(7 * HOUR, "", True), (MINUTE, "", False), (7 * HOUR, "a.csv", False)],
)
async def test_runs_of_a_portal_in_another_zone_lower_the_trust(
    age: int, file: str, in_doubt: bool
) -> None:
    checkpoints = MemoryCheckpoints()
    reports = []
    for number in range(5):
        runner = Runner(
            Portal(number, age + number, file),
            MemorySink(),
            checkpoints,
            key="p",
            settings=RunSettings(),
            clock=lambda: NOW,
        )
        reports.append(await runner.run(once=True))

    assert [False] * 4 == ["clock" in report.problems for report in reports[:4]]
    assert in_doubt == ("clock" in reports[4].problems)
