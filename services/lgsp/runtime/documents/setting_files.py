"""The files that settings may stand in: the YAML of LGSP_CONFIG, the files of LGSP_SECRETS_DIR."""

import difflib
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from lgsp.runtime.documents.document import Document
from lgsp.runtime.documents.faults import Faults, Keys
from lgsp.runtime.documents.reading import read_document
from lgsp.runtime.text import is_text

CONFIG_VARIABLE = "LGSP_CONFIG"
SECRETS_VARIABLE = "LGSP_SECRETS_DIR"
PREFIX = "LGSP_"
_OTHER_VARIABLES = {CONFIG_VARIABLE, SECRETS_VARIABLE, "LGSP_BENCH_CACHE"}


@dataclass
class SettingFiles:
    """What the files say, and all that is wrong with them; what cannot be used is left out."""

    document: Document | None = None
    secrets: dict[str, str] = field(default_factory=dict)
    secret_files: dict[str, Path] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)

    def place(self, keys: Keys) -> tuple[str, int, str]:
        """Return file, line and key of a setting; without a file, the variable that sets it."""
        name = str(keys[0])
        if self.document is not None and name in self.document.data:
            fault = self.document.fault(keys, "")
            return fault.file, fault.line, fault.key
        if name in self.secret_files:
            return str(self.secret_files[name]), 0, name
        return "", 0, f"{PREFIX}{name.upper()}"


def read_setting_files(names: Collection[str]) -> SettingFiles:
    """Read the files that the environment names; `names` are the settings there are."""
    files = SettingFiles()
    if path := os.environ.get(CONFIG_VARIABLE):
        document = files.document = read_document(Path(path))
        for fault in document.faults:
            files.faults.found.append(fault if fault.line else replace(fault, key=CONFIG_VARIABLE))
    if folder := os.environ.get(SECRETS_VARIABLE):
        _read_secrets(Path(folder), names, files)
    return files


def refuse_unknown(environment: Mapping[str, str], names: Collection[str], faults: Faults) -> None:
    """Name misspelt variables, which nobody would notice, and values that are no text."""
    known = {f"{PREFIX}{name.upper()}" for name in names} | _OTHER_VARIABLES
    for name in sorted(environment):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            # Its value may be a secret: which setting was meant is not known.
            faults.add(_no_such_setting(name, names), key=name)
        elif name.upper() in known and not is_text(environment[name]):
            faults.add("is not UTF-8", key=name)


def _no_such_setting(name: str, names: Collection[str]) -> str:
    """Say that a variable, or a file of a secret, sets nothing, with the likely name."""
    known = [f"{PREFIX}{each}".upper() for each in names]
    close = difflib.get_close_matches(
        name.upper().removeprefix(PREFIX), [each.removeprefix(PREFIX) for each in known], n=1
    )
    return "no such setting" + (
        f"; did you mean {PREFIX}{close[0]}?" if close else ": see docs/settings.md"
    )


def _read_secrets(folder: Path, names: Collection[str], files: SettingFiles) -> None:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        message = f"no such folder: {error.strerror}"
        files.faults.add(message, key=SECRETS_VARIABLE, value=str(folder))
        return
    for entry in entries:
        name = entry.name.lower()
        if not name.startswith(PREFIX.lower()):
            continue  # the folder may hold what is meant for others, too
        key = name.removeprefix(PREFIX.lower())
        if key not in names:
            files.faults.add(_no_such_setting(entry.name, names), file=str(entry))
            continue
        try:
            files.secrets[key] = entry.read_text("utf-8").strip()
            files.secret_files[key] = entry
        except OSError as error:
            files.faults.add(f"cannot be read: {error.strerror}", file=str(entry))
        except UnicodeDecodeError:
            files.faults.add("is not UTF-8", file=str(entry))
