"""Persons in every wrong place of a portal's files: no output shows them."""

import asyncio
import json
import logging
import unicodedata
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from tests.connectors.files.workbook import workbook
from typer.testing import CliRunner

from lgsp.domain.connector_status import ConnectorStatus
from lgsp.domain.errors import FatalError
from lgsp.runtime.avro.event_bytes import encode_event_fast
from lgsp.runtime.clock import now_ms
from lgsp.runtime.letters.dead_letters import DeadLetters, Stage
from lgsp.runtime.logs import configure_logs
from lgsp.runtime.sealing import key_file, load_or_create
from lgsp.runtime.settings import load_settings
from lgsp_connectors.cli import app
from lgsp_connectors.kit.config import RunSettings
from lgsp_connectors.kit.memory.filing import SealedPersons
from lgsp_connectors.kit.memory.kept import KeptCursor
from lgsp_connectors.kit.memory.known_file import KnownFile
from lgsp_connectors.kit.memory.standing import StandingRejects
from lgsp_connectors.kit.memory.state import state_file
from lgsp_connectors.kit.registry import read_config
from lgsp_connectors.kit.runner import Runner
from lgsp_connectors.kit.sink import payload_of
from lgsp_connectors.kit.status import Speaker
from lgsp_connectors.kit.testing import MemoryCheckpoints, MemorySink

NAME, PHONE, IDENTITY = "NGUYEN VAN TEST", "0912 345 678", "079 012 345 678"
ADDRESS, MAIL = "Số 12 đường Thử Nghiệm, TP Mẫu", "nguyen.van.test@example.vn"
SECRET = ("nguyen van test", "nguyen-van-test", "nguyen_van_test", "nguyễn văn test",
          "912345678", "912 345 678", "079012345678",
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
    **{
        f"{number!r} in column {column}": f"{COLUMNS}\n{one_wrong(column, number)}\n"
        for column in range(1, 5)
        for number in ("0912345678", "079012345678")
    },
    **{f"{p!r} as the code": f"{COLUMNS}\n{one_wrong(0, p)}\n" for p in (NAME, ADDRESS, MAIL)},
    "too many cells": f"{COLUMNS}\n{GOOD},{NAME}\n",
    "an open quote": f'{COLUMNS}\n{CODE},"{NAME},{PHONE}\n',
}


@pytest.mark.parametrize("place", WRONG)
def test_no_output_shows_a_person(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    write(tmp_path)
    (tmp_path / "inbox" / "nguyen-van-test-0912345678.csv").write_text(WRONG[place], "utf-8")
    scan(tmp_path, capsys)


@pytest.mark.parametrize("column", range(5))
@pytest.mark.parametrize(
    "form",
    [
        PHONE.translate({n: n + 0xFEE0 for n in range(0x21, 0x7F)}),
        PHONE.replace(" ", "\u00a0"),
        PHONE.replace(" ", "\u2011"),
        "(0912) 345 678",
        "+84 (0) 912 345 678",
        "0912\u200b345 678",
        "STK 19034567890123",
        "4111 1111 1111 1111",
        unicodedata.normalize("NFD", "Trần Thị Thử"),
        "ＮＧＵＹＥＮ　ＶＡＮ　ＴＥＳＴ",
        "nguyễn văn thử",
        "của NGUYEN VAN THU, 1985",
        "thử＠example.com",
    ],
)
def test_no_output_shows_a_person_in_another_form(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str, column: int
) -> None:
    write(tmp_path)
    row = one_wrong(column, form)
    (tmp_path / "inbox" / "a.csv").write_text(f"{COLUMNS}\n{row}\n{GOOD},{form}\n", "utf-8")
    scan(tmp_path, capsys, unicodedata.normalize("NFC", form).lower())


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
    write(tmp_path)
    (tmp_path / "inbox" / "a.jsonl").write_text(f"{row}\n{row}\n", "utf-8")
    scan(tmp_path, capsys)


@pytest.mark.parametrize("keys", [[NAME, PHONE], ["Ma", "DonVi", NAME, MAIL, ADDRESS]])
@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json", "xlsx"])
def test_no_output_shows_a_person_who_stands_for_a_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], keys: list[str], suffix: str
) -> None:
    write(tmp_path)
    row = dict.fromkeys(keys, "x")
    content: dict[str, str | bytes] = {
        "csv": ",".join(f'"{key}"' for key in keys) + "\n" + ",".join(row.values()) + "\n",
        "jsonl": json.dumps(row) + "\n",
        "json": json.dumps([row]),
        "xlsx": workbook({NAME: [list(keys), list(row.values())]}),
    }
    data = content[suffix]
    (tmp_path / "inbox" / f"a.{suffix}").write_bytes(
        data.encode() if isinstance(data, str) else data
    )
    scan(tmp_path, capsys)


def test_no_output_shows_a_person_who_stands_for_a_sheet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, CONFIG.replace('"inbox/*"', '"inbox/*", sheet: Ba'))
    (tmp_path / "inbox" / "a.xlsx").write_bytes(workbook({NAME: [["Ma"]]}))
    scan(tmp_path, capsys)


