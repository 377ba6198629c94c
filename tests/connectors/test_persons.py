"""Persons in every wrong place of a portal's files: no output shows them."""

import asyncio
import json
import logging
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lgsp.domain.errors import FatalError, RejectedRecord
from lgsp.runtime.avro.event_bytes import encode_event_fast
from lgsp.runtime.clock import now_ms
from lgsp.runtime.letters.dead_letters import DeadLetters, Stage
from lgsp.runtime.logs import configure_logs
from lgsp.runtime.settings import load_settings
from lgsp_connectors.cli import app
from lgsp_connectors.kit.registry import read_config
from lgsp_connectors.kit.sink import payload_of
from lgsp_connectors.kit.suite import Bench

NAME, PHONE, IDENTITY = "NGUYEN VAN TEST", "0912 345 678", "079 012 345 678"
ADDRESS, MAIL = "Số 12 đường Thử Nghiệm, TP Mẫu", "nguyen.van.test@example.vn"
SECRET = ("nguyen van test", "nguyen-van-test", "912345678", "912 345 678", "079012345678",
          "079 012 345", "thử nghiệm", "example.vn")  # fmt: skip
CODE = "H37.12-240705-0001"
COLUMNS = "Ma,DonVi,ThuTuc,Nhan,TrangThai,ChuHoSo,DienThoai,CCCD,DiaChi,Email"
GOOD = f'{CODE},H37.12,1.001612,05/07/2024,moi,{NAME},{PHONE},{IDENTITY},"{ADDRESS}",{MAIL}'
CONFIG = """\
connector: files
portal: my-portal
province: H37
source: {path: "inbox/*"}
shape: dossiers
dossier_code_pattern: any
mapping:
  dossier_code: Ma
  agency: DonVi
  procedure: ThuTuc
  received_at: {field: Nhan, format: "%d/%m/%Y", timezone: Asia/Ho_Chi_Minh}
  status: {field: TrangThai, map: {moi: 2}}
  sealed: {owner_name: ChuHoSo, phone: DienThoai, owner_id: CCCD, email: Email}
"""


def rotated(by: int) -> str:
    """Give a row whose cells have shifted by some columns."""
    cells = [CODE, "H37.12", "1.001612", "05/07/2024", "moi", NAME, PHONE, IDENTITY, ADDRESS, MAIL]
    return ",".join(f'"{cell}"' for cell in (*cells[by:], *cells[:by]))


class Producer:
    """Keeps what is sent to the topic of letters."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, _topic: str, _key: bytes, value: bytes | None) -> None:
        self.sent.append(value or b"")


def one_wrong(column: int, cell: str) -> str:
    cells = [CODE, "H37.12", "1.001612", "05/07/2024", "moi", "A", "", "", "", ""]
    cells[column] = cell
    return ",".join(f'"{part}"' for part in cells)


PERSONS = (NAME, PHONE, IDENTITY, ADDRESS, MAIL)
WRONG = {
    "no header": f"{GOOD}\n{GOOD}\n",
    **{f"shifted by {by}": f"{COLUMNS}\n{rotated(by)}\n" for by in range(1, 10)},
    **{
        f"{person!r} in column {column}": f"{COLUMNS}\n{one_wrong(column, person)}\n"
        for column in range(1, 5)
        for person in PERSONS
    },
    **{f"{p!r} as the code": f"{COLUMNS}\n{one_wrong(0, p)}\n" for p in (NAME, ADDRESS, MAIL)},
    "too many cells": f"{COLUMNS}\n{GOOD},{NAME}\n",
    "an open quote": f'{COLUMNS}\n{CODE},"{NAME},{PHONE}\n',
}


@pytest.mark.parametrize("place", WRONG)
def test_no_output_shows_a_person(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    (tmp_path / "c.yaml").write_text(CONFIG, "utf-8")
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "nguyen-van-test-0912345678.csv").write_text(WRONG[place], "utf-8")
    scan(tmp_path, capsys)


@pytest.mark.parametrize(
    "row",
    [
        json.dumps({"Ma": CODE, "DonVi": [NAME], "ThuTuc": "", "Nhan": NAME, "TrangThai": "moi"}),
        f'{{"Ma": "{CODE}", "ChuHoSo": "{NAME}" "DienThoai": "{PHONE}"}}',
        f'["{NAME}", "{PHONE}"]',
    ],
)
def test_no_output_shows_a_person_of_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], row: str
) -> None:
    (tmp_path / "c.yaml").write_text(CONFIG, "utf-8")
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "a.jsonl").write_text(f"{row}\n{row}\n", "utf-8")
    scan(tmp_path, capsys)


def scan(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = load_settings(log_format="json", data=folder / "data")
    root = logging.getLogger()
    before = root.handlers, root.level
    configure_logs(settings, service="connector")
    bench, producer, said = Bench(), Producer(), ""
    try:
        connector = read_config(folder / "c.yaml").build(now_ms, None)
        asyncio.run(bench.run(connector, most_rejects=1))
    except FatalError as error:
        said = str(error)
    finally:
        root.handlers, root.level = before
    letters = DeadLetters(settings, producer)  # type: ignore[arg-type]
    rejects: list[RejectedRecord] = []
    for record, cause in bench.sink.rejects:
        rejects.append(cause)
        letters.write(
            Stage.CONNECTOR,
            cause,
            origin=record.origin,
            payload=payload_of(record),
            dossier_code=cause.dossier_code,
        )
    assert rejects
    out, err = capsys.readouterr()
    checked = CliRunner().invoke(app, ["check", str(folder / "c.yaml"), "--json"])
    on_the_log = b"".join([*producer.sent, *map(encode_event_fast, bench.sink.events)])
    outputs = [out, err, said, *map(str, rejects), checked.stdout, checked.stderr]
    text = "\n".join(outputs).lower() + on_the_log.decode("utf-8", "replace").lower()
    assert [secret for secret in SECRET if secret in text] == []
