"""Periods of the figures: half-open ranges of calendar days in Asia/Ho_Chi_Minh."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.working_time import OFFSET_MS, date_of, day_number

FORMS = "all, YYYY, YYYY-H1|H2, YYYY-Q1..Q4, YYYY-MM, YYYY-MM-DD, A..B (B included)"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
VIETNAM = timezone(timedelta(milliseconds=OFFSET_MS))
_PART = re.compile(r"(\d{4})(?:-(?:H([12])|Q([1-4])|(\d{2})(?:-(\d{2}))?))?", re.ASCII)
_DATE = re.compile(r"\d{4}(-?)\d{2}\1\d{2}", re.ASCII)
_WEEK = re.compile(r"\d{4}-?W", re.ASCII)
INSTANT_FORMS = "2024-06-30 or 20240630 (the end of that day), 2024-06-30T17:00, …+07:00, …Z"


@dataclass(frozen=True, slots=True)
class Period:
    """Days `first_day` <= day < `end_day`, counted from 1970-01-01; None: without that bound."""

    name: str
    first_day: int | None
    end_day: int | None

    def document(self) -> dict[str, str | None]:
        """Return the period as published: `from` and `to` are dates, `to` is included."""
        return {
            "name": self.name,
            "from": None if self.first_day is None else show_day(self.first_day),
            "to": None if self.end_day is None else show_day(self.end_day - 1),
        }


def parse_period(text: str) -> Period:
    """Read one of FORMS; in `A..B` both ends take any of the dated forms.

    Raises:
        ConfigurationError: the text is none of the forms, no such day, or B is before A.
    """
    if text == "all":
        return Period(text, None, None)
    start, dots, stop = text.partition("..")
    first, end = _range(start, text)
    if dots:
        last_first, end = _range(stop, text)
        if last_first < first:
            raise ConfigurationError(f"period {text!r}: {stop} is before {start}")
    return Period(text, day_number(first), day_number(end))


def month_of(day: int) -> str:
    """Return the month `YYYY-MM` of a day counted from 1970-01-01."""
    return show_day(day)[:7]


def show_day(day: int) -> str:
    """Return a day counted from 1970-01-01 as `YYYY-MM-DD`."""
    return date_of(day).isoformat()


def months_between(first: str, last: str) -> list[str]:
    """List the months from `first` to `last`, both `YYYY-MM` and included."""
    start, stop = (12 * int(month[:4]) + int(month[5:]) - 1 for month in (first, last))
    return [f"{n // 12:04d}-{n % 12 + 1:02d}" for n in range(start, stop + 1)]


def parse_instant(text: str) -> int:
    """Read an ISO 8601 instant as ms UTC, in one of INSTANT_FORMS.

    Without an offset it is Asia/Ho_Chi_Minh time; a date alone means the end of that day.

    Raises:
        ConfigurationError: the text is none of the forms, or no such instant.
    """
    try:
        if _WEEK.match(text):
            raise ValueError("a week is no instant")
        at = datetime.fromisoformat(text)
        if _DATE.fullmatch(text):
            at = datetime.combine(at.date(), time(23, 59, 59, 999_000))
        if at.tzinfo is None:
            at = at.replace(tzinfo=VIETNAM)
        # In UTC first: an offset may lead out of the years that there are.
        return (at.astimezone(UTC) - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError) as error:
        raise ConfigurationError(f"time {text!r}: not ISO 8601 ({INSTANT_FORMS})") from error


def parse_as_of(text: str, now: int) -> int | None:
    """Read the instant that figures are to be as of; None: now, as for "" and today's date.

    Args:
        text: one of INSTANT_FORMS.
        now: ms UTC.

    Raises:
        ConfigurationError: it is none of the forms, or lies in the future.
    """
    if not text:
        return None
    at = parse_instant(text)
    if at <= now:
        return at
    if _DATE.fullmatch(text) and local_datetime(at).date() == local_datetime(now).date():
        return None
    raise ConfigurationError(f"as-of {text!r} lies in the future (now {show_instant(now)})")


def local_datetime(at: int) -> datetime:
    """Return ms UTC as the second that the clocks show in Asia/Ho_Chi_Minh."""
    return datetime.fromtimestamp(at // 1000, VIETNAM)


def show_instant(at: int | None) -> str | None:
    """Return ms UTC as ISO 8601 with `Z`, in whole seconds unless there are ms; None as None."""
    if at is None:
        return None
    seconds, ms = divmod(at, 1000)
    text = (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]
    return f"{text}.{ms:03d}Z" if ms else f"{text}Z"


def _range(part: str, text: str) -> tuple[date, date]:
    found = _PART.fullmatch(part)
    if found is None:
        raise ConfigurationError(f"period {text!r}: {part!r} is none of: {FORMS}")
    year, half, quarter, month, day = (int(x) if x else None for x in found.groups())
    assert year is not None  # noqa: S101 - the pattern has it
    try:
        if day is not None and month is not None:
            start = date(year, month, day)
            return start, start + timedelta(days=1)
        if half:
            return date(year, 6 * half - 5, 1), _month_after(year, 6 * half)
        if quarter:
            return date(year, 3 * quarter - 2, 1), _month_after(year, 3 * quarter)
        if month is not None:
            return date(year, month, 1), _month_after(year, month)
        return date(year, 1, 1), _month_after(year, 12)
    except (ValueError, OverflowError) as error:
        where = f"period {text!r}" if part == text else f"period {text!r}: {part!r}"
        raise ConfigurationError(f"{where}: {error}") from error


def _month_after(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1)
