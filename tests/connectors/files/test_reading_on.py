"""What was read stands under the digest: every change of a file is seen, and nothing twice."""

import gzip
import json
import os

import pytest
from tests.connectors.files.conftest import Make
from tests.connectors.files.folder import HEADER, SETTLE, Folder, code, codes, row

from lgsp.domain.dossier import merge_all
from lgsp.domain.errors import RejectReason
from lgsp.domain.event import DossierEvent
from lgsp_connectors.kit.contract import part_of

MANY = 2500


async def test_a_large_file_rewritten_in_place_with_equal_length_is_read_again(
    folder: Folder,
) -> None:
    path = folder.write("a.csv", HEADER + "".join(row(i) for i in range(MANY)))
    assert len(await folder.read()) == MANY
    place = path.read_bytes().index(row(1200).encode())
    with path.open("r+b") as file:
        file.seek(place)
        file.write(row(1200, "H37.99").encode())
    again = await folder.poll()
    assert len(again) == MANY
    assert [e.agency for e in folder.events(again) if e.dossier_code == code(1200)] == ["H37.99"]


async def test_a_rewrite_within_one_tick_of_the_clock_is_seen(folder: Folder) -> None:
    """The stat may look the same: what was read while it was young is digested once more."""
    folder.write("a.csv", HEADER + row(1))
    await folder.poll()
    mark = next(iter((folder.cursor or {}).values()))
    folder.write("a.csv", HEADER + row(2), mode="r+b")
    stamp = (folder.inbox / "a.csv").stat()
    # As if the file system had not noticed: the mark carries the stamp of now.
    parts = mark.split(":")
    parts[2:6] = map(str, (stamp.st_size, stamp.st_mtime_ns, stamp.st_ctime_ns, stamp.st_ino))
    folder.cursor = {part_of("inbox/a.csv"): ":".join(parts)}
    assert folder.codes(await folder.settle()) == codes(2)


async def test_times_set_back_hide_nothing(folder: Folder) -> None:
    folder.write("a.csv", HEADER + row(1))
    await folder.read()
    folder.keep_times("a.csv", lambda: folder.write("a.csv", HEADER + row(2), mode="r+b"))
    assert folder.codes(await folder.poll()) == codes(2)


