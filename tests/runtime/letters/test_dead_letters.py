from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.errors import ConfigurationError, RejectedRecord, RejectReason
from lgsp.runtime.avro.codec import LETTERS
from lgsp.runtime.kafka.client import make_producer, read_topic
from lgsp.runtime.kafka.topics import DEAD_LETTERS, DOSSIER_EVENTS
from lgsp.runtime.letters.dead_letters import (
    DeadLetter,
    DeadLetters,
    Stage,
    decode_letter,
    encode_letter,
    open_letters,
)
from lgsp.runtime.letters.replay import RAW, as_line, open_payload, replay
from lgsp.runtime.sealing import key_file, load
from lgsp.runtime.settings import load_settings

PERSON = b'{"MaHoSo": "H37.1-240102-0001", "ChuHoSo": "NGUYEN VAN TEST", "SoCCCD": "000000000001"}'

letters = st.builds(
    DeadLetter,
    letter_id=st.text(),
    stage=st.sampled_from(Stage),
    reason=st.sampled_from([reason.value for reason in RejectReason]),
    origin=st.text(),
    portal=st.text(),
    dossier_code=st.text(),
    field=st.text(),
    value=st.text(),
    detail=st.text(),
    payload=st.none() | st.binary(),
    rejected_at=st.integers(0, 2**53),
    version=st.text(),
)


@given(letters)
def test_a_letter_comes_back_as_it_was(letter: DeadLetter) -> None:
    assert letter == decode_letter(encode_letter(letter))


def test_a_record_that_is_no_letter_is_rejected() -> None:
    with pytest.raises(RejectedRecord):
        decode_letter(LETTERS.encode(_record())[:-3])


def _record() -> dict[str, object]:
    return {"letter_id": "a", "stage": "RATES", "reason": "x", "origin": "o", "rejected_at": 1}


def test_a_record_that_is_no_json_object_is_still_one_line() -> None:
    assert b'{"a":1}\n' == as_line(b'{ "a":\n 1}')
    assert b'{"raw_record":"x;y\\nz"}\n' == as_line(b"x;y\nz")
    assert RAW.encode() in as_line(b"\xff\xfe")


class Topic:
    """Keeps what would be sent to Kafka."""

    def __init__(self) -> None:
        self.values: list[bytes | None] = []

    def send(self, _topic: str, _key: bytes, value: bytes | None) -> None:
        self.values.append(value)

    def flush(self) -> None:
        """Nothing is on its way."""


def test_a_record_travels_sealed(tmp_path: Path) -> None:
    settings, topic = load_settings(data=tmp_path, broker=""), Topic()
    cause = RejectedRecord(RejectReason.BAD_VALUE, field="DienThoai", value="0900000001")
    letters = DeadLetters(settings, topic)  # type: ignore[arg-type]
    letters.write(Stage.CONNECTOR, cause, origin="in/a.csv:7", payload=PERSON)
    (value,) = topic.values
    assert value is not None

    assert not any(piece in value for piece in (PERSON[10:40], b"NGUYEN", b"000000000001"))
    assert PERSON == open_payload(decode_letter(value), load(key_file(settings)))


@pytest.mark.kafka
def test_parked_listed_opened_replayed_and_closed(broker: str, tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path, broker=broker)
    producer = make_producer(broker)
    letters = DeadLetters(settings, producer, clock=lambda: 1_700_000_000_000)
    cause = RejectedRecord(RejectReason.BAD_VALUE, field="DienThoai", value="0900000001")
    place = {"origin": "in/a.csv:7", "portal": "letters-test", "payload": PERSON}
    first = letters.write(Stage.CONNECTOR, cause, **place)  # type: ignore[arg-type]
    again = letters.write(Stage.CONNECTOR, cause, **place)  # type: ignore[arg-type]
    letters.write_record(Stage.RATES, DOSSIER_EVENTS, 3, Poison(), cause)
    letters.flush()
    sealer = load(key_file(settings))

    mine = [letter for letter in open_letters(broker) if _is_mine(letter)]
    portal, log = sorted(mine, key=lambda letter: letter.stage)
    raw = b"".join(r.value or b"" for r in read_topic(broker, DEAD_LETTERS))

    assert first == again == portal.letter_id
    assert ("***", "in/a.csv:7", 1_700_000_000_000) == (
        portal.value,
        portal.origin,
        portal.rejected_at,
    )
    assert PERSON == open_payload(portal, sealer)
    assert "dossier-events/3/123456789" == log.origin
    assert b"NGUYEN" not in raw
    assert b"000000000001" not in raw

    with pytest.raises(ConfigurationError, match=r"1 letters hold portals' records.*--out"):
        replay(mine, sealer, producer, None)
    out = tmp_path / "fixed.jsonl"
    done = replay(mine, sealer, producer, out)

    assert (1, 1) == (done.to_log, done.to_file)
    assert PERSON.replace(b'": ', b'":').replace(b", ", b",") + b"\n" == out.read_bytes()
    assert not [letter for letter in open_letters(broker) if _is_mine(letter)]
    replayed = [r for r in read_topic(broker, DOSSIER_EVENTS) if r.key == Poison.key]
    assert [(3, b"poison")] == [(r.partition, r.value) for r in replayed]

    letters.write(Stage.CONNECTOR, cause, **place)  # type: ignore[arg-type]
    letters.flush()
    assert [first] == [letter.letter_id for letter in open_letters(broker) if _is_mine(letter)]
    with pytest.raises(ConfigurationError, match="File exists"):
        replay([portal], sealer, producer, out)
    producer.close()


@pytest.mark.kafka
def test_of_a_huge_record_the_beginning_is_kept(broker: str, tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path, broker=broker)
    producer = make_producer(broker)
    huge = b"x" * 3_000_000
    cause = RejectedRecord(RejectReason.BAD_VALUE, detail="too long")
    letters = DeadLetters(settings, producer)
    written = letters.write(
        Stage.CONNECTOR, cause, origin="in/b.csv:1", portal="huge-test", payload=huge
    )
    letters.flush()

    (letter,) = [letter for letter in open_letters(broker) if letter.letter_id == written]

    assert huge[: 512 * 1024] == open_payload(letter, load(key_file(settings)))
    assert "too long (only the first 524,288 of 3,000,000 bytes are kept)" == letter.detail
    producer.close()


class Poison:
    offset = 123_456_789
    key = b"H37.9-240102-0009"
    value = b"poison"
    timestamp = 0


def _is_mine(letter: DeadLetter) -> bool:
    return letter.portal == "letters-test" or letter.dossier_code == Poison.key.decode()
