"""The error tree, grouped by what the caller must do: not start, wait, reject or stop."""

from enum import StrEnum


class LgspError(Exception):
    """Root of every error that this project raises on purpose."""


class ConfigurationError(LgspError):
    """A setting, option or mapping is wrong; found before work starts (exit code 2)."""


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
    REFUSED_BY_NATIONAL = "refused_by_national"


class RejectedRecord(LgspError):  # noqa: N818 - a judgement of the record, not a failure of ours
    """This record cannot be used: write it as a dead letter with its cause and go on.

    Args:
        reason: the closed cause, used as a metric label.
        field: attribute or column at fault, "" when the whole record is.
        value: the value as found; never personal data (the caller masks it).
        detail: one sentence for a human.
    """

    def __init__(
        self, reason: RejectReason, *, field: str = "", value: str = "", detail: str = ""
    ) -> None:
        what = f"{field}={value!r}" if field else value
        super().__init__(": ".join(part for part in (reason.value, what, detail) if part))
        self.reason = reason
        self.field = field
        self.value = value
        self.detail = detail
