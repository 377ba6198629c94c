"""`lgsp evidence` and the orders of `lgsp sync`: in words, verified, exported, erased."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, update
from typer.testing import CliRunner

from lgsp.cli import build
from lgsp.delivery.evidence.recorder import seal_payload
from lgsp.domain.event import with_id
from lgsp.domain.evidence.chain import ChainHead
from lgsp.domain.evidence.row import EvidenceEntry, EvidenceKind, Judged
from lgsp.runtime.avro.codec import encode_event
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.kafka.records import Batch
from lgsp.runtime.sealing import key_file, load_or_create
from lgsp.runtime.settings import Settings
from lgsp.store.engine import open_store
from lgsp.store.evidence.keeping import append
from lgsp.store.evidence.opening import open_evidence
from lgsp.store.sync.queue import SyncQueue
from lgsp.store.sync.tables import QUEUE, QueueState
from tests.delivery.evidence.harm import put, rows_in
from tests.national.dossiers import START, step
from tests.records import FakeRecord

AT = 1_720_141_200_000
THERE = "H37.1-240705-0001"
OURS = "H37.1-240705-9001"
SENT = {"service": "DongBoHoSoMC", "data": [{"MaHoSo": THERE, "ChuHoSo": "NGUYEN VAN TEST"}]}


@pytest.fixture(autouse=True)
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LGSP_BROKER_PORT", "1")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A dossier that has another code at the portal, of which three calls were made."""
    settings = Settings(data=tmp_path)
    sealer = load_or_create(key_file(settings))
    payload = seal_payload(sealer, json.dumps(SENT).encode(), THERE, "c1")
    evidence = opened(tmp_path)
    write(
        evidence,
        EvidenceEntry(
            *(AT, EvidenceKind.READ, THERE, "TraCuuHoSo", "c0", "worker a/1", "2", 200, "0"),
            message="Thành công",
            judged=Judged.DONE,
        ),
        EvidenceEntry(
            AT, EvidenceKind.ASKED, THERE, "DongBoHoSoMC", "c1", "worker a/1", "4", sealed=payload
        ),
        EvidenceEntry(
            *(
                AT + 210,
                EvidenceKind.ANSWERED,
                THERE,
                "DongBoHoSoMC",
                "c1",
                "worker a/1",
                "",
                200,
                "0",
            ),
            message="Đồng bộ thành công",
            judged=Judged.DONE,
            millis=210,
        ),
        EvidenceEntry(AT, EvidenceKind.READ, "", "login", "c2", "worker a/1", http=200, code="0"),
        EvidenceEntry(
            AT, EvidenceKind.ASKED, THERE, "CapNhatTienDoHoSoMC", "c3", "worker a/1", "2,4"
        ),
    )
    evidence.dispose()
    queue(tmp_path, 2)
    return tmp_path


def opened(data: Path) -> Engine:
    return open_evidence(f"sqlite:///{data / 'evidence.db'}")


def write(evidence: Engine, *entries: EvidenceEntry) -> None:
    with evidence.begin() as connection:
        append(connection, entries, AT)


def queue(data: Path, status: int) -> None:
    """Let the sync take over a step of the dossier."""
    engine = open_store(f"sqlite:///{data / 'sync.db'}")
    taken = SyncQueue(engine, "t", load_calendar(), lambda: START, lambda _: None)
    at = taken.open_partition(0)
    event = with_id(replace(step(at, status, OURS), national_code=THERE))
    taken.fold([Batch(0, [FakeRecord(at, encode_event(event))])])
    engine.dispose()


def run(data: Path, *words: str, code: int = 0) -> Any:
    done = CliRunner().invoke(build(), [*words, "--data", str(data), "--json"])
    assert done.exit_code == code, (done.stdout, done.stderr)
    return json.loads(done.stdout)


def shown(data: Path, *words: str) -> str:
    done = CliRunner().invoke(build(), [*words, "--data", str(data)])
    return " ".join(done.stdout.split())


