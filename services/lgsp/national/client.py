"""Client of the national portal, transport A: one session, classified outcomes.

What an answer says is judged in `answers`. A call is repeated here only after a session error,
because then the portal has certainly not worked on it. No redirect is followed: password and
persons go to the host that was set, or nowhere. An answer is bounded in size, and in time as a
whole.
"""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from math import inf
from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson
import structlog

from lgsp.domain.codes import national_procedure
from lgsp.domain.errors import RetryableError
from lgsp.national.answers import (
    OK,
    Answer,
    code_of,
    judge,
    message_of,
    read_answer,
    row_of,
)
from lgsp.national.outcomes import Mixed, Ok, Outcome, OutcomeUnknown, Refused
from lgsp.national.transport import (
    connection_trouble,
    lost_connection,
    tls_context,
)
from lgsp.runtime import metrics
from lgsp.runtime.http_answers import redirected_to, whole_body
from lgsp.runtime.pace import Pace, TooManyCallsError
from lgsp.runtime.retry_after import advised_wait
from lgsp.runtime.settings import Settings

BASE = "/XrdAdapter/RestService/forward"
SAVE = "DongBoHoSoMC"
PROGRESS = "CapNhatTienDoHoSoMC"
LOOK_UP = "TraCuuHoSo"
PROCEDURE = "LayThuTuc"
_LOGIN = "login"

_SESSION_ERROR = "1"
_SESSION_TTL = 600.0  # seconds; the real time is not published, integrators use ten minutes
_WRITES = frozenset({SAVE, PROGRESS})
_TOO_MANY_CALLS = 429
_NOT_WORKED_ON = frozenset({_TOO_MANY_CALLS, 503})
_SEE_OTHER = 303  # the answer to a write that was worked on may be so
_MAY_BE_JUDGED = frozenset({200, 400, 422})  # a refusal may come with its HTTP status
_MOST_BYTES = 16 << 20  # of one answer, unpacked
_CONNECT_WITHIN = 10.0
_BEFORE_ANYTHING_WAS_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
)


def _nothing() -> None:
    pass


