"""What looks like a person's data in a text: numbers, addresses of mail, names.

Identity and phone numbers are known with blanks, dots and dashes between their groups. A name is
known by a word before it ("ông", "chủ hồ sơ"), or by a family name that begins it. Codes, dates
and the words of statuses are none of these.
"""

import json
import re
import unicodedata
from collections.abc import Collection, Iterator
from functools import lru_cache
from urllib.parse import quote

HIDDEN = "***"

_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_NUMBERS = re.compile(r"\+?\d+(?:[ .\-]\d+)*")
_GROUP = re.compile(r"\+?\d+")
_MOST_GROUPS = 5
_CAPITAL = r"[^\W\d_a-zà-ỹ][^\W\d_]*"
_NAME = rf"{_CAPITAL}(?:\s+{_CAPITAL}){{1,5}}"
_TITLED = re.compile(
    r"\b((?i:ông|bà|họ (?:và )?tên|ho (?:va )?ten|chủ hồ sơ|chu ho so|người nộp|nguoi nop|"
    r"người yêu cầu|owner(?:_name)?|applicant(?:name)?|full_?name)\b\s*[:=]?\s*)" + _NAME
)
_FAMILIES = (
    "nguyen|tran|pham|huynh|hoang|le|phan|vu|vo|dang|bui|do|ho|ngo|duong|ly|dinh|trinh|doan|mai|"
    "truong|luong|cao|ta|ha|nong|be|trieu|lo|vi|luu|to|hua|chu|la"
)
_NAMED = re.compile(rf"\b(?:{_FAMILIES})(?: [a-z]+){{1,5}}")
_PLACE = re.compile(
    r"\b(?:phuong|xa|huyen|quan|tinh|thi tran|thi xa|thanh pho|tp|ubnd|so|truong|benh vien)\b"
)
_WORDS = re.compile(
    r"\b(?:ho so|xu ly|le phi|ket qua|tiep nhan|bo sung|truc tuyen|truc tiep|buu chinh|tu choi|"
    r"thu phi|ly do|phan hoi|da tra|da nop|cho bo|cho xu|hoan thanh|mot phan|toan trinh|dang cho|"
    r"dang xu|dang thuc|het han|qua han|dung han|ha noi|cao bang|lang son|dinh lap|cao loc)\b"
)
_ADDRESS = re.compile(
    r"\b(?:so nha|duong|pho|thon|xom|ngo|to dan pho|khoi|ap|dia chi|so \d|hem|ngach)\b"
)
_NUMBER_IN_FILE = re.compile(r"(?<!\d)0\d{9}(?:\d\d)?(?!\d)")
_NAME_IN_FILE = re.compile(
    rf"(?<![a-z])(?:{_FAMILIES})[ _\-]+"
    r"(?:van|thi|duc|huu|thanh|minh|ngoc|quang)(?:[ _\-]+[a-z]+){1,3}",
    re.IGNORECASE,
)
_CODE = re.compile(r"[\w./:+\-]{1,64}")
_DATE = re.compile(r"[\d/:.,\-+ TZ]{1,40}(?:[^\W\d]{2,5})?")
_TOO_SHORT = 4  # characters of a value that is also a word or a code of others
_LONGEST = 200  # characters of a text that is looked at; of a longer one nothing is shown


def mask(text: str) -> str:
    """Replace what looks like a number of a person, an address of mail or a titled name."""
    text = _NUMBERS.sub(_masked, text)
    if "@" in text:
        text = _MAIL.sub(HIDDEN, text)
    return _TITLED.sub(rf"\1{HIDDEN}", text)


def hide(text: str, values: Collection[str]) -> str:
    """Replace values that are known and may not be shown, in any case and way of writing them.

    Args:
        text: what another side said.
        values: secrets and personal values; those of less than four characters are left.
    """
    known = frozenset(value for value in values if len(value.strip()) >= _TOO_SHORT)
    return _pattern_of(known).sub(HIDDEN, text) if known else text


