"""Brings one dossier to the portal: plan, do the plan's next act, plan again until it is empty.

After every act the state that the portal acknowledged is known, or looked up: a write without a
readable answer is never repeated blindly. So a lost answer makes no second dossier and no second
step, and a failure half-way keeps what was reached.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from lgsp.domain.codes import national_procedure
from lgsp.domain.dossier import Dossier, current_status
from lgsp.domain.errors import RejectedRecord, RetryableError
from lgsp.domain.status import Status, StatusSemantics
from lgsp.national.acknowledged import Acknowledged, after_look_up
from lgsp.national.catalogue import Catalogue
from lgsp.national.client import NationalClient
from lgsp.national.outcomes import Ok, Outcome, OutcomeUnknown, Refused
from lgsp.national.planner import (
    CHUNK,
    Draft,
    Held,
    HeldReason,
    Plan,
    draft,
    held,
    plan,
)
from lgsp.national.wire import NationalRecord, national_code

_MOST_SURPRISES = 3

PersonOpener = Callable[[bytes, str], Mapping[str, str]]


class PushResult(StrEnum):
    """What the dispatcher has to do with the dossier: a closed set, also a metric label."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    RETRY = "retry"
    REFUSED = "refused"
    HELD = "held"
    ABANDONED = "abandoned"  # the partition went to another worker: write nothing


DONE = frozenset({PushResult.CREATED, PushResult.UPDATED, PushResult.UNCHANGED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """Result of one conversation; `wait` is the portal's advice in seconds.

    `newest_at` is the time of the newest event covered, ms UTC.
    """

    result: PushResult
    acknowledged: Acknowledged
    status: Status
    newest_at: int
    steps: int = 0
    error_code: str = ""
    reason: str = ""
    wait: float | None = None


class _NotOursError(Exception):
    """Another worker has the partition."""


class _RefusedError(Exception):
    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.message)
        self.refused = refused


class Conversation:
    """One dossier's way to the portal; used once.

    Args:
        client: the portal.
        catalogue: names of procedures.
        dossier: as merged.
        statuses: what its statuses mean.
        acknowledged: what the portal was last known to hold.
        open_person: opens the sealed personal fields of a dossier code.
        ours: tells whether the dossier's partition is still this worker's; asked before each
            write, so a worker that stood still does not send what its successor has outrun.
    """

    def __init__(
        self,
        client: NationalClient,
        catalogue: Catalogue,
        dossier: Dossier,
        statuses: StatusSemantics,
        acknowledged: Acknowledged,
        open_person: PersonOpener,
        ours: Callable[[], bool],
    ) -> None:
        self._client = client
        self._catalogue = catalogue
        self._dossier = dossier
        self._statuses = statuses
        self._known = acknowledged
        self._open_person = open_person
        self._ours = ours
        self._created = False
        self._sent = 0
        self._steps = 0
        self._surprises = 0

    async def push(self, *, trusted: bool) -> Pushed:
        """Do it all.

        Args:
            trusted: `acknowledged` is certainly what the portal holds; else it is looked up first,
                unless nothing was ever acknowledged: then to create the dossier is the question,
                and a portal that has it answers so.
        """
        try:
            if reason := await self._synchronise(trusted=trusted):
                return self._pushed(PushResult.HELD, reason=reason.value, error_code="held")
        except _NotOursError:
            return self._pushed(PushResult.ABANDONED)
        except _RefusedError as error:
            refused = error.refused
            return self._pushed(
                PushResult.REFUSED, reason=refused.message, error_code=refused.code
            )
        except RetryableError as error:
            return self._pushed(PushResult.RETRY, reason=str(error), wait=error.wait)
        if self._created:
            return self._pushed(PushResult.CREATED)
        return self._pushed(PushResult.UPDATED if self._sent else PushResult.UNCHANGED)

    async def _synchronise(self, *, trusted: bool) -> HeldReason | None:
        dossier = self._dossier
        if stop := held(dossier, self._statuses):
            return stop.reason
        try:
            person = self._open_person(dossier.sealed, dossier.code) if dossier.sealed else {}
        except RejectedRecord:
            return HeldReason.SEALED_DATA
        names = await self._catalogue.names(national_procedure(dossier.procedure))
        wanted = draft(dossier, self._statuses, names, person)
        if isinstance(wanted, Held):
            return wanted.reason
        if not trusted and self._known.exists:
            await self._look_up(wanted.record)
        while not (planned := plan(wanted, self._known)).empty:
            await self._act(wanted, planned)
        return None

    async def _act(self, wanted: Draft, planned: Plan) -> None:
        if not self._ours():
            raise _NotOursError
        if planned.late:
            self._known = self._known.in_doubt()  # the record is to be the last word again
            await self._progress(planned.late[:CHUNK], wanted.record)
        elif planned.changed:
            await self._save(wanted)
        else:
            await self._progress(planned.steps[:CHUNK], wanted.record)

    async def _save(self, wanted: Draft) -> None:
        known = self._known
        outcome = await self._client.save(wanted.record, updating=known.exists)
        self._sent += 1
        if isinstance(outcome, Ok):
            self._created = self._created or not known.exists
            self._known = known.with_record(wanted.record_digest)
        elif isinstance(outcome, Refused) and outcome.says_exists and not known.exists:
            self._count_surprise("the portal knows the dossier already")
            await self._look_up(wanted.record)
            self._known = replace(self._known, exists=True)
        else:
            await self._handle_failure(outcome, wanted.record)
            self._created = self._created or (not known.exists and self._known.exists)

    async def _progress(self, steps: tuple[NationalRecord, ...], record: NationalRecord) -> None:
        outcome = await self._client.progress(steps)
        self._sent += 1
        if isinstance(outcome, Ok):
            self._steps += len(steps)
            self._known = self._known.with_steps(steps)
        else:
            before = len(self._known.steps)
            await self._handle_failure(outcome, record)
            self._steps += max(0, len(self._known.steps) - before)

    async def _handle_failure(self, outcome: Outcome, record: NationalRecord) -> None:
        """Handle what every write may meet: no answer, a dossier that is gone, a refusal."""
        if isinstance(outcome, OutcomeUnknown):
            self._known = self._known.in_doubt()
            self._count_surprise(outcome.cause)
            await self._look_up(record)
        elif isinstance(outcome, Refused) and outcome.says_absent and self._known.exists:
            self._count_surprise("the portal no longer knows the dossier")
            self._known = Acknowledged()
        elif isinstance(outcome, Refused):
            raise _RefusedError(outcome)

    def _count_surprise(self, cause: str) -> None:
        self._surprises += 1
        if self._surprises > _MOST_SURPRISES:
            raise RetryableError(cause)

    async def _look_up(self, record: dict[str, Any]) -> None:
        found = await self._client.look_up(national_code(self._dossier))
        self._known = after_look_up(self._known, found, record)

    def _pushed(self, result: PushResult, **details: Any) -> Pushed:
        return Pushed(
            result=result,
            acknowledged=self._known,
            status=current_status(self._dossier, self._statuses),
            newest_at=self._dossier.transitions[-1].occurred_at,
            steps=self._steps,
            **details,
        )
