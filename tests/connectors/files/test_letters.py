"""A letter of a file's row closes when the row is mended or gone, and never while it stands."""

import os
import random
from pathlib import Path

import pytest
from tests.connectors.files.conftest import Make
from tests.connectors.files.folder import SETTLE, Folder, code

from lgsp_connectors.kit import runner
from lgsp_connectors.kit.bench import Bench

DATE = 'format: "%d/%m/%Y", timezone: Asia/Ho_Chi_Minh'
MAPPING = f"""\
  dossier_code: Ma
  agency: DonVi
  received_at: {{field: Nhan, {DATE}}}
  due_at: {{field: Hen, {DATE}}}
  occurred_at: {{field: Sua, {DATE}}}
"""
HEADER = "Ma,DonVi,Nhan,Hen,Sua\n"
COLUMN = f"stated_at: {{field: Sua, {DATE}}}\n"
BAD = "32/01/2024"


def row(
    i: int, received: str = "03/06/2024", *, changed: str = "12/06/2024", due: str = ""
) -> str:
    return f"{code(i)},H37.12,{received},{due},{changed}\n"


class Desk:
    """A folder, and the connector that reads it, process after process."""

    def __init__(self, folder: Folder) -> None:
        self.folder, self.bench = folder, Bench()
        self.days, self.begin = 0, folder.clock.now // 1000 - 3600

    def put(self, name: str, *rows: str, header: str = HEADER, old: bool = False) -> None:
        """Write a file whole, a second later than the one before; an old one is put there."""
        path = self.folder.inbox / name
        if old:
            path.touch()
            path.rename(self.folder.base / name)  # another inode
        self.folder.write(name, header + "".join(rows))
        self.days += 1
        at = self.begin + (0 if old else self.days)
        os.utime(path, (at, at))

    def drop(self, name: str) -> None:
        (self.folder.inbox / name).unlink()

    async def read(self) -> list[str]:
        """Read all that is there; give where the open letters' records stood, or their rows."""
        report = await self.bench.run(self.folder.start())
        self.closed = report.letters_closed
        return self.open()

    def open(self) -> list[str]:
        return sorted(r.origin.partition("/")[2] for r in self.bench.sink.letters.values())


@pytest.fixture
def desk(make: Make) -> Desk:
    return Desk(make(mapping=MAPPING))


async def test_a_row_corrected_in_place_closes_its_letter(desk: Desk) -> None:
    desk.put("a.csv", row(1), row(2, BAD), row(3))
    assert await desk.read() == ["a.csv:3"]
    desk.put("a.csv", row(1), row(2), row(3))
    assert await desk.read() == []
    assert desk.closed == 1


async def test_a_row_of_which_no_code_can_be_read_closes_its_letter_too(desk: Desk) -> None:
    bad = row(2).replace("H37.12-", "H3712-")
    desk.put("a.csv", row(1), bad, "too,few\n")
    assert await desk.read() == ["a.csv:3", "a.csv:4"]
    desk.put("a.csv", row(1), row(2), "too,few\n")
    assert await desk.read() == ["a.csv:4"]


@pytest.mark.parametrize("rest", ["", COLUMN])
async def test_the_next_days_export_closes_the_letter_of_what_it_states_well(
    make: Make, rest: str
) -> None:
    desk = Desk(make(mapping=MAPPING, rest=rest))
    desk.put("01.csv", row(1, BAD), row(2, BAD))
    assert await desk.read() == ["01.csv:2", "01.csv:3"]
    desk.put("02.csv", row(1, changed="13/06/2024"))
    assert await desk.read() == ["01.csv:3"]


async def test_both_in_one_look_leave_no_letter_in_whatever_order_they_are_read(
    desk: Desk,
) -> None:
    desk.put("b.csv", row(1, BAD))
    desk.put("a.csv", row(1))
    desk.put("c.csv", row(2, BAD))
    desk.put("d.csv", row(2))
    assert await desk.read() == []


