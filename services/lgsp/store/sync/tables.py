"""Tables of the sync side: the queue of dossiers, and results on their way to Kafka."""

from enum import StrEnum

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table, text

from lgsp.store.engine import METADATA, partial_index
from lgsp.store.tables import dossier_column


class QueueState(StrEnum):
    """How a dossier stands in the queue."""

    PENDING = "pending"  # something is to be sent, now or at next_attempt_at
    CLEAN = "clean"  # the portal has acknowledged all of it
    IN_DOUBT = "in_doubt"  # nothing is left to send, but the portal may lack a part; listed
    HELD = "held"  # cannot be sent as it is: unmapped, unknown; listed
    PARKED = "parked"  # refused, or failing for longer than the retry budget; listed


QUEUE = Table(
    "sync_lanes",
    METADATA,
    Column("code", String, primary_key=True),
    Column("partition", Integer, nullable=False),
    Column("version", BigInteger, nullable=False, comment="Grows with every merged batch."),
    Column("settled", BigInteger, nullable=False, comment="Grows with every settled push."),
    Column(
        "lane",
        String,
        key="queue_state",
        nullable=False,
        comment="pending, clean, in_doubt, held or parked.",
    ),
    Column("reason", String, nullable=False, comment="Why it waits, is listed."),
    Column("acknowledged", LargeBinary, comment="lgsp.national.acknowledged.encode"),
    Column("attempts", Integer, nullable=False, comment="Failed attempts in a row."),
    Column("failing_since", BigInteger, comment="ms UTC; beginning of the retry budget."),
    Column("next_attempt_at", BigInteger, nullable=False, comment="ms UTC."),
    Column("pending_since", BigInteger, nullable=False, comment="ms UTC."),
    Column("updated_at", BigInteger, comment="ms UTC of the newest settled push."),
    dossier_column(),
)
# Written out, not bound: a partial index serves only queries that state its condition literally.
IS_PENDING, IS_STOPPED = text("lane = 'pending'"), text("lane IN ('held', 'in_doubt', 'parked')")
# Of the pending: has failed, or its kind fails, while the portal works. Not at the first failures
# of its own, which are over in seconds more often than not.
IS_FAILING = text("failing_since IS NOT NULL AND (attempts = 0 OR attempts >= 3)")
HELD_BY_HAND = "held by hand: "
"""Begins the cause of a dossier that a person holds."""
IS_HELD_BY_HAND = (QUEUE.c.queue_state == QueueState.HELD.value) & QUEUE.c.reason.startswith(
    HELD_BY_HAND
)
partial_index("sync_lanes_waiting", QUEUE.c.next_attempt_at, where=IS_PENDING)
partial_index("sync_lanes_listed", QUEUE.c.queue_state, QUEUE.c.code, where=IS_STOPPED)

OUTBOX = Table(
    "sync_outbox",
    METADATA,
    # An id is never given twice: a worker that stood still would else forget another's result.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("partition", Integer, nullable=False),
    Column("code", String, nullable=False),
    Column("value", LargeBinary, nullable=False, comment="sync-results, Avro."),
    sqlite_autoincrement=True,
)
TABLES = (QUEUE, OUTBOX)
"""What a store of the sync holds beside the offsets, which every store has."""
