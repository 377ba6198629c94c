"""How files may be written: line ends, encodings, delimiters, titles, workbooks, JSON."""

import gzip
import json
import unicodedata
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal

import pytest
from tests.connectors.files.conftest import Make
from tests.connectors.files.folder import HEADER, MAPPING, Folder, code, codes, row
from tests.connectors.files.workbook import Cell, Styled, workbook

from lgsp.domain.errors import RejectReason
from lgsp_connectors.kit.mapping.times import compile_iso

UNIT = "Trực tuyến"
TONES = "\u0300\u0301\u0303\u0309\u0323"


def objects(*numbers: int, unit: str = "H37.12") -> list[dict[str, str]]:
    return [{"Ma": code(i), "DonVi": unit, "Nhan": "2024-07-05T08:15:00"} for i in numbers]


def lines(*rows: object) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def encode(text: str, codec: str) -> bytes:
    """Encode as Windows does: its Vietnamese code page has the tones as marks of their own."""
    if codec != "cp1258":
        return text.encode(codec)
    out = ""
    for letter in unicodedata.normalize("NFC", text):
        parts = unicodedata.normalize("NFD", letter)
        base = "".join(c for c in parts if c not in TONES)
        out += unicodedata.normalize("NFC", base) + "".join(c for c in parts if c in TONES)
    return out.encode(codec)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("cell", ["H37.12", '"H37.12"', '"H37\n12"'])
async def test_every_line_end_ends_a_line(folder: Folder, end: str, cell: str) -> None:
    text = (HEADER + row(1, "X") + row(2, "X") + row(3, "X")).replace("\n", end)
    folder.write("a.csv", text.replace("X", cell))
    assert folder.codes(await folder.read()) == codes(1, 2, 3)
    assert folder.faults() == []


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
async def test_a_file_cut_anywhere_is_read_whole_in_the_end(folder: Folder, end: str) -> None:
    text = (HEADER + row(1) + row(2)).replace("\n", end).encode()
    got = []
    for at in range(len(text)):
        folder.write("a.csv", text[at : at + 1], mode="ab")
        got += await folder.poll()
    got += await folder.settle()
    assert set(folder.codes(got)) == set(codes(1, 2))
    assert len(folder.events(got)) == len(folder.codes(got))
    assert folder.faults() == []


@pytest.mark.parametrize("odd", ["\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\x85", "\r"])
async def test_separators_that_are_none_stay_in_their_cell(make: Make, odd: str) -> None:
    folder = make(mapping=MAPPING + "  domain: Loai\n")
    rows = [
        row(1).strip() + f",a{odd}b\n",
        f'{code(2)},"H37.12",2024-07-05T08:15:00,c{odd}d\n',
        f'{code(3)},"H37.12",2024-07-05T08:15:00,"e{odd}f"\n',
        row(4).strip() + ",g\n",
    ]
    folder.write("a.csv", HEADER.replace("\n", ",Loai\n") + "".join(rows))
    events = folder.events(await folder.read())
    assert [e.domain for e in events] == [f"a{odd}b", f"c{odd}d", f"e{odd}f", "g"]


@pytest.mark.parametrize(
    ("encoding", "codec", "unit"),
    [
        ("windows-1258", "cp1258", UNIT),
        ("windows-1252", "cp1252", "Café à"),
        ("mac-roman", "mac-roman", "Café à"),
        ("cp850", "cp850", "Café à"),
        ("utf-16", "utf-16-le", UNIT),
        ("utf-8", "utf-8-sig", UNIT),
        ("auto", "utf-8", UNIT),
        ("auto", "utf-8-sig", UNIT),
        ("auto", "utf-16", UNIT),
        ("auto", "utf-16-le", UNIT),
        ("auto", "utf-16-be", UNIT),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "CSV.GZ", "JSONL", "json"])
async def test_the_encoding_is_named_or_seen(
    make: Make, encoding: str, codec: str, unit: str, suffix: str
) -> None:
    folder = make(f"encoding: {encoding}")
    rows = objects(1, 2, unit=unit)
    text = {
        "JSONL": "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows),
        "json": json.dumps(rows, ensure_ascii=False),
    }.get(suffix, HEADER + row(1, unit) + row(2, unit))
    data = encode(text, codec)
    path = folder.inbox / f"a.{suffix}"
    path.write_bytes(gzip.compress(data) if suffix.endswith("GZ") else data)
    records = await folder.read()
    assert [(e.dossier_code, e.agency) for e in folder.events(records)] == [
        (code(1), unit),
        (code(2), unit),
    ]
    assert folder.faults() == []


