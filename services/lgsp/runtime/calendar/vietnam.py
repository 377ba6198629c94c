"""Makes the working-day calendar: the `holidays` library, corrected by decisions it lacks."""

import hashlib
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.working_time import FIRST_YEAR, LAST_YEAR, Calendar, day_number

VERSION = "vn-2026.1"
_SHIPPED = "decisions.yaml"


@cache
def load_calendar(decisions_file: Path | None = None) -> Calendar:
    """Return the calendar of 1990-2060, Asia/Ho_Chi_Minh.

    Future Tết blocks are computed by the library, not decreed: the decisions file is yearly work.

    Args:
        decisions_file: a province's own YAML list of {date, working, document}, applied last; the
            version then carries a hash of it.

    Raises:
        ConfigurationError: naming the file, the entry and the value at fault.
    """
    import holidays  # half a second that only calendar users should pay

    table = holidays.country_holidays("VN", years=range(FIRST_YEAR, LAST_YEAR + 1))
    decided = _decisions(files(__package__).joinpath(_SHIPPED).read_text("utf-8"), _SHIPPED)
    version = VERSION
    if decisions_file is not None:
        try:
            text = decisions_file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"LGSP_CALENDAR_FILE={decisions_file}: {error}") from error
        decided |= _decisions(text, str(decisions_file))
        version = f"{VERSION}+{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    first, last = date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31)
    days = (first + timedelta(n) for n in range((last - first).days + 1))
    working = [day_number(day) for day in days if decided.get(day, table.is_working_day(day))]
    return Calendar(version, day_number(first), day_number(last), working)


def _decisions(text: str, where: str) -> dict[date, bool]:
    try:
        entries = yaml.safe_load(text) or []
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{where}: {error}") from error
    if not isinstance(entries, list):
        raise ConfigurationError(f"{where}: a list of {{date, working, document}} is expected")
    return dict(_decision(entry, f"{where}: entry {n}") for n, entry in enumerate(entries, 1))


def _decision(entry: Any, where: str) -> tuple[date, bool]:
    if not isinstance(entry, dict) or set(entry) != {"date", "working", "document"}:
        raise ConfigurationError(f"{where}: {entry!r} must have date, working and document")
    day, working = entry["date"], entry["working"]
    if not isinstance(day, date) or not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ConfigurationError(
            f"{where}: date: {day!r} is not a date of {FIRST_YEAR}-{LAST_YEAR} (YYYY-MM-DD)"
        )
    if not isinstance(working, bool):
        raise ConfigurationError(f"{where}: working: {working!r} is neither true nor false")
    return day, working
