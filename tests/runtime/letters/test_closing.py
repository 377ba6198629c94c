"""A letter closes when its record was used: that very record, or a file that can be read now."""

from dataclasses import replace

from lgsp.runtime.letters.closing import OpenLetters
from lgsp.runtime.letters.dead_letters import DeadLetter, Stage


def identify(origin: str, payload: bytes) -> str:
    return f"{origin}|{payload!r}"


def letter(origin: str, payload: bytes, **other: object) -> DeadLetter:
    made = DeadLetter(
        letter_id=identify(origin, payload),
        stage=Stage.CONNECTOR,
        reason="bad_code",
        origin=origin,
        portal="p",
        rejected_at=0,
    )
    return replace(made, **other)  # type: ignore[arg-type]


def used(
    letters: OpenLetters, row: int, payload: bytes = b"good", file: str = "a.csv"
) -> list[str]:
    return letters.closed_by(f"{file}:{row}", file, row, lambda: payload)


def test_the_record_that_was_rejected_closes_its_letter_and_no_other() -> None:
    letters = OpenLetters(identify, [letter("a.csv:5", b"x"), letter("a.csv:6", b"y")], "p")
    assert used(letters, 5, b"another row stands there now") == []
    assert used(letters, 6, b"x") == []
    assert used(letters, 5, b"x", "b.csv") == []
    assert used(letters, 5, b"x") == ["a.csv:5|b'x'"]
    assert used(letters, 5, b"x") == []
    assert used(letters, 6, b"y") == ["a.csv:6|b'y'"]
    assert not letters


def test_a_row_behind_closes_what_was_written_of_the_file() -> None:
    opened = [letter("a.csv", b""), letter("a.csv:1", b""), letter("a.csv:7", b"")]
    letters = OpenLetters(identify, opened, "p")
    assert used(letters, 9, file="b.csv") == []
    assert sorted(used(letters, 2)) == ["a.csv:1|b''", "a.csv|b''"]
    assert used(letters, 6) == []
    assert used(letters, 7) == ["a.csv:7|b''"]


def test_letters_of_other_portals_and_stages_stay() -> None:
    others = [
        letter("a.csv:5", b"x", portal="q"),
        letter("a.csv:5", b"x", stage=Stage.RATES),
    ]
    letters = OpenLetters(identify, others, "p")
    assert not letters
    assert used(letters, 5, b"x") == []


def test_a_letter_of_this_run_closes_too() -> None:
    letters = OpenLetters(identify, [], "p")
    letters.add("a.csv", identify("a.csv", b""))
    assert used(letters, 2) == ["a.csv|b''"]
    letters.add("a.csv:3", identify("a.csv:3", b""))
    assert used(letters, 4) == ["a.csv:3|b''"]


def test_a_record_that_stands_in_no_file_is_found_by_its_origin() -> None:
    origin = "http://portal:8080/dossiers#H37"
    letters = OpenLetters(identify, [letter(origin, b"x")], "p")
    assert letters.closed_by(origin, "", 0, lambda: b"y") == []
    assert letters.closed_by(origin, "", 0, lambda: b"x") == [identify(origin, b"x")]


def test_a_file_whose_name_is_masked_is_found() -> None:
    name = "NGUYEN VAN TEST 0912345678.csv"
    masked = letter("*** ***.csv:5", b"x", letter_id=identify(f"{name}:5", b"x"))
    letters = OpenLetters(identify, [], "p")
    letters.add(f"{name}:5", masked.letter_id)
    assert used(letters, 5, b"x", name) == [masked.letter_id]
