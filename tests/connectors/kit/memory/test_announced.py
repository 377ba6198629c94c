"""A process that died between the log and the memory: what it was about to state is settled."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.dossier import merge_all
from lgsp.domain.event import DossierEvent, instant_of, with_id
from lgsp.domain.statements import is_removed
from lgsp.domain.status import Status
from lgsp_connectors.kit.contract import Listing
from lgsp_connectors.kit.memory.announced import without
from lgsp_connectors.kit.memory.entry import Entry
from lgsp_connectors.kit.memory.fresh import Fresh
from lgsp_connectors.kit.memory.known import Known, MemoryKnown
from lgsp_connectors.kit.memory.known_file import KnownFile

DAY = 86_400_000
START = 1_720_142_100_000
CODE = "H37.12-240705-0001"

Reopen = Callable[[], Known]
"""Gives the memory as the next process finds it."""


@pytest.fixture(params=["memory", "file"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Reopen]:
    opened: list[Known] = []

    def next_process() -> Known:
        if request.param == "memory":
            opened[:] = opened or [MemoryKnown()]
            return opened[0]
        for known in opened:
            known.close()
        opened[:] = [KnownFile(tmp_path / "p.known")]
        return opened[0]

    yield next_process
    for known in opened:
        known.close()


def row(unit: str, day: int, status: Status = Status.RECEIVED, place: int = 1) -> DossierEvent:
    """Give what a row says whose source stated it on that day."""
    return with_id(
        DossierEvent(
            portal="p",
            province="H37",
            dossier_code=CODE,
            agency=unit,
            status=status,
            occurred_at=START + int(status),
            observed_at=START + 90 * DAY,
            received_at=START,
            stated_at=START + day * DAY,
            stated_row=place,
        )
    )


def read(known: Known, *rows: DossierEvent, whole: bool = True) -> list[DossierEvent]:
    """Read a page, and die before it is known."""
    return Fresh(known).of([[each] for each in rows], whole=whole)


def read_on(known: Known, *rows: DossierEvent) -> list[DossierEvent]:
    """Read a page, and know it."""
    fresh = Fresh(known)
    events = fresh.of([[each] for each in rows], whole=True)
    fresh.keep()
    return events


def unit_of(*logs: Sequence[DossierEvent]) -> str:
    return merge_all(event for log in logs for event in log)[CODE].agency


@pytest.mark.parametrize("day", [3, 2], ids=["later", "in the same instant"])
def test_what_was_corrected_and_corrected_back_over_a_death_is_stated_anew(
    reopen: Reopen, day: int
) -> None:
    before = read_on(reopen(), row("H37.1", 1))
    lost = read(reopen(), row("H37.2", 2))
    back = read_on(reopen(), row("H37.1", day))

    assert unit_of(before, lost) == "H37.2"
    assert unit_of(before, lost, back) == unit_of(before, back) == "H37.1"
    assert read_on(reopen(), row("H37.1", day)) == []
    assert unit_of(before, lost, back, read_on(reopen(), row("H37.2", day + 1))) == "H37.2"


def test_a_row_read_again_after_a_death_is_stated_under_the_same_ids(reopen: Reopen) -> None:
    read_on(reopen(), row("H37.1", 1))
    ahead = row("H37.2", 1)  # of the same instant: sent as the later word
    lost = [read(reopen(), ahead) for _ in range(3)]

    assert lost[0] == lost[1] == lost[2] == read_on(reopen(), ahead)
    assert read_on(reopen(), ahead) == []


def test_of_a_new_dossier_what_is_read_after_a_death_stands(reopen: Reopen) -> None:
    lost = read(reopen(), row("H37.2", 1))
    after = read_on(reopen(), row("H37.1", 1))

    assert unit_of(lost, after) == unit_of(after) == "H37.1"


def test_deaths_one_after_another_leave_the_last_word(reopen: Reopen) -> None:
    log = read_on(reopen(), row("H37.1", 1))
    for unit in ("H37.2", "H37.1", "H37.1", "H37.3", "H37.1"):
        log += read(reopen(), row(unit, 1))
        assert unit_of(log) == unit
    assert {e.event_id for e in read_on(reopen(), row("H37.1", 1))} <= {e.event_id for e in log}


def test_an_older_word_settles_nothing(reopen: Reopen) -> None:
    before = read_on(reopen(), row("H37.1", 1))
    lost = read(reopen(), row("H37.2", 5))
    older = read_on(reopen(), row("H37.3", 3))
    again = read_on(reopen(), row("H37.2", 5))

    assert unit_of(before, lost, older) == unit_of(before, older, again) == "H37.2"
    assert lost == again


def test_a_page_of_two_words_of_a_dossier_is_stated_as_before(reopen: Reopen) -> None:
    read_on(reopen(), row("H37.1", 1))
    page = [row("H37.2", 2), row("H37.3", 2, Status.PROCESSING, place=5)]
    lost = read(reopen(), *page)

    assert 2 == len(lost)
    assert lost == read_on(reopen(), *page)


def test_what_was_known_and_not_read_again_stays_in_doubt(reopen: Reopen) -> None:
    log = read_on(reopen(), row("H37.1", 1))
    log += read(reopen(), row("H37.2", 2))
    read_on(reopen())
    assert unit_of(log, read_on(reopen(), row("H37.1", 1, place=2))) == "H37.2"  # an older word
    assert unit_of(log, read_on(reopen(), row("H37.1", 3))) == "H37.1"


def listed(known: Known, day: int, *rows: DossierEvent) -> tuple[list[DossierEvent], Fresh]:
    """Read a complete listing; give what it states, removals last, which are not known yet."""
    fresh, listing = Fresh(known), Listing(f"day {day}", START + day * DAY, ended=True)
    other = with_id(replace(row("H37.9", day), dossier_code="H37.12-240705-0002"))
    events = fresh.of([[each] for each in (*rows, other)], whole=True, listing=listing)
    fresh.keep(listing)
    removed, problem = fresh.gone(listing, START + 90 * DAY)
    assert problem == ""
    return [*events, *removed], fresh


def test_a_dossier_that_is_back_after_a_death_over_its_removal_is_stated_anew(
    reopen: Reopen,
) -> None:
    log, _ = listed(reopen(), 1, row("H37.1", 1))
    log += (lost := listed(reopen(), 2)[0])
    assert is_removed(merge_all(log)[CODE].transitions)
    again, _ = listed(reopen(), 2)
    assert [e.event_id for e in lost if e.removed] == [e.event_id for e in again if e.removed]
    log += listed(reopen(), 3, row("H37.1", 1))[0]

    assert not is_removed(merge_all(log)[CODE].transitions)


def test_a_removal_stands_against_what_a_process_stated_that_died(reopen: Reopen) -> None:
    log, _ = listed(reopen(), 1, row("H37.1", 1))
    log += read(reopen(), row("H37.2", 7))  # by a clock ahead
    events, fresh = listed(reopen(), 2)
    fresh.forget([event for event in events if event.removed])
    log += events

    assert is_removed(merge_all(log)[CODE].transitions)
    (past,) = reopen().past([CODE]).values()
    assert instant_of(past.written) > START + 7 * DAY


def step(hour: int, unit: str, status: Status) -> DossierEvent:
    """Give what a row of a log of steps says."""
    return with_id(
        replace(row(unit, 1, status), occurred_at=START + hour, stated_at=None, stated_row=0)
    )


def test_a_step_announced_otherwise_is_news_again() -> None:
    entry = Entry({b"step 1": b"a", b"step 2": b"a"})
    ahead = Entry({b"step 1": b"a", b"step 2": b"b", b"step 3": b"b"})

    assert without(entry._replace(announced=ahead), whole=False) == Entry({b"step 1": b"a"})
    assert without(entry, whole=False) == entry


steps = st.builds(
    step, st.integers(1, 3), st.sampled_from(["H37.1", "H37.2"]), st.sampled_from(Status)
)


@given(st.lists(st.tuples(st.lists(steps, max_size=3), st.integers(0, 4), st.booleans())))
def test_no_step_is_lost_whatever_dies(
    pages: list[tuple[list[DossierEvent], int, bool]],
) -> None:
    """Each page is read until it is known; before that, a process may die with a part of it."""
    known, log = MemoryKnown(), set[bytes]()
    for page, most, dies in pages:
        if dies:
            log |= {event.event_id for event in read(known, *page, whole=False)[:most]}
        fresh = Fresh(known)
        log |= {event.event_id for event in fresh.of([[each] for each in page], whole=False)}
        fresh.keep()
        assert {event.event_id for event in page} <= log


def test_entries_of_the_version_before_are_kept(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "p.known") as database:
        database.execute(
            "CREATE TABLE known (code TEXT PRIMARY KEY, entry BLOB NOT NULL,"
            " listing TEXT NOT NULL) WITHOUT ROWID"
        )
        kept = Entry({b"123456": b"1234"}, said=7)
        database.execute("INSERT INTO known VALUES (?, ?, '')", (CODE, kept.encode()))
        database.execute("PRAGMA user_version = 3")
    database.close()
    for _ in range(2):
        known = KnownFile(tmp_path / "p.known")
        assert known.load([CODE]) == {CODE: kept}
        known.close()
