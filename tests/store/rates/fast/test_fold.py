"""The fast fold against the plain one: equal states, cells and digests, whatever comes."""

import random
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, select
from tests.domain.events import events
from tests.records import FakeRecord
from tests.store.rates.history import DAY, NOW, START, history
from tests.store.rates.test_fold import TOPIC, Clock

from lgsp.domain.errors import FatalError, RejectReason
from lgsp.domain.event import Channel, DossierEvent, with_id
from lgsp.domain.profiles.profile import Profile
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.status import Status
from lgsp.domain.usable import LONGEST_TEXT
from lgsp.runtime.avro.codec import encode_event
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.kafka.records import Batch, Reject
from lgsp.store.engine import METADATA, open_store
from lgsp.store.rates.cells import day_cells
from lgsp.store.rates.counted_by import claim
from lgsp.store.rates.digest import digest
from lgsp.store.rates.fast.fold import FastRatesFold
from lgsp.store.rates.fast.rows import HeldRows, empty_rows
from lgsp.store.rates.fold import RatesFold
from lgsp.store.tables import DOSSIERS, PORTALS

CALENDAR = load_calendar()
CODES = tuple(f"H37.1-240101-{n:04d}" for n in range(6))


class Both:
    """The two folds, each on a store of its own, fed with the same batches."""

    def __init__(
        self, plain: Engine, fast: Engine, keep: int, few: int = 0, profile: Profile = SIMPLE
    ) -> None:
        self.engines = plain, fast
        self.clock = Clock()
        self.rejects: tuple[list[Reject], list[Reject]] = ([], [])
        write_rejects, write_rejects_fast = (rejects.extend for rejects in self.rejects)
        self.folds: Sequence[RatesFold | FastRatesFold] = (
            RatesFold(plain, profile, TOPIC, CALENDAR, self.clock, write_rejects, keep=keep),
            FastRatesFold(
                fast, profile, TOPIC, CALENDAR, self.clock, write_rejects_fast, keep=keep, few=few
            ),
        )
        for fold in self.folds:
            fold.open_partition(0)
            fold.open_partition(1)
        self.ends = [0, 0]

    def feed(self, values: Sequence[tuple[int, bytes | None]]) -> None:
        """Give both one batch: values with their partitions."""
        batches = []
        for partition in (0, 1):
            own = [value for p, value in values if p == partition]
            if own:
                end = self.ends[partition]
                batches.append(
                    Batch(partition, [FakeRecord(end + i, v) for i, v in enumerate(own)])
                )
                self.ends[partition] += len(own)
        for fold in self.folds:
            if batches:
                fold.fold(batches)

    def wake(self) -> None:
        for fold in self.folds:
            while fold.wake():
                pass

    def assert_equal(self) -> None:
        plain, fast = map(contents, self.engines)
        assert plain == fast
        assert digest(self.engines[0], SIMPLE.measures) == digest(self.engines[1], SIMPLE.measures)
        left, right = (
            [(r.partition, r.record.offset, str(r.cause)) for r in rejects]
            for rejects in self.rejects
        )
        assert sorted(left) == sorted(right)


def contents(engine: Engine) -> list[Any]:
    """All that a fold writes, the number of changes pending excepted."""
    with engine.connect() as connection:
        tables = [connection.execute(select(t)).mappings().all() for t in (DOSSIERS, PORTALS)]
        cells = connection.execute(select(day_cells(SIMPLE.measures).view)).mappings().all()
    plain = [sorted(tuple(row.items()) for row in rows) for rows in tables]
    counts = [tuple((k, v) for k, v in row.items() if k != "dirty") for row in cells]
    return [*plain, sorted(c for c in counts if any(v for _, v in c[5:]))]


@st.composite
def twisted(draw: st.DrawFn) -> DossierEvent:
    """An event that may be exotic where the columns or the rows have to give way."""
    event = draw(events(codes=CODES))
    change = draw(st.sampled_from(["", "", "", "time", "text", "id", "zero", "usual"]))
    if change == "usual":
        event = replace(event, reopens=False)
    elif change == "time":
        name = draw(st.sampled_from(["occurred_at", "due_at", "finished_at", "submitted_at"]))
        at = draw(st.sampled_from([0, -1, 2**55, -(2**63), 2**62, 9_999_999_999_999]))
        return replace(event, **{name: at})  # type: ignore[arg-type]
    elif change == "text":
        text = draw(st.sampled_from(["Đã xử lý", "a\0b", "é"]))
        name = draw(st.sampled_from(["source_status", "agency", "dossier_code", "portal"]))
        return replace(event, **{name: text})  # type: ignore[arg-type]
    elif change == "id":
        return replace(event, event_id=draw(st.sampled_from([b"\0" * 16, b"\xff" * 16])))
    elif change == "zero":
        event = replace(event, submitted_at=0, returned_at=0)
    return with_id(event)


