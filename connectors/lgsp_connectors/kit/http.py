"""HTTP to a portal: one table from status to duty, advice on waiting honoured, secrets unseen."""

import json
import math
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple, NoReturn

import aiohttp
import orjson
from pydantic import AfterValidator, Field, SecretStr
from yarl import URL

from lgsp.domain.errors import ConfigurationError, FatalError, RetryableError
from lgsp.domain.usable import LONGEST_TEXT
from lgsp.runtime import metrics
from lgsp.runtime.http_answers import redirected_to, whole_body
from lgsp.runtime.pace import limiter
from lgsp.runtime.retry_after import advised_wait
from lgsp_connectors.kit import exchanges
from lgsp_connectors.kit.config import Strict

_RETRY = frozenset({408, 425, 429})  # and all that says that the server has failed, but for ...
_NEVER = frozenset({501, 505, 511})
_DENIED = frozenset({203, 401, 403})  # 203: OpenCPS answers so when nobody is logged in
_EXPIRED = 401
_LONGEST_CONNECT = 10.0  # seconds until a host that does not answer counts as away
_MOST_BYTES = 64 << 20  # of one answer, unpacked
_LONG_NUMBER = re.compile(rb"[0-9]{19}")
_MOST_UNREADABLE = 4  # replies in a row that are no JSON: then it is not a hiccup


def _readable(file: Path | None) -> Path | None:
    if file is not None:
        _read_secret(file)
    return file


SecretFile = Annotated[Path | None, AfterValidator(_readable)]
"""A file of a connector's settings that must be readable when the YAML is checked."""


def _header_value(text: str) -> str:
    if not text.isprintable():
        raise ValueError("holds a character that no header can carry")
    return text


def _account(text: str) -> str:
    if ":" in text:
        raise ValueError("no user name of basic authentication has a colon")
    return _header_value(text)


def _token(token: SecretStr) -> SecretStr:
    _header_value(token.get_secret_value())
    return token


def _web_address(text: str) -> str:
    if not URL(text).host:  # ValueError: a port or host that cannot be
        raise ValueError("names no host")
    return text


HeaderValue = Annotated[str, AfterValidator(_header_value)]
"""A text of a connector's settings that is sent in a header."""

WebAddress = Annotated[str, Field(pattern=r"^https?://"), AfterValidator(_web_address)]
"""An address of a connector's settings, checked as far as it can be without a call."""


class Auth(Strict):
    """How to log in: basic (user and password) or a bearer token; secrets may come from files."""

    user: Annotated[str, AfterValidator(_account)] = Field(
        default="", description="User name of basic authentication."
    )
    password: SecretStr = Field(
        default=SecretStr(""), description="Password; `${NAME}` takes a variable."
    )
    password_file: SecretFile = Field(default=None, description="File with the password.")
    token: Annotated[SecretStr, AfterValidator(_token)] = Field(
        default=SecretStr(""), description="Bearer token."
    )
    token_file: SecretFile = Field(default=None, description="File with the bearer token.")

    def header(self) -> dict[str, str]:
        """Give the Authorization header; ConfigurationError when a secret file is not readable."""
        if token := _secret(self.token, self.token_file):
            return {"Authorization": f"Bearer {token}"}
        if self.user:
            password = _secret(self.password, self.password_file)
            return {"Authorization": aiohttp.encode_basic_auth(self.user, password)}
        return {}

    def secrets(self) -> list[str]:
        """Give the texts that nobody may see, as they stand and as they are sent."""
        sent = [value.partition(" ")[2] for value in self.header().values()]
        found = [_secret(self.token, self.token_file), _secret(self.password, self.password_file)]
        return [*sent, *filter(None, found)]

    def account(self) -> str:
        """Say who logs in, for messages; never a secret."""
        if self.token_file is not None:
            return f"the token in {self.token_file}"
        if self.token.get_secret_value():
            return "the token"
        return f"user {self.user!r}" if self.user else "no account is set"


def _secret(value: SecretStr, file: Path | None) -> str:
    if file is None:
        return value.get_secret_value()
    try:
        return _header_value(_read_secret(file))
    except ValueError as error:
        raise ConfigurationError(f"source.auth: {error}") from error


def _read_secret(file: Path) -> str:
    try:
        return file.read_text("utf-8").strip()
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not UTF-8") from error


class _Received(NamedTuple):
    status: int
    retry_after: str | None
    redirected_to: str  # a host
    body: bytes


