"""When a row reaches the files: at once or, on purpose, displaced, late, again or spoiled."""

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from lgsp.domain.working_time import DAY_MS, HOUR_MS
from lgsp.simulation.rows import Row, line
from lgsp.simulation.spec import ProvinceSpec

_DISPLACED = (HOUR_MS, 5 * DAY_MS)
_LATE = (20 * DAY_MS, 60 * DAY_MS)
_REPEATED = (0, 3 * DAY_MS)


class SpoilColumns(NamedTuple):
    """Columns of a row without which it cannot be used."""

    code: str
    status: str
    date: str


class Delivery:
    """Decides for each row when it is delivered, and makes the extra rows.

    Nothing is taken away: the facts in the files are the twin's, whatever the shares. Rows that
    would come after the period are delivered at its end.
    """

    def __init__(
        self, spec: ProvinceSpec, closing: int, columns: SpoilColumns, rng: Random
    ) -> None:
        self.counts: Counter[str] = Counter(
            dict.fromkeys(("rows", "duplicates", "displaced", "late", "corrupt"), 0)
        )
        self._spec, self._closing = spec, closing
        self._columns, self._rng = columns, rng
        self._clean = not (spec.duplicates or spec.disorder or spec.late or spec.corrupt)

    def deliver(self, at: int, row: Row) -> Iterator[tuple[int, bytes]]:
        """Give the moments (ms UTC) and bytes that the row of instant `at` becomes."""
        text = line(row)
        self.counts["rows"] += 1
        if self._clean:
            yield at, text
            return
        spec, rng = self._spec, self._rng
        when = at
        if rng.random() < spec.late:
            when = self._later(at, _LATE)
            self.counts["late"] += 1
        elif rng.random() < spec.disorder:
            when = self._later(at, _DISPLACED)
            self.counts["displaced"] += 1
        yield when, text
        if rng.random() < spec.duplicates:
            self.counts["rows"] += 1
            self.counts["duplicates"] += 1
            yield self._later(when, _REPEATED), text
        if rng.random() < spec.corrupt:
            self.counts["rows"] += 1
            self.counts["corrupt"] += 1
            yield when, self._spoiled(row, text)

    def _later(self, at: int, by: tuple[int, int]) -> int:
        return min(at + self._rng.randint(*by), self._closing)

    def _spoiled(self, row: Row, text: bytes) -> bytes:
        """Spoil a copy of the row so that nothing can be read from it."""
        columns = self._columns
        kind = self._rng.randrange(5)
        if kind == 0:
            return line({**row, columns.date: "31/02/2024 08:00"})
        if kind == 1:
            return line({**row, columns.status: "Chuyển hồ sơ giấy"})
        if kind == 2:
            return line({key: value for key, value in row.items() if key != columns.code})
        if kind == 3:
            return line({**row, columns.code: str(row[columns.code]).replace("-", "/")})
        return text[: len(text) // 2] + b"\n"
