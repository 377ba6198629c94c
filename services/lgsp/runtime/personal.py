"""What looks like a person's data in a text: numbers, addresses of mail, names.

Identity and phone numbers are known with blanks, dots and dashes between their groups, in the
digits of any script; numbers of accounts, passports and insurance by the word before them. A name
is known by a word before it ("ông", "chủ hồ sơ"), or by a family name that begins it. Codes, dates
and the words of statuses are none of these.
"""

import json
import re
import unicodedata
from collections.abc import Collection, Iterator
from functools import lru_cache
from urllib.parse import quote

from lgsp.runtime.plain_form import HIDDEN, Span, bare, plain_form

__all__ = [
    "HIDDEN",
    "described",
    "hide",
    "is_number_of_a_person",
    "looks_personal",
    "mask",
    "mask_file_name",
    "plain_words",
    "shown",
    "shown_code",
    "shown_date",
]

_MAIL = re.compile(r"[\w.+\-']{1,64}(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_NUMBERS = re.compile(r"\+?\d+(?:(?:[.\-]|[ \t]{1,3}| ?\(|\) ?| - )\+?\d+)*", re.ASCII)
_GROUP = re.compile(r"\+?\d+", re.ASCII)
_OF_A_PERSON = re.compile(r"0[35789]\d{8}|0\d\d[0-3]\d{8}", re.ASCII)
_ABROAD = re.compile(r"(?:\+84|0084|84(?=[235789]\d{8}$))", re.ASCII)
_MOST_GROUPS = 5
_CAPITAL = r"[^\W\d_a-zà-ỹ][^\W\d_]*"
_TITLED = re.compile(
    r"\b(?i:ông|bà|họ (?:và )?tên|ho (?:va )?ten|chủ hồ sơ|chu ho so|người nộp|nguoi nop|"
    r"người yêu cầu|owner(?:_name)?|applicant(?:name)?|full_?name)\b\s*[:=]?\s*"
    rf"({_CAPITAL}(?:\s+{_CAPITAL}){{1,5}})"
)
_NUMBERED = re.compile(
    r"\b(?i:stk|số tài khoản|so tai khoan|tài khoản|tai khoan|account|cmnd|cmt|cccd|căn cước|"
    r"can cuoc|hộ chiếu|ho chieu|passport|bhxh|bhyt|mst|mã số thuế|ma so thue|điện thoại|"
    r"dien thoai|s?đt|sdt|tel|phone|mobile)\b[^\d\n]{0,12}?((?:[A-Z]{1,2} ?)?\d[\d .\-]{4,24}\d)"
)
_ACCOUNT = re.compile(r"://([^\s/?#:@]{0,100}:[^\s'\"]{0,400})@")
_SECRET = re.compile(
    r"(?i:password|passwd|pwd|mat_?khau|token|secret|api_?key)(?:=|%3D)([^&\s'\"]+)"
)
_FAMILIES = (
    "nguyen|tran|pham|huynh|hoang|le|phan|vu|vo|dang|bui|do|ho|ngo|duong|ly|dinh|trinh|doan|mai|"
    "truong|luong|cao|ta|ha|nong|be|trieu|lo|vi|luu|to|hua|chu|la"
)
_MIDDLE = "van|thi|duc|huu|thanh|minh|ngoc|quang"
_FULL_NAME = re.compile(
    rf"(?:{_FAMILIES})(?: [a-z]+){{1,5}}|(?:giang|vang|sung|thao|hang|mua|chang|phung)"
    r" (?:a|seo|mi|thi|van)(?: [a-z]+){1,3}"
)
_IN_SMALL = re.compile(
    r"(?:nguyen|tran|pham|huynh|hoang|phan|vu|dang|bui|ngo|duong|trinh|doan|trieu|luong|nong)"
    r" (?:van|thi)(?: [a-z]+){1,2}"
)
_NAMED = re.compile(
    rf"(?<![a-z])(?:{_FAMILIES})\s+(?:{_MIDDLE})(?:\s+[a-z]+){{1,3}}", re.IGNORECASE
)
_PLACE = re.compile(
    r"\b(?:phuong|xa|huyen|quan|tinh|thi tran|thi xa|thanh pho|tp|ubnd|so|truong|benh vien)\b"
)
_AFTER_PLACE = re.compile(
    r"(?:phuong|xa|duong|pho|truong|thcs|thpt|tieu hoc|mam non|benh vien|khoi|to)\s+$",
    re.IGNORECASE,
)
_LONGEST_PLACE = 16
_HOME = re.compile(
    r"(?:thon|xom|to dan pho|khoi pho) |"
    r"\d+[a-z]?(?:/\d+)* [a-z ]+, ?(?:p|ph|q|h|tt|tx|tp|phuong|xa|thi tran|quan|huyen)\b"
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
    rf"(?<![a-z])(?:{_FAMILIES})[ _\-]+(?:{_MIDDLE})(?:[ _\-]+[a-z]+){{1,3}}", re.IGNORECASE
)
_CODE = re.compile(r"[\w./:+\-]{1,64}")
_DATE = re.compile(r"[\d/:.,\-+ TZ]{1,40}(?:[^\W\d]{2,5})?")
_TOO_SHORT = 4  # characters of a value that is also a word or a code of others
_LONGEST = 200  # characters of a text that is looked at; of a longer one nothing is shown


def mask(text: str) -> str:
    """Replace what looks like a number of a person, an address of mail, a name or a secret."""
    plain = plain_form(text)
    return plain.hide([*_contacts(plain.text), *_named(plain.text)])


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
    if len(text) > _LONGEST:
        return True
    given = plain_form(text).text
    plain = plain_words(text)
    numbered = any(letter.isdigit() for letter in given)
    if any(_contacts(given)) or (numbered and _ADDRESS.search(plain)):
        return True
    return _PLACE.match(plain) is None and (any(_named(given)) or _is_a_name(given, plain))


def plain_words(text: str) -> str:
    """Give a text in small letters without diacritics, its words one blank apart."""
    return " ".join(bare(plain_form(text).text).lower().split())


def _is_a_name(given: str, plain: str) -> bool:
    """Tell whether the whole text is a name or a home, and no words of a status."""
    if _WORDS.search(plain):
        return False
    if _HOME.match(plain) or _IN_SMALL.fullmatch(plain):
        return True
    capital = all(word[0].isupper() for word in given.split() if word[0].isalpha())
    return capital and _FULL_NAME.fullmatch(plain) is not None


def is_number_of_a_person(text: str) -> bool:
    """Tell whether a text is a number of the form of a mobile phone or of a citizen."""
    return _OF_A_PERSON.fullmatch(text) is not None


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
    plain = plain_form(text)
    in_file = [*_NUMBER_IN_FILE.finditer(plain.text), *_NAME_IN_FILE.finditer(bare(plain.text))]
    spans = [found.span() for found in in_file]
    return plain.hide([*spans, *_contacts(plain.text), *_named(plain.text)])


@lru_cache(maxsize=256)
def _pattern_of(values: frozenset[str]) -> re.Pattern[str]:
    forms = set()
    for value in (v.strip() for v in values):
        for form in {unicodedata.normalize(name, value) for name in ("NFC", "NFD")} | {value}:
            forms |= {form, json.dumps(form)[1:-1], quote(form), quote(form, safe="")}
    longest_first = sorted(forms, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)


def _contacts(text: str) -> Iterator[Span]:
    """Find numbers, addresses of mail, and what is announced by the word before it."""
    for found in _NUMBERS.finditer(text):
        yield from _personal_numbers(found)
    if "@" in text or "%40" in text:
        yield from (found.span() for found in _MAIL.finditer(text))
    for announced in (_TITLED, _NUMBERED, _ACCOUNT, _SECRET):
        yield from (found.span(1) for found in announced.finditer(text))


def _named(text: str) -> Iterator[Span]:
    """Find full names in capitals, but those of streets, wards and schools."""
    letters = bare(text)
    for found in _NAMED.finditer(letters):
        words = text[found.start() : found.end()].split()
        before = letters[max(0, found.start() - _LONGEST_PLACE) : found.start()]
        if all(word[0].isupper() for word in words) and not _AFTER_PLACE.search(before):
            yield found.span()


def _personal_numbers(found: re.Match[str]) -> Iterator[Span]:
    text, start = found[0], found.start()
    before = found.string[start - 1] if start else ""
    after = found.string[found.end()] if found.end() < len(found.string) else ""
    groups = [(m.start(), m.end()) for m in _GROUP.finditer(text)]
    if before in {".", "-"} or (before.isalnum() and len(groups) > 1):
        return  # part of a code
    i = 0
    while i < len(groups):
        for j in range(min(len(groups), i + _MOST_GROUPS), i, -1):
            first, last = groups[i][0], groups[j - 1][1]
            in_code = (j < len(groups) and text[last] in ".-") or (
                i > 0 and text[first - 1] in ".-"
            )
            if _is_personal(text[first:last]) and not (
                in_code or (j == len(groups) and after == "_")
            ):
                yield start + first, start + last
                i = j
                break
        else:
            i += 1


def _is_personal(text: str) -> bool:
    groups = _GROUP.findall(text)
    digits = "".join(groups)
    size = len(digits)
    if abroad := _ABROAD.match(digits):
        return size - abroad.end() in {9, 10}
    if len(groups) == 1:
        return size in {9, 12} or (size in {10, 11} and digits[0] == "0")
    first, *rest = groups
    if size == 16:
        return all(len(group) == 4 for group in groups)
    if all(len(group) == 2 for group in groups):
        return size == 10 and digits[0] == "0" and not set(text) & set(".-")
    even = all(len(group) >= 3 for group in rest) or (
        len(first) == 4 and all(len(group) == 2 for group in rest)
    )
    if not even or len(first) < 2:
        return False
    return (size in {10, 11, 12} and digits[0] == "0") or (
        size == 9 and all(len(group) == 3 for group in groups)
    )
