"""What the national indices ask of a dossier besides its status: payment, fees, digitisation.

Every item may be unknown, and unknown is never false. An event carries the items as its source
states them; the dossier keeps them packed in one number a transition, and the value of an item is
that of the latest statement that knows it.
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple


class FilingPlace(IntEnum):
    """Where the dossier was filed; the values are the national NoiNopHoSo codes."""

    UNKNOWN = 0
    NATIONAL_PORTAL = 1
    LOCAL = 2


class Payment(IntEnum):
    """How the fee was paid (national DuocThanhToanTrucTuyen: 0 none, 1, 2 online, 3 otherwise)."""

    UNKNOWN = 0
    NONE = 1
    ONLINE_NATIONAL = 2
    ONLINE_LOCAL = 3
    OFFLINE = 4


class Answer(IntEnum):
    """Yes, no, or not known."""

    UNKNOWN = 0
    NO = 1
    YES = 2


class Details(NamedTuple):
    """The items; `fee` in dong, the other numbers are counts, None: not known."""

    filing_place: FilingPlace = FilingPlace.UNKNOWN
    payment: Payment = Payment.UNKNOWN
    fee: int | None = None
    fee_waived: Answer = Answer.UNKNOWN
    components_digitised: int | None = None
    components_reused: int | None = None
    components_from_store: int | None = None
    supplements: int | None = None
    vneid_verified: Answer = Answer.UNKNOWN
    electronic_result: Answer = Answer.UNKNOWN


NOTHING = Details()

# Name, bits, kind of enumeration (None: a number, held as itself + 1 so that 0 is "not known").
_LAYOUT: tuple[tuple[str, int, type[IntEnum] | None], ...] = (
    ("filing_place", 2, FilingPlace),
    ("payment", 3, Payment),
    ("fee", 33, None),
    ("fee_waived", 2, Answer),
    ("components_digitised", 5, None),
    ("components_reused", 5, None),
    ("components_from_store", 5, None),
    ("supplements", 5, None),
    ("vneid_verified", 2, Answer),
    ("electronic_result", 2, Answer),
)
BITS = tuple((name, bits) for name, bits, _ in _LAYOUT)
"""Items from the lowest bit on; 64 in all."""

MOST = {name: (1 << bits) - 2 for name, bits, kind in _LAYOUT if kind is None}
"""Largest number held of each item: 8,589,934,590 dong, counts to 30; more is held as this."""


def pack(details: Details | None) -> int:
    """Pack the items into an unsigned number of 64 bits; 0: nothing is known."""
    if details is None:
        return 0
    packed = shift = 0
    for value, (name, bits, kind) in zip(details, _LAYOUT, strict=True):
        if kind is not None:
            packed |= int(value or 0) << shift
        elif value is not None:
            packed |= (min(max(value, 0), MOST[name]) + 1) << shift
        shift += bits
    return packed


def unpack(packed: int) -> Details:
    """Give the items that `pack` has packed."""
    values: list[IntEnum | int | None] = []
    for _, bits, kind in _LAYOUT:
        part = packed & ((1 << bits) - 1)
        packed >>= bits
        values.append(kind(part) if kind is not None else part - 1 if part else None)
    return Details(*values)  # type: ignore[arg-type]


def latest(packed: Iterable[int]) -> Details:
    """Give each item as the last of the statements (in their order) that knows it has it."""
    known = [0] * len(_LAYOUT)
    for number in packed:
        rest = number
        for i, (_, bits, _) in enumerate(_LAYOUT):
            known[i] = rest & ((1 << bits) - 1) or known[i]
            rest >>= bits
    whole = shift = 0
    for part, (_, bits, _) in zip(known, _LAYOUT, strict=True):
        whole |= part << shift
        shift += bits
    return unpack(whole)
