"""Texts to instants: ISO 8601, an strptime format or Excel's serial days, in a time zone, quickly.

Instants are ms UTC. A parser raises ValueError for a text that names no instant; the message never
quotes the text. A text that names a day only is the start of that day, or its last millisecond.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_MS = timedelta(milliseconds=1)
_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_DAY = date.max.toordinal()
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local times are counted from it
_PROBE = datetime(2024, 4, 27, 17, 45, 56, tzinfo=UTC)

Parse = Callable[[str], int]
Read = Callable[[str], datetime]
Settle = Callable[[datetime, bool], int]
"""Gives the instant of a time without a zone, or with one; True: it names its day only."""

# Directives whose usual, zero-padded form a regular expression reads; the others are strptime's.
_WIDTHS = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2}
_DIRECTIVE = re.compile(r"%(.?)|([^%]+)", re.DOTALL)
_OF_TIME = frozenset("HIMSpfcX")
_LONGEST_ISO_DAY = 10  # characters: a time makes it longer
_TWENTY_FOUR = re.compile(r"(?<!\d)24(?=\D{0,3}00(?!\d))")
_HALVES = {"sa": "AM", "sáng": "AM", "ch": "PM", "chiều": "PM", "tối": "PM"}
_LETTER = r"[^\W\d_]"
_HALF = re.compile(rf"(?<!{_LETTER})(?:{'|'.join(_HALVES)})(?!{_LETTER})", re.IGNORECASE)
_SERIAL = re.compile(r"([0-9]{5})(?:[.,]([0-9]{1,20}))?")
_SERIAL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - serial 61 and on; Excel has a day too many
_SERIALS = range(32_874, 58_807)  # 1990 to 2060


def compile_iso(zone: str | None, *, end_of_day: bool = False) -> Parse:
    """Make a parser of ISO 8601; a text without an offset is local time in `zone`.

    Raises:
        ValueError: from here for an unknown zone; from the parser for no ISO text, or for one
            without an offset where no zone is given.
    """
    settle = settler(zone, end_of_day=end_of_day)
    read = _with_midnight_of_24(datetime.fromisoformat)

    def parse(text: str) -> int:
        try:
            at = read(text)
        except ValueError:
            raise ValueError("no date, or not of the form iso") from None
        return settle(at, len(text) <= _LONGEST_ISO_DAY)

    return parse


def compile_format(form: str, zone: str | None, *, end_of_day: bool = False) -> Parse:
    """Make a parser of an strptime format in local time of `zone`.

    It accepts what `datetime.strptime` accepts, and besides 24:00 for the end of a day, and with
    `%p` the Vietnamese halves of the day: SA (sáng), CH (chiều). The quick way takes the
    zero-padded form only and leaves every other text to the slow one.

    Raises:
        ValueError: from here for no strptime format, one that does not tell the day or the half
            of the day, an unknown zone, or none where the format carries no offset.
    """
    directives = {directive for directive, _ in _DIRECTIVE.findall(form)}
    if ("I" in directives) != ("p" in directives):
        raise ValueError("%I, the 12-hour clock, and %p, SA or CH, go together")
    probe = datetime.strptime(_PROBE.strftime(form), form)  # noqa: DTZ007 - unknown ones raise
    if probe.date() != _PROBE.date():
        raise ValueError("the format does not tell day, month and year")
    if not zone and "z" not in directives:
        raise ValueError("a format without %z needs a timezone")
    settle = settler(zone, end_of_day=end_of_day)
    quick = _quick(form)
    only_day = not _OF_TIME & directives

    def strptime(text: str) -> datetime:
        return datetime.strptime(text, form)  # noqa: DTZ007 - made local by `settle`

    slow = _with_midnight_of_24(_with_halves(strptime) if "p" in directives else strptime)

    def parse(text: str) -> int:
        try:
            at = quick(text) or slow(text)
        except ValueError:
            raise ValueError(f"no date, or not of the form {form}") from None
        return settle(at, only_day)

    return parse


def compile_serial(zone: str | None, *, end_of_day: bool = False) -> Parse:
    """Make a parser of Excel's serial days, such as 45292 or 45292.5, in local time of `zone`.

    The fraction is the time of the day; a whole number, also with zeros behind a point, is a day.

    Raises:
        ValueError: from here for an unknown zone or none.
    """
    if not zone:
        raise ValueError("excel needs a timezone")
    settle = settler(zone, end_of_day=end_of_day)

    def parse(text: str) -> int:
        found = _SERIAL.fullmatch(text)
        if found is None or int(found[1]) not in _SERIALS:
            raise ValueError("not a serial day of Excel, such as 45292 or 45292.5")
        fraction = (found[2] or "").strip("0")
        at = _SERIAL_EPOCH + timedelta(days=int(found[1]))
        if fraction:
            at += _MS * round(float(f"0.{found[2]}") * (_DAY // _MS))
        return settle(at, not fraction)

    return parse


def settler(zone: str | None, *, end_of_day: bool) -> Settle:
    """Make what gives the instant of a time: local in `zone` unless it has an offset of its own.

    Raises:
        ValueError: from here for an unknown zone; from what is made for a time without an offset
            where no zone is given, or for the last day of the calendar, which has no end.
    """
    local = _local(zone) if zone else None

    def settle(at: datetime, only_day: bool) -> int:
        if only_day and end_of_day:
            try:
                return settle(at + _DAY, False) - 1
            except OverflowError:
                raise ValueError("not between 1990 and 2060") from None
        if at.tzinfo is not None:
            return _instant(at)
        if local is None:
            raise ValueError("no offset in the text and no timezone in the mapping")
        return local(at)

    return settle


def _with_midnight_of_24(read: Read) -> Read:
    """Let a reader know 24:00, the end of a day."""

    def read_24(text: str) -> datetime:
        try:
            return read(text)
        except ValueError:
            other = _TWENTY_FOUR.sub("00", text, count=1)
            if other == text:
                raise
            at = read(other)
            if at.time() != time.min or at.date() == date.max:
                raise
            return at + _DAY

    return read_24


def _with_halves(read: Read) -> Read:
    """Let a reader that knows AM and PM know the Vietnamese halves of the day."""
    return lambda text: read(_HALF.sub(lambda found: _HALVES[found[0].lower()], text))


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
