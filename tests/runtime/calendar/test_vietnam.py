"""The shipped calendar against facts of the Government's own announcements."""

from datetime import date
from pathlib import Path

import pytest

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.working_time import day_number
from lgsp.runtime.calendar.vietnam import VERSION, load_calendar

OFF = [
    *[date(2024, 2, d) for d in range(8, 15)],
    date(2024, 4, 29),
    *[date(2025, 1, d) for d in range(27, 32)],
    date(2025, 5, 2),
    date(2026, 1, 2),
    *[date(2026, 2, d) for d in range(16, 21)],
    date(2026, 4, 27),
    date(2026, 8, 31),
    date(2026, 11, 24),
]
WORKED = [
    date(2024, 5, 4),
    date(2025, 4, 26),
    date(2026, 1, 10),
    date(2026, 8, 22),
    date(2025, 11, 24),
    date(2024, 2, 15),
]


@pytest.mark.parametrize("day", OFF, ids=str)
def test_day_off(day: date) -> None:
    assert not load_calendar().is_working(day_number(day))


@pytest.mark.parametrize("day", WORKED, ids=str)
def test_day_worked(day: date) -> None:
    assert load_calendar().is_working(day_number(day))


def test_a_provinces_file_wins_and_shows_in_the_version(tmp_path: Path) -> None:
    file = tmp_path / "decisions.yaml"
    file.write_text("- {date: 2026-01-10, working: false, document: local}\n")
    calendar = load_calendar(file)

    assert not calendar.is_working(day_number(date(2026, 1, 10)))
    assert calendar.version.startswith(f"{VERSION}+")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- {date: soon, working: true, document: x}", r":1: 0.date: .* \(got 'soon'\)"),
        ("- {date: 2026-01-10, working: 5, document: x}", r":1: 0.working: .* \(got '5'\)"),
        ("- {date: 1989-01-10, working: true, document: x}", r"date: not a day of 1990-2060"),
        ("- {date: 2026-01-10}", r":1: 0.working: .* required\n.*:1: 0.document: .* required"),
        ("- {date: 2026-01-10, working: true, document: x, w: 1}", r":1: 0.w: unknown key"),
        ("a: b", "a list is expected"),
        ("[", "decisions.yaml"),
    ],
)
def test_a_bad_file_names_file_line_key_and_value(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "decisions.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        load_calendar(file)
