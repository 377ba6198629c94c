"""The gate of the national sync: real broker, real mock, workers and mock killed and stopped.

Afterwards the portal holds exactly what the events say: every dossier created once, every step
once, no older state written over a newer one, and persons only where they belong.
"""

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from lgsp.delivery.evidence.heads import read_heads
from lgsp.delivery.evidence.verifying import verify_all
from lgsp.domain.dossier import current_status, merge_all
from lgsp.domain.event import DossierEvent
from lgsp.domain.evidence.row import EvidenceKind
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.national.client import PROGRESS, SAVE
from lgsp.national.planner import Draft, draft
from lgsp.national.wire import Names
from lgsp.runtime.avro.codec import RESULTS, encode_event
from lgsp.runtime.httpget import answers_200, get_json
from lgsp.runtime.kafka.client import end_offsets, latest_by_key, make_producer
from lgsp.runtime.kafka.topics import DOSSIER_EVENTS, SYNC_RESULTS
from lgsp.runtime.letters.dead_letters import open_letters
from lgsp.runtime.sealing import key_file, load_or_create
from lgsp.runtime.settings import Settings
from lgsp.store.engine import open_store
from lgsp.store.evidence.opening import open_kept_evidence
from lgsp.store.evidence.reading import all_rows
from lgsp.store.offsets import stored_offsets
from lgsp.store.sync.queue import LANE, count_pending
from tests.national.dossiers import steps
from tests.ports import free_port_pair
from tests.processors.test_rates_gate import PARTITIONS, own_broker  # noqa: F401 - fixture
from tests.processors.workers import Worker
from tests.store.conftest import postgres_url, store_url  # noqa: F401 - fixtures
from tests.store.rates.history import history
from tests.waiting import wait_until

SEALED = "H37.9-240108-0009"


