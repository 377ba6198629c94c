"""Cells of a list: codes and dates in every form that people and tables make of them."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.codes import is_dossier
from lgsp.domain.period import local_datetime
from lgsp.reconciliation.lists.cells import moment_of, plain_code

CODE = "H37.12-240705-0001"
AT = datetime(2024, 7, 5, 16, 30)  # noqa: DTZ001 - as it stands in a cell
DAY, MINUTE, SECOND = 86_400_000, 60_000, 1000


@pytest.mark.parametrize(
    "listed",
    [
        "H37.12-240705-0001",
        " h37.12-240705-0001 ",
        "H37.12 - 240705 - 0001",
        "H37.12‑240705–0001",
        "H37.12—240705−0001",
        "'H37.12-240705-0001",
        "Ｈ３７.12－240705－0001",
        "H37.12-\u200b240705-\u00a00001\ufeff",
        "H37.12-\n240705-0001",
    ],
)
def test_a_code_is_known_however_it_is_written(listed: str) -> None:
    assert plain_code(listed) == CODE


@given(st.from_regex(r"H\d\d(\.\d{1,3}){0,3}-\d{6}-\d{4,7}", fullmatch=True))
def test_a_right_code_stays_as_it_is(code: str) -> None:
    if is_dossier(code):
        assert plain_code(code) == code
        assert plain_code(code.lower().replace("-", " – ")) == code


@pytest.mark.parametrize(
    ("cell", "span"),
    [
        ("05/07/2024 16:30", MINUTE),
        ("5/7/2024 16:30", MINUTE),
        ("05-07-2024 16:30", MINUTE),
        ("05.07.2024 16:30", MINUTE),
        ("16:30 05/07/2024", MINUTE),
        ("16h30 ngày 05/07/2024", MINUTE),
        ("05/07/2024 04:30 CH", MINUTE),
        ("05/07/2024 4:30 PM", MINUTE),
        ("2024-07-05 16:30", MINUTE),
        ("2024-07-05T16:30:00", SECOND),
        ("2024-07-05T09:30:00Z", SECOND),
        ("2024-07-05T16:30:00+07:00", SECOND),
        ("20240705163000", SECOND),
        (20240705163000, SECOND),
        ("45478.6875", MINUTE),
        (45478.6875, MINUTE),
        (AT, MINUTE),
    ],
)
def test_a_time_is_read_in_every_form(cell: Any, span: int) -> None:
    moment = moment_of(cell)
    assert moment is not None
    assert (local_datetime(moment.at).replace(tzinfo=None), moment.span) == (AT, span)


@pytest.mark.parametrize(
    "cell",
    [
        "05/07/2024",
        "5-7-2024",
        "2024-07-05",
        "20240705",
        "45478",
        45478,
        45478.0,
        date(2024, 7, 5),
    ],
)
def test_a_day_alone_is_the_whole_day(cell: Any) -> None:
    moment = moment_of(cell)
    assert moment is not None
    midnight = datetime(2024, 7, 5)  # noqa: DTZ001
    assert (local_datetime(moment.at).replace(tzinfo=None), moment.span) == (midnight, DAY)


@pytest.mark.parametrize("cell", ["", " ", "-", "NULL", "31/12/9999", "n/a"])
def test_a_cell_may_say_that_there_is_none(cell: str) -> None:
    assert moment_of(cell) is None


@pytest.mark.parametrize(
    "cell", ["hôm qua", "13/13/2024", "32/01/2024", "07/05/24", "12", 12, 99999, "1.7.0001", True]
)
def test_what_is_no_date_is_told(cell: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        moment_of(cell)


@given(st.datetimes(datetime(1995, 1, 1), datetime(2050, 1, 1)))  # noqa: DTZ001
def test_every_form_of_one_time_agrees(at: datetime) -> None:
    at = at.replace(microsecond=0)
    serial = (at - datetime(1899, 12, 30)) / timedelta(days=1)  # noqa: DTZ001
    forms: list[Any] = [
        at,
        serial,
        f"{at:%d/%m/%Y %H:%M:%S}",
        f"{at:%Y%m%d%H%M%S}",
        f"{at:%Y-%m-%dT%H:%M:%S}",
    ]
    moment = [moment_of(form) for form in forms]
    assert all(one and other and one.agrees(other) for one in moment for other in moment)
