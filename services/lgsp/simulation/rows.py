"""How an invented portal writes the steps of its dossiers: one row a status change."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import orjson

from lgsp.domain.event import Channel, ServiceLevel
from lgsp.domain.status import OFFICIAL_WORDS, Status
from lgsp.domain.working_time import date_of, day_and_time
from lgsp.simulation.dossiers import TwinDossier
from lgsp.simulation.persons import person_of

Row = dict[str, Any]
CHANNEL_WORDS = {
    Channel.ONLINE: "Trực tuyến",
    Channel.DIRECT: "Trực tiếp",
    Channel.POSTAL: "Bưu chính",
}
LEVEL_WORDS = {ServiceLevel.FULL: "Toàn trình", ServiceLevel.PARTIAL: "Một phần"}
DATE_COLUMNS = {
    "occurred_at": "ThoiDiem",
    "submitted_at": "NgayNop",
    "received_at": "NgayTiepNhan",
    "due_at": "NgayHenTra",
    "finished_at": "NgayXuLyXong",
    "returned_at": "NgayTraKetQua",
}
PERSON_COLUMNS = {
    "owner_name": "ChuHoSo",
    "owner_id": "SoGiayTo",
    "owner_kind": "LoaiDoiTuong",
    "phone": "DienThoai",
}


@lru_cache(8192)
def local_text(at: int) -> str:
    """Write an instant (ms UTC) as `2024-01-02 08:15:00` in Asia/Ho_Chi_Minh."""
    day, of_day = day_and_time(at)
    return f"{_day_text(day)} {clock_text(of_day // 1000)}"


@lru_cache(4096)
def _day_text(day: int) -> str:
    return date_of(day).isoformat()


@lru_cache(86_400)
def clock_text(second: int) -> str:
    """Write a second of the day as `08:15:00`."""
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"


def step_rows(dossier: TwinDossier, *, persons: bool) -> Iterator[tuple[int, Row]]:
    """Give the instant (ms UTC) and the row of each step; what is not known then is left out."""
    head = {
        "MaHoSo": dossier.code,
        "MaDonVi": dossier.agency,
        "MaTTHC": dossier.procedure.code,
        "MaLinhVuc": dossier.procedure.domain,
        "MucDo": LEVEL_WORDS[dossier.procedure.level],
        "KenhNop": CHANNEL_WORDS[dossier.channel],
    }
    if persons:
        head |= dict(zip(PERSON_COLUMNS.values(), person_of(dossier.number), strict=True))
    submitted, received = local_text(dossier.submitted_at), None
    for step in dossier.course.changes:
        row = {
            **head,
            "TrangThai": OFFICIAL_WORDS[step.status],
            "ThoiDiem": local_text(step.at),
            "NgayNop": submitted,
        }
        if step.status is Status.RECEIVED:
            received = row["ThoiDiem"]
        if received:
            row["NgayTiepNhan"] = received
        if step.due_at is not None:
            row["NgayHenTra"] = local_text(step.due_at)
        if step.finished_at is not None:
            row["NgayXuLyXong"] = local_text(step.finished_at)
        if step.returned_at is not None:
            row["NgayTraKetQua"] = local_text(step.returned_at)
        yield step.at, row


def line(row: Row) -> bytes:
    """Encode a row as one line of JSON."""
    return orjson.dumps(row) + b"\n"  # the sum is a copy of its own size: orjson's has 4 KiB
