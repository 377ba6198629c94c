"""Client of the national portal, transport A: one session, classified outcomes.

What goes over the wire is of `exchange`, what an answer says is judged in `answers`. A call is
repeated here only after a session error, because then the portal has certainly not worked on it,
and when it was refused for its rate. No message shows what was sent of persons and secrets.
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from math import inf
from typing import Any
from urllib.parse import urlencode

from lgsp.domain.codes import national_procedure
from lgsp.domain.errors import RetryableError
from lgsp.national import phrases
from lgsp.national.acknowledged import steps_in
from lgsp.national.answers import (
    OK,
    Answer,
    code_of,
    judge,
    message_of,
    refusal_of,
    row_of,
)
from lgsp.national.exchange import LOGIN, HttpExchange, OtherStatusError
from lgsp.national.outcomes import Mixed, Ok, Outcome, OutcomeUnknown, Refused
from lgsp.national.session import LoginRefusedError, Sessions
from lgsp.national.wire import hidden_in
from lgsp.national.witness import NO_WITNESS, Witness
from lgsp.runtime import metrics
from lgsp.runtime.pace import Pace
from lgsp.runtime.settings import Settings

BASE = "/XrdAdapter/RestService/forward"
SAVE = "DongBoHoSoMC"
PROGRESS = "CapNhatTienDoHoSoMC"
LOOK_UP = "TraCuuHoSo"
PROCEDURE = "LayThuTuc"

_SESSION_ERROR = "1"
_UNAUTHORISED = 401
_BETWEEN_SESSIONS = (0.25, 0.75, 1.0, 0.0)  # seconds after each refusal of the same session
_WRITES = frozenset({SAVE, PROGRESS})


def _nothing() -> None:
    pass


class NationalClient:
    """One connection pool and one session; use as an async context manager.

    Args:
        settings: where the portal is and who we are.
        witness: keeps evidence of each request; a write that cannot be kept is not sent.

    Raises:
        ConfigurationError: the TLS files do not fit.
    """

    def __init__(self, settings: Settings, witness: Witness = NO_WITNESS) -> None:
        self._settings, self._witness = settings, witness
        base = settings.national_base.rstrip("/") + BASE
        address = urlencode({"dstcode": settings.national_dstcode})
        self._login_url = f"{base}/mapi/login?{address}"
        self._call_url = f"{base}/{settings.national_endpoint}?{address}"
        self._exchange = HttpExchange(
            settings,
            {
                "dstcode": settings.national_dstcode,
                "Accept": "application/json",
                "Content-Type": "application/json",
                "Charset": "utf-8",
            },
        )
        self._pace = Pace(settings.national_rate)
        self.answers = 0
        """Answers so far that are the portal's own, without those about login and session."""
        self.answered_at = -inf
        """Monotonic time of the newest of them."""
        self.tells_steps: bool | None = None
        """Whether a look-up tells the progress steps, None while none has shown it."""
        self._sessions = Sessions(self._log_in)

    async def __aenter__(self) -> "NationalClient":
        await self._exchange.open()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._exchange.close()

    async def look_up(self, code: str) -> dict[str, Any] | None:
        """Return what the portal holds of a dossier, None when it knows none.

        Raises:
            RetryableError: no answer that can be used; ask again later.
        """
        outcome = await self.call(LOOK_UP, mahoso=code)
        if isinstance(outcome, Ok):
            found = row_of(outcome.result, "MaHoSo", code)
            if found is not None:
                self.tells_steps = steps_in(found) is not None
            return found
        if isinstance(outcome, Refused) and outcome.says_absent:
            return None
        raise RetryableError(f"{LOOK_UP}: {_describe(outcome)}")

    async def look_up_nobody(self) -> None:
        """Look up a dossier that cannot be: any answer tells that the portal lives.

        Raises:
            RetryableError: no answer, or one that refuses the question.
        """
        await self.look_up(f"{self._settings.national_agency}-000101-0000")

    async def procedure(self, code: str) -> dict[str, Any] | None:
        """Return the catalogue's entry of a procedure, None when it knows none; RetryableError."""
        outcome = await self.call(PROCEDURE, maTTHC=code)
        if isinstance(outcome, Ok):
            named = [{"MATTHC": code} | row for row in outcome.result]
            return row_of(named, "MATTHC", code, national_procedure)
        if isinstance(outcome, Refused) and outcome.says_absent:
            return None
        raise RetryableError(f"{PROCEDURE}: {_describe(outcome)}")

    async def save(
        self, record: dict[str, Any], before: Callable[[], None] = _nothing, *, updating: bool
    ) -> Outcome:
        """Create the dossier, or update it; RetryableError when it was certainly not worked on.

        `before` is called each time that the call goes out, after every wait; it may raise.
        """
        flag = "True" if updating else "False"
        return await self.call(SAVE, before, data=[record], isUpdating=flag)

    async def progress(
        self, steps: Sequence[dict[str, Any]], before: Callable[[], None] = _nothing
    ) -> Outcome:
        """Append progress steps of one dossier: all or none, unless the portal judges each."""
        return await self.call(PROGRESS, before, data=list(steps))

    def wants_read_back(self) -> bool:
        """Draw whether a push is read back: the first, and a sample of the share that is set."""
        share = self._settings.national_read_back
        return share > 0 and (self.tells_steps is None or random.random() < share)  # noqa: S311

    async def call(
        self, service: str, before: Callable[[], None] = _nothing, **arguments: Any
    ) -> Outcome:
        """Call one service; log in first, and once again when the session is refused.

        Raises:
            RetryableError: the call was not worked on, or was only a question that got no usable
                answer; `wait` carries the portal's advice.
        """
        began = time.perf_counter()
        name = "error"
        try:
            outcome = await self._call(service, before, arguments)
            name = type(outcome).__name__.lower()
        except RetryableError:
            name = "retryable"
            raise
        finally:
            metrics.NATIONAL_REQUESTS.labels(service, name).inc()
            metrics.NATIONAL_REQUEST_SECONDS.labels(service).observe(time.perf_counter() - began)
        return outcome

    async def _call(
        self, service: str, before: Callable[[], None], arguments: dict[str, Any]
    ) -> Outcome:
        waits = iter(_BETWEEN_SESSIONS)
        while True:
            session = await self._sessions.current()
            envelope = {
                "session": session,
                "madonvi": self._settings.national_agency,
                "service": service,
                **arguments,
            }
            sent_at = time.monotonic()
            try:
                sent = await self._post(self._call_url, envelope, service, before)
            except OtherStatusError as error:
                self._sessions.refused(session, sent_at, certainly=error.status == _UNAUTHORISED)
                if error.status != _UNAUTHORISED:
                    raise
                said = f"HTTP {error.status}"
            else:
                if isinstance(sent, OutcomeUnknown):
                    return sent
                hidden = hidden_in(envelope)
                if not _is_of_the_session(sent):
                    return self._judged(sent, service, session, arguments, hidden)
                self._sessions.refused(session, sent_at)
                said = message_of(sent, hidden)
            if (wait := next(waits, None)) is None:
                raise RetryableError(f"{service}: a new session was refused: {said}")
            if self._sessions.is_current(session):
                await asyncio.sleep(wait)

    def _judged(
        self,
        answer: Answer,
        service: str,
        session: str,
        arguments: dict[str, Any],
        hidden: frozenset[str],
    ) -> Outcome:
        """Judge an answer that is not about the session; what says that it is busy is none."""
        refusal = refusal_of(answer)
        if refusal is not None and phrases.says_busy(refusal):
            raise RetryableError(f"{service}: {message_of(answer, hidden)}")
        self._sessions.accepted(session)
        if refusal is not None and code_of(answer) != OK and phrases.says_trouble(refusal):
            cause = f"{service}: {message_of(answer, hidden)}"
            if service in _WRITES:
                return OutcomeUnknown(cause)
            raise RetryableError(cause)
        self.answers += 1
        self.answered_at = time.monotonic()
        return judge(answer, items=len(arguments.get("data", ())), hidden=hidden)

    async def _log_in(self) -> str:
        settings = self._settings
        password = settings.national_password.get_secret_value()
        try:
            answer = await self._post(
                self._login_url, {"username": settings.national_user, "password": password}, LOGIN
            )
        except OtherStatusError as error:
            raise self._account_refused(f"HTTP {error.status}") from error
        assert isinstance(answer, dict)  # noqa: S101 - a login is no write
        session, code = answer.get("session"), code_of(answer)
        refusal = refusal_of(answer)
        if refusal is not None and phrases.says_busy(refusal):
            raise RetryableError(f"{LOGIN}: {message_of(answer, {password})}")
        if code != OK or isinstance(session, bool) or not isinstance(session, str | int):
            raise self._account_refused(f"{code}: {message_of(answer, {password})}")
        if not session:
            raise self._account_refused("the answer holds no session")
        metrics.NATIONAL_LOGINS.inc()
        return str(session)

    def _account_refused(self, said: str) -> LoginRefusedError:
        refusal = f"login refused: {said}: check LGSP_NATIONAL_USER and LGSP_NATIONAL_PASSWORD"
        self._exchange.log_trouble(refusal)
        return LoginRefusedError(refusal)

    async def _post(
        self,
        url: str,
        body: dict[str, Any],
        service: str,
        before: Callable[[], None] = _nothing,
    ) -> Answer | OutcomeUnknown:
        """Send at the pace that the portal takes; what it refuses for its rate is sent again."""

        async def send() -> Answer | OutcomeUnknown:
            is_write = service in _WRITES
            async with self._witness.watching(service, body, is_write=is_write) as seen:
                before()
                seen.answer = await self._exchange.post(
                    url, body, service, seen, is_write=is_write
                )
                return seen.answer

        return await self._pace.call(send)


def _is_of_the_session(answer: Answer) -> bool:
    if code_of(answer) == _SESSION_ERROR:
        return True
    refusal = refusal_of(answer)
    return refusal is not None and phrases.says_session_ended(refusal)


def _describe(outcome: Outcome) -> str:
    if isinstance(outcome, Refused):
        return f"{outcome.code}: {outcome.message}"
    if isinstance(outcome, OutcomeUnknown):
        return outcome.cause
    return "answered item by item" if isinstance(outcome, Mixed) else "ok"
