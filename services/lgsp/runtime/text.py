"""Text that comes from data, made safe to print: a terminal obeys what a name may hold."""

import re

# Controls, format characters (bidi overrides and isolates, zero-width, tags), line and paragraph
# separators, lone surrogates: the categories Cc, Cf, Zl, Zp and Cs of Unicode.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f"
    "\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000110bd\U000110cd"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001"
    "\U000e0020-\U000e007f]"
)
_NOT_ASCII = re.compile("[^\n\r\t -~]")
_KNOWN = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def is_text(given: str) -> bool:
    """Tell whether what the system gave us was UTF-8: Python keeps other bytes as surrogates."""
    return not any("\ud800" <= letter <= "\udfff" for letter in given)


def printable(text: str) -> str:
    r"""Return the text with every character that a terminal would obey shown as its escape.

    ESC becomes `\x1b`, a line end `\n`, a right-to-left override `\u202e`; letters of any script
    stay as they are. What is returned is one line and can be encoded.
    """
    return _UNSAFE.sub(_escape, text)


def printable_json(document: str, *, ascii_only: bool = False) -> str:
    """Return a JSON document with the same characters as JSON's own escapes; it means the same.

    Line ends and blanks between values stay: no string of a JSON document holds them as they are.
    With `ascii_only` every letter outside ASCII is escaped, too.
    """
    return (_NOT_ASCII if ascii_only else _UNSAFE).sub(_json_escape, document)


def _escape(found: re.Match[str]) -> str:
    letter = found[0]
    if letter in _KNOWN:
        return _KNOWN[letter]
    code = ord(letter)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_escape(found: re.Match[str]) -> str:
    letter = found[0]
    if letter in _KNOWN:
        return letter
    pair = letter.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{pair[at : at + 4]}" for at in range(0, len(pair), 4))
