"""Chooses how rates are counted: the fast fold or the plain one, equal to the bit."""

from collections.abc import Callable, Sequence

from sqlalchemy import Engine

from lgsp.domain.working_time import Calendar
from lgsp.runtime.kafka.records import Reject
from lgsp.runtime.settings import Settings
from lgsp.store.rates.fast.fold import FastRatesFold
from lgsp.store.rates.fold import RatesFold

Fold = RatesFold | FastRatesFold


def make_fold(
    settings: Settings,
    engine: Engine,
    topic: str,
    calendar: Calendar,
    clock: Callable[[], int],
    write_rejects: Callable[[Sequence[Reject]], None],
) -> Fold:
    """Return the fold that the settings name; see RatesFold for the arguments."""
    kind = FastRatesFold if settings.fold == "fast" else RatesFold
    return kind(engine, topic, calendar, clock, write_rejects, keep=settings.keep_dossiers)


def most_events(settings: Settings) -> int:
    """Return how many events that fold takes in one transaction when there is a backlog."""
    return settings.replay_events if settings.fold == "fast" else settings.batch_events
