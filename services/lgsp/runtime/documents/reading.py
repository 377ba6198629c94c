"""Reads a YAML file into a Document: its plain data, and what is already wrong with it."""

import os
import re
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel

from lgsp.domain.errors import ConfigurationError, Fault
from lgsp.runtime.documents.document import Document, Keys
from lgsp.runtime.documents.faults import Faults

_MOST = 300_000  # values of a file; a few aliases of aliases can stand for billions
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_BRACES = re.compile(r"\$\{[^}]*\}?")
_TEXTS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "value", "merge"))
# What YAML calls a mark may be a secret that nobody put in quotes.
_MARK = re.compile(r"(alias|anchor|tag handle|tag) (?:'.*?'|\".*?\")")
_WAYS_OUT = {
    "'\\t'": ": YAML indents by blanks, not by tabs",
    "mapping values are not allowed": ": keys of one block begin in one column, and a text with"
    " ': ' in it stands in quotes",
    "expected <block end>": ": keys of one block begin in one column",
    "escape character": ": in double quotes \\ begins an escape: write /, or single quotes",
    "another document": ": one file holds one document, without ---",
}
_Model = TypeVar("_Model", bound=BaseModel)


def read_document(path: Path, root: type = dict) -> Document:
    """Read a YAML file; `${NAME}` in a text stands for an environment variable.

    A key is the text that is written. A value is a number, true, false or null only where it is
    written as we would show it; `no`, `010`, `1.10`, `1:30`, `2024-01-01` are texts: a code or a
    word of a portal is never another one because YAML has a type that looks like it.

    Args:
        path: the file.
        root: what it must hold: a mapping (dict) or a list.

    Returns:
        The document with all its faults: no such file, not YAML, not a `root`, a key written
        twice, a variable that is not set. Its data is empty when nothing can be read.
    """
    document = Document(path, root())
    text = ""
    try:
        text = path.read_text("utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except OSError as error:
        document.faults.append(Fault(message=f"cannot be read: {error.strerror}", file=str(path)))
    except UnicodeDecodeError as error:
        message = f"not UTF-8: byte {error.start + 1} is 0x{error.object[error.start]:02X}"
        document.faults.append(Fault(message=message, file=str(path)))
    except yaml.MarkedYAMLError as error:
        document.faults.append(_syntax_fault(path, error))
    except RecursionError:
        message = "its values are nested too deeply"
        document.faults.append(Fault(message=message, file=str(path)))
    except yaml.reader.ReaderError as error:
        message = f"not valid YAML: the character U+{error.character:04X} is not allowed"
        line = text.count("\n", 0, error.position) + 1
        document.faults.append(Fault(message=message, file=str(path), line=line))
    else:
        _read_root(node, document)
    return document


def load_as(path: Path, model: type[_Model]) -> _Model:
    """Read a YAML mapping as the model; ConfigurationError lists every fault."""
    document = read_document(path)
    if document.faults and not document.data:
        raise ConfigurationError(document.faults)  # no key can be judged
    faults = Faults()
    faults.found += document.faults
    loaded: list[_Model] = []
    with faults.gathered():
        loaded.append(document.validated(model, document.data))
    faults.raise_all()
    return loaded[0]


def load_entries(path: Path, model: type[_Model]) -> list[_Model]:
    """Read a YAML list whose entries are the model's; ConfigurationError lists every fault."""
    document = read_document(path, list)
    faults = Faults()
    faults.found += document.faults
    entries = []
    for number, entry in enumerate(document.data):
        with faults.gathered():
            entries.append(document.validated(model, entry, (number,)))
    faults.raise_all()
    return entries


def _read_root(node: yaml.Node | None, document: Document) -> None:
    if node is None and isinstance(document.data, list):
        return
    wanted = yaml.MappingNode if isinstance(document.data, dict) else yaml.SequenceNode
    if not isinstance(node, wanted):
        what = "a mapping of keys" if wanted is yaml.MappingNode else "a list"
        document.faults.append(
            Fault(message=f"{what} is expected", file=str(document.path), line=1)
        )
        return
    faults = Faults()
    with faults.gathered():
        try:
            if _size(node, {}) > _MOST:
                raise document.error((), f"its aliases stand for more than {_MOST:,} values")
            plain = _plain(node, (), document, faults)
        except RecursionError:
            raise document.error((), "an alias contains itself") from None
        if isinstance(plain, dict):
            document.data.update(plain)
        else:
            document.data.extend(plain)
    document.faults.extend(faults.found)


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """Count the values that a node stands for, each alias as what it names."""
    if id(node) not in known:
        known[id(node)] = 0  # what it is inside of itself, `_plain` tells
        inside = node.value if isinstance(node, yaml.CollectionNode) else ()
        parts = [
            part for item in inside for part in (item if isinstance(item, tuple) else (item,))
        ]
        known[id(node)] = 1 + sum(_size(part, known) for part in parts)
    return known[id(node)]


def _plain(node: yaml.Node, at: Keys, document: Document, faults: Faults) -> Any:
    if isinstance(node, yaml.MappingNode):
        out: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            with faults.gathered():
                key = _key(key_node, at, document)
                if key in out:
                    raise ConfigurationError(
                        [_at(document, (*at, key), key_node, "the key is written twice")]
                    )
                document.lines[(*at, key)] = key_node.start_mark.line + 1
                out[key] = _plain(value_node, (*at, key), document, faults)
        return out
    if isinstance(node, yaml.SequenceNode):
        items: list[Any] = []
        for number, item in enumerate(node.value):
            document.lines[(*at, number)] = item.start_mark.line + 1
            items.append(None)  # keeps the places of the others when this one is at fault
            with faults.gathered():
                items[-1] = _plain(item, (*at, number), document, faults)
        return items
    value = _scalar(node, at, document)
    return _expanded(value, at, document) if isinstance(value, str) else value


def _key(node: yaml.Node, at: Keys, document: Document) -> Any:
    if not isinstance(node, yaml.ScalarNode):
        raise ConfigurationError([_at(document, at, node, "a key is one word")])
    return node.value


def _scalar(node: yaml.Node, at: Keys, document: Document) -> Any:
    if node.tag in _TEXTS:
        return node.value
    try:
        value = yaml.SafeLoader("").construct_object(node)
    except yaml.MarkedYAMLError as error:
        raise ConfigurationError([_syntax_fault(document.path, error)]) from None
    except (ValueError, OverflowError):
        value = node.value
    return value if node.value in _written(value) else node.value


def _written(value: Any) -> tuple[str, ...]:
    """Return how a value may be written that is no text."""
    if value is None:
        return ("", "~", "null")
    if isinstance(value, bool):
        return (str(value).lower(),)
    return (str(value),) if isinstance(value, int | float) else ()


def _expanded(text: str, at: Keys, document: Document) -> str:
    names = _VARIABLE.findall(text)
    for written in _BRACES.findall(text):
        if not _VARIABLE.fullmatch(written):
            raise document.error(at, "only ${NAME} stands for an environment variable")
    if unset := [name for name in names if name not in os.environ]:
        raise document.error(at, f"environment variable {', '.join(unset)} is not set")
    if names:
        document.written[at] = text
    return _VARIABLE.sub(lambda match: os.environ[match[1]], text)


def _at(document: Document, keys: Keys, node: yaml.Node, message: str) -> Fault:
    return Fault(
        message=message,
        file=str(document.path),
        line=node.start_mark.line + 1,
        key=".".join(map(str, keys)),
    )


def _syntax_fault(path: Path, error: yaml.MarkedYAMLError) -> Fault:
    problem = _MARK.sub(r"\1", str(error.problem))
    if problem != str(error.problem):
        problem += ": a value that begins with *, &, ! or % stands in quotes"
    problem += next((way for found, way in _WAYS_OUT.items() if found in problem), "")
    line = error.problem_mark.line + 1 if error.problem_mark else 1
    return Fault(message=f"not valid YAML: {problem}", file=str(path), line=line)