async def test_an_untouched_file_is_not_opened_again(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write("a.csv", HEADER + row(1))
    await folder.read()
    monkeypatch.setattr("lgsp_connectors.files.look.FileReader", None)  # opening would raise
    assert await folder.settle() == []


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
async def test_a_touched_file_is_digested_and_not_read_again(folder: Folder, name: str) -> None:
    folder.write(name, HEADER + row(1))
    await folder.read()
    os.utime(folder.inbox / name)
    assert await folder.read() == []


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
async def test_what_is_appended_is_read_on(folder: Folder, name: str) -> None:
    folder.write(name, HEADER + row(1))
    await folder.read()
    folder.write(name, row(2) + row(3), mode="ab")
    assert folder.codes(await folder.read()) == codes(2, 3)


async def test_a_cut_file_is_read_again(folder: Folder) -> None:
    folder.write("a.csv", HEADER + row(1) + row(2))
    await folder.read()
    folder.write("a.csv", HEADER + row(1))
    assert folder.codes(await folder.read()) == codes(1)


async def test_a_file_replaced_by_rename_is_read(folder: Folder) -> None:
    folder.write("a.csv", HEADER + row(1))
    await folder.read()
    other = folder.base / "other"
    other.write_text(HEADER + row(2))
    folder.keep_times("a.csv", lambda: other.replace(folder.inbox / "a.csv"))
    assert folder.codes(await folder.read()) == codes(2)


async def test_rotation_loses_nothing(folder: Folder) -> None:
    folder.write("a.csv", HEADER + row(1))
    await folder.read()
    folder.write("a.csv", row(2), mode="ab")
    (folder.inbox / "a.csv").rename(folder.inbox / "a.csv.1")
    folder.write("a.csv", HEADER + row(3))
    assert set(folder.codes(await folder.read())) == set(codes(1, 2, 3))


async def test_a_second_name_of_a_file_is_a_file_of_its_own(folder: Folder) -> None:
    folder.write("a.csv", HEADER + row(1))
    await folder.read()
    os.link(folder.inbox / "a.csv", folder.inbox / "b.csv")
    assert folder.codes(await folder.read()) == codes(1)
    folder.write("b.csv", row(2), mode="ab")
    assert folder.codes(await folder.read()) == codes(2, 2)


async def test_a_file_that_is_gone_is_forgotten(folder: Folder) -> None:
    folder.write("a.csv", HEADER + row(1))
    await folder.read()
    (folder.inbox / "a.csv").unlink()
    await folder.poll()
    assert folder.cursor == {}


async def test_a_last_line_that_is_being_written_waits_until_it_is_whole(folder: Folder) -> None:
    whole = row(2)
    folder.write("a.csv", HEADER + row(1) + whole[:-4])
    assert folder.codes(await folder.poll()) == codes(1)
    assert folder.page is not None
    assert 0 < folder.page.wait <= SETTLE
    folder.clock.advance(SETTLE - 1)
    assert await folder.poll() == []
    folder.write("a.csv", whole[-4:-1], mode="ab")  # it moves: the wait begins again
    assert await folder.settle() == []
    folder.write("a.csv", "\n" + row(3)[:7], mode="ab")
    assert folder.codes(await folder.poll()) == codes(2)
    folder.write("a.csv", row(3)[7:], mode="ab")
    assert folder.codes(await folder.poll()) == codes(3)
    assert folder.faults() == []


async def test_a_last_line_without_an_end_counts_once_the_file_stood_still(
    folder: Folder,
) -> None:
    folder.write("a.csv", HEADER + row(1) + row(2).rstrip())
    assert folder.codes(await folder.poll()) == codes(1)
    assert folder.codes(await folder.settle()) == codes(2)
    assert await folder.settle() == []
    assert folder.page is not None
    assert folder.page.wait == 0


async def test_a_line_that_went_on_after_standing_still_is_read_whole(folder: Folder) -> None:
    folder.write("a.csv", HEADER + row(1)[:-7])
    assert folder.codes(await folder.read()) == codes(1)
    folder.write("a.csv", row(1)[-7:] + row(2), mode="ab")
    assert folder.codes(await folder.poll()) == codes(1, 2)


async def test_a_quoted_row_cut_by_a_poll_is_read_whole_later(folder: Folder) -> None:
    quoted = [f'{code(i)},"H37.12\nrest ""{i}""",2024-07-05T08:15:00\n' for i in range(5)]
    folder.write("a.csv", HEADER)
    got = []
    for text in quoted:
        for part in (text[: text.index("\n") + 1], text[text.index("\n") + 1 :]):
            folder.write("a.csv", part, mode="ab")
            got += await folder.poll()
    assert folder.codes(got) == codes(*range(5))
    assert folder.faults() == []


async def test_a_quoted_row_that_went_on_after_standing_still_is_read_whole(
    folder: Folder,
) -> None:
    whole = f'{code(2)},"H37 ""12""\nĐơn\nvị",2024-07-05T08:15:00\n'.encode()
    for at in range(len(whole)):
        folder.write("a.csv", (HEADER + row(1)).encode() + whole[:at])
        await folder.read()
        folder.write("a.csv", whole[at:] + row(3).encode(), mode="ab")
        assert folder.codes(await folder.read())[-2:] == codes(2, 3), whole[:at]


async def test_a_quoted_row_written_byte_by_byte_is_no_fault(folder: Folder) -> None:
    folder.write("a.csv", HEADER)
    whole = f'{code(2)},"H37 ""12""\nĐơn\nvị",2024-07-05T08:15:00\n'.encode()
    got = []
    for at in range(len(whole)):
        folder.write("a.csv", whole[at : at + 1], mode="ab")
        got += await folder.poll()
    assert folder.codes(got) == codes(2)
    assert folder.faults() == []


async def test_a_quote_left_open_at_the_end_costs_one_line(folder: Folder) -> None:
    folder.write("a.csv", HEADER + row(1) + f'{code(2)},"H37.12,x\n' + row(3) + row(4))
    assert folder.codes(await folder.read()) == codes(1, 3, 4)
    assert [origin for origin, _ in folder.faults()] == ["inbox/a.csv:3"]
    assert await folder.read() == []


async def test_a_header_that_is_being_written_is_waited_for(folder: Folder) -> None:
    folder.write("a.csv", HEADER[:5])
    assert await folder.poll() == []
    folder.write("a.csv", HEADER[5:] + row(1), mode="ab")
    assert folder.codes(await folder.poll()) == codes(1)


async def test_a_gzip_that_is_being_written_is_no_fault_until_it_stands_still(
    folder: Folder,
) -> None:
    packed = gzip.compress((HEADER + row(1) + row(2)).encode())
    folder.write("a.csv.gz", b"")
    (folder.inbox / "a.csv.gz").write_bytes(packed[:40])
    assert await folder.poll() == []
    (folder.inbox / "a.csv.gz").write_bytes(packed)
    assert folder.codes(await folder.poll()) == codes(1, 2)


async def test_a_gzip_that_stays_cut_is_told_and_read_on_when_it_grows(folder: Folder) -> None:
    packed = gzip.compress((HEADER + row(1) + row(2)).encode())
    (folder.inbox / "a.csv.gz").write_bytes(packed[:-9])
    await folder.read()
    (origin, fault), *others = folder.faults()
    assert fault.reason is RejectReason.TRUNCATED
    assert origin.startswith("inbox/a.csv.gz")
    assert others == []
    assert folder.page is not None
    assert folder.page.refused == 1
    with (folder.inbox / "a.csv.gz").open("ab") as file:
        file.write(packed[-9:])
    await folder.read()
    assert folder.page.refused == 0
    assert sorted(folder.codes(folder.records)) == codes(1, 2)


@pytest.mark.parametrize("name", ["a.csv.gz", "a.json.gz"])
async def test_whole_rows_before_a_cut_are_counted(folder: Folder, name: str) -> None:
    objects = [{"Ma": code(i), "DonVi": f"H37.{i}", "Nhan": "2024-07-05"} for i in range(50)]
    text = HEADER + "".join(row(i, f"H37.{i}") for i in range(50))
    packed = gzip.compress((json.dumps(objects) if "json" in name else text).encode())
    (folder.inbox / name).write_bytes(packed[: len(packed) * 2 // 3])
    read = folder.codes(await folder.read())
    assert 5 < len(read) < 50
    assert read == codes(*range(len(read)))
    assert [fault.reason for _, fault in folder.faults()] == [RejectReason.TRUNCATED]


async def test_another_yaml_reads_every_file_again(make: Make) -> None:
    folder = make()
    folder.write("a.csv", HEADER + row(1) + "X,H37.12,2024-07-05T08:15:00\n")
    await folder.read()
    folder.configure(rest="dossier_code_pattern: any\n")
    assert folder.codes(await folder.read()) == [code(1), "my-portal:X"]
    folder.configure("page_rows: 7", rest="dossier_code_pattern: any\n")
    assert await folder.read() == []


async def test_records_carry_file_time_and_row(folder: Folder) -> None:
    path = folder.write("a.csv", HEADER + row(1) + row(2))
    os.utime(path, ns=(0, 1_700_000_000_123_000_000))
    records = await folder.read()
    assert [(r.file, r.file_time, r.row) for r in records] == [
        ("inbox/a.csv", 1_700_000_000_123, 2),
        ("inbox/a.csv", 1_700_000_000_123, 3),
    ]


async def test_what_is_rewritten_in_place_with_its_times_set_back_is_a_later_word(
    folder: Folder,
) -> None:
    folder.write("a.csv", HEADER + row(1) + row(2))
    first = folder.events(await folder.read())
    folder.keep_times(
        "a.csv", lambda: folder.write("a.csv", HEADER + row(1, "H37.99") + row(2), mode="r+b")
    )
    again = folder.events(await folder.poll())
    assert stated(first) < stated(again)
    folder.keep_times(
        "a.csv", lambda: folder.write("a.csv", HEADER + row(1, "H37.88") + row(2), mode="r+b")
    )
    last = folder.events(await folder.read())
    assert stated(again) < stated(last)
    assert merge_all([*last, *again, *first])[code(1)].agency == "H37.88"


async def test_rows_added_with_times_set_back_are_not_older_than_those_before(
    folder: Folder,
) -> None:
    path = folder.write("a.csv", HEADER + row(1))
    first = folder.events(await folder.read())
    folder.write("a.csv", row(1, "H37.99"), mode="ab")
    os.utime(path, (0, 0))
    added = folder.events(await folder.poll())
    assert stated(first) == stated(added)
    assert merge_all([*added, *first])[code(1)].agency == "H37.99"


async def test_an_older_file_renamed_over_another_keeps_its_own_time(folder: Folder) -> None:
    folder.write("a.csv", HEADER + row(1))
    old = folder.write("b.csv", HEADER + row(1, "H37.99"))
    os.utime(old, (1_700_000_000, 1_700_000_000))
    await folder.read()
    old.replace(folder.inbox / "a.csv")
    assert stated(folder.events(await folder.poll())) == [1_700_000_000_000]


async def test_a_touched_file_states_nothing_older(folder: Folder) -> None:
    path = folder.write("a.csv", HEADER + row(1))
    first = folder.events(await folder.read())
    os.utime(path, (0, 0))
    await folder.read()
    folder.write("a.csv", row(2), mode="ab")
    os.utime(path, (0, 0))
    assert stated(folder.events(await folder.read())) == stated(first)


def stated(events: list[DossierEvent]) -> list[int]:
    """Give the instants of the statements."""
    return sorted({event.stated_at or 0 for event in events})
