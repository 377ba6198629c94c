"""A full export each night, and very many small files: the connector, Kafka, the rates worker.

`lgsp-connect run --once` as its users run it. The figures of each unit must be exactly those of
an oracle that reads the files alone.
"""

import contextlib
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.exports import Drop, Figures, change, count_rows, make_row, write_rows
from benchmarks.job import PROFILE
from benchmarks.system import MeasurementError, Process, Ran, empty_installation, run_command
from lgsp.domain.figures import Scope, counts_of
from lgsp.domain.period import parse_period
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.clock import now_ms
from lgsp.runtime.httpget import answers_200
from lgsp.runtime.kafka.client import end_offsets
from lgsp.runtime.kafka.topics import DOSSIER_EVENTS
from lgsp.runtime.settings import Settings
from lgsp.store.engine import open_store
from lgsp.store.figures import answers
from lgsp.store.offsets import count_behind, stored_offsets
from lgsp.store.rates.fold import LANE

_COUNTS = ("received", "received_online", "resolved", "resolved_late", "resolved_early", "open")
_MOST_EVENTS_A_CHANGE = 1.2
_PACE = 20  # pages a second of the one that is killed half way
_SEED = 7


class Office:
    """A log and a rates worker, and connectors run beside them."""

    def __init__(self, settings: Settings, worker: Process, folder: Path) -> None:
        self.folder = folder
        self._settings, self._worker = settings, worker

    def events(self) -> int:
        """Count what is on the log."""
        return sum(end_offsets(self._settings.bootstrap, DOSSIER_EVENTS).values())

    def connect(self, config: Path) -> tuple[Ran, int]:
        """Run a connector until it has caught up; give what it was, and its events on the log.

        Raises:
            MeasurementError: it failed or rejected something.
        """
        before = self.events()
        ran = run_command(
            self._settings, "run", str(config), "--once", module="lgsp_connectors.cli"
        )
        if ran.document["rejected"]:
            raise MeasurementError(f"{config.name}: rejected: {ran.document['reasons']}")
        events = self.events() - before
        said = f"{events} events, {ran.seconds:.1f} s, {ran.peak_mb:.0f} MB"
        print(f"bench: {config.stem}: {said}", file=sys.stderr, flush=True)
        return ran, events

    def killed(self, config: Path, events: int) -> float:
        """Run a connector, kill it (-9) after so many events; give the seconds until then."""
        target = self.events() + events
        began = time.monotonic()
        connector = Process(
            self._settings, "run", str(config), "--once", module="lgsp_connectors.cli"
        )
        with connector:
            connector.wait_until(f"{events} events", lambda: self.events() >= target, 600)
            connector.kill()
        return time.monotonic() - began

    def check(self, province: str, expected: Figures) -> dict[str, int]:
        """Wait until all is counted; give the province's counts.

        Raises:
            MeasurementError: a figure of a unit is not the expected one.
        """
        counted = self._counted(province)
        for unit in sorted(counted.keys() | expected.keys()):
            ours, theirs = counted.get(unit, {}), expected.get(unit, {})
            if ours != theirs:
                raise MeasurementError(f"{unit}: the figures are {ours}, the files have {theirs}")
        total: Counter[str] = Counter()
        for counts in expected.values():
            total.update(counts)
        return {name: total[name] for name in _COUNTS}

    def _counted(self, province: str) -> Figures:
        ends = end_offsets(self._settings.bootstrap, DOSSIER_EVENTS)
        store = open_store(self._settings.rates_store, read_only=True)

        def level() -> bool:
            with store.connect() as connection:
                return not count_behind(ends, stored_offsets(connection, LANE, DOSSIER_EVENTS))

        try:
            self._worker.wait_until("all is counted", level, timeout=600)
            question = answers.Question(parse_period("all"), Scope(province))
            figures = answers.Figures(store, PROFILE, load_calendar(), now_ms)
            by_unit = figures.by_unit(question)
        finally:
            store.dispose()
        counts = {u: counts_of(PROFILE.measures, sums) for u, sums in by_unit.items()}
        return {u: {n: c[n] for n in _COUNTS if c[n]} for u, c in counts.items()}


