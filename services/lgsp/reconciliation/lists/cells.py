"""Cells of a list: codes as people and tables spoil them, dates in the forms in use. Pure."""

import re
import unicodedata
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any

from lgsp.domain.reconciliation.sides import MINUTE_MS, SECOND_MS, Moment
from lgsp.domain.working_time import DAY_MS, KNOWN_YEARS, day_number, day_start_ms

Cell = Any
"""A text, a number, a date or a date with its time, as the file has it."""

_DASHES = re.compile("[\u2010-\u2015\u2212\u00ad\ufe58\ufe63\uff0d\u2043\u30fc]")
_BLANKS = re.compile(r"[\s\u200b-\u200d\u2060\ufeff]+")
_QUOTES = "'\"`\u2018\u2019"
_NOTHING = frozenset({"", "-", "--", "NULL", "N/A", "31/12/9999", "9999-12-31", "01/01/0001"})
_TIME = r"(\d{1,2})[:HG](\d{2})(?::(\d{2})(?:\.\d+)?)?\s*(SA|CH|AM|PM)?"
_DATE_FIRST = re.compile(rf"(\d{{1,2}})[/.\-](\d{{1,2}})[/.\-](\d{{4}})(?:[T ,]+{_TIME})?")
_TIME_FIRST = re.compile(rf"{_TIME}[ ,]+(?:NGÀY +)?(\d{{1,2}})[/.\-](\d{{1,2}})[/.\-](\d{{4}})")
_ISO = re.compile(
    rf"(\d{{4}})[/\-](\d{{1,2}})[/\-](\d{{1,2}})(?:[T ]+{_TIME})?\s*(Z|[+\-]\d{{2}}:?\d{{2}})?"
)
_RUN = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?")
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
_RUNS = 10**7  # from here on a number is a date written without signs: 20240705
_EXCEL_ZERO = day_number(date(1899, 12, 30))
_SERIALS = range(32_874, 58_805)  # 1990 to 2060
_AFTERNOON = frozenset({"CH", "PM"})


@lru_cache(maxsize=65536)
def plain_code(text: str) -> str:
    """Return a code in one form: no blanks, plain dashes, capitals."""
    text = _DASHES.sub("-", unicodedata.normalize("NFKC", text))
    text = _BLANKS.sub("", text).upper().strip(_QUOTES)
    return unicodedata.normalize("NFKC", text)


def text_of(cell: Cell) -> str:
    """Return a cell as a text, as a person would read it."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, datetime) and not (cell.hour or cell.minute or cell.second):
        return f"{cell:%d/%m/%Y}"
    if isinstance(cell, datetime):
        return f"{cell:%d/%m/%Y %H:%M:%S}"
    return f"{cell:%d/%m/%Y}" if isinstance(cell, date) else str(cell).strip()


def moment_of(cell: Cell) -> Moment | None:
    """Read a date in Asia/Ho_Chi_Minh; None: the cell says that there is none.

    A date alone stands for its whole day, a time without seconds for its minute.

    Raises:
        ValueError: it is no date, or of no year that a dossier has.
    """
    if isinstance(cell, datetime):
        span = _span(cell.time())
        moment = Moment(_ms(cell.year, cell.month, cell.day, cell.time()), span)
    elif isinstance(cell, date):
        moment = Moment(_ms(cell.year, cell.month, cell.day, time()), DAY_MS)
    elif isinstance(cell, int | float) and not isinstance(cell, bool):
        moment = _of_serial(float(cell)) if abs(cell) < _RUNS else _of_text(f"{cell:.0f}")
    else:
        text = _BLANKS.sub(" ", unicodedata.normalize("NFKC", str(cell))).strip(" '").upper()
        if text in _NOTHING:
            return None
        moment = _of_text(_DASHES.sub("-", text))
    if not KNOWN_YEARS.covers(moment.at):
        raise ValueError("no year that a dossier has")
    return moment


@lru_cache(maxsize=65536)
def _of_text(text: str) -> Moment:
    if _SERIAL.fullmatch(text):
        return _of_serial(float(text))
    if found := _DATE_FIRST.fullmatch(text):
        day, month, year, *clock = found.groups()
        return _moment(year, month, day, clock)
    if found := _TIME_FIRST.fullmatch(text):
        *clock, day, month, year = found.groups()
        return _moment(year, month, day, clock)
    if found := _ISO.fullmatch(text):
        year, month, day, *clock, zone = found.groups()
        return _moment(year, month, day, clock, zone or "")
    if found := _RUN.fullmatch(text):
        year, month, day, *clock = found.groups()
        return _moment(year, month, day, [*clock, None])
    raise ValueError("no date in a form that is known")


def _moment(year: str, month: str, day: str, clock: list[str | None], zone: str = "") -> Moment:
    hour_text, minute, second, half = clock
    hour, extra = int(hour_text or 0), 0
    if half:
        hour = hour % 12 + (12 if half in _AFTERNOON else 0)
    if hour == 24 and not int(minute or 0):
        hour, extra = 0, DAY_MS
    at = _ms(int(year), int(month), int(day), time(hour, int(minute or 0), int(second or 0)))
    if zone:
        digits = zone.lstrip("+-").replace(":", "")
        ahead = 0 if zone == "Z" else int(digits[:2]) * 60 + int(digits[2:])
        at += 7 * 60 * MINUTE_MS - (-ahead if zone.startswith("-") else ahead) * MINUTE_MS
    span = SECOND_MS if second else MINUTE_MS if hour_text else DAY_MS
    return Moment(at + extra, span)


def _of_serial(serial: float) -> Moment:
    if int(serial) not in _SERIALS:
        raise ValueError("no serial day of Excel")
    day, part = divmod(serial, 1)
    of_day = round(part * DAY_MS / SECOND_MS) * SECOND_MS
    span = DAY_MS if not of_day else MINUTE_MS if of_day % MINUTE_MS == 0 else SECOND_MS
    return Moment(day_start_ms(int(day) + _EXCEL_ZERO) + of_day, span)


def _span(clock: time) -> int:
    if not (clock.hour or clock.minute or clock.second):
        return DAY_MS
    return SECOND_MS if clock.second else MINUTE_MS


def _ms(year: int, month: int, day: int, clock: time) -> int:
    of_day = ((clock.hour * 60 + clock.minute) * 60 + clock.second) * SECOND_MS
    return day_start_ms(day_number(date(year, month, day))) + of_day
