"""Files as provinces drop them, made up: rows, how one changes, and the count by hand.

The oracle reads the files that are there in the end: no event, no join, no store.
"""

import csv
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_FIRST = datetime(2024, 1, 2, 8, tzinfo=_ZONE)
_ENDS = ("Xong", "Hen")
_FORM = "%d/%m/%Y %H:%M"
_COLUMNS = ("MaHoSo", "DonVi", "TTHC", "Kenh", "Nhan", "Hen", "Xong", "TrangThai")
_CONFIG = """\
connector: files
portal: {portal}
province: {province}
source: {{path: "{path}", complete: {complete}, page_rows: {page_rows}, settle_seconds: 0}}
run: {{pages_per_second: {pace}}}
shape: dossiers
mapping:
  dossier_code: MaHoSo
  agency: DonVi
  procedure: TTHC
  channel: {{field: Kenh, map: {{"Trực tuyến": ONLINE, "Trực tiếp": DIRECT}}}}
  received_at: {{field: Nhan, format: "%d/%m/%Y %H:%M", timezone: Asia/Ho_Chi_Minh}}
  due_at: {{field: Hen, format: "%d/%m/%Y %H:%M", timezone: Asia/Ho_Chi_Minh}}
  finished_at: {{field: Xong, format: "%d/%m/%Y %H:%M", timezone: Asia/Ho_Chi_Minh}}
  status: {{field: TrangThai, map: {{"Đang xử lý": 4, "Đã xong": 9}}}}
"""

Row = dict[str, str]
Figures = Mapping[str, Mapping[str, int]]
"""Unit -> name of a count -> how many; a count that is 0 is left out."""


@dataclass(frozen=True, kw_only=True)
class Drop:
    """A portal that drops its files into a folder.

    Args:
        portal: its id.
        province: whose dossiers they are; a portal of another one may hold the same ones.
        path: of the files, relative to the folder.
        complete: each file is a full export.
        page_rows: rows between two checkpoints.
        pace: most pages a second; 0: no limit.
    """

    portal: str
    province: str
    path: str
    complete: bool = False
    page_rows: int = 2000
    pace: float = 0

    def write_config(self, folder: Path) -> Path:
        """Write its YAML into the folder."""
        config = folder / f"{self.portal}.yaml"
        text = _CONFIG.format(
            portal=self.portal,
            province=self.province,
            path=self.path,
            complete=str(self.complete).lower(),
            page_rows=self.page_rows,
            pace=self.pace,
        )
        config.write_text(text, "utf-8")
        return config


def make_row(rnd: random.Random, province: str, n: int) -> Row:
    """Make the n-th dossier: of one of nine units, finished in nine of ten cases."""
    received = _FIRST + timedelta(minutes=n)
    due = received + timedelta(days=rnd.randint(3, 20))
    unit = f"{province}.{n % 9 + 1}"
    row = {
        "MaHoSo": f"{unit}-{received:%y%m%d}-{n:07d}",
        "DonVi": unit,
        "TTHC": f"1.{n % 50:06d}",
        "Kenh": "Trực tuyến" if rnd.random() < 0.97 else "Trực tiếp",
        "Nhan": received.strftime(_FORM),
        "Hen": due.strftime(_FORM),
        "Xong": "",
        "TrangThai": "Đang xử lý",
    }
    if rnd.random() < 0.9:
        _finish(rnd, row)
    return row


def change(rnd: random.Random, row: Row) -> None:
    """Finish a dossier, correct its finish, or correct how it was filed; it differs then."""
    before = dict(row)
    while row == before:
        if not row["Xong"] or rnd.random() < 0.7:
            _finish(rnd, row)
        else:
            row["Kenh"] = "Trực tiếp" if row["Kenh"] == "Trực tuyến" else "Trực tuyến"


def _finish(rnd: random.Random, row: Row) -> None:
    received = datetime.strptime(row["Nhan"], _FORM).replace(tzinfo=_ZONE)
    row["Xong"] = (received + timedelta(days=rnd.randint(1, 20))).strftime(_FORM)
    row["TrangThai"] = "Đã xong"


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write a whole export, in the place of an older one."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, _COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def count_rows(paths: Iterable[Path]) -> Figures:
    """Count files by hand, each row as one dossier."""
    found: dict[str, Counter[str]] = {}
    for path in paths:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                counts = found.setdefault(row["DonVi"], Counter())
                counts["received"] += 1
                counts["received_online"] += row["Kenh"] == "Trực tuyến"
                if row["Xong"]:
                    at, due = map(_in_order, (row[column] for column in _ENDS))
                    counts["resolved"] += 1
                    counts["resolved_late"] += at > due
                    counts["resolved_early"] += at[:8] < due[:8]
                else:
                    counts["open"] += 1
    return {unit: +counts for unit, counts in sorted(found.items())}


def _in_order(date: str) -> str:
    """Give a date with its year first: dates compare as texts then."""
    return date[6:10] + date[3:5] + date[:2] + date[11:]
