from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp_connectors.kit.mapping.times import compile_format, compile_iso

NAIVE = datetime(2000, 1, 1)  # noqa: DTZ001 - local times are what is tested
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FORMS = [
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%Y%m%d%H%M%S",
    "%Y-%m-%dT%H:%M",
    "%d.%m.%Y",
    "%d/%m/%y",
]
ZONES = ["Asia/Ho_Chi_Minh", "Europe/Amsterdam", "America/New_York"]
PARSERS = {(form, zone): compile_format(form, zone) for form in FORMS for zone in ZONES}


def by_strptime(text: str, form: str, zone: str) -> int:
    at = datetime.strptime(text, form).replace(tzinfo=ZoneInfo(zone))
    return (at - EPOCH) // timedelta(milliseconds=1)


@given(
    st.datetimes(NAIVE.replace(1971), NAIVE.replace(2060)),
    st.sampled_from(FORMS),
    st.sampled_from(ZONES),
)
def test_equals_strptime(at: datetime, form: str, zone: str) -> None:
    text = at.strftime(form)
    assert by_strptime(text, form, zone) == PARSERS[form, zone](text)


@given(
    st.from_regex(r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{3,4} {1,2}[0-9]{1,2}:[0-9]{1,2}", fullmatch=True),
)
def test_accepts_what_strptime_accepts(text: str) -> None:
    form, zone = "%d/%m/%Y %H:%M", "Asia/Ho_Chi_Minh"
    try:
        expected = by_strptime(text, form, zone)
    except ValueError:
        with pytest.raises(ValueError):  # noqa: PT011 - strptime's own words
            PARSERS[form, zone](text)
    else:
        assert expected == PARSERS[form, zone](text)


@given(st.datetimes(NAIVE.replace(1990), NAIVE.replace(2060), timezones=st.timezones()))
def test_iso_with_offset_needs_no_zone(at: datetime) -> None:
    offset = at.utcoffset()
    assert offset is not None
    if offset.microseconds or offset.seconds % 60:
        return
    assert (at - EPOCH) // timedelta(milliseconds=1) == compile_iso(None)(at.isoformat())


def test_iso_without_offset_is_local_time_or_an_error() -> None:
    assert compile_iso("Asia/Ho_Chi_Minh")("2024-07-05T08:15:00") == 1_720_142_100_000
    with pytest.raises(ValueError, match="no offset"):
        compile_iso(None)("2024-07-05T08:15:00")


@pytest.mark.parametrize("text", ["2024-02-31", "31/02/2024", "", "hôm qua"])
def test_no_instant_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the library's own words
        compile_iso("Asia/Ho_Chi_Minh")(text)


@pytest.mark.parametrize("zone", [*ZONES, "UTC", "Pacific/Kiritimati"])
@pytest.mark.parametrize("text", ["31/12/9999", "01/01/0001", "30/12/9999"])
def test_the_edges_of_the_calendar_are_instants(text: str, zone: str) -> None:
    at = datetime.strptime(text, "%d/%m/%Y").replace(tzinfo=ZoneInfo(zone))
    expected = (at - EPOCH) // timedelta(milliseconds=1)
    assert expected == compile_format("%d/%m/%Y", zone)(text)
    assert expected == compile_iso(zone)(at.date().isoformat())
