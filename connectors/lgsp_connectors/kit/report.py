"""The exact counts of one run of a connector, and what is amiss with its source."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Report:
    """Exact counts of one run.

    `duplicates` are events read again and not produced again; `skipped` rows that are no records
    by a rule; `files_refused` files that cannot be used as they stand now, read in this run or
    before, `files_empty` those without any content; `removed` dossiers that a complete listing no
    longer holds, `not_removed` why none were; `unordered` known dossiers that came back with
    other values which nothing orders; `conflicts` codes that now stand for another dossier
    than before, which is held.
    `letters_closed` are dead letters whose record was mended, or stands there no more.
    `problem` says why a source that was read to its end does not count as caught up, `clock` why
    its clock is in doubt.
    """

    records: int = 0
    events: int = 0
    rejected: int = 0
    letters_closed: int = 0
    duplicates: int = 0
    skipped: int = 0
    files_refused: int = 0
    files_empty: int = 0
    removed: int = 0
    not_removed: str = ""
    pages: int = 0
    caught_up: bool = False
    problem: str = ""
    clock: str = ""
    seconds: float = 0.0
    unordered: int = 0
    conflicts: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def count_rejects(self, new: Iterable[str], count: int) -> None:
        """Count rejects: those told, by their reason; the others were told before."""
        reasons = list(new)
        for reason in reasons:
            self.reasons[str(reason)] = self.reasons.get(str(reason), 0) + 1
        self.rejected += len(reasons)
        self.duplicates += count - len(reasons)

    @property
    def problems(self) -> dict[str, str]:
        """What makes the figures less sure than the log looks: code -> words for a person."""
        found = {
            "not_removed": self.not_removed,
            "not_level": self.problem,
            "clock": self.clock,
        }
        if self.files_refused:
            found["files_refused"] = f"{self.files_refused} files cannot be used"
        if self.unordered:
            found["unordered"] = (
                f"{self.unordered} known dossiers came back with other values, and nothing says"
                " which are the later ones (stated_at)"
            )
        if self.conflicts:
            found["conflicts"] = (
                f"codes given anew, to another owner's dossier, which is held: {self.conflicts}"
                " (dead letters of the reason conflict)"
            )
        return {code: words for code, words in found.items() if words}
