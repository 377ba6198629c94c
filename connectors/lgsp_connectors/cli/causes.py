"""What `check` makes of a sample: rejects by cause, words of the maps, wide cells."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lgsp.domain.errors import RejectReason
from lgsp.domain.status import Status
from lgsp.runtime.personal import shown
from lgsp_connectors.kit.contract import Word

_UNMAPPED = {RejectReason.UNMAPPED_STATUS.value, RejectReason.UNMAPPED_VALUE.value}
_PROPOSED: dict[str, tuple[tuple[str, str], ...]] = {  # by what an unaccented word holds
    "channel": (
        ("truc tuyen", "ONLINE"),
        ("online", "ONLINE"),
        ("buu chinh", "POSTAL"),
        ("buu dien", "POSTAL"),
        ("truc tiep", "DIRECT"),
        ("mot cua", "DIRECT"),
    ),
    "status": (
        ("bo sung", "5"),
        ("thue", "6"),
        ("nghia vu tai chinh", "6"),
        ("tu choi", "3"),
        ("rut", "7"),
        ("da tra", "10"),
        ("cho tra", "9"),
        ("tra ket qua", "10"),
        ("da xong", "9"),
        ("hoan thanh", "9"),
        ("dang xu ly", "4"),
        ("tiep nhan", "2"),
        ("moi", "1"),
    ),
    "service_level": (("toan trinh", "FULL"), ("mot phan", "PARTIAL")),
}
_WIDE = 1000  # characters of a cell that hardly is a code, a date or a word


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
        {"field": field, "word": word, "rows": count, "proposed": _proposal(word, _PROPOSED)}
        for (field, word), count in counts.most_common()
    ]


def words_of_maps(words: Iterable[Word]) -> list[dict[str, Any]]:
    """Give the distinct words of each column that is looked up, the commonest first.

    `proposed` is the value that the word tells where the map has none, or another one.
    """
    counts = Counter(words)
    columns = list(dict.fromkeys(word.column for word in counts))
    return [
        {
            "field": word.column,
            "attribute": word.attribute,
            "word": word.word,
            "rows": count,
            "means": word.means,
            "proposed": _other(word),
        }
        for column in columns
        for word, count in counts.most_common()
        if word.column == column
    ]


def proposed_maps(found: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Give for each column, as YAML, the words that its map lacks or mistakes.

    Args:
        found: as `words_of_maps` gives them.
    """
    lines: dict[str, list[str]] = {}
    for word in found:
        if word["proposed"] or not word["means"]:
            quoted = '"' + word["word"].replace("\\", "\\\\").replace('"', '\\"') + '"'
            lines.setdefault(word["field"], []).append(f"{quoted}: {word['proposed'] or '?'}")
    return {column: f"{{{', '.join(pairs)}}}" for column, pairs in lines.items()}


class WideCells:
    """The columns of a sample in which cells are wide, whether they are mapped or not."""

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()
        self._longest: dict[str, int] = {}

    def see(self, row: Any) -> None:
        """Note the wide cells of one row."""
        if not isinstance(row, Mapping):
            return
        for column, value in row.items():
            if isinstance(value, str) and len(value) > _WIDE:
                name = shown(str(column))
                self._rows[name] += 1
                self._longest[name] = max(self._longest.get(name, 0), len(value))

    def found(self) -> list[dict[str, Any]]:
        """Give the columns, the one with most such rows first."""
        return [
            {"field": name, "rows": count, "characters": self._longest[name]}
            for name, count in self._rows.most_common()
        ]


def _other(word: Word) -> str:
    """Give the value that the word tells; "" where it tells none, or the one that it means."""
    own = _PROPOSED.get(word.attribute, ())
    value = _proposal(word.word, {word.attribute: own})
    return "" if word.means in {value, _name_of(value)} else value


def _name_of(value: str) -> str:
    return Status(int(value)).name if value.isdecimal() else value


def _proposal(word: str, tables: Mapping[str, Sequence[tuple[str, str]]]) -> str:
    letters = unicodedata.normalize("NFD", word.lower().replace("đ", "d"))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    pairs = (pair for table in tables.values() for pair in table)
    return next((value for part, value in pairs if part in plain), "")
