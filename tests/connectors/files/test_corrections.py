"""Corrections in later exports, as they show in the figures: the later word stands."""

import os
from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

import orjson
import pytest
from tests.connectors.files.conftest import Make
from tests.connectors.files.folder import Folder, code

from lgsp.domain.dossier import Dossier, merge_all
from lgsp.domain.event import Channel
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.standing import State
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.clock import now_ms
from lgsp.runtime.letters.replay import as_line
from lgsp_connectors.kit.bench import Bench
from lgsp_connectors.kit.replayed import FOUND, kept_of

DATE = 'format: "%d/%m/%Y", timezone: Asia/Ho_Chi_Minh'
MAPPING = f"""\
  dossier_code: Ma
  agency: DonVi
  channel: {{field: Kenh, map: {{ONLINE: ONLINE, DIRECT: DIRECT}}}}
  received_at: {{field: Nhan, {DATE}}}
  due_at: {{field: Hen, {DATE}}}
  finished_at: {{field: Xong, {DATE}}}
"""
CHANGED = f"  occurred_at: {{field: Sua, {DATE}}}\n"
STATUS = "  status: {field: TrangThai, map: {cho: 5, xong: 9}}\n"
NOON = 1_718_168_400  # seconds; 2024-06-12 12:00 in Vietnam
HEADER = "Ma,DonVi,Kenh,Nhan,Hen,Xong,Sua,TrangThai\n"


def row(
    i: int,
    channel: str = "ONLINE",
    *,
    due: str = "24/06/2024",
    finished: str = "",
    changed: str = "12/06/2024",
    status: str = "",
) -> str:
    return f"{code(i)},H37.12,{channel},03/06/2024,{due},{finished},{changed},{status}\n"


