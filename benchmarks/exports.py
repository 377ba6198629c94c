"""Files as provinces drop them: a full export each night, and very many small ones.

`lgsp up` and `lgsp-connect run --once` as their users run them; the figures are compared with an
oracle that reads only the final files.
"""

import csv
import random
import tempfile
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.startup import started
from benchmarks.system import MeasurementError, new_settings, rounded, run_command
from lgsp.runtime.kafka.client import end_offsets
from lgsp.runtime.kafka.topics import DOSSIER_EVENTS
from lgsp.runtime.settings import Settings

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_FIRST = datetime(2024, 1, 2, 8, tzinfo=_ZONE)
_ENDS = ("Xong", "Hen")
_COLUMNS = ("MaHoSo", "DonVi", "TTHC", "Kenh", "Nhan", "Hen", "Xong", "TrangThai")
_CONFIG = """\
connector: files
portal: nightly
province: H37
source: {{path: "{path}", complete: {complete}, settle_seconds: 0}}
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


def measure_nights(dossiers: int, nights: int, changed: float = 0.01) -> dict[str, Any]:
    """Export all dossiers each night with a share of rows changed; read each as it comes."""
    rnd = random.Random(7)
    rows = [_row(rnd, n) for n in range(dossiers)]
    with tempfile.TemporaryDirectory(prefix="bench-exports-") as name:
        folder = Path(name)
        settings = new_settings(folder / "data")
        config = _config(folder, "export.csv", complete=True)
        with started(settings):
            measured = []
            for night in range(nights + 1):
                if night:
                    for n in rnd.sample(range(dossiers), int(dossiers * changed)):
                        _change(rnd, rows[n])
                _write(folder / "export.csv", rows)
                before = _events(settings)
                report, wall, cpu = run_command(
                    settings, "run", str(config), "--once", module="lgsp_connectors.cli"
                )
                measured.append((_events(settings) - before, wall, cpu, report["rejected"]))
            run_command(settings, "drain", "--timeout", "600")
            counted = _figures(settings)
        oracle = _oracle(folder / "export.csv")
    if counted != oracle or any(rejected for *_, rejected in measured):
        raise MeasurementError(f"the figures are {counted}, the last export has {oracle}")
    later = measured[1:]
    return {
        "dossiers": dossiers,
        "nights": nights,
        "rows_changed": int(dossiers * changed) * nights,
        "events_of_the_first_night": measured[0][0],
        "events_of_the_others": sum(events for events, *_ in later),
        **rounded(
            {
                "first_night_s": measured[0][1],
                "other_nights_s": sum(wall for _, wall, *_ in later) / len(later),
                "other_nights_cpu_s": sum(cpu for _, _, cpu, _ in later) / len(later),
            }
        ),
        "figures": counted,
    }


def measure_files(files: int) -> dict[str, Any]:
    """Read very many files of one row each; then look again, and again after one more file."""
    rnd = random.Random(7)
    with tempfile.TemporaryDirectory(prefix="bench-files-") as name:
        folder = Path(name)
        (folder / "inbox").mkdir()
        settings = new_settings(folder / "data")
        config = _config(folder, "inbox/*.csv", complete=False)
        for n in range(files):
            _write(folder / "inbox" / f"{n:06d}.csv", [_row(rnd, n)])
        with started(settings):
            runs = {}
            for what in ("first", "again", "one_more"):
                if what == "one_more":
                    _write(folder / "inbox" / f"{files:06d}.csv", [_row(rnd, files)])
                before = _events(settings)
                _, wall, cpu = run_command(
                    settings, "run", str(config), "--once", module="lgsp_connectors.cli"
                )
                runs[what] = (wall, cpu, _events(settings) - before)
            run_command(settings, "drain", "--timeout", "600")
            received = _figures(settings)["received"]
    if received != files + 1 or runs["again"][2]:
        raise MeasurementError(f"{received} dossiers of {files + 1} files, runs {runs}")
    return {"files": files} | rounded(
        {f"{what}_s": wall for what, (wall, _, _) in runs.items()}
        | {f"{what}_cpu_s": cpu for what, (_, cpu, _) in runs.items()}
    )


def _config(folder: Path, path: str, *, complete: bool) -> Path:
    config = folder / "connector.yaml"
    config.write_text(_CONFIG.format(path=path, complete=str(complete).lower()), "utf-8")
    return config


def _row(rnd: random.Random, n: int) -> Row:
    received = _FIRST + timedelta(minutes=n)
    due = received + timedelta(days=rnd.randint(3, 20))
    row = {
        "MaHoSo": f"H37.{n % 9 + 1}-{received:%y%m%d}-{n:07d}",
        "DonVi": f"H37.{n % 9 + 1}",
        "TTHC": f"1.{n % 50:06d}",
        "Kenh": "Trực tuyến" if rnd.random() < 0.97 else "Trực tiếp",
        "Nhan": f"{received:%d/%m/%Y %H:%M}",
        "Hen": f"{due:%d/%m/%Y %H:%M}",
        "Xong": "",
        "TrangThai": "Đang xử lý",
    }
    if rnd.random() < 0.9:
        _finish(rnd, row)
    return row


def _finish(rnd: random.Random, row: Row) -> None:
    received = datetime.strptime(row["Nhan"], "%d/%m/%Y %H:%M").replace(tzinfo=_ZONE)
    row["Xong"] = f"{received + timedelta(days=rnd.randint(1, 20)):%d/%m/%Y %H:%M}"
    row["TrangThai"] = "Đã xong"


def _change(rnd: random.Random, row: Row) -> None:
    """Finish a dossier, correct its finish, or correct how it was filed."""
    if not row["Xong"] or rnd.random() < 0.7:
        _finish(rnd, row)
    else:
        row["Kenh"] = "Trực tiếp" if row["Kenh"] == "Trực tuyến" else "Trực tuyến"


def _write(path: Path, rows: list[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, _COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def _events(settings: Settings) -> int:
    return sum(end_offsets(settings.bootstrap, DOSSIER_EVENTS).values())


def _figures(settings: Settings) -> dict[str, int]:
    document, _, _ = run_command(settings, "indicators", "--period", "all")
    counts = document["counts"]
    names = ("received", "received_online", "resolved", "resolved_late", "open")
    return {name: counts[name] for name in names}


def _oracle(path: Path) -> dict[str, int]:
    """Count the final file by hand: no event, no join, no store."""
    found: Counter[str] = Counter()
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found["received"] += 1
            found["received_online"] += row["Kenh"] == "Trực tuyến"
            if row["Xong"]:
                at, due = (row[c][6:10] + row[c][3:5] + row[c][:2] + row[c][11:] for c in _ENDS)
                found["resolved"] += 1
                found["resolved_late"] += at > due
            else:
                found["open"] += 1
    return dict(found)
