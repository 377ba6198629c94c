"""What a store is and belongs to: an id of its own, and the log that each lane has counted.

Positions are of one log. A store that meets another one (the topic was made anew), a shorter one,
or one with another number of partitions refuses it: whatever was counted then would be wrong.
"""

import secrets
from collections.abc import Mapping

from sqlalchemy import (
    Column,
    Connection,
    Integer,
    SmallInteger,
    String,
    Table,
    inspect,
    select,
)

from lgsp.domain.errors import ConfigurationError
from lgsp.runtime.kafka.log_identity import LogIdentity
from lgsp.store.engine import METADATA, hide_password, upsert
from lgsp.store.offsets import stored_offsets

STORE = Table(
    "store_identity",
    METADATA,
    Column("number", SmallInteger, primary_key=True, comment="0: there is one."),
    Column("id", String, nullable=False, comment="Random, made with the store."),
    Column("mark", Integer, nullable=False, comment="lgsp.store.file_watch"),
)

LOGS = Table(
    "store_logs",
    METADATA,
    Column("lane", String, primary_key=True),
    Column("topic", String, nullable=False),
    Column("topic_id", String, nullable=False, comment="As Kafka shows it; '' when not known."),
    Column("partitions", Integer, nullable=False),
    comment="The one log that each lane's positions are of.",
)


class OtherLogError(ConfigurationError):
    """The log is not the one that the store has counted; `code` is of a closed set."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def store_id(connection: Connection) -> str:
    """Return the store's id, made now when it has none."""
    connection.execute(
        upsert(connection.dialect, STORE)
        .values(number=0, id=secrets.token_hex(6), mark=0)
        .on_conflict_do_nothing()
    )
    found: str = connection.execute(select(STORE.c.id)).scalar_one()
    return found


def counted_log(connection: Connection, lane: str) -> LogIdentity | None:
    """Return the log that the lane's positions are of; None: not bound yet."""
    if not inspect(connection).has_table(LOGS.name):
        return None  # a store of before, which only readers have opened since
    row = connection.execute(
        select(LOGS.c.topic, LOGS.c.topic_id, LOGS.c.partitions).where(LOGS.c.lane == lane)
    ).first()
    return None if row is None else LogIdentity(*row)


def bind_log(connection: Connection, lane: str, log: LogIdentity, bootstrap: str) -> None:
    """Bind the lane to the log for good, or see that it is; in a transaction that may write.

    Raises:
        OtherLogError: as `check_log`.
    """
    check_log(connection, lane, log, bootstrap)
    known = {"topic": log.topic, "topic_id": log.id, "partitions": log.partitions}
    statement = upsert(connection.dialect, LOGS).values(lane=lane, **known)
    connection.execute(
        statement.on_conflict_do_update(  # brokers that gave no id may give one now
            index_elements=["lane"],
            set_={"topic_id": statement.excluded.topic_id},
            where=LOGS.c.topic_id == "",
        )
    )


def check_log(connection: Connection, lane: str, log: LogIdentity, bootstrap: str) -> None:
    """See that the log at `bootstrap` is the one that the lane has counted.

    Raises:
        OtherLogError: it is another one, or has another number of partitions; both values and the
            way out are named.
    """
    counted = counted_log(connection, lane)
    store = f"the store {hide_password(connection.engine.url)}"
    if counted is not None and log.is_another_than(counted):
        raise OtherLogError(
            "log_is_another",
            f"{store} has counted {counted}, and {bootstrap} has {log}: it is another log."
            f" {_ANOTHER}",
        )
    if counted is not None:
        known, fits = str(counted.partitions), log.partitions == counted.partitions
    else:  # a store of before: at least as many as it has read
        read = max(stored_offsets(connection, lane, log.topic), default=-1) + 1
        known, fits = f"at least {read}", log.partitions >= read
    if not fits:
        raise OtherLogError(
            "log_repartitioned",
            f"{store} has counted {log.topic} with {known} partitions, and {bootstrap} has {log}:"
            f" events of one dossier may stand in two partitions now. {_REPARTITIONED}",
        )


def check_ends(
    stored: Mapping[int, int], ends: Mapping[int, int], topic: str, bootstrap: str
) -> None:
    """See that the log holds all that was counted.

    Args:
        stored: positions as they stood before `ends` was asked for.
        ends: where the log's partitions end.
        topic: its name.
        bootstrap: its brokers.

    Raises:
        OtherLogError: a partition ends before its position.
    """
    short = {p: at for p, at in sorted(stored.items()) if ends.get(p, 0) < at}
    if short:
        shown = ", ".join(
            f"partition {p} ends at {ends.get(p, 0)} and is counted up to {at}"
            for p, at in short.items()
        )
        raise OtherLogError(
            "log_is_shorter",
            f"the store has counted more than {topic} at {bootstrap} has: {shown}. {SHORTER}",
        )


_ANOTHER = (
    "Set LGSP_BROKER and LGSP_STORE (LGSP_DATA) of one installation; or bring the old topic back"
    " from a backup of Kafka's data; or, when the log was made anew on purpose, move the store"
    " away (an empty one is filled from the log) and run the connectors once with --new-log"
)
SHORTER = (
    "The log is another one, or has lost its end: bring it back from a backup of Kafka's data; or"
    " move the store away (an empty one is filled from what the log has) and state anew what it"
    " lost with `lgsp-connect backfill`"
)
_REPARTITIONED = (
    "Make a log of the new number of partitions out of this one: docs/how-to/change-partitions.md"
)
