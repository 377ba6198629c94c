"""The change of the day cells when many dossiers change: old contributions out, new ones in."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from lgsp.store.rates.cells import CellRow
from lgsp.store.rates.fast.rows import COUNTED, Rows, Texts
from lgsp.store.rates.fast.rules import Rules
from lgsp.store.rates.fast.standing import counted_days
from lgsp.store.rates.layout import TEXTS
from lgsp.store.rates.services import ServiceNumbers

Ints = npt.NDArray[np.int64]

_AGENCY, _DOMAIN, _PROCEDURE = (TEXTS.index(name) for name in ("agency", "domain", "procedure"))
_TEXT_BITS = 21
MOST_TEXTS = 1 << _TEXT_BITS
_SERVICE_BITS, _PARTITION_BITS = 31, 15  # of a cell's key; the rest is the day


class RowServices:
    """Numbers of the services that rows name by the numbers of their texts."""

    def __init__(self, texts: Texts, numbers: ServiceNumbers) -> None:
        self._texts = texts
        self._numbers = numbers
        self._known: dict[int, int] = {}

    def of(self, texts: npt.NDArray[np.int32]) -> Ints:
        """Return the number of each row's service; `texts` (n, 6) as in the rows."""
        names = texts.astype(np.int64)
        packed = (names[:, _AGENCY] << 2 * _TEXT_BITS) | (names[:, _DOMAIN] << _TEXT_BITS)
        packed, place = np.unique(packed | names[:, _PROCEDURE], return_inverse=True)
        keys = packed.tolist()
        new = [key for key in keys if key not in self._known]
        if new:
            text, low = self._texts.text, MOST_TEXTS - 1
            services = [
                (text[key >> 2 * _TEXT_BITS], text[key >> _TEXT_BITS & low], text[key & low])
                for key in new
            ]
            numbers = self._numbers.of(services)
            self._known.update(zip(new, map(numbers.__getitem__, services), strict=True))
        return np.array([self._known[key] for key in keys], np.int64)[place]


def cell_changes(changes: Iterable[tuple[Rows, Rows]], rules: Rules) -> list[CellRow]:
    """Return what to add to the cells when each `old[i]` becomes `new[i]`, ordered by key."""
    found: list[tuple[Ints, Ints, Ints]] = []
    for old, new in changes:
        differs = old["service"] != new["service"]
        for name in COUNTED:
            differs |= old[name] != new[name]
        index = np.flatnonzero(differs)
        found += [_counts(old.take(index), -1, rules), _counts(new.take(index), 1, rules)]
    keys, measures, signs = (np.concatenate(parts) for parts in zip(*found, strict=True))
    if not keys.size:
        return []
    key, cell = np.unique(keys, return_inverse=True)
    size = len(rules.measure)
    counts = np.bincount(cell * size + measures, signs, len(key) * size).reshape(-1, size)
    partition = key >> _SERVICE_BITS & (1 << _PARTITION_BITS) - 1
    service = key & (1 << _SERVICE_BITS) - 1
    rows = np.column_stack(
        [key >> _SERVICE_BITS + _PARTITION_BITS, partition, service, counts.astype(np.int64)]
    )
    return list(zip(*rows[counts.any(axis=1)].T.tolist(), strict=True))


def _counts(rows: Rows, sign: int, rules: Rules) -> tuple[Ints, Ints, Ints]:
    """Return the key of the cell, the measure and the sign of each unit that the rows count."""
    index, days, measures = counted_days(rows, rules)
    key = days << _PARTITION_BITS | rows["partition"][index]
    key = key << _SERVICE_BITS | rows["service"][index]
    return key, measures, np.full(len(key), sign)
