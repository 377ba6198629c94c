"""A text in the form in which a reader sees it, with the place of each letter in the text itself.

Full-width letters and digits, digits of other scripts, blanks and dashes of every kind, composed
and decomposed letters and characters of no width look alike, and so does a person's number.
"""

import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

HIDDEN = "***"
Span = tuple[int, int]
_FULL_WIDTH = ord("！") - ord("!")
_LOOKS = {"Cf": "", "Zs": " ", "Pd": "-"}  # by category: no width, blanks, dashes


class Plain(NamedTuple):
    """A text in its plain form.

    Args:
        text: composed letters; ASCII digits, blanks, dashes and signs.
        at: where each letter of it stands in the text that was given, and its length at the end.
        given: that text.
    """

    text: str
    at: Sequence[int]
    given: str

    def hide(self, spans: Iterable[Span]) -> str:
        """Return the text that was given with each of these spans of the plain one hidden."""
        out, done = [], 0
        for start, end in sorted(spans):
            first, last = self.at[start], self.at[end]
            if last <= done:
                continue
            if first >= done:
                out += [self.given[done:first], HIDDEN]
            done = last
        return "".join([*out, self.given[done:]])


def plain_form(text: str) -> Plain:
    """Give a text in its plain form."""
    if text.isascii():
        return Plain(text, range(len(text) + 1), text)
    letters: list[str] = []
    at: list[int] = []
    for place, letter in enumerate(text):
        shown = _plain(letter)
        if letters and unicodedata.combining(letter):
            composed = unicodedata.normalize("NFC", letters[-1] + letter)
            if len(composed) == 1:
                letters[-1] = composed
                continue
        if shown:
            letters.append(shown)
            at.append(place)
    return Plain("".join(letters), [*at, len(text)], text)


def bare(text: str) -> str:
    """Give a text, letter by letter, without diacritics."""
    if text.isascii():
        return text
    return "".join(
        {"đ": "d", "Đ": "D"}.get(letter) or unicodedata.normalize("NFD", letter)[0]
        for letter in text
    )


def _plain(letter: str) -> str:
    """Give one letter in its plain form; none for a character of no width."""
    if "！" <= letter <= "～":
        return chr(ord(letter) - _FULL_WIDTH)
    category = unicodedata.category(letter)
    if category == "Nd":
        return str(unicodedata.decimal(letter))
    return letter if letter.isascii() else _LOOKS.get(category, letter)
