"""Exports night after night and very many files, a small form of both, with all that is real."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.exports import change, count_rows, make_row, write_rows
from benchmarks.portal_files import Office, measure_files, measure_nights, office
from benchmarks.system import MeasurementError

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def place() -> Iterator[Office]:
    with office() as running:
        yield running


def test_a_night_writes_what_changed_and_the_figures_are_those_of_the_export(
    place: Office,
) -> None:
    found = measure_nights(place, 300, 2, changed=0.05)

    assert (found["rows_changed"], found["events_of_the_others"]) == (30, 30)
    assert found["figures"]["received"] == 300
    assert found["peak_mb"] > 0


def test_many_files_are_read_once_and_a_kill_costs_a_page_at_most(place: Office) -> None:
    found = measure_files(place, 200, page_rows=20)

    assert found["figures"]["received"] == 201


def test_a_figure_that_is_not_that_of_the_files_is_told(place: Office, tmp_path: Path) -> None:
    rows = [make_row(random.Random(1), "H39", n) for n in range(9)]
    write_rows(tmp_path / "never-read.csv", rows)

    with pytest.raises(MeasurementError, match=r"H39\.1: the figures are \{\}, the files have"):
        place.check("H39", count_rows([tmp_path / "never-read.csv"]))


def test_the_count_by_hand_is_by_unit(tmp_path: Path) -> None:
    rnd = random.Random(1)
    row = make_row(rnd, "H37", 0) | {
        "Kenh": "Trực tuyến",
        "Hen": "05/02/2024 08:00",
        "Xong": "04/03/2024 08:00",
    }
    early = row | {"DonVi": "H37.2", "Xong": "31/01/2024 09:00", "Kenh": "Trực tiếp"}
    open_ = row | {"Xong": ""}
    write_rows(tmp_path / "a.csv", [row, open_])
    write_rows(tmp_path / "b.csv", [early])

    assert count_rows(sorted(tmp_path.iterdir())) == {
        "H37.1": {
            "received": 2,
            "received_online": 2,
            "resolved": 1,
            "resolved_late": 1,
            "open": 1,
        },
        "H37.2": {"received": 1, "resolved": 1, "resolved_early": 1},
    }


def test_a_change_changes_the_row() -> None:
    rnd = random.Random(1)
    for n in range(50):
        row = make_row(rnd, "H37", n)
        before = dict(row)
        change(rnd, row)
        assert row != before
