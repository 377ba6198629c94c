"""Real input: the municipal permit log gives its known figures, through the files connector."""

import shutil
from pathlib import Path

import pytest

from lgsp.domain.dossier import merge_all
from lgsp.domain.event import Channel, DossierEvent
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.standing import RESOLVED, STILL_OPEN, State
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.clock import now_ms
from lgsp_connectors.kit.registry import read_config
from lgsp_connectors.kit.suite import Bench

ROOT = Path(__file__).parents[2]
LOG = ROOT.parent / "shared" / "data" / "wabo-receipt-log.csv.gz"
CONFIG = Path(__file__).with_name("municipal.yaml")

needs_log = pytest.mark.skipif(
    not LOG.exists(), reason="the municipal log is not here: ../shared/data of the checkout"
)


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


@needs_log
async def test_gives_the_known_figures_and_running_again_changes_nothing(tmp_path: Path) -> None:
    shutil.copy(LOG, tmp_path)
    config = Path(shutil.copy(CONFIG, tmp_path))
    bench = Bench()

    report = await bench.run(read_config(config).build(now_ms, None))
    assert (report.records, report.rejected) == (8577, 0)
    expected = {"received": 1434, "online": 1250, "resolved": 1329, "on_time": 952, "open": 105}
    assert expected == figures(bench.sink.events)

    again = await bench.run(read_config(config).build(now_ms, None))
    assert (again.records, again.events) == (0, 0)
    bench.checkpoints.stored.clear()  # as after a lost checkpoint: everything once more
    await bench.run(read_config(config).build(now_ms, None))
    assert len(bench.sink.events) == 2 * report.events
    assert expected == figures(bench.sink.events)


def test_how_to_shows_this_mapping() -> None:
    page = (ROOT / "docs/how-to/municipal-log.md").read_text("utf-8")
    assert CONFIG.read_text("utf-8") in page
