"""Files that were joined, cut or edited by hand: second headers, stray quotes, doubled keys."""

import json
import unicodedata

import pytest
from tests.connectors.files.conftest import Make
from tests.connectors.files.folder import HEADER, MAPPING, Folder, codes, row
from tests.connectors.files.workbook import Cell, workbook

from lgsp.domain.errors import RejectReason

NOTED = HEADER.replace("\n", ",GhiChu\n")


def noted(i: int, note: str) -> str:
    return row(i).replace("\n", f",{note}\n")


def as_sheet(text: str) -> bytes:
    rows: list[list[Cell]] = [[*line.split(",")] for line in text.splitlines()]
    return workbook({"A": rows})


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
async def test_the_header_again_in_the_middle_is_no_row(folder: Folder, suffix: str) -> None:
    text = HEADER + row(1) + HEADER + row(2)
    folder.write(f"a.{suffix}", text if suffix == "csv" else as_sheet(text))
    assert folder.codes(await folder.read()) == codes(1, 2)
    assert folder.faults() == []
    assert folder.skipped == 1


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
async def test_another_tables_header_in_the_middle_ends_the_file(make: Make, suffix: str) -> None:
    folder = make(mapping=MAPPING + "  due_at: {field: Hen, timezone: Asia/Ho_Chi_Minh}\n")
    first = "Ma,DonVi,Nhan,Hen\n" + row(1).replace("\n", ",2024-07-12\n")
    second = "Ma,DonVi,Hen,Nhan\n" + row(2).replace("\n", ",2024-07-12\n")
    text = first + second
    folder.write(f"a.{suffix}", text if suffix == "csv" else as_sheet(text))
    assert folder.codes(await folder.read()) == codes(1)
    ((origin, fault),) = folder.faults()
    assert origin == f"inbox/a.{suffix}:3"
    assert "another header" in fault.detail
    assert folder.page is not None
    assert folder.page.refused == 1


async def test_two_stray_quotes_hide_no_row_between_them(folder: Folder) -> None:
    lines = [noted(1, '"ống 5'), *(noted(i, "") for i in range(2, 6)), noted(6, '20"')]
    folder.write("a.csv", NOTED + "".join(lines) + noted(7, '"một\nhai"'))
    assert folder.codes(await folder.read()) == codes(2, 3, 4, 5, 6, 7)
    ((origin, fault),) = folder.faults()
    assert (origin, fault.reason) == ("inbox/a.csv:2", RejectReason.UNREADABLE)
    assert "line 7" in fault.detail


async def test_a_cell_of_several_lines_with_as_many_commas_as_a_row_is_a_cell(
    folder: Folder,
) -> None:
    note = '"Số 1, phường 2, tổ 3, TP Mẫu\nthôn 4, xã 5, huyện 6, tỉnh 7"'
    folder.write("a.csv", NOTED + noted(1, "") + noted(2, note))
    assert folder.codes(await folder.read()) == codes(1, 2)
    assert folder.faults() == []


@pytest.mark.parametrize(
    "text",
    [
        HEADER + row(1).replace("\n", ",\n") + row(2),
        HEADER.replace("\n", ",,\n") + row(1).replace("\n", ",\n") + row(2),
    ],
)
async def test_delimiters_at_the_end_of_a_line_are_no_cells(folder: Folder, text: str) -> None:
    folder.write("a.csv", text)
    assert folder.codes(await folder.read()) == codes(1, 2)
    assert folder.faults() == []


@pytest.mark.parametrize("form", ["{}\n{}\n", "[{},{}]"])
async def test_a_key_that_stands_twice_rejects_its_object(folder: Folder, form: str) -> None:
    good = {"Ma": codes(1)[0], "DonVi": "H37.12", "Nhan": "2024-07-05", "more": {"Ma": "x"}}
    again = json.dumps(good | {"Ma": codes(2)[0]})[:-1] + ', "DonVi" : "H37.13"}'
    folder.write(f"a.json{'l' if form[0] == '{' else ''}", form.format(json.dumps(good), again))
    assert folder.codes(await folder.read()) == codes(1)
    ((_, fault),) = folder.faults()
    assert fault.detail == "the key DonVi stands twice, with different values"


async def test_a_key_that_stands_twice_in_two_unicode_forms_rejects_its_object(make: Make) -> None:
    folder = make(mapping=MAPPING.replace("Nhan", "Nhận"))
    good = {"Ma": codes(1)[0], "DonVi": "H37.12", "Nhận": "2024-07-05"}
    other = good | {"Ma": codes(2)[0], unicodedata.normalize("NFD", "Nhận"): "2024-07-06"}
    folder.write("a.jsonl", json.dumps(good) + "\n" + json.dumps(other) + "\n")
    assert folder.codes(await folder.read()) == codes(1)
    ((_, fault),) = folder.faults()
    assert (fault.field, fault.reason) == ("Nhận", RejectReason.BAD_VALUE)


@pytest.mark.parametrize("blocks", [5000, 200_000])
async def test_zeros_behind_the_rows_are_no_other_encoding(folder: Folder, blocks: int) -> None:
    folder.write("a.csv", (HEADER + row(1)).encode() + b"\0" * blocks)
    assert folder.codes(await folder.read()) == codes(1)
    assert [origin for origin, _ in folder.faults()] == ["inbox/a.csv:3"]
