"""The fold: exact under any batching, exactly once under zombies, the same on both stores."""

import random
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from string import ascii_letters
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, select
from tests.records import FakeRecord
from tests.store.rates.history import NOW, history

from lgsp.domain import dossier as domain
from lgsp.domain.dossier import merge_all
from lgsp.domain.errors import RejectReason
from lgsp.domain.event import DossierEvent, with_id
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.usable import LONGEST_TEXT
from lgsp.runtime.avro.codec import encode_event
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.kafka.records import Batch, Reject
from lgsp.runtime.lane.handler import FencedError
from lgsp.store.engine import open_store
from lgsp.store.rates.cells import day_cells, mark_published
from lgsp.store.rates.digest import digest
from lgsp.store.rates.fast import merge as fast_merge
from lgsp.store.rates.fast.fold import FastRatesFold
from lgsp.store.rates.fold import RatesFold
from lgsp.store.rates.protocol import Fold
from lgsp.store.tables import DOSSIERS, PORTALS

Kind = Callable[..., Fold]
CALENDAR = load_calendar()
TOPIC = "dossier-events"


class Clock:
    """A clock that stands until it is set."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def make(
    engine: Engine,
    clock: Clock | None = None,
    keep: int = 50_000,
    kind: Kind = RatesFold,
) -> tuple[Fold, list[Reject]]:
    rejects: list[Reject] = []
    fold = kind(engine, SIMPLE, TOPIC, CALENDAR, clock or Clock(), rejects.extend, keep=keep)
    return fold, rejects


KINDS: dict[str, Kind] = {
    "plain": partial(RatesFold, columns_from=sys.maxsize),
    "columns": partial(RatesFold, columns_from=0),
    "fast": partial(FastRatesFold, few=0),
}


@pytest.fixture(params=KINDS.values(), ids=list(KINDS))
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each way of counting."""
    found: Kind = request.param
    return found


def records(events: Sequence[DossierEvent], start: int = 0) -> list[FakeRecord]:
    return [FakeRecord(start + i, encode_event(e)) for i, e in enumerate(events)]


def stored_cells(engine: Engine) -> dict[tuple[object, ...], int]:
    found: Counter[tuple[object, ...]] = Counter()
    with engine.connect() as connection:
        for row in connection.execute(select(day_cells(SIMPLE.measures).view)).mappings():
            for name in SIMPLE.measures.names:
                key = (row["day"], row["agency"], row["domain"], row["procedure"], name)
                found[key] += row[name]
    return {key: count for key, count in found.items() if count}


def expected_cells(
    events: Sequence[DossierEvent], now: int = NOW
) -> dict[tuple[object, ...], int]:
    found: Counter[tuple[object, ...]] = Counter()
    for dossier in merge_all(events).values():
        for unit in SIMPLE.contribution(dossier, CALENDAR, now):
            name = SIMPLE.measures.names[unit.measure]
            found[unit.day, dossier.agency, dossier.domain, dossier.procedure, name] += 1
    return dict(found)


def feed(fold: Fold, events: Sequence[DossierEvent], rnd: random.Random) -> None:
    """Feed everything on two partitions, in batches of random sizes."""
    partitions = [records([e for e in events if int(e.dossier_code[-1]) % 2 == p]) for p in (0, 1)]
    for partition in (0, 1):
        fold.open_partition(partition)
    while any(partitions):
        batches = []
        for partition, waiting in enumerate(partitions):
            size = min(len(waiting), rnd.randint(0, 40))
            if size:
                batches.append(Batch(partition, waiting[:size]))
                del waiting[:size]
        if batches:
            fold.fold(batches)


