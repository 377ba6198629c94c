"""Details packed and joined: nothing known becomes unknown, nothing unknown becomes false."""

from enum import IntEnum
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.details import MOST, NOTHING, Details, latest, pack, unpack
from tests.domain.events import details


@given(details)
def test_what_is_packed_is_given_back(made: Details) -> None:
    small = {name: value for name, value in made._asdict().items() if name in MOST}
    held: dict[str, Any] = {n: v if v is None else min(v, MOST[n]) for n, v in small.items()}

    assert made._replace(**held) == unpack(pack(made))
    assert 0 <= pack(made) < 2**64


def test_nothing_known_is_nought() -> None:
    assert 0 == pack(None) == pack(NOTHING)
    assert NOTHING == unpack(0)


@given(st.lists(details, max_size=6))
def test_an_item_is_that_of_the_last_statement_that_knows_it(made: list[Details]) -> None:
    expected = NOTHING
    for one in map(unpack, map(pack, made)):
        known: dict[str, Any] = {
            n: v
            for n, v in one._asdict().items()
            if not (v is None or (isinstance(v, IntEnum) and not v))
        }
        expected = expected._replace(**known)

    assert expected == latest(map(pack, made))


def test_a_fee_of_nothing_is_known() -> None:
    assert 0 == unpack(pack(Details(fee=0))).fee
    assert MOST["fee"] == unpack(pack(Details(fee=10**12))).fee
