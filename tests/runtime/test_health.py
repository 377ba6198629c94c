"""The health server answers from its own thread, whatever the rest of the process does."""

import importlib.metadata
import json
import urllib.error
import urllib.request

import pytest

from lgsp.domain.errors import ConfigurationError, RejectReason
from lgsp.runtime import metrics
from lgsp.runtime.exposed import Shown
from lgsp.runtime.health import serve_health


def get(port: int, path: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_readiness_follows_every_check_while_liveness_stays() -> None:
    checks = {"assigned": False, "moving": True}
    server = serve_health("127.0.0.1", 0, lambda: checks)
    try:
        code, body = get(server.port, "/readyz")
        assert (503, {"ok": False, "checks": checks}) == (code, json.loads(body))
        assert get(server.port, "/healthz")[0] == 200
        checks["assigned"] = True
        assert get(server.port, "/readyz?probe=1")[0] == 200
    finally:
        server.close()


def test_a_stuck_loop_is_told() -> None:
    server = serve_health("127.0.0.1", 0, lambda: {}, lambda: {"loop": False})
    try:
        assert get(server.port, "/healthz")[0] == 503
    finally:
        server.close()


def test_serves_metrics_and_nothing_else() -> None:
    server = serve_health("127.0.0.1", 0, lambda: {}, shown=Shown(("lane",)))
    try:
        metrics.EVENTS_IN.labels("of this test").inc(3)
        code, body = get(server.port, "/metrics")
        assert code == 200
        assert b'lgsp_lane_events_total{lane="of this test"} 3.0' in body
        assert get(server.port, "/etc/passwd")[0] == 404
    finally:
        server.close()


def test_a_taken_port_names_the_setting() -> None:
    first = serve_health("127.0.0.1", 0, lambda: {})
    try:
        with pytest.raises(ConfigurationError, match="LGSP_METRICS_PORT"):
            serve_health("127.0.0.1", first.port, lambda: {})
    finally:
        first.close()


def test_a_closed_server_frees_its_port() -> None:
    first = serve_health("127.0.0.1", 0, lambda: {})
    first.close()
    second = serve_health("127.0.0.1", first.port, lambda: {})
    try:
        assert get(second.port, "/healthz")[0] == 200
    finally:
        second.close()


def scraped(*areas: str, stage: str = "", portal: str = "") -> str:
    server = serve_health("127.0.0.1", 0, lambda: {"a": True}, shown=Shown(areas, stage, portal))
    try:
        return get(server.port, "/metrics")[1].decode()
    finally:
        server.close()


def test_a_process_shows_its_own_metrics_only() -> None:
    worker, connector = scraped("lane", "rates"), scraped("connector", portal="so-do")
    assert "\nlgsp_rates_wakeups_total " in worker
    assert "lgsp_connector_" not in worker
    assert "lgsp_rates_" not in connector
    assert '\nlgsp_connector_caught_up_timestamp_seconds{portal="so-do"} ' in connector
    assert '\nlgsp_ready{check="a",portal="so-do"} 1.0' in connector


def test_each_reason_of_a_reject_is_there_before_the_first_one() -> None:
    """An increase from nothing to 3 is none for Prometheus."""
    metrics.REJECTS.labels("connector", "bad_date")
    text = scraped("lane", stage="rates")
    for reason in RejectReason:
        assert f'\nlgsp_rejects_total{{reason="{reason}",stage="rates"}} 0.0' in text
    assert 'stage="connector"' not in text


def test_every_process_tells_its_version() -> None:
    version = importlib.metadata.version("mini-lgsp")
    assert f'version="{version}"}} 1.0' in scraped()
