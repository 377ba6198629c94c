"""The fast fold takes its tables from the profile whatever they say, and refuses foreign rules."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine
from tests.domain.events import events
from tests.domain.profiles.by_date import BY_DATE
from tests.domain.profiles.semantics import semantics
from tests.store.rates.fast.test_fold import CODES, Both, emptied, sqlite_pair
from tests.store.rates.test_fold import CALENDAR, TOPIC, Clock

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.event import DossierEvent, with_id
from lgsp.domain.profiles.profile import Profile
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.status import StatusSemantics
from lgsp.runtime.avro.codec import encode_event
from lgsp.runtime.kafka.records import Reject
from lgsp.runtime.settings import load_settings
from lgsp.store.engine import open_store
from lgsp.store.rates.fast.fold import FastRatesFold
from lgsp.store.rates.fold import RatesFold
from lgsp.store.rates.folds import make_fold

__all__ = ["sqlite_pair"]

OTHER_COUNTS = replace(
    SIMPLE, name="other", measures=replace(SIMPLE.measures, day_counts=lambda *_: [])
)


def usual(event: DossierEvent) -> DossierEvent:
    return with_id(replace(event, reopens=False, removed=False, sealed=None))


@given(
    semantics,
    st.lists(
        st.one_of(events(codes=CODES).map(usual), events(codes=CODES)), min_size=4, max_size=20
    ),
)
def test_both_folds_count_alike_whatever_the_statuses_mean(
    sqlite_pair: tuple[Engine, Engine], statuses: StatusSemantics, found: list[DossierEvent]
) -> None:
    found.sort(key=lambda e: e.occurred_at)
    plain, fast = map(emptied, sqlite_pair)
    both = Both(plain, fast, keep=50_000, profile=replace(SIMPLE, statuses=statuses))
    values = [(int(e.dossier_code[-1]) % 2, encode_event(e)) for e in found]
    both.feed(values[: len(values) // 2])
    both.feed(values[len(values) // 2 :])

    both.assert_equal()


@pytest.mark.parametrize("profile", [BY_DATE, OTHER_COUNTS], ids=lambda p: p.name)
def test_a_profile_with_rules_of_its_own_is_counted_by_the_plain_fold_and_it_is_said(
    tmp_path: Path, profile: Profile
) -> None:
    engine = open_store(f"sqlite:///{tmp_path}/a.db")
    settings = load_settings(data=tmp_path, fold="fast")
    arguments: tuple[Any, ...] = (engine, profile, TOPIC, CALENDAR, Clock(), _refuse)
    with structlog.testing.capture_logs() as said:
        fold = make_fold(settings, *arguments)

    assert type(fold) is RatesFold
    assert [line["event"] for line in said] == ["counted_by_the_plain_fold"]
    assert profile.label in said[0]["reason"]
    with pytest.raises(ConfigurationError, match=profile.label):
        FastRatesFold(*arguments)
    engine.dispose()


def test_simple_is_counted_by_the_fast_fold(tmp_path: Path) -> None:
    engine = open_store(f"sqlite:///{tmp_path}/a.db")
    settings = load_settings(data=tmp_path, fold="fast")
    with structlog.testing.capture_logs() as said:
        fold = make_fold(settings, engine, SIMPLE, TOPIC, CALENDAR, Clock(), _refuse)

    assert type(fold) is FastRatesFold
    assert said == []
    engine.dispose()


def _refuse(rejects: Sequence[Reject]) -> None:
    assert not rejects
