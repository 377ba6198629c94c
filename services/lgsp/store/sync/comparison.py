"""Where the comparison with the national portal stands: sweeps, finds, what was set going.

A sweep is one comparison of all dossiers of a scope. What it has found of each dossier is kept
until the next sweep, so it can be ended and gone on with at any dossier.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    String,
    Table,
    delete,
    func,
    select,
    update,
)

from lgsp.store.engine import METADATA, upsert
from lgsp.store.sync.rows import set_pending
from lgsp.store.sync.tables import QUEUE

_AT_ONCE = 500

SWEEPS = Table(
    "reconcile_sweeps",
    METADATA,
    Column("scope", String, primary_key=True, comment="What is compared."),
    Column("began_at", BigInteger, nullable=False, comment="ms UTC; names the sweep."),
    Column("ended_at", BigInteger, comment="ms UTC; null while it goes on."),
)
CHECKED = Table(
    "reconcile_checked",
    METADATA,
    Column("scope", String, primary_key=True),
    Column("code", String, primary_key=True),
    Column("began_at", BigInteger, nullable=False, comment="The sweep that has compared it."),
    Column("found", LargeBinary, nullable=False, comment="Differences as JSON; empty: none."),
)
MARKED = Table(
    "reconcile_marked",
    METADATA,
    Column("plan", String, primary_key=True),
    Column("code", String, primary_key=True),
    Column("at", BigInteger, nullable=False, comment="ms UTC; when it went to the queue."),
    comment="Dossiers that a plan has set going: none of them twice.",
)


class Sweep(NamedTuple):
    """A sweep; `began_at` names it, `ended_at` is None while it goes on (ms UTC)."""

    scope: str
    began_at: int
    ended_at: int | None


def open_sweep(connection: Connection, scope: str, now: int, *, anew: bool) -> Sweep:
    """Return the sweep that goes on in this scope; begin one where none does, or `anew`."""
    row = connection.execute(select(SWEEPS).where(SWEEPS.c.scope == scope)).first()
    if row is not None and row.ended_at is None and not anew:
        return Sweep(scope, row.began_at, None)
    began_at = now if row is None else max(now, row.began_at + 1)
    statement = upsert(connection.dialect, SWEEPS).values(scope=scope, began_at=began_at)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["scope"], set_={"began_at": began_at, "ended_at": None}
        )
    )
    connection.execute(delete(CHECKED).where(CHECKED.c.scope == scope))
    return Sweep(scope, began_at, None)


def end_sweep(connection: Connection, sweep: Sweep, now: int) -> None:
    """Note that every dossier of the scope was compared; the next sweep begins afresh."""
    ours = (SWEEPS.c.scope == sweep.scope) & (SWEEPS.c.began_at == sweep.began_at)
    connection.execute(update(SWEEPS).where(ours).values(ended_at=now))


def checked_codes(connection: Connection, sweep: Sweep) -> set[str]:
    """Return the dossiers that the sweep has compared."""
    query = select(CHECKED.c.code).where(CHECKED.c.scope == sweep.scope)
    return set(connection.execute(query).scalars())


def write_checked(connection: Connection, sweep: Sweep, found: Mapping[str, bytes]) -> None:
    """Keep what the sweep has found of dossiers; b"" where nothing differs."""
    if not found:
        return
    rows = [
        {"scope": sweep.scope, "code": code, "began_at": sweep.began_at, "found": each}
        for code, each in found.items()
    ]
    statement = upsert(connection.dialect, CHECKED)
    new = statement.excluded
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["scope", "code"], set_={"began_at": new.began_at, "found": new.found}
        ),
        rows,
    )


def differences_of(connection: Connection, sweep: Sweep) -> Iterator[bytes]:
    """Give what the sweep has found so far, in code order: only where something differs."""
    query = (
        select(CHECKED.c.found)
        .where(CHECKED.c.scope == sweep.scope, func.length(CHECKED.c.found) > 0)
        .order_by(CHECKED.c.code)
    )
    yield from connection.execute(query).scalars()


def marked_codes(connection: Connection, plan: str) -> set[str]:
    """Return the dossiers that the plan has set going."""
    return set(connection.execute(select(MARKED.c.code).where(MARKED.c.plan == plan)).scalars())


def mark(connection: Connection, plan: str, code: str, now: int) -> bool:
    """Set a dossier going in the queue, once a plan; False where it was, or is not there.

    The portal is looked up before anything is sent, whatever is known of the dossier.
    """
    statement = upsert(connection.dialect, MARKED).values(plan=plan, code=code, at=now)
    once = statement.on_conflict_do_nothing().returning(MARKED.c.code)
    if connection.execute(once).first() is None:
        return False
    return set_pending(connection, now, QUEUE.c.code == code) == 1
