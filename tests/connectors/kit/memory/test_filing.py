"""A code that stands for another person's dossier than before is held, never merged."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lgsp.domain.dossier import merge_all
from lgsp.domain.errors import RejectReason
from lgsp.domain.event import DossierEvent, with_id
from lgsp.domain.status import Status
from lgsp.runtime.sealing import Sealer
from lgsp_connectors.kit.contract import Listing
from lgsp_connectors.kit.memory.entry import Entry
from lgsp_connectors.kit.memory.filing import Filing, Owner, SealedPersons, filing_of, is_other
from lgsp_connectors.kit.memory.fresh import Fresh
from lgsp_connectors.kit.memory.known import Known, MemoryKnown, Restated
from lgsp_connectors.kit.memory.known_file import KnownFile

START = 1_720_142_100_000
DAY = 86_400_000
CODE = "H37.12-240705-0001"
SEALER = Sealer({"k": bytes(32)}, "k")
A = {"owner_name": "NGUYEN VAN TEST", "owner_id": "000000000001", "phone": "1"}
B = {"owner_name": "TRAN THI THU", "owner_id": "000000000002"}


def event(
    owner: dict[str, str] | None, filed: int | None = START, status: Status = Status.RECEIVED
) -> DossierEvent:
    return with_id(
        DossierEvent(
            portal="p",
            province="H37",
            dossier_code=CODE,
            agency="H37.12",
            status=status,
            occurred_at=(filed or START) + status,
            observed_at=START + 9 * DAY,
            submitted_at=filed,
            sealed=SEALER.seal(owner, CODE) if owner else None,
        )
    )


PERSONS = SealedPersons(SEALER)


def other(before: dict[str, str] | None, now: dict[str, str] | None, *filed: int | None) -> bool:
    first, second = (event(who, at) for who, at in zip((before, now), filed, strict=True))
    return is_other(
        filing_of(Filing(), first, PERSONS.owner(first)), second, PERSONS.owner(second)
    )


@pytest.mark.parametrize(
    ("change", "is_conflict"),
    [
        ({"owner_name": "TRAN THI THU", "owner_id": "000000000002"}, True),
        ({"owner_name": "TRAN THI THU"}, False),  # a corrected name
        ({"owner_id": "123456789"}, False),  # an old number, and a new one
        ({"owner_name": "Nguyễn Văn  Test", "owner_id": "123456789"}, False),
        ({"owner_id": "000 000 000 001", "owner_name": "X"}, False),
        ({"owner_name": "", "owner_id": "000000000002"}, True),
        ({"owner_name": "TRAN THI THU", "owner_id": ""}, True),
        ({"owner_name": "", "owner_id": ""}, False),  # nobody can tell
        ({"phone": "2"}, False),
    ],
)
def test_another_owner_and_another_filing_date_are_another_dossier(
    change: dict[str, str], is_conflict: bool
) -> None:
    assert is_conflict == other(A, A | change, START, START + DAY)
    assert is_conflict == other(A | change, A, START, START + DAY)
    assert not other(A, A | change, START, START)


@pytest.mark.parametrize("dates", [(None, START), (START, None), (None, None)])
def test_without_a_date_on_both_sides_nobody_can_tell(
    dates: tuple[int | None, int | None],
) -> None:
    assert not other(A, B, *dates)


def test_what_an_event_does_not_tell_stays_known() -> None:
    first, silent, third = event(A), event(None, None), event(B, START + DAY)
    filing = filing_of(Filing(), first, PERSONS.owner(first))
    filing = filing_of(filing, silent, PERSONS.owner(silent))

    assert is_other(filing, third, PERSONS.owner(third))


@pytest.fixture(params=["memory", "file"])
def known(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Known]:
    made: Known = MemoryKnown() if request.param == "memory" else KnownFile(tmp_path / "p.known")
    yield made
    made.close()


def state(fresh: Fresh, *events: DossierEvent) -> list[DossierEvent]:
    said = fresh.of([[each] for each in events], whole=True)
    fresh.keep()
    return said


def test_the_second_owner_is_held_until_the_first_one_is_back(known: Known) -> None:
    fresh = Fresh(known, PERSONS)
    first, second = event(A), event(B, START + DAY)
    assert [first] == state(fresh, first)
    assert [] == state(fresh, second)
    (error,) = fresh.conflicts.values()
    assert (error.reason, error.dossier_code) == (RejectReason.CONFLICT, CODE)
    assert "2024-07-05T01:15:00Z by another owner" in error.detail
    assert "NGUYEN" not in str(error)
    assert known.disputed == {CODE}

    moved = event(A, status=Status.PROCESSING)
    assert [moved] == state(Fresh(known, PERSONS), moved)
    assert known.disputed == set()


def test_a_code_that_was_removed_and_goes_to_another_owner_is_held(known: Known) -> None:
    """A portal that was set back no longer holds it, and gives it anew later."""
    first = event(A)
    state(Fresh(known, PERSONS), first)
    known.forget({CODE: 1})
    assert known.missing("9") == ([], 0)
    fresh = Fresh(known, PERSONS)
    assert [] == state(fresh, event(B, START + DAY))
    assert [0] == list(fresh.conflicts)
    assert [first] == state(fresh, first)
    known.reset()
    assert [event(B, START + DAY).event_id] == [
        e.event_id for e in state(Fresh(known, PERSONS), event(B, START + DAY))
    ]


def test_both_on_one_page_do_not_merge(known: Known) -> None:
    said = state(fresh := Fresh(known, PERSONS), event(A), event(B, START + DAY))

    assert [1] == list(fresh.conflicts)
    (found,) = merge_all(said).values()
    assert found.submitted_at == START


def test_a_held_record_is_in_its_listing(known: Known) -> None:
    fresh = Fresh(known, PERSONS)
    listing = Listing("two", START + 9 * DAY, ended=True)
    state(fresh, event(A))
    fresh.of([[event(B, START + DAY)]], whole=True)
    fresh.seen(fresh.conflicts.values(), listing)
    fresh.keep(listing)

    assert ([], "") == fresh.gone(listing, START + 9 * DAY)
    assert known.disputed == {CODE}


def test_what_is_disputed_is_known_after_a_restart_and_forgotten_with_its_dossier(
    tmp_path: Path,
) -> None:
    first = KnownFile(tmp_path / "p.known")
    fresh = Fresh(first, PERSONS)
    state(fresh, event(A))
    state(fresh, event(B, START + DAY))
    first.close()
    again = KnownFile(tmp_path / "p.known")
    assert again.disputed == {CODE}
    again.forget({CODE: 1})
    assert again.disputed == set()
    again.dispute([CODE])
    again.reset()
    assert again.disputed == set()
    again.close()


def test_a_backfill_states_all_anew_but_no_other_owners_dossier(known: Known) -> None:
    first = event(A)
    state(Fresh(known, PERSONS), first)
    anew = Fresh(Restated(known), PERSONS)

    assert [first] == state(anew, first)
    assert [] == state(anew, event(B, START + DAY))
    assert [0] == list(anew.conflicts)


def test_entries_of_another_version_are_stated_once_more(tmp_path: Path) -> None:
    known = KnownFile(tmp_path / "p.known")
    known.keep({CODE: Entry({b"123456": b"1234"})}, [CODE], "")
    known._connection.execute("PRAGMA user_version = 0")
    known.close()
    again = KnownFile(tmp_path / "p.known")
    assert again.load([CODE]) == {}
    again.keep(
        {
            CODE: Entry(
                {b"123456": b"1234"}, 5, 7, 8, 9, 10, b"file", Filing(1, b"a" * 8, b"b" * 8)
            )
        },
        [],
        "",
    )
    again.close()
    last = KnownFile(tmp_path / "p.known")
    assert last.load([CODE])[CODE].filing == Filing(1, b"a" * 8, b"b" * 8)
    last.close()


def test_no_person_stands_in_the_file(tmp_path: Path) -> None:
    known = KnownFile(tmp_path / "p.known")
    state(Fresh(known, PERSONS), event(A))
    known.close()
    content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert CODE.encode() in content
    for secret in (*A.values(), "nguyen van test"):
        assert len(secret) < 3 or secret.encode() not in content


def test_personal_data_of_any_form_is_digested() -> None:
    odd: dict[str, Any] = {"owner_name": "Đ", "owner_id": 7}
    first = replace(event(A), sealed=SEALER.seal(odd, CODE))
    second = replace(event(A), sealed=SEALER.seal({"owner_name": "d"}, CODE))
    found, same = PERSONS.owner(first), PERSONS.owner(second)

    assert found.name == same.name != found.number
    assert {8} == {len(part) for part in (*found, *same)}
    assert PERSONS.all(first) != PERSONS.all(second)
    assert PERSONS.owner(replace(first, sealed=None)) == Owner()


def test_an_unchanged_dossier_costs_no_look_at_its_owner() -> None:
    class Counting(SealedPersons):
        asked = 0

        def owner(self, said: DossierEvent) -> Owner:
            self.asked += 1
            return super().owner(said)

    persons = Counting(SEALER)
    fresh = Fresh(MemoryKnown(), persons)
    for _ in range(3):
        state(fresh, event(A))
    assert persons.asked == 1
