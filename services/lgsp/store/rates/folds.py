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

Fold = RatesFold | FastRatesFold


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
    if settings.fold == "fast" and (reason := cannot_serve(profile)):
        structlog.get_logger().warning("counted_by_the_plain_fold", reason=reason)
    kind = FastRatesFold if is_fast(settings, profile) else RatesFold
    keep = settings.keep_dossiers
    return kind(engine, profile, topic, calendar, clock, write_rejects, keep=keep)


def is_fast(settings: Settings, profile: Profile) -> bool:
    """Tell whether the fast fold is wanted and can count by the profile."""
    return settings.fold == "fast" and not cannot_serve(profile)


def most_events(settings: Settings, profile: Profile) -> int:
    """Return how many events that fold takes in one transaction when there is a backlog."""
    return settings.replay_events if is_fast(settings, profile) else settings.batch_events
