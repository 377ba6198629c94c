"""What the feed answers when it does not give what was asked for: status, words, what to mend."""

from collections.abc import Callable
from functools import partial
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from lgsp.domain.errors import ConfigurationError, RetryableError

_SHOWN = 80  # characters of a value that an answer repeats


class ParameterError(ConfigurationError):
    """A parameter that cannot be used: status 400 with its name and value.

    Args:
        parameter: its name, as given.
        value: as given; None: it is missing.
        message: what is wrong, and what is right.
    """

    def __init__(self, parameter: str, value: str | None, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter
        self.value = value


class TooManyError(RetryableError):
    """One client asks for more than its share (status 429); `wait` seconds may help."""


def shown(value: str) -> str:
    """Return a value for a message: in quotes, without control characters, not endless."""
    return repr(value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…")


def refusal(error: Exception) -> tuple[int, dict[str, Any]]:
    """Return the status and the body of an error; TypeError for one that no answer tells of."""
    match error:
        case ParameterError():
            value = error.value
            return 400, {
                "detail": str(error),
                "parameter": error.parameter[:_SHOWN],
                "value": value if value is None else value[:_SHOWN],
            }
        case ConfigurationError():
            return 400, {"detail": str(error)}
        case TooManyError():
            return 429, {"detail": str(error)}
        case RetryableError():
            return 503, {"detail": str(error)}
    raise TypeError(f"no answer tells of {error!r}")


def add_refusals(app: FastAPI) -> None:
    """Let the app answer our errors, and those of the framework in the same form."""

    async def refuse(request: Request, error: Exception) -> JSONResponse:
        status, body = refusal(error)
        if isinstance(error, ConfigurationError) and "parameter" not in body:
            name = error.faults[0].key
            if name in request.query_params:
                body |= {"parameter": name, "value": request.query_params[name]}
        headers = {}
        if isinstance(error, RetryableError):
            headers["retry-after"] = str(max(1, round(error.wait or 1)))
        return JSONResponse(body, status, headers)

    async def refuse_parameter(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
        fault = error.errors()[0]
        name = str(fault["loc"][-1])
        value = None if fault["type"] == "missing" else str(fault["input"])
        said = f"parameter {name!r}: {fault['msg']}"
        message = said if value is None else f"{said} (got {shown(value)})"
        return await refuse(request, ParameterError(name, value, message))

    app.add_exception_handler(ConfigurationError, refuse)
    app.add_exception_handler(RetryableError, refuse)
    app.add_exception_handler(RequestValidationError, refuse_parameter)
    app.openapi = partial(_described, app.openapi)  # type: ignore[method-assign]


def _described(openapi: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Describe our refusals in the contract in place of the framework's."""
    document = openapi()
    for path in document["paths"].values():
        for operation in path.values():
            if operation["responses"].pop("422", None):
                operation["responses"] |= {
                    "400": {"description": "Refused: `detail` says why, `parameter` and `value`."},
                    "503": {"description": "Not now: `Retry-After` says when, `detail` why."},
                }
    return document
