"""The threads of the feed that judge whoever asks: cells against dossiers, and the metrics."""

import random
from contextlib import closing

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Engine, text
from tests.ioc.conftest import LEVEL
from tests.store.filled import CALENDAR, fill
from tests.store.rates.history import NOW, history
from tests.waiting import wait_until

from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.reasons import Reason
from lgsp.domain.trust import LogView
from lgsp.ioc.cells_check import CellsCheck
from lgsp.ioc.trust_metrics import TrustMetrics
from lgsp.store.engine import open_store
from lgsp.store.figures.answers import Figures


def sample(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def test_a_difference_is_a_reason_and_a_metric_until_it_is_mended(store: Engine) -> None:
    reading = open_store(str(store.url), read_only=True)
    check = CellsCheck(reading, SIMPLE, CALENDAR, lambda: NOW, every=0.01)
    with closing(check):
        check.start()
        wait_until("it has compared", lambda: bool(check._exact_of))
        assert (check(), sample("lgsp_feed_cells_differ")) == ([], 0)

        count(store, 500)
        wait_until("it is found", lambda: [f.reason for f in check()] == [Reason.CELLS_DIFFER])
        assert "received_online" in check()[0].english()
        wait_until("it is a metric", lambda: (sample("lgsp_feed_cells_differ") or 0) > 0)
        count(store, -500)
        wait_until("it is mended", lambda: check() == [])
    reading.dispose()


def count(store: Engine, number: int) -> None:
    with store.begin() as connection:
        connection.execute(
            text(
                "UPDATE cells SET received_online = received_online + :n"
                " WHERE day = (SELECT min(day) FROM cells)"
            ),
            {"n": number},
        )
    fill(store, history(random.Random(abs(number)), dossiers=1))  # it is looked at when it changes


def test_the_metrics_tell_the_portals_and_every_reason(store: Engine) -> None:
    said = LEVEL
    figures = Figures(store, SIMPLE, CALENDAR, lambda: NOW, log=lambda: said)
    watch = TrustMetrics(figures)
    reasons = {r.value: sample("lgsp_feed_trust_reasons", reason=r.value) for r in Reason}
    assert set(reasons.values()) == {0.0}

    watch.look()
    assert sample("lgsp_feed_portal_state", portal="twin", state="live") == 1
    assert sample("lgsp_feed_portal_state", portal="twin", state="down") == 0
    assert sample("lgsp_feed_portal_looked_timestamp_seconds", portal="twin") == NOW / 1000
    assert sample("lgsp_feed_trust_reasons", reason="connector_failed") == 0

    (status,) = LEVEL.statuses
    said = LEVEL._replace(statuses=(status._replace(phase="failed", level_at=NOW - 1),))
    watch.look()
    assert sample("lgsp_feed_portal_state", portal="twin", state="down") == 1
    assert sample("lgsp_feed_trust_reasons", reason="connector_failed") == 1

    said = LogView()
    watch.look()
    assert sample("lgsp_feed_trust_reasons", reason="log_unreachable") == 1
    assert sample("lgsp_feed_trust_reasons", reason="connector_failed") == 0


@pytest.mark.parametrize("portals", [{"gone"}])
def test_a_portal_that_is_spoken_of_no_more_leaves_no_metric(
    store: Engine, portals: set[str]
) -> None:
    said = LEVEL._replace(
        statuses=tuple(s._replace(portal=p) for s in LEVEL.statuses for p in portals)
    )
    watch = TrustMetrics(Figures(store, SIMPLE, CALENDAR, lambda: NOW, log=lambda: said))
    watch.look()
    assert sample("lgsp_feed_portal_state", portal="gone", state="live") == 1
    said = LEVEL
    watch.look()

    assert sample("lgsp_feed_portal_state", portal="gone", state="live") is None
