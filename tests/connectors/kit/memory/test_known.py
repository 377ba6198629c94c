"""What was stated before is not written again; what changed is, in as few events as it takes."""

import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.dossier import merge_all
from lgsp.domain.errors import ConfigurationError, RejectedRecord, RejectReason
from lgsp.domain.event import Channel, DossierEvent, ServiceLevel
from lgsp.domain.statements import is_removed
from lgsp.domain.status import Status
from lgsp_connectors.kit.contract import Listing
from lgsp_connectors.kit.mapping.derive import Facts, from_dossier, from_step
from lgsp_connectors.kit.memory.entry import Entry
from lgsp_connectors.kit.memory.fresh import Fresh
from lgsp_connectors.kit.memory.known import Known, MemoryKnown
from lgsp_connectors.kit.memory.known_file import KnownFile
from lgsp_connectors.kit.memory.news import news

HOUR = 3_600_000
DAY = 24 * HOUR
START = 1_717_200_000_000  # 2024-06-01T00:00Z
CODE = "H37.12-240601-0001"


def facts(
    *,
    status: Status | None = None,
    stated_at: int = START + DAY,
    channel: Channel = Channel.ONLINE,
    received_at: int | None = START,
    due_at: int | None = None,
    finished_at: int | None = None,
    row: int = 1,
    code: str = CODE,
    read: int | None = None,
) -> Facts:
    return Facts(
        portal="p",
        province="H37",
        dossier_code=code,
        agency="H37.12",
        procedure="",
        domain="",
        service_level=ServiceLevel.UNKNOWN,
        channel=channel,
        source_status="",
        status=status,
        occurred_at=None,
        sequence=None,
        submitted_at=None,
        received_at=received_at,
        due_at=due_at,
        finished_at=finished_at,
        returned_at=None,
        sealed=None,
        observed_at=stated_at if read is None else START + read * DAY,
        stated_at=stated_at,
        stated_row=row,
    )


def say(entry: Entry | None, one: Facts) -> tuple[list[DossierEvent], Entry]:
    return news(entry, from_dossier(one), whole=True)


def test_an_unchanged_row_of_a_later_file_says_nothing() -> None:
    _, entry = say(None, facts(status=Status.PROCESSING))
    fresh, again = say(entry, facts(status=Status.PROCESSING, stated_at=START + 2 * DAY, row=7))

    assert [] == fresh
    assert (entry.stated, entry.written) == (again.stated, again.written)


def test_of_two_words_of_one_instant_and_row_the_one_read_later_stands() -> None:
    words = [facts(channel=channel) for channel in (Channel.ONLINE, Channel.DIRECT) * 2]
    entry, events = None, []
    for word in words:
        fresh, entry = say(entry, word)
        events += fresh
        assert word.channel is merge_all(events)[CODE].channel
    assert len({event.event_id for event in events}) == len(events) == 4


def test_an_older_word_does_not_make_the_later_one_news_or_forgotten() -> None:
    later = facts(channel=Channel.DIRECT, stated_at=START + 3 * DAY)
    first, entry = say(None, later)
    older, entry = say(entry, facts(stated_at=START + 2 * DAY))
    again, entry = say(entry, later)
    repeated, entry = say(entry, facts(stated_at=START + 2 * DAY))
    back, entry = say(entry, facts(stated_at=START + 4 * DAY))

    assert [Channel.ONLINE] == [event.channel for event in older]
    assert [] == again == repeated
    assert Channel.DIRECT is merge_all([*first, *older])[CODE].channel
    assert Channel.ONLINE is merge_all([*first, *older, *back])[CODE].channel


def test_a_row_that_a_later_row_of_its_file_mends_is_written_once() -> None:
    rows = [facts(), facts(channel=Channel.DIRECT, row=5)]
    entry, written = None, []
    for one in rows * 3:
        fresh, entry = say(entry, one)
        written += [event.channel for event in fresh]

    assert [Channel.ONLINE, Channel.DIRECT] == written


def test_an_older_word_is_kept_back_when_the_later_one_was_said_again_unwritten() -> None:
    first, entry = say(None, facts(stated_at=START + DAY))
    _, entry = say(entry, facts(stated_at=START + 3 * DAY))
    late, entry = say(entry, facts(channel=Channel.DIRECT, stated_at=START + 2 * DAY))

    assert [] == late
    assert Channel.ONLINE is merge_all([*first, *late])[CODE].channel


