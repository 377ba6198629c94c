"""Logs are one JSON object a line, on stderr, without secrets or personal data."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from lgsp.runtime.logs import HIDDEN, configure_logs, mask, redact
from lgsp.runtime.settings import load_settings


@pytest.fixture
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.mark.usefixtures("restored")
def test_writes_one_json_line_with_the_service(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(load_settings(log_format="json"), service="rates")
    structlog.get_logger().bind(lane="rates").info("batch_folded", events=12)
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    record = json.loads(line)
    assert out == ""
    expected = {"event": "batch_folded", "events": 12, "lane": "rates", "service": "rates"}
    assert expected.items() <= record.items()
    assert record["timestamp"].endswith("Z")


@pytest.mark.usefixtures("restored")
def test_libraries_pass_the_same_filter(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(load_settings(log_format="json"), service="rates")
    logging.getLogger("some.library").warning("call 0912345678 or x@y.vn")
    record = json.loads(capsys.readouterr().err)
    assert f"call {HIDDEN} or {HIDDEN}" == record["event"]


@pytest.mark.usefixtures("restored")
def test_no_colours_stand_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(load_settings(log_format="json"), service="ioc-feed")
    coloured = {"color_message": "Started [\x1b[36m%d\x1b[0m]"}
    logging.getLogger("some.library").warning("Started [1]", extra=coloured)
    said = capsys.readouterr().err
    assert json.loads(said)["event"] == "Started [1]"
    assert "x1b" not in said


@pytest.mark.usefixtures("restored")
def test_an_exception_stays_one_line_and_is_masked(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(load_settings(log_format="json"), service="rates")
    try:
        raise ValueError("owner 000000000001 refused")
    except ValueError:
        structlog.get_logger().exception("push_failed")
    (line,) = capsys.readouterr().err.splitlines()
    assert "ValueError" in json.loads(line)["exception"]
    assert "000000000001" not in line


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("form", ["json", "console"])
def test_what_is_nested_or_an_object_passes_the_same_filter(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    configure_logs(load_settings(log_format=form), service="rates")
    structlog.get_logger().warning(
        "rejected",
        rows=[{"phone": "x-secret", "status": "call 0912 345 678"}],
        error=ValueError("owner 079012345678"),
        raw=b"0912345678",
        counts={"0912345678": 1},
        pair=("a", {"api_key": "x-secret"}),
    )
    logging.getLogger("some.library").warning(
        "%s", [{"tel": "0912345678"}], extra={"k": ["0912345678"]}
    )
    shown = capsys.readouterr().err

    assert 2 == shown.count("\n")
    assert 7 <= shown.count(HIDDEN)
    for secret in ("x-secret", "0912345678", "345 678", "079012345678"):
        assert secret not in shown


HOSTILE = "a\x1b[2J\x9b1m\u202eb\r\nnot a line of its own"


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("form", ["json", "console"])
def test_text_of_data_is_shown_and_not_obeyed(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    configure_logs(load_settings(log_format=form), service="rates")
    structlog.get_logger().warning(
        HOSTILE, name=HOSTILE, error=ValueError(HOSTILE), inner={HOSTILE: [HOSTILE]}
    )
    logging.getLogger("some.library").warning(HOSTILE)
    shown = capsys.readouterr().err

    assert len(shown.splitlines()) == 2
    assert "\u202e" not in shown
    assert "\x9b" not in shown
    assert "\x1b[2J" not in shown
    assert r"\u202eb" in shown


@pytest.mark.usefixtures("restored")
def test_a_trace_keeps_its_lines_on_a_console(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(load_settings(log_format="console"), service="rates")
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        structlog.get_logger().exception("push_failed")
    shown = capsys.readouterr().err
    assert "\nTraceback (most recent call last)" in shown
    assert "\x1b[2J" not in shown


@pytest.mark.usefixtures("restored")
def test_leaves_out_what_is_below_the_level(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(load_settings(log_format="json", log_level="warning"), service="rates")
    structlog.get_logger().info("quiet")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "key",
    ["password", "national_password", "session", "sealed", "owner_name", "email", "NguoiXuLy",
     "ChuHoSo", "SoDinhDanh", "authorization"],
)  # fmt: skip
def test_hides_values_by_their_key(key: str) -> None:
    assert {key: HIDDEN} == redact(None, "info", {key: "NGUYEN VAN TEST"})


@pytest.mark.parametrize(
    "text",
    ["H37.12-240705-0001", "000.00.12.H37-220921-0099", "1.001612", "G09.20-20260609-0092637",
     "2024-01-01T00:00:00Z", "offset 123456", "dossier-events/3@1234567"],
)  # fmt: skip
def test_leaves_codes_and_positions_readable(text: str) -> None:
    assert text == mask(text)


@given(
    st.text(alphabet="abc ,:", max_size=5),
    st.one_of(
        st.from_regex(r"[0-9]{12}", fullmatch=True),
        st.from_regex(r"[0-9]{9}", fullmatch=True),
        st.from_regex(r"0[0-9]{9}", fullmatch=True),
        st.from_regex(r"\+84[0-9]{9}", fullmatch=True),
    ),
    st.text(alphabet="abc ,:", max_size=5),
)
def test_no_identity_or_phone_number_passes(before: str, number: str, after: str) -> None:
    assert before + HIDDEN + after == mask(before + number + after)
