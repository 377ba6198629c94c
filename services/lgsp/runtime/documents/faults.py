"""Faults of what we were given, all of them at once, each with the nearest right word.

What may be shown of a wrong value is decided by the type that is expected there: where a secret
belongs, or something that holds one, the value is never shown.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretBytes, SecretStr, ValidationError
from pydantic_core import PydanticCustomError

from lgsp.domain.errors import ConfigurationError, Fault

HIDDEN = "***"
_LONGEST = 80  # characters of a value that a message shows
_USER_OF_URL = re.compile(r"(?:(?<=//)|(?<![^\s,;'\"])[^\s/@:]{0,100}:)\S{1,400}(?=@)")
_SECRET_WORD = r"[\w-]{0,40}(?:passw|secret|token|credential|api_?key|private_?key)[\w-]{0,40}"  # noqa: S105
_SECRET_NAME = re.compile(_SECRET_WORD, re.IGNORECASE)
_SECRET_PAIR = re.compile(rf"({_SECRET_WORD}\s*[=:]\s*)[^\s&;,]+", re.IGNORECASE)

_KEYED = "keyed_faults"

Keys = tuple[int | str, ...]
"""A path of keys, from the root inwards."""

Keyed = tuple[Keys, str, str | None]
"""A fault inside a block: path, message, value as it may be shown."""

Place = Callable[[Keys], tuple[str, int, str]]
"""Gives file, line and key of a path of keys."""


class Faults:
    """Gathers faults, so that one does not hide the next.

    with faults.gathered():          # what is raised inside is kept
        ...
    faults.raise_all()               # ConfigurationError when there was any
    """

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def add(self, message: str, **place: Any) -> None:
        """Keep one; `place` holds the other attributes of a Fault."""
        self.found.append(Fault(message=message, **place))

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Keep the faults of a ConfigurationError that is raised inside, and end it there."""
        try:
            yield
        except ConfigurationError as error:
            self.found += [fault for fault in error.faults if fault not in self.found]

    def raise_all(self) -> None:
        """Raise one ConfigurationError with every fault; nothing when there is none."""
        if self.found:
            raise ConfigurationError(self.found)


def nearest(word: object, known: Iterable[str]) -> str:
    """Return "; did you mean X?" for the known word that is most like it, else all of them."""
    words = list(known)
    lower = {each.lower(): each for each in words}
    close = difflib.get_close_matches(str(word).lower(), lower, n=1)
    if close:
        return f"; did you mean {lower[close[0]]}?"
    return f"; known: {', '.join(words)}"


def shown(value: object, *, secret: bool = False) -> str:
    """Return a value as a message may show it: short, without users and passwords of URLs."""
    if secret:
        return HIDDEN
    text = value if isinstance(value, str) else repr(value)
    text = _SECRET_PAIR.sub(rf"\1{HIDDEN}", _USER_OF_URL.sub(HIDDEN, text))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def faults_of(
    error: ValidationError,
    model: type[BaseModel],
    place: Place,
    more_keys: Iterable[str] = (),
) -> list[Fault]:
    """Return every fault that pydantic found, one a place, and those that `keyed` has wrapped.

    Args:
        error: what validating by `model` raised.
        model: its fields say which values are secret and which keys are right.
        place: where a path of keys stands.
        more_keys: right keys beside those of the model, at its top.
    """
    made: dict[tuple[str, int, str], Fault] = {}
    for keys, message, value in _messages(error, model, list(more_keys)):
        where = place(keys)
        if where in made and made[where].message != message:  # the arms of a union, one each
            message = f"{made[where].message}; or: {message}"  # noqa: PLW2901
        file, line, key = where
        made[where] = Fault(message=message, file=file, line=line, key=key, value=value)
    return [*made.values(), *_of_blocks(error, place)]


def keyed(faults: Iterable[Keyed]) -> PydanticCustomError:
    """Make what a validator of a whole block raises, so that each fault keeps its own place.

    Args:
        faults: path of keys inside the block, message, and the value as it may be shown.
    """
    return PydanticCustomError(_KEYED, "the block has faults", {"faults": list(faults)})


def _of_blocks(error: ValidationError, place: Place) -> Iterator[Fault]:
    for found in error.errors():
        if found["type"] == _KEYED:
            for inside, message, value in found["ctx"]["faults"]:
                file, line, key = place((*found["loc"], *inside))
                yield Fault(message=message, file=file, line=line, key=key, value=value)


def _messages(
    error: ValidationError, model: type[BaseModel], more_keys: list[str]
) -> Iterator[Keyed]:
    for found in error.errors():
        keys: Keys = found["loc"]
        if found["type"] == _KEYED:
            continue
        if found["type"] == "extra_forbidden":
            known = [name for kind in _types_at(model, keys[:-1]) for name in _keys_of(kind)]
            if len(keys) == 1:
                known += more_keys
            yield keys, "unknown key" + nearest(keys[-1], known), None
        elif found["type"] == "missing":
            yield keys, "this key is required", None
        elif found["type"] == "string_type" and isinstance(found["input"], int | float):
            # From YAML: what we show is what is written.
            yield keys, "a text is expected: write it in quotes", _value_at(found, model, keys)
        elif found["type"] == "model_type":
            yield keys, "a mapping of keys is expected", _value_at(found, model, keys)
        else:
            message = found["msg"].removeprefix("Value error, ")
            yield keys, message, _value_at(found, model, keys)


def _value_at(found: Any, model: type[BaseModel], keys: Keys) -> str:
    return shown(found["input"], secret=_is_secret(model, keys))


def _is_secret(model: type[BaseModel], keys: Keys) -> bool:
    """Tell whether a secret belongs at this path; a path that leads nowhere is judged above it."""
    kinds: list[Any] = [model]
    for key in keys:
        if isinstance(key, str) and _SECRET_NAME.fullmatch(key):
            return True
        kinds = _inside(kinds, key) or kinds
    return any(_holds_secret(kind) for kind in kinds)


def _types_at(model: type[BaseModel], keys: Keys) -> list[Any]:
    kinds: list[Any] = [model]
    for key in keys:
        kinds = _inside(kinds, key)
    return kinds


def _inside(kinds: list[Any], key: int | str) -> list[Any]:
    """Return the types that may stand under `key` of a value of these types."""
    found: list[Any] = []
    for kind in kinds:
        if _is_model(kind):
            fields = [
                field.annotation
                for name, field in kind.model_fields.items()
                if key in {name, field.alias}
            ]
            found += [arm for annotation in fields for arm in _arms(annotation)]
        elif arguments := get_args(kind):
            found += _arms(arguments[-1])
    return found


def _arms(kind: Any) -> list[Any]:
    if get_origin(kind) in {Union, UnionType}:
        return [arm for part in get_args(kind) for arm in _arms(part)]
    return [kind]


def _holds_secret(kind: Any) -> bool:
    if isinstance(kind, type) and issubclass(kind, SecretStr | SecretBytes):
        return True
    if _is_model(kind):
        return any(_holds_secret(field.annotation) for field in kind.model_fields.values())
    return any(_holds_secret(part) for part in get_args(kind))


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _keys_of(kind: Any) -> list[str]:
    if not _is_model(kind):
        return []
    return [field.alias or name for name, field in kind.model_fields.items()]
