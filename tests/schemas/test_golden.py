"""Fixed bytes of every subject: what is on the log today must be readable, and equal, for ever.

Never change a line below. A new schema version gets golden bytes of its own.
"""

from dataclasses import replace
from typing import Any

import pytest

from lgsp.domain.details import Answer, Details, FilingPlace, Payment
from lgsp.domain.event import Channel, DossierEvent, ServiceLevel, event_id
from lgsp.domain.status import Status
from lgsp.runtime.avro.codec import CELLS, LETTERS, RESULTS, Codec, decode_event, encode_event

EVENT = DossierEvent(
    event_id=bytes(range(16)),
    portal="opencps-ls",
    province="H37",
    dossier_code="H37.12-240102-0001",
    agency="H37.12",
    procedure="1.001612",
    domain="G09-TC01",
    service_level=ServiceLevel.FULL,
    channel=Channel.ONLINE,
    source_status="Đã trả kết quả",
    status=Status.RESULT_RETURNED,
    reopens=False,
    occurred_at=1_704_180_600_000,
    observed_at=1_704_180_660_000,
    sequence=3,
    submitted_at=1_704_157_200_000,
    received_at=1_704_160_800_000,
    due_at=1_704_420_000_000,
    finished_at=1_704_179_400_000,
    returned_at=None,
    sealed=b"\x01\x02k1",
)
SECOND = replace(
    EVENT,
    stated_at=1_704_180_650_000,
    stated_row=7,
    removed=True,
    national_code="G22.99-240102-000001",
    details=Details(
        filing_place=FilingPlace.NATIONAL_PORTAL,
        payment=Payment.ONLINE_LOCAL,
        fee=150_000,
        components_digitised=2,
        vneid_verified=Answer.YES,
        electronic_result=Answer.NO,
    ),
)
CELL = {
    "partition": 3,
    "agency": "H37.12",
    "domain": "G09-TC01",
    "procedure": "1.001612",
    "day": 19_724,
    "profile": "simple/1",
    "received_online": 300,
    "received_direct": 2,
    "received_postal": 0,
    "received_unknown": 1,
    "open": 5,
    "open_overdue": 1,
    "suspended": 2,
    "resolved_early": 200,
    "resolved_on_time": 80,
    "resolved_late": 4,
    "resolved_without_deadline": 0,
    "refused": 1,
    "withdrawn": 0,
}
RESULT = {
    "dossier_code": "H37.12-240102-0001",
    "outcome": "UPDATED",
    "status": "RESULT_RETURNED",
    "steps": 2,
    "attempt": 1,
    "error_code": "",
    "message": "Thành công",
    "occurred_at": 1_704_180_600_000,
    "at": 1_704_180_700_000,
}
LETTER = {
    "letter_id": "00112233445566778899aabbccddeeff",
    "stage": "CONNECTOR",
    "reason": "bad_date",
    "origin": "inbox/a.csv:7",
    "portal": "opencps-ls",
    "dossier_code": "H37.12-240102-0001",
    "field": "NgayNop",
    "value": "31/02/2024",
    "detail": "no such day",
    "payload": b"\x01\x02k1",
    "rejected_at": 1_704_180_600_000,
    "version": "0.1.0",
}
EVENT_BYTES = (
    "0000000001000102030405060708090a0b0c0d0e0f146f70656e6370732d6c730648333724483337"
    "2e31322d3234303130322d303030310c4833372e313210312e303031363132104730392d54433031"
    "06042cc490c3a3207472e1baa3206be1babf74207175e1baa3140080b3a2919963c0dca991996306"
    "0280faf9fa98630280b4b1fe9863028084caf59a630280f58f90996300020801026b31"
)
SECOND_BYTES = (
    "0000000005000102030405060708090a0b0c0d0e0f146f70656e6370732d6c730648333724483337"
    "2e31322d3234303130322d303030310c4833372e313210312e303031363132104730392d54433031"
    "06042cc490c3a3207472e1baa3206be1babf74207175e1baa3140080b3a2919963c0dca991996306"
    "0280faf9fa98630280b4b1fe9863028084caf59a630280f58f90996300020801026b3102a0c0a891"
    "99630e01284732322e39392d3234303130322d30303030303102020602e0a7120002040000000402"
)
CELL_BYTES = (
    "0000000002060c4833372e3132104730392d5443303110312e30303136313298b4021073696d706c"
    "652f31d8040400020a02049003a00108000200"
)
RESULT_BYTES = (
    "0000000003244833372e31322d3234303130322d303030310414040200185468c3a06e682063c3b4"
    "6e6780b3a2919963c0cdae919963"
)
LETTER_BYTES = (
    "00000000044030303131323233333434353536363737383839396161626263636464656566660210"
    "6261645f646174651a696e626f782f612e6373763a37146f70656e6370732d6c73244833372e3132"
    "2d3234303130322d303030310e4e6761794e6f701433312f30322f32303234166e6f207375636820"
    "646179020801026b3180b3a29199630a302e312e30"
)
GOLDEN: list[tuple[Codec, dict[str, Any], str]] = [
    (CELLS, CELL, CELL_BYTES),
    (RESULTS, RESULT, RESULT_BYTES),
    (LETTERS, LETTER, LETTER_BYTES),
]


@pytest.mark.parametrize(("codec", "record", "text"), GOLDEN, ids=[g[0].subject for g in GOLDEN])
def test_gives_the_same_bytes_and_record_for_ever(
    codec: Codec, record: dict[str, Any], text: str
) -> None:
    assert text == codec.encode(record).hex()
    assert record == codec.decode(bytes.fromhex(text))


def test_reads_the_event_of_the_first_version_for_ever() -> None:
    assert EVENT == decode_event(bytes.fromhex(EVENT_BYTES))


def test_gives_the_same_event_for_ever() -> None:
    assert SECOND_BYTES == encode_event(SECOND).hex()
    assert SECOND == decode_event(bytes.fromhex(SECOND_BYTES))


def test_the_id_of_a_fact_never_changes() -> None:
    assert "4e2969733dc678b713a3da121115f82a" == event_id(EVENT).hex()
    assert "9a7d5e5ba5f44c9bd02932a941188cd3" == event_id(SECOND).hex()