def test_a_dossier_s_story_is_told_in_words_by_either_code(data: Path) -> None:
    calls = run(data, "evidence", "show", OURS)["calls"]

    assert [
        "asked for what it holds: after 0.00 s done (HTTP 200, code 0, “Thành công”) (status 2)",
        "sent the record with status 4: after 0.21 s done"
        " (HTTP 200, code 0, “Đồng bộ thành công”)",
        "sent progress steps with status 2,4: no answer is known:"
        " it may or may not have been worked on",
    ] == [call["words"] for call in calls]
    assert ("2024-07-05T01:00:00Z", ["4"], "kept", 3) == (
        calls[1]["at"],
        calls[1]["statuses"],
        calls[1]["payload"],
        calls[1]["answer_row"],
    )
    assert calls == run(data, "evidence", "show", THERE)["calls"]
    assert "no answer is known" in shown(data, "evidence", "show", OURS)
    assert "Nothing was ever sent of H37.9" in shown(data, "evidence", "show", "H37.9")


def test_verify_says_that_all_is_as_it_was_and_what_it_could_not_compare(data: Path) -> None:
    whole = run(data, "evidence", "verify")
    one = run(data, "evidence", "verify", OURS)

    assert (True, 5, 1, 0, 1) == tuple(
        whole[name] for name in ("verified", "rows", "dossiers", "changed", "without_answer")
    )
    assert (True, THERE, 4) == (one["verified"], one["of"], one["rows"])
    assert not whole["heads"]["compared"]
    assert "no broker runs" in whole["heads"]["reason"]
    assert "not compared: no broker runs" in shown(data, "evidence", "verify")


def test_verify_fails_with_the_row_that_was_changed(data: Path) -> None:
    evidence = opened(data)
    put(evidence, 3, "message", "Đã nhận")
    evidence.dispose()
    found = run(data, "evidence", "verify", code=1)

    assert not found["verified"]
    assert [{
        "row": 3, "dossier": THERE, "at": "2024-07-05T01:00:00.210Z",
        "what": "is not what was hashed when it was written",
    }] == found["faults"]  # fmt: skip
    assert f"row 3 ({THERE}, 2024-07-05T01:00:00.210Z): is not what" in shown(
        data, "evidence", "verify"
    )
    assert not run(data, "evidence", "verify", OURS, code=1)["verified"]


