"""A file without rows, and one without anything: what a province's export leaves behind."""

import os

import pytest
from tests.connectors.files.conftest import Make
from tests.connectors.files.folder import HEADER, SETTLE, Folder, code, codes, row
from tests.connectors.files.workbook import workbook

from lgsp_connectors.kit.bench import Bench


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.csv", HEADER),
        ("a.csv", HEADER.strip()),
        ("a.csv.gz", HEADER),
        ("a.json", "[]"),
        ("a.xlsx", workbook({"S": [HEADER.strip().split(",")]})),
    ],
)
async def test_a_header_without_rows_is_an_export_of_no_dossiers(
    folder: Folder, name: str, data: str | bytes
) -> None:
    folder.write(name, data)
    assert await folder.read() == []
    assert folder.page is not None
    standing = (folder.page.refused, folder.page.empty, folder.page.problem)
    assert (folder.page.caught_up, standing) == (True, (0, 0, ""))


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("b.csv", ""),
        ("b.csv", "\ufeff\r\n \r\n"),
        ("b.csv.gz", ""),
        ("b.jsonl", "\n"),
        ("b.xlsx", b""),
    ],
)
async def test_a_file_without_anything_waits_and_counts_as_empty(
    folder: Folder, name: str, data: str | bytes
) -> None:
    folder.write("a.csv", HEADER + row(1))
    folder.write(name, data)
    assert folder.codes(await folder.poll()) == codes(1)
    assert folder.page is not None
    assert (folder.page.wait > 0, folder.page.empty) == (True, 0)
    assert await folder.settle() == []
    assert (folder.page.refused, folder.page.empty, folder.page.wait) == (0, 1, 0)
    assert folder.page.problem.startswith(f"the newest file, inbox/{name}, is empty")
    assert await folder.poll() == []
    assert (folder.page.empty, folder.faults()) == (1, [])


async def test_an_empty_file_of_yesterday_is_no_problem_once_todays_has_come(
    folder: Folder,
) -> None:
    yesterday = folder.write("1.csv", "")
    await folder.read()
    assert folder.page is not None
    assert folder.page.problem
    after = yesterday.stat().st_mtime_ns + 1
    os.utime(folder.write("2.csv", HEADER + row(1)), ns=(after, after))
    assert folder.codes(await folder.read()) == codes(1)
    assert (folder.page.empty, folder.page.problem) == (1, "")


async def test_an_empty_file_that_is_written_after_all_is_read(folder: Folder) -> None:
    folder.write("a.csv", "")
    await folder.read()
    folder.write("a.csv", HEADER + row(1))
    assert folder.codes(await folder.read()) == codes(1)
    assert folder.page is not None
    assert (folder.page.empty, folder.page.problem) == (0, "")


async def test_no_dossier_is_removed_by_a_file_without_anything(make: Make) -> None:
    folder, bench = make("complete: true"), Bench()
    folder.write("1.csv", HEADER + row(1) + row(2))
    await bench.run(folder.start())
    empty = folder.write("2.csv", "")
    await bench.run(folder.start(), pages=1)
    folder.clock.advance(SETTLE)
    report = await bench.run(folder.start())
    assert (report.removed, report.files_empty, report.caught_up) == (0, 1, False)
    assert "2.csv, is empty" in report.problem
    empty.write_text(HEADER + row(2))
    report = await bench.run(folder.start())
    assert (report.removed, report.files_empty, report.problem) == (1, 0, "")
    assert [event.dossier_code for event in bench.sink.events if event.removed] == [code(1)]