async def test_unicode_text_of_excel_needs_no_key(folder: Folder) -> None:
    text = (HEADER + row(1, UNIT) + row(2, UNIT)).replace(",", "\t").replace("\n", "\r\n")
    folder.write("a.txt", b"\xff\xfe" + text.encode("utf-16-le"))
    assert [e.agency for e in folder.events(await folder.read())] == [UNIT, UNIT]


async def test_utf16_that_grows_is_read_on(folder: Folder) -> None:
    folder.write("a.csv", (HEADER + row(1, UNIT)).encode("utf-16"))
    await folder.read()
    half = row(2, UNIT).encode("utf-16-le")
    folder.write("a.csv", half[:-3], mode="ab")
    assert await folder.poll() == []
    folder.write("a.csv", half[-3:] + row(3).encode("utf-16-le"), mode="ab")
    assert folder.codes(await folder.read()) == codes(2, 3)


@pytest.mark.parametrize(
    ("codec", "proposed"), [("cp1258", "windows-1258"), ("mac-roman", "mac-roman")]
)
async def test_what_is_not_utf8_is_told_with_the_remedy(
    folder: Folder, codec: str, proposed: str
) -> None:
    unit = UNIT if codec == "cp1258" else "Café à é è ê"
    folder.write("a.csv", encode(HEADER + row(1, unit), codec) + row(2).encode())
    assert folder.codes(await folder.read()) == codes(2)
    ((origin, fault),) = folder.faults()
    assert (origin, fault.reason) == ("inbox/a.csv:2", RejectReason.UNREADABLE)
    assert "position" in fault.detail
    assert f"source.encoding (perhaps {proposed})" in fault.detail


async def test_a_lone_surrogate_costs_its_row_only(folder: Folder) -> None:
    text = HEADER + row(1) + row(2, "X") + row(3)
    data = text.encode("utf-16-le").replace(b"X\0", b"\x00\xd8")
    folder.write("a.csv", b"\xff\xfe" + data)
    assert folder.codes(await folder.read()) == codes(1, 3)
    assert [origin for origin, _ in folder.faults()] == ["inbox/a.csv:3"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
async def test_the_delimiter_is_the_one_by_which_the_header_fits(
    folder: Folder, delimiter: str
) -> None:
    folder.write("a.csv", (HEADER + row(1)).replace(",", delimiter))
    assert folder.codes(await folder.read()) == codes(1)


async def test_a_delimiter_that_is_named_is_kept_to(make: Make) -> None:
    folder = make('delimiter: ";"')
    folder.write("a.csv", HEADER + row(1))
    await folder.read()
    assert [fault.field for _, fault in folder.faults()] == ["Ma"]


async def test_the_delimiter_line_of_excel_is_believed(make: Make) -> None:
    folder = make("skip_rows: 1")
    folder.write("a.csv", "sep=^\nBang ke\n" + (HEADER + row(1)).replace(",", "^"))
    assert folder.codes(await folder.read()) == codes(1)


async def test_title_rows_stand_above_the_header(make: Make) -> None:
    folder = make("skip_rows: 2")
    folder.write("a.csv", 'DANH SÁCH HỒ SƠ "quý 3\n,,\n\n' + HEADER + row(1))
    records = await folder.read()
    assert folder.codes(records) == codes(1)
    assert [r.row for r in records] == [5]


async def test_a_header_cell_may_hold_a_line_break(make: Make) -> None:
    mapping = MAPPING.replace("DonVi", '"Đơn vị thụ lý"')
    folder = make(mapping=mapping)
    cell = unicodedata.normalize("NFD", '"Đơn vị\n thụ  lý"')
    folder.write("a.csv", HEADER.replace("DonVi", cell) + row(1))
    assert folder.codes(await folder.read()) == codes(1)


@pytest.mark.parametrize(("form", "other"), [("NFC", "NFD"), ("NFD", "NFC")])
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json"])
async def test_column_names_are_compared_in_one_unicode_form(
    make: Make, form: Literal["NFC", "NFD"], other: Literal["NFC", "NFD"], suffix: str
) -> None:
    """On both sides: in the YAML and in the file."""
    folder = make(mapping=MAPPING.replace("DonVi", unicodedata.normalize(form, "Đơn vị")))
    name = unicodedata.normalize(other, "Đơn vị")
    (data,) = objects(1)
    data = {name if key == "DonVi" else key: value for key, value in data.items()}
    text = {"csv": HEADER.replace("DonVi", name) + row(1), "json": json.dumps([data])}
    folder.write(f"a.{suffix}", text.get(suffix, lines(data)))
    assert folder.codes(await folder.read()) == codes(1)


async def test_blanks_may_stand_around_quotes(folder: Folder) -> None:
    folder.write("a.csv", HEADER + f'{code(1)}, "H37, ""12""" ,2024-07-05T08:15:00\n' + row(2))
    assert [e.agency for e in folder.events(await folder.read())] == ['H37, "12"', "H37.12"]


async def test_a_quote_inside_a_plain_cell_is_a_letter_like_others(folder: Folder) -> None:
    folder.write("a.csv", HEADER + row(1, 'ống 5"') + row(2))
    assert [e.agency for e in folder.events(await folder.read())] == ['ống 5"', "H37.12"]


async def test_rows_that_state_nothing_are_skipped_and_counted(folder: Folder) -> None:
    header = "STT," + HEADER
    good = "".join(f"{i},{row(i)}" for i in range(3))
    numbers = "".join(f"{i},,,\n" for i in range(4, 154))
    folder.write("a.csv", header + good + numbers + ",,,\n , ,,\n,\n\n")
    assert folder.codes(await folder.read()) == codes(0, 1, 2)
    assert folder.faults() == []
    assert folder.skipped == 153


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "xlsx"])
async def test_sum_rows_are_left_out_by_a_rule(make: Make, suffix: str) -> None:
    folder = make('skip: {DonVi: ["tổng cộng", Cộng]}')
    rows = [*objects(1), {"Ma": "3 hồ sơ", "DonVi": "TỔNG CỘNG:", "Nhan": ""}, *objects(2)]
    table: list[list[Cell]] = [list(each.values()) for each in rows]
    text: dict[str, str | bytes] = {
        "jsonl": lines(*rows),
        "xlsx": workbook({"S": [["Ma", "DonVi", "Nhan"], *table]}),
        "csv": HEADER + "".join(",".join(each.values()) + "\n" for each in rows) + "x, cộng\n",
    }
    folder.write(f"a.{suffix}", text[suffix])
    assert folder.codes(await folder.read()) == codes(1, 2)
    assert folder.faults() == []


