"""What we hold of a dossier with its pushes, and what was told of it from there. Pure."""

from dataclasses import dataclass, field
from enum import StrEnum

from lgsp.domain.reconciliation.sides import SeenStep, Side
from lgsp.domain.status import Status


class SyncState(StrEnum):
    """How a dossier stands in the sync's queue."""

    CLEAN = "clean"
    PENDING = "pending"
    IN_DOUBT = "in_doubt"
    HELD = "held"
    PARKED = "parked"


class PushedAs(StrEnum):
    """What one push came to."""

    DONE = "done"  # the portal acknowledged it
    REFUSED = "refused"
    MISSES_STEP = "misses_step"  # refused, because a step before it is missing there
    LOST = "lost"  # no answer came
    FAILED = "failed"  # certainly not worked on


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One push of a dossier, as far as it is known.

    `at` in ms UTC; `status` is the one that was pushed; `message` holds no person.
    """

    result: PushedAs
    at: int | None = None
    status: Status | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """What we hold of a dossier.

    Attributes:
        code: by which the national portal knows it.
        unit: its agency.
        procedure: its procedure.
        side: what the portal should hold, and our own judgement of lateness.
        deadline: the due time, extended, by the rule profile; None: there is none.
        reception_deadline: until when it had to be received; None: not known.
        changed_at: when it took its newest status, ms UTC.
        sync: its state in the queue.
        reason: why it waits or is listed there.
        unmapped: it cannot be sent, because a code of it is mapped to nothing.
        removed: its source no longer holds it.
        known_there: the portal has acknowledged it at least once.
        own_steps: steps that we sent or are to send: others are not ours.
        doubted: steps whose answer was lost.
        earlier: dates that our record had before, by name: what the portal may still show.
        pushes: those known, oldest first.
        all_pushes: no others were made.
    """

    code: str
    unit: str = ""
    procedure: str = ""
    side: Side
    deadline: int | None = None
    reception_deadline: int | None = None
    changed_at: int | None = None
    sync: SyncState
    reason: str = ""
    unmapped: bool = False
    removed: bool = False
    known_there: bool = False
    own_steps: frozenset[SeenStep] = frozenset()
    doubted: frozenset[SeenStep] = frozenset()
    earlier: frozenset[tuple[str, int]] = frozenset()
    pushes: tuple[Push, ...] = ()
    all_pushes: bool = False

    @property
    def newest_push(self) -> Push | None:
        """The last push that is known."""
        return self.pushes[-1] if self.pushes else None


class Claim(StrEnum):
    """What a list says of each of its lines."""

    LATE = "late"
    ON_TIME = "on_time"
    RECEIVED_LATE = "received_late"


@dataclass(frozen=True, slots=True, kw_only=True)
class There:
    """What was told of a dossier from there, by a look-up or by the line of a list.

    Attributes:
        code: as it was asked or listed.
        found: whether the portal holds it; None: not known.
        side: what it holds.
        claim: what the list says of the line; None for a look-up.
        filed_there: whether it was filed at the portal; None: not known.
        ours: whether its code is one of our province.
        at: when this was told, ms UTC.
    """

    code: str
    found: bool | None = True
    side: Side = field(default_factory=Side)
    claim: Claim | None = None
    filed_there: bool | None = None
    ours: bool = True
    at: int | None = None
