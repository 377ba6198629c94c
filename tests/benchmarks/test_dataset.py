"""The event set: the same on every machine, in order, and longer by other dossiers."""

from itertools import islice
from pathlib import Path

import pytest
from benchmarks.dataset import Dataset
from benchmarks.digests import TIMELESS, Counts, cell_lines, digests_of

from lgsp.domain.profiles.simple import SIMPLE
from lgsp.runtime.avro.codec import decode_event
from lgsp.simulation import ProvinceSpec

SPEC = ProvinceSpec(dossiers=50)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return Dataset(SPEC, tmp_path_factory.mktemp("events"))


def test_is_the_same_each_time(dataset: Dataset, tmp_path: Path) -> None:
    again = Dataset(SPEC, tmp_path)

    assert dataset.name == again.name
    assert list(dataset.records()) == list(again.records())


def test_keys_are_dossier_codes_and_events_come_in_order(dataset: Dataset) -> None:
    records = list(dataset.records())
    events = [decode_event(value) for _, value in records]

    assert [key.decode() for key, _ in records] == [event.dossier_code for event in events]
    assert sorted(event.occurred_at for event in events) == [e.occurred_at for e in events]


def test_a_longer_run_repeats_the_twin_with_other_dossiers(dataset: Dataset) -> None:
    size = dataset.size()
    records = list(dataset.records(2 * size))
    first = {key for key, _ in islice(records, size)}
    second = {key for key, _ in islice(records, size, None)}

    assert 2 * size == len(records)
    assert len(first) == len(second)
    assert first.isdisjoint(second)
    assert 2 * len(first) == dataset.expected(2 * size).dossiers


def test_a_changed_spec_has_another_name(dataset: Dataset) -> None:
    assert dataset.name != Dataset(ProvinceSpec(dossiers=51), dataset.folder).name


def test_a_digest_ignores_zero_cells_and_being_overdue() -> None:
    overdue = SIMPLE.measures.names.index("open_overdue")
    numbers = [0] * len(SIMPLE.measures.names)
    numbers[overdue] = 5
    counts: Counts = {(19_000, "H37", "G03", "1.000001"): numbers}

    assert overdue not in TIMELESS
    assert [] == cell_lines(counts)
    assert digests_of({}, {}) == digests_of({}, counts)
