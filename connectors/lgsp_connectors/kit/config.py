"""A connector's YAML with its line numbers, so that every fault names file, line and key."""

import os
import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lgsp.domain.errors import ConfigurationError

PORTAL_ID = r"^[a-z0-9-]+$"
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_Model = TypeVar("_Model", bound=BaseModel)


class Strict(BaseModel):
    """Base of every settings model: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RunSettings(Strict):
    """How the kit runs a connector (`run:` in the YAML)."""

    poll_seconds: float = Field(
        default=60, gt=0, description="Pause between polls once caught up."
    )
    max_consecutive_rejects: int = Field(
        default=100, ge=1, description="Rejected records in a row that stop the connector."
    )
    give_up_seconds: float = Field(
        default=300,
        gt=0,
        description="Longest time one read is tried again before the connector stops.",
    )
    pages_per_second: float = Field(
        default=0, ge=0, description="Most reads a second; 0: no limit."
    )


class Head(Strict):
    """What every connector's YAML says besides its own keys."""

    connector: str = Field(description="Name in the entry-point group `lgsp.connectors`.")
    portal: str = Field(pattern=PORTAL_ID, description="Id of the portal.")
    province: str = Field(pattern=r"^[GH]\d{2}$", description="Code of the province, e.g. H37.")
    run: RunSettings = RunSettings()


@dataclass(frozen=True)
class Document:
    """A parsed YAML file: plain data, and the line of each key by its path."""

    path: Path
    data: dict[str, Any]
    lines: dict[tuple[Hashable, ...], int]

    def where(self, keys: Sequence[Hashable]) -> str:
        """Give "file.yaml:12: a.b" for a key path, or for its nearest written parent."""
        known = tuple(keys)
        while known not in self.lines and known:
            known = known[:-1]
        dotted = ".".join(map(str, keys))
        return f"{self.path}:{self.lines.get(known, 1)}: {dotted}"

    def error(self, keys: Sequence[Hashable], message: str) -> ConfigurationError:
        """Make the error of a key: file, line, key, message."""
        return ConfigurationError(f"{self.where(keys)}: {message}")

    def head(self) -> Head:
        """Validate the keys common to all connectors."""
        return self._validate(Head, {k: v for k, v in self.data.items() if k in Head.model_fields})

    def settings(self, model: type[_Model]) -> _Model:
        """Validate the connector's own keys; ConfigurationError lists every fault."""
        own = {k: v for k, v in self.data.items() if k not in Head.model_fields}
        return self._validate(model, own)

    def _validate(self, model: type[_Model], data: dict[str, Any]) -> _Model:
        try:
            return model.model_validate(data)
        except ValidationError as error:
            raise ConfigurationError(
                "\n".join(self._fault(fault) for fault in error.errors())
            ) from error

    def _fault(self, fault: Any) -> str:
        message = fault["msg"]
        if fault["type"] == "extra_forbidden":
            message = "unknown key"
        elif fault["type"] == "missing":
            message = "this key is required"
        elif not any("password" in str(k) or "token" in str(k) for k in fault["loc"]):
            message = f"{message} (got {fault['input']!r})"
        return f"{self.where(fault['loc'])}: {message}"


def load_document(path: Path) -> Document:
    """Read a connector's YAML; `${NAME}` in a text stands for an environment variable.

    Raises:
        ConfigurationError: no such file, not YAML, a key written twice, a variable not set.
    """
    document = Document(path, {}, {})
    try:
        root = yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader)
        if not isinstance(root, yaml.MappingNode):
            raise ConfigurationError(f"{path}:1: a mapping of keys is expected")
        document.data.update(_plain(root, (), document))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"{path}:{line}: not valid YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path}: not valid YAML: {error}") from error
    except RecursionError as error:
        raise ConfigurationError(f"{path}: an alias contains itself") from error
    return document


def _plain(node: yaml.Node, at: tuple[Hashable, ...], document: Document) -> Any:
    if isinstance(node, yaml.MappingNode):
        out: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = _scalar(key_node)
            document.lines[(*at, key)] = key_node.start_mark.line + 1
            if key in out:
                raise document.error((*at, key), "the key is written twice")
            out[key] = _plain(value_node, (*at, key), document)
        return out
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*at, i), document) for i, item in enumerate(node.value)]
    value = _scalar(node)
    return _expanded(value, at, document) if isinstance(value, str) else value


def _scalar(node: yaml.Node) -> Any:
    if not isinstance(node, yaml.ScalarNode):
        raise yaml.MarkedYAMLError(problem="a key is one word", problem_mark=node.start_mark)
    try:
        return yaml.SafeLoader("").construct_object(node)
    except ValueError as error:
        raise yaml.MarkedYAMLError(problem=str(error), problem_mark=node.start_mark) from error


def _expanded(text: str, at: tuple[Hashable, ...], document: Document) -> str:
    def value(match: re.Match[str]) -> str:
        try:
            return os.environ[match[1]]
        except KeyError:
            raise document.error(at, f"environment variable {match[1]} is not set") from None

    return _VARIABLE.sub(value, text)
