"""What `lgsp-connect check` tells of a source before anything is sent."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.connectors.starter import GOOD, HEADER, start
from typer.testing import CliRunner

from lgsp.domain.period import local_datetime, show_instant
from lgsp.runtime.clock import now_ms
from lgsp_connectors.cli import app
from lgsp_connectors.files import Files

runner = CliRunner()


def checked() -> Any:
    return json.loads(runner.invoke(app, ["check", "p.yaml", "--json"]).stdout)


def test_the_words_of_maps_are_counted_and_what_they_lack_or_mistake_is_proposed(
    folder: Path,
) -> None:
    file = start(folder)
    before, _, after = file.read_text("utf-8").partition("    map: {")
    channel = '    map: {"truc tuyen": ONLINE}\n    default: DIRECT\n  submitted_at'
    file.write_text(before + channel + after.partition("submitted_at")[2], "utf-8")
    rows = GOOD * 2 + GOOD.replace("truc tuyen", "Trực tuyến") * 3
    rows += GOOD.replace("truc tuyen", "Tại quầy") + GOOD.replace("dang xu ly", "Khác lạ")
    rows += GOOD.replace("truc tuyen", "NGUYEN VAN TEST")
    (folder / "inbox" / "a.csv").write_text(HEADER + rows)
    found = checked()
    words = [(w["field"], w["word"], w["rows"], w["means"], w["proposed"]) for w in found["words"]]

    assert words == [
        ("KenhNop", "truc tuyen", 3, "ONLINE", ""),
        ("KenhNop", "Trực tuyến", 3, "DIRECT", "ONLINE"),
        ("KenhNop", "Tại quầy", 1, "DIRECT", ""),
        ("KenhNop", "[a text of 15 characters, 3 words]", 1, "DIRECT", ""),
        ("TrangThai", "dang xu ly", 7, "PROCESSING", ""),
        ("TrangThai", "Khác lạ", 1, "", ""),
    ]
    assert found["maps"] == {
        "KenhNop": '{"Trực tuyến": ONLINE}',
        "TrangThai": '{"Khác lạ": ?}',
    }
    shown = runner.invoke(app, ["check", "p.yaml"]).stdout
    assert 'proposed for the map of KenhNop: {"Trực tuyến": ONLINE}' in shown


def test_wide_cells_are_named_whether_they_are_mapped_or_not(folder: Path) -> None:
    start(folder)
    header = HEADER.strip() + ",GhiChu\n"
    wide, narrow = (GOOD.strip() + f",{'x' * n}\n" for n in (5000, 1))
    mapped = narrow.replace("H37.12,", "z" * 1001 + ",")
    (folder / "inbox" / "a.csv").write_text(header + wide + narrow + mapped + wide)

    assert checked()["wide"] == [
        {"field": "GhiChu", "rows": 2, "characters": 5000},
        {"field": "DonVi", "rows": 1, "characters": 1001},
    ]


def test_what_orders_corrections_is_said(folder: Path) -> None:
    file = start(folder)
    (folder / "inbox" / "a.csv").write_text(HEADER + GOOD)
    assert checked()["corrections"].startswith("file_time: a later file wins")
    text = file.read_text("utf-8")
    for spec, said in (
        ("none", "none: nothing orders them"),
        ("row_order", "row_order: a later row wins"),
        ("last_change", "last_change: the row that changed last"),
        ('{file_name: "xuat-%Y-%m-%d"}', "xuat-%Y-%m-%d in the file's name"),
        ("{field: NgayTra, timezone: UTC}", "column NgayTra: the later time wins"),
    ):
        file.write_text(f"{text}stated_at: {spec}\n", "utf-8")
        assert said in checked()["corrections"]
        assert f"corrections: {said}" in runner.invoke(app, ["check", "p.yaml"]).stdout


def test_an_error_of_the_authors_code_is_a_reject_with_its_place(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_self: Files, _record: object) -> None:
        raise KeyError("NGUYEN VAN TEST")

    start(folder)
    (folder / "inbox" / "a.csv").write_text(HEADER + GOOD)
    monkeypatch.setattr(Files, "to_events", broken)
    done = runner.invoke(app, ["check", "p.yaml", "--json"])
    (reject,) = json.loads(done.stdout)["rejects"]

    assert done.exit_code == 1
    assert reject["reason"] == "defect"
    assert "KeyError in test_check.py:" in reject["detail"]
    assert "NGUYEN" not in done.stdout


class Portal(ThreadingHTTPServer):
    """Gives one answer to every request; `$LOGIN` in it becomes the login of the request."""

    def __init__(self, status: int, body: str) -> None:
        self.asked = 0
        portal = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                portal.asked += 1
                said = body.replace("$LOGIN", self.headers.get("Authorization", "")).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def serving(portal: Portal) -> Iterator[Portal]:
    thread = threading.Thread(target=portal.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield portal
    finally:
        portal.shutdown()
        thread.join()
        portal.server_close()


CONFIG = """\
connector: opencps
portal: p
province: H37
source:
  url: URL
  group_id: a
  auth: {user: lgsp, password: "${OPENCPS_PASSWORD}"}