class Client:
    """Gets JSON from one portal; the connection is made on first use and closed by `close`.

    Args:
        base: URL up to the path.
        headers: sent with each request; never logged.
        auth: how to log in; a secret file is read again when the portal says 401, once a request.
        timeout: seconds for one request as a whole.
        rate: most requests a second; 0: no limit.

    Raises:
        ConfigurationError: a secret file of `auth` cannot be read.
    """

    def __init__(
        self,
        base: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: Auth | None = None,
        timeout: float,
        rate: float = 0,
    ) -> None:
        self._base = base.rstrip("/")
        self._headers = dict(headers or {})
        self._auth = auth or Auth()
        self._login = self._auth.header()
        connect = min(timeout, _LONGEST_CONNECT)
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=connect)
        self._pace = limiter(rate)
        self._session: aiohttp.ClientSession | None = None
        self._unreadable = 0

    async def get_json(self, path: str, params: Mapping[str, str]) -> Any:
        """Get one JSON document.

        Raises:
            RetryableError: no answer, a status that says "later", or a body that is no JSON.
            FatalError: access denied, a status that will not change, or no JSON again and again.
        """
        received = await self._get(path, params)
        if received.status == _EXPIRED and self._logged_in_anew():
            received = await self._get(path, params)
        if received.status != 200:
            self._refuse(path, received)
        return self._parsed(path, received.body)

    async def _get(self, path: str, params: Mapping[str, str]) -> _Received:
        if self._pace is not None:
            await self._pace.acquire()
        if self._session is None:
            self._session = aiohttp.ClientSession(headers=self._headers, timeout=self._timeout)
        started = time.perf_counter()
        outcome = "failed"
        try:
            async with self._session.get(
                self._base + path, params=params, headers=self._login, allow_redirects=False
            ) as answer:
                body = await whole_body(answer, _MOST_BYTES)
                if body is None:
                    raise FatalError(
                        f"GET {path}: the answer is longer than {_MOST_BYTES >> 20} MB: ask for"
                        " fewer rows (source.page_rows)"
                    )
                outcome = f"{answer.status // 100}xx"
                self._note(
                    path, params, f"HTTP {answer.status} {answer.reason or ''}".strip(), body
                )
                advice, host = answer.headers.get("Retry-After"), redirected_to(answer)
                return _Received(answer.status, advice, host, body)
        except (aiohttp.ClientError, TimeoutError) as error:
            reason = f"{type(error).__name__}: {error}"
            if isinstance(error, TimeoutError) and not str(error):
                reason = f"no whole answer within {self._timeout.total:g} s"
            self._note(path, params, reason, b"")
            raise RetryableError(f"GET {path}: {reason}") from error
        finally:
            metrics.CONNECTOR_REQUESTS.labels(outcome).inc()
            metrics.CONNECTOR_REQUEST_SECONDS.observe(time.perf_counter() - started)

    def _note(self, path: str, params: Mapping[str, str], answer: str, body: bytes) -> None:
        if exchanges.is_watched():
            secrets = self._auth.secrets()
            exchanges.note(self._base + path, params, answer, body, secrets)

    def _logged_in_anew(self) -> bool:
        """Read the secrets again; tell whether they are others than those just refused."""
        refused, self._login = self._login, self._auth.header()
        return self._login != refused

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _parsed(self, path: str, body: bytes) -> Any:
        try:
            parsed = json_of(body)
        except ValueError as error:
            self._unreadable += 1
            kind = "HTML" if body.lstrip()[:1] == b"<" else "no JSON"
            message = f"GET {path}: the answer is {kind} ({len(body)} bytes): {error}"
            if self._unreadable >= _MOST_UNREADABLE:
                raise FatalError(f"{message}; {self._unreadable} times in a row") from error
            raise RetryableError(message) from error
        self._unreadable = 0
        return parsed

    def _refuse(self, path: str, received: _Received) -> NoReturn:
        status = received.status
        message = f"GET {path}: HTTP {status}"
        failed = status >= 500 and status not in _NEVER
        empty = 200 <= status < 300 and status not in _DENIED
        if status in _RETRY or failed or empty:
            raise RetryableError(message, wait=advised_wait(received.retry_after))
        if status in _DENIED:
            raise FatalError(
                f"{message}: not logged in, or not allowed: check source.auth"
                f" ({self._auth.account()})"
            )
        if 300 <= status < 400:
            raise FatalError(
                f"{message}: redirected to {received.redirected_to}, where nothing is sent: check"
                " source.url and source.auth"
            )
        raise FatalError(f"{message}: check source.url")


def json_of(body: bytes) -> Any:
    """Read JSON; also with a byte order mark, in UTF-16 or 32, and with half a surrogate pair.

    Integers are exact, however long. NaN, Infinity and a number of more digits than anybody
    reads are floats that are no number, a byte that is not UTF-8 is half a surrogate pair: one
    such value spoils its own record only.

    Raises:
        ValueError: with the parser's reason and the position, never with the content.
    """
    try:
        if not _LONG_NUMBER.search(body):  # orjson makes floats of those
            return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass  # the plain parser bears more, and says what it does not
    try:
        return _plain(body)
    except UnicodeDecodeError:
        return _plain(body.decode("utf-8", "surrogateescape"))


def _plain(body: bytes | str) -> Any:
    try:
        return json.loads(body, parse_int=_integer)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= LONGEST_TEXT else math.inf
