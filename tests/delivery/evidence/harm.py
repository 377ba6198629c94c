"""What a hand can do to a store of evidence, past all code of ours."""

from collections.abc import Sequence

from sqlalchemy import Engine, insert, select, text, update

from lgsp.domain.evidence.row import EvidenceRow
from lgsp.store.engine import reading
from lgsp.store.evidence.tables import ROWS


def rows_in(engine: Engine) -> list[EvidenceRow]:
    with reading(engine) as connection:
        found = connection.execute(
            select(*[ROWS.c[n] for n in EvidenceRow._fields]).order_by(ROWS.c.seq)
        )
        return [EvidenceRow._make(row) for row in found]


def put(engine: Engine, seq: int, column: str, value: object) -> None:
    with engine.begin() as connection:
        connection.execute(update(ROWS).where(ROWS.c.seq == seq).values({column: value}))


def replace_all(engine: Engine, rows: Sequence[EvidenceRow]) -> None:
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM evidence_rows"))
        if rows:
            connection.execute(insert(ROWS), [row._asdict() for row in rows])
