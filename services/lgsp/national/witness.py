"""What evidence keeps of a call to the national portal: the seam between client and evidence.

A write is kept before its bytes go out, and again with its answer; a question with its answer, in
one row. The session and the password are never kept.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from lgsp.delivery.evidence.recorder import Answered, Recorder
from lgsp.domain.errors import RetryableError
from lgsp.domain.evidence.row import Judged
from lgsp.national.answers import Answer, code_of, judge, message_of
from lgsp.national.outcomes import Mixed, Ok, OutcomeUnknown, Refused
from lgsp.national.wire import hidden_in

_STATUSES = ("TrangThaiHoSo", "TrangThai")
_DATES = ("NgayTiepNhan", "NgayHenTra", "NgayKetThucXuLy", "NgayTra")
_STOPPED = "the worker stopped"
_NOT_WORKED_ON = frozenset({429, 503})


@dataclass(slots=True)
class SeenRequest:
    """What is seen of one request on its way; whoever sends it fills this in."""

    went_out: bool = False
    http: int = 0
    theirs: str = ""
    answer: Answer | OutcomeUnknown | None = None


class Witness(Protocol):
    """Who keeps evidence of requests."""

    def watching(
        self, service: str, body: Mapping[str, Any], *, is_write: bool
    ) -> AbstractAsyncContextManager[SeenRequest]:
        """Watch one request; StoreAway before anything is sent when it cannot be kept."""
        ...


class NoWitness:
    """Keeps nothing: for questions of commands and tests."""

    @asynccontextmanager
    async def watching(
        self, service: str, body: Mapping[str, Any], *, is_write: bool
    ) -> AsyncIterator[SeenRequest]:
        """Watch nothing."""
        yield SeenRequest()


NO_WITNESS = NoWitness()


class NationalWitness:
    """Keeps evidence of each request by the recorder."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    @asynccontextmanager
    async def watching(
        self, service: str, body: Mapping[str, Any], *, is_write: bool
    ) -> AsyncIterator[SeenRequest]:
        """Watch one request.

        Raises:
            StoreAway: a write cannot be kept, and must not go out.
            FatalError: no evidence can be kept any more.
        """
        items = body.get("data", ())
        call = self._recorder.begin(_dossier(body), service, _statuses(items))
        if is_write:
            kept = {name: value for name, value in body.items() if name != "session"}
            try:
                await self._recorder.ask(call, orjson.dumps(kept))
            except asyncio.CancelledError:
                self._recorder.leave_answer(call, Answered(Judged.NOT_SENT, message=_STOPPED))
                raise
        seen = SeenRequest()
        try:
            yield seen
        except asyncio.CancelledError:
            stopped = _unsent(seen) or Answered(
                Judged.UNKNOWN, seen.http, message=f"{_STOPPED} before an answer came"
            )
            if is_write:
                self._recorder.leave_answer(call, stopped)
            else:
                self._recorder.read(call, stopped)
            raise
        except Exception as error:
            answered = _unsent(seen) or _failed(seen, error, is_write=is_write)
            if is_write:
                await self._recorder.answer(call, answered)
            else:
                self._recorder.read(call, answered)
            raise
        asks = bool(call.dossier) and not is_write
        answered = _answered(seen, len(items), hidden_in(body), about_dossier=asks)
        if is_write:
            await self._recorder.answer(call, answered)
        else:
            self._recorder.read(call, answered)


def _dossier(body: Mapping[str, Any]) -> str:
    items = body.get("data")
    return str(items[0]["MaHoSo"] if items else body.get("mahoso", ""))


def _statuses(items: Any) -> str:
    found = [item.get(name) for item in items for name in _STATUSES if item.get(name)]
    return ",".join(map(str, found))


def _unsent(seen: SeenRequest) -> Answered | None:
    if seen.went_out:
        return None
    return Answered(Judged.NOT_SENT, message="another worker has taken the dossier over")


def _failed(seen: SeenRequest, error: Exception, *, is_write: bool) -> Answered:
    known = isinstance(error, RetryableError)
    certain = known and (is_write or seen.http in _NOT_WORKED_ON)
    judged = Judged.NOT_WORKED_ON if certain else Judged.UNKNOWN
    said = str(error) if known else type(error).__name__
    return Answered(judged, seen.http, message=said, theirs=seen.theirs)


def _answered(
    seen: SeenRequest, items: int, hidden: frozenset[str], *, about_dossier: bool
) -> Answered:
    answer = seen.answer
    if answer is None or isinstance(answer, OutcomeUnknown):
        cause = "" if answer is None else answer.cause
        return Answered(Judged.UNKNOWN, seen.http, message=cause, theirs=seen.theirs)
    theirs = seen.theirs or str(answer.get("correlationId") or "")
    outcome = judge(answer, items=items, hidden=hidden)
    said, judged, statuses = message_of(answer, hidden), Judged.DONE, ""
    if isinstance(outcome, Refused):
        said, judged = outcome.message, Judged.REFUSED
    elif isinstance(outcome, Mixed):
        judged = Judged.IN_PARTS
        said = "; ".join(
            f"{number}: {one.message if isinstance(one, Refused) else 'done'}"
            for number, one in enumerate(outcome.items, 1)
        )
    elif isinstance(outcome, OutcomeUnknown):
        said, judged = outcome.cause, Judged.UNKNOWN
    elif isinstance(outcome, Ok) and about_dossier:
        statuses, said = _found(outcome.result, said)
    return Answered(judged, seen.http, code_of(answer) or "", said, theirs, statuses)


def _found(rows: list[dict[str, Any]], said: str) -> tuple[str, str]:
    """Return status and dates that a look-up found: what a dispute is about; no persons."""
    if not rows:
        return "", "; ".join(filter(None, [said, "no record"]))
    if not any(name in rows[0] for name in _STATUSES):
        return "", said
    dates = [f"{name}={rows[0][name]}" for name in _DATES if rows[0].get(name)]
    return _statuses(rows[:1]), "; ".join([said, *dates]).strip("; ")
