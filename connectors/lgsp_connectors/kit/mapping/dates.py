"""The dates of one column: in one or several forms, as texts, numbers or a workbook's dates."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import permutations
from typing import Any

from lgsp.domain.working_time import DAY_MS, FIRST_YEAR, KNOWN_YEARS, LAST_YEAR
from lgsp_connectors.kit.mapping.times import (
    Parse,
    compile_format,
    compile_iso,
    compile_serial,
    settler,
)
from lgsp_connectors.kit.mapping.words import PLAIN, Words

ISO, EXCEL = "iso", "excel"
_LONGEST = 64  # characters of a date
_OUTSIDE = f"not between {FIRST_YEAR} and {LAST_YEAR}"
_PROBES = (
    datetime(2024, 3, 4, 5, 6, 7, tzinfo=UTC),
    datetime(2009, 11, 12, 22, 12, 5, tzinfo=UTC),
)
_USUAL = ("%d/%m/%Y", ISO, "%d-%m-%Y", "%d.%m.%Y")  # in which a missing date may be written


class Dates:
    """Reads the dates of one column as instants (ms UTC) of the years that the calendar knows.

    Args:
        forms: `iso`, `excel`, or strptime formats; the first one that a text has, counts.
        zone: of texts without an offset.
        end_of_day: a date without a time means its last millisecond, not its first.
        words: what means "not known"; a date among them means so in whatever form it is written,
            with whatever time of the day.

    Raises:
        ValueError: a form is none, two of them read one text as different dates, or the zone is
            unknown or needed.
    """

    def __init__(
        self,
        forms: Sequence[str],
        zone: str | None,
        *,
        end_of_day: bool = False,
        words: Words = PLAIN,
    ) -> None:
        self._forms = [compiled(form, zone, end_of_day=end_of_day) for form in forms]
        _check_apart(forms, zone)
        self._what = "no date, or not of the form " + " or ".join(forms)
        self._settle = settler(zone, end_of_day=end_of_day)
        self._words = words
        self._missing = _days_of(words.missing, forms, zone)
        self._known = lru_cache(65_536)(self._instant)  # a dossier's dates stand on many rows

    def read(self, value: Any) -> int | None:
        """Give the instant, None for "not known"; ValueError, which never quotes the value."""
        if value.__class__ is str and len(value) <= _LONGEST:
            return self._known(value)
        if isinstance(value, date):
            return self._native(value)
        text = self._words.read(value)
        if text is not None and len(text) > _LONGEST:
            raise ValueError(f"a text of {len(text):,} characters is no date")
        return None if text is None else self._known(text)

    def _instant(self, value: str) -> int | None:
        text = self._words.read(value)
        if text is None:
            return None
        fault = ""
        for parse in self._forms:
            try:
                at = parse(text)
            except (ValueError, OverflowError) as error:
                fault = str(error)
            else:
                return self._bounded(at)
        raise ValueError(self._what if len(self._forms) > 1 else fault)

    def _native(self, value: date) -> int | None:
        at = value if isinstance(value, datetime) else None
        day = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - made local by settle
        try:
            return self._bounded(self._settle(at or day, at is None))
        except OverflowError:
            raise ValueError(_OUTSIDE) from None

    def _bounded(self, at: int) -> int | None:
        if any(day <= at < day + DAY_MS for day in self._missing):
            return None
        if not KNOWN_YEARS.covers(at):
            raise ValueError(_OUTSIDE)
        return at


def compiled(form: str, zone: str | None, *, end_of_day: bool) -> Parse:
    """Make the parser of a form as the YAML names it; ValueError when it is none."""
    if form == ISO:
        return compile_iso(zone, end_of_day=end_of_day)
    if form == EXCEL:
        return compile_serial(zone, end_of_day=end_of_day)
    return compile_format(form, zone, end_of_day=end_of_day)


def _check_apart(forms: Sequence[str], zone: str | None) -> None:
    """Refuse two forms that read one text as different dates, such as day/month and month/day."""
    for form, other in permutations([form for form in forms if form != EXCEL], 2):
        own, others = (compiled(f, zone or "UTC", end_of_day=False) for f in (form, other))
        for text in _written(form):
            try:
                at = others(text)
            except ValueError:
                continue
            if at != own(text):
                raise ValueError(
                    f"{text} is one date by {form} and another by {other}: only one may stand here"
                )


def _written(form: str) -> list[str]:
    if form == ISO:
        local = [probe.replace(tzinfo=None) for probe in _PROBES]
        return [at.isoformat() for at in local] + [at.date().isoformat() for at in local]
    return [probe.strftime(form) for probe in _PROBES]


def _days_of(missing: Sequence[str], forms: Sequence[str], zone: str | None) -> list[int]:
    """Give the starts of the days that mean "not known"."""
    days = []
    for word in missing:
        for form in dict.fromkeys((*forms, *_USUAL)):
            try:
                days.append(compiled(form, zone or "UTC", end_of_day=False)(word))
            except (ValueError, OverflowError):
                continue
            break
    return days
