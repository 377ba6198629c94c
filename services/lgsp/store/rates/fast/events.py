"""Reads a batch's records into columns, texts as numbers; leaves unusual ones to the codec."""

from collections.abc import Sequence
from itertools import chain, compress
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lgsp.domain.event import LAST_ROW, ROW_BITS
from lgsp.domain.usable import usable_text
from lgsp.domain.working_time import Years
from lgsp.runtime.avro.columns import UNKNOWN, Columns, decode_columns, packed_details
from lgsp.runtime.avro.event_columns import spans, usable_rows
from lgsp.runtime.kafka.records import LogRecord
from lgsp.store.events import written_at
from lgsp.store.rates.fast.merge import Events
from lgsp.store.rates.fast.rows import DATE_OF, TRANSITION, Texts
from lgsp.store.rates.fast.spans import LONGEST, Spans
from lgsp.store.rates.layout import DATED, NO_TIME, REMOVED, REOPENS, TEXTS, TIMES

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

# Texts that stand side by side in a record are looked up together: (after field, texts).
_RUNS = (
    ("event_id", ("portal", "province")),
    ("dossier_code", ("agency", "procedure", "domain")),
    ("", ("source_status",)),
    ("", ("national_code",)),
)
_AT_ONCE = 16_384
"""Records decoded at once: what is worked on stays in the processor's cache, and what the first
ones teach of texts need not be learnt of the others."""
assert UNKNOWN == NO_TIME  # noqa: S101 - times go from the columns into the layout as they are


class Read(NamedTuple):
    """Records read in columns, their dossiers' codes, and the rows (places) that were not."""

    events: Events
    codes: list[bytes]
    observed: Ints
    others: list[int]


class ColumnReader:
    """Reads batches; remembers the runs of texts it has seen, as `texts` numbers them."""

    def __init__(self, texts: Texts, years: Years) -> None:
        self._texts = texts
        self._years = years
        self._runs = [Spans() for _ in _RUNS]
        self._count = [1] * len(_RUNS)
        self._long: list[dict[bytes, int]] = [{} for _ in _RUNS]  # those that `_runs` cannot hold
        # Row 0: not usable.
        self._known = [np.full((64, len(names)), -1, np.int32) for _, names in _RUNS]

    def read(self, records: Sequence[LogRecord]) -> Read:
        """Decode the records; one that is not plainly usable is among the others."""
        parts = [
            self._read(records[at : at + _AT_ONCE], at) for at in range(0, len(records), _AT_ONCE)
        ]
        columns: Any = zip(*[part.events for part in parts], strict=True)
        # With its dtype: numpy alone would turn the ids into the processor's byte order.
        events = [np.concatenate(column, dtype=column[0].dtype) for column in columns]
        return Read(
            Events(*events),
            list(chain.from_iterable(part.codes for part in parts)),
            np.concatenate([part.observed for part in parts]),
            list(chain.from_iterable(part.others for part in parts)),
        )

    def _read(self, records: Sequence[LogRecord], first: int) -> Read:
        """Decode some of the records, those from place `first` on."""
        columns = decode_columns([record.value for record in records])
        numbers = columns.numbers
        ok = usable_rows(columns, self._years, written_at(records))
        texts = np.zeros((len(records), len(TEXTS)), np.int32)
        for run, (after, names) in enumerate(_RUNS):
            found = self._run(run, columns, after, names)
            ok &= found[:, 0] >= 0
            texts[:, [TEXTS.index(name) for name in names]] = found
        codes = spans(columns, "dossier_code", np.arange(len(records)))
        ok &= _are_texts(codes)
        index = np.flatnonzero(ok)
        times = np.stack([numbers[name] for name in TIMES], axis=1).take(index, axis=0)
        events = Events(
            index + first,
            _transitions(columns, index, times),
            texts.take(index, axis=0),
            numbers["service_level"][index],
            numbers["channel"][index],
            times,
        )
        others = (np.flatnonzero(~ok) + first).tolist()
        return Read(events, list(compress(codes, ok)), numbers["observed_at"][index], others)

    def _run(
        self, run: int, columns: Columns, after: str, names: tuple[str, ...]
    ) -> npt.NDArray[np.int32]:
        """Return the numbers of a run of texts of each record; -1 where a text is not usable."""
        begin = columns.ends[after] if after else columns.starts[names[0]]
        end = columns.ends[names[-1]]
        found = self._runs[run].find(columns.words, begin, end)
        unknown = np.flatnonzero(found < 0)
        if unknown.size:
            bounds = begin[unknown], end[unknown]
            found[unknown] = self._learn(run, columns, names, *bounds, unknown)
        return self._known[run].take(found, axis=0)

    def _learn(
        self,
        run: int,
        columns: Columns,
        names: tuple[str, ...],
        begin: Ints,
        end: Ints,
        index: Ints,
    ) -> Ints:
        """Remember runs of texts; row 0 stands for those that are not usable."""
        known, data = self._known[run], columns.data
        places = dict(self._long[run])
        new: list[int] = []
        bounds = [(columns.starts[name][index], columns.ends[name][index]) for name in names]
        keys = _cut(columns, begin, end)
        for key, i in dict(zip(keys, range(len(keys)), strict=True)).items():
            if key in places:
                continue
            ids = [self._texts.id_if_usable(data[a[i] : b[i]]) for a, b in bounds]
            if -1 in ids:
                places[key] = 0
                continue
            place = places[key] = self._count[run]
            self._count[run] += 1
            if place == len(known):
                known = self._known[run] = np.resize(known, (2 * place, len(ids)))
            known[place] = ids
            new.append(i)
            if len(key) > LONGEST:
                self._long[run][key] = place
        found = np.array(list(map(places.__getitem__, keys)), np.int64)
        self._runs[run].learn(columns.words, begin[new], end[new], found[new])
        return found


def _are_texts(raw: Sequence[bytes]) -> Flags | bool:
    """Tell which of the spans are usable texts; True: all of them."""
    together = b"".join(raw)
    if together.isascii() and b"\0" not in together:
        return True
    return np.fromiter((usable_text(one) is not None for one in raw), np.bool_, len(raw))


def _transitions(columns: Columns, index: Ints, times: Ints) -> npt.NDArray[np.void]:
    """Return the transitions of the records of the index; `times` (n, 5) are theirs."""
    numbers = columns.numbers
    transition = np.zeros(len(index), TRANSITION)
    transition["at"] = numbers["occurred_at"][index]
    transition["sequence"] = numbers["sequence"][index]
    start = columns.starts["event_id"][index]
    transition["id"] = np.stack(
        [columns.words[start], columns.words[start + 8]], axis=1
    ).byteswap()
    status, at = numbers["status"][index], numbers["occurred_at"][index]
    column = DATE_OF[status]
    dated = (column >= 0) & (times[np.arange(len(index)), column] == at)
    flags = numbers["reopens"] * REOPENS | numbers["removed"] * REMOVED
    transition["flags"] = status | flags[index] | dated * DATED
    transition["due"] = numbers["due_at"][index]
    stated = numbers["stated_at"][index]
    stated = np.where(stated == UNKNOWN, at, stated)
    transition["stated"] = stated << ROW_BITS | np.minimum(numbers["stated_row"][index], LAST_ROW)
    transition["details"] = packed_details(columns, index)
    return transition


def _cut(columns: Columns, start: Ints, end: Ints) -> list[bytes]:
    data = columns.data
    return [data[a:b] for a, b in zip(start.tolist(), end.tolist(), strict=True)]
