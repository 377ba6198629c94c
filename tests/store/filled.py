"""Fills a store through the real fold, on one partition, going on where it stood."""

from collections.abc import Sequence

from sqlalchemy import Engine

from lgsp.domain.event import DossierEvent
from lgsp.domain.profiles.profile import Profile
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.runtime.avro.codec import encode_event
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.kafka.records import Batch
from lgsp.store.rates.fold import RatesFold
from tests.records import FakeRecord
from tests.store.rates.history import NOW

CALENDAR = load_calendar()


def fill(
    engine: Engine,
    events: Sequence[DossierEvent],
    now: int = NOW,
    topic: str = "dossier-events",
    profile: Profile = SIMPLE,
) -> None:
    """Count the events as the rates worker does at `now`."""
    fold = RatesFold(engine, profile, topic, CALENDAR, lambda: now, _refuse)
    start = fold.open_partition(0)
    fold.fold([Batch(0, [FakeRecord(start + i, encode_event(e)) for i, e in enumerate(events)])])


def wake(engine: Engine, now: int, profile: Profile = SIMPLE) -> None:
    """Let the worker's timer count what has turned overdue by `now`."""
    fold = RatesFold(engine, profile, "dossier-events", CALENDAR, lambda: now, _refuse)
    fold.open_partition(0)
    while fold.wake():
        pass


def _refuse(rejects: Sequence[object]) -> None:
    assert not rejects
