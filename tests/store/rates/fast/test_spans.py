"""Spans are found by their bytes, whatever their hashes; long ones are left to the caller."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.store.rates.fast import spans as fast_spans
from lgsp.store.rates.fast.spans import LONGEST, Ints, Spans, Words

Texts = list[bytes]


def laid_out(texts: Texts) -> tuple[Words, Ints, Ints]:
    """The texts one after another, as words at every byte, and their bounds."""
    data = b"".join(texts) + bytes(16)
    ends = np.cumsum([len(text) for text in texts], dtype=np.int64)
    lengths = np.array([len(text) for text in texts], np.int64)
    return np.ndarray((len(data) - 7,), "<u8", data, strides=(1,)), ends - lengths, ends


@given(
    st.lists(st.binary(max_size=LONGEST + 9), min_size=1, max_size=12, unique=True),
    st.lists(st.binary(max_size=LONGEST + 9), min_size=1, max_size=12),
)
def test_a_span_is_found_exactly_when_it_was_learnt(known: Texts, asked: Texts) -> None:
    spans = Spans()
    spans.learn(*laid_out(known), np.arange(len(known)))
    asked = asked + known

    found = spans.find(*laid_out(asked)).tolist()

    short = {text: i for i, text in enumerate(known) if len(text) <= LONGEST}
    assert [short.get(text, -1) for text in asked] == found


def test_spans_of_one_hash_are_not_taken_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_spans, "_MIX", np.uint64(0))
    spans = Spans()
    spans.learn(*laid_out([b"one", b"two"]), np.arange(2))

    found = spans.find(*laid_out([b"one", b"two", b"three"])).tolist()

    assert [0, -1, -1] == found
