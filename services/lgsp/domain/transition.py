"""One stated status of a dossier, with what orders it among the others."""

from typing import NamedTuple

from lgsp.domain.details import pack
from lgsp.domain.event import DossierEvent, is_dated, statement_of
from lgsp.domain.status import Status


class Transition(NamedTuple):
    """One stated status; the first three fields order the transitions of a dossier.

    Args:
        due_at: the due date as known then: shows whether the source moved it.
        stated: order of the statement (lgsp.domain.event.statement_of).
        dated: `occurred_at` is the date that the record itself states for this status.
        removed: the source said that it no longer holds the dossier.
        portal: who stated it.
        details: what it states besides, packed (lgsp.domain.details).
    """

    occurred_at: int
    sequence: int
    event_id: bytes
    status: Status
    reopens: bool
    due_at: int | None
    stated: int
    dated: bool
    removed: bool
    portal: str
    details: int

    @property
    def statement(self) -> tuple[int, int, int, bytes]:
        """What orders the statements of a dossier: a later one overrules an earlier one."""
        return (self.stated, self.occurred_at, self.sequence, self.event_id)


def transition_of(event: DossierEvent) -> Transition:
    """Give the transition that an event states."""
    return Transition(
        event.occurred_at,
        event.sequence,
        event.event_id,
        event.status,
        event.reopens,
        event.due_at,
        statement_of(event),
        is_dated(event),
        event.removed,
        event.portal,
        pack(event.details),
    )


def is_later(new: Transition, old: Transition) -> bool:
    """Tell whether `new` stands after `old`; equal ones do not."""
    try:
        return new > old
    except TypeError:  # alike but for the due date, which one of them does not know
        return new.due_at is not None


def overrules(new: Transition, old: Transition) -> bool:
    """Tell whether `new` was stated after `old`; equal ones were not."""
    ours, theirs = new.statement, old.statement
    return ours > theirs if ours != theirs else is_later(new, old)