@pytest.mark.parametrize("seed", range(4))
def test_cells_equal_the_sum_of_contributions_whatever_the_batches(
    engine: Engine, kind: Kind, seed: int
) -> None:
    rnd = random.Random(seed)
    events = history(rnd, dossiers=60)
    again = events + rnd.sample(events, len(events) // 3)
    rnd.shuffle(again)
    fold, rejects = make(engine, keep=rnd.choice([1, 10, 50_000]), kind=kind)
    feed(fold, again, rnd)

    assert expected_cells(events) == stored_cells(engine)
    assert rejects == []


def test_replay_in_another_order_has_the_same_digest(tmp_path: object, kind: Kind) -> None:
    rnd = random.Random(5)
    events = history(rnd, dossiers=80)
    digests = []
    for run in range(2):
        engine = open_store(f"sqlite:///{tmp_path}/{run}.db")
        fold, _ = make(engine, kind=kind)
        feed(fold, events, rnd)
        digests.append(digest(engine, SIMPLE.measures))
        rnd.shuffle(events)
        engine.dispose()

    assert digests[0] == digests[1]
    assert digests[0].dossiers == 80


def test_a_zombie_changes_nothing_and_is_fenced(engine: Engine, kind: Kind) -> None:
    events = history(random.Random(1), dossiers=20)
    lane = records(events)
    zombie, _ = make(engine, kind=kind)
    owner, _ = make(engine, kind=kind)
    zombie.open_partition(0)
    zombie.fold([Batch(0, lane[:10])])
    assert owner.open_partition(0) == 10
    owner.fold([Batch(0, lane[10:30])])
    with pytest.raises(FencedError) as fenced:
        zombie.fold([Batch(0, lane[10:25])])

    assert fenced.value.partitions == {0}
    assert expected_cells(events[:30]) == stored_cells(engine)
    assert zombie.open_partition(0) == 30
    zombie.fold([Batch(0, lane[30:])])
    assert expected_cells(events) == stored_cells(engine)


def test_a_worker_that_opened_an_empty_store_finds_what_another_one_wrote(
    engine: Engine, kind: Kind
) -> None:
    events = history(random.Random(6), dossiers=20)
    lane = records(events)
    early, _ = make(engine, kind=kind)
    owner, _ = make(engine, kind=kind)
    assert early.open_partition(0) == 0
    owner.open_partition(0)
    owner.fold([Batch(0, lane[:30])])
    assert early.open_partition(0) == 30
    early.fold([Batch(0, lane[30:])])

    assert expected_cells(events) == stored_cells(engine)


def two_workers(
    engine: Engine, kind: Kind, events: Sequence[DossierEvent], zombies_clock: Clock
) -> Fold:
    """Return a worker that has the events but for the last one, which a second worker has read.

    By its own clock deadlines have passed since; no timer has looked yet.
    """
    zombie, _ = make(engine, zombies_clock, kind=kind)
    zombie.open_partition(0)
    zombie.fold([Batch(0, records(events[:-1]))])
    owner, _ = make(engine, Clock(zombies_clock.now), kind=kind)
    owner.open_partition(0)
    owner.fold([Batch(0, records(events[-1:], len(events) - 1))])
    zombies_clock.now = NOW
    return zombie


def test_a_zombies_timer_is_fenced_although_dossiers_are_due(engine: Engine, kind: Kind) -> None:
    events = history(random.Random(2), dossiers=40)
    early = min(e.occurred_at for e in events)
    zombie = two_workers(engine, kind, events, Clock(early))
    before = stored_cells(engine)
    assert expected_cells(events, early) == before != expected_cells(events)
    with pytest.raises(FencedError) as fenced:
        zombie.wake()

    assert fenced.value.partitions == {0}
    assert stored_cells(engine) == before
    heir, _ = make(engine, kind=kind)
    heir.open_partition(0)
    assert heir.wake() > 0
    assert expected_cells(events) == stored_cells(engine)


def test_a_timer_that_another_worker_overtakes_counts_nothing_twice(
    engine: Engine, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = history(random.Random(2), dossiers=40)
    zombie = two_workers(engine, kind, events, Clock(min(e.occurred_at for e in events)))
    heir, _ = make(engine, kind=kind)
    heir.open_partition(0)
    woken: list[int] = []

    begin = engine.begin

    def overtaken() -> AbstractContextManager[Connection]:
        """Let the heir's timer run where the zombie's has seen what is due and begins to write."""
        if not woken:
            woken.append(0)
            woken[0] = heir.wake()
        return begin()

    monkeypatch.setattr(engine, "begin", overtaken)
    with pytest.raises(FencedError):
        zombie.wake()

    assert woken[0] > 0
    assert expected_cells(events) == stored_cells(engine)


def test_one_bad_record_is_parked_and_hurts_nothing_else(engine: Engine, kind: Kind) -> None:
    events = history(random.Random(3), dossiers=10)
    good = records(events)
    broken = encode_event(events[0])[:-3]
    lane = [
        *good[:5],
        FakeRecord(5, broken),
        FakeRecord(6, None),
        FakeRecord(7, b"\0\0\0\0\x63x"),
        *records(events[5:], 8),
    ]
    fold, rejects = make(engine, kind=kind)
    fold.open_partition(0)
    fold.fold([Batch(0, lane)])

    assert [r.record.offset for r in rejects] == [5, 6, 7]
    assert {RejectReason.UNREADABLE} == {r.cause.reason for r in rejects}
    assert expected_cells(events) == stored_cells(engine)
    assert fold.position(0) == lane[-1].offset + 1


def test_a_dossier_without_end_stops_nobody(
    engine: Engine, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 40
    for module in (domain, fast_merge):
        monkeypatch.setattr(module, "MOST_TRANSITIONS", most)
    monkeypatch.setattr(domain, "MOST_PORTALS", most)
    (first, *_), others = (history(random.Random(9), dossiers=n) for n in (1, 9))
    endless = [
        with_id(
            replace(first, dossier_code="H37.1-240108-9999", occurred_at=first.occurred_at + n)
        )
        for n in range(most + 30)
    ]
    fold, rejects = make(engine, kind=kind)
    fold.open_partition(0)
    made = [*endless[:20], *others, *endless[20:], *endless[:5]]
    cut = 20 + len(others) + 30  # the first batch holds more than there may be
    for start, part in ((0, made[:cut]), (cut, made[cut:])):
        fold.fold([Batch(0, records(part, start))])

    assert expected_cells([*endless[:most], *others]) == stored_cells(engine)
    assert [len(others) + most + n for n in range(30)] == sorted(
        reject.record.offset for reject in rejects
    )
    assert {RejectReason.BAD_VALUE} == {reject.cause.reason for reject in rejects}
    assert len(made) == fold.position(0)


def test_a_dossier_of_many_portals_stops_nobody(engine: Engine, kind: Kind) -> None:
    most = domain.MOST_PORTALS
    made = history(random.Random(3), dossiers=9)
    shared = [
        with_id(replace(made[0], dossier_code="H37.1-240108-9999", portal=f"portal-{n}"))
        for n in range(300)
    ]
    fold, rejects = make(engine, kind=kind)
    fold.open_partition(0)
    fold.fold([Batch(0, records([*shared, *made]))])

    assert expected_cells([*shared[:most], *made]) == stored_cells(engine)
    assert [("portal", n) for n in range(most, 300)] == sorted(
        (reject.cause.field, reject.record.offset) for reject in rejects
    )


def test_an_event_observed_out_of_time_never_reaches_a_portal_s_freshness(
    engine: Engine, kind: Kind
) -> None:
    good, *rest = history(random.Random(3), dossiers=10)
    year_2100, year_2050 = 4_102_444_800_000, 2_524_608_000_000
    lane = records([good, *[replace(rest[0], observed_at=at) for at in (2**63 - 1, year_2100, 0)]])
    lane.append(
        FakeRecord(4, encode_event(replace(rest[1], observed_at=year_2050)), timestamp=NOW)
    )
    fold, rejects = make(engine, kind=kind)
    fold.open_partition(0)
    fold.fold([Batch(0, lane)])
    with engine.connect() as connection:
        (row,) = connection.execute(select(PORTALS))

    assert good.observed_at == row.last_seen_at
    assert [1, 2, 3, 4] == [r.record.offset for r in rejects]
    assert {"observed_at"} == {r.cause.field for r in rejects}


def test_the_longest_texts_are_counted_in_every_store(engine: Engine, kind: Kind) -> None:
    """They cannot be squeezed, so that an index has to hold all of their bytes."""
    rnd = random.Random(1)
    names = ("dossier_code", "portal", "agency", "domain", "procedure", "source_status")
    texts: dict[str, Any] = {
        name: "".join(rnd.choices(ascii_letters, k=LONGEST_TEXT)) for name in names
    }
    event = replace(history(rnd, dossiers=1)[0], **texts)
    fold, rejects = make(engine, kind=kind)
    fold.open_partition(0)
    fold.fold([Batch(0, records([event]))])

    assert [] == rejects
    assert expected_cells([event]) == stored_cells(engine)


def test_cells_stay_pending_until_kafka_has_them(engine: Engine, kind: Kind) -> None:
    events = history(random.Random(4), dossiers=10)
    fold, _ = make(engine, kind=kind)
    fold.open_partition(0)
    fold.fold([Batch(0, records(events[:20]))])
    taken = fold.cells.take_dirty(engine, [0], 1000)
    fold.fold([Batch(0, records(events[20:], 20))])  # changes while the cells are on their way
    mark_published(engine, taken)
    left = fold.cells.take_dirty(engine, [0], 1000)
    mark_published(engine, left)

    assert taken
    assert left
    assert fold.cells.take_dirty(engine, [0], 1000) == []
    assert fold.cells.take_dirty(engine, [1], 1000) == []


def test_a_cell_that_changes_while_kafka_is_told_stays_pending(engine: Engine, kind: Kind) -> None:
    events = history(random.Random(4), dossiers=10)
    twins = [with_id(replace(e, dossier_code=f"{e.dossier_code}9")) for e in events]
    fold, _ = make(engine, kind=kind)
    fold.open_partition(0)
    fold.fold([Batch(0, records(events))])
    taken = fold.cells.take_dirty(engine, [0], 1000)
    fold.fold([Batch(0, records(twins, len(events)))])
    mark_published(engine, taken)
    left = fold.cells.take_dirty(engine, [0], 1000)

    assert [1] * len(taken) == [cell["dirty"] for cell in left]
    assert sum(cell["dirty"] for cell in taken) == len(taken) > 0


def test_portals_keep_the_newest_times(engine: Engine, kind: Kind) -> None:
    events = history(random.Random(6), dossiers=10)
    fold, _ = make(engine, kind=kind)
    fold.open_partition(0)
    fold.fold([Batch(0, records(events[20:]))])
    fold.fold([Batch(0, records(events[:20], len(events) - 20))])
    with engine.connect() as connection:
        rows = {row.portal: row for row in connection.execute(select(PORTALS))}

    assert max(e.occurred_at for e in events) == rows["twin"].last_event_at
    assert max(e.observed_at for e in events) == rows["twin"].last_seen_at


def test_personal_data_does_not_enter_the_store(engine: Engine, kind: Kind) -> None:
    fold, _ = make(engine, kind=kind)
    fold.open_partition(0)
    fold.fold([Batch(0, records(history(random.Random(7), dossiers=3, sealed=b"SEALED-BYTES")))])
    with engine.connect() as connection:
        stored = connection.execute(select(DOSSIERS.c.dossier)).scalars().all()

    assert len(stored) == 3
    assert not any(b"SEALED-BYTES" in encoded for encoded in stored)
