"""Client of the national portal, transport A: one session, classified outcomes.

Success is judged by the code, with the message as second evidence: code 0 with a message that
says failure is a refusal. A call is repeated here only after a session error, because then the
portal has certainly not worked on it.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson
import structlog

from lgsp.domain.errors import RetryableError
from lgsp.national.outcomes import Ok, Outcome, OutcomeUnknown, Refused
from lgsp.runtime import metrics
from lgsp.runtime.pace import limiter
from lgsp.runtime.retry_after import advised_wait
from lgsp.runtime.settings import Settings

BASE = "/XrdAdapter/RestService/forward"
SAVE = "DongBoHoSoMC"
PROGRESS = "CapNhatTienDoHoSoMC"
LOOK_UP = "TraCuuHoSo"
PROCEDURE = "LayThuTuc"
ABSENT = ("4",)  # with "không tồn tại"

_SESSION_ERROR = "1"
_SESSION_TTL = 600.0  # seconds; the real time is not published, integrators use ten minutes
_WRITES = frozenset({SAVE, PROGRESS})
_NOT_WORKED_ON = frozenset({429, 503})
_DENIALS = ("không thành công", "thất bại", "lỗi")
_MESSAGE = 300
_CONNECT_WITHIN = 10.0


class NationalClient:
    """One connection pool and one session; use as an async context manager."""

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
        self._pace: AbstractAsyncContextManager[None] = (
            limiter(settings.national_rate) or nullcontext()
        )
        self._http: aiohttp.ClientSession | None = None
        self._session = ""
        self._session_ends = 0.0
        self._login_lock = asyncio.Lock()
        self._log = structlog.get_logger().bind(portal=base)

    async def __aenter__(self) -> "NationalClient":
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._settings.national_concurrency + 1),
            timeout=aiohttp.ClientTimeout(
                total=self._settings.national_timeout, sock_connect=_CONNECT_WITHIN
            ),
            headers=self._headers,
            cookie_jar=aiohttp.DummyCookieJar(),
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
            return outcome.result[0] if outcome.result else None
        if isinstance(outcome, Refused) and outcome.code in ABSENT:
            return None
        raise RetryableError(f"{LOOK_UP}: {_describe(outcome)}")

    async def procedure(self, code: str) -> dict[str, Any] | None:
        """Return the catalogue's entry of a procedure, None when it knows none; RetryableError."""
        outcome = await self.call(PROCEDURE, maTTHC=code)
        if isinstance(outcome, Ok):
            return outcome.result[0] if outcome.result else None
        raise RetryableError(f"{PROCEDURE}: {_describe(outcome)}")

    async def save(self, record: dict[str, Any], *, updating: bool) -> Outcome:
        """Create the dossier, or update it; RetryableError when it was certainly not worked on."""
        return await self.call(SAVE, data=[record], isUpdating="True" if updating else "False")

    async def progress(self, steps: Sequence[dict[str, Any]]) -> Outcome:
        """Append progress steps of one dossier: all or none, as far as the portal tells."""
        return await self.call(PROGRESS, data=list(steps))

    async def call(self, service: str, **arguments: Any) -> Outcome:
        """Call one service; log in first, and once again when the session is refused.

        Raises:
            RetryableError: the call was not worked on, or was only a question that got no usable
                answer; `wait` carries the portal's advice.
        """
        began = time.perf_counter()
        name = "error"
        try:
            outcome = await self._call(service, arguments)
            name = type(outcome).__name__.lower()
        except RetryableError:
            name = "retryable"
            raise
        finally:
            metrics.NATIONAL_REQUESTS.labels(service, name).inc()
            metrics.NATIONAL_REQUEST_SECONDS.labels(service).observe(time.perf_counter() - began)
        return outcome

    async def _call(self, service: str, arguments: dict[str, Any]) -> Outcome:
        for attempt in (1, 2):
            session = await self._open_session()
            envelope = {
                "session": session,
                "madonvi": self._settings.national_agency,
                "service": service,
                **arguments,
            }
            sent = await self._post(self._call_url, envelope, service)
            if isinstance(sent, OutcomeUnknown):
                return sent
            code, message = _code(sent), str(sent.get("message", ""))[:_MESSAGE]
            if code != _SESSION_ERROR:
                return _outcome_of(code, message, sent)
            if self._session == session:
                self._session = ""
            self._log.info("national_session_ended", service=service, attempt=attempt)
        raise RetryableError(f"{service}: a new session was refused: {message}")

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
                "login",
            )
            assert isinstance(answer, dict)  # noqa: S101 - a login is no write
            session = answer.get("session")
            if _code(answer) != "0" or not isinstance(session, str) or not session:
                self._log.error("national_login_refused", error_code=_code(answer))
                raise RetryableError(f"login refused: {str(answer.get('message'))[:_MESSAGE]}")
            metrics.NATIONAL_LOGINS.inc()
            self._session, self._session_ends = session, time.monotonic() + _SESSION_TTL
            return session

    async def _post(
        self, url: str, body: dict[str, Any], service: str
    ) -> dict[str, Any] | OutcomeUnknown:
        """Send one request; the answer as an object, or OutcomeUnknown for a write without one."""
        assert self._http is not None, "use `async with`"  # noqa: S101
        try:
            async with (
                self._pace,
                self._http.post(url, data=orjson.dumps(body)) as response,
            ):
                raw = await response.read()
                status, advice = response.status, response.headers.get("Retry-After", "")
        except aiohttp.ClientConnectorError as error:  # before anything was sent
            raise RetryableError(f"{service}: {error}") from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return _unknown_outcome(service, f"{type(error).__name__}: {error}".rstrip(": "))
        if status in _NOT_WORKED_ON:
            raise RetryableError(f"{service}: HTTP {status}", wait=advised_wait(advice))
        if status >= 500:
            return _unknown_outcome(service, f"HTTP {status}")
        if status != 200:
            self._session = ""
            raise RetryableError(f"{service}: HTTP {status}", wait=advised_wait(advice))
        try:
            answer = orjson.loads(raw)
        except orjson.JSONDecodeError:
            answer = None
        if not isinstance(answer, dict) or _code(answer) is None:
            return _unknown_outcome(service, "the answer is not one of the portal's")
        return answer


def _unknown_outcome(service: str, cause: str) -> OutcomeUnknown:
    if service in _WRITES:
        return OutcomeUnknown(f"{service}: {cause}")
    raise RetryableError(f"{service}: {cause}")


def _code(answer: dict[str, Any]) -> str | None:
    """Return the code in one form ("00", "0" and 0 are equal), None when there is none."""
    try:
        return str(int(answer["error_code"]))
    except (KeyError, TypeError, ValueError):
        return None


def _outcome_of(code: str | None, message: str, answer: dict[str, Any]) -> Outcome:
    denied = any(word in message.casefold() for word in _DENIALS)
    if code != "0" or denied:
        return Refused(str(code), message)
    result = answer.get("result")
    rows = result if isinstance(result, list) else [result]
    return Ok([row for row in rows if isinstance(row, dict) and row])


def _describe(outcome: Outcome) -> str:
    if isinstance(outcome, Refused):
        return f"{outcome.code}: {outcome.message}"
    return outcome.cause if isinstance(outcome, OutcomeUnknown) else "ok"
