"""Chooses how rates are counted: the fast fold or the plain one, equal to the bit.

The fast fold knows some rules only; other profiles are counted by the plain one, which says so.
"""

from collections.abc import Callable, Sequence

import structlog
from sqlalchemy import Engine

from lgsp.domain.profiles.profile import Profile
from lgsp.domain.working_time import Calendar
from lgsp.runtime.kafka.records import Reject
from lgsp.runtime.settings import Settings
from lgsp.store.rates.fast.fold import FastRatesFold
from lgsp.store.rates.fast.rules import cannot_serve
from lgsp.store.rates.fold import RatesFold
from lgsp.store.rates.protocol import Fold


def make_fold(
    settings: Settings,
    engine: Engine,
    profile: Profile,
    topic: str,
    calendar: Calendar,
    clock: Callable[[], int],
    write_rejects: Callable[[Sequence[Reject]], None],
) -> Fold:
    """Return the fold that the settings name; see RatesFold for the arguments."""
    kind: type[FastRatesFold | RatesFold] = RatesFold
    if settings.fold == "fast":
        if reason := cannot_serve(profile):
            structlog.get_logger().warning("counted_by_the_plain_fold", reason=reason)
        else:
            kind = FastRatesFold
    keep = settings.keep_dossiers
    return kind(engine, profile, topic, calendar, clock, write_rejects, keep=keep)