async def test_an_older_word_of_the_dossier_closes_nothing(make: Make) -> None:
    desk = Desk(make(mapping=MAPPING, rest=COLUMN))
    desk.put("01.csv", row(1, BAD, changed="13/06/2024"))
    await desk.read()
    desk.put("02.csv", row(1, changed="12/06/2024"))
    assert await desk.read() == ["01.csv:2"]
    desk.put("03.csv", row(1, changed="13/06/2024"))
    assert await desk.read() == []


@pytest.mark.parametrize("slip", ["13/06/9024", "", "quarter past"])
async def test_a_slip_in_the_time_that_orders_corrections_keeps_no_letter_open(
    make: Make, slip: str
) -> None:
    desk = Desk(make(mapping=MAPPING, rest=COLUMN))
    desk.put("01.csv", row(1, BAD, changed=slip))
    await desk.read()
    desk.put("02.csv", row(1, changed="13/06/2024"))
    assert await desk.read() == []


async def test_a_row_that_moved_and_is_bad_still_keeps_its_letter(desk: Desk) -> None:
    desk.put("a.csv", row(1, BAD))
    await desk.read()
    desk.put("a.csv", row(2), row(3), row(1, BAD))
    assert len(await desk.read()) == 1
    desk.put("a.csv", row(2), row(3), row(1))
    assert await desk.read() == []


async def test_of_two_bad_rows_of_the_same_bytes_both_must_be_mended(desk: Desk) -> None:
    bad = row(1).replace("H37.12-", "H3712-")
    desk.put("a.csv", bad, bad, row(2))
    assert len(await desk.read()) == 1
    desk.put("a.csv", row(1), bad, row(2))
    assert len(await desk.read()) == 1
    desk.put("a.csv", row(1), row(3), row(2))
    assert await desk.read() == []


async def test_of_the_same_bytes_in_two_files_both_must_be_mended(desk: Desk) -> None:
    bad = row(1).replace("H37.12-", "H3712-")
    desk.put("a.csv", bad)
    desk.put("b.csv", bad)
    assert len(await desk.read()) == 1
    desk.put("a.csv", row(1))
    assert len(await desk.read()) == 1
    desk.put("b.csv", row(1))
    assert await desk.read() == []


async def test_a_row_broken_again_in_the_same_way_is_told_again(desk: Desk) -> None:
    for _ in range(3):
        desk.put("a.csv", row(1, BAD), row(2))
        assert await desk.read() == ["a.csv:2"]
        desk.put("a.csv", row(1), row(2))
        assert await desk.read() == []
    assert len(desk.bench.sink.rejects) == 3


async def test_a_later_export_that_is_bad_in_the_same_way_again_is_told_again(desk: Desk) -> None:
    desk.put("01.csv", row(1, BAD))
    await desk.read()
    desk.put("02.csv", row(1))
    assert await desk.read() == []
    desk.put("03.csv", row(1, BAD))
    assert await desk.read() == ["03.csv:2"]


async def test_a_file_read_again_for_another_row_brings_no_letter_back(desk: Desk) -> None:
    """What a later file states well is made up for, in whichever order the files are read."""
    desk.put("02.csv", row(1))
    desk.put("01.csv", row(1, BAD), row(2), old=True)
    assert await desk.read() == []
    desk.put("01.csv", row(1, BAD), row(2, due="13/06/2024"), old=True)
    assert await desk.read() == []


@pytest.mark.parametrize("header", ["Ma;DonVi;Nhan;Hen;Sua\n", "Ten,Tuoi\n"])
async def test_a_file_that_was_refused_and_replaced_closes_its_letter(
    desk: Desk, header: str
) -> None:
    desk.put("a.csv", row(1), header="Ten,Tuoi\n")
    desk.put("b.csv", row(2))
    assert await desk.read() == ["a.csv:1"]
    desk.put("a.csv", row(1), header="Ma,Tuoi\n")
    assert await desk.read() == ["a.csv:1"]
    desk.put("a.csv", row(1))
    assert await desk.read() == []


async def test_a_file_refused_and_emptied_has_no_bad_rows_any_more(desk: Desk) -> None:
    desk.put("a.csv", row(1, BAD))
    await desk.read()
    desk.folder.write("a.csv", "")
    os.utime(desk.folder.inbox / "a.csv", (10**9, 10**9))
    desk.folder.clock.advance(86_400 * 9)
    await desk.read()
    assert await desk.read() == []


