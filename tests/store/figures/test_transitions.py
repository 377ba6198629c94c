"""The list of transitions that are kept and change nothing: complete, paged, counted."""

from dataclasses import replace
from itertools import chain

import pytest
from hypothesis import given
from sqlalchemy import Engine
from tests.domain.events import event_sets
from tests.domain.test_statements import DAY, END, MONDAY, REOPENING, S, said
from tests.store.filled import fill

from lgsp.domain.codes import in_unit
from lgsp.domain.dossier import judge_transitions, merge_all
from lgsp.domain.errors import ConfigurationError
from lgsp.domain.event import DossierEvent, with_id
from lgsp.domain.judgement import ListedTransition, listed
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.status import Status, Verdict
from lgsp.store.engine import open_store
from lgsp.store.figures.transitions import LISTED, TransitionList, Wanted, read_verdict

UNITS = ("H37.1", "H37.2", "H37.12")


def course(code: str, agency: str, portal: str) -> list[DossierEvent]:
    """Nine transitions, of which one each is illegal, unmapped, replaced, held and removed."""
    finish = MONDAY + 4 * DAY
    stated = [
        said(S.RECEIVED, MONDAY, stated=MONDAY),
        said(Status.UNKNOWN, MONDAY + DAY, stated=MONDAY + DAY),
        said(S.PROCESSING, MONDAY + 2 * DAY, stated=MONDAY + 2 * DAY),
        said(S.PROCESSED, MONDAY + 3 * DAY, stated=MONDAY + 3 * DAY, finished=MONDAY + 3 * DAY),
        said(S.PROCESSED, finish, stated=MONDAY + 9 * DAY, finished=finish),
        said(S.SUPPLEMENT_REQUIRED, MONDAY + 5 * DAY, stated=MONDAY + 5 * DAY),
        replace(END, occurred_at=MONDAY + 6 * DAY, portal=f"{portal}-old"),
        replace(REOPENING, occurred_at=MONDAY + 7 * DAY),
        said(Status.UNKNOWN, MONDAY + 8 * DAY, stated=MONDAY + 8 * DAY, removed=True),
    ]
    return [
        with_id(
            replace(
                event,
                dossier_code=code,
                agency=agency,
                portal=portal if event.portal == "p" else event.portal,
            )
        )
        for event in stated
    ]


# Codes of both cases: the stores do not order letters alike.
CODES = [f"{letter}{n}.1-240603-{n:04d}" for n in range(1, 13) for letter in "hH"]
EVENTS = list(
    chain.from_iterable(
        course(code, UNITS[i % 3], ("one", "two")[i % 2]) for i, code in enumerate(CODES)
    )
)


def expected(events: list[DossierEvent]) -> list[ListedTransition]:
    return [
        listed(dossier, judged)
        for _, dossier in sorted(merge_all(events).items())
        for judged in judge_transitions(dossier.transitions, SIMPLE.statuses)
        if not judged.effective
    ]


def pages(listing: TransitionList, wanted: Wanted, limit: int) -> list[list[ListedTransition]]:
    found, after = [], ""
    while True:
        page = listing.without_effect(wanted, after=after, limit=limit)
        found.append(page.rows)
        if page.next is None:
            return found
        after = page.next


def test_all_that_changes_nothing_is_listed_and_counted(engine: Engine) -> None:
    fill(engine, EVENTS)
    page = TransitionList(engine, SIMPLE).without_effect(Wanted())

    assert set(expected(EVENTS)) == set(page.rows)
    assert {verdict.value: len(CODES) for verdict in LISTED} == page.counts
    assert (5 * len(CODES), None) == (page.total, page.next)


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_pages_are_the_list_without_a_gap_or_a_repeat(engine: Engine, limit: int) -> None:
    fill(engine, EVENTS)
    listing = TransitionList(engine, SIMPLE)
    whole = listing.without_effect(Wanted()).rows
    parts = pages(listing, Wanted(), limit)

    assert whole == list(chain.from_iterable(parts))
    assert {limit, len(parts[-1])} >= {len(part) for part in parts}
    assert parts[-1]


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(Verdict.HELD),
        Wanted(unit="H37.1"),
        Wanted(unit="H37"),
        Wanted(Verdict.REMOVED, "H37.12", "two"),
        Wanted(portal="one-old"),
    ],
    ids=str,
)
def test_what_is_asked_for_is_listed_and_no_more(engine: Engine, wanted: Wanted) -> None:
    fill(engine, EVENTS)
    page = TransitionList(engine, SIMPLE).without_effect(wanted)
    of_scope = [
        row
        for row in expected(EVENTS)
        if (not wanted.unit or in_unit(row.agency, wanted.unit))
        and wanted.portal in {"", row.portal}
    ]
    rows = [row for row in of_scope if wanted.verdict in {None, row.verdict}]

    assert set(rows) == set(page.rows)
    assert len(rows) == page.total == len(page.rows)
    assert page.counts == {v.value: sum(r.verdict is v for r in of_scope) for v in LISTED}


@given(event_sets)
def test_of_any_history_everything_without_effect_is_listed(
    tmp_path_factory: pytest.TempPathFactory, found: list[DossierEvent]
) -> None:
    engine = open_store(f"sqlite:///{tmp_path_factory.mktemp('any') / 'store.db'}")
    try:
        fill(engine, found)
        listing = TransitionList(engine, SIMPLE)

        assert expected(found) == listing.without_effect(Wanted()).rows
        assert expected(found) == list(chain.from_iterable(pages(listing, Wanted(), 2)))
    finally:
        engine.dispose()


def test_a_page_goes_on_where_it_stood_although_the_dossier_has_changed(engine: Engine) -> None:
    fill(engine, EVENTS)
    listing = TransitionList(engine, SIMPLE)
    first = listing.without_effect(Wanted(), limit=3)
    code = first.rows[-1].dossier
    earlier = said(Status.UNKNOWN, MONDAY - DAY, stated=MONDAY - DAY)
    fill(engine, [with_id(replace(earlier, dossier_code=code, portal="one"))])
    rest = listing.without_effect(Wanted(), after=first.next or "").rows

    assert len(expected(EVENTS)) == len(first.rows) + len(rest)
    assert not set(first.rows) & set(rest)


def test_a_dossier_is_shown_whole(engine: Engine) -> None:
    fill(engine, EVENTS)
    rows = TransitionList(engine, SIMPLE).of_dossier(CODES[0])

    assert len(course("", "", "")) == len(rows)
    assert {row.verdict for row in rows} > set(LISTED)
    assert sorted(rows, key=lambda row: row.occurred_at) == rows
    assert TransitionList(engine, SIMPLE).of_dossier("H37.1-240603-9999") == []


def test_what_means_nothing_is_refused_by_name(engine: Engine) -> None:
    fill(engine, EVENTS)
    listing = TransitionList(engine, SIMPLE)

    with pytest.raises(ConfigurationError, match="'three' is none of: one, one-old, two, two-old"):
        listing.without_effect(Wanted(portal="three"))
    with pytest.raises(ConfigurationError, match="'x:y' is no place"):
        listing.without_effect(Wanted(), after="x:y")
    with pytest.raises(ConfigurationError, match="'legal' is none of: illegal, unmapped"):
        read_verdict("legal")