def looks_personal(text: str) -> bool:
    """Tell whether a text of an attribute may be a person's: masked, a name or an address."""
    if len(text) > _LONGEST or mask(text) != text:
        return True
    plain = plain_words(text)
    if any(letter.isdigit() for letter in text) and _ADDRESS.search(plain):
        return True
    if _WORDS.search(plain) or _PLACE.match(plain):
        return False
    capital = all(word[0].isupper() for word in text.split() if word[0].isalpha())
    return capital and _NAMED.fullmatch(plain) is not None


def described(text: str) -> str:
    """Say of what kind a text is that may not be shown."""
    digits = sum(letter.isdigit() for letter in text)
    if digits and digits * 2 > len(text):
        return f"[{digits} digits]"
    words = len(text[:10_000].split())
    return f"[a text of {len(text):,} characters, {words:,} words]"


def shown(text: str) -> str:
    """Give a value as a letter or a message may have it: as it is, or described."""
    return described(text) if looks_personal(text) else text


def shown_code(text: str) -> str:
    """Give a value of a column of codes: as it is when it has the look of one, else described."""
    is_code = _CODE.fullmatch(text) and any(letter.isdigit() for letter in text)
    return text if is_code and not looks_personal(text) else described(text)


def shown_date(text: str) -> str:
    """Give a value of a column of dates: as it is when it has the look of one, else described."""
    return text if _DATE.fullmatch(text) and mask(text) == text else described(text)


def mask_file_name(text: str) -> str:
    """Mask the name of a file, in which numbers and names stand between dashes and lines."""
    text = mask(_NUMBER_IN_FILE.sub(HIDDEN, text))
    if text.isascii():
        return _NAME_IN_FILE.sub(HIDDEN, text)
    text = unicodedata.normalize("NFC", text)
    letters = "".join(_letter(character) for character in text)  # as long as the text
    out, at = "", 0
    for found in _NAME_IN_FILE.finditer(letters):
        out, at = out + text[at : found.start()] + HIDDEN, found.end()
    return out + text[at:]


@lru_cache(maxsize=256)
def _pattern_of(values: frozenset[str]) -> re.Pattern[str]:
    forms = set()
    for value in (v.strip() for v in values):
        for form in {unicodedata.normalize(name, value) for name in ("NFC", "NFD")} | {value}:
            forms |= {form, json.dumps(form)[1:-1], quote(form), quote(form, safe="")}
    longest_first = sorted(forms, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)


def _letter(character: str) -> str:
    """Give a character without its diacritics."""
    return "d" if character in "đĐ" else unicodedata.normalize("NFD", character)[0]


def _masked(found: re.Match[str]) -> str:
    text, start = found[0], found.start()
    before = found.string[start - 1] if start else ""
    after = found.string[found.end()] if found.end() < len(found.string) else ""
    groups = [(m.start(), m.end()) for m in _GROUP.finditer(text)]
    if before in {".", "-"} or (before.isalnum() and len(groups) > 1):
        return text  # part of a code
    out, at, i = "", 0, 0
    while i < len(groups):
        for j in range(min(len(groups), i + _MOST_GROUPS), i, -1):
            parts = [text[a:b] for a, b in groups[i:j]]
            in_code = (j < len(groups) and text[groups[j - 1][1]] in ".-") or (
                i > 0 and text[groups[i][0] - 1] in ".-"
            )
            if _is_personal(parts) and not (in_code or (j == len(groups) and after == "_")):
                out += text[at : groups[i][0]] + HIDDEN
                at, i = groups[j - 1][1], j
                break
        else:
            i += 1
    return out + text[at:]


def _is_personal(groups: list[str]) -> bool:
    digits = "".join(groups)
    if digits.startswith("+84") and len(digits) in {12, 13}:
        return True
    size = len(digits)
    if len(groups) == 1:
        return size in {9, 12} or (size == 10 and digits[0] == "0")
    first, *rest = groups
    even = all(len(group) >= 3 for group in rest) or (
        len(first) == 4 and all(len(group) == 2 for group in rest)
    )
    if not even or len(first) < 2:
        return False
    return (size in {10, 12} and digits[0] == "0") or (
        size == 9 and all(len(group) == 3 for group in groups)
    )


def plain_words(text: str) -> str:
    """Give a text in small letters without diacritics, its words one blank apart."""
    letters: Iterator[str] = (
        c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c)
    )
    return " ".join("".join(letters).lower().replace("đ", "d").split())
