"""The portal's catalogue of procedures: a file, or any well-formed code with a synthetic name."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from lgsp.domain.codes import is_procedure
from lgsp.domain.errors import ConfigurationError

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


def load_catalogue(path: Path) -> Catalogue:
    """Read a YAML file {procedures: [{code, name, domain, domain_name}], unknown: [code]}.

    Raises:
        ConfigurationError: naming the file and the entry at fault.
    """
    try:
        content = yaml.safe_load(path.read_text("utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"{path}: {error}") from error
    if not isinstance(content, dict) or not set(content) <= {"procedures", "unknown"}:
        raise ConfigurationError(f"{path}: only `procedures` and `unknown` are expected")
    entries = content.get("procedures")
    for n, entry in enumerate(entries or [], 1):
        if not isinstance(entry, dict) or set(entry) != {"code", "name", "domain", "domain_name"}:
            raise ConfigurationError(
                f"{path}: procedure {n}: {entry!r} must have code, name, domain, domain_name"
            )
    return Catalogue(entries, map(str, content.get("unknown") or []))
