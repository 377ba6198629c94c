"""What the fast fold needs of a rule profile: the tables of its semantics as arrays.

The semantics come from the object whole. The standing rule and the counting are written here once
more, for arrays (transitions.py, standing.py); a profile with others is not served.
"""

import numpy as np

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.event import Channel
from lgsp.domain.profiles.profile import Profile
from lgsp.domain.profiles.two_rates import TWO_RATES
from lgsp.domain.standing import by_deadline
from lgsp.domain.status import Status

_NEVER_ENDS = 0xFFFF


def cannot_serve(profile: Profile) -> str:
    """Tell why the fast fold cannot count by the profile; "" when it can."""
    if profile.rule is not by_deadline:
        return f"profile {profile.label} has a standing rule of its own"
    same = profile.measures.names == TWO_RATES.names
    if not same or profile.measures.day_counts is not TWO_RATES.day_counts:
        return f"profile {profile.label} has measures of its own"
    return ""


class Rules:
    """A profile as arrays, indexed by status, channel or name of a measure.

    Attributes:
        profile: the object, for dossiers that go one by one.
        taken: `taken[old, new]`: whether the step takes effect (when the source reopens nothing).
        breaks_off: `breaks_off[old, new]`: whether a pause ends whose end was not observed.
        suspending, finished, refused, withdrawn, implying: flags by status.
        ends_unless: bits of the statuses that, once seen, give the finishing time instead.
        only_not_received: bits of the statuses that alone mean "not received".
        measure: index of each measure.
        received_by: index of the measure of a reception through each channel.
        flagged: column of a row (table.py) -> index of the measure that it is counted in.

    Raises:
        ConfigurationError: the fast fold cannot count by the profile.
    """

    def __init__(self, profile: Profile) -> None:
        if reason := cannot_serve(profile):
            raise ConfigurationError(f"the fast fold cannot count so: {reason}")
        self.profile = profile
        statuses = profile.statuses
        self.taken = np.array(statuses.takes[False])
        self.suspending = np.array(statuses.suspends)
        self.breaks_off = np.array(statuses.skips) & self.suspending[:, np.newaxis]
        self.finished = np.array(statuses.finishes)
        self.refused = np.array(statuses.refuses)
        self.withdrawn = np.array(statuses.withdraws)
        self.implying = np.array(statuses.implies_reception)
        self.ends_unless = np.full(len(Status), _NEVER_ENDS)
        for place, status in enumerate(statuses.finished):
            self.ends_unless[status] = _bits(statuses.finished[:place])
        self.only_not_received = np.uint16(_bits(statuses.not_received))
        names = profile.measures.names
        self.measure = {name: i for i, name in enumerate(names)}
        self.received_by = np.array(
            [self.measure[f"received_{channel.name.lower()}"] for channel in Channel]
        )
        columns = {"open": "open", "overdue": "open_overdue", "suspended": "suspended"}
        self.flagged = {column: self.measure[name] for column, name in columns.items()}


def _bits(statuses: tuple[Status, ...] | frozenset[Status]) -> int:
    return sum(1 << status for status in statuses)
