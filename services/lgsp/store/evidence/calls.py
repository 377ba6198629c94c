"""The calls that changed one dossier at the receiver, without their payloads."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from sqlalchemy import Connection, select

from lgsp.store.evidence.tables import ROWS


class CallRow(NamedTuple):
    """What the evidence says of a call, as asked or as answered; `at` in ms UTC."""

    at: int
    call: str
    service: str
    statuses: str
    judged: str
    message: str


_COLUMNS = [ROWS.c[name] for name in CallRow._fields]


def calls_of(connection: Connection, code: str, services: Collection[str]) -> Iterator[CallRow]:
    """Give questions and answers of these services about a dossier, in their order."""
    query = (
        select(*_COLUMNS)
        .where(ROWS.c.dossier == code, ROWS.c.service.in_(services), ROWS.c.call != "")
        .order_by(ROWS.c.seq)
    )
    for row in connection.execute(query):
        yield CallRow(*row)
