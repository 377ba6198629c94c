"""The portal's catalogue of procedures: a file, or any well-formed code with a synthetic name."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from lgsp.domain.codes import is_procedure
from lgsp.runtime.documents.reading import load_as

Entry = dict[str, Any]


class Catalogue:
    """Procedures by code.

    Args:
        entries: {code, name, domain, domain_name} each; None: every well-formed code is known.
        unknown: codes that are not known whatever `entries` says.
    """

    def __init__(
        self, entries: Iterable[dict[str, str]] | None = None, unknown: Iterable[str] = ()
    ) -> None:
        self._unknown = frozenset(unknown)
        self._entries = None if entries is None else {e["code"]: _entry(**e) for e in entries}
        self._made: dict[str, Entry] = {}

    def find(self, code: str) -> Entry | None:
        """Return the procedure in the portal's form, None when it is not known."""
        if code in self._unknown:
            return None
        if self._entries is not None:
            return self._entries.get(code)
        if code not in self._made:
            if not is_procedure(code):
                return None
            self._made[code] = _entry(code, f"Thủ tục {code}", "G00-LV01", "Lĩnh vực mẫu")
        return self._made[code]

    def all(self) -> list[Entry]:
        """Return the procedures that are listed: those of the file, or those asked for so far."""
        return list((self._made if self._entries is None else self._entries).values())


def _entry(code: str, name: str, domain: str, domain_name: str) -> Entry:
    return {
        "MATTHC": code,
        "TENTTHC": name,
        "LINHVUCTHUCHIEN": [{"MALINHVUC": domain, "TENLINHVUC": domain_name}],
    }


class _Procedure(BaseModel):
    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)
    code: str
    name: str
    domain: str
    domain_name: str


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)
    procedures: list[_Procedure] | None = None
    unknown: list[str] = []


def load_catalogue(path: Path) -> Catalogue:
    """Read a YAML file {procedures: [{code, name, domain, domain_name}], unknown: [code]}.

    Raises:
        ConfigurationError: naming file, line and key of every fault.
    """
    found = load_as(path, _File)
    entries = None
    if found.procedures is not None:
        entries = [entry.model_dump() for entry in found.procedures]
    return Catalogue(entries, map(str, found.unknown))