@pytest.mark.parametrize(
    "name",
    ["nguyen-van-test-0912345678", "Nguyễn Văn Test", "NGUYEN_VAN_TEST_079012345678", MAIL],
)
@pytest.mark.parametrize("kind", ["good", "bad", "link", "folder", "listing"])
def test_no_output_shows_a_person_who_stands_in_the_name_of_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, kind: str
) -> None:
    source = '"inbox/**/*"' + (", complete: true" if kind == "listing" else "")
    write(tmp_path, CONFIG.replace('"inbox/*"', source))
    file = tmp_path / "inbox" / f"{name}.csv"
    bad = f"{COLUMNS}\n{one_wrong(3, NAME)}\n"
    if kind == "good":
        other = GOOD.replace("0001", "0002")  # its own would make up for the bad row
        file.write_text(f"{COLUMNS}\n{other}\n", "utf-8")
        (tmp_path / "inbox" / "b.csv").write_text(bad, "utf-8")
    elif kind == "link":
        file.symlink_to(tmp_path / f"{name}-nowhere.csv")
    elif kind == "folder":
        file.mkdir()
        (file / "a.csv").write_text(bad, "utf-8")
    elif kind == "listing":  # a row that nobody can name, and most of the dossiers are gone
        rows = "".join(f"{GOOD.replace('0001', f'{n:04}')}\n" for n in range(40))
        (tmp_path / "inbox" / f"1-{name}.csv").write_text(f"{COLUMNS}\n{rows}", "utf-8")
        (tmp_path / "inbox" / f"2-{name}.csv").write_text(f"{COLUMNS}\n{GOOD}\n", "utf-8")
        file.write_text(f"{COLUMNS}\n{GOOD},{NAME}\n", "utf-8")
    else:
        file.write_text(bad, "utf-8")
    scan(tmp_path, capsys)


def write(folder: Path, config: str = CONFIG) -> None:
    (folder / "c.yaml").write_text(config, "utf-8")
    (folder / "inbox").mkdir()


def scan(folder: Path, capsys: pytest.CaptureFixture[str], *secrets: str) -> None:
    """Run the connector as its process does, and look at all that comes of it."""
    settings = load_settings(log_format="json", data=folder / "data")
    root = logging.getLogger()
    before = root.handlers, root.level
    configure_logs(settings, service="connector")
    sealer = load_or_create(key_file(settings))
    configured = read_config(folder / "c.yaml")
    said = ""
    statuses: list[ConnectorStatus] = []
    sink, checkpoints, producer = MemorySink(), MemoryCheckpoints(), Producer()
    standing = StandingRejects(state_file(settings.data, "my-portal", "rejects"))
    known = KnownFile(state_file(settings.data, "my-portal", "known"))
    kept = KeptCursor(state_file(settings.data, "my-portal", "cursor"))

    def publish(_key: str, status: ConnectorStatus | None) -> None:
        assert status is not None
        statuses.append(status)

    speaker = Speaker("my-portal", now_ms, publish)
    runner = Runner(
        configured.build(now_ms, sealer.seal),
        sink,
        checkpoints,
        key="my-portal",
        settings=RunSettings(max_consecutive_rejects=2),
        standing=standing,
        known=known,
        persons=SealedPersons(sealer),
        speaker=speaker,
    )
    try:
        with speaker:
            asyncio.run(runner.run(once=True))
    except FatalError as error:
        said = str(error)
    finally:
        root.handlers, root.level = before
    for cursor in checkpoints.stored.values():
        kept.store({key: value for key, value in cursor.items() if key[0] != "~"})
    for each in (standing, known, kept):
        each.close()
    letters = DeadLetters(settings, producer)  # type: ignore[arg-type]
    for record, cause in sink.rejects:
        letters.write(
            Stage.CONNECTOR,
            cause,
            origin=record.origin,
            payload=payload_of(record),
            dossier_code=cause.dossier_code,
        )
    assert sink.rejects
    out, err = capsys.readouterr()
    outputs = [out, err, said, str(runner.report), str(checkpoints.stored), str(statuses)]
    outputs += [str(cause) for _, cause in sink.rejects]
    for words in (["check", str(folder / "c.yaml"), "--json"], ["check", str(folder / "c.yaml")]):
        checked = CliRunner().invoke(app, words)
        outputs += [checked.stdout, checked.stderr]
    outputs.append(generate_latest().decode())
    on_the_log = [*producer.sent, *map(encode_event_fast, sink.events)]
    of_state = [path.read_bytes() for path in (folder / "data" / "connectors").iterdir()]
    assert len(of_state) >= 2
    raw = b"\n".join([*on_the_log, *of_state]).decode("utf-8", "replace")
    text = unicodedata.normalize("NFC", "\n".join([*outputs, raw])).lower()
    assert [secret for secret in (*SECRET, *secrets) if secret in text] == []
