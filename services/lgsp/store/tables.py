"""Tables of the rates side: dossiers, day cells of services, consumed offsets, portals seen."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    select,
)

from lgsp.domain.rates import MEASURES
from lgsp.store.engine import METADATA

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
    Column(
        "state",
        LargeBinary,
        key="dossier",
        nullable=False,
        comment="lgsp.store.rates.layout.encode",
    ),
)
Index(
    "dossiers_wake",
    DOSSIERS.c.wake_at,
    sqlite_where=DOSSIERS.c.wake_at.is_not(None),
    postgresql_where=DOSSIERS.c.wake_at.is_not(None),
)

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

# One index and no text in it: a long backlog changes hundreds of thousands of cells.
CELLS = Table(
    "cells",
    METADATA,
    Column("day", Integer, primary_key=True, comment="Days since 1970, Asia/Ho_Chi_Minh."),
    Column("partition", Integer, primary_key=True),
    Column("service", Integer, primary_key=True, comment="id in services"),
    *[Column(name, Integer, nullable=False, server_default="0") for name in MEASURES],
    Column("dirty", Integer, nullable=False, comment="Changes not yet acknowledged by Kafka."),
    sqlite_with_rowid=False,
)
Index(
    "cells_dirty",
    CELLS.c.partition,
    sqlite_where=CELLS.c.dirty > 0,
    postgresql_where=CELLS.c.dirty > 0,
)

DAY_CELLS = (
    select(
        CELLS.c.partition,
        CELLS.c.day,
        *[SERVICES.c[name] for name in ("agency", "domain", "procedure")],
        *[CELLS.c[name] for name in (*MEASURES, "dirty")],
    )
    .join_from(CELLS, SERVICES, CELLS.c.service == SERVICES.c.id)
    .subquery("day_cells")
)
"""The cells with the texts of their services, for those who read them."""

PORTALS = Table(
    "portals",
    METADATA,
    Column("portal", String, primary_key=True),
    Column("last_event_at", BigInteger, nullable=False, comment="ms UTC; newest occurred_at."),
    Column("last_seen_at", BigInteger, nullable=False, comment="ms UTC; newest observed_at."),
)
