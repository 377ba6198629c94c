"""How a command fails: one error document, the same lines, the same exit codes; no traceback.

What the caller or the machine can cause is told in a line. Anything else is a defect of ours: one
line, and the full trace in a file that only its owner reads.
"""

import os
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer

from lgsp.domain.errors import ConfigurationError, Fault, LgspError, RetryableError
from lgsp.runtime.disk import describe
from lgsp.runtime.logs import mask
from lgsp.runtime.text import printable

_traces = Path()


class Kind(StrEnum):
    """What an error means for the caller."""

    USAGE = "usage"  # mend the command line
    CONFIGURATION = "configuration"  # mend a setting, a file, the place or the question
    UNAVAILABLE = "unavailable"  # the same command may succeed later
    FAILED = "failed"  # it will not succeed until the cause is mended
    INTERRUPTED = "interrupted"  # by Ctrl-C
    DEFECT = "defect"  # a fault of this program: report it with its trace


_EXIT_CODES = {Kind.USAGE: 2, Kind.CONFIGURATION: 2, Kind.INTERRUPTED: 130}


class Failure:
    """An error as a command shows it.

    Args:
        kind: what it means for the caller.
        faults: what is wrong, one or more.
        trace: file with the full trace of a defect.
    """

    def __init__(self, kind: Kind, faults: tuple[Fault, ...], trace: str = "") -> None:
        self.kind, self.faults, self.trace = kind, faults, trace
        self.exit_code = _EXIT_CODES.get(kind, 1)

    def document(self) -> dict[str, Any]:
        """Return the error document; every text is one printable line."""
        faults = [
            {
                name: printable(value) if isinstance(value, str) else value
                for name, value in asdict(fault).items()
                if value or name == "message"
            }
            for fault in self.faults
        ]
        error = {
            "kind": self.kind.value,
            "exit_code": self.exit_code,
            "message": "\n".join(printable(str(fault)) for fault in self.faults),
            "faults": faults,
        }
        return {"error": error | ({"trace": self.trace} if self.trace else {})}

    def lines(self) -> list[str]:
        """Return the lines for people, one a fault."""
        return [f"{self.kind}: {printable(str(fault))}" for fault in self.faults]


def failure_of(error: BaseException) -> Failure:
    """Say how an error is shown; the trace of a defect is written on the way."""
    if isinstance(error, ConfigurationError):
        return Failure(Kind.CONFIGURATION, error.faults)
    for known, kind, tell in _KNOWN:
        if isinstance(error, known):
            return Failure(kind, (Fault(message=tell(error)),))
    trace = keep_trace(error)
    last = "; ".join(traceback.format_exception_only(error)[-1].split("\n")).strip("; ")
    line = f"{mask(last)}; a defect of this program, full trace in {trace}"
    return Failure(Kind.DEFECT, (Fault(message=line),), trace)


def failed(message: str) -> Failure:
    """Return the failure of work that ended, but not well: a document of its own says the rest."""
    return Failure(Kind.FAILED, (Fault(message=message),))


def keep_traces_in(folder: Path) -> None:
    """Say where traces of defects belong: a folder `logs` of a data folder that exists."""
    global _traces  # noqa: PLW0603 - of the process, as logging itself
    _traces = folder


def keep_trace(error: BaseException) -> str:
    """Write the full trace into a new file (mode 0600) and return its path; never raises.

    Values that look like personal data are masked. Where there is no data folder, or it cannot be
    written, the file goes to the system's folder for temporary files.
    """
    text = mask("".join(traceback.format_exception(error)))
    text = "\n".join(map(printable, text.split("\n")))
    name = f"defect-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}-"
    places = [Path(tempfile.gettempdir())]
    if _traces.parent.is_dir() and _traces != Path():
        places.insert(0, _traces)
    for place in places:
        try:
            place.mkdir(exist_ok=True)
            handle, path = tempfile.mkstemp(".log", name, place)  # 0600
            with open(handle, "w", encoding="utf-8") as file:
                file.write(text)
        except OSError:
            continue
        return path
    return "nowhere: no folder can be written"


def _usage(error: typer.TyperException) -> str:
    message = " ".join(error.format_message().replace("Value error, ", "").split()).rstrip(".")
    context = getattr(error, "ctx", None)
    return message if context is None else f"{message}; see {context.command_path} --help"


def _of_system(error: OSError) -> str:
    return describe(error, _traces.parent)


_KNOWN: tuple[tuple[type[BaseException], Kind, Callable[[Any], str]], ...] = (
    (RetryableError, Kind.UNAVAILABLE, str),
    (LgspError, Kind.FAILED, str),
    (typer.TyperException, Kind.USAGE, _usage),
    (KeyboardInterrupt, Kind.INTERRUPTED, lambda _: "ended by Ctrl-C"),
    (OSError, Kind.FAILED, _of_system),
    (MemoryError, Kind.FAILED, lambda _: "the machine has no memory left for this"),
)
