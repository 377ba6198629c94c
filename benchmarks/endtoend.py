"""From a record of the portal to the figure on the feed and to the national portal, all real.

`lgsp up` runs, and the `files` connector follows a file to which the province twin's rows are
appended at a steady rate. A reception is on the feed when the live stream shows as many
received as there were receptions up to it; a dossier is on the national mock when that logs its
creation. All on one machine, so one clock.
"""

import asyncio
import http.client
import json
import tempfile
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from benchmarks.startup import started
from benchmarks.system import MeasurementError, Process, new_settings, percentiles, run_command
from lgsp.domain.status import OFFICIAL_WORDS, Status
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.httpget import get_json
from lgsp.runtime.settings import Settings
from lgsp.simulation import ProvinceSpec
from lgsp.simulation.dossiers import twin_dossiers
from lgsp.simulation.reading import connector_yaml
from lgsp.simulation.rows import Row, line, step_rows

RATE = 50
POLL_SECONDS = 0.5
_FILE = "steps-live.jsonl"
_TICK = 0.01
_SETTLED = 0.1  # of the rows are written before anything counts
_LOG_PAGE = 500


def measure(seconds: float) -> dict[str, Any]:
    """Emit RATE rows a second; waits in seconds from the row's writing."""
    rows = rows_of(int(RATE * seconds))
    with tempfile.TemporaryDirectory(prefix="bench-endtoend-") as name:
        folder = Path(name)
        settings = new_settings(folder / "data")
        config = _connector(folder)
        with (
            started(settings),
            Process(settings, "run", str(config), module="lgsp_connectors.cli") as connector,
            _Stream(settings) as stream,
        ):
            connector.wait_until("it reads", lambda: b"serving_health" in connector.new_log())
            written = asyncio.run(_emit(rows, folder / _FILE))
            drained = run_command(settings, "drain", "--timeout", "60").document
            received = list(receptions(rows, written))
            connector.wait_until("all received", lambda: stream.received >= len(received), 30)
            feed = waits_for_feed(received, stream.seen)
            national = _waits_for_national(rows, written, settings)
    return {
        "rate": RATE,
        "rows": len(rows),
        "poll_seconds": POLL_SECONDS,
        "drained": drained["drained"],
        "feed": percentiles(feed) | {"samples": len(feed)},
        "national": percentiles(national) | {"samples": len(national)},
    }


class Shown(NamedTuple):
    """What the stream showed: received dossiers, at a time (seconds since the epoch)."""

    received: int
    at: float


def rows_of(count: int) -> list[Row]:
    """Return the first rows of a twin in the order in which they happened."""
    spec = ProvinceSpec(dossiers=max(20, count // 3), persons=True)
    dossiers = twin_dossiers(spec, load_calendar())
    timed = [step for dossier in dossiers for step in step_rows(dossier, persons=True)]
    return [row for _, row in sorted(timed, key=lambda step: step[0])[:count]]


def _connector(folder: Path) -> Path:
    document = yaml.safe_load(connector_yaml(ProvinceSpec(persons=True)))
    document["source"]["path"] = _FILE
    document["run"] = {"poll_seconds": POLL_SECONDS}
    (folder / _FILE).touch()
    config = folder / "connector.yaml"
    config.write_text(yaml.safe_dump(document, allow_unicode=True), "utf-8")
    return config


async def _emit(rows: Sequence[Row], file: Path) -> list[float]:
    """Append the rows at RATE; return when each was written."""
    written: list[float] = []
    began = time.monotonic()
    with file.open("ab", buffering=0) as out:
        while len(written) < len(rows):
            due = min(len(rows), int((time.monotonic() - began) * RATE) + 1)
            for row in rows[len(written) : due]:
                out.write(line(row))
                written.append(time.time())
            await asyncio.sleep(_TICK)
    return written


def receptions(rows: Sequence[Row], written: Sequence[float]) -> Iterator[float]:
    """Give when each dossier's first reception was written."""
    known = set()
    for row, at in zip(rows, written, strict=True):
        if row["TrangThai"] == OFFICIAL_WORDS[Status.RECEIVED] and row["MaHoSo"] not in known:
            known.add(row["MaHoSo"])
            yield at


def waits_for_feed(received: Sequence[float], seen: Sequence[Shown]) -> list[float]:
    """Return how long after each reception (in order) the stream showed that many."""
    numbers = [shown.received for shown in seen]
    waits = [seen[bisect_left(numbers, number)].at - at for number, at in enumerate(received, 1)]
    return waits[int(len(waits) * _SETTLED) :]


def _waits_for_national(
    rows: Sequence[Row], written: Sequence[float], settings: Settings
) -> list[float]:
    """Return the waits from a dossier's first row to the first record that the mock took."""
    created: dict[str, float] = {}
    after: int | None = 0
    url = f"http://127.0.0.1:{settings.mock_port}/api/log"
    while after is not None:
        query = {"service": "DongBoHoSoMC", "after": str(after), "limit": str(_LOG_PAGE)}
        page = get_json(url, query)
        for call in page["items"]:
            if call["error_code"] == "0":
                created.setdefault(call["code"], call["at"] / 1000)
        after = page["next"]
    first: dict[str, float] = {}
    for row, at in zip(rows, written, strict=True):
        first.setdefault(row["MaHoSo"], at)
    if missing := first.keys() - created.keys():
        raise MeasurementError(f"{len(missing)} dossiers are not on the national portal")
    waits = [created[code] - at for code, at in first.items()]
    return waits[int(len(waits) * _SETTLED) :]


class _Stream:
    """Follows the feed's live stream in a thread of its own."""

    def __init__(self, settings: Settings) -> None:
        self._client = http.client.HTTPConnection(settings.feed_host, settings.feed_port)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.seen: list[Shown] = []

    @property
    def received(self) -> int:
        """Received dossiers as shown last."""
        return self.seen[-1].received if self.seen else 0

    def __enter__(self) -> "_Stream":
        self._client.request("GET", "/api/v1/stream?period=all")
        self._answer = self._client.getresponse()
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        """Nothing to do: the stream ends with the feed."""

    def _run(self) -> None:
        while text := self._answer.readline():
            if text.startswith(b"data:"):
                received = json.loads(text[5:])["counts"]["received"]
                self.seen.append(Shown(received, time.time()))
