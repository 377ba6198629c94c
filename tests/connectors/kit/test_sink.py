"""What goes to the log besides events: original records and checkpoints, as bytes."""

import json
from typing import Any

import pytest

from lgsp_connectors.kit.contract import Record
from lgsp_connectors.kit.sink import decode_checkpoint, encode_checkpoint, payload_of


@pytest.mark.parametrize(
    ("data", "payload"),
    [
        (b"a;b\n", b"a;b\n"),
        ({"Ma": "1"}, b'{"Ma":"1"}'),
        ({"Ma": "\ud83d"}, b'{"Ma": "\\ud83d"}'),
        ({"Ma": 2**70}, b'{"Ma": 1180591620717411303424}'),
    ],
)
def test_any_record_has_a_payload(data: Any, payload: bytes) -> None:
    assert payload_of(Record("here", data, 0)) == payload


def test_a_checkpoint_comes_back_and_says_when_it_was_stored() -> None:
    value = encode_checkpoint({"at": "7"}, 1_720_000_000_000)

    assert decode_checkpoint(value) == ({"at": "7"}, "")
    assert json.loads(value)["stored_at"] == 1_720_000_000_000
