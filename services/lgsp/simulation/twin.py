"""Writes a twin: files by month, the YAML to read them with, and the truth."""

import gzip
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

from lgsp.domain.errors import ConfigurationError, FatalError
from lgsp.domain.period import month_of, show_day
from lgsp.domain.working_time import DAY_MS, Calendar, day_of
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.simulation.delivery import Delivery, SpoilColumns
from lgsp.simulation.dossiers import TwinDossier, closing_instant, twin_dossiers
from lgsp.simulation.flat import CHANNEL_COLUMN, flat_record
from lgsp.simulation.reading import CONNECTOR_FILE, connector_yaml
from lgsp.simulation.rows import Row, step_rows
from lgsp.simulation.spec import Format, ProvinceSpec, quotas
from lgsp.simulation.truth import DossierTruths, Truth, open_gzip

Progress = Callable[[int, int], None]
"""Called with dossiers made and dossiers in all."""

_FILED_BEFORE = 20 * DAY_MS  # none is filed longer before it is received, long holidays included
_REPORT_EVERY = 1000


def simulate(
    spec: ProvinceSpec,
    out: Path,
    progress: Progress | None = None,
    calendar: Calendar | None = None,
) -> Truth:
    """Write the twin into the folder `out` (made when absent) and return its truth.

    Full scale is some 860,000 rows; they wait in memory until no dossier can
    add to their day.

    Raises:
        ConfigurationError: the folder already holds another twin, or the period does not do.
        FatalError: the folder cannot be written.
    """
    try:
        return _simulate(spec, out, progress, calendar or load_calendar())
    except OSError as error:
        raise FatalError(f"{error.filename}: {error.strerror}") from error


def _simulate(
    spec: ProvinceSpec, out: Path, progress: Progress | None, calendar: Calendar
) -> Truth:
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()):
        raise ConfigurationError(f"--out {out}: the folder is not empty")
    closing = closing_instant(spec)
    rows, prefix, columns = _writing(spec)
    truth = Truth(spec, calendar.version)
    delivery = Delivery(spec, closing, columns, Random(spec.seed + 1))  # noqa: S311
    total = quotas(spec.dossiers).dossiers
    with DossierTruths(out) as truths, _Days(out, prefix) as days:
        for dossier in twin_dossiers(spec, calendar):
            truth.add(dossier)
            truths.add(dossier)
            for at, row in rows(dossier):
                for when, text in delivery.deliver(at, row):
                    days.add(when, text)
            if dossier.number % _REPORT_EVERY == 0:
                days.write_before(dossier.submitted_at - _FILED_BEFORE)
                if progress is not None:
                    progress(dossier.number, total)
    if progress is not None:
        progress(total, total)
    (out / CONNECTOR_FILE).write_text(connector_yaml(spec), "utf-8")
    truth.rows = dict(delivery.counts)
    truth.save(out)
    return truth


def _writing(
    spec: ProvinceSpec,
) -> tuple[Callable[[TwinDossier], Iterable[tuple[int, Row]]], str, SpoilColumns]:
    """Give how a dossier becomes rows, the files' prefix, and the columns that can be spoiled."""
    if spec.format is Format.OPENCPS:

        def snapshot(dossier: TwinDossier) -> Iterable[tuple[int, Row]]:
            last = len(dossier.course.changes) - 1
            row = flat_record(dossier, last, persons=spec.persons)
            row[CHANNEL_COLUMN] = int(dossier.channel)  # OpenCPS's two fields are not one column
            yield dossier.course.changes[last].at, row

        return snapshot, "dossiers", SpoilColumns("dossierNo", "dossierStatus", "modifiedDate")

    def steps(dossier: TwinDossier) -> Iterable[tuple[int, Row]]:
        return step_rows(dossier, persons=spec.persons)

    return steps, "steps", SpoilColumns("MaHoSo", "TrangThai", "ThoiDiem")


class _Days:
    """Rows waiting for their day: it is written once, in order of delivery, in its month's file.

    A context manager: leaving it writes what still waits.
    """

    def __init__(self, folder: Path, prefix: str) -> None:
        self._folder, self._prefix = folder, prefix
        self._waiting: defaultdict[int, list[tuple[int, int, bytes]]] = defaultdict(list)
        self._written = self._count = 0
        self._month = ""
        self._file: gzip.GzipFile | None = None

    def __enter__(self) -> "_Days":
        return self

    def __exit__(self, *_: object) -> None:
        self._write(sorted(self._waiting))
        if self._file is not None:
            self._file.close()

    def add(self, when: int, text: bytes) -> None:
        """Keep a row that is delivered at `when` (ms UTC), on a day that is not written yet."""
        day = day_of(when)
        if day < self._written:
            raise FatalError(f"a row of {show_day(day)} came after its day was written")
        self._count += 1
        self._waiting[day].append((when, self._count, text))

    def write_before(self, at: int) -> None:
        """Write the days before that of `at` (ms UTC), to which nothing is added any more."""
        self._written = max(self._written, day_of(at))
        self._write(sorted(day for day in self._waiting if day < self._written))

    def _write(self, days: list[int]) -> None:
        for day in days:
            month = month_of(day)
            if self._file is None or month != self._month:
                if self._file is not None:
                    self._file.close()
                self._month = month
                self._file = open_gzip(self._folder / f"{self._prefix}-{month}.jsonl.gz")
            self._file.write(b"".join([text for _, _, text in sorted(self._waiting.pop(day))]))
