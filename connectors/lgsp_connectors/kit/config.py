"""A connector's YAML: the keys common to all, and how each connector's own are validated."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lgsp.domain.connector_status import Clock
from lgsp.domain.working_time import DAY_MS, HOUR_MS, WORKING_DAY_MS
from lgsp.runtime.documents.document import Document

__all__ = [
    "PORTAL_ID",
    "Document",
    "Head",
    "RunSettings",
    "Strict",
    "read_head",
    "read_settings",
]

PORTAL_ID = r"^[a-z0-9-]+$"
_A_WEEK = 604_800.0  # seconds
_Model = TypeVar("_Model", bound=BaseModel)


class Strict(BaseModel):
    """Base of every settings model: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


_UNITS = {"s": 1000, "m": 60_000, "h": HOUR_MS, "d": DAY_MS}


class Expect(Strict):
    """How often a portal is expected to be read and to tell something new (`run.expect`)."""

    every: str = Field(
        pattern=r"^[1-9]\d{0,3}[smhd]$",
        description="Seconds, minutes, hours or days: 90s, 30m, 4h, 1d.",
    )
    working_days: bool = Field(default=False, description="Only working days count.")
    working_hours: bool = Field(
        default=False, description="Only working hours count; a day has eight of them."
    )

    @model_validator(mode="after")
    def _one_clock(self) -> "Expect":
        if self.working_days and self.working_hours:
            raise ValueError("working_days and working_hours: one of them only")
        return self

    @property
    def clock(self) -> Clock:
        """Which time counts."""
        if self.working_hours:
            return Clock.WORKING_HOURS
        return Clock.WORKING_DAYS if self.working_days else Clock.ALL

    @property
    def milliseconds(self) -> int:
        """How many ms of it may pass."""
        number, unit = int(self.every[:-1]), self.every[-1]
        if unit == "d" and self.working_hours:
            return number * WORKING_DAY_MS
        return number * _UNITS[unit]


class RunSettings(Strict):
    """How the kit runs a connector (`run:` in the YAML)."""

    poll_seconds: float = Field(
        default=60, gt=0, le=_A_WEEK, description="Pause between polls once caught up."
    )
    max_consecutive_rejects: int = Field(
        default=100,
        ge=1,
        le=10**9,
        description="Rejected records in a row that stop the connector.",
    )
    give_up_seconds: float = Field(
        default=300,
        gt=0,
        le=_A_WEEK,
        description="Longest time one read is tried again before the connector stops.",
    )
    expect: Expect | None = Field(
        default=None,
        description="A portal not read, or with nothing new, for longer lowers the trust.",
    )
    pages_per_second: float = Field(
        default=0, ge=0, le=10_000, description="Most reads a second; 0: no limit."
    )


class Head(Strict):
    """What every connector's YAML says besides its own keys."""

    connector: str = Field(description="Name in the entry-point group `lgsp.connectors`.")
    portal: str = Field(pattern=PORTAL_ID, description="Id of the portal.")
    province: str = Field(pattern=r"^[GH]\d{2}$", description="Code of the province, e.g. H37.")
    run: RunSettings = RunSettings()


def read_head(document: Document) -> Head:
    """Validate the keys common to all connectors; ConfigurationError lists every fault."""
    common = {key: value for key, value in document.data.items() if key in Head.model_fields}
    return document.validated(Head, common)


def read_settings(document: Document, model: type[_Model]) -> _Model:
    """Validate the connector's own keys; ConfigurationError lists every fault."""
    own = {key: value for key, value in document.data.items() if key not in Head.model_fields}
    return document.validated(model, own, more_keys=Head.model_fields)
