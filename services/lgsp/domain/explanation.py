"""Why a dossier stands behind a figure: the row of the list that `explain` gives."""

from dataclasses import dataclass

from lgsp.domain.codes import split_space
from lgsp.domain.dossier import Dossier, current_status
from lgsp.domain.measures import Measure
from lgsp.domain.period import show_instant
from lgsp.domain.profiles.profile import Profile
from lgsp.domain.standing import Standing
from lgsp.domain.status import Status


@dataclass(frozen=True, slots=True)
class Explanation:
    """One dossier behind a figure; times are ms UTC, `due_at` is the extended deadline.

    `dossier` is the code as it stands on the log; a local code stands in its portal's space.
    """

    dossier: str
    portal: str
    agency: str
    procedure: str
    status: Status
    received_at: int | None
    due_at: int | None
    finished_at: int | None
    measure: str
    reason: str

    def document(self) -> dict[str, str | int | None]:
        """Return it as published: codes and times only, never a person."""
        return {
            "dossier": split_space(self.dossier)[1],
            "portal": self.portal,
            "agency": self.agency,
            "procedure": self.procedure,
            "status": int(self.status),
            "received_at": show_instant(self.received_at),
            "due_at": show_instant(self.due_at),
            "finished_at": show_instant(self.finished_at),
            "counted_as": self.measure,
            "reason": self.reason,
        }


def explain(dossier: Dossier, found: Standing, measure: Measure, profile: Profile) -> Explanation:
    """Explain why the dossier, standing as `found`, is counted under one of the measures."""
    reason = measure.reason
    extended = found.deadline != dossier.due_at and found.deadline is not None
    if extended and measure.clocked:
        reason += " (extended by the working time it waited for the citizen)"
    return Explanation(
        dossier.code,
        split_space(dossier.code)[0] or dossier.portal,
        dossier.agency,
        dossier.procedure,
        current_status(dossier, profile.statuses),
        found.received_at,
        found.deadline,
        found.closed_at,
        measure.name,
        reason,
    )
