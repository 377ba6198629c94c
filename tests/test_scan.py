"""The tests themselves: each can fail, waits with a bound, and is skipped in one way only."""

from pathlib import Path

import pytest

from tests.scan import faults, read

ROOT = Path(__file__).parents[1]


def test_no_test_is_without_teeth() -> None:
    sources = read(ROOT)

    assert len(sources) > 100
    assert [] == faults(
        sources,
        waiting="tests/waiting.py",
        skipping="tests/programs.py",
        profile="tests/conftest.py",
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("def test_a():\n    go()", "test_a asserts nothing"),
        ("def test_a():\n    assert True", "cannot fail: assert True"),
        ("def test_a():\n    assert (x == 1, 'why')", "cannot fail: assert (x == 1, 'why')"),
        ("def test_a():\n    assert x == x", "cannot fail: assert x == x"),
        ("def test_a():\n    assert x or True", "cannot fail: assert x or True"),
        ("def test_a():\n    assert (x for x in y)", "cannot fail: assert (x for x in y)"),
        (
            "def test_a():\n    try:\n        assert x\n    except ValueError:\n        pass",
            "test_a swallows an exception",
        ),
        (
            "def test_a():\n    def inner():\n        assert x",
            "test_a never calls its inner",
        ),
        ("with suppress(Exception):\n    go()", "suppresses every Exception"),
        ("while not ready():\n    time.sleep(1)", "a loop sleeps outside the waiting helpers"),
        ("from hypothesis import given, settings", "sets its own hypothesis profile"),
        ("@pytest.mark.skipif(x)\ndef test_a():\n    assert x", "skips by itself: skipif"),
    ],
)
def test_each_fault_is_found(text: str, what: str) -> None:
    assert [what] == [fault.split(": ", 1)[1] for fault in faults({"a.py": text})]


@pytest.mark.parametrize(
    "text",
    [
        "def check(x):\n    assert x\ndef twice(x):\n    check(x)\ndef test_a():\n    twice(1)",
        "def test_a():\n    check_usable(x)",
        "def test_a():\n    with pytest.raises(ValueError):\n        go()",
        "def test_a():\n    def inner():\n        assert x\n    run(inner)",
        "def test_a():\n    assert f(x) == f(y)",
        "def test_a():\n    assert a == b or c",
        "for _ in range(3):\n    time.sleep(1)",
    ],
)
def test_what_has_teeth_is_left_alone(text: str) -> None:
    assert [] == faults({"a.py": text})