@st.composite
def values(draw: st.DrawFn) -> bytes | None:
    """A record: mostly an event, at times its ruins."""
    value = encode_event(draw(twisted()))
    kind = draw(st.sampled_from(["", "", "", "", "", "", "cut", "flip", "none"]))
    if kind == "none":
        return None
    at = draw(st.integers(0, len(value) - 1))
    if kind == "cut":
        return value[:at]
    if kind == "flip":
        return value[:at] + bytes([value[at] ^ (1 << draw(st.integers(0, 7)))]) + value[at + 1 :]
    return value


@pytest.fixture(scope="module")
def sqlite_pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Engine, Engine]:
    folder = tmp_path_factory.mktemp("pair")
    pair = open_store(f"sqlite:///{folder}/a.db"), open_store(f"sqlite:///{folder}/b.db")
    for engine in pair:
        claim(engine, SIMPLE)
    return pair


def emptied(engine: Engine) -> Engine:
    with engine.begin() as connection:
        for table in (*METADATA.sorted_tables, day_cells(SIMPLE.measures).table):
            connection.execute(delete(table))
    return engine


def test_texts_that_no_store_holds_are_rejected_by_both(engine: Engine, tmp_path: Path) -> None:
    plain = open_store(f"sqlite:///{tmp_path}/plain.db")
    both = Both(plain, engine, keep=100)
    usual = history(random.Random(1), dossiers=3)
    names = ("source_status", "agency", "dossier_code", "portal")
    bad = [
        replace(usual[0], **{name: text})  # type: ignore[arg-type]
        for name in names
        for text in ("a\0b", "x" * (LONGEST_TEXT + 1), "ở" * 30_000)
    ]
    both.feed([(0, encode_event(event)) for event in [*bad, *usual]])
    both.assert_equal()
    plain.dispose()

    assert [{r.cause.reason for r in rejects} for rejects in both.rejects] == [
        {RejectReason.BAD_VALUE},
        {RejectReason.BAD_VALUE},
    ]
    assert len(bad) == len(both.rejects[1])


def test_dates_at_the_ends_of_the_calendar_are_counted_by_both(
    engine: Engine, tmp_path: Path
) -> None:
    plain = open_store(f"sqlite:///{tmp_path}/plain.db")
    both = Both(plain, engine, keep=100)
    since, until = CALENDAR.years
    ends = [since, since + DAY, until - DAY, until - 1]
    rnd = random.Random(8)
    made = [
        replace(event, due_at=rnd.choice(ends), received_at=rnd.choice(ends))
        for event in history(rnd, dossiers=80)
    ]
    half = len(made) // 2
    both.feed([(0, encode_event(with_id(event))) for event in made[:half]])
    both.wake()
    both.feed([(0, encode_event(with_id(event))) for event in made[half:]])
    both.assert_equal()
    plain.dispose()

    assert not both.rejects[0]


def test_invalid_utf8_is_rejected_by_both(engine: Engine, tmp_path: Path) -> None:
    plain = open_store(f"sqlite:///{tmp_path}/plain.db")
    both = Both(plain, engine, keep=100)
    usual = [encode_event(e) for e in history(random.Random(1), dossiers=3)]
    bad = [usual[0].replace(text, b"\xff" * len(text)) for text in (b"H37.1-", b"twin", b"G01-")]
    both.feed([(0, value) for value in [*bad, *usual]])
    both.assert_equal()
    plain.dispose()

    assert [len(bad)] * 2 == [len(rejects) for rejects in both.rejects]


def test_holds_few_dossiers_and_forgets_the_rest(tmp_path: Path) -> None:
    engine = open_store(f"sqlite:///{tmp_path}/one.db")
    fold = FastRatesFold(engine, SIMPLE, TOPIC, CALENDAR, Clock(), _refuse, keep=50)
    fold.open_partition(0)
    made = [encode_event(event) for event in history(random.Random(3), dossiers=400)]
    for at in range(0, len(made), 40):
        batch = [FakeRecord(at + i, value) for i, value in enumerate(made[at : at + 40])]
        fold.fold([Batch(0, batch)])
        assert fold.held <= 50
    engine.dispose()


def test_a_dossier_held_costs_at_most_400_bytes() -> None:
    count = 100_000
    tracemalloc.start()
    table = HeldRows()
    for at in range(0, count, 5000):
        codes = [b"H37.55.11-240630-%06d" % n for n in range(at, at + 5000)]
        table.add(codes, empty_rows(5000))
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(table.slots) == count
    assert used / count < 400