"""


@pytest.fixture
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENCPS_PASSWORD", "s3cret-word")


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (503, '{"message": "Bảo trì đến 22:00"}', "HTTP 503 Service Unavailable: message Bảo trì"),
        (
            401,
            '{"error": {"code": 7, "detail": "hết phiên $LOGIN"}}',
            "detail hết phiên Basic ***",
        ),
        (403, "<html><title>Cấm truy cập</title>", "HTTP 403 Forbidden: a web page: Cấm truy cập"),
        (500, "s3cret-word is wrong for 0912 345 678", "HTTP 500 Internal Server Error: *** is"),
        (400, '{"message": "NGUYEN VAN TEST"}', "message ***"),
        (404, '{"message": ["NGUYEN VAN TEST"]}', "message a list of 1"),
    ],
)
@pytest.mark.usefixtures("_password")
def test_the_request_and_the_portals_words_are_shown_without_secrets(
    folder: Path, status: int, body: str, said: str
) -> None:
    with serving(Portal(status, body)) as portal:
        (folder / "p.yaml").write_text(CONFIG.replace("URL", portal.url))
        started = time.monotonic()
        done = runner.invoke(app, ["check", "p.yaml"])
        as_json = runner.invoke(app, ["check", "p.yaml", "--json"])
        assert time.monotonic() - started < 5
        assert portal.asked == 2
    output = done.stdout + done.stderr + as_json.stdout + as_json.stderr

    assert done.exit_code == 1
    assert f"last request: GET {portal.url}/o/rest/v2/dossiers?start=0&end=200" in done.stdout
    assert said in done.stdout
    assert json.loads(as_json.stdout)["request"]["words"] in done.stdout
    for secret in ("s3cret-word", "bGdzcDpzM2NyZXQtd29yZA==", "NGUYEN", "912 345"):
        assert secret not in output


@pytest.mark.usefixtures("_password")
def test_a_dead_address_is_said_within_a_second(folder: Path) -> None:
    (folder / "p.yaml").write_text(CONFIG.replace("URL", "http://127.0.0.1:9"))
    started = time.monotonic()
    done = runner.invoke(app, ["check", "p.yaml"])

    assert time.monotonic() - started < 5  # one try, on a busy machine
    assert done.exit_code == 1
    assert "last request: GET http://127.0.0.1:9/o/rest/v2/dossiers?start=0" in done.stdout
    assert "its answer: ClientConnectorError" in done.stdout
    assert "ClientConnectorError" in done.stderr


@pytest.mark.usefixtures("_password")
def test_the_age_of_a_portals_newest_change_is_said(folder: Path) -> None:
    """Seven hours: its clock may stand in UTC."""
    changed = local_datetime(now_ms() - 7 * 3_600_000)
    row = {
        "dossierNo": "H37.12-240705-0001",
        "govAgencyCode": "H37.12",
        "dossierStatus": "processing",
        "receiveDate": "05/07/2024 08:15:00",
        "modifiedDate": f"{changed:%d/%m/%Y %H:%M:%S}",
    }
    with serving(Portal(200, json.dumps({"total": 1, "data": [row]}))) as portal:
        (folder / "p.yaml").write_text(CONFIG.replace("URL", portal.url))
        done = runner.invoke(app, ["check", "p.yaml"])
        as_json = json.loads(runner.invoke(app, ["check", "p.yaml", "--json"]).stdout)

    assert done.exit_code == 0
    assert f"newest change: {changed:%Y-%m-%d %H:%M}, 7.0 h ago" in done.stdout
    assert "its answer: HTTP 200 OK: an object of total, data (1)" in done.stdout
    assert as_json["newest"] == show_instant(int(changed.timestamp()) * 1000)
    assert [w["word"] for w in as_json["words"]] == ["processing"]