async def test_an_empty_word_of_a_rule_is_the_empty_cell(make: Make) -> None:
    folder = make('skip: {DonVi: ["", "Tổng"]}')
    folder.write("a.csv", HEADER + row(1) + row(2, " ") + row(3, "TỔNG") + row(4))
    assert folder.codes(await folder.read()) == codes(1, 4)
    assert folder.faults() == []


async def test_a_rule_for_a_column_that_is_not_there_is_an_error(make: Make) -> None:
    folder = make("skip: {GhiChu: [x]}")
    folder.write("a.csv", HEADER + row(1))
    await folder.read()
    assert [fault.field for _, fault in folder.faults()] == ["GhiChu"]


HEAD: list[Cell] = ["Ma", "DonVi", "Nhan"]


def sheet_of(*numbers: int, above: Sequence[list[Cell]] = ()) -> list[list[Cell]]:
    rows: list[list[Cell]] = [[code(i), "H37.12", "2024-07-05T08:15:00"] for i in numbers]
    return [*above, HEAD, *rows]


async def test_a_workbook_is_read_by_its_first_sheet(make: Make) -> None:
    folder = make("skip_rows: 1")
    titled = sheet_of(1, above=[["DANH SÁCH"], []])
    notes: list[list[Cell]] = [["X"], ["Ghi chú"], ["khác"]]
    folder.write("a.XLSX", workbook({"Một": [*titled, [], ["", "", ""]], "Hai": notes}))
    records = await folder.read()
    assert folder.codes(records) == codes(1)
    assert [r.origin for r in records] == ["inbox/a.XLSX:4"]
    folder.configure("sheet: Ba")
    await folder.read()
    assert "Một, Hai" in folder.faults()[0][1].detail


async def test_tables_on_further_sheets_are_told_unless_a_sheet_is_named(make: Make) -> None:
    folder = make()
    sheets: dict[str, list[list[Cell]]] = {
        "Một": sheet_of(1, 2),
        "Ghi chú": [["x"]],
        "Hai": sheet_of(3),
        "Ba": sheet_of(4),
    }
    folder.write("a.xlsx", workbook(sheets))
    assert folder.codes(await folder.read()) == codes(1, 2)
    ((origin, fault),) = folder.faults()
    assert origin == "inbox/a.xlsx"
    assert "others have the mapping's columns: Hai, Ba: name one in source.sheet" in fault.detail
    assert folder.page is not None
    assert folder.page.refused == 1
    folder.configure("sheet: Hai")
    assert folder.codes(await folder.read()) == codes(3)
    assert folder.page.refused == 0


