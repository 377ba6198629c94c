"""Of a library that complains without end one line a minute stays, and says what was held back."""

import json
import logging
from typing import Any

import pytest

from lgsp.runtime.library_lines import OnceAMinute
from lgsp.runtime.logs import configure_logs
from lgsp.runtime.settings import Settings


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def line(name: str, level: int = logging.ERROR, **more: object) -> logging.LogRecord:
    record = logging.LogRecord(name, level, "file.py", 1, "no broker", (), None)
    record.__dict__.update(more)
    return record


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_one_line_a_minute_of_a_library_says_how_many_were_held_back(clock: Clock) -> None:
    lines = OnceAMinute(clock)
    assert lines.filter(line("aiokafka.consumer"))
    assert not any(lines.filter(line("aiokafka.client")) for _ in range(5000))
    assert lines.filter(line("kafka.cluster"))
    clock.now = 61
    late = line("aiokafka")
    assert lines.filter(late)
    assert late.held_back == 5000  # type: ignore[attr-defined]
    clock.now = 122
    assert not hasattr(line("aiokafka"), "held_back")


def test_what_says_nothing_is_left_out(clock: Clock) -> None:
    lines = OnceAMinute(clock)
    nothing = line("kafka.cluster")
    nothing.msg = "Metadata refresh: failed Cancelled"  # whenever a client is closed
    assert not lines.filter(nothing)
    assert lines.filter(line("kafka.cluster"))


def test_our_own_lines_and_the_worst_ones_all_pass(clock: Clock) -> None:
    lines = OnceAMinute(clock)
    assert all(lines.filter(line("lgsp.runtime.lane")) for _ in range(3))
    assert all(lines.filter(line("faust.app", logging.CRITICAL)) for _ in range(3))


def test_an_exception_is_not_hidden_by_complaints(clock: Clock) -> None:
    lines = OnceAMinute(clock)
    assert lines.filter(line("mode.services"))
    traced: dict[str, Any] = {"exc_info": (ValueError, ValueError("x"), None)}
    assert lines.filter(line("mode.services", **traced))
    assert not lines.filter(line("mode.services", **traced))
    assert lines.filter(line("mode.services", **traced, lineno=2))


def test_the_count_is_a_field_of_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(Settings(log_format="json"), service="rates")
    held = next(f for h in logging.getLogger().handlers for f in h.filters)
    assert isinstance(held, OnceAMinute)
    for _ in range(4):
        logging.getLogger("aiokafka").error("no broker")
    held._passed.clear()
    logging.getLogger("aiokafka").error("no broker")
    shown = [json.loads(text) for text in capsys.readouterr().err.splitlines()]
    assert [found.get("held_back") for found in shown] == [None, 3]
    assert {found["service"] for found in shown} == {"rates"}
