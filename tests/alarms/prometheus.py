"""A real Prometheus that runs the shipped rules, as fast as a test has time for."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from lgsp.domain.errors import RetryableError
from lgsp.runtime.httpget import get_json
from tests.ports import free_port_pair
from tests.programs import program
from tests.waiting import wait_until

SHIPPED = Path(__file__).parents[2] / "deploy/prometheus/alerts.yml"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SHORTEST = 2000  # ms: a scrape that a busy machine lost is no cause


def scaled(rules: str, factor: float) -> str:
    """Return the rules with each duration, and each bound of an age, divided by `factor`.

    Ages are metrics of ours in seconds; a clock's offset stays, because it is no waiting time.
    """

    def duration(found: re.Match[str]) -> str:
        milliseconds = int(found[2]) * _UNITS[found[3]] * 1000 / factor
        return f"{found[1]}{max(int(milliseconds), _SHORTEST)}ms"

    def bound(found: re.Match[str]) -> str:
        return f"{found[1]}{max(int(found[2]) / factor, _SHORTEST / 1000):g}"

    rules = re.sub(r"(\[|for: |offset )(\d+)([smhd])", duration, rules)
    return re.sub(r"(lgsp_(?!clock)\w+_seconds\b[^\n>]*> )(\d+)\b", bound, rules)


class Prometheus:
    """Scrapes `targets` (service -> address) and judges the shipped rules (a context manager)."""

    def __init__(self, folder: Path, targets: Mapping[str, str], factor: float) -> None:
        self._folder = folder
        self._targets = dict(targets)
        self._factor = factor
        self._port = free_port_pair()

    def __enter__(self) -> "Prometheus":
        binary = program("prometheus", "make test")
        (self._folder / "alerts.yml").write_text(scaled(SHIPPED.read_text("utf-8"), self._factor))
        self._write()
        self._log = (self._folder / "prometheus.log").open("wb")
        self._process = subprocess.Popen(
            [
                binary,
                f"--config.file={self._folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={self._folder / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{self._port}",
            ],
            stdout=self._log,
            stderr=self._log,
        )
        wait_until("Prometheus answers", lambda: bool(self._ask("vector(1)")))
        return self

    def __exit__(self, *_exc: object) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()

    def leave_out(self, service: str) -> None:
        """Take a target out of the configuration."""
        self._address = self._targets.pop(service)
        self._write()
        os.kill(self._process.pid, signal.SIGHUP)

    def put_back(self, service: str) -> None:
        """Put it into the configuration again."""
        self._targets[service] = self._address
        self._write()
        os.kill(self._process.pid, signal.SIGHUP)

    def up(self) -> set[str]:
        """Return the services that answer."""
        return {one["metric"]["service"] for one in self._ask('up{job="lgsp"} == 1')}

    def watch(self, seconds: float) -> set[str]:
        """Wait so many seconds of the rules' own time; return the alerts that rang in them."""
        began = time.monotonic()
        span = f"[{max(1, round(seconds / self._factor))}s]"
        looks = f'count_over_time(up{{job="lgsp",service="feed"}}{span})'
        wanted = 1.8 * seconds / self._factor  # two a second
        wait_until(
            "enough scrapes",
            lambda: (
                time.monotonic() - began > seconds / self._factor
                and any(float(one["value"][1]) > wanted for one in self._ask(looks))
            ),
        )
        return self._names(f'count_over_time(ALERTS{{alertstate="firing"}}{span})')

    def ring(self, *alerts: str, beside: Iterable[str] = ()) -> None:
        """Wait until each of these has rung; AssertionError when another does, not `beside`."""
        rang: set[str] = set()

        def all_rang() -> bool:
            found = self.ringing()
            assert found <= {*alerts, *beside}, self.why()
            rang.update(found)
            return rang >= set(alerts)

        wait_until(f"{alerts} ring", all_rang, 120)

    def fall_silent(self) -> None:
        """Wait until nothing rings."""
        wait_until("it is silent again", lambda: not self.ringing(), 120)

    def rang(self) -> set[str]:
        """Return the alerts that rang at any time."""
        return self._names('count_over_time(ALERTS{alertstate="firing"}[1d])')

    def first_rang(self, seconds: float) -> dict[str, float]:
        """Return the alerts that rang in the last seconds -> how many after these began."""
        began = time.time() - seconds
        span = f"[{max(1, round(seconds))}s:1s]"
        firsts = f'min_over_time(timestamp(ALERTS{{alertstate="firing"}}){span})'
        found: dict[str, float] = {}
        for one in self._ask(firsts):
            alert, after = one["metric"]["alertname"], float(one["value"][1]) - began
            found[alert] = min(after, found.get(alert, after))
        return found

    def ringing(self) -> set[str]:
        """Return the alerts that ring now."""
        return self._names('ALERTS{alertstate="firing"}')

    def why(self) -> list[dict[str, Any]]:
        """Return the labels of what rings, for a message."""
        return [one["metric"] for one in self._ask('ALERTS{alertstate="firing"}')]

    def _names(self, expression: str) -> set[str]:
        return {one["metric"]["alertname"] for one in self._ask(expression)}

    def _ask(self, expression: str) -> list[dict[str, Any]]:
        try:
            answer = get_json(f"http://127.0.0.1:{self._port}/api/v1/query", {"query": expression})
        except RetryableError:  # it starts
            return []
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def _write(self) -> None:
        jobs = {
            "job_name": "lgsp",
            "static_configs": [
                {"targets": [address], "labels": {"service": service}}
                for service, address in self._targets.items()
            ],
        }
        document = {
            "global": {
                "scrape_interval": "500ms",
                "scrape_timeout": "500ms",
                "evaluation_interval": "500ms",
            },
            "rule_files": ["alerts.yml"],
            "scrape_configs": [jobs],
        }
        (self._folder / "prometheus.yml").write_text(yaml.safe_dump(document))