class NationalClient:
    """One connection pool and one session; use as an async context manager.

    Raises:
        ConfigurationError: the TLS files do not fit.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        base = settings.national_base.rstrip("/") + BASE
        address = urlencode({"dstcode": settings.national_dstcode})
        self._login_url = f"{base}/mapi/login?{address}"
        self._call_url = f"{base}/{settings.national_endpoint}?{address}"
        self._headers = {
            "dstcode": settings.national_dstcode,
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Charset": "utf-8",
        }
        self._pace = Pace(settings.national_rate)
        self.answers = 0
        """Answers so far that are the portal's own, those to a login not counted."""
        self.answered_at = -inf
        """Monotonic time of the newest of them."""
        self._tls = tls_context(settings)
        self._http: aiohttp.ClientSession | None = None
        self._trouble = ""  # the last one that was logged
        self._session = ""
        self._session_ends = 0.0
        self._login_lock = asyncio.Lock()
        self._log = structlog.get_logger().bind(portal=base)

    async def __aenter__(self) -> "NationalClient":
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._settings.national_concurrency + 1, ssl=self._tls or True
            ),
            timeout=aiohttp.ClientTimeout(
                total=self._settings.national_timeout, sock_connect=_CONNECT_WITHIN
            ),
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            proxy=self._settings.national_proxy.get_secret_value() or None,
        )
        return self

    async def __aexit__(self, *_exc: object) -> None:
        if self._http is not None:
            await self._http.close()

    async def look_up(self, code: str) -> dict[str, Any] | None:
        """Return what the portal holds of a dossier, None when it knows none.

        Raises:
            RetryableError: no answer that can be used; ask again later.
        """
        outcome = await self.call(LOOK_UP, mahoso=code)
        if isinstance(outcome, Ok):
            return row_of(outcome.result, "MaHoSo", code)
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
        """Draw whether a push is read back: a sample of the share that is set."""
        return random.random() < self._settings.national_read_back  # noqa: S311

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
        for attempt in (1, 2):
            session = await self._open_session()
            envelope = {
                "session": session,
                "madonvi": self._settings.national_agency,
                "service": service,
                **arguments,
            }
            sent = await self._post(self._call_url, envelope, service, before)
            if isinstance(sent, OutcomeUnknown):
                return sent
            self.answers += 1
            self.answered_at = time.monotonic()
            if code_of(sent) != _SESSION_ERROR:
                return judge(sent, items=len(arguments.get("data", ())))
            if self._session == session:
                self._session = ""
            self._log.info("national_session_ended", service=service, attempt=attempt)
            said = message_of(sent)
        raise RetryableError(f"{service}: a new session was refused: {said}")

    async def _open_session(self) -> str:
        if self._session and time.monotonic() < self._session_ends:
            return self._session
        async with self._login_lock:
            if self._session and time.monotonic() < self._session_ends:
                return self._session
            settings = self._settings
            answer = await self._post(
                self._login_url,
                {
                    "username": settings.national_user,
                    "password": settings.national_password.get_secret_value(),
                },
                _LOGIN,
            )
            assert isinstance(answer, dict)  # noqa: S101 - a login is no write
            session, code = answer.get("session"), code_of(answer)
            if code != OK or not isinstance(session, str) or not session:
                said = (
                    f"login refused: {code}: {message_of(answer)}: check LGSP_NATIONAL_USER and"
                    " LGSP_NATIONAL_PASSWORD"
                )
                self._log_trouble(said)
                raise RetryableError(said)
            metrics.NATIONAL_LOGINS.inc()
            self._session, self._session_ends = session, time.monotonic() + _SESSION_TTL
            return session

    async def _post(
        self,
        url: str,
        body: dict[str, Any],
        service: str,
        before: Callable[[], None] = _nothing,
    ) -> Answer | OutcomeUnknown:
        """Send at the pace that the portal takes; what it refuses for its rate is sent again."""

        async def send() -> Answer | OutcomeUnknown:
            before()
            return await self._send(url, body, service)

        return await self._pace.call(send)

    async def _send(self, url: str, body: dict[str, Any], service: str) -> Answer | OutcomeUnknown:
        """Send one request; the answer as an object, or OutcomeUnknown for a write without one."""
        assert self._http is not None, "use `async with`"  # noqa: S101
        try:
            async with self._http.post(
                url, data=orjson.dumps(body), allow_redirects=False
            ) as response:
                status, advice = response.status, response.headers.get("Retry-After", "")
                if 300 <= status < 400:
                    return _redirected(service, status, redirected_to(response))
                raw = await whole_body(response, _MOST_BYTES)
        except _BEFORE_ANYTHING_WAS_SENT as error:
            trouble = connection_trouble(error)
            self._log_trouble(trouble)
            raise RetryableError(f"{service}: {trouble}") from error
        except TimeoutError:
            waited = f"no whole answer within {self._settings.national_timeout:g} s"
            return _unknown_outcome(service, waited)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            unnamed = service == _LOGIN and self._tls is not None
            unnamed &= self._settings.national_cert_file is None
            trouble = lost_connection(error, unnamed=unnamed)
            if service == _LOGIN:
                self._log_trouble(trouble)
            return _unknown_outcome(service, trouble)
        if service != _LOGIN:
            self._trouble = ""
        return self._read(service, status, advice, raw)

    def _log_trouble(self, trouble: str) -> None:
        """Log why the portal is not reached: once, until it answers again or it is another."""
        if trouble != self._trouble:
            self._trouble = trouble
            self._log.error("national_portal_not_reached", reason=trouble)

    def _read(
        self, service: str, status: int, advice: str, raw: bytes | None
    ) -> Answer | OutcomeUnknown:
        if status in _NOT_WORKED_ON:
            error_type = TooManyCallsError if status == _TOO_MANY_CALLS else RetryableError
            raise error_type(f"{service}: HTTP {status}", wait=advised_wait(advice))
        if status >= 500 or (200 < status < 300):
            return _unknown_outcome(service, f"HTTP {status}")
        answer = "the answer is too long" if raw is None else read_answer(raw)
        if status not in _MAY_BE_JUDGED or (
            status != 200 and (isinstance(answer, str) or code_of(answer) == OK)
        ):
            self._session = ""
            raise RetryableError(f"{service}: HTTP {status}", wait=advised_wait(advice))
        return _unknown_outcome(service, answer) if isinstance(answer, str) else answer


def _redirected(service: str, status: int, host: str) -> OutcomeUnknown:
    """Refuse a redirect: most say that nothing was done, and nothing is sent to the other host."""
    cause = f"HTTP {status}: redirected to {host}, where nothing is sent: check LGSP_NATIONAL_URL"
    if status == _SEE_OTHER:
        return _unknown_outcome(service, cause)
    raise RetryableError(f"{service}: {cause}")


def _unknown_outcome(service: str, cause: str) -> OutcomeUnknown:
    if service in _WRITES:
        return OutcomeUnknown(f"{service}: {cause}")
    raise RetryableError(f"{service}: {cause}")


def _describe(outcome: Outcome) -> str:
    if isinstance(outcome, Refused):
        return f"{outcome.code}: {outcome.message}"
    if isinstance(outcome, OutcomeUnknown):
        return outcome.cause
    return "answered item by item" if isinstance(outcome, Mixed) else "ok"
