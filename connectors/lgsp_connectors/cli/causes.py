"""What `check` makes of its rejects: by cause, and the words that a map lacks."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Any

from lgsp.domain.errors import RejectReason

_UNMAPPED = {RejectReason.UNMAPPED_STATUS.value, RejectReason.UNMAPPED_VALUE.value}
_PROPOSED = (  # by what an unaccented word holds; the first that fits
    ("truc tuyen", "ONLINE"),
    ("online", "ONLINE"),
    ("buu chinh", "POSTAL"),
    ("buu dien", "POSTAL"),
    ("truc tiep", "DIRECT"),
    ("mot cua", "DIRECT"),
    ("bo sung", "5"),
    ("thue", "6"),
    ("nghia vu tai chinh", "6"),
    ("tu choi", "3"),
    ("rut", "7"),
    ("da tra", "10"),
    ("tra ket qua", "10"),
    ("da xong", "9"),
    ("hoan thanh", "9"),
    ("dang xu ly", "4"),
    ("tiep nhan", "2"),
    ("moi", "1"),
    ("toan trinh", "FULL"),
    ("mot phan", "PARTIAL"),
)


def by_cause(rejects: Sequence[dict[str, str]]) -> list[dict[str, Any]]:
    """Group rejects by reason, column and detail, the commonest first, with one example each."""
    counts = Counter((each["reason"], each["field"], each["detail"]) for each in rejects)
    examples: dict[tuple[str, str, str], dict[str, str]] = {}
    for each in rejects:
        examples.setdefault((each["reason"], each["field"], each["detail"]), each)
    return [
        {
            "rejects": count,
            "reason": reason,
            "field": field,
            "detail": detail,
            "example": examples[reason, field, detail]["value"],
            "origin": examples[reason, field, detail]["origin"],
        }
        for (reason, field, detail), count in counts.most_common()
    ]


def unmapped_words(rejects: Sequence[dict[str, str]]) -> list[dict[str, Any]]:
    """Give the words that maps lack, with counts and, where the word tells, a proposed value."""
    counts = Counter(
        (each["field"], each["value"]) for each in rejects if each["reason"] in _UNMAPPED
    )
    return [
        {"field": field, "word": word, "rows": count, "proposed": _proposal(word)}
        for (field, word), count in counts.most_common()
    ]


def _proposal(word: str) -> str:
    letters = unicodedata.normalize("NFD", word.lower().replace("đ", "d"))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return next((value for part, value in _PROPOSED if part in plain), "")
