"""What became of one call to the national portal, by what the caller must do next.

A fourth outcome, "not worked on, call again later", is raised as RetryableError.
"""

from dataclasses import dataclass, field
from typing import Any

_EXISTS = ("3", "-3")


@dataclass(frozen=True, slots=True)
class Ok:
    """Done: the portal said so with its code and did not deny it with its message."""

    result: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Refused:
    """The portal worked on the call and refused it: sending the same again cannot help."""

    code: str
    message: str

    @property
    def says_exists(self) -> bool:
        """Whether the portal has the dossier already: known by the code, or by the words."""
        return self.code in _EXISTS or "đã tồn tại" in self.message.casefold()


@dataclass(frozen=True, slots=True)
class OutcomeUnknown:
    """A write was sent and no readable answer came: look up before sending anything again."""

    cause: str


Outcome = Ok | Refused | OutcomeUnknown
