"""The error tree, grouped by what the caller must do: not start, wait, reject or stop."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class LgspError(Exception):
    """Root of every error that this project raises on purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong in what we were given, and where it stands.

    Args:
        message: what is wrong, and the way out.
        file: the file it stands in; "" when it is in none.
        line: line of that file, from 1; 0 when it is not known.
        key: path of keys in the file (`source.path`), or the variable or option.
        value: as given; None when there is none, or when it must not be shown.
    """

    message: str
    file: str = ""
    line: int = 0
    key: str = ""
    value: str | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        got = "" if self.value is None else f" (got {self.value!r})"
        return ": ".join(part for part in (place, self.key, self.message + got) if part)


class ConfigurationError(LgspError):
    """A setting, option or mapping is wrong; found before work starts (exit code 2).

    `faults` holds everything that is wrong, in the order of the sources; the message is a line
    each.
    """

    def __init__(self, what: str | Iterable[Fault]) -> None:
        self.faults = (Fault(message=what),) if isinstance(what, str) else tuple(what)
        super().__init__("\n".join(map(str, self.faults)))


class RetryableError(LgspError):
    """The same call may succeed later; wait `wait` seconds if the other side advised it."""

    def __init__(self, message: str, *, wait: float | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class FatalError(LgspError):
    """Going on would lose or corrupt data (exit code 1); no checkpoint or offset advances."""


class RejectReason(StrEnum):
    """Why a record was rejected: a closed set, because it becomes a metric label."""

    UNREADABLE = "unreadable"  # broken encoding, bad Avro or JSON, unknown schema id
    TRUNCATED = "truncated"  # the source ends inside a record
    MISSING_FIELD = "missing_field"
    BAD_VALUE = "bad_value"  # out of the attribute's range or form
    BAD_CODE = "bad_code"  # dossier, agency or procedure code of the wrong form
    BAD_DATE = "bad_date"
    UNMAPPED_STATUS = "unmapped_status"
    UNMAPPED_VALUE = "unmapped_value"
    FINISHED_WITHOUT_DATE = "finished_without_date"
    CONFLICT = "conflict"  # its code stands for another dossier already
    DEFECT = "defect"  # the code that reads the record failed: its author's fault or ours


class RejectedRecord(LgspError):  # noqa: N818 - a judgement of the record, not a failure of ours
    """This record cannot be used: write it as a dead letter with its cause and go on.

    Args:
        reason: the closed cause, used as a metric label.
        field: attribute or column at fault, "" when the whole record is.
        value: the value as found, with ? for what is no character (half a surrogate pair);
            never personal data (the caller masks it).
        detail: one sentence for a human.
    """

    def __init__(
        self, reason: RejectReason, *, field: str = "", value: str = "", detail: str = ""
    ) -> None:
        value = value.encode(errors="replace").decode()
        super().__init__(reason.value)
        self.reason = reason
        self.field = field
        self.value = value
        self.detail = detail
        self.dossier_code = ""  # whose record it is, once that is known
        self.stated = 0  # the order of its statement (event.statement_of), once that is known

    def __str__(self) -> str:
        """Say what is wrong, with the value as it may be shown now."""
        what = f"{self.field}={self.value!r}" if self.field else self.value
        return ": ".join(part for part in (self.reason.value, what, self.detail) if part)
