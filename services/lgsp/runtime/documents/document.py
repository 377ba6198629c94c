"""A YAML file with the line of each key, so that every fault names file, line and key."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from lgsp.domain.errors import ConfigurationError, Fault
from lgsp.runtime.documents.faults import faults_of

_Model = TypeVar("_Model", bound=BaseModel)
Keys = tuple[Hashable, ...]


@dataclass(frozen=True)
class Document:
    """A parsed YAML file.

    Args:
        path: the file.
        data: plain data, `${NAME}` in texts replaced.
        lines: line of each key and list item, by its path.
        written: texts as they stand in the file, where something in them was replaced.
        faults: what was already wrong while reading; what is at fault is left out of `data`.
    """

    path: Path
    data: Any = None
    lines: dict[Keys, int] = field(default_factory=dict)
    written: dict[Keys, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def fault(self, keys: Sequence[Hashable], message: str, value: str | None = None) -> Fault:
        """Make the fault of a key path, at its line or that of its nearest written parent."""
        known = self._known(keys)
        return Fault(
            message=message,
            file=str(self.path),
            line=self.lines.get(known, 1),
            key=".".join(map(str, keys)),
            value=value,
        )

    def where(self, keys: Sequence[Hashable]) -> str:
        """Return "file.yaml:12: a.b" for a key path."""
        fault = self.fault(keys, "")
        return f"{fault.file}:{fault.line}: {fault.key}"

    def error(self, keys: Sequence[Hashable], message: str) -> ConfigurationError:
        """Make the error of a key: file, line, key, message."""
        return ConfigurationError([self.fault(keys, message)])

    def validated(
        self,
        model: type[_Model],
        data: Any,
        at: Sequence[Hashable] = (),
        more_keys: Iterable[str] = (),
    ) -> _Model:
        """Return `data`, which stands at path `at`, as the model.

        Validators find the file's folder in their context, as `folder`.

        Args:
            model: its fields are the right keys.
            data: what is validated.
            at: where it stands in the file.
            more_keys: right keys beside those of the model, at its top.

        Raises:
            ConfigurationError: with every fault, not only the first. A key that was at fault
                when the file was read is named once, by that.
        """
        try:
            return model.model_validate(data, context={"folder": self.path.parent})
        except ValidationError as error:
            found = faults_of(error, model, lambda keys: self._place((*at, *keys)), more_keys)
        known = {fault.key for fault in self.faults}
        if new := [self._as_written(fault) for fault in found if fault.key not in known]:
            raise ConfigurationError(new)
        raise ConfigurationError(self.faults)

    def _place(self, keys: Sequence[Hashable]) -> tuple[str, int, str]:
        """Return file, line and key; what pydantic adds for the arms of a union is no key."""
        known = self._known(keys)
        missing = keys[: len(known) + 1] if len(known) == len(keys) - 1 else known
        shown = missing if _is_mapping(self.data, known) else known
        fault = self.fault(shown, "")
        return fault.file, fault.line, fault.key

    def _as_written(self, fault: Fault) -> Fault:
        """Show a text as the file has it: what stands in a variable may be a secret."""
        for keys, text in self.written.items():
            if ".".join(map(str, keys)) == fault.key and fault.value is not None:
                return replace(fault, value=text)
        return fault

    def _known(self, keys: Sequence[Hashable]) -> Keys:
        known = tuple(keys)
        while known not in self.lines and known:
            known = known[:-1]
        return known


def _is_mapping(data: Any, keys: Keys) -> bool:
    for key in keys:
        try:
            data = data[key]
        except (KeyError, IndexError, TypeError):
            return False
    return isinstance(data, dict)
