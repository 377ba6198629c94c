"""Judges an answer of the national portal at every level: codes first, messages second. Pure.

An answer is an object with `error_code` and `message`; rows below it may carry their own. Nothing
that cannot be read counts as success.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, NamedTuple

import orjson

from lgsp.domain.errors import RetryableError
from lgsp.national.outcomes import Mixed, Ok, Outcome, OutcomeUnknown, Refused
from lgsp.national.phrases import is_denied
from lgsp.runtime.personal import hide, mask

Answer = dict[str, Any]
OK = "0"

_CODE_NAMES = frozenset({"errorcode"})
_MESSAGE_NAMES = frozenset({"message", "errormessage"})
_NUMBER = re.compile(r"\s*([+-]?)0*(\d{1,9})\s*", re.ASCII)
_CODE_KEY = re.compile(rb'"error_?code"\s*:', re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_MESSAGE = 300  # characters kept of a message
_LOOKED_AT = 4000  # characters of a message that are judged: a longer one is no sentence
_DEEPEST = 8
_REASONS = 3  # reasons shown of one answer


class _Said(NamedTuple):
    """What one level of an answer says: its code ("" for none, None: not readable), its words."""

    code: str | None
    message: str

    @property
    def refused(self) -> bool:
        return self.code not in {OK, ""} or is_denied(self.message)


def read_answer(raw: bytes) -> Answer | str:
    """Return the body as an answer of the portal's, or why it is none (never its content).

    Every text in it can be written as UTF-8: half a character, as a message cut in the middle of
    one has it, is "?".
    """
    try:
        answer = _parsed(raw)
        if isinstance(answer, str):  # written as JSON twice
            answer = _parsed(answer.encode())
    except UnicodeDecodeError:
        return "the answer is not UTF-8"
    except (ValueError, RecursionError):
        kind = "HTML, a login page?" if raw.lstrip()[:1] == b"<" else f"{len(raw)} bytes"
        return f"the answer is not JSON ({kind})"
    if not isinstance(answer, dict) or code_of(answer) is None:
        return "the answer is JSON without an error_code that can be read"
    return answer


def _parsed(raw: bytes) -> Any:
    if len(_CODE_KEY.findall(raw)) > 1:  # one level may have two, of which parsers keep the last
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_with_repeated)
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        # The plain parser bears a byte order mark, UTF-16, and half a character.
        answer = json.loads(raw, parse_constant=lambda _name: None)
        return orjson.loads(json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace"))


def _with_repeated(pairs: list[tuple[str, Any]]) -> Answer:
    """Keep each value of a repeated name, under the name with "_" behind it: it means the same."""
    kept: Answer = {}
    for given, value in pairs:
        name = given
        while name in kept:
            name += "_"
        kept[name] = value
    return kept


def code_of(answer: Answer) -> str | None:
    """Return the code in one form ("00", "0" and 0 are equal), None when there is none."""
    return _said(answer).code or None


def message_of(answer: Answer, hidden: Collection[str] = ()) -> str:
    """Return the message as it may be shown: without `hidden`, in which our secrets are."""
    return _shown(_said(answer).message, hidden)


def refusal_of(answer: Answer) -> str | None:
    """Return the whole message of an answer whose own level refuses, None when it does not."""
    said = _said(answer)
    return said.message if said.refused else None


def row_of(
    rows: Iterable[Answer], name: str, code: str, plain: Callable[[str], str] = str
) -> Answer | None:
    """Return the row of what was asked for, None when there is no row at all.

    Args:
        rows: the result of a question.
        name: the field with the code.
        code: what was asked for.
        plain: takes from a code what may differ.

    Raises:
        RetryableError: the rows are of something else.
    """
    given = [(plain(str(row.get(name)).strip()), row) for row in rows]
    own = [row for each, row in given if each == code]
    if given and not own:
        raise RetryableError(f"the answer is of another {name} than was asked for")
    return own[0] if own else None


def judge(answer: Answer, *, items: int = 0, hidden: Collection[str] = ()) -> Outcome:
    """Judge an answer.

    Args:
        answer: as `read_answer` gave it.
        items: how many records or steps the call sent, 0 for a question.
        hidden: what was sent and no message may show, whatever the portal repeats of it.
    """
    top, rows = _said(answer), answer.get("result")
    if items > 1 and isinstance(rows, list) and len(rows) == items:
        outcomes = [_judge_row(row, hidden) for row in rows]
        whole = [outcome for outcome in outcomes if outcome is not None]
        if len(whole) == items and len({type(outcome) for outcome in whole}) > 1:
            return Mixed(tuple(whole))
    below = [said for part in answer.values() for said in _levels(part, 0)]
    bad = [said for said in below if said.refused]
    if top.refused:
        return _refusal([top, *bad], hidden)
    if bad and items > 1 and any(said.code == OK for said in below):
        return OutcomeUnknown(
            f"some items were refused, which is not told: {_reason(bad, hidden)}"
        )
    if bad:
        return _refusal([top, *bad], hidden)
    found = _rows(rows)
    if rows and not found and not items:
        return OutcomeUnknown("the result holds no record")
    return Ok(found)


def _judge_row(row: object, hidden: Collection[str]) -> Ok | Refused | None:
    """Judge one item's row, None when it carries no code."""
    said = list(_levels(row, 0))
    if not isinstance(row, dict) or not said or _said(row).code == "":
        return None
    bad = [each for each in said if each.refused]
    return _refusal(bad, hidden) if bad else Ok()