async def test_a_packed_file_that_ended_early_and_was_sent_again(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_PATIENCE", 0.1)
    desk = Desk(make(mapping=MAPPING))
    desk.put("a.csv.gz", *[row(i, due=f"{i % 28 + 1:02d}/07/2024") for i in range(200)])
    path = desk.folder.inbox / "a.csv.gz"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    await desk.read()
    desk.folder.clock.advance(SETTLE)
    assert len(await desk.read()) == 1
    path.write_bytes(whole)
    await desk.read()
    desk.folder.clock.advance(SETTLE)
    assert await desk.read() == []


async def test_a_letter_of_a_file_that_is_gone_stays_and_moves_with_its_row(desk: Desk) -> None:
    bad = row(1).replace("H37.12-", "H3712-")
    desk.put("a.csv", bad)
    await desk.read()
    desk.drop("a.csv")
    assert await desk.read() == ["a.csv:2"]
    desk.put("renamed.csv", bad)
    assert len(await desk.read()) == 1
    desk.put("renamed.csv", row(1))
    assert await desk.read() == []


async def test_of_single_steps_only_the_file_itself_closes_a_letter(make: Make) -> None:
    desk = Desk(make(mapping=MAPPING + "  status: {const: 4}\n"))
    config = desk.folder.config
    config.write_text(config.read_text().replace("shape: dossiers", "shape: steps"))
    desk.put("a.csv", row(1, changed=BAD))
    assert await desk.read() == ["a.csv:2"]
    desk.put("b.csv", row(1, changed="14/06/2024"))
    assert await desk.read() == ["a.csv:2"]
    desk.put("a.csv", row(1))
    assert await desk.read() == []


async def test_the_newest_of_complete_exports_holds_all_bad_rows_that_stand(make: Make) -> None:
    desk = Desk(make("complete: true", mapping=MAPPING))
    torn = row(4).replace("H37.12-", "H3712-")
    desk.put("01.csv", row(1), row(2, BAD), row(3, BAD), torn)
    assert await desk.read() == ["01.csv:3", "01.csv:4", "01.csv:5"]
    desk.put("02.csv", row(1), row(2), row(3, BAD))
    assert len(await desk.read()) == 1
    desk.put("03.csv", row(1), row(2))
    assert await desk.read() == []
    desk.put("01.csv", row(1), row(2, BAD), row(5, BAD), old=True)  # read late: it is the past
    assert await desk.read() == []


async def test_a_process_that_was_stopped_amid_a_file_knows_what_it_met(desk: Desk) -> None:
    """Pages are small, and every process reads one of them."""
    config = desk.folder.config
    config.write_text(config.read_text().replace("path:", "page_rows: 2, path:"))
    choice = random.Random(7)
    for _ in range(6):
        bad = {i for i in range(9) if choice.random() < 0.5}
        rows = [row(i, BAD if i in bad else "03/06/2024", due="01/07/2024") for i in range(9)]
        choice.shuffle(rows)
        desk.put("a.csv", *rows)
        for _ in range(7):
            await desk.bench.run(desk.folder.start(), pages=1)
        await desk.read()
        texts = [str(record.data) for record in desk.bench.sink.letters.values()]
        assert len(texts) == len(bad)
        assert all(any(code(i) in text for text in texts) for i in bad)


async def test_a_file_that_grows_keeps_the_letters_of_its_first_rows(desk: Desk) -> None:
    desk.put("a.csv", row(1, BAD), row(2))
    await desk.read()
    with (desk.folder.inbox / "a.csv").open("a") as file:
        file.write(row(3) + row(4, BAD))
    assert await desk.read() == ["a.csv:2", "a.csv:5"]


async def test_no_person_of_a_file_name_stands_in_what_is_remembered(
    desk: Desk, tmp_path: Path
) -> None:
    desk.put("NGUYEN VAN TEST.csv", row(1, BAD))
    await desk.read()
    dump = "\n".join(desk.bench.standing._db.iterdump())
    assert "NGUYEN" not in dump
    assert code(1) not in dump
