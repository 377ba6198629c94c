"""The health server answers from its own thread, whatever the rest of the process does."""

import json
import urllib.error
import urllib.request

import pytest

from lgsp.domain.errors import ConfigurationError
from lgsp.runtime import metrics
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
    server = serve_health("127.0.0.1", 0, lambda: {})
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
