"""The sync queue on both stores: fenced, settled by version, nothing lost on the way to Kafka."""

import random
from collections.abc import Sequence
from dataclasses import replace
from string import ascii_letters
from typing import Any

import pytest
from sqlalchemy import Engine, inspect, select
from tests.national.dossiers import CODE, HOUR, START, step, steps
from tests.records import FakeRecord

from lgsp.domain import dossier as domain
from lgsp.domain.dossier import merge_all
from lgsp.domain.errors import RejectReason
from lgsp.domain.event import DossierEvent
from lgsp.domain.usable import LONGEST_TEXT
from lgsp.runtime.avro.codec import encode_event
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.kafka.records import Batch, Reject
from lgsp.runtime.lane.handler import FencedError
from lgsp.store.rates.layout import decode
from lgsp.store.sync.listing import list_stopped, redrive, redrive_stopped, summarise
from lgsp.store.sync.queue import SyncQueue, count_pending, count_waiting
from lgsp.store.sync.rows import Settled, Waiting
from lgsp.store.sync.tables import QUEUE, QueueState

NOW = START + 10 * HOUR


class Clock:
    now = NOW

    def __call__(self) -> int:
        return self.now


def make(engine: Engine, clock: Clock | None = None) -> tuple[SyncQueue, list[Reject]]:
    rejects: list[Reject] = []
    queue = SyncQueue(
        engine, "dossier-events", load_calendar(), clock or Clock(), rejects.extend, lease=0
    )
    queue.open_partition(0)
    return queue, rejects


def batch(events: Sequence[DossierEvent], start: int = 0) -> Batch:
    return Batch(0, [FakeRecord(start + i, encode_event(e)) for i, e in enumerate(events)])


def settled(
    waiting: Waiting, state: QueueState = QueueState.CLEAN, *, next_attempt_at: int = NOW
) -> Settled:
    return Settled(waiting, state, "why", b"[]", 1, None, next_attempt_at, b"result")


def states(engine: Engine) -> dict[str, str]:
    with engine.connect() as connection:
        return {row.code: row.queue_state for row in connection.execute(select(QUEUE))}


def test_merges_a_batch_and_moves_the_position_in_one_transaction(engine: Engine) -> None:
    queue, _ = make(engine)
    events = steps(1, 2, 4)
    queue.fold([batch(events[:2])])
    queue.fold([batch(events[2:], 2)])
    (waiting,) = queue.waiting(10)

    assert merge_all(events)[CODE] == decode(CODE, waiting.dossier)
    assert 2 == waiting.version
    assert 3 == make(engine)[0].position(0)


def test_a_worker_behind_writes_nothing(engine: Engine) -> None:
    zombie, _ = make(engine)
    owner, _ = make(engine)
    owner.fold([batch(steps(2))])

    with pytest.raises(FencedError):
        zombie.fold([batch(steps(2, code="H37.9-240108-0001"))])

    assert {CODE: "pending"} == states(engine)
    assert not zombie.confirm(0)
    assert owner.confirm(0)


def test_a_unit_of_any_length_is_a_reject_and_stops_nobody(engine: Engine) -> None:
    lanes, rejects = make(engine)
    other = "H37.9-240108-0001"
    bad = [replace(step(0, 2), agency="x" * size) for size in (LONGEST_TEXT + 1, 70_000, 300_000)]
    lanes.fold([batch([*bad, *steps(2, code=other)])])

    assert [(RejectReason.BAD_VALUE, "agency")] * 3 == [
        (reject.cause.reason, reject.cause.field) for reject in rejects
    ]
    assert {other: "pending"} == states(engine)


