"""A rule profile: the rules by which dossiers are judged and counted, as one object."""

from dataclasses import dataclass

from lgsp.domain.dossier import Dossier
from lgsp.domain.measures import DayCount, Measures
from lgsp.domain.standing import Standing, StandingRule
from lgsp.domain.status import StatusSemantics
from lgsp.domain.working_time import Calendar


@dataclass(frozen=True, eq=False, kw_only=True)
class Profile:
    """One reading of the rules; compared by identity.

    Attributes:
        name: as given to `--profile` and LGSP_PROFILE.
        version: raised with every change that could change a figure: stored cells belong to it.
        statuses: what the statuses mean, and which may follow which.
        rule: where a dossier stands at an instant.
        measures: what a dossier that stands so is counted as, and the figures made of the counts.
    """

    name: str
    version: str
    statuses: StatusSemantics
    rule: StandingRule
    measures: Measures

    def __repr__(self) -> str:
        """Show the label: the whole is pages of tables."""
        return f"Profile({self.label})"

    @property
    def label(self) -> str:
        """Name and version as published: simple/2."""
        return f"{self.name}/{self.version}"

    def document(self) -> dict[str, str]:
        """Return name and version as they stand beside every figure."""
        return {"name": self.name, "version": self.version}

    def standing(self, dossier: Dossier, calendar: Calendar, now: int) -> Standing:
        """Compute where the dossier stands at `now` (ms UTC).

        Raises:
            CalendarRangeError: a date outside the calendar's years had to be counted.
        """
        return self.rule(dossier, self.statuses, calendar, now)

    def contribution(self, dossier: Dossier, calendar: Calendar, now: int) -> list[DayCount]:
        """List what the dossier adds to the counts of its unit and procedure at `now`."""
        return self.measures.day_counts(self.standing(dossier, calendar, now), dossier.channel)
