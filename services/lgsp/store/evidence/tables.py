"""Tables of evidence. They share no metadata with the other stores: those are made anew."""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
)

EVIDENCE = MetaData()

ROWS = Table(
    "evidence_rows",
    EVIDENCE,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("previous", BigInteger, nullable=False, comment="The dossier's row before; 0: none."),
    Column("layout", SmallInteger, nullable=False, comment="By which the row is hashed."),
    Column("at", BigInteger, nullable=False, comment="ms UTC."),
    Column("kind", String, nullable=False, comment="lgsp.domain.evidence.row.EvidenceKind"),
    Column("dossier", String, nullable=False, comment="Code at the receiver; '' for none."),
    Column("service", String, nullable=False),
    Column("call", String, nullable=False),
    Column("who", String, nullable=False),
    Column("statuses", String, nullable=False),
    Column("http", Integer, nullable=False),
    Column("code", String, nullable=False),
    Column("message", String, nullable=False, comment="Masked."),
    Column("theirs", String, nullable=False, comment="The receiver's id of the call."),
    Column("judged", String, nullable=False),
    Column("millis", BigInteger, nullable=False),
    Column("sealed_hash", LargeBinary, nullable=False, comment="SHA-256; stays when erased."),
    Column("sealed", LargeBinary, comment="The payload, compressed and sealed."),
    Column("hash", LargeBinary, nullable=False, comment="SHA-256 of the row in its chain."),
)
Index("evidence_dossier", ROWS.c.dossier, ROWS.c.seq)

HEAD = Table(
    "evidence_head",
    EVIDENCE,
    Column("number", SmallInteger, primary_key=True, comment="0: there is one."),
    Column("id", String, nullable=False, comment="Random, made with the store."),
    Column("layout", Integer, nullable=False, comment="Of the tables."),
    Column("seq", BigInteger, nullable=False, comment="The last row; 0: none."),
    Column("hash", LargeBinary, nullable=False, comment="Its hash."),
    Column("at", BigInteger, nullable=False, comment="ms UTC of the last transaction."),
)
TABLES = (ROWS, HEAD)
"""What a store of evidence holds."""
