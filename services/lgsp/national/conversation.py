"""Brings one dossier to the portal: plan, do the plan's next act, plan again until it is empty.

After every act the state that the portal acknowledged is known, or looked up: a write without a
readable answer is never repeated blindly. So a lost answer makes no second dossier and no second
step, and a failure half-way keeps what was reached. A step whose answer was lost and that no
look-up tells of is in doubt: it is not sent again. A step that the portal refuses by itself costs
only itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import structlog

from lgsp.domain.codes import national_procedure
from lgsp.domain.dossier import Dossier, current_status
from lgsp.domain.errors import RejectedRecord, RetryableError
from lgsp.domain.status import StatusSemantics
from lgsp.national.acknowledged import Acknowledged, after_look_up, cut_off, digest, steps_in
from lgsp.national.catalogue import Catalogue
from lgsp.national.client import NationalClient
from lgsp.national.drafting import Drafting
from lgsp.national.exchange import UnavailableError
from lgsp.national.outcomes import Mixed, Ok, Outcome, OutcomeUnknown, Refused
from lgsp.national.planner import (
    Draft,
    Held,
    HeldReason,
    Plan,
    Step,
    held,
    next_call,
    plan,
)
from lgsp.national.pushed import (
    NotOursError,
    Pushed,
    PushResult,
    RefusedError,
    doubt_of,
    not_kept,
    refusal_of_steps,
)
from lgsp.national.wire import NationalRecord, is_filed_there, national_code, place_in
from lgsp.runtime import metrics
from lgsp.runtime.pace import TooManyCallsError

_MOST_SURPRISES = 3

PersonOpener = Callable[[bytes, str], Mapping[str, str]]


class Conversation:
    """One dossier's way to the portal; used once.

    Args:
        client: the portal.
        catalogue: names of procedures.
        dossier: as merged.
        statuses: what its statuses mean.
        acknowledged: what the portal was last known to hold.
        open_person: opens the sealed personal fields of a dossier code.
        ours: NotOursError when the dossier's partition is another worker's; called as each write
            goes out, so a worker that stood still does not send what its successor has outrun.
        note: makes durable what would be known if this worker died now; NotOursError as `ours`.
    """

    def __init__(
        self,
        client: NationalClient,
        catalogue: Catalogue,
        dossier: Dossier,
        statuses: StatusSemantics,
        acknowledged: Acknowledged,
        open_person: PersonOpener,
        ours: Callable[[], None],
        note: Callable[[Acknowledged], None] = lambda _known: None,
    ) -> None:
        self._client, self._catalogue, self._dossier = client, catalogue, dossier
        self._statuses = statuses
        self._known = acknowledged
        self._open_person = open_person
        self._ours = ours
        self._note = note
        self._found: NationalRecord | None = None
        self._alone: set[str] = set()  # keys of steps that are sent one by one
        self._refused: dict[str, Refused] = {}  # by the key of the step
        self._in_turn = self._created = self._certain = False
        self._sent = self._steps = self._surprises = 0
        self._not_kept = self._repaired = ""
        self._log = structlog.get_logger().bind(dossier=dossier.code)

    async def push(self, *, trusted: bool) -> Pushed:
        """Do it all.

        Args:
            trusted: `acknowledged` is certainly what the portal holds; else it is looked up first,
                unless nothing was ever acknowledged: then to create the dossier is the question,
                and a portal that has it answers so.
        """
        self._certain = trusted or not self._known.exists
        try:
            if reason := await self._synchronise():
                return self._pushed(PushResult.HELD, reason=reason.value, error_code="held")
        except NotOursError:
            return self._pushed(PushResult.ABANDONED)
        except RefusedError as error:
            said = error.refused
            return self._pushed(PushResult.REFUSED, reason=said.message, error_code=said.code)
        except RetryableError as error:
            full = isinstance(error, TooManyCallsError)
            self._certain = self._certain and not isinstance(error, UnavailableError)
            return self._pushed(
                PushResult.RETRY, reason=str(error), wait=error.wait, throttled=full
            )
        result = PushResult.UPDATED if self._sent else PushResult.UNCHANGED
        doubt = doubt_of(self._known) or self._not_kept
        return self._pushed(
            PushResult.CREATED if self._created else result,
            reason=doubt or self._repaired,
            in_doubt=bool(doubt),
        )

    async def _synchronise(self) -> HeldReason | None:
        dossier = self._dossier
        if stop := held(dossier, self._statuses):
            return stop.reason
        try:
            person = self._open_person(dossier.sealed, dossier.code) if dossier.sealed else {}
        except RejectedRecord:
            return HeldReason.SEALED_DATA
        names = await self._catalogue.names(national_procedure(dossier.procedure))
        self._drafting = Drafting(dossier, self._statuses, names, person)
        wanted = self._drafting.draft(self._known.place)
        if isinstance(wanted, Held):
            return wanted.reason
        if self._known.exists and (not self._certain or is_filed_there(self._known.place)):
            wanted = await self._look_up(wanted)
        wanted = await self._send_all(wanted)
        if self._sent and self._client.wants_read_back():
            await self._read_back(wanted)
        if self._refused:
            raise RefusedError(refusal_of_steps(self._refused))
        return None

    async def _send_all(self, wanted: Draft) -> Draft:
        """Send until nothing is left; return what was wanted, which a look-up may have changed."""
        while not (planned := self._plan(wanted)).empty:
            wanted = await self._act(wanted, planned)
        return wanted

    def _plan(self, wanted: Draft) -> Plan:
        return plan(wanted, self._known, self._refused, in_turn=self._in_turn)

    async def _act(self, wanted: Draft, planned: Plan) -> Draft:
        if planned.late:
            self._known = self._known.in_doubt()  # the record is to be the last word again
            return await self._progress(planned.late, wanted)
        if planned.changed:
            return await self._save(wanted)
        return await self._progress(planned.steps, wanted)

    async def _save(self, wanted: Draft) -> Draft:
        known = self._known
        in_turn = self._in_turn and not known.exists
        record = self._drafting.opening() if in_turn else wanted.record
        outcome = await self._client.save(record, self._ours, updating=known.exists)
        self._sent += 1
        if isinstance(outcome, Ok):
            self._known = known.with_record(digest(record))
        elif isinstance(outcome, OutcomeUnknown):
            self._known = known.in_doubt()
            wanted = await self._look_up(wanted)
            if not (self._known.record or (self._known.exists and not known.exists)):
                raise self._under_way(outcome)
        else:
            return await self._after_refusal(outcome, wanted)
        self._created = self._created or not known.exists
        return wanted

    async def _progress(self, steps: tuple[Step, ...], wanted: Draft) -> Draft:
        sent = next_call(steps, self._alone)
        keys = [step.key for step in sent]
        if not self._client.tells_steps:
            self._note(self._known.with_doubted(keys))
        outcome = await self._client.progress([step.record for step in sent], self._ours)
        self._sent += 1
        before = len(self._known.steps)
        if isinstance(outcome, OutcomeUnknown):
            self._known = self._known.in_doubt().with_doubted(keys)
            wanted = await self._look_up(wanted)
            self._known = self._known.with_steps(cut_off(keys, self._known.steps))
            if not self._known.sent.issuperset(keys):
                raise self._under_way(outcome)
        elif isinstance(outcome, Refused) and outcome.says_absent:
            wanted = await self._after_refusal(outcome, wanted)
        elif isinstance(outcome, Refused) and len(sent) > 1:
            self._alone.update(keys)  # one of them is bad; what of the others arrived is asked
            wanted = await self._look_up(wanted)
        else:
            each = outcome.items if isinstance(outcome, Mixed) else [outcome] * len(sent)
            for key, one in zip(keys, each, strict=True):
                if isinstance(one, Ok) or one.says_exists:
                    self._known = self._known.with_steps([key])
                else:
                    self._refused[key] = one
        self._steps += max(0, len(self._known.steps) - before)
        return wanted

    async def _after_refusal(self, outcome: Outcome, wanted: Draft) -> Draft:
        """Handle a refusal that may be answered: of a dossier that is there, is gone, lacks."""
        assert isinstance(outcome, Refused)  # noqa: S101 - one item is never judged in parts
        exists = self._known.exists
        if outcome.missing_steps is not None and not self._in_turn:
            return await self._go_in_turn(wanted, outcome)
        if outcome.says_exists and not exists:
            self._count_surprise("the portal knows the dossier already")
            return await self._look_up(wanted, exists=True)
        if outcome.says_absent and exists:
            self._count_surprise("the portal no longer knows the dossier")
            self._known = self._known.absent()
            return wanted
        raise RefusedError(outcome)

    async def _go_in_turn(self, wanted: Draft, refused: Refused) -> Draft:
        """Send the earlier steps of ours that the portal lacks before the record."""
        self._in_turn = True
        if self._known.exists:
            wanted = await self._look_up(wanted)
            if self._found is not None and steps_in(self._found) is None:
                named = refused.missing_steps or frozenset()  # it says itself what it lacks
                lacking = {s.key for s in wanted.steps if s.record["TrangThai"] in named}
                self._known = self._known.without(lacking)
        ours = wanted.steps[:-1] if not self._known.exists else self._plan(wanted).late
        if not ours:
            raise RefusedError(refused)
        return wanted

    def _under_way(self, lost: OutcomeUnknown) -> RetryableError:
        """Return the reason to wait: what was sent may still arrive, so it is looked up again."""
        self._certain = False
        return RetryableError(lost.cause)

    def _count_surprise(self, cause: str) -> None:
        self._surprises += 1
        if self._surprises > _MOST_SURPRISES:
            raise RetryableError(cause)

    async def _look_up(self, wanted: Draft, *, exists: bool = False) -> Draft:
        """Ask what the portal holds; return what is wanted in the light of it.

        `exists`: it has said so, and a look-up that finds nothing is wrong.
        """
        self._certain = False
        found = await self._client.look_up(national_code(self._dossier))
        if found is None and exists:
            raise RetryableError("the portal says that it has the dossier, and does not find it")
        self._found = found
        before = self._known
        if found is not None:
            self._known = replace(before, place=place_in(found) or before.place)
        if is_filed_there(self._known.place) or is_filed_there(before.place):
            wanted = self._drafting.again(self._known.place, found)
        self._known = after_look_up(self._known, found, wanted.record)
        self._certain = True
        return wanted

    async def _read_back(self, wanted: Draft) -> None:
        """Ask whether the portal kept what it acknowledged; send again what it did not, once."""
        for last in (False, True):
            try:
                found = await self._client.look_up(national_code(self._dossier))
            except RetryableError:
                return  # it was a sample, and all is acknowledged
            lost = not_kept(wanted, self._known, found)
            if not lost:
                return
            metrics.NATIONAL_NOT_KEPT.inc()
            self._log.warning("national_not_kept", fields=lost, sent_again=not last)
            if last:
                self._not_kept = f"answered as done and not kept, twice: {lost}"
                self._known = self._known.in_doubt()
            else:
                self._repaired = f"answered as done and not kept, sent again: {lost}"
                self._known = after_look_up(self._known, found, wanted.record).in_doubt()
                wanted = await self._send_all(wanted)

    def _pushed(self, result: PushResult, **details: Any) -> Pushed:
        return Pushed(
            result=result,
            acknowledged=self._known,
            status=current_status(self._dossier, self._statuses),
            newest_at=self._dossier.transitions[-1].occurred_at,
            steps=self._steps,
            certain=self._certain,
            **details,
        )
