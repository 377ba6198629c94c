"""How text files are encoded: as the YAML, the byte order mark or the bytes say; never guessed.

What is not readable as named is rejected with a proposal: the old code pages look alike, so a
person decides.
"""

import codecs
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lgsp.domain.errors import RejectedRecord, RejectReason

CODECS = {
    "utf-8": "utf-8",
    "utf-16": "utf-16-le",
    "windows-1252": "cp1252",
    "windows-1258": "cp1258",
    "mac-roman": "mac-roman",
    "cp850": "cp850",
}
"""Names in the YAML, and Python's for them."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LETTERS = set("ăâđêôơưàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ")


class Encoding(NamedTuple):
    """How the bytes of a file are to be read: Python's codec, and the length of a mark before."""

    codec: str
    mark: int

    @property
    def wide(self) -> bool:
        """Whether a line end is no single byte."""
        return self.codec.startswith("utf-16")

    @property
    def line_codec(self) -> str:
        """The codec of the lines that `narrowed` content is split into."""
        return "utf-8" if self.wide else self.codec


def find_encoding(head: bytes, named: str) -> Encoding:
    """Tell how a file that begins with `head` is encoded; a byte order mark is believed first."""
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return Encoding(codec, len(mark))
    if named != "auto":
        return Encoding(CODECS[named], 0)
    # Latin letters have one zero byte each, always on the same side; blocks of zeros have both.
    odd, even = head[1::2].count(0), head[::2].count(0)
    if max(odd, even) * 5 > len(head) and min(odd, even) * 4 < max(odd, even):
        return Encoding("utf-16-le" if odd > even else "utf-16-be", 0)
    return Encoding("utf-8", 0)


def narrowed(chunks: Iterable[bytes], encoding: Encoding) -> Iterator[bytes]:
    """Give the content without its mark, in an encoding in which a line end is one byte."""
    left = encoding.mark
    if not encoding.wide:
        for chunk in chunks:
            yield chunk[left:] if left else chunk
            left = max(0, left - len(chunk))
        return
    # Half a pair passes, so that it is a fault of its line only.
    decoder = codecs.getincrementaldecoder(encoding.codec)("surrogatepass")
    for chunk in chunks:
        text = decoder.decode(chunk[left:] if left else chunk)
        left = max(0, left - len(chunk))
        if text:
            yield text.encode("utf-8", "surrogatepass")
    if decoder.getstate()[0]:
        yield "\ufffd".encode()  # half a character at the end


def undecodable(raw: bytes, codec: str) -> RejectedRecord | None:
    """Give what is wrong with a line that is not in the encoding, and what may help."""
    try:
        raw.decode(codec)
    except UnicodeDecodeError as error:
        found = f"0x{raw[error.start]:02X}"
        name = next((name for name, known in CODECS.items() if known == codec), codec)
        guessed = propose_encoding(raw)
        other = f" (perhaps {guessed})" if guessed else ""
        return RejectedRecord(
            RejectReason.UNREADABLE,
            value=found,
            detail=f"byte {found} at position {error.start + 1} of the line is not"
            f" {name.upper()}: name the file's encoding in source.encoding{other}",
        )
    return None


def propose_encoding(raw: bytes) -> str:
    """Name the code page in which the bytes look most like Vietnamese; "" when none does."""
    best, most = "", 0
    for name in ("windows-1258", "windows-1252", "mac-roman", "cp850"):
        try:
            text = raw.decode(CODECS[name])
        except UnicodeDecodeError:
            continue
        letters = [c for c in unicodedata.normalize("NFC", text) if not c.isascii()]
        score = sum(_worth(letter) for letter in letters)
        if score > most:
            best, most = name, score
    return best


def _worth(letter: str) -> int:
    """Weigh a letter: ours for, strange ones against; those of no western language tell most."""
    if letter.lower() not in _LETTERS:
        return -1
    return 3 if ord(letter) > 0xFF else 1
