"""Nothing reaches the log that somebody behind it could not use, whatever an author states."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel

from lgsp.domain.errors import RejectReason
from lgsp.domain.event import DossierEvent, with_id
from lgsp.domain.status import Status
from lgsp.domain.usable import LONGEST_TEXT
from lgsp.runtime.clock import now_ms
from lgsp_connectors.kit.bench import Bench
from lgsp_connectors.kit.config import RunSettings
from lgsp_connectors.kit.contract import Cursor, Page, Record
from lgsp_connectors.kit.registry import read_config
from lgsp_connectors.kit.runner import Runner
from lgsp_connectors.kit.sink import payload_of
from lgsp_connectors.kit.testing import MemoryCheckpoints, MemorySink

NOW = 1_719_792_000_000
GOOD = with_id(
    DossierEvent(
        portal="own",
        province="H37",
        dossier_code="H37.1-240101-0001",
        agency="H37.1",
        status=Status.RECEIVED,
        occurred_at=NOW,
        observed_at=NOW,
    )
)


class Own:
    """A connector whose author hands over what the portal gave, unseen."""

    name: ClassVar[str] = "own"
    settings: ClassVar[type[BaseModel]] = BaseModel

    def __init__(self, stated: Sequence[DossierEvent]) -> None:
        self._stated = stated

    def start(self, since: int | None) -> Cursor:
        return {"at": str(since or 0)}

    async def fetch(self, cursor: Cursor) -> Page:
        records = [Record(f"row {i}", i, NOW) for i in range(len(self._stated))]
        return Page(records, cursor, caught_up=True)

    def to_events(self, record: Record) -> Sequence[DossierEvent]:
        return [self._stated[record.data]]

    async def close(self) -> None:
        return


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"agency": ""}, RejectReason.MISSING_FIELD),
        ({"dossier_code": "a\ud800"}, RejectReason.BAD_VALUE),
        ({"domain": "x" * 300_000}, RejectReason.BAD_VALUE),
        ({"source_status": "a\0b"}, RejectReason.BAD_VALUE),
        ({"due_at": 253_402_275_600_000}, RejectReason.BAD_DATE),
        ({"returned_at": -62_135_596_800_000}, RejectReason.BAD_DATE),
        ({"observed_at": 4_102_444_800_000}, RejectReason.BAD_DATE),
        ({"event_id": b""}, RejectReason.BAD_VALUE),
        ({"event_id": b"x" * 17}, RejectReason.BAD_VALUE),
        ({"sequence": 10**30}, RejectReason.BAD_VALUE),
        ({"sealed": bytes(2_000_000)}, RejectReason.BAD_VALUE),
    ],
)
async def test_an_unusable_event_is_a_dead_letter_and_its_neighbours_are_kept(
    changes: dict[str, Any], reason: RejectReason
) -> None:
    sink = MemorySink()
    other = with_id(replace(GOOD, dossier_code="H37.1-240101-0002"))
    connector = Own([GOOD, replace(GOOD, **{"event_id": b"\1" * 16, **changes}), other])
    runner = Runner(
        connector, sink, MemoryCheckpoints(), key="own", settings=RunSettings(), clock=lambda: NOW
    )
    report = await runner.run(once=True)

    assert [GOOD, other] == sink.events
    ((record, cause),) = sink.rejects
    assert ("row 1", reason, next(iter(changes))) == (record.origin, cause.reason, cause.field)
    assert (2, 1) == (report.events, report.rejected)


@pytest.mark.parametrize(
    "data", [{"a": "x\ud800"}, {"n": 10**30}, {"when": object()}, b"raw", {1: 2}]
)
def test_any_record_can_stand_in_a_letter(data: Any) -> None:
    assert payload_of(Record("row 1", data, NOW))


CONFIG = """\
connector: files
portal: my-portal
province: H37
source: {path: "inbox/*.csv"}
shape: dossiers
dossier_code_pattern: any
mapping:
  dossier_code: Ma
  agency: DonVi
  received_at: {field: Nhan, format: "%d/%m/%Y", timezone: Asia/Ho_Chi_Minh}
  due_at: {field: Hen, format: "%d/%m/%Y", timezone: Asia/Ho_Chi_Minh}
  status: {const: 2}
"""

Made = Callable[[str], Bench]


@pytest.mark.parametrize(
    ("cells", "column", "reason"),
    [
        ("1,{long},01/07/2024,02/07/2024", "DonVi", RejectReason.BAD_VALUE),
        ("{long},H37,01/07/2024,02/07/2024", "Ma", RejectReason.BAD_VALUE),
        ("1,H37,01/07/2024,31/12/9999", "Hen", RejectReason.BAD_DATE),
        ("1,H37,01/01/0001,02/07/2024", "Nhan", RejectReason.BAD_DATE),
        ("1,H37,01/07/2024,01/01/2061", "Hen", RejectReason.BAD_DATE),
        ("1,H37,31/12/1989,02/07/2024", "Nhan", RejectReason.BAD_DATE),
    ],
)
async def test_a_cell_that_cannot_be_used_is_named_by_file_line_and_column(
    tmp_path: Path, cells: str, column: str, reason: RejectReason
) -> None:
    (tmp_path / "c.yaml").write_text(CONFIG, "utf-8")
    (tmp_path / "inbox").mkdir()
    text = cells.format(long="x" * (LONGEST_TEXT + 1))
    lines = ["Ma,DonVi,Nhan,Hen", text, "2,H37,01/01/1990,31/12/2060", ""]
    (tmp_path / "inbox" / "a.csv").write_text("\n".join(lines), "utf-8")
    bench = Bench()
    await bench.run(read_config(tmp_path / "c.yaml").build(now_ms, None))

    assert {"my-portal:2"} == bench.sink.codes()
    ((record, cause),) = bench.sink.rejects
    assert record.origin.endswith("a.csv:2")
    assert (column, reason) == (cause.field, cause.reason)
