"""Scripted faults: a YAML list of {match, do}, applied deterministically by counting calls.

    - match: {service: DongBoHoSoMC, every: 10}      # the 10th, 20th, … matching call
      do: {http: 503, retry_after: 2}
    - match: {dossier: "H37.1-*", nth: 1}
      do: {drop: after}

`match`: service (`login` too), dossier (`*` is a wildcard), status (of a record or step that is
sent), and one of nth, every or from/to (the n-th call that the rule matches, from 1). The first
rule that applies wins. `do`: `delay` seconds, then one of

- not worked on: `http` with `retry_after` or `location`; `drop: before`; `html`; `body` (a text as
  it is, in `charset`), with `fill` bytes of blanks before its end, or with `drip` seconds before
  each byte; `error_code` with `message` and `result`; `not_kept`: answered as done;
- worked on: `drop: after`, `hold` seconds before the answer, `truncate`, `expire_session`,
  `hide_steps` (a look-up's answer tells no progress), `by_item: 5` with `error_code` and `message`
  (of a call, only what is of this status is refused, and `result` has a row for each item),
  `needs_step: 4` (refused unless the dossier has a step of this status).
"""

from collections.abc import Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lgsp.runtime.documents.reading import load_entries


class Match(BaseModel):
    """Which calls a rule is for."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)
    service: str = ""
    dossier: str = ""
    status: str = ""
    nth: int = Field(0, ge=0)
    every: int = Field(0, ge=0)
    from_: int = Field(0, ge=0, alias="from")
    to: int = Field(0, ge=0)

    def names(self, service: str, dossier: str, statuses: Collection[str]) -> bool:
        """Tell whether the rule is for a call of this service, dossier and statuses sent."""
        return (
            (not self.service or self.service == service)
            and (not self.dossier or fnmatchcase(dossier, self.dossier))
            and (not self.status or self.status in statuses)
        )

    def counts(self, n: int) -> bool:
        """Tell whether the n-th matching call (from 1) is meant."""
        if self.nth:
            return n == self.nth
        if self.every:
            return n % self.every == 0
        return n >= self.from_ and (not self.to or n <= self.to)


class ScriptedFault(BaseModel):
    """What happens to a call."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)
    delay: float = Field(0, ge=0)
    http: int = Field(0, ge=0, le=599)
    retry_after: str | None = None
    location: str = ""
    drop: Literal["", "before", "after"] = ""
    error_code: str = ""
    message: str = ""
    result: list[Any] = []
    html: bool = False
    body: str | None = None
    charset: str = "utf-8"
    fill: int = Field(0, ge=0)
    drip: float = Field(0, ge=0)
    hold: float = Field(0, ge=0)
    truncate: bool = False
    expire_session: bool = False
    not_kept: bool = False
    hide_steps: bool = False
    by_item: str = ""
    needs_step: str = ""

    @model_validator(mode="after")
    def _does_something(self) -> "ScriptedFault":
        if not self.name:
            raise ValueError("names no fault")
        return self

    @property
    def name(self) -> str:
        """The kind of fault, for the log."""
        if self.http:
            return f"http_{self.http}"
        if self.drop:
            return f"drop_{self.drop}"
        if self.body is not None:
            return "body"
        return next((kind for kind in _KINDS if getattr(self, kind)), "")

    @property
    def is_worked_on(self) -> bool:
        """Whether the portal works on the call all the same."""
        if self.by_item or self.drop == "after":
            return True
        kinds = ("http", "drop", "error_code", "html", "not_kept")
        return self.body is None and not any(getattr(self, kind) for kind in kinds)


_KINDS = (
    "by_item",
    "error_code",
    "html",
    "hold",
    "truncate",
    "expire_session",
    "not_kept",
    "hide_steps",
    "needs_step",
    "delay",
)


class FaultRule(BaseModel):
    """One entry of the script."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
    match: Match = Field(default_factory=lambda: Match.model_validate({}))
    do: ScriptedFault


@dataclass
class FaultScript:
    """The rules and how many calls each has matched so far."""

    rules: tuple[FaultRule, ...] = ()

    def __post_init__(self) -> None:
        self._seen = [0] * len(self.rules)

    def next(
        self, service: str, dossier: str, statuses: Collection[str] = ()
    ) -> ScriptedFault | None:
        """Count this call and return the fault it meets, None for none."""
        found = None
        for i, rule in enumerate(self.rules):
            if rule.match.names(service, dossier, statuses):
                self._seen[i] += 1
                if found is None and rule.match.counts(self._seen[i]):
                    found = rule.do
        return found


def load_faults(path: Path) -> FaultScript:
    """Read a script; ConfigurationError names file, line and key of every fault in it."""
    return FaultScript(tuple(load_entries(path, FaultRule)))
