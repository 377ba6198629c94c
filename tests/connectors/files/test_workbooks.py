"""Workbooks as people and programs leave them: formulas, errors, merged cells, strays, bombs."""

import io
import struct
import zipfile

import pytest
from tests.connectors.files.conftest import Make
from tests.connectors.files.folder import HEADER, MAPPING, Folder, code, codes, row
from tests.connectors.files.workbook import Cell, Raw, Styled, workbook

from lgsp.domain.errors import RejectReason

DUE = MAPPING + "  due_at: {field: Hen, timezone: Asia/Ho_Chi_Minh}\n"
COLUMNS: list[Cell] = ["Ma", "DonVi", "Nhan", "Hen"]
DAY, DUE_DAY = Styled(45478), Styled(45485)


def line(i: int, due: Cell, unit: Cell = "H37.12") -> list[Cell]:
    return [code(i), unit, DAY, due]


@pytest.mark.parametrize(
    "cell",
    [
        Raw("<f>C3+7</f>"),
        Raw("<f>C3+7</f><v></v>"),
        Raw("<f>C3+7</f><v/>"),
        Raw('<f t="shared" si="0"/>'),
        Raw("<f>VLOOKUP(A3,B:B,1)</f><v>#N/A</v>", "e"),
        Raw("<v>#REF!</v>", "e"),
    ],
)
async def test_a_cell_whose_value_excel_does_not_know_is_no_empty_cell(
    make: Make, cell: Raw
) -> None:
    folder = make(mapping=DUE)
    rows = [COLUMNS, line(1, DUE_DAY), line(2, cell), line(3, DUE_DAY)]
    folder.write("a.xlsx", workbook({"A": rows}))
    assert folder.codes(await folder.read()) == codes(1, 3)
    ((origin, fault),) = folder.faults()
    assert (origin, fault.reason, fault.field) == ("inbox/a.xlsx:3", RejectReason.BAD_VALUE, "Hen")


async def test_a_formula_that_gives_the_empty_text_is_an_empty_cell(make: Make) -> None:
    folder = make(mapping=DUE)
    cell = Raw('<f>IF(1,"",2)</f><v></v>', "str")
    folder.write("a.xlsx", workbook({"A": [COLUMNS, line(1, cell)]}))
    assert folder.codes(await folder.read()) == codes(1)
    assert folder.faults() == []


async def test_a_sheet_of_formulas_that_nobody_calculated_is_not_an_empty_one(make: Make) -> None:
    folder = make(mapping=DUE)
    lost: list[Cell] = [Raw(f"<f>B!{letter}2</f>") for letter in "ABCD"]
    above: list[list[Cell]] = [[], [], [None, *COLUMNS], [None, *lost]]
    folder.write("a.xlsx", workbook({"A": above}))
    assert await folder.read() != []
    ((origin, fault),) = folder.faults()
    assert (origin, fault.field) == ("inbox/a.xlsx:4", "Ma")


async def test_errors_beside_the_mapping_or_in_rows_left_out_are_nobodys(make: Make) -> None:
    folder = make("skip: {Ma: [Tổng]}", mapping=DUE)
    rows: list[list[Cell]] = [
        [*COLUMNS, "Ghi chú"],
        [*line(1, DUE_DAY), Raw("<v>#N/A</v>", "e")],
        ["Tổng", None, None, Raw("<f>SUM(D2:D2)</f>")],
    ]
    folder.write("a.xlsx", workbook({"A": rows}))
    assert folder.codes(await folder.read()) == codes(1)
    assert folder.faults() == []
    assert folder.skipped == 1


async def test_a_cell_merged_over_several_rows_stands_in_each_of_them(make: Make) -> None:
    folder = make(mapping=DUE)
    rows: list[list[Cell]] = [[], [None, *COLUMNS], [None, *line(1, DUE_DAY)]]
    rows += [[None, *line(2, None, None)], [None, *line(3, None, None)], [None, *line(4, None)]]
    folder.write("a.xlsx", workbook({"A": rows}, merged=["C3:C5", "E3:E5"]))
    events = folder.events(await folder.read())
    assert [(e.dossier_code, e.agency) for e in events] == [
        (c, "H37.12") for c in codes(1, 2, 3, 4)
    ]
    assert [e.due_at is not None for e in events] == [True, True, True, False]


async def test_a_code_merged_over_several_rows_is_one_dossier_and_says_so(make: Make) -> None:
    folder = make(mapping=DUE)
    rows: list[list[Cell]] = [COLUMNS, line(1, DUE_DAY), [None, "H37.13", DAY, DUE_DAY]]
    folder.write("a.xlsx", workbook({"A": rows}, merged=["A2:A3"]))
    good, lower = await folder.read()
    assert folder.codes([good]) == codes(1)
    with pytest.raises(Exception, match="missing_field: Ma"):
        folder.codes([lower])


async def test_a_cell_far_outside_of_the_table_costs_its_file_only(folder: Folder) -> None:
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    folder.write("a.xlsx", workbook({"A": [["Ma", "DonVi", "Nhan"]]}, more=far))
    folder.write("b.csv", HEADER + row(1))
    assert folder.codes(await folder.read()) == codes(1)
    ((_, fault),) = folder.faults()
    assert "row 1,048,576 and column 16,384" in fault.detail


async def test_a_workbook_that_lies_about_its_size_is_refused(folder: Folder) -> None:
    data = workbook({"A": [["Ma", "DonVi", "Nhan"], [code(1), "H37.12", " " * 1_000_000]]})
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        entry = packed.getinfo("xl/worksheets/sheet1.xml")
    lying = data.replace(struct.pack("<L", entry.file_size), struct.pack("<L", 100))
    assert lying != data
    folder.write("a.xlsx", lying)
    folder.write("b.csv", HEADER + row(2))
    assert folder.codes(await folder.read()) == codes(2)
    ((_, fault),) = folder.faults()
    assert fault.detail.startswith("not a workbook that can be read")


async def test_one_text_that_is_named_by_very_many_cells_costs_its_file_only(
    folder: Folder,
) -> None:
    cells = "".join(f'<row r="{i}"><c r="A{i}" t="s"><v>0</v></c></row>' for i in range(2, 20_000))
    data = io.BytesIO(workbook({"A": [["Ma", "DonVi", "Nhan"]]}, more=cells))
    with zipfile.ZipFile(data, "a", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/sharedStrings.xml", f"<sst><si><t>{'x' * 32_000}</t></si></sst>")
    folder.write("a.xlsx", data.getvalue())
    folder.write("b.csv", HEADER + row(1))
    assert folder.codes(await folder.read()) == codes(1)
    ((_, fault),) = folder.faults()
    assert "640 MB of text" in fault.detail


async def test_another_kind_of_packed_file_is_no_workbook(folder: Folder) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("content.xml", "<office:document/>")
    folder.write("a.xlsx", out.getvalue())
    assert await folder.read() != []
    ((_, fault),) = folder.faults()
    assert "save it as .xlsx" in fault.detail