def test_a_changed_attribute_is_one_event() -> None:
    _, entry = say(None, facts(status=Status.PROCESSING))
    fresh, _ = say(entry, facts(status=Status.PROCESSING, channel=Channel.DIRECT))

    assert [Channel.DIRECT] == [event.channel for event in fresh]


def test_a_value_that_comes_back_is_stated_again() -> None:
    """A, B, A: the last A is said once more, else B would stand."""
    stated: list[DossierEvent] = []
    entry = None
    for day, channel in enumerate((Channel.ONLINE, Channel.DIRECT, Channel.ONLINE), 1):
        fresh, entry = say(entry, facts(channel=channel, stated_at=START + day * DAY))
        stated += fresh

    assert [Channel.ONLINE, Channel.DIRECT, Channel.ONLINE] == [e.channel for e in stated]


def test_a_further_status_is_one_event() -> None:
    _, entry = say(None, facts(status=Status.PROCESSING))
    fresh, _ = say(
        entry,
        facts(status=Status.PROCESSED, finished_at=START + 3 * DAY, stated_at=START + 4 * DAY),
    )

    assert [Status.PROCESSED] == [event.status for event in fresh]


def test_a_pause_no_longer_shown_is_stated_as_far_as_it_was_shown() -> None:
    waiting = Status.SUPPLEMENT_REQUIRED
    first, entry = say(None, facts(status=waiting, stated_at=START + DAY))
    second, entry = say(entry, facts(status=waiting, stated_at=START + 5 * DAY))
    third, _ = say(
        entry,
        facts(status=Status.PROCESSED, finished_at=START + 6 * DAY, stated_at=START + 7 * DAY),
    )

    assert (waiting, START + DAY) == (first[-1].status, first[-1].occurred_at)
    assert [] == second
    assert [(waiting, START + 5 * DAY), (Status.PROCESSED, START + 6 * DAY)] == [
        (event.status, event.occurred_at) for event in third
    ]


def test_personal_data_that_changed_is_stated() -> None:
    events = from_dossier(facts())
    _, entry = news(None, events, whole=True, personal=b"one")

    assert [] == news(entry, events, whole=True, personal=b"one")[0]
    (again,) = news(entry, events, whole=True, personal=b"two")[0]
    assert (again.status, again.stated_row) == (events[-1].status, events[-1].stated_row + 1)


def test_steps_are_known_one_by_one() -> None:
    def step(at: int, channel: Channel = Channel.ONLINE) -> list[DossierEvent]:
        one = facts(status=Status.PROCESSING, channel=channel)
        return from_step(one._replace(occurred_at=at, stated_at=None, stated_row=0))

    _, entry = news(None, step(START), whole=False)
    _, entry = news(entry, step(START + HOUR), whole=False)

    assert [] == news(entry, step(START), whole=False)[0]
    assert step(START, Channel.DIRECT) == news(entry, step(START, Channel.DIRECT), whole=False)[0]


rows = st.builds(
    facts,
    status=st.sampled_from([None, Status.RECEIVED, Status.PROCESSING, Status.SUPPLEMENT_REQUIRED]),
    channel=st.sampled_from(Channel),
    received_at=st.integers(0, 3).map(lambda n: START + n * HOUR),
    due_at=st.none() | st.integers(0, 3).map(lambda n: START + n * DAY),
)


@given(st.lists(rows, min_size=1, max_size=8))
def test_what_is_left_out_changes_no_attribute(made: list[Facts]) -> None:
    """The dossier of the events sent has the attributes of the dossier of all events."""
    dated = [
        row._replace(stated_at=START + (i + 1) * DAY, observed_at=START + (i + 1) * DAY)
        for i, row in enumerate(made)
    ]
    fresh = Fresh(MemoryKnown())
    sent = [event for row in dated for event in fresh.of([from_dossier(row)], whole=True)]
    every = [event for row in dated for event in from_dossier(row)]

    ours, all_of_it = merge_all(sent)[CODE], merge_all(every)[CODE]
    for name in ("channel", "due_at", "received_at", "agency"):
        assert getattr(all_of_it, name) == getattr(ours, name)


@pytest.fixture(params=["memory", "file"])
def known(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Known]:
    made: Callable[[], Known] = (
        MemoryKnown if request.param == "memory" else lambda: KnownFile(tmp_path / "p.db")
    )
    opened = made()
    yield opened
    opened.close()


def test_keeps_what_is_on_the_log(known: Known) -> None:
    fresh = Fresh(known)
    events = from_dossier(facts(status=Status.SUPPLEMENT_REQUIRED))
    assert events == fresh.of([events], whole=True)
    fresh.keep()

    assert [] == Fresh(known).of([events], whole=True)
    known.reset()
    assert events == Fresh(known).of([events], whole=True)


