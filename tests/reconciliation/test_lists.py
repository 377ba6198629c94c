"""`lgsp reconcile --against`: every line is answered with its proof, in whatever file."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import python_calamine as calamine
from typer.testing import CliRunner

from lgsp.cli import build
from lgsp.reconciliation.lists.report import guarded
from lgsp.store.sync.tables import QueueState
from tests.reconciliation.filled import DAY, HOUR, START, code_of, dossier, filled, row

HEAD = ["STT", "Mã hồ sơ", "Họ tên người nộp", "Ngày tiếp nhận", "Ngày hẹn trả", "Ghi chú"]
REFUSED = "-1: Thiếu trường bắt buộc NgayHenTra"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    made = {
        1: row(dossier(code_of(1), 1, 2, 4, 9), updated_at=START + 9 * DAY),  # pushed after due
        2: row(dossier(code_of(2), 1, 2, 4, 9, finished_at=START + 6 * DAY)),  # late here, too
        3: row(
            dossier(code_of(3), 1, 2, 4, 9),
            QueueState.PARKED,
            reason=REFUSED,
            acknowledged=None,
        ),
        4: row(
            dossier(code_of(4), 1, 2, 4, procedure="x"),
            QueueState.HELD,
            reason="unmapped_procedure",
            acknowledged=None,
        ),
        5: row(dossier(code_of(5), 1, 2, 4, 9), QueueState.PENDING, acknowledged=None),
        6: row(dossier("twin:HS-6", 1, 2, 4, 9, national_code=code_of(6)), updated_at=None),
        7: row(dossier(code_of(7), 1, 2, 4, 9, received_at=START + 3 * DAY)),
        8: row(dossier("twin:HS-8", 1, 2, 4, 9)),
    }
    folder = tmp_path / "data"
    folder.mkdir()
    filled(folder, made.values()).dispose()
    return folder


def written(folder: Path, rows: Sequence[Sequence[Any]], name: str = "qua-han.csv") -> Path:
    path = folder / name
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def listed(*codes: str) -> list[list[str]]:
    return [
        HEAD,
        *[[str(n), code, "NGUYEN VAN TEST", "", "", ""] for n, code in enumerate(codes)],
    ]


def run(data: Path, path: Path, *words: str, code: int = 3) -> tuple[list[dict[str, Any]], str]:
    command = ["reconcile", "--against", str(path), "--data", str(data), "--json", *words]
    done = CliRunner().invoke(build("reconcile"), command)
    assert done.exit_code == code, done.output
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def classes(found: list[dict[str, Any]]) -> dict[str, list[tuple[str, str]]]:
    by_code: dict[str, list[tuple[str, str]]] = {}
    for each in found:
        by_code.setdefault(each["dossier"], []).append((each["class"], each["cause"]))
    return by_code


def test_every_line_is_answered_with_class_and_cause(data: Path, tmp_path: Path) -> None:
    codes = [*map(code_of, range(1, 7)), code_of(99), "G22.01-240108-0001"]
    found, _ = run(data, written(tmp_path, listed(*codes)))
    minutes = (9 * DAY - 6 * HOUR) // 60_000
    assert classes(found) == {
        code_of(1): [("phantom_late", f"pushed {minutes} minutes late")],
        code_of(2): [("agreed", "")],
        code_of(3): [
            ("parked", f"refused: {REFUSED}"),
            ("phantom_late", f"refused: {REFUSED}"),
        ],
        code_of(4): [
            ("unmapped", "not mapped: unmapped_procedure"),
            ("agreed", ""),
        ],
        code_of(5): [("phantom_late", "never pushed")],
        code_of(6): [("phantom_late", "their clock differs")],
        code_of(99): [("missing_here", "filed there, never arrived")],
        "G22.01-240108-0001": [("extra_there", "not ours")],
    }
    first = found[0]
    assert set(first) >= {"dossier", "class", "cause", "here", "there", "evidence"}
    assert first["here"]["deadline"] == "2024-01-13T01:00:00Z"
    assert first["evidence"]["pushes"][0]["result"] == "done"


def test_codes_in_any_form_twice_and_local_ones_are_found(data: Path, tmp_path: Path) -> None:
    odd = ["h37.1–240108–00001", " H37.1 - 240108 - 00001", code_of(6), "hs-8"]
    found, _ = run(data, written(tmp_path, listed(*odd)))
    assert sorted({(each["line"], each["dossier"], each["again"] or 0) for each in found}) == [
        (2, code_of(1), 0),
        (3, code_of(1), 2),
        (4, code_of(6), 0),
        (5, "twin:HS-8", 0),
    ]


def test_bad_lines_are_named_and_the_others_go_on(data: Path, tmp_path: Path) -> None:
    rows = listed(code_of(1), "", "ABC-1", code_of(2))
    rows[4][4] = "ngày mai"
    rows.append(["5", "Tổng số", "", "", "", ""])
    found, errors = run(data, written(tmp_path, rows))
    assert {each["dossier"] for each in found} == {code_of(1), code_of(2)}
    said = errors.splitlines()
    assert len(said) == 4
    assert "qua-han.csv:3: Mã hồ sơ: has no dossier code" in said[0]
    assert "qua-han.csv:4: Mã hồ sơ" in said[1]
    assert "'ABC-1'" in said[1]
    assert "qua-han.csv:5: Ngày hẹn trả" in said[2]
    assert "qua-han.csv:6: Mã hồ sơ: is no dossier code" in said[3]


def test_a_shifted_column_shows_no_person(data: Path, tmp_path: Path) -> None:
    rows = [
        ["Mã hồ sơ", "Trạng thái", "Ngày hẹn trả"],
        [code_of(1), "NGUYEN VAN TEST", "0912345678"],
    ]
    rows.append(["NGUYEN THI TEST 1", "", ""])
    _, errors = run(data, written(tmp_path, rows))
    assert len(errors.splitlines()) == 3
    assert "NGUYEN" not in errors
    assert "0912345678" not in errors


def test_what_the_list_claims_comes_from_column_title_name_or_option(
    data: Path, tmp_path: Path
) -> None:
    rows = [["Danh sách hồ sơ"], *listed(code_of(1), code_of(7), code_of(99))]
    late, _ = run(data, written(tmp_path, rows, "ds.csv"))
    received, _ = run(data, written(tmp_path, rows, "cham-tiep-nhan.csv"))
    titled = [["DANH SÁCH HỒ SƠ CHẬM TIẾP NHẬN THÁNG 1"], *rows[1:]]
    by_title, _ = run(data, written(tmp_path, titled, "ds.csv"))
    by_option, _ = run(data, written(tmp_path, rows, "ds.csv"), "--claim", "received_late")
    each_line = [
        [*line, kind]
        for line, kind in zip(
            rows[1:], ["Tình trạng", "Quá hạn", "Chậm tiếp nhận", ""], strict=True
        )
    ]
    by_line, _ = run(data, written(tmp_path, each_line, "ds.csv"))

    assert late[0]["class"] == "phantom_late"
    wanted = {
        code_of(1): [("late_reception", "their clock differs")],
        code_of(7): [("agreed", "")],
        code_of(99): [("missing_here", "filed there, never arrived")],
    }
    assert classes(received) == classes(by_title) == classes(by_option) == wanted
    assert [each["class"] for each in by_line] == ["phantom_late", "agreed", "missing_here"]
    each_line[0][-1] = "Trạng thái"  # it may say both
    by_status, _ = run(data, written(tmp_path, each_line, "ds.csv"))
    assert [each["class"] for each in by_status] == ["phantom_late", "agreed", "missing_here"]


def test_a_list_older_than_a_push_accuses_nobody(data: Path, tmp_path: Path) -> None:
    rows = [
        [*line, kind]
        for line, kind in zip(listed(code_of(1)), ["Trạng thái", "Đang xử lý"], strict=True)
    ]
    found, _ = run(data, written(tmp_path, rows))
    stale = next(each for each in found if each["class"] == "stale_there")
    assert stale["cause"].startswith("not known")
    # As of a time when the dossier was in work here, too, the line tells the same as we do.
    then, _ = run(data, written(tmp_path, rows), "--as-of", "2024-01-08T12:30")
    assert "stale_there" not in {each["class"] for each in then}


@pytest.mark.parametrize("form", ["semicolon", "utf-16", "sep", "xlsx"])
def test_any_usual_form_of_the_file_is_read(data: Path, tmp_path: Path, form: str) -> None:
    rows = listed(code_of(1), code_of(2))
    path = tmp_path / "qua han.csv"
    text = "\r\n".join(";".join(line) for line in rows)
    if form == "semicolon":
        path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    elif form == "utf-16":
        path.write_bytes(text.replace(";", "\t").encode("utf-16"))
    elif form == "sep":
        path.write_bytes(("sep=;\r\n" + text).encode())
    else:
        run(data, written(tmp_path, rows), "--report", str(path.with_suffix(".xlsx")))
        path = path.with_suffix(".xlsx")
        # Our own report is a list, too; its first column of codes is ours.
    found, _ = run(data, path)
    assert classes(found).keys() == {code_of(1), code_of(2)}


def test_a_mapping_names_what_the_header_does_not(data: Path, tmp_path: Path) -> None:
    rows = [["A", "B", "C"], ["x", code_of(1), "NGUYEN VAN TEST"]]
    path = written(tmp_path, rows, "ds.csv")
    said = tmp_path / "list.yaml"
    said.write_text("columns: {code: B}\nclaim: received_late\npersons: [C]\n", "utf-8")
    report = tmp_path / "out.csv"
    found, _ = run(data, path, "--mapping", str(said), "--report", str(report))
    assert classes(found) == {code_of(1): [("late_reception", "their clock differs")]}
    assert "NGUYEN" not in report.read_text("utf-8-sig")

    said.write_text("columns: {code: Z}\n", "utf-8")
    run(data, path, "--mapping", str(said), code=2)
    run(data, path, code=2)
    said.write_text("colums: {}\n", "utf-8")
    run(data, path, "--mapping", str(said), code=2)


def test_the_report_has_each_line_without_persons_or_formulas(data: Path, tmp_path: Path) -> None:
    rows = listed(code_of(1), "", code_of(2))
    rows[1][5] = "=HYPERLINK(1)"
    rows[3][5] = "gọi 0912345678"
    path = written(tmp_path, rows)
    in_csv, in_xlsx = tmp_path / "out.csv", tmp_path / "out.xlsx"
    run(data, path, "--report", str(in_csv))
    run(data, path, "--report", str(in_xlsx))
    with in_csv.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    book = calamine.CalamineWorkbook.from_path(str(in_xlsx))
    sheet = [[str(cell) for cell in line] for line in book.get_sheet_by_index(0).to_python()]
    assert sheet == lines
    assert [line[0] for line in lines] == ["Dòng", "2", "3", "4"]
    assert "Quá hạn ảo" in lines[1][3]
    assert "has no dossier code" in lines[2][12]
    assert lines[1][-1] == "'=HYPERLINK(1)"
    everything = in_csv.read_text("utf-8-sig")
    assert "NGUYEN" not in everything
    assert "0912345678" not in everything
    assert not any(cell.startswith(("=", "+", "-", "@")) for line in lines for cell in line)


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\tx", "\r=x"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert guarded(cell)[0] not in "=+-@\t\r"


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b"PK\x03\x04broken", b"M\xe3 h\xf4 s\n"]
)
def test_a_file_that_is_no_list_is_refused_with_its_name(
    data: Path, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    command = ["reconcile", "--against", str(path), "--data", str(data)]
    done = CliRunner().invoke(build("reconcile"), command)
    assert done.exit_code == 2
    assert "list.csv" in done.stderr


def test_people_see_a_table_and_a_right_list_exits_0(data: Path, tmp_path: Path) -> None:
    path = written(tmp_path, listed(code_of(2)))
    command = ["reconcile", "--against", str(path), "--data", str(data)]
    done = CliRunner().invoke(build("reconcile"), command)
    assert done.exit_code == 0, done.output
    assert "agreed" in done.stdout
