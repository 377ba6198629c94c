"""One request to the national portal and its answer over HTTP, whatever happens on the way.

No redirect is followed: password and persons go to the host that was set, or nowhere. An answer
is bounded in size, and in time as a whole.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import aiohttp
import orjson
import structlog

from lgsp.domain.errors import RetryableError
from lgsp.national.answers import OK, Answer, code_of, read_answer
from lgsp.national.connections import CleanConnections
from lgsp.national.outcomes import OutcomeUnknown
from lgsp.national.tls_files import TlsFiles
from lgsp.national.transport import connection_trouble, lost_connection
from lgsp.national.witness import SeenRequest
from lgsp.runtime.http_answers import redirected_to, whole_body
from lgsp.runtime.pace import TooManyCallsError
from lgsp.runtime.retry_after import advised_wait
from lgsp.runtime.settings import Settings

LOGIN = "login"

_TOO_MANY_CALLS = 429
_NOT_WORKED_ON = frozenset({_TOO_MANY_CALLS, 503})
_SEE_OTHER = 303  # the answer to a write that was worked on may be so
_MAY_BE_JUDGED = frozenset({200, 400, 422})  # a refusal may come with its HTTP status
# Envoy's words with 503 for a connection that ended after the call had gone on to the portal.
_SENT_ON = (b"reset reason: connection termination", b"reset reason: remote reset")
_MOST_BYTES = 1 << 20  # of one answer, unpacked: a dossier has some kilobytes
_SPARE = 4  # connections for questions, when every push has one
_CONNECT_WITHIN = 10.0
_BEFORE_ANYTHING_WAS_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
)


class OtherStatusError(RetryableError):
    """The HTTP status says neither done nor later: the session may have ended."""

    def __init__(self, service: str, status: int, wait: float | None) -> None:
        super().__init__(f"{service}: HTTP {status}", wait=wait)
        self.status = status


class UnavailableError(RetryableError):
    """HTTP 503: not worked on, as most say with it; some gateways say it of a lost answer too."""


class HttpExchange:
    """A pool of connections to the portal.

    Raises:
        ConfigurationError: the TLS files do not fit.
    """

    def __init__(self, settings: Settings, headers: Mapping[str, str]) -> None:
        self._settings = settings
        self._headers = headers
        self._tls = TlsFiles(settings)
        self._http: aiohttp.ClientSession | None = None
        self._answered = False
        self._trouble = ""  # the last one that was logged
        self._log = structlog.get_logger().bind(portal=settings.national_base)

    async def open(self) -> None:
        """Make the pool; nothing is sent."""
        self._connections = CleanConnections(limit=self._settings.national_concurrency + _SPARE)
        self._http = aiohttp.ClientSession(
            connector=self._connections,
            timeout=aiohttp.ClientTimeout(
                total=self._settings.national_timeout, sock_connect=_CONNECT_WITHIN
            ),
            headers=self._headers,
            # A cookie may say which of several servers has the session.
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            proxy=self._settings.national_proxy.get_secret_value() or None,
        )

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.close()

    async def post(
        self, url: str, body: dict[str, Any], service: str, seen: SeenRequest, *, is_write: bool
    ) -> Answer | OutcomeUnknown:
        """Send one request; the answer as an object, or OutcomeUnknown for a write without one.

        `seen` learns how far it came.

        Raises:
            TooManyCallsError: not worked on because of the rate.
            RetryableError: not worked on, or only a question that got no usable answer.
        """
        assert self._http is not None, "not open"  # noqa: S101
        unknown = partial(_unknown_outcome, service, is_write=is_write)
        seen.went_out = True
        tls = self._tls.context
        try:
            async with self._http.post(
                url, data=orjson.dumps(body), allow_redirects=False, ssl=tls or True
            ) as response:
                status, advice = response.status, response.headers.get("Retry-After", "")
                seen.http = status
                seen.theirs = response.headers.get("X-Correlation-Id", "")
                if 300 <= status < 400:
                    return unknown(_redirected(service, status, redirected_to(response)))
                raw = await whole_body(response, _MOST_BYTES)
        except _BEFORE_ANYTHING_WAS_SENT as error:
            trouble = connection_trouble(error)
            self.log_trouble(trouble)
            raise RetryableError(f"{service}: {trouble}") from error
        except TimeoutError:
            waited = f"no whole answer within {self._settings.national_timeout:g} s"
            return unknown(waited)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            unnamed = tls is not None and self._settings.national_cert_file is None
            trouble = lost_connection(error, unnamed=unnamed and not self._answered)
            if not self._answered:
                self.log_trouble(trouble)
            self._connections.note_lost()
            return unknown(trouble)
        self._answered = True
        self._connections.note_answered()
        if service != LOGIN:
            self._trouble = ""
        return self._read(service, status, advice, raw, unknown)

    def log_trouble(self, trouble: str) -> None:
        """Log why the portal is not reached: once, until it answers again or it is another."""
        if trouble != self._trouble:
            self._trouble = trouble
            self._log.error("national_portal_not_reached", reason=trouble)

    def _read(
        self,
        service: str,
        status: int,
        advice: str,
        raw: bytes | None,
        unknown: Callable[[str], OutcomeUnknown],
    ) -> Answer | OutcomeUnknown:
        if status in _NOT_WORKED_ON:
            if raw and any(mark in raw for mark in _SENT_ON):
                return unknown(f"HTTP {status}: the gateway lost the answer")
            error_type = TooManyCallsError if status == _TOO_MANY_CALLS else UnavailableError
            raise error_type(f"{service}: HTTP {status}", wait=advised_wait(advice))
        if status >= 500 or (200 < status < 300):
            return unknown(f"HTTP {status}")
        answer = "the answer is too long" if raw is None else read_answer(raw)
        if status not in _MAY_BE_JUDGED or (
            status != 200 and (isinstance(answer, str) or code_of(answer) == OK)
        ):
            raise OtherStatusError(service, status, advised_wait(advice))
        return unknown(answer) if isinstance(answer, str) else answer


def _redirected(service: str, status: int, host: str) -> str:
    """Refuse a redirect: most say that nothing was done, and nothing is sent to the other host."""
    cause = f"HTTP {status}: redirected to {host}, where nothing is sent: check LGSP_NATIONAL_URL"
    if status != _SEE_OTHER:
        raise RetryableError(f"{service}: {cause}")
    return cause


def _unknown_outcome(service: str, cause: str, *, is_write: bool) -> OutcomeUnknown:
    if is_write:
        return OutcomeUnknown(f"{service}: {cause}")
    raise RetryableError(f"{service}: {cause}")