def _refuse(rejects: Sequence[object]) -> None:
    assert not rejects


@given(
    st.lists(st.lists(values(), max_size=25), min_size=1, max_size=4), st.sampled_from([0, 3, 9])
)
def test_equal_on_adversarial_records(
    sqlite_pair: tuple[Engine, Engine], batches: list[list[bytes | None]], keep: int
) -> None:
    both = Both(emptied(sqlite_pair[0]), emptied(sqlite_pair[1]), keep)
    for batch in batches:
        both.feed([(0, value) for value in batch])
    both.assert_equal()


_LIVES = (
    (1, 2, 4, 9, 10),
    (1, 2, 5, 4, 6, 4, 9),
    (1, 2, 4, 5, 7),
    (1, 5, 2, 4, 6, 9, 6, 9, 10),
    (2, 4, 8),
    (1, 3),
    (2, 10),
    (5, 7),
    (0, 2, 0, 4, 9),
    (2, 4, 1, 4, 9, 2),
    (2, 5, 5, 6, 4, 10),
)


def lives(rnd: random.Random, dossiers: int) -> list[DossierEvent]:
    """Histories with waits, moved due dates, missing dates and clocks that disagree."""
    found: list[DossierEvent] = []
    for n in range(dossiers):
        at = START + rnd.randint(0, 120) * DAY + rnd.randint(0, 24) * DAY // 24
        received = at + rnd.randint(-1, 3) * DAY
        due: int | None = None
        for code in rnd.choice(_LIVES):
            at += rnd.randint(0, 9) * DAY // 3
            if rnd.random() < 0.4:
                due = at + rnd.randint(1, 20) * DAY
            elif rnd.random() < 0.2:
                due = None
            finished = at + rnd.randint(-4, 1) * DAY if code in {9, 10} and n % 3 else None
            found.append(
                with_id(
                    DossierEvent(
                        portal=f"p{n % 2}",
                        province="H37",
                        dossier_code=f"H37-{n:05d}",
                        agency=rnd.choice(["H37.1", "H37.2"]) if n % 5 == 0 else "H37.3",
                        procedure="1.000001" if n % 7 else "",
                        domain="G01",
                        source_status="Đang xử lý" if code == 4 else "",
                        channel=rnd.choice(list(Channel)),
                        status=Status(code),
                        occurred_at=at,
                        observed_at=at + 1,
                        sequence=rnd.randint(0, 1),
                        received_at=received if code != 1 and n % 4 else None,
                        due_at=due,
                        finished_at=finished,
                        reopens=rnd.random() < 0.02,
                    )
                )
            )
    return sorted(found, key=lambda e: e.occurred_at)


@pytest.mark.parametrize("seed", range(6))
def test_equal_over_long_histories_batches_evictions_and_wakes(
    engine: Engine, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rnd = random.Random(seed)
    made = lives(rnd, 250) + history(rnd, dossiers=60)
    for _ in range(len(made) // 20):  # some come late, some twice
        made.insert(rnd.randrange(len(made)), made[rnd.randrange(len(made))])
    for _ in range(len(made) // 30):
        made.append(made.pop(rnd.randrange(len(made))))
    plain = open_store(f"sqlite:///{tmp_path}/plain.db")
    both = Both(plain, engine, keep=rnd.choice([0, 40, 50_000]), few=rnd.choice([0, 8]))
    monkeypatch.setattr("lgsp.store.rates.fast.events._AT_ONCE", rnd.choice([3, 50, 1000]))
    both.clock.now = START + 60 * DAY
    at = 0
    while at < len(made):
        batch = made[at : at + rnd.choice([1, 7, 60, 400])]
        at += len(batch)
        both.feed([(int(e.dossier_code[-1]) % 2, encode_event(e)) for e in batch])
        if rnd.random() < 0.3:
            both.clock.now = min(NOW, both.clock.now + rnd.randint(0, 30) * DAY)
            both.wake()
    both.assert_equal()
    both.clock.now = NOW
    both.wake()
    both.assert_equal()
    plain.dispose()


def test_a_dossier_in_two_partitions_is_told_with_the_way_out(engine: Engine) -> None:
    some = history(random.Random(2), dossiers=3)
    records = [FakeRecord(i, encode_event(event)) for i, event in enumerate(some)]
    first, second = (
        FastRatesFold(engine, SIMPLE, TOPIC, CALENDAR, Clock(), lambda _: None, few=0)
        for _ in range(2)
    )
    first.open_partition(0)
    first.fold([Batch(0, records)])
    second.open_partition(1)
    with pytest.raises(FatalError, match=r"in two partitions of the log.*lgsp topics repartition"):
        second.fold([Batch(1, records)])