def test_what_was_not_kept_is_stated_again(known: Known) -> None:
    events = from_dossier(facts())
    Fresh(known).of([events], whole=True)

    assert events == Fresh(known).of([events], whole=True)


def listing(name: str, *, day: int = 2) -> Listing:
    return Listing(name, START + day * DAY, ended=True)


def list_all(fresh: Fresh, codes: list[str], one: Listing) -> None:
    fresh.of([from_dossier(facts(code=code)) for code in codes], whole=True)
    fresh.keep(one)


def test_a_dossier_gone_from_a_complete_listing_is_removed_and_comes_back(known: Known) -> None:
    codes = [f"H37.12-240601-{n:04d}" for n in range(5)]
    fresh = Fresh(known)
    list_all(fresh, codes, listing("one"))
    list_all(fresh, codes[1:], listing("two"))
    removed, problem = fresh.gone(listing("two"), START + 9 * DAY)
    fresh.forget(removed)

    assert [(codes[0], True, START + 2 * DAY)] == [
        (event.dossier_code, event.removed, event.stated_at) for event in removed
    ]
    assert "" == problem
    assert ([], "") == fresh.gone(listing("two"), START + 9 * DAY)

    listed = from_dossier(facts(code=codes[0]))  # with the same old word as before
    back = fresh.of([listed], whole=True, listing=listing("three", day=3))
    fresh.keep(listing("three", day=3))
    assert not is_removed(merge_all([*listed, *removed, *back])[codes[0]].transitions)
    assert [] == fresh.of([listed], whole=True, listing=listing("four", day=4))
    fresh.keep()
    assert [codes[0]] == [event.dossier_code for event in gone_from(fresh, codes[1:], day=5)]


def gone_from(fresh: Fresh, codes: list[str], *, day: int) -> list[DossierEvent]:
    one = listing(f"of day {day}", day=day)
    list_all(fresh, codes, one)
    removed, problem = fresh.gone(one, START + 90 * DAY)
    assert "" == problem
    fresh.forget(removed)
    return removed


def test_what_was_removed_is_missing_no_more(known: Known) -> None:
    codes = [f"H37.12-240601-{n:04d}" for n in range(100)]
    fresh = Fresh(known)
    list_all(fresh, codes, listing("one"))
    assert 15 == len(gone_from(fresh, codes[15:], day=3))
    assert 15 == len(gone_from(fresh, codes[30:], day=4))  # of 85: all 30 would be too many
    assert [] == gone_from(fresh, codes[30:], day=5)


def test_a_removal_stands_against_a_word_of_a_clock_ahead(known: Known) -> None:
    codes = [f"H37.12-240601-{n:04d}" for n in range(5)]
    fresh = Fresh(known)
    list_all(fresh, codes[1:], listing("one"))
    ahead = from_dossier(facts(code=codes[0], stated_at=START + 4 * DAY))
    fresh.of([ahead], whole=True)
    fresh.keep()
    removed = gone_from(fresh, codes[1:], day=3)

    assert is_removed(merge_all([*ahead, *removed])[codes[0]].transitions)


def test_a_listing_of_a_clock_that_was_ahead_hides_nothing(known: Known) -> None:
    codes = [f"H37.12-240601-{n:04d}" for n in range(5)]
    fresh = Fresh(known)
    list_all(fresh, codes[:4], listing("ahead", day=90))
    assert ([], "") == fresh.gone(listing("ahead", day=90), START + 90 * DAY)  # our clock was, too
    new = from_dossier(facts(code=codes[4], stated_at=START + 2 * DAY))
    assert new == fresh.of([new], whole=True, listing=listing("two"))
    list_all(fresh, codes[1:], listing("two"))
    removed, _ = fresh.gone(listing("two"), START + 2 * DAY)

    assert codes[:1] == [event.dossier_code for event in removed]


def test_a_listing_stated_before_one_that_ended_removes_nothing(known: Known) -> None:
    codes = [f"H37.12-240601-{n:04d}" for n in range(5)]
    fresh = Fresh(known)
    list_all(fresh, codes, listing("two", day=2))
    assert ([], "") == fresh.gone(listing("two", day=2), START + 9 * DAY)
    list_all(fresh, codes[1:], listing("late", day=1))
    assert ([], None) == fresh.gone(listing("late", day=1), START + 9 * DAY)
    list_all(fresh, codes[1:], listing("three", day=3))
    removed, _ = fresh.gone(listing("three", day=3), START + 9 * DAY)

    assert codes[:1] == [event.dossier_code for event in removed]