async def test_all_sheets_that_are_tables_are_read_when_they_are_asked_for(make: Make) -> None:
    folder = make('sheet: "*", page_rows: 2')
    sheets: dict[str, list[list[Cell]]] = {
        "Một": sheet_of(1, 2, 3),
        "Ghi chú": [["x"]],
        "Hai": sheet_of(4, above=[[], []]),
        "Trống": [],
    }
    folder.write("a.xlsx", workbook(sheets))
    records = await folder.read()
    assert folder.codes(records) == codes(1, 2, 3, 4)
    assert [r.row for r in records] == [2, 3, 4, 8]
    assert folder.faults() == []
    half: list[list[Cell]] = [["Ma", "DonVi"], ["x", "y"]]
    folder.write("a.xlsx", workbook(sheets | {"Ba": half}))
    await folder.read()
    ((origin, fault),) = folder.faults()
    assert (origin, fault.field) == ("inbox/a.xlsx:9", "Nhan")


async def test_cells_of_a_workbook_keep_their_kind(folder: Folder) -> None:
    head: list[Cell] = ["Ma", "DonVi", "Nhan", "Ngay", "Gio", "So"]
    cells: list[Cell] = [
        code(1),
        "H37.12",
        "2024-07-05T08:15:00",
        Styled(45478),
        Styled(45478.5),
        7.0,
    ]
    folder.write("a.xlsx", workbook({"S": [head, cells]}))
    (record,) = await folder.read()
    assert list(record.data.values())[3:] == [date(2024, 7, 5), datetime(2024, 7, 5, 12), 7]  # noqa: DTZ001


async def test_dates_of_a_workbook_need_no_format_and_serial_days_their_form(make: Make) -> None:
    form = '{field: F, format: ["%d/%m/%Y", excel], timezone: Asia/Ho_Chi_Minh}'
    mapping = "  dossier_code: Ma\n  agency: DonVi\n"
    for name, column in (("received_at", "Nhan"), ("due_at", "Hen"), ("finished_at", "Xong")):
        mapping += f"  {name}: {form.replace('F,', column + ',')}\n"
    folder = make(mapping=mapping)
    head: list[Cell] = ["Ma", "DonVi", "Nhan", "Hen", "Xong"]
    cells: list[Cell] = [code(1), "H37.12", Styled(45478.25), Styled(45479), 45479.5]
    folder.write("a.xlsx", workbook({"S": [head, cells]}))
    event = folder.events(await folder.read())[-1]
    local = compile_iso("Asia/Ho_Chi_Minh")
    assert event.received_at == local("2024-07-05T06:00")
    assert event.due_at == local("2024-07-06T23:59:59.999")
    assert event.finished_at == local("2024-07-06T12:00")


async def test_date_cells_of_a_workbook_need_no_format(make: Make) -> None:
    mapping = MAPPING.replace("timezone:", 'format: "%d/%m/%Y", timezone:')
    folder = make(mapping=mapping + "  due_at: {field: Hen, timezone: Asia/Ho_Chi_Minh}\n")
    cells: list[Cell] = [code(1), "H37.12", Styled(45478.25), Styled(45480)]
    folder.write("a.xlsx", workbook({"S": [["Ma", "DonVi", "Nhan", "Hen"], cells]}))
    (event,) = folder.events(await folder.read())
    assert event.received_at == 1720134000000  # 2024-07-05T06:00+07:00
    assert event.due_at == 1720371599999  # the end of 2024-07-07, for a cell without a time


async def test_a_number_of_which_excel_lost_digits_is_no_code(folder: Folder) -> None:
    rows: list[list[Cell]] = [[10**17, "H37.12", "2024-07-05T08:15:00"], [code(2), 10**17, ""]]
    folder.write("a.xlsx", workbook({"S": [["Ma", "DonVi", "Nhan"], *rows]}))
    await folder.read()
    assert [(o, f.field) for o, f in folder.faults()] == [
        ("inbox/a.xlsx:2", "Ma"),
        ("inbox/a.xlsx:3", "DonVi"),
    ]


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.JSON.GZ"])
async def test_an_array_is_read_element_by_element(make: Make, name: str) -> None:
    folder = make("page_rows: 2")
    text = json.dumps([*objects(1, 2, 3), 7, [], *objects(4)], indent=1)
    folder.write(name.lower(), text)
    if name.lower() != name:
        (folder.inbox / name.lower()).rename(folder.inbox / name)
    assert folder.codes(await folder.read()) == codes(1, 2, 3, 4)
    assert [origin.rpartition(":")[2] for origin, _ in folder.faults()] == ["4", "5"]


