"""Texts to instants: ISO 8601 or an strptime format, with or without a time zone, quickly.

Instants are ms UTC. A parser raises ValueError for a text that names no instant.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_MS = timedelta(milliseconds=1)
_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_DAY = date.max.toordinal()
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local times are counted from it

Parse = Callable[[str], int]

# Directives whose usual, zero-padded form a regular expression reads; the others are strptime's.
_WIDTHS = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2}
_DIRECTIVE = re.compile(r"%(.?)|([^%]+)", re.DOTALL)


def compile_iso(zone: str | None) -> Parse:
    """Make a parser of ISO 8601; a text without an offset is local time in `zone`.

    Raises:
        ValueError: from here for an unknown zone; from the parser for no ISO text, or for one
            without an offset where no zone is given.
    """
    local = _local(zone) if zone else None

    def parse(text: str) -> int:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return _instant(at)
        if local is None:
            raise ValueError("no offset in the text and no timezone in the mapping")
        return local(at)

    return parse


def compile_format(form: str, zone: str | None) -> Parse:
    """Make a parser of an strptime format in local time of `zone`.

    It accepts exactly what `datetime.strptime` accepts: the quick way takes the zero-padded form
    only and leaves every other text to strptime.

    Raises:
        ValueError: from here for no strptime format, an unknown zone, or none where the format
            carries no offset.
    """
    datetime.strptime(_EPOCH.strftime(form), form)  # noqa: DTZ007 - an unknown directive raises
    if not zone and "%z" not in form:
        raise ValueError("a format without %z needs a timezone")
    quick = _quick(form)
    local = _local(zone or "UTC")

    def parse(text: str) -> int:
        at = quick(text) or datetime.strptime(text, form)  # noqa: DTZ007 - made local below
        return local(at) if at.tzinfo is None else _instant(at)

    return parse


def _instant(at: datetime) -> int:
    return (at - _EPOCH) // _MS


def _quick(form: str) -> Callable[[str], datetime | None]:
    pattern: list[str] = []
    places: list[str] = []
    for directive, literal in _DIRECTIVE.findall(form):
        if literal:
            pattern.append(re.escape(literal))
        elif directive in _WIDTHS and directive not in places:
            pattern.append(f"([0-9]{{{_WIDTHS[directive]}}})")
            places.append(directive)
        else:
            return lambda _text: None
    if not {"Y", "m", "d"} <= set(places):
        return lambda _text: None
    match = re.compile("".join(pattern)).fullmatch
    order = [places.index(name) for name in _WIDTHS if name in places]
    names = [name for name in _WIDTHS if name in places]
    if names != list(_WIDTHS)[: len(names)]:
        return lambda _text: None

    def read(text: str) -> datetime | None:
        found = match(text)
        if found is None:
            return None
        digits = found.groups()
        try:
            return datetime(*[int(digits[i]) for i in order])  # type: ignore[arg-type]  # noqa: DTZ001
        except ValueError:
            return None

    return read


def _local(zone: str) -> Callable[[datetime], int]:
    try:
        info = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"unknown timezone {zone!r}") from error

    @lru_cache(8192)
    def offset(day: int) -> timedelta | None:
        """Give the day's offset; None when the clocks change on it."""
        start = datetime.fromordinal(day).replace(tzinfo=info)
        at_start = start.utcoffset()
        if day == _LAST_DAY or at_start != (start + _DAY).utcoffset():
            return None
        return at_start

    def instant(at: datetime) -> int:
        fixed = offset(at.toordinal())
        if fixed is None:
            return _instant(at.replace(tzinfo=info))
        # The epoch first: taken from a day at the edge of the calendar, an offset leaves it.
        return (at - _NAIVE_EPOCH - fixed) // _MS

    return instant
