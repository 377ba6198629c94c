"""What time the workers' machines have, said in the store: by it they count dossiers overdue.

A clock that is ahead counts them before their time. So each worker says its time before it counts
by it; who asks for figures sees one that is ahead of his own, and a worker whose clock was set
back sees that it counted by a later one, and counts anew.
"""

import platform
from collections.abc import Callable, Collection

from sqlalchemy import BigInteger, Column, Connection, Engine, String, Table, delete, select

from lgsp.domain.working_time import DAY_MS
from lgsp.store.engine import METADATA, reading, upsert

AHEAD = 5_000
"""Ms that machines' clocks may differ by; a dossier is counted as much too early at most."""

CLOCKS = Table(
    "rates_clocks",
    METADATA,
    Column("machine", String, primary_key=True),
    Column("said", BigInteger, nullable=False, comment="ms UTC; the time that it had last."),
)


class SaidClock:
    """The clock of this machine's workers.

    Args:
        engine: the rates store.
        clock: gives now in ms UTC.
        machine: its name.
    """

    def __init__(
        self, engine: Engine, clock: Callable[[], int], machine: str = platform.node()
    ) -> None:
        self._engine, self._clock, self._machine = engine, clock, machine
        self._partitions: frozenset[int] = frozenset()

    def was_ahead(self, partitions: Collection[int]) -> bool:
        """Tell whether dossiers of these partitions may have been counted by a later time.

        True until `say`: this machine's clock was set back, or the partitions are taken over
        while some machine is ahead of this one.
        """
        with reading(self._engine) as connection:
            ahead = {machine for machine, _ in clocks_after(connection, self._clock() + AHEAD)}
        taken = not self._partitions >= set(partitions)
        return self._machine in ahead or (taken and bool(ahead))

    def say(self, partitions: Collection[int]) -> None:
        """Say the time, before it is counted by; machines of yesterday are forgotten."""
        now = self._clock()
        with self._engine.begin() as connection:
            connection.execute(
                upsert(connection.dialect, CLOCKS)
                .values(machine=self._machine, said=now)
                .on_conflict_do_update(index_elements=["machine"], set_={"said": now})
            )
            connection.execute(delete(CLOCKS).where(CLOCKS.c.said < now - DAY_MS))
        self._partitions = frozenset(partitions)


def clocks_after(connection: Connection, at: int) -> list[tuple[str, int]]:
    """Return machine and time (ms UTC) of the clocks that have been later than that."""
    query = select(CLOCKS.c.machine, CLOCKS.c.said).where(CLOCKS.c.said > at)
    return [(*row,) for row in connection.execute(query.order_by(CLOCKS.c.machine))]