async def test_an_array_cut_anywhere_gives_its_whole_elements_once(folder: Folder) -> None:
    text = json.dumps(objects(1, 2))
    got = []
    for at in range(len(text)):
        folder.write("a.json", text[at], mode="ab")
        got += await folder.poll()
    assert folder.codes(got + await folder.settle()) == codes(1, 2)
    assert folder.faults() == []


async def test_an_array_that_stays_cut_is_told(folder: Folder) -> None:
    folder.write("a.json", json.dumps(objects(1, 2))[:-3])
    assert folder.codes(await folder.read()) == codes(1)
    ((origin, fault),) = folder.faults()
    assert (origin, fault.reason) == ("inbox/a.json:2", RejectReason.TRUNCATED)


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ('[{"Ma": 1} {"Ma": 2}]' + " " * 100, "no comma behind an element"),
        ('[{"Ma": 1,, "x": 2}]' + " " * 100, "the array is damaged"),
        ("[]\n[{}]", "something stands behind the array's end"),
        ('{\n "Ma": 1\n}\n', "an object over several lines"),
        ("[" * 100_000, "the array is damaged"),
    ],
)
async def test_json_of_another_form_is_refused_as_a_file(
    folder: Folder, text: str, detail: str
) -> None:
    folder.write("a.json", text)
    folder.write("b.json", json.dumps(objects(1)))
    assert folder.codes(await folder.read()) == codes(1)
    ((origin, fault),) = folder.faults()
    assert origin.startswith("inbox/a.json")
    assert detail in fault.detail


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
async def test_integers_are_exact_however_long(make: Make, name: str) -> None:
    folder = make(rest="dossier_code_pattern: any\n")
    numbers = [123456789012345678901, 123456789012345678902, 7]
    rows = [each | {"Ma": number} for each, number in zip(objects(1, 2, 3), numbers, strict=True)]
    folder.write(name, json.dumps(rows) if name.endswith("json") else lines(*rows))
    assert folder.codes(await folder.read()) == [f"my-portal:{number}" for number in numbers]


async def test_half_a_character_in_an_unused_text_costs_nothing(folder: Folder) -> None:
    (data,) = objects(1)
    folder.write("a.jsonl", "\ufeff" + lines(data)[:-2] + ', "x": "\\ud83d", "y": "a\tb"}\n')
    assert folder.codes(await folder.read()) == codes(1)


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.jsonl.gz"])
async def test_a_column_that_no_object_has_is_an_error_as_for_csv(make: Make, name: str) -> None:
    folder = make(mapping=MAPPING + "  due_at: HanTra\n")
    rows = [each | {"Han": "2024-07-09"} for each in objects(1, 2)]
    folder.write(name, json.dumps(rows) if name.endswith("json") else lines(*rows))
    assert await folder.read() == folder.records
    ((origin, fault),) = folder.faults()
    assert (origin, fault.reason, fault.field) == (
        f"inbox/{name}",
        RejectReason.MISSING_FIELD,
        "HanTra",
    )
    assert "its columns are: Ma, DonVi, Nhan, Han" in fault.detail
    folder.configure("sparse: true", MAPPING + "  due_at: HanTra\n")
    assert folder.codes(await folder.read()) == codes(1, 2)


@pytest.mark.parametrize("source", ["", "sparse: true"])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
@pytest.mark.parametrize(
    "objects_", [[{"A": 1}, {"B": 2}], [{}, {}], [{"total": 2, "data": objects(1, 2)}]]
)
async def test_objects_without_any_column_of_the_mapping_are_refused(
    make: Make, source: str, name: str, objects_: list[dict[str, Any]]
) -> None:
    """They would all state nothing, and be passed as if the file were empty."""
    folder = make(source)
    folder.write(name, json.dumps(objects_) if name.endswith("json") else lines(*objects_))
    await folder.read()
    ((origin, fault),) = folder.faults()
    assert (origin, fault.reason) == (f"inbox/{name}", RejectReason.MISSING_FIELD)
    assert "none of the mapping's columns is among its" in fault.detail
    assert folder.page is not None
    assert folder.page.refused == 1


async def test_a_column_that_only_later_objects_have_is_known(make: Make) -> None:
    folder = make(mapping=MAPPING + "  due_at: HanTra\n")
    rows = [*objects(1, 2), *(each | {"HanTra": "2024-07-09T00:00:00Z"} for each in objects(3))]
    folder.write("a.jsonl", lines(*rows))
    assert folder.codes(await folder.read()) == codes(1, 2, 3)
    folder.write("a.jsonl", lines(*objects(4)), mode="ab")  # read on: known already
    assert folder.codes(await folder.read()) == codes(4)
