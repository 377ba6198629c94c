"""A municipal permit log through the files connector: the figures that its rows give by hand.

The form of the log is the real one's; its rows are made up. Where the real log lies beside the
checkout (../shared/data) the same is asked of it, and of its published figures.
"""

import csv
import gzip
import shutil
from datetime import datetime
from pathlib import Path

import pytest
from tests.connectors.permits import write_permits

from lgsp.domain.dossier import merge_all
from lgsp.domain.event import Channel, DossierEvent
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.standing import RESOLVED, STILL_OPEN, State
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.clock import now_ms
from lgsp_connectors.kit.bench import Bench
from lgsp_connectors.kit.registry import read_config

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "data" / "wabo-receipt-log.csv.gz"
CONFIG = Path(__file__).with_name("municipal.yaml")


@pytest.fixture(params=["made up", *(["real"] if REAL.exists() else [])])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A log where the YAML expects it."""
    file = tmp_path / REAL.name
    if request.param == "real":
        shutil.copy(REAL, file)
    else:
        write_permits(file)
    return file


def rows_of(log: Path) -> list[dict[str, str]]:
    with gzip.open(log, "rt", encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def counted(rows: list[dict[str, str]]) -> dict[str, int]:
    """Count the figures from the rows as they stand, an application once."""
    applications = list({row["case:concept:name"]: row for row in rows}.values())
    ended = [row for row in applications if row["case:enddate"]]
    return {
        "received": len(applications),
        "online": sum(row["case:channel"] == "Internet" for row in applications),
        "resolved": len(ended),
        "on_time": sum(
            datetime.fromisoformat(row["case:enddate"])
            <= datetime.fromisoformat(row["case:deadline"])
            for row in ended
        ),
        "open": len(applications) - len(ended),
    }


def figures(events: list[DossierEvent]) -> dict[str, int]:
    calendar, now = load_calendar(), now_ms()
    stand = [(d, SIMPLE.standing(d, calendar, now)) for d in merge_all(events).values()]
    return {
        "received": sum(s.received_at is not None for _, s in stand),
        "online": sum(d.channel is Channel.ONLINE for d, _ in stand),
        "resolved": sum(s.state in RESOLVED for _, s in stand),
        "on_time": sum(s.state in RESOLVED - {State.LATE} for _, s in stand),
        "open": sum(s.state in STILL_OPEN for _, s in stand),
    }


async def test_gives_the_figures_of_its_rows_and_running_again_changes_nothing(log: Path) -> None:
    rows = rows_of(log)
    expected = counted(rows)
    config = Path(shutil.copy(CONFIG, log.parent))
    bench = Bench()

    report = await bench.run(read_config(config).build(now_ms, None))
    assert (report.records, report.rejected) == (len(rows), 0)
    assert expected == figures(bench.sink.events)

    again = await bench.run(read_config(config).build(now_ms, None))
    assert (again.records, again.events) == (0, 0)
    bench.checkpoints.stored.clear()  # as after a lost checkpoint: everything once more
    await bench.run(read_config(config).build(now_ms, None))
    assert len(bench.sink.events) == 2 * report.events
    assert expected == figures(bench.sink.events)


def test_the_count_by_hand_is_the_published_one_or_that_of_the_hard_cases(log: Path) -> None:
    rows = rows_of(log)
    figures = counted(rows)
    published = {"received": 1434, "online": 1250, "resolved": 1329, "on_time": 952, "open": 105}
    after_the_end = sum(
        bool(row["case:enddate"])
        and datetime.fromisoformat(row["time:timestamp"])
        > datetime.fromisoformat(row["case:enddate"])
        for row in rows
    )

    assert figures == published or len(rows) < 1000
    assert figures["received"] > figures["resolved"] > figures["on_time"] > 0
    assert after_the_end > 0
    assert {"Internet", "Desk", "Post", "e-mail", "Intern"} == {
        row["case:channel"] for row in rows
    }
    assert {"+01:00", "+02:00"} == {row["case:startdate"][-6:] for row in rows}


def test_how_to_shows_this_mapping() -> None:
    page = (ROOT / "docs/how-to/municipal-log.md").read_text("utf-8")
    assert CONFIG.read_text("utf-8") in page
