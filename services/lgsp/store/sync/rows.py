"""Rows of the sync queue: how a batch marks them pending, how a settled push changes them."""

from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    TextClause,
    bindparam,
    case,
    insert,
    not_,
    update,
)

from lgsp.domain.dossier import Dossier
from lgsp.store.engine import upsert
from lgsp.store.rates.layout import encode
from lgsp.store.sync.tables import IS_HELD_BY_HAND, OUTBOX, QUEUE, QueueState


class Waiting(NamedTuple):
    """A pending dossier as taken; times in ms UTC."""

    code: str
    partition: int
    version: int
    settled: int
    acknowledged: bytes | None
    attempts: int
    failing_since: int | None
    pending_since: int
    dossier: bytes


class Settled(NamedTuple):
    """What a push left behind; `queue_state` is for a dossier of which no event came meanwhile.

    `result` is None when nothing was tried. `certain`: the portal holds what `acknowledged` says.
    """

    waiting: Waiting
    queue_state: QueueState
    reason: str
    acknowledged: bytes
    attempts: int
    failing_since: int | None
    next_attempt_at: int
    result: bytes | None
    certain: bool = False


class Outgoing(NamedTuple):
    """A sync result that Kafka has not acknowledged yet."""

    id: int
    code: str
    value: bytes


def mark_pending(connection: Connection, changed: dict[int, dict[str, Dossier]], now: int) -> None:
    """Write changed dossiers, by partition and code, as pending.

    A dossier that waits for its next attempt goes on waiting; a stopped one starts afresh, unless
    a person holds it.
    """
    rows = [
        {
            "code": code,
            "partition": partition,
            "version": 1,
            "settled": 0,
            "queue_state": QueueState.PENDING.value,
            "reason": "",
            "attempts": 0,
            "next_attempt_at": now,
            "pending_since": now,
            "dossier": encode(dossier),
        }
        for partition, dossiers in changed.items()
        for code, dossier in dossiers.items()
    ]
    if not rows:
        return
    statement = upsert(connection.dialect, QUEUE)
    new, waits = statement.excluded, QUEUE.c.queue_state == QueueState.PENDING.value

    def unless_waiting(name: str, value: Any) -> Any:
        return case((waits | IS_HELD_BY_HAND, QUEUE.c[name]), else_=value)

    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["code"],
            set_={
                "dossier": new.dossier,
                "version": QUEUE.c.version + 1,
                "queue_state": unless_waiting("queue_state", new.queue_state),
                "reason": unless_waiting("reason", ""),
                "attempts": unless_waiting("attempts", 0),
                "failing_since": unless_waiting("failing_since", None),
                "next_attempt_at": unless_waiting("next_attempt_at", new.next_attempt_at),
                "pending_since": unless_waiting("pending_since", new.pending_since),
            },
        ),
        rows,
    )


def set_pending(
    connection: Connection,
    now: int,
    *where: ColumnElement[bool] | TextClause,
    held_by_hand: bool = False,
) -> int:
    """Set dossiers pending with a fresh budget; return how many. `now` in ms UTC.

    It counts as a settlement, so a push under way settles nothing, and the portal is looked up.
    Of those that a person holds none is set pending, or with `held_by_hand` only they.
    """
    pending = QUEUE.c.queue_state == QueueState.PENDING.value
    return connection.execute(
        update(QUEUE)
        .where(*where, IS_HELD_BY_HAND if held_by_hand else not_(IS_HELD_BY_HAND))
        .values(
            queue_state=QueueState.PENDING.value,
            settled=QUEUE.c.settled + 1,
            reason="",
            attempts=0,
            failing_since=None,
            next_attempt_at=now,
            pending_since=case((pending, QUEUE.c.pending_since), else_=now),
        )
    ).rowcount


def write_settled(connection: Connection, pushes: list[Settled], now: int) -> list[Settled]:
    """Write what pushes did; return those that no other worker has settled meanwhile."""
    attempt = connection.begin_nested()
    written = connection.execute(_SETTLE, [_settle_values(push, now) for push in pushes]).rowcount
    if written == len(pushes):
        attempt.commit()
        return pushes
    attempt.rollback()  # some are not ours to write: find out which, one by one
    return [p for p in pushes if connection.execute(_SETTLE, _settle_values(p, now)).rowcount]


def write_results(connection: Connection, pushes: list[Settled]) -> None:
    """Put the results of settled pushes into the outbox."""
    rows = [
        {"code": p.waiting.code, "partition": p.waiting.partition, "value": p.result}
        for p in pushes
        if p.result is not None
    ]
    if rows:
        connection.execute(insert(OUTBOX), rows)


_UNMOVED = QUEUE.c.version == bindparam("pushed_version")
_SETTLE = (
    update(QUEUE)
    .where(
        QUEUE.c.code == bindparam("pushed_code"), QUEUE.c.settled == bindparam("pushed_settled")
    )
    .values(
        settled=QUEUE.c.settled + 1,
        queue_state=case((_UNMOVED, bindparam("new_queue_state")), else_=QueueState.PENDING.value),
        reason=case((_UNMOVED, bindparam("new_reason")), else_=""),
        acknowledged=bindparam("new_acknowledged"),
        attempts=bindparam("new_attempts"),
        failing_since=bindparam("new_failing_since"),
        next_attempt_at=bindparam("new_next_attempt_at"),
        pending_since=bindparam("new_pending_since"),
        updated_at=bindparam("now"),
    )
)


def _settle_values(push: Settled, now: int) -> dict[str, Any]:
    retried = push.queue_state is QueueState.PENDING
    return {
        "pushed_code": push.waiting.code,
        "pushed_version": push.waiting.version,
        "pushed_settled": push.waiting.settled,
        "new_queue_state": push.queue_state.value,
        "new_reason": push.reason,
        "new_acknowledged": push.acknowledged,
        "new_attempts": push.attempts,
        "new_failing_since": push.failing_since,
        "new_next_attempt_at": push.next_attempt_at,
        "new_pending_since": push.waiting.pending_since if retried else now,
        "now": now,
    }
