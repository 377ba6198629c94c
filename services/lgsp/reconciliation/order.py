"""In which order dossiers are compared: those most likely wrong first."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

from sqlalchemy import Connection

from lgsp.domain.codes import in_unit
from lgsp.domain.dossier import Dossier, current_status
from lgsp.domain.period import Period
from lgsp.domain.reconciliation.held import PushedAs
from lgsp.domain.reconciliation.sides import Side
from lgsp.domain.status import StatusSemantics
from lgsp.domain.working_time import DAY_MS, day_of
from lgsp.reconciliation.pushes import QueuePushes
from lgsp.store.rates.layout import decode
from lgsp.store.sync.reading import QueueRow, all_rows
from lgsp.store.sync.tables import QueueState

_SOON = 3 * DAY_MS
_STOPPED = frozenset({QueueState.PARKED, QueueState.HELD})


class SweepScope(NamedTuple):
    """Which dossiers are compared; `unit` "": all. The period is that of their reception."""

    unit: str
    period: Period

    @property
    def name(self) -> str:
        """What tells this scope from others."""
        return f"{self.unit or 'all'} {self.period.name}"

    def holds(self, dossier: Dossier) -> bool:
        """Tell whether a dossier is in the scope."""
        if self.unit and not in_unit(dossier.agency, self.unit):
            return False
        first, end = self.period.first_day, self.period.end_day
        if first is None and end is None:
            return True
        at = dossier.received_at or dossier.submitted_at or dossier.transitions[0].occurred_at
        day = day_of(at)
        return (first is None or day >= first) and (end is None or day < end)


def codes_in_order(
    connection: Connection,
    scope: SweepScope,
    done: Collection[str],
    statuses: StatusSemantics,
    now: int,
) -> list[str]:
    """Return the codes of the scope's dossiers that are still to be compared.

    First those of which an answer is outstanding, then those parked and held, those that wait,
    those due within days, and all others.
    """
    ranked = sorted(_ranked(connection, scope, done, statuses, now))
    return [code for _, code in ranked]


def _ranked(
    connection: Connection,
    scope: SweepScope,
    done: Collection[str],
    statuses: StatusSemantics,
    now: int,
) -> Iterator[tuple[int, str]]:
    pushes = QueuePushes()
    for row in all_rows(connection):
        if row.code in done:
            continue
        dossier = decode(row.code, row.dossier)
        if scope.holds(dossier):
            yield _rank(row, dossier, pushes, statuses, now), row.code


def _rank(
    row: QueueRow, dossier: Dossier, pushes: QueuePushes, statuses: StatusSemantics, now: int
) -> int:
    lost = any(p.result is PushedAs.LOST for p in pushes.of(row, row.code, Side()).pushes)
    if lost or row.queue_state == QueueState.IN_DOUBT:
        return 0
    if row.queue_state in _STOPPED:
        return 1
    if row.queue_state == QueueState.PENDING:
        return 2
    due = dossier.due_at
    soon = due is not None and abs(due - now) <= _SOON
    return 3 if soon and not statuses.closes[current_status(dossier, statuses)] else 4