def test_a_listing_of_a_clock_ahead_is_of_now(known: Known) -> None:
    codes = [f"H37.12-240601-{n:04d}" for n in range(5)]
    fresh = Fresh(known)
    list_all(fresh, codes, listing("one", day=90))
    assert ([], "") == fresh.gone(listing("one", day=90), START + 2 * DAY)
    list_all(fresh, codes[1:], listing("two", day=3))
    removed, _ = fresh.gone(listing("two", day=3), START + 3 * DAY)

    assert [START + 3 * DAY] == [event.stated_at for event in removed]


def test_what_a_process_stated_before_it_died_can_be_found_missing(known: Known) -> None:
    codes = [f"H37.12-240601-{n:04d}" for n in range(3)]
    died = Fresh(known)
    sent = died.of(
        [from_dossier(facts(code=code)) for code in codes], whole=True, listing=listing("one")
    )
    fresh = Fresh(known)
    list_all(fresh, codes[1:], listing("two", day=3))
    removed, _ = fresh.gone(listing("two", day=3), START + 3 * DAY)

    assert codes == [event.dossier_code for event in sent]
    assert codes[:1] == [event.dossier_code for event in removed]


def test_of_an_older_listing_only_what_it_says_of_known_dossiers_counts(known: Known) -> None:
    codes = [f"H37.12-240601-{n:04d}" for n in range(3)]
    fresh = Fresh(known)
    list_all(fresh, codes[:2], listing("new", day=3))
    assert ([], "") == fresh.gone(listing("new", day=3), START + 3 * DAY)
    older = [
        from_dossier(facts(code=code, channel=Channel.DIRECT, stated_at=START, read=4))
        for code in codes
    ]
    sent = fresh.of(older, whole=True, listing=listing("old", day=2))
    fresh.keep(listing("old", day=2))

    assert codes[:2] == [event.dossier_code for event in sent]
    list_all(fresh, codes[:2], listing("new", day=3))
    assert ([], "") == fresh.gone(listing("new", day=3), START + 3 * DAY)


def test_a_code_that_a_later_listing_holds_is_not_missing_from_an_older_one(known: Known) -> None:
    codes = [f"H37.12-240601-{n:04d}" for n in range(3)]
    fresh = Fresh(known)
    list_all(fresh, codes, listing("a later one, not ended", day=4))
    list_all(fresh, codes[:1], listing("older", day=3))

    assert ([], "") == fresh.gone(listing("older", day=3), START + 5 * DAY)


def test_a_listing_that_lacks_most_removes_nothing(known: Known) -> None:
    codes = [f"H37.12-240601-{n:04d}" for n in range(60)]
    fresh = Fresh(known)
    list_all(fresh, codes, listing("one"))
    list_all(fresh, codes[:10], listing("two"))
    removed, problem = fresh.gone(listing("two"), START)

    assert [] == removed
    assert "50 of 60 known dossiers" in str(problem)


def test_a_dossier_whose_row_is_unusable_is_not_missing(known: Known) -> None:
    codes = [f"H37.12-240601-{n:04d}" for n in range(5)]
    fresh = Fresh(known)
    list_all(fresh, codes, listing("one"))
    error = RejectedRecord(RejectReason.BAD_DATE)
    error.dossier_code = codes[0]
    fresh.seen([error], listing("two"))
    list_all(fresh, codes[1:], listing("two"))

    assert ([], "") == fresh.gone(listing("two"), START)


def test_a_row_that_nobody_can_name_spoils_the_listing(known: Known) -> None:
    codes = [f"H37.12-240601-{n:04d}" for n in range(5)]
    fresh = Fresh(known)
    list_all(fresh, codes, listing("one"))
    fresh.seen([RejectedRecord(RejectReason.UNREADABLE)], listing("two"))
    list_all(fresh, codes[1:], listing("two"))
    removed, problem = fresh.gone(listing("two"), START)

    assert [] == removed
    assert "cannot be read" in str(problem)


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    KnownFile(tmp_path / "p.db").close()
    assert 0o600 == stat.S_IMODE((tmp_path / "p.db").stat().st_mode)


def test_a_file_that_is_none_of_ours_is_named(tmp_path: Path) -> None:
    (tmp_path / "p.db").write_text("no database" * 100)
    with pytest.raises(ConfigurationError, match=r"p\.db"):
        KnownFile(tmp_path / "p.db")
