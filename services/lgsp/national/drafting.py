"""Writes what the portal should hold of one dossier, again and again as the portal says more."""

from collections.abc import Mapping
from dataclasses import dataclass

from lgsp.domain.dossier import Dossier, effective_transitions
from lgsp.domain.status import StatusSemantics
from lgsp.national.planner import Draft, Held, draft
from lgsp.national.wire import Names, NationalRecord, record_of


@dataclass(frozen=True, slots=True)
class Drafting:
    """What is known of a dossier on our side; `names` None: the catalogue lacks its procedure."""

    dossier: Dossier
    statuses: StatusSemantics
    names: Names | None
    person: Mapping[str, str]

    def draft(self, place: str, found: NationalRecord | None = None) -> Draft | Held:
        """Write record and steps in the light of the portal's place of filing and look-up."""
        return draft(
            self.dossier, self.statuses, self.names, self.person, place=place, found=found
        )

    def again(self, place: str, found: NationalRecord | None) -> Draft:
        """Write it again for a dossier that could be written before."""
        written = self.draft(place, found)
        assert isinstance(written, Draft)  # noqa: S101 - the portal's word holds nothing
        return written

    def opening(self) -> NationalRecord:
        """Write the record as of the first step: with it begins a portal that wants each."""
        assert self.names is not None  # noqa: S101 - it could be written before
        taken = effective_transitions(self.dossier, self.statuses)
        return record_of(self.dossier, taken[:1], self.statuses, self.names, self.person)
