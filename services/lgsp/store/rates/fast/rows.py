"""What the fast fold holds of dossiers: one fixed row each, and the texts that many share.

A row is the registers of the layout, the last transition, what the transition table and the clock
need of the earlier ones, and what the dossier has added to the cells. The transitions stay in the
store: about 300 bytes a dossier are held, its code included.
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from lgsp.domain.dossier import ATTRIBUTES
from lgsp.domain.event import date_of_status
from lgsp.domain.status import Status
from lgsp.domain.usable import usable_text
from lgsp.store.rates import layout
from lgsp.store.rates.layout import NO_TIME, NO_WRITER, TEXTS, TIMES, VERSION

Rows = npt.NDArray[np.void]

NEVER = np.iinfo(np.int64).max

ROW = np.dtype(
    [
        ("partition", "<i4"),
        # The registers, as in lgsp.store.rates.layout.
        ("count", "<u2"),
        ("written", "<u2", (len(ATTRIBUTES),)),
        ("times", "<i8", (len(TIMES),)),
        ("level", "u1"),
        ("channel", "u1"),
        ("texts", "<i4", (len(TEXTS),)),
        # The order of the last transition.
        ("last", [("at", "<i8"), ("sequence", "<i8"), ("id", "<u8", (2,))]),
        ("stated", "<i8"),  # the latest statement
        # What earlier transitions say of the standing (store/rates/fast/transitions.py).
        ("odd", "?"),
        ("current", "u1"),
        ("current_at", "<i8"),
        ("seen", "<u2"),
        ("implied", "<i8"),
        ("ended", "<i8"),
        ("waited", "<i8"),
        ("waits_from", "<i8"),
        ("first_wait", "<i8"),
        ("last_wait", "<i8"),
        # What is in the cells (store/rates/fast/standing.py), and of which service.
        ("service", "<i4"),
        ("received_measure", "i1"),
        ("received_day", "<i4"),
        ("open", "?"),
        ("overdue", "?"),
        ("suspended", "?"),
        ("closed_measure", "i1"),
        ("closed_day", "<i4"),
    ]
)
COUNTED = tuple(name for name in ROW.names or () if name in (ROW.names or ())[-7:])

HEAD = np.dtype(
    [
        ("version", "u1"),
        ("count", "<u2"),
        ("written", "<u2", (len(ATTRIBUTES),)),
        ("times", "<i8", (len(TIMES),)),
        ("level", "u1"),
        ("channel", "u1"),
        ("lengths", "<u2", (len(TEXTS) + 1,)),
        ("sealed", "<u4"),
    ]
)
TRANSITION = np.dtype(
    [
        ("at", "<i8"),
        ("sequence", "<i8"),
        ("id", ">u8", (2,)),
        ("flags", "u1"),
        ("due", "<i8"),
        ("stated", "<i8"),
        ("portal", "u1"),
        ("details", "<u8"),
    ]
)


def _codes(fields: np.dtype[Any]) -> str:
    """Write the fields of an unaligned dtype as a Struct has them."""
    codes = ""
    for name in fields.names or ():
        single, shape = fields[name].base, fields[name].shape
        count = shape[0] if shape else 1
        is_id = single.str == ">u8"
        codes += f"{count * single.itemsize}s" if is_id else _CODES[single.str] * count
    return codes


_CODES = {"|u1": "B", "<u2": "H", "<u4": "I", "<i8": "q", "<u8": "Q"}
for _ours, _theirs in ((HEAD, layout.HEAD), (TRANSITION, layout.TRANSITION)):
    _wanted = re.sub(r"(\d+)([A-Zq])", lambda m: m[2] * int(m[1]), _theirs.format[1:])
    if _codes(_ours) != _wanted:
        raise TypeError(f"not the bytes of a stored dossier: {_codes(_ours)}, not {_wanted}")

DATE_OF = np.array([TIMES.index(date_of_status(s)) if date_of_status(s) else -1 for s in Status])
"""Which of TIMES a status stands for; -1: it has no date of its own."""


def empty_rows(count: int) -> Rows:
    """Return rows of dossiers of which nothing is known."""
    rows: Rows = np.zeros(count, ROW)
    rows["written"] = NO_WRITER
    for name in ("times", "stated", "implied", "ended", "waits_from", "last_wait"):
        rows[name] = NO_TIME
    rows["first_wait"] = NEVER
    rows["received_measure"] = rows["closed_measure"] = -1
    return rows


class Texts:
    """Numbers for texts; 0 is the empty one."""

    def __init__(self) -> None:
        self._ids: dict[bytes, int] = {b"": 0}
        self.raw: list[bytes] = [b""]
        self.text: list[str] = [""]
        self._lengths = np.zeros(64, np.int64)

    def id_of(self, raw: bytes) -> int:
        """Return the number of a text."""
        found = self._ids.get(raw)
        if found is None:
            found = self._ids[raw] = len(self.raw)
            self.raw.append(raw)
            self.text.append(raw.decode())
            if found == len(self._lengths):
                self._lengths = np.resize(self._lengths, 2 * found)
            self._lengths[found] = len(raw)
        return found

    def id_if_usable(self, raw: bytes) -> int:
        """Return the number of a text; -1 when it is none that can be kept."""
        if raw not in self._ids and usable_text(raw) is None:
            return -1
        return self.id_of(raw)

    def lengths(self, ids: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
        """Return the texts' lengths in bytes."""
        return self._lengths[ids]


class HeldRows:
    """The rows held, by dossier code (UTF-8)."""

    def __init__(self) -> None:
        self.slots: dict[bytes, int] = {}
        self.codes: list[bytes] = []
        self.rows: Rows = np.empty(1024, ROW)
        self.texts = Texts()

    def add(self, codes: Sequence[bytes], rows: Rows) -> None:
        """Hold rows of codes that are not held."""
        first = len(self.slots)
        needed = first + len(codes)
        if needed > len(self.rows):
            grown = np.empty(max(needed, len(self.rows) * 9 // 8), ROW)
            grown[:first] = self.rows[:first]
            self.rows = grown
        self.rows[first:needed] = rows
        self.slots.update(zip(codes, range(first, needed), strict=True))
        self.codes.extend(codes)


def heads(rows: Rows, texts: Texts) -> list[bytes]:
    """Encode the dossiers up to their transitions (lgsp.store.rates.layout.encode)."""
    head = np.zeros(len(rows), HEAD)
    head["version"] = VERSION
    for name in ("count", "written", "times", "level", "channel"):
        head[name] = rows[name]
    head["lengths"][:, :-1] = texts.lengths(rows["texts"])  # no list of several portals
    raw = head.tobytes()
    size = HEAD.itemsize
    text_of = texts.raw.__getitem__
    return [
        raw[at : at + size] + b"".join(map(text_of, ids))
        for at, ids in zip(range(0, len(raw), size), rows["texts"].tolist(), strict=True)
    ]


def head_sizes(rows: Rows, texts: Texts) -> npt.NDArray[np.int64]:
    """Return how many bytes `heads` gives for each row."""
    sizes: npt.NDArray[np.int64] = HEAD.itemsize + texts.lengths(rows["texts"]).sum(axis=1)
    return sizes
