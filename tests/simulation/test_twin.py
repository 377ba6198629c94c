"""The twin's files, read by the real connector and counted by the real rules, give its truth."""

import gzip
import json
import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from tests.simulation.reading_back import ReadBack, counts, reading

from lgsp.domain.codes import is_dossier, is_procedure
from lgsp.domain.dossier import current_status
from lgsp.domain.errors import ConfigurationError
from lgsp.domain.period import show_instant
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.standing import State
from lgsp.domain.working_time import day_of
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.clock import now_ms
from lgsp.simulation import Format, ProvinceSpec, Truth, simulate
from lgsp.simulation.course import Ending
from lgsp.simulation.dossiers import TwinDossier, twin_dossiers
from lgsp_connectors.kit.registry import read_config

DAMAGE: dict[str, Any] = {"duplicates": 0.05, "disorder": 0.05, "late": 0.03, "corrupt": 0.02}
SPECS = {
    "steps": ProvinceSpec(dossiers=2000),
    "damaged steps": ProvinceSpec(dossiers=2000, seed=2, **DAMAGE),
    "opencps": ProvinceSpec(dossiers=2000, seed=3, format=Format.OPENCPS),
    "damaged opencps": ProvinceSpec(dossiers=1000, seed=4, format=Format.OPENCPS, **DAMAGE),
    "another period": ProvinceSpec(
        province="H12", first=date(2026, 1, 1), last=date(2026, 2, 28), dossiers=1000, persons=True
    ),
}


async def _read(folder: Path) -> ReadBack:
    async with reading(read_config(folder / "connector.yaml").build(now_ms, None)) as read:
        await read.catch_up()
    return read


def _lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rb") as lines:
        return [json.loads(line) for line in lines]


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
async def test_files_give_the_truth(spec: ProvinceSpec, tmp_path: Path) -> None:
    truth = simulate(spec, tmp_path / "twin")
    read = await _read(tmp_path / "twin")

    assert truth.rows["corrupt"] == read.rejects.total()
    assert truth.counts() == counts(read.dossiers.values(), truth.as_of)
    calendar = load_calendar()
    for line in _lines(tmp_path / "twin" / "truth-dossiers.jsonl.gz"):
        dossier = read.dossiers.pop(line["code"])
        found = SIMPLE.standing(dossier, calendar, truth.as_of)
        state = State.OPEN if found.state is State.SUSPENDED else found.state
        assert (line["class"], line["status"]) == (
            state.value,
            int(current_status(dossier, SIMPLE.statuses)),
        )
        assert line["received_at"] == show_instant(found.received_at)
        if state not in {State.WITHDRAWN, State.REFUSED}:
            assert line["finished_at"] == show_instant(found.closed_at)
            # A flat row does not say since when it waits.
            if spec.format is Format.STEPS or found.state is not State.SUSPENDED:
                assert line["due_at"] == show_instant(found.deadline)
    assert not read.dossiers


async def test_once_all_is_due_only_the_waiting_are_in_time(tmp_path: Path) -> None:
    truth = simulate(ProvinceSpec(dossiers=3000, seed=5), tmp_path / "twin")
    read = await _read(tmp_path / "twin")
    later = truth.counts() | {"open_overdue": truth.document()["open_overdue_later"]}

    assert later == counts(read.dossiers.values(), now_ms())


def test_the_same_spec_gives_the_same_bytes(tmp_path: Path) -> None:
    spec = ProvinceSpec(dossiers=400, **DAMAGE)
    for name in ("a", "b"):
        simulate(spec, tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())

    assert {"connector.yaml", "truth.json", "truth-dossiers.jsonl.gz"} < set(files)
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.fixture(scope="module")
def dossiers() -> list[TwinDossier]:
    return list(twin_dossiers(ProvinceSpec(dossiers=20_000), load_calendar()))


def test_codes_are_unique_and_of_the_official_forms(dossiers: list[TwinDossier]) -> None:
    assert len(dossiers) == len({d.code for d in dossiers})
    assert all(is_dossier(d.code) and d.code.startswith(d.agency + "-") for d in dossiers)
    assert all(is_procedure(d.procedure.code) for d in dossiers)
    assert all(re.fullmatch(r"G\d\d-..\d\d", d.procedure.domain) for d in dossiers)


def test_steps_are_in_order_and_within_the_period(dossiers: list[TwinDossier]) -> None:
    spec = ProvinceSpec()
    truth = Truth(spec, "")
    for dossier in dossiers:
        times = [step.at for step in dossier.course.changes]
        assert sorted(set(times)) == times
        assert times[-1] <= truth.as_of
        assert (dossier.received_at or times[-1]) >= dossier.submitted_at
        assert all(at % 1000 == 0 for at in times)


def test_the_hard_cases_are_there(dossiers: list[TwinDossier]) -> None:
    cases: Counter[str] = Counter()
    for dossier in dossiers:
        changes, ending, deadline, finished = dossier.course
        last = changes[-1]
        in_time = ending in {Ending.EARLY, Ending.ON_TIME}
        if finished and last.due_at and deadline:
            cases["in time only because waiting does not count"] += (
                in_time and finished > last.due_at
            )
            cases["finished at the very deadline"] += finished == deadline
            cases["late by a second"] += finished == deadline + 1000
            cases["due date moved by the portal"] += len({s.due_at for s in changes} - {None}) > 1
            cases["late the same day"] += ending is Ending.LATE and day_of(finished) == day_of(
                deadline
            )
        cases[f"ends in {last.status.name}"] += 1
        cases["filed out of hours"] += any(s.at // 3_600_000 % 24 > 10 for s in changes[:1])

    assert not [name for name, count in cases.items() if not count]


def test_a_short_period_is_refused(tmp_path: Path) -> None:
    spec = ProvinceSpec(first=date(2024, 2, 5), last=date(2024, 2, 20))
    with pytest.raises(ConfigurationError, match="7 working days, at least 10 expected"):
        simulate(spec, tmp_path / "twin")


def test_a_period_outside_the_calendar_is_refused(tmp_path: Path) -> None:
    spec = ProvinceSpec(first=date(2060, 6, 1), last=date(2060, 12, 31))
    with pytest.raises(ConfigurationError, match="--to 2060-12-31: 2061-04-30 is outside"):
        simulate(spec, tmp_path / "twin")


def test_a_full_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(ConfigurationError, match="not empty"):
        simulate(ProvinceSpec(dossiers=1), tmp_path)