def _refusal(said: list[_Said], hidden: Collection[str]) -> Refused:
    """Return a refusal by the most telling code, with every reason given."""
    codes = [each.code or "unreadable" for each in said if each.code != ""]
    special = [code for code in codes if code not in {OK, "-1"}]
    return Refused(next(iter([*special, *codes[::-1]]), OK), _reason(said, hidden))


def _reason(said: list[_Said], hidden: Collection[str]) -> str:
    given = dict.fromkeys(each.message for each in said if each.refused and each.message)
    return _shown("; ".join(list(given)[:_REASONS]) or "no reason is given", hidden)


def _levels(part: object, depth: int) -> Iterator[_Said]:
    """Give what each object within says that carries a code or a message, outer ones first."""
    if depth > _DEEPEST:
        yield _Said(None, "nested too deeply")
    elif isinstance(part, dict):
        said = _said(part)
        if said != _Said("", ""):
            yield said
        for inner in part.values():
            yield from _levels(inner, depth + 1)
    elif isinstance(part, list):
        for inner in part:
            yield from _levels(inner, depth + 1)


def _said(level: Answer) -> _Said:
    code: str | None = ""
    message = ""
    for name, value in level.items():
        plain = name.replace("_", "").casefold()
        if plain in _CODE_NAMES:
            other = _code(value)
            if code in {"", OK}:  # of two codes on one level the worse one counts
                code = other if other != "" else code
        elif plain in _MESSAGE_NAMES and value is not None:
            given = value if isinstance(value, str) else str(value)
            if not message or is_denied(given):
                message = given[:_LOOKED_AT]
    return _Said(code, message)


def _code(value: object) -> str | None:
    """Return a code in one form; "" for none, None for one that cannot be read."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool) or not isinstance(value, int | str | float):
        return None
    if isinstance(value, float):
        value = int(value) if value.is_integer() else "?"
    found = _NUMBER.fullmatch(str(value))
    if found is None:
        return None
    return OK if found[2] == OK else found[1].replace("+", "") + found[2]


def _rows(result: object) -> list[Answer]:
    rows = result if isinstance(result, list) else [result]
    return [row for row in rows if isinstance(row, dict) and row]


def _shown(message: str, hidden: Collection[str]) -> str:
    return mask(hide(_CONTROL.sub(" ", message), hidden)[:_MESSAGE]).strip()
