"""Synthetic persons: a name that says so and numbers that no one has."""

from typing import NamedTuple


class Person(NamedTuple):
    """The owner of a dossier; `kind` is the national LoaiDoiTuong (1 citizen, 2 business)."""

    name: str
    id_number: str
    kind: str
    phone: str


def person_of(number: int) -> Person:
    """Give the owner of the twin's `number`-th dossier: some own several, one in 20 is a firm."""
    owner = number * 7919 % 60_000 + 1
    kind = "2" if owner % 20 == 0 else "1"
    name = "CONG TY TEST" if kind == "2" else "NGUYEN VAN TEST"
    return Person(f"{name} {owner:05d}", f"000{owner:09d}", kind, f"0000{owner:06d}")