class Mock:
    """The `lgsp mock national` process, which can be killed and started again."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.port = free_port_pair()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = {**os.environ, **environment}

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lgsp.cli", "mock", "national", "--port", str(self.port)],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until("the mock answers", lambda: answers_200(f"{self.url}/readyz"))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def dossiers(self) -> int:
        return int(get_json(f"{self.url}/api/summary", {})["dossiers"])


def produce(settings: Settings, events: list[DossierEvent]) -> None:
    producer = make_producer(settings.bootstrap)
    for event in events:
        producer.send(DOSSIER_EVENTS, event.dossier_code.encode(), encode_event(event))
    producer.send(DOSSIER_EVENTS, b"poison", b"not an event")
    producer.flush()
    producer.close()


def drained(engine: Engine, settings: Settings) -> bool:
    with engine.connect() as connection:
        stored = stored_offsets(connection, LANE, DOSSIER_EVENTS)
        pending = count_pending(connection)
    ends = {p: o for p, o in end_offsets(settings.bootstrap, DOSSIER_EVENTS).items() if o}
    return not pending and ends == {p: o for p, o in stored.items() if o}


@contextmanager
def all_ended(*processes: Worker | Mock) -> Iterator[None]:
    try:
        yield
    finally:
        for process in processes:
            process.kill()


@pytest.mark.kafka
@pytest.mark.timeout(300)
def test_the_portal_holds_what_the_events_say_whatever_happens(
    own_broker: Settings,  # noqa: F811
    store_url: str,  # noqa: F811
    tmp_path: Path,
) -> None:
    settings = own_broker
    data = str(settings.data)
    mock = Mock({"LGSP_DATA": data})
    environment = {
        "LGSP_BROKER": settings.bootstrap,
        "LGSP_STORE": store_url,
        "LGSP_DATA": data,
        "LGSP_NATIONAL_URL": mock.url,
        "LGSP_NATIONAL_RETRY_LONGEST": "1",
        "LGSP_SESSION_TIMEOUT": "6",
        "LGSP_LOG_FORMAT": "json",
    }
    sealed = load_or_create(key_file(settings)).seal(
        {"owner_name": "NGUYEN VAN TEST", "owner_id": "000000000001"}, SEALED
    )
    events = history(random.Random(12), dossiers=1200)
    events += steps(1, 2, code=SEALED, sealed=sealed)
    mock.start()
    one, two = (
        Worker("national-sync", environment, tmp_path / f"{n}.log") for n in ("one", "two")
    )
    with all_ended(one, two, mock):
        produce(settings, events)
        one.start()
        wait_until("one reads everything", lambda: one.partitions == PARTITIONS)
        two.start()
        wait_until("they share", lambda: 0 < two.partitions < PARTITIONS)
        wait_until("dossiers arrive", lambda: mock.dossiers > 100)
        mock.kill()
        mock.start()
        one.stop_outside_transaction(store_url)
        wait_until("two has taken over", lambda: two.partitions == PARTITIONS)
        wait_until("two goes on", lambda: mock.dossiers > 300)
        one.send(signal.SIGCONT)
        wait_until("they share again", lambda: two.partitions < PARTITIONS)
        two.kill()
        wait_until("one takes over", lambda: one.partitions == PARTITIONS)
        engine = open_store(store_url)
        wait_until("everything is there", lambda: drained(engine, settings), 180)
        wait_until("results are out", lambda: len(_results(settings)) == 1201)
        assert 0 == one.terminate()
        engine.dispose()

        _assert_equal(mock, events)
        _assert_written_once(mock)
        _assert_evidence(settings.model_copy(update={"store": store_url}), mock)
    assert ["unreadable"] == [letter.reason for letter in open_letters(settings.bootstrap)]
    for log in (tmp_path / "one.log", tmp_path / "two.log"):
        text = log.read_text()
        assert "worker_started" in text
        assert "NGUYEN VAN TEST" not in text


def _results(settings: Settings) -> dict[bytes, str]:
    found = latest_by_key(settings.bootstrap, SYNC_RESULTS)
    return {key: RESULTS.decode(value)["outcome"] for key, value in found.items()}


def _assert_equal(mock: Mock, events: list[DossierEvent]) -> None:
    held = {d["code"]: d for d in _paged(f"{mock.url}/api/dossiers")}
    for code, dossier in merge_all(events).items():
        names = Names(f"Thủ tục {dossier.procedure}", "G00-LV01", "Lĩnh vực mẫu")
        wanted = draft(dossier, SIMPLE.statuses, names)
        assert isinstance(wanted, Draft)
        found = held.pop(code)
        assert found["record"] == {name: wanted.record[name] for name in found["record"]}
        assert [s.key for s in wanted.steps] == [
            f"{s['ThoiDiemXuLy']}:{s['TrangThai']}" for s in found["steps"]
        ]
        assert found["status"] == current_status(dossier, SIMPLE.statuses)
    assert {} == held


def _assert_written_once(mock: Mock) -> None:
    created = [
        call["code"]
        for call in _paged(f"{mock.url}/api/log")
        if call["service"] == "DongBoHoSoMC"
        and call["updating"] == 0
        and call["error_code"] == "0"
    ]
    assert len(created) == len(set(created)) == 1201


def _assert_evidence(settings: Settings, mock: Mock) -> None:
    """Every write that reached the portal was kept before, and nothing of it is out of its chain.

    The heads that the workers published say the same.
    """
    evidence = open_kept_evidence(settings.evidence_store)
    heads, unreadable = read_heads(settings.bootstrap)
    found = verify_all(evidence, heads)
    with evidence.connect() as connection:
        rows = list(all_rows(connection))
    evidence.dispose()
    asked = Counter((row.dossier, row.service) for row in rows if row.kind == EvidenceKind.ASKED)
    came = Counter(
        (call["code"], call["service"])
        for call in _paged(f"{mock.url}/api/log")
        if call["service"] in {SAVE, PROGRESS}
    )
    assert ([], 0, 1) == (list(found.faults), unreadable, len({head.store for head in heads}))
    assert found.newest == found.head
    assert came.total() > 2000
    assert Counter() == came - asked
    assert 1201 == len({code for code, _ in asked})


def _paged(url: str) -> Iterator[dict[str, Any]]:
    after = ""
    while True:
        page = get_json(url, {"limit": "2000"} | ({"after": after} if after else {}))
        yield from page["items"]
        if page["next"] is None:
            return
        after = str(page["next"])
