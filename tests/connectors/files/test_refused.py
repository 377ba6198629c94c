"""One bad file, name, link or value never stops the others, and none is refused silently."""

import asyncio
import errno
import gzip
import os
import socket
import time

import pytest
from tests.connectors.files.conftest import Make
from tests.connectors.files.folder import HEADER, MAPPING, Folder, code, codes, row
from tests.connectors.files.workbook import workbook

from lgsp.domain.errors import RejectReason, RetryableError
from lgsp_connectors.kit.bench import Bench

MB = 1_000_000


async def test_a_dangling_link_is_told_once_and_the_others_go_on(folder: Folder) -> None:
    os.symlink("nowhere", folder.inbox / "a.csv")
    folder.write("b.csv", HEADER + row(1))
    assert folder.codes(await folder.read()) == codes(1)
    ((origin, fault),) = folder.faults()
    assert (origin, fault.detail) == (
        "inbox/a.csv",
        "cannot be read: a link that leads nowhere",
    )
    assert await folder.poll() == []
    assert folder.page is not None
    assert folder.page.refused == 1
    (folder.inbox / "nowhere").write_text(HEADER + row(2))
    assert set(folder.codes(await folder.read())) == set(codes(2))
    assert folder.page.refused == 0


async def test_a_link_in_a_circle_is_told(folder: Folder) -> None:
    os.symlink("a.csv", folder.inbox / "a.csv")
    folder.write("b.csv", HEADER + row(1))
    assert folder.codes(await folder.read()) == codes(1)
    assert [origin for origin, _ in folder.faults()] == ["inbox/a.csv"]