@contextlib.contextmanager
def office() -> Iterator[Office]:
    """Run a broker and a rates worker; all of it is deleted afterwards."""
    with (
        empty_installation() as settings,
        Process(settings, "worker", "rates") as worker,
        tempfile.TemporaryDirectory(prefix="bench-files-") as name,
    ):
        ready = f"http://{settings.metrics_host}:{settings.metrics_port}/readyz"
        worker.wait_until("ready", lambda: answers_200(ready))
        yield Office(settings, worker, Path(name))


def measure_nights(
    place: Office, dossiers: int, nights: int, changed: float = 0.01
) -> dict[str, Any]:
    """Export all dossiers each night with a share of rows changed; read each as it comes.

    Raises:
        MeasurementError: after some night a figure was not that of the export alone, or far more
            events were written than rows had changed.
    """
    rnd = random.Random(_SEED)
    drop = Drop(portal="nightly", province="H37", path="export.csv", complete=True)
    config, export = drop.write_config(place.folder), place.folder / drop.path
    rows = [make_row(rnd, drop.province, n) for n in range(dossiers)]
    each = round(dossiers * changed)
    runs: list[tuple[Ran, int]] = []
    figures: dict[str, int] = {}
    for night in range(nights + 1):
        if night:
            for n in rnd.sample(range(dossiers), each):
                change(rnd, rows[n])
        write_rows(export, rows)
        runs.append(place.connect(config))
        figures = place.check(drop.province, count_rows([export]))
    (first, first_events), later = runs[0], runs[1:]
    events = sum(count for _, count in later)
    if events > _MOST_EVENTS_A_CHANGE * each * nights:
        raise MeasurementError(f"{events} events of {each * nights} changed rows")
    return {
        "dossiers": dossiers,
        "nights": nights,
        "rows_changed": each * nights,
        "events_of_the_first_night": first_events,
        "events_of_the_others": events,
        "first_night_s": round(first.seconds, 1),
        "other_nights_s": round(sum(ran.seconds for ran, _ in later) / nights, 1),
        "longest_night_s": round(max(ran.seconds for ran, _ in later), 1),
        "other_nights_cpu_s": round(sum(ran.cpu_seconds for ran, _ in later) / nights, 1),
        "peak_mb": round(max(ran.peak_mb for ran, _ in runs)),
        "figures": figures,
    }


def measure_files(place: Office, files: int, page_rows: int = 2000) -> dict[str, Any]:
    """Read very many files of one row each; look again, and once more with one more file.

    Then all are read under another id, of which nothing is known; killed (-9) half way, and
    read to the end.

    Raises:
        MeasurementError: a figure was not that of the files alone, what had been read gave
            events again, or the kill cost more than a page of them.
    """
    rnd = random.Random(_SEED)
    drop = Drop(portal="many", province="H38", path="inbox/*.csv", page_rows=page_rows)
    config, inbox = drop.write_config(place.folder), place.folder / "inbox"
    inbox.mkdir()
    for n in range(files):
        write_rows(inbox / f"{n:06d}.csv", [make_row(rnd, drop.province, n)])
    runs = {"first": place.connect(config), "again": place.connect(config)}
    write_rows(inbox / f"{files:06d}.csv", [make_row(rnd, drop.province, files)])
    runs["one_more"] = place.connect(config)
    expected = count_rows(sorted(inbox.iterdir()))
    place.check(drop.province, expected)

    other = replace(drop, portal="many-killed", pace=_PACE).write_config(place.folder)
    events, before = sum(count for _, count in runs.values()), place.events()
    killed_s = place.killed(other, events // 2)
    runs["resumed"] = place.connect(other)
    figures = place.check(drop.province, expected)
    repeated = place.events() - before - events
    counts = {what: count for what, (_, count) in runs.items()}
    if counts["again"] or not 1 <= counts["one_more"] <= 2:
        raise MeasurementError(f"events of {files} files, and of one more: {counts}")
    if not 0 <= repeated <= 2 * page_rows:
        raise MeasurementError(f"killed, it repeated {repeated} events of {events}")
    return {
        "files": files,
        "events": events,
        **{f"{what}_s": round(ran.seconds, 1) for what, (ran, _) in runs.items()},
        **{f"{what}_mb": round(ran.peak_mb) for what, (ran, _) in runs.items()},
        "killed_after_s": round(killed_s, 1),
        "repeated_after_kill": repeated,
        "figures": figures,
    }
