"""What became of one call to the national portal, by what the caller must do next.

A fifth outcome, "not worked on, call again later", is raised as RetryableError.
"""

from dataclasses import dataclass, field
from typing import Any

from lgsp.national import phrases

_EXISTS = ("3", "-3")
_ABSENT = ("4",)


@dataclass(frozen=True, slots=True)
class Ok:
    """Done: every level of the answer said so with its code, and none denied it with its words."""

    result: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Refused:
    """The portal worked on the call and refused it: sending the same again cannot help.

    `message` is the portal's reason, with what looks like a person's number masked.
    """

    code: str
    message: str

    @property
    def says_exists(self) -> bool:
        """Whether the portal has the dossier already: known by the code, or by the words."""
        return self.code in _EXISTS or phrases.says_exists(self.message)

    @property
    def says_absent(self) -> bool:
        """Whether the portal knows no such dossier (or procedure, when asked for one)."""
        if self.missing_steps is not None:
            return False
        return self.code in _ABSENT or phrases.says_absent(self.message)

    @property
    def missing_steps(self) -> frozenset[str] | None:
        """Statuses whose steps must come first by the portal's words, None: it misses none."""
        return phrases.missing_steps(self.message)


@dataclass(frozen=True, slots=True)
class Mixed:
    """The portal judged each item of the call by itself: one outcome an item, in order."""

    items: tuple[Ok | Refused, ...]


@dataclass(frozen=True, slots=True)
class OutcomeUnknown:
    """A write was sent and no readable answer came: look up before sending anything again."""

    cause: str


Outcome = Ok | Refused | Mixed | OutcomeUnknown