def export(folder: Folder, day: str, *rows: str) -> None:
    """Write one day's file, last written at 23:00 of that day."""
    path = folder.write(f"{day}.csv", HEADER + "".join(rows))
    at = datetime.fromisoformat(f"2024-{day}T23:00").replace(tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
    os.utime(path, (at.timestamp(), at.timestamp()))


async def dossiers(folder: Folder, bench: Bench) -> list[Dossier]:
    report = await bench.run(folder.start())
    assert (report.rejected, report.problems) == (0, {})
    return list(merge_all(bench.sink.events).values())


def states(found: list[Dossier]) -> set[State]:
    return {SIMPLE.standing(each, load_calendar(), now_ms()).state for each in found}


@pytest.mark.parametrize("extra", ["", CHANGED])
@pytest.mark.parametrize("runs", [1, 2])
async def test_a_channel_corrected_by_the_next_days_file_is_the_later_one(
    make: Make, extra: str, runs: int
) -> None:
    """Also where a row tells when it last changed, and no status: nothing is left to chance."""
    folder, bench = make(mapping=MAPPING + extra), Bench()
    export(folder, "06-12", *[row(i) for i in range(40)])
    if runs == 2:
        assert Counter(d.channel for d in await dossiers(folder, bench)) == {Channel.ONLINE: 40}
    export(folder, "06-13", *[row(i, "DIRECT") for i in range(40)])

    assert Counter(d.channel for d in await dossiers(folder, bench)) == {Channel.DIRECT: 40}


async def test_a_clock_that_was_set_back_makes_no_later_file_an_older_word(make: Make) -> None:
    folder, bench = make(mapping=MAPPING), Bench()
    written = folder.clock.now // 1000 - 60
    for name, channel in (("a", "ONLINE"), ("b", "DIRECT"), ("c", "ONLINE"), ("d", "DIRECT")):
        path = folder.write(f"{name}.csv", HEADER + row(1, channel))
        os.utime(path, (written, written))
        found = await dossiers(folder, bench)

        assert [Channel[channel]] == [dossier.channel for dossier in found]
        written += 10
        folder.clock.advance({"a": -600, "c": 600}.get(name, 0))


async def test_corrections_that_nothing_orders_lower_the_trust(make: Make) -> None:
    folder, bench = make(mapping=MAPPING, rest="stated_at: none\n"), Bench()
    export(folder, "06-12", *[row(i) for i in range(40)])
    await dossiers(folder, bench)
    export(folder, "06-13", *[row(i, "DIRECT") for i in range(40)])
    report = await bench.run(folder.start())

    assert report.unordered == 40
    assert "40 known dossiers came back with other values" in report.problems["unordered"]


@pytest.mark.parametrize("above", [0, 1])  # rows above it in the file that is read first
@pytest.mark.parametrize("channels", [("ONLINE", "DIRECT"), ("DIRECT", "ONLINE")])
async def test_of_two_files_of_one_time_the_one_read_later_stands_and_it_is_said(
    make: Make, channels: tuple[str, str], above: int
) -> None:
    folder, bench = make(mapping=MAPPING), Bench()
    first, second = ([row(i, channel) for i in range(8)] for channel in channels)
    for name, rows in (("a", [*[row(9)] * above, *first]), ("b", second)):
        path = folder.write(f"{name}.csv", HEADER + "".join(rows))
        os.utime(path, (NOON, NOON))
    report = await bench.run(folder.start())
    found = merge_all(bench.sink.events)

    assert {Channel[channels[1]]} == {found[code(i)].channel for i in range(8)}
    assert report.unordered == 8
    assert "unordered" in report.problems


async def test_what_one_file_corrects_in_its_own_rows_is_ordered(make: Make) -> None:
    folder, bench = make(mapping=MAPPING), Bench()
    folder.write("a.csv", HEADER + row(1) + row(1, "DIRECT"))

    assert [Channel.DIRECT] == [each.channel for each in await dossiers(folder, bench)]


@pytest.mark.parametrize("rest", ["", 'stated_at: {file_name: "%Y-%m-%d"}\n'])
async def test_a_record_back_from_a_dead_letter_is_no_later_word(make: Make, rest: str) -> None:
    """It was stated when its file was: what was said since then stands, whenever it is mended."""
    folder, bench = make(mapping=MAPPING + STATUS, rest=rest), Bench()
    waiting = row(1, "ZALO", status="cho")
    if rest:
        folder.write("2024-06-12.csv", HEADER + waiting)
    else:
        export(folder, "06-12", waiting)
    await bench.run(folder.start())
    [(record, error)] = bench.sink.rejects
    assert error.field == "Kenh"
    folder.write("2024-06-21.csv", HEADER + row(1, finished="21/06/2024", status="xong"))
    await bench.run(folder.start())

    folder.write("fixed.jsonl", as_line(kept_of(record)).replace(b"ZALO", b"ONLINE"))
    assert states(await dossiers(folder, bench)) == {State.EARLY}


@pytest.mark.parametrize(
    "found",
    [
        None,
        {"file": "a.csv", "file_time": "yesterday", "row": 2},
        {"file": "a.csv", "file_time": 2**62, "row": 2},
        {"file": "a.csv", "file_time": 1, "row": -1},
        {"file": "a.csv", "file_time": 1, "row": 2**40},
    ],
)
async def test_a_statement_that_somebody_changed_is_told(make: Make, found: object) -> None:
    folder, bench = make(), Bench()
    good = {"Ma": code(1), "DonVi": "H37.12", "Nhan": "2024-07-05"}
    lines = [good | {FOUND: found}, good]
    folder.write("fixed.jsonl", b"\n".join(map(orjson.dumps, lines)) + b"\n")
    await bench.run(folder.start())

    assert [error.field for _, error in bench.sink.rejects] == [FOUND]
    assert bench.sink.codes() == {code(1)}


async def test_a_finish_corrected_to_an_earlier_day_stands(make: Make) -> None:
    folder, bench = make(mapping=MAPPING), Bench()
    export(folder, "06-28", row(1, finished="27/06/2024"))
    assert states(await dossiers(folder, bench)) == {State.LATE}
    export(folder, "06-29", row(1, finished="21/06/2024"))

    assert states(await dossiers(folder, bench)) == {State.EARLY}


async def test_a_wait_that_no_export_showed_ending_never_favours_the_province(
    make: Make,
) -> None:
    folder, bench = make(mapping=MAPPING + STATUS), Bench()
    export(folder, "06-12", row(1, status="cho"))
    assert states(await dossiers(folder, bench)) == {State.SUSPENDED}
    export(folder, "06-28", row(1, finished="27/06/2024", status="xong"))

    assert states(await dossiers(folder, bench)) == {State.LATE}
