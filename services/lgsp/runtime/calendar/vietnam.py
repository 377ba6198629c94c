"""Makes the working-day calendar: the `holidays` library, corrected by decisions it lacks."""

import hashlib
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StrictBool

from lgsp.domain.working_time import FIRST_YEAR, LAST_YEAR, Calendar, day_number
from lgsp.runtime.documents.reading import load_entries

VERSION = "vn-2026.1"
_SHIPPED = Path(__file__).with_name("decisions.yaml")


def _in_range(day: date) -> date:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError(f"not a day of {FIRST_YEAR}-{LAST_YEAR}")
    return day


@cache
def load_calendar(decisions_file: Path | None = None) -> Calendar:
    """Return the calendar of 1990-2060, Asia/Ho_Chi_Minh.

    Future Tết blocks are computed by the library, not decreed: the decisions file is yearly work.

    Args:
        decisions_file: a province's own YAML list of {date, working, document}, applied last; the
            version then carries a hash of it.

    Raises:
        ConfigurationError: naming file, line, key and value of every fault.
    """
    import holidays  # half a second that only calendar users should pay

    table = holidays.country_holidays("VN", years=range(FIRST_YEAR, LAST_YEAR + 1))
    decided = _decisions(_SHIPPED)
    version = VERSION
    if decisions_file is not None:
        decided |= _decisions(decisions_file)
        version = f"{VERSION}+{hashlib.sha256(decisions_file.read_bytes()).hexdigest()[:8]}"
    first, last = date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31)
    days = (first + timedelta(n) for n in range((last - first).days + 1))
    working = [day_number(day) for day in days if decided.get(day, table.is_working_day(day))]
    return Calendar(version, day_number(first), day_number(last), working)


class _Decision(BaseModel):
    """One day, and whether it is worked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    date: Annotated[date, AfterValidator(_in_range)]
    working: StrictBool
    document: str


def _decisions(file: Path) -> dict[date, bool]:
    return {decision.date: decision.working for decision in load_entries(file, _Decision)}
