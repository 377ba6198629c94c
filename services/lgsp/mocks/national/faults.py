"""Scripted faults: a YAML list of {match, do}, applied deterministically by counting calls.

    - match: {service: DongBoHoSoMC, every: 10}      # the 10th, 20th, … matching call
      do: {http: 503, retry_after: 2}
    - match: {dossier: "H37.1-*", nth: 1}
      do: {drop: after}

`match`: service (`login` too), dossier (`*` is a wildcard), and one of nth, every or from/to (the
n-th call that the rule matches, from 1). `do`: `delay` seconds, then one of `http` and
`retry_after`, `drop: before|after` the commit, `error_code` and `message`, `html`, `truncate`,
`expire_session`. The first rule that applies wins.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lgsp.runtime.documents.reading import load_entries


class Match(BaseModel):
    """Which calls a rule is for."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    service: str = ""
    dossier: str = ""
    nth: int = Field(0, ge=0)
    every: int = Field(0, ge=0)
    from_: int = Field(0, ge=0, alias="from")
    to: int = Field(0, ge=0)

    def names(self, service: str, dossier: str) -> bool:
        """Tell whether the rule is for this service and dossier."""
        return (not self.service or self.service == service) and (
            not self.dossier or fnmatchcase(dossier, self.dossier)
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

    model_config = ConfigDict(extra="forbid", frozen=True)
    delay: float = Field(0, ge=0)
    http: int = Field(0, ge=0, le=599)
    retry_after: float | None = None
    drop: Literal["", "before", "after"] = ""
    error_code: str = ""
    message: str = ""
    html: bool = False
    truncate: bool = False
    expire_session: bool = False

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
        kinds = ("error_code", "html", "truncate", "expire_session", "delay")
        return next((kind for kind in kinds if getattr(self, kind)), "")


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

    def next(self, service: str, dossier: str) -> ScriptedFault | None:
        """Count this call and return the fault it meets, None for none."""
        found = None
        for i, rule in enumerate(self.rules):
            if rule.match.names(service, dossier):
                self._seen[i] += 1
                if found is None and rule.match.counts(self._seen[i]):
                    found = rule.do
        return found


def load_faults(path: Path) -> FaultScript:
    """Read a script; ConfigurationError names file, line and key of every fault in it."""
    return FaultScript(tuple(load_entries(path, FaultRule)))
