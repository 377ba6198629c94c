"""What a terminal would obey is shown, not obeyed; letters stay."""

import json
import unicodedata

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.runtime.text import printable, printable_json

_OBEYED = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_every_character_that_a_terminal_may_obey_is_escaped_and_no_other() -> None:
    for code in range(0x110000):
        letter = chr(code)
        if unicodedata.category(letter) in _OBEYED:
            shown = printable(letter)
            assert shown.isascii()
            assert shown.isprintable()
            assert shown.startswith("\\")
        elif unicodedata.category(letter) != "Cn":
            assert printable(letter) == letter


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Nguyễn Văn A", "Nguyễn Văn A"),
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("a\r\nb\tc", r"a\r\nb\tc"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\x9b31m", r"\x9b31m"),
        ("\udcff\U000e0041", r"\udcff\U000e0041"),
    ],
)
def test_the_escapes(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.recursive(st.text(), lambda inner: st.dictionaries(st.text(), inner) | st.lists(inner)))
def test_a_json_document_means_the_same_and_holds_nothing_to_obey(value: object) -> None:
    document = orjson.dumps({"v": value}, option=orjson.OPT_INDENT_2).decode()
    safe = printable_json(document)
    assert json.loads(safe) == {"v": value}
    assert all(unicodedata.category(letter) not in _OBEYED or letter == "\n" for letter in safe)
