"""What goes to the log besides events: original records and checkpoints, as bytes."""

import json
from typing import Any

import pytest

from lgsp_connectors.kit.contract import Record
from lgsp_connectors.kit.sink import (
    Checkpoint,
    decode_checkpoint,
    encode_checkpoint,
    payload_of,
)


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
    checkpoint = Checkpoint({"at": "7"}, 1_720_000_000_000, "name/3", "connector files")
    value = encode_checkpoint(checkpoint)

    assert decode_checkpoint(value) == checkpoint
    assert json.loads(value)["stored_at"] == 1_720_000_000_000


def test_a_checkpoint_of_an_older_version_is_read() -> None:
    value = b'{"cursor": {"at": "7"}, "stored_at": 5}'

    assert decode_checkpoint(value) == Checkpoint({"at": "7"}, 5)
