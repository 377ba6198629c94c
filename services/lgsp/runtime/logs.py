"""Structured logs: console on a terminal, JSON lines elsewhere, never personal data or secrets."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import orjson
import stamina.instrumentation
import structlog

from lgsp.runtime.library_lines import OnceAMinute
from lgsp.runtime.personal import HIDDEN, mask, mask_file_name
from lgsp.runtime.settings import Settings

__all__ = ["HIDDEN", "configure_logs", "mask", "redact"]
from lgsp.runtime.text import printable, printable_json

_LINES = {"exception", "stack"}
_NOISY = ("kafka", "aiokafka", "faust", "mode", "uvicorn.access", "lgsp.runtime.lane.faust")
_WRONG = ("kafka.admin._groups",)  # takes what a member of another client says for a fault
_OF_FILES = frozenset({"origin", "file"})
_HIDDEN_KEYS = re.compile(
    r"password|secret|token|authorization|session|sealed|owner|applicant|contact|phone|email"
    r"|chu_?ho_?so|dinh_?danh|so_?giay_?to|nguoi_?xu_?ly|passwd|pwd|mat_?khau|api_?key|cookie"
    r"|credential|cccd|cmnd|dien_?thoai|dia_?chi",
    re.IGNORECASE,
)


def redact(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Hide values by key name, and personal patterns inside texts (a structlog processor).

    What is nested is looked at, too; an object is logged as its text.
    """
    for key, value in event.items():
        if not key.startswith("_"):  # those of the library, which another processor takes out
            event[key] = _redacted(key, value)
    return event


def _redacted(key: str, value: Any) -> Any:
    if _HIDDEN_KEYS.search(key):
        return HIDDEN
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {mask(str(name)): _redacted(str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted("", inner) for inner in value]
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    return mask_file_name(text) if key in _OF_FILES else mask(text)


def show_controls(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Show what a terminal would obey as escapes (a structlog processor).

    The lines of a trace stay lines; every other text is one.
    """
    for key, value in event.items():
        if key in _LINES and isinstance(value, str):
            event[key] = "\n".join(map(printable, value.split("\n")))
        else:
            event[key] = _printable(value)
    return event


def _without_colours(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Leave out the second, coloured form of uvicorn's messages (a structlog processor)."""
    event.pop("color_message", None)
    return event


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {_printable(key): _printable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(inner) for inner in value]
    return value


def configure_logs(settings: Settings, *, service: str) -> None:
    """Send structlog and the libraries' own logs to stderr in one form; call once a process."""
    console = settings.log_format == "console" or (
        settings.log_format == "auto" and sys.stderr.isatty()
    )

    def name_service(
        _logger: Any, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        event.setdefault("service", service)  # not by a context: threads have their own
        return event

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        name_service,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
        show_controls,
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer()
        if console
        else structlog.processors.JSONRenderer(serializer=_json)
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(OnceAMinute())
    logging.raiseExceptions = False  # a line that a full disk does not take stops nothing
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), _without_colours, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    stamina.instrumentation.set_on_retry_hooks([])  # whoever tries again says so, once
    for wrong in _WRONG:
        logging.getLogger(wrong).setLevel(logging.CRITICAL)
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))


def _json(event: Any, **_options: Any) -> str:
    return printable_json(orjson.dumps(event, default=str).decode())