def test_a_dossier_without_end_stops_nobody(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MOST_TRANSITIONS", "MOST_PORTALS"):
        monkeypatch.setattr(domain, name, 3)
    queue, rejects = make(engine)
    other = "H37.9-240108-0001"
    made = steps(1, 2, 4, 9, 10)
    queue.fold([batch([*made, *made[:2], *steps(2, code=other)])])

    assert [3, 4] == [reject.record.offset for reject in rejects]
    assert {CODE: "pending", other: "pending"} == states(engine)
    assert len(made) + 3 == queue.position(0)


def test_the_longest_texts_are_kept(engine: Engine) -> None:
    lanes, _ = make(engine)
    rnd = random.Random(1)
    longest = "".join(rnd.choice(ascii_letters) for _ in range(LONGEST_TEXT))
    names = ("dossier_code", "portal", "agency", "procedure", "domain", "source_status")
    texts: dict[str, Any] = dict.fromkeys(names, longest)
    lanes.fold([batch([replace(step(0, 2), **texts)])])

    assert {longest: "pending"} == states(engine)


def test_opening_a_partition_takes_it_from_who_had_it(engine: Engine) -> None:
    before, _ = make(engine)
    after, _ = make(engine)
    after.open_partition(0)

    assert not before.confirm(0)
    assert after.confirm(0)


def test_pushes_nothing_while_the_last_owner_s_calls_may_arrive(engine: Engine) -> None:
    queue = SyncQueue(
        engine, "dossier-events", load_calendar(), Clock(), lambda _rejects: None, grace=3600
    )
    queue.open_partition(0)
    queue.fold([batch(steps(2))])

    assert [] == queue.waiting(10)


def test_a_settled_push_leaves_newer_events_pending(engine: Engine) -> None:
    queue, _ = make(engine)
    queue.fold([batch(steps(2))])
    (claimed,) = queue.waiting(10)
    queue.fold([batch([step(1, 4)], 1)])
    queue.settle([settled(claimed)])
    (again,) = queue.waiting(10)
    queue.settle([settled(again)])

    assert (2, b"[]") == (again.version, again.acknowledged)
    assert {CODE: "clean"} == states(engine)
    assert queue.is_known(again._replace(settled=again.settled + 1))


def test_a_push_is_settled_once(engine: Engine) -> None:
    queue, _ = make(engine)
    queue.fold([batch(steps(2))])
    (claimed,) = queue.waiting(10)

    assert 1 == len(queue.settle([settled(claimed)]))
    assert [] == queue.settle([settled(claimed, QueueState.PARKED)])
    assert {CODE: "clean"} == states(engine)


def test_results_stay_until_kafka_has_them(engine: Engine) -> None:
    queue, _ = make(engine)
    queue.fold([batch(steps(2))])
    queue.settle([settled(w) for w in queue.waiting(10)])
    queue, _ = make(engine)
    results = queue.outgoing(10)
    queue.sent(results)

    assert [(CODE, b"result")] == [(r.code, r.value) for r in results]
    assert [] == queue.outgoing(10)


def test_a_worker_that_stood_still_forgets_no_result_but_those_it_sent(engine: Engine) -> None:
    still, _ = make(engine)
    still.fold([batch(steps(2))])
    still.settle([settled(w) for w in still.waiting(10)])
    read_before = still.outgoing(10)
    successor, _ = make(engine)
    successor.sent(successor.outgoing(10))
    successor.fold([batch([step(1, 4)], 1)])
    successor.settle([settled(w) for w in successor.waiting(10)])

    still.sent(read_before)

    assert [CODE] == [result.code for result in successor.outgoing(10)]


def test_a_retry_waits_for_its_time_whatever_comes(engine: Engine) -> None:
    clock = Clock()
    queue, _ = make(engine, clock)
    queue.fold([batch(steps(2))])
    queue.settle(
        [settled(w, QueueState.PENDING, next_attempt_at=NOW + 5) for w in queue.waiting(1)]
    )
    queue.fold([batch([step(1, 4)], 1)])
    early = queue.waiting(10)
    clock.now += 5

    assert [] == early
    assert [1] == [w.attempts for w in queue.waiting(10)]


@pytest.mark.parametrize("stopped", [QueueState.PARKED, QueueState.HELD, QueueState.CLEAN])
def test_a_new_event_sets_a_stopped_dossier_going(engine: Engine, stopped: QueueState) -> None:
    queue, _ = make(engine)
    queue.fold([batch(steps(2))])
    queue.settle([settled(w, stopped) for w in queue.waiting(1)])
    queue.fold([batch(steps(2), 1)])
    known = queue.waiting(10)
    queue.fold([batch([step(1, 4)], 2)])

    assert [] == known
    assert [(0, None)] == [(w.attempts, w.failing_since) for w in queue.waiting(10)]


def test_lists_and_redrives_stopped_dossiers(engine: Engine) -> None:
    queue, _ = make(engine)
    codes = [f"H37.{n}-240108-0001" for n in (1, 2, 3)]
    queue.fold([batch([step(0, 2, code) for code in codes])])
    parked, held, _ = queue.waiting(10)
    queue.settle([settled(parked, QueueState.PARKED), settled(held, QueueState.HELD)])
    with engine.begin() as connection:
        summary = summarise(connection, clean=True)
        listed = list_stopped(connection, 10)
        unknown = redrive(connection, NOW, [parked.code, "H37-unknown"])
        none = redrive_stopped(connection, NOW, "%")
        rest = redrive_stopped(connection, NOW, "hy")
        pending = count_pending(connection)

    assert {"pending": 1, "in_doubt": 0, "held": 1, "parked": 1, "clean": 0} == summary.states
    assert {"parked: why": 1, "held: why": 1} == summary.reasons
    assert {parked.code, held.code} == {row["code"] for row in listed}
    assert (["H37-unknown"], [], [held.code], 3) == (unknown, none, rest, pending)


def test_a_redriven_clean_dossier_is_looked_up_and_what_is_under_way_settles_nothing(
    engine: Engine,
) -> None:
    queue, _ = make(engine)
    queue.fold([batch(steps(2))])
    queue.settle([settled(w) for w in queue.waiting(1)])
    with engine.begin() as connection:
        redrive(connection, NOW, [CODE])
    (under_way,) = queue.waiting(1)
    known = queue.is_known(under_way)
    with engine.begin() as connection:
        redrive(connection, NOW, [CODE])

    assert not known
    assert [] == queue.settle([settled(under_way)])
    assert {CODE: "pending"} == states(engine)


def test_dossiers_that_go_on_failing_are_counted_apart(engine: Engine) -> None:
    queue, _ = make(engine)
    codes = [f"H37.{n}-240108-0001" for n in range(5)]
    queue.fold([batch([step(0, 2, code) for code in codes])])
    # Failing alone for good; for the first time; with its kind; with the whole portal; not at all.
    history = [(3, NOW), (1, NOW), (0, NOW), (7, None)]
    for waiting, (attempts, since) in zip(queue.waiting(4), history, strict=True):
        queue.settle([Settled(waiting, QueueState.PENDING, "", b"", attempts, since, NOW, b"")])

    with engine.connect() as connection:
        assert (5, 2) == (count_pending(connection), count_waiting(connection))


def test_rejects_what_cannot_be_read_or_dated_and_goes_on(engine: Engine) -> None:
    queue, rejects = make(engine)
    values = [b"x", encode_event(step(0, 2, returned_at=-(10**15))), encode_event(step(0, 2))]
    queue.fold([Batch(0, [FakeRecord(i, value) for i, value in enumerate(values)])])

    assert [RejectReason.UNREADABLE, RejectReason.BAD_DATE] == [r.cause.reason for r in rejects]
    assert 3 == queue.position(0)
    assert 1 == len(queue.waiting(10))


def test_a_stored_queue_keeps_the_names_of_its_columns(engine: Engine) -> None:
    with engine.connect() as connection:
        columns = {column["name"] for column in inspect(connection).get_columns("sync_lanes")}
    assert {"code", "lane", "state"} <= columns


def test_what_a_clock_that_was_ahead_has_put_off_is_due_again(engine: Engine) -> None:
    clock = Clock()
    clock.now = NOW + 7 * HOUR
    queue, _ = make(engine, clock)
    queue.fold([batch(steps(1, 2))])
    clock.now = NOW
    before = queue.waiting(10)
    queue.pull_in(HOUR)

    assert [] == before
    assert [CODE] == [waiting.code for waiting in queue.waiting(10)]


def test_what_waits_for_its_next_attempt_goes_on_waiting(engine: Engine) -> None:
    queue, _ = make(engine)
    queue.fold([batch(steps(1, 2))])
    later = settled(queue.waiting(1)[0], QueueState.PENDING, next_attempt_at=NOW + HOUR)
    queue.settle([later])
    queue.pull_in(HOUR)

    assert [] == queue.waiting(10)