def test_an_export_can_be_checked_without_us(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "evidence.jsonl"
    done = run(data, "evidence", "export", OURS, "--out", str(out))
    readme = Path(done["readme"]).read_text("utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    (by_hand,) = re.findall(r"```sh\n(.*?)\n```", readme, re.DOTALL)

    assert (4, str(out)) == (done["rows"], done["file"])
    assert "NGUYEN VAN TEST" not in out.read_text("utf-8")
    assert "every hash is right" in check(program, out).stdout
    third = subprocess.check_output(["sh", "-c", by_hand], cwd=tmp_path, text=True)
    assert json.loads(out.read_text("utf-8").splitlines()[2])["hash"] == third.split()[0]

    lines = out.read_text("utf-8").splitlines(keepends=True)
    for harmed, what in (
        ([lines[0], *lines[2:]], "line 2: a line before it is missing"),
        ([*lines[:2], lines[2].replace("thành công", "thất bại"), lines[3]], "line 3: the hash"),
        ([lines[0], re.sub(r'"sealed":"....', '"sealed":"AAAA', lines[1])], "line 2: the payload"),
    ):
        out.write_text("".join(harmed), "utf-8")
        assert what in check(program, out).stderr
    assert "it is there already" in str(
        run(data, "evidence", "export", OURS, "--out", str(out), code=2)
    )


def check(program: str, out: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-I", "-c", program, str(out)]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_an_export_shows_what_was_sent_only_when_asked(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "open.jsonl"
    run(data, "evidence", "export", THERE, "--out", str(out), "--open")
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]

    assert [None, SENT, None, None] == [line["opened"] for line in lines]
    assert 0o600 == out.stat().st_mode & 0o777
    unknown = run(data, "evidence", "export", "H37.9", "--out", str(tmp_path / "x"), code=2)
    assert "nothing was sent" in unknown["error"]["message"]


def test_an_erased_payload_is_told_and_verifies(data: Path) -> None:
    done = run(data, "evidence", "erase", OURS, "--why", "theo yêu cầu", "--by", "Lan")
    words = [call["words"] for call in run(data, "evidence", "show", OURS)["calls"]]

    assert {"dossier": THERE, "erased": 1, "row": 6} == done
    assert "sent the record with status 4 (payload erased, hash stands)" in words[1]
    assert "Lan had the payloads up to here erased, because: theo yêu cầu" == words[-1]
    assert (True, 1) == tuple(run(data, "evidence", "verify")[n] for n in ("verified", "erased"))
    assert "nothing to erase" in str(run(data, "evidence", "erase", "H37.9", "--why", "w", code=2))


@pytest.mark.parametrize("order", ["resend", "arrived", "redrive", "hold"])
def test_an_order_is_kept_with_who_and_why(data: Path, order: str) -> None:
    run(data, "sync", order, OURS, "--why", "đã xem ở cổng, số 0912345678", "--by", "Lan")
    run(data, "sync", order, "H37-unknown", "--why", "w", code=2)
    last = run(data, "evidence", "show", OURS)["calls"][-1]

    assert f"Lan ordered: {order}, because: đã xem ở cổng, số ***" == last["words"]
    assert 6 == run(data, "evidence", "verify")["rows"]


def test_who_gave_an_order_is_the_systems_user_when_nobody_is_named(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "nam")
    run(data, "sync", "redrive", OURS)

    assert "nam ordered: redrive" == run(data, "evidence", "show", OURS)["calls"][-1]["words"]


def test_every_dossier_that_is_redriven_at_once_has_the_order(data: Path) -> None:
    set_parked(data, "-1: sai")
    assert {"redriven": 1} == run(data, "sync", "redrive", "--cause", "sai", "--why", "đã sửa")
    assert {"redriven": 0} == run(data, "sync", "redrive")
    calls = run(data, "evidence", "show", OURS)["calls"]

    assert 1 == sum("ordered: redrive, because: đã sửa" in call["words"] for call in calls)


def test_what_a_person_holds_stays_held_until_a_person_releases_it(data: Path) -> None:
    assert {"held": 1} == run(data, "sync", "hold", OURS, "--why", "chờ công văn", "--by", "Lan")
    queue(data, 4)  # its source goes on
    (held,) = run(data, "sync", "parked")["lanes"]
    refused = [
        run(data, "sync", order, OURS, code=2)["error"]["message"]
        for order in ("redrive", "resend", "arrived")
    ]

    assert ("held", "held by hand: chờ công văn (Lan)") == (held["lane"], held["reason"])
    assert all("held by hand" in message for message in refused)
    assert {"redriven": 0} == run(data, "sync", "redrive")
    assert 1 == run(data, "sync", "status")["held"]

    assert {"released": 1} == run(data, "sync", "release", OURS, "--why", "có công văn")
    assert 1 == run(data, "sync", "status")["pending"]
    assert "not held by hand" in str(run(data, "sync", "release", OURS, code=2))
    said = [call["words"] for call in run(data, "evidence", "show", OURS)["calls"]][-2:]
    assert ["hold", "release"] == [re.findall(r"ordered: (\w+)", words)[0] for words in said]


def set_parked(data: Path, reason: str) -> None:
    engine = open_store(f"sqlite:///{data / 'sync.db'}")
    with engine.begin() as connection:
        state = QueueState.PARKED.value
        connection.execute(update(QUEUE).values(queue_state=state, reason=reason))
    engine.dispose()


def test_an_order_that_cannot_be_kept_is_not_carried_out(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("lgsp.cli.evidence.orders.append", away)
    run(data, "sync", "hold", OURS, "--why", "w", code=1)

    assert 0 == run(data, "sync", "status")["held"]


@pytest.mark.parametrize("tampered", [True, False])
def test_a_store_of_before_that_is_gone_can_only_be_declared(
    data: Path, monkeypatch: pytest.MonkeyPatch, tampered: bool
) -> None:
    gone = ChainHead("0123456789ab", 70, b"\x07" * 32, AT)
    monkeypatch.setattr("lgsp.cli.evidence.verify.heads_of", lambda _settings: ([gone], ""))
    found = run(data, "evidence", "verify", code=1)
    assert [{"store": gone.store, "rows": 70, "at": "2024-07-05T01:00:00Z"}] == found[
        "missing_stores"
    ]
    assert f"lgsp evidence lost {gone.store}" in shown(data, "evidence", "verify")

    run(data, "evidence", "lost", gone.store, "--why", "ổ đĩa hỏng", "--by", "Lan")
    if tampered:  # the declaration itself stands in the chain
        evidence = opened(data)
        put(evidence, len(rows_in(evidence)), "message", "khác")
        evidence.dispose()
    assert run(data, "evidence", "verify", code=int(tampered))["missing_stores"] == []
