"""Tables of the rates side: dossiers, services, consumed offsets, portals seen.

The day cells' table depends on the profile that counts: store/rates/cells.py.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
)

from lgsp.store.engine import METADATA, partial_index


def dossier_column() -> Column[bytes]:
    """Return the column that holds a whole dossier."""
    return Column(
        "state",
        LargeBinary,
        key="dossier",
        nullable=False,
        comment="lgsp.store.rates.layout.encode",
    )


OFFSETS = Table(
    "offsets",
    METADATA,
    Column("lane", String, primary_key=True),
    Column("topic", String, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("next_offset", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    comment="How far each lane has read; the truth, Kafka's own offsets are only a report.",
)

DOSSIERS = Table(
    "dossiers",
    METADATA,
    Column("code", String, primary_key=True),
    Column("partition", Integer, nullable=False),
    Column("overdue", SmallInteger, nullable=False, comment="1: counted in open_overdue."),
    Column("wake_at", BigInteger, comment="ms UTC; when it turns overdue if nothing happens."),
    dossier_column(),
)
partial_index("dossiers_wake", DOSSIERS.c.wake_at, where=DOSSIERS.c.wake_at.is_not(None))

SERVICES = Table(
    "services",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("agency", String, nullable=False),
    Column("domain", String, nullable=False),
    Column("procedure", String, nullable=False),
    UniqueConstraint("agency", "domain", "procedure"),
    comment="A procedure as an agency offers it, numbered so that a cell is a row of integers.",
)

PORTALS = Table(
    "portals",
    METADATA,
    Column("portal", String, primary_key=True),
    Column("last_event_at", BigInteger, nullable=False, comment="ms UTC; newest occurred_at."),
    Column("last_seen_at", BigInteger, nullable=False, comment="ms UTC; newest observed_at."),
)

COUNTED_BY = Table(
    "counted_by",
    METADATA,
    Column("name", String, primary_key=True),
    Column("version", String, nullable=False),
    comment="The one rule profile that the day cells belong to.",
)

TABLES = (DOSSIERS, SERVICES, OFFSETS, PORTALS, COUNTED_BY)
"""What a store of the rates holds beside the day cells, whose columns are a profile's measures."""
