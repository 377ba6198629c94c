"""What the national portal's messages mean: the one table of phrases. Pure.

The code of an answer is the first evidence and its message the second, because integrators met
code 0 with "không thành công". Messages and phrases are compared in NFC, without case and
marks of format, and only as whole words in one clause: neither "10 lỗi" nor "mã 0: lỗi" holds
"0 lỗi". A message without any diacritic is compared with the phrases without theirs.

In the table `|` stands for any punctuation.
"""

import re
import unicodedata
from functools import lru_cache

_THINGS = ("hồ sơ", "bản ghi", "dòng", "bước", "trường hợp")
_FAULTS = ("lỗi", "bị lỗi", "thất bại", "không thành công", "không hợp lệ")

DENIALS = (
    "không thành công",
    "chưa thành công",
    "thất bại",
    "lỗi",
    "không hợp lệ",
    "không thể",
    "không cập nhật được",
    "không được cập nhật",
    "chưa được cập nhật",
    "không đồng bộ được",
    "thành công 0",
    "thành công | 0",
    "0 thành công",
    *(f"0 {thing} thành công" for thing in _THINGS),
    "chưa được đồng bộ",
    "failed",
    "failure",
    "error",
    "errors",
    "unsuccessful",
    "not successful",
    "invalid",
)
"""Said of code 0, each of these makes it a refusal."""

ASSURANCES = (
    "không có lỗi",
    "không có bất kỳ lỗi",
    "không lỗi",
    "không bị lỗi",
    "không gặp lỗi",
    "không thấy lỗi",
    "không xảy ra lỗi",
    "không phát sinh lỗi",
    "không phát hiện lỗi",
    "số lỗi 0",
    "số lỗi | 0",
    "no error",
    "no errors",
    "0 error",
    "0 errors",
    *(f"0 {fault}" for fault in _FAULTS),
    *(f"0 {thing} {fault}" for thing in _THINGS for fault in _FAULTS),
    *(f"không có {thing} {fault}" for thing in _THINGS for fault in _FAULTS),
    *(f"không có {thing} nào {fault}" for thing in _THINGS for fault in _FAULTS),
)
"""Hold words of a denial and say the opposite: left out before denials are looked for."""

COUNTS = tuple(
    f"{fault}{sign} 0" for fault in (*_FAULTS, "failed", "errors") for sign in ("", " |")
)
"""The same, where the message says "thành công" or "success" besides: "thành công: 1, lỗi: 0"."""

SUCCESSES = ("thành công", "success", "successful", "successfully", "succeeded")
"""Only for `COUNTS`: a message need not say success."""

EXISTS = ("đã tồn tại", "already exists")
"""Of a refusal: the portal has it already."""

ABSENT = (
    "hồ sơ không tồn tại",
    "không tồn tại hồ sơ",
    "không tìm thấy hồ sơ",
    "chưa có hồ sơ",
    "dossier not found",
)
"""Of a refusal: the portal knows no such dossier; its code may stand between the words."""

MISSING_STEP = (
    "thiếu bước",
    "thiếu tiến trình",
    "thiếu tiến độ",
    "chưa có bước",
    "chưa có tiến trình",
    "missing step",
)
"""Of a refusal: a progress step before this status is missing; the numbers after it are the
statuses of what is missing, as in "Thiếu bước xử lý trước đó: 4"."""

_SESSIONS = ("phiên", "phiên làm việc", "phiên đăng nhập", "session", "token", "access token")
_ENDED = (
    "hết hạn",
    "đã hết hạn",
    "không hợp lệ",
    "không tồn tại",
    "không đúng",
    "đã kết thúc",
    "expired",
    "has expired",
    "is expired",
    "timeout",
    "timed out",
    "invalid",
    "is invalid",
    "not found",
)
SESSION_ENDED = (
    *(f"{session} {ended}" for session in _SESSIONS for ended in _ENDED),
    *(f"{ended} {session}" for session in _SESSIONS for ended in ("hết", "hết hạn", "invalid")),
    "đăng nhập lại",
    "chưa đăng nhập",
    "please login",
    "not logged in",
    "login again",
)
"""Of a refusal, whatever its code: the session is not, or no longer, good."""

