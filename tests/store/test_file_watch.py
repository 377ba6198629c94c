"""An older copy put over a live SQLite file is noticed, whoever writes meanwhile, and refused."""

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, update

from lgsp.domain.errors import ConfigurationError, FatalError
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.reasons import Reason
from lgsp.ioc.store_check import StoreCheck
from lgsp.runtime.avro.codec import encode_event
from lgsp.runtime.kafka.records import Batch
from lgsp.store.copies import copy_live
from lgsp.store.engine import open_existing, open_store
from lgsp.store.file_watch import FileWatch
from lgsp.store.guard import StoreGuard
from lgsp.store.identity import STORE, store_id
from lgsp.store.rates.fold import RatesFold
from lgsp.store.refusal import forget_refusal
from lgsp.store.tables import OFFSETS, TABLES
from lgsp.store.wal import background_wal_checkpoints
from tests.records import FakeRecord
from tests.store.filled import CALENDAR, fill
from tests.store.rates.history import NOW, history
from tests.waiting import wait_until

EVENTS = history(random.Random(9), dossiers=40)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rates.db"


@pytest.fixture
def live(file: Path) -> Iterator[Engine]:
    """A store in use, with its write-ahead log moved into the file as a worker does."""
    engine = open_store(f"sqlite:///{file}")
    with engine.begin() as connection:
        store_id(connection)
    with background_wal_checkpoints(engine, lambda: False):
        yield engine
    engine.dispose()


def level(watch: FileWatch, engine: Engine) -> None:
    """Let the watch look until the bare file is what the store is."""

    def is_level() -> bool:
        assert watch.look() == ""
        watch.mark()
        with engine.connect() as connection:
            mark: int = connection.execute(STORE.select()).one().mark
            version = connection.execute(OFFSETS.select()).one().version
        return (mark, version) == (watch._mark, _bare_version(watch))

    wait_until("the bare file is level", is_level)


def guard_of(engine: Engine) -> StoreGuard:
    return StoreGuard(engine, "rates", "dossier-events", "127.0.0.1:1", 0)


def test_a_store_that_only_goes_on_is_as_it_must_be(live: Engine) -> None:
    watch = FileWatch(live)
    for at in range(0, 40, 10):
        fill(live, EVENTS[at : at + 10])
        level(watch, live)


@pytest.mark.parametrize("load", [False, True], ids=["quiet", "load"])
def test_an_older_copy_put_over_it_is_noticed_and_the_store_refused(
    live: Engine, file: Path, tmp_path: Path, load: bool
) -> None:
    guard, feed = guard_of(live), StoreCheck(live)
    old = tmp_path / "old.db"
    fill(live, EVENTS[:10])
    level(guard._file, live)
    copy_live(file, old)
    fill(live, EVENTS[10:20])
    level(guard._file, live)
    assert feed() == ()

    shutil.copyfile(old, file)
    if load:  # positions are written over it at once, the rest stays as old as it is
        with live.begin() as connection:
            connection.execute(update(OFFSETS).values(version=OFFSETS.c.version + 50))
        wait_until("they are in the file", lambda: _bare_version(guard._file) >= 50)

    def look() -> bool:
        guard._look_at_file()
        return False  # a look that meets pages on their way into the file knows nothing yet

    with pytest.raises(FatalError, match=r"was set back while .*lgsp restore"):
        wait_until("it says so", look)
    with pytest.raises(ConfigurationError, match=r"set back while it was in use.*lgsp restore"):
        open_store(f"sqlite:///{file}")
    assert [Reason.STORE_SET_BACK] == [finding.reason for finding in StoreCheck(live)()]
    assert "set back" in feed()[0].detail
    open_existing(f"sqlite:///{file}", TABLES).dispose()  # what there is may be looked at

    forget_refusal(file)
    assert StoreCheck(live)() == ()


def _bare_version(watch: FileWatch) -> int:
    bare = watch._bare()
    return 0 if bare is None else max(bare[1].values(), default=0)


def test_what_sqlite_itself_finds_broken_is_refused_too(live: Engine, file: Path) -> None:
    with pytest.raises(FatalError, match=r"is broken.*lgsp restore"), guard_of(live).explaining():
        raise FatalError("lane: database disk image is malformed")
    with pytest.raises(ConfigurationError, match="is broken"):
        open_store(f"sqlite:///{file}")


def test_a_failure_of_another_cause_stays_what_it_was(live: Engine, file: Path) -> None:
    with pytest.raises(FatalError, match=r"^the log is away$"), guard_of(live).explaining():
        raise FatalError("the log is away")
    open_store(f"sqlite:///{file}").dispose()


def test_a_store_that_is_made_later_is_no_other_one(file: Path) -> None:
    reading = open_store(f"sqlite:///{file}", read_only=True)
    check = StoreCheck(reading)  # the feed, started beside the worker
    assert check() == ()

    engine = open_store(f"sqlite:///{file}")
    fill(engine, EVENTS)

    assert [check(), check()] == [(), ()]
    for each in (engine, reading):
        each.dispose()


def test_another_file_in_its_place_is_noticed(live: Engine, file: Path, tmp_path: Path) -> None:
    guard, old = guard_of(live), tmp_path / "old.db"
    fill(live, EVENTS[:10])
    copy_live(file, old)
    os.replace(old, file)
    with pytest.raises(FatalError, match="replaced by another file"):
        guard._look_at_file()
    with pytest.raises(ConfigurationError, match="replaced by another file"):
        open_store(f"sqlite:///{file}")


def test_a_file_that_is_gone_is_said_and_an_empty_store_may_follow(
    live: Engine, file: Path
) -> None:
    guard = guard_of(live)
    file.unlink()
    with pytest.raises(FatalError, match="is gone"):
        guard._look_at_file()
    open_store(f"sqlite:///{file}").dispose()


def test_a_worker_whose_positions_went_back_ends_and_is_not_fenced(engine: Engine) -> None:
    fold = RatesFold(engine, SIMPLE, "dossier-events", CALENDAR, lambda: NOW, lambda _: None)
    fold.open_partition(0)
    records = [FakeRecord(i, encode_event(event)) for i, event in enumerate(EVENTS[:20])]
    fold.fold([Batch(0, records[:10])])
    with engine.begin() as connection:  # as a dump of before would leave it
        connection.execute(delete(OFFSETS))
    with pytest.raises(FatalError, match=r"was set back .* stands at 0 .* has stored 10"):
        fold.fold([Batch(0, records[10:])])