async def test_a_file_without_permission_is_told_once_and_read_when_it_may_be(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder.write("a.csv", HEADER + row(1))
    folder.write("b.csv", HEADER + row(2))
    path.chmod(0)
    if os.geteuid() == 0:  # root may read everything: the refusal is played
        real = open

        def refuse(name: str, *rest: object) -> object:
            if str(name) == str(path) and not path.stat().st_mode & 0o400:
                raise PermissionError(13, "Permission denied", name)
            return real(name, *rest)  # type: ignore[call-overload]

        monkeypatch.setattr("builtins.open", refuse)
    assert folder.codes(await folder.read()) == codes(2)
    ((origin, fault),) = folder.faults()
    assert (origin, fault.detail) == ("inbox/a.csv", "cannot be read: Permission denied")
    assert folder.page is not None
    assert folder.page.refused == 1
    path.chmod(0o600)
    assert folder.codes(await folder.read()) == codes(1)
    assert folder.page.refused == 0


async def test_a_stale_file_is_told_and_the_others_go_on(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder.write("a.csv", HEADER + row(1))
    folder.write("b.csv", HEADER + row(2))
    real, stale = open, True

    def refuse(name: str, *rest: object) -> object:
        if stale and str(name) == str(path):
            raise OSError(errno.ESTALE, "Stale file handle", name)
        return real(name, *rest)  # type: ignore[call-overload]

    monkeypatch.setattr("builtins.open", refuse)
    assert folder.codes(await folder.read()) == codes(2)
    assert [fault.detail for _, fault in folder.faults()] == ["cannot be read: Stale file handle"]
    stale = False
    assert folder.codes(await folder.read()) == codes(1)
    assert folder.page is not None
    assert folder.page.refused == 0


async def test_a_stale_mount_is_waited_for(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write("a.csv", HEADER + row(1))

    def refuse(name: str) -> object:
        raise OSError(errno.ESTALE, "Stale file handle", name)

    with monkeypatch.context() as patch:
        patch.setattr("os.scandir", refuse)
        with pytest.raises(RetryableError, match="Stale file handle"):
            await folder.poll()
    assert folder.codes(await folder.read()) == codes(1)


async def test_a_name_that_is_not_utf8_is_told_and_the_others_go_on(folder: Folder) -> None:
    with open(os.fsencode(folder.inbox) + b"/\xff.csv", "w") as file:
        file.write(HEADER + row(1))
    folder.write("b.csv", HEADER + row(2))
    bench = Bench()
    report = await bench.run(folder.connector)  # as text it goes into letters and checkpoints
    assert bench.sink.codes() == {code(2)}
    assert (report.rejected, report.files_refused) == (1, 1)
    assert bench.sink.rejects[0][0].origin == "inbox/\\xff.csv"


async def test_a_pipe_and_a_socket_are_told_and_not_waited_for(folder: Folder) -> None:
    os.mkfifo(folder.inbox / "a.csv")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder.inbox / "b.csv"))
    folder.write("c.csv", HEADER + row(1))
    async with asyncio.timeout(10):
        assert folder.codes(await folder.read()) == codes(1)
    assert [origin for origin, _ in folder.faults()] == ["inbox/a.csv", "inbox/b.csv"]


async def test_refused_files_are_counted_in_every_run(folder: Folder) -> None:
    wrong = HEADER.replace("DonVi", "Dv") + row(1)
    for i in range(4):
        folder.write(f"w{i}.csv", wrong)
    folder.write("x.csv", HEADER + row(2))
    bench = Bench()
    for _ in range(2):
        report = await bench.run(folder.start())
        assert report.files_refused == 4
    assert report.rejected == 0
    assert len(bench.sink.rejects) == 4


async def test_a_header_cell_without_end_costs_its_file_only(folder: Folder) -> None:
    folder.write("a.csv", "x" * 140_000 + "," + HEADER + row(1))
    folder.write("b.csv", '"' + "y" * 140_000 + '"\n' + row(1))
    folder.write("c.csv", HEADER + row(2))
    assert folder.codes(await folder.read()) == codes(2)
    faults = folder.faults()
    assert [origin for origin, _ in faults] == ["inbox/a.csv:2", "inbox/b.csv:1"]
    assert all(len(fault.detail) < 600 for _, fault in faults)


async def test_a_first_line_without_any_column_is_not_shown(folder: Folder) -> None:
    """Where the header is missing, what stands there is a person's row."""
    folder.write("a.csv", f"{code(1)},NGUYEN VAN TEST,donvi,0912345678\n")
    await folder.read()
    ((_, fault),) = folder.faults()
    assert "none of the mapping's columns is among its 4" in fault.detail
    assert "like them: donvi" in fault.detail
    assert "NGUYEN" not in str(fault)
    assert "0912345678" not in str(fault)


@pytest.mark.parametrize(
    ("name", "data", "detail"),
    [
        ("a.csv", workbook({"S": [["Ma"]]}), "name it .xlsx"),
        ("a.csv", gzip.compress(b"Ma", mtime=0), "let its name end in .gz"),
        ("a.xls", b"\xd0\xcf\x11\xe0" + b"\0" * 600, "an old Excel workbook"),
        ("a.xls", b"<html><table></table></html>", "a web page"),
        ("a.csv", b"%PDF-1.7", "a PDF"),
        ("a.xlsx", b"hello", "not an XLSX workbook"),
        ("a.xlsx", workbook({"S": []}), "the sheet has no header"),
        ("a.csv.gz", b"hello", "the compressed data are damaged"),
    ],
)
async def test_a_file_that_is_something_else_is_named(
    folder: Folder, name: str, data: bytes, detail: str
) -> None:
    (folder.inbox / name).write_bytes(data)
    folder.write("b.csv", HEADER + row(1))
    assert folder.codes(await folder.read()) == codes(1)
    ((_, fault),) = folder.faults()
    assert detail in fault.detail


async def test_a_compressed_endless_line_is_refused_within_a_second(folder: Folder) -> None:
    packed = gzip.compress(b"x" * 200 * MB)
    (folder.inbox / "a.jsonl.gz").write_bytes(packed)
    (folder.inbox / "b.csv.gz").write_bytes(packed)
    folder.write("c.csv", HEADER + row(1))
    started = time.process_time()
    assert folder.codes(await folder.poll()) == codes(1)
    assert time.process_time() - started < 1
    assert ["inbox/a.jsonl.gz:1", "inbox/b.csv.gz:1"] == [origin for origin, _ in folder.faults()]


async def test_a_file_without_line_ends_is_refused_in_linear_time(folder: Folder) -> None:
    folder.write("a.jsonl", b'{"Ma": 1}' * (80 * MB // 9))
    folder.write("b.csv", b"a;b;c;" * (80 * MB // 6))
    folder.write("c.csv", HEADER + row(1))
    started = time.process_time()
    assert folder.codes(await folder.poll()) == codes(1)
    assert time.process_time() - started < 3
    details = {origin: fault.detail for origin, fault in folder.faults()}
    assert details.keys() == {"inbox/a.jsonl:1", "inbox/b.csv:1"}
    assert "longer than 16 MB" in details["inbox/a.jsonl:1"]
    assert "one object a line" in details["inbox/a.jsonl:1"]
    assert "one row a line" in details["inbox/b.csv:1"]


async def test_a_line_that_is_too_long_costs_itself_only(make: Make) -> None:
    folder = make("limits: {line_mb: 0.01}")
    folder.write("a.csv", HEADER + row(1) + row(2, "x" * 20_000) + row(3))
    folder.write("b.csv", HEADER + row(4) + row(5, '"' + "x\n" * 6000 + '"') + row(6))
    assert folder.codes(await folder.read()) == codes(1, 3, 4, 6)
    (first, fault), *others = folder.faults()
    assert (first, fault.reason) == ("inbox/a.csv:3", RejectReason.UNREADABLE)
    assert others[0][0] == "inbox/b.csv:3"


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
async def test_a_cell_that_is_too_long_is_named_by_its_column(folder: Folder, suffix: str) -> None:
    big = "x" * 2 * MB
    lines = {
        "csv": HEADER + row(1, big) + row(2),
        "jsonl": "".join(
            f'{{"Ma": "{code(i)}", "DonVi": "{unit}", "Nhan": "2024-07-05T08:15:00"}}\n'
            for i, unit in ((1, big), (2, "H37.12"))
        ),
    }
    folder.write(f"a.{suffix}", lines[suffix])
    assert folder.codes(await folder.read()) == codes(2)
    ((origin, fault),) = folder.faults()
    assert (origin.rpartition(":")[0], fault.field) == (f"inbox/a.{suffix}", "DonVi")
    assert "2,000,000 characters" in fault.detail


async def test_a_large_cell_that_is_not_mapped_is_no_matter(folder: Folder) -> None:
    folder.write("a.csv", HEADER.strip() + ",Note\n" + row(1).strip() + "," + "x" * MB + "\n")
    assert folder.codes(await folder.read()) == codes(1)


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.xlsx"])
async def test_a_file_larger_than_allowed_is_refused_from_there_on(make: Make, name: str) -> None:
    folder = make("page_rows: 10, limits: {file_mb: 0.3}")
    rows = "".join(row(i) for i in range(9000))
    data: str | bytes = HEADER + rows
    if name.endswith("xlsx"):
        table = [line.split(",") for line in (HEADER + rows).splitlines()]
        data = workbook({"S": table})
    folder.write(name, data)
    await folder.read()
    ((_, fault),) = folder.faults()
    assert "file_mb" in fault.detail or "more than is unpacked" in fault.detail
    assert folder.page is not None
    assert folder.page.refused == 1


async def test_a_glob_that_matches_nothing_is_a_problem(folder: Folder) -> None:
    await folder.poll()
    assert folder.page is not None
    where = folder.page.problem.removeprefix("no file matches inbox/* in ")
    assert folder.page.caught_up
    assert os.path.isabs(where)
    folder.write("a.csv", HEADER + row(1))
    await folder.poll()
    assert folder.page.problem == ""


async def test_reading_ends_at_once_when_told_to(make: Make) -> None:
    """A large file whose rows are all empty fills no page for a long time."""
    folder = make("skip_rows: 1")
    folder.write("a.csv", HEADER + HEADER + ",,\n" * 3_000_000)
    connector = folder.start()
    reading = asyncio.create_task(connector.fetch(connector.start(None)))
    done, _ = await asyncio.wait({reading}, timeout=0.3)
    assert not done
    started = time.monotonic()
    reading.cancel()
    await asyncio.wait({reading})
    await connector.close()
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("column", ["DonVi", "Nhan"])
async def test_a_csv_without_a_mapped_column_names_those_it_has(make: Make, column: str) -> None:
    folder = make(mapping=MAPPING)
    folder.write("a.csv", (HEADER + row(1)).replace(column, "Khac"))
    await folder.read()
    ((origin, fault),) = folder.faults()
    assert (origin, fault.field) == ("inbox/a.csv:1", column)
    assert "Khac" in fault.detail