BUSY = (
    "thử lại sau",
    "quay lại sau",
    "bảo trì",
    "hệ thống bận",
    "hệ thống đang bận",
    "máy chủ bận",
    "máy chủ đang bận",
    "quá tải",
    "đang nâng cấp",
    "tạm ngừng",
    "tạm dừng",
    "gián đoạn",
    "quá nhiều yêu cầu",
    "try again",
    "try again later",
    "maintenance",
    "overloaded",
    "temporarily unavailable",
    "service unavailable",
    "too many requests",
)
"""Of a refusal: the portal takes nothing now, whatever it is asked."""

TROUBLE = (
    "lỗi hệ thống",
    "lỗi máy chủ",
    "lỗi kết nối",
    "lỗi cơ sở dữ liệu",
    "lỗi không xác định",
    "mất kết nối",
    "hết thời gian chờ",
    "quá thời gian",
    "internal error",
    "internal server error",
    "server error",
    "timeout",
    "timed out",
    "time out",
    "deadlock",
    "connection refused",
    "connection reset",
    "unexpected error",
)
"""Of a refusal: something of the portal's own failed, and what it did before is not known."""

_BETWEEN_DIGITS = re.compile(r"(?<=\d)[.,/](?=\d)")
_NO_LETTER = re.compile(r"[\W_]+")
_CODE = re.compile(r"(?<= )[^ ]*\d[^ ]* (?:\| )?")
_STATUS = re.compile(r"\b(?:10|[1-9])\b")


def is_denied(message: str) -> bool:
    """Tell whether a message that comes with code 0 says that it was not done."""
    said, plain = _folded(message)
    said = _pattern(ASSURANCES, plain).sub("", said)
    without_counts = _pattern(COUNTS, plain).sub("", said)
    if _pattern(SUCCESSES, plain).search(_pattern(DENIALS, plain).sub("", without_counts)):
        said = without_counts
    return _pattern(DENIALS, plain).search(said) is not None


def says_exists(message: str) -> bool:
    """Tell whether a refusal says that the portal has it already."""
    return _says(message, EXISTS)


def says_absent(message: str) -> bool:
    """Tell whether a refusal says that the portal does not know the dossier."""
    said, plain = _folded(message)
    absent = _pattern(ABSENT, plain)
    return any(absent.search(text) for text in (said, _CODE.sub("", said)))


def missing_steps(message: str) -> frozenset[str] | None:
    """Return the statuses whose steps a refusal misses, None when it speaks of no such thing."""
    said, plain = _folded(_BETWEEN_DIGITS.sub(" ", message))
    found = _pattern(MISSING_STEP, plain).search(said)
    return frozenset(_STATUS.findall(said, found.end())) if found else None


def says_session_ended(message: str) -> bool:
    """Tell whether a refusal says that the session is not good."""
    return _says(message, SESSION_ENDED)


def says_busy(message: str) -> bool:
    """Tell whether a refusal says that the portal takes nothing now."""
    return _says(message, BUSY)


def says_trouble(message: str) -> bool:
    """Tell whether a refusal says that something of the portal's own failed."""
    return _says(message, TROUBLE)


def _says(message: str, phrases: tuple[str, ...]) -> bool:
    said, plain = _folded(message)
    return _pattern(phrases, plain).search(said) is not None


def _folded(message: str) -> tuple[str, bool]:
    """Return the message as it is compared, blanks at both ends; whether it has no diacritic."""
    text = unicodedata.normalize("NFC", message)
    text = "".join(letter for letter in text if unicodedata.category(letter) != "Cf").casefold()
    text = _NO_LETTER.sub(_blank, _BETWEEN_DIGITS.sub("", text))
    return f" {text.strip()} ", text.isascii()


def _blank(found: re.Match[str]) -> str:
    return " " if found[0].isspace() else " | "


@lru_cache
def _pattern(phrases: tuple[str, ...], plain: bool) -> re.Pattern[str]:
    """Return what finds any of the phrases as whole words; `plain`: without diacritics."""
    if plain:
        phrases = tuple(map(_without_marks, phrases))
    longest_first = sorted(set(phrases), key=len, reverse=True)
    return re.compile(f"(?<= )(?:{'|'.join(map(re.escape, longest_first))})(?= )")


def _without_marks(phrase: str) -> str:
    apart = unicodedata.normalize("NFD", phrase.replace("đ", "d"))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))
