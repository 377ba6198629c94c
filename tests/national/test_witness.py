"""Evidence of calls to the real mock: kept before they go out, judged, and of no person."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, event, text

from lgsp.delivery.evidence.recorder import Recorder, open_payload
from lgsp.delivery.evidence.verifying import verify_all
from lgsp.delivery.evidence.writer import EvidenceWriter
from lgsp.domain.errors import FatalError, RetryableError
from lgsp.domain.evidence.row import EvidenceKind, EvidenceRow, Judged
from lgsp.national.client import NationalClient
from lgsp.national.outcomes import Ok, OutcomeUnknown, Refused
from lgsp.national.pushed import NotOursError
from lgsp.national.witness import NationalWitness
from lgsp.runtime.clock import now_ms
from lgsp.runtime.sealing import Sealer
from lgsp.runtime.settings import Settings
from lgsp.runtime.store_away import StoreAway
from lgsp.store.engine import open_store
from lgsp.store.evidence.keeping import append
from lgsp.store.evidence.opening import open_evidence
from lgsp.store.sync.held import hold, release
from lgsp.store.sync.listing import summarise
from lgsp.store.sync.queue import SyncQueue
from tests.delivery.evidence.harm import rows_in
from tests.national.dossiers import CODE, step, steps
from tests.national.harness import RunningPortal, Sync, running_portal
from tests.national.wilful import Call, Wilful, http, wilful
from tests.simulation.records import RECORD
from tests.waiting import until

SEALER = Sealer({"k1": b"\x01" * 32}, "k1")
SAVE, PROGRESS, LOOK_UP = "DongBoHoSoMC", "CapNhatTienDoHoSoMC", "TraCuuHoSo"


@pytest.fixture
def evidence(tmp_path: Path) -> Iterator[Engine]:
    opened = open_evidence(f"sqlite:///{tmp_path / 'evidence.db'}")
    yield opened
    opened.dispose()


@contextmanager
def witness(evidence: Engine) -> Iterator[NationalWitness]:
    with EvidenceWriter(evidence, now_ms) as writer:
        yield NationalWitness(Recorder(writer, SEALER, now_ms))


@asynccontextmanager
async def client_of(
    folder: Path, evidence: Engine, faults: Sequence[dict[str, Any]] = (), **settings: Any
) -> AsyncIterator[tuple[NationalClient, RunningPortal]]:
    async with running_portal(folder, faults) as portal:
        with witness(evidence) as kept:
            async with NationalClient(portal.settings(**settings), kept) as client:
                yield client, portal


def in_short(evidence: Engine) -> list[tuple[str, str, str, int]]:
    return [(row.kind, row.service, row.judged, row.http) for row in rows_in(evidence)]


def writes(evidence: Engine) -> list[EvidenceRow]:
    return [
        row for row in rows_in(evidence) if row.kind in {EvidenceKind.ASKED, EvidenceKind.ANSWERED}
    ]


async def test_a_write_is_two_rows_and_a_question_is_one(tmp_path: Path, evidence: Engine) -> None:
    async with client_of(tmp_path, evidence) as (client, portal):
        assert await client.look_up(RECORD["MaHoSo"]) is None
        assert Ok() == await client.save(RECORD, updating=False)
        found = await client.look_up(RECORD["MaHoSo"])
        log = await portal.log()

    assert [
        ("read", "login", "done", 200),
        ("read", LOOK_UP, "done", 200),
        ("asked", SAVE, "", 0),
        ("answered", SAVE, "done", 200),
        ("read", LOOK_UP, "done", 200),
    ] == in_short(evidence)
    asked, answered = writes(evidence)
    assert (RECORD["MaHoSo"], RECORD["TrangThaiHoSo"]) == (asked.dossier, asked.statuses)
    assert (asked.call, "0") == (answered.call, answered.code)
    assert answered.message
    assert found is not None
    last = rows_in(evidence)[-1]
    assert found["TrangThaiHoSo"] == last.statuses
    assert f"NgayTiepNhan={found['NgayTiepNhan']}" in last.message
    assert "no record" in rows_in(evidence)[1].message
    assert 4 == len(log)
    assert verify_all(evidence, []).good


async def test_what_was_sent_opens_and_holds_no_session_and_nothing_holds_a_password(
    tmp_path: Path, evidence: Engine
) -> None:
    async with client_of(tmp_path, evidence) as (client, _):
        await client.save(RECORD, updating=False)
    asked = writes(evidence)[0]
    assert asked.sealed is not None
    sent = orjson.loads(open_payload(SEALER, asked.sealed, asked.dossier, asked.call))

    assert {"madonvi": "H37", "service": SAVE, "data": [RECORD], "isUpdating": "False"} == sent
    clear = [row._replace(sealed=None) for row in rows_in(evidence)]
    assert RECORD["ChuHoSo"] not in str(clear)
    assert "password" not in str(rows_in(evidence))


async def test_what_a_portal_repeats_of_a_person_is_in_no_row(
    tmp_path: Path, evidence: Engine
) -> None:
    async def repeating(portal: Wilful, call: Call) -> bytes:
        right = portal.rightly(call)
        if call.service != SAVE:
            return right
        body = orjson.dumps({"error_code": "0", "message": f"Đã ghi {call.body}"})
        return http(body, 200, "X-Correlation-Id: ID").replace(b"ID", b"\xff\x1b[31m", 1)

    async with wilful(tmp_path, repeating) as portal:
        with witness(evidence) as kept:
            async with NationalClient(portal.settings(), kept) as client:
                assert isinstance(await client.save(RECORD, updating=False), Ok)

    clear = str([row._replace(sealed=None) for row in rows_in(evidence)])
    assert "Đã ghi" in clear
    assert RECORD["ChuHoSo"] not in clear


@pytest.mark.parametrize(
    ("do", "judged", "http"),
    [
        ({"drop": "after"}, Judged.UNKNOWN, 0),
        ({"http": 500}, Judged.UNKNOWN, 500),
        ({"http": 503}, Judged.NOT_WORKED_ON, 503),
        ({"html": True}, Judged.UNKNOWN, 200),
        ({"error_code": "-1", "message": "Số 012345678901 sai"}, Judged.REFUSED, 200),
    ],
)
async def test_each_answer_is_kept_as_it_was_judged(
    tmp_path: Path, evidence: Engine, do: dict[str, Any], judged: Judged, http: int
) -> None:
    faults = [{"match": {"service": SAVE}, "do": do}]
    async with client_of(tmp_path, evidence, faults) as (client, _):
        with suppress(RetryableError):
            assert isinstance(await client.save(RECORD, updating=False), OutcomeUnknown | Refused)
    answered = writes(evidence)[-1]

    assert (EvidenceKind.ANSWERED, judged, http) == (answered.kind, answered.judged, answered.http)
    assert "012345678901" not in answered.message


async def test_a_call_that_did_not_reach_the_portal_is_told_from_one_without_an_answer(
    tmp_path: Path, evidence: Engine
) -> None:
    async with client_of(tmp_path, evidence) as (client, portal):

        def not_ours() -> None:
            raise NotOursError

        with pytest.raises(NotOursError):
            await client.save(RECORD, not_ours, updating=False)
        assert SAVE not in {call["service"] for call in await portal.log()}

    assert Judged.NOT_SENT == writes(evidence)[-1].judged


async def test_each_repetition_of_a_call_is_kept(tmp_path: Path, evidence: Engine) -> None:
    faults = [
        {"match": {"service": SAVE, "nth": 1}, "do": {"http": 429}},
        {"match": {"service": SAVE, "nth": 2}, "do": {"expire_session": True}},
    ]
    async with client_of(tmp_path, evidence, faults) as (client, _):
        assert Ok() == await client.save(RECORD, updating=False)
    judged = [row.judged for row in writes(evidence) if row.kind == EvidenceKind.ANSWERED]

    assert [Judged.NOT_WORKED_ON, Judged.REFUSED] == judged[:2]
    assert {Judged.REFUSED} == set(judged[1:-1])
    assert Judged.DONE == judged[-1]


async def test_an_answer_by_item_is_kept_item_by_item(tmp_path: Path, evidence: Engine) -> None:
    each = {"by_item": 4, "error_code": "-1", "message": "Sai trạng thái"}
    faults = [{"match": {"service": PROGRESS, "status": 4}, "do": each}]
    async with client_of(tmp_path, evidence, faults) as (client, _):
        await client.save(RECORD, updating=False)
        step = {"MaHoSo": RECORD["MaHoSo"], "NguoiXuLy": "H37", "ThoiDiemXuLy": "20240705093000"}
        await client.progress([step | {"TrangThai": "2"}, step | {"TrangThai": "4"}])
    asked, answered = writes(evidence)[-2:]

    assert "2,4" == asked.statuses
    assert (Judged.IN_PARTS, "1: done; 2: Sai trạng thái") == (answered.judged, answered.message)


async def test_nothing_is_sent_while_evidence_cannot_be_written(
    tmp_path: Path, hasty: Engine
) -> None:
    async with client_of(tmp_path, hasty) as (client, portal):
        await client.look_up(RECORD["MaHoSo"])
        with locked(tmp_path / "evidence.db"):
            with pytest.raises(StoreAway):
                await client.save(RECORD, updating=False)
            assert SAVE not in {call["service"] for call in await portal.log()}
        assert Ok() == await client.save(RECORD, updating=False)

    assert ["asked", "answered"] == [row.kind for row in writes(hasty)]
    assert verify_all(hasty, []).good


async def test_an_answer_that_comes_while_evidence_is_away_is_kept_once_it_is_back(
    tmp_path: Path, hasty: Engine
) -> None:
    faults = [{"match": {"service": SAVE}, "do": {"delay": 1}}]
    async with client_of(tmp_path, hasty, faults) as (client, portal):
        saving = asyncio.create_task(client.save(RECORD, updating=False))
        await until("the call is out", lambda: is_out(portal, hasty))
        with locked(tmp_path / "evidence.db"):

            async def answered() -> bool:
                return SAVE in {call["service"] for call in await portal.log()}

            await until("the portal has answered", answered)
            assert not saving.done()
        assert Ok() == await saving

    assert Judged.DONE == writes(hasty)[-1].judged


def is_out(portal: RunningPortal, evidence: Engine) -> bool:
    return len(writes(evidence)) == 1 and portal.gateway.in_flight == 1


@contextmanager
def locked(file: Path) -> Iterator[None]:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


@pytest.fixture
def hasty(evidence: Engine) -> Engine:
    """The evidence, for writers that wait for a lock as long as a test may, not ten seconds."""

    @event.listens_for(evidence, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA busy_timeout=50")

    evidence.dispose()
    return evidence


async def test_a_worker_that_is_stopped_keeps_that_no_answer_came(
    tmp_path: Path, evidence: Engine
) -> None:
    faults = [{"match": {"service": SAVE}, "do": {"delay": 2}}]
    async with client_of(tmp_path, evidence, faults) as (client, portal):
        saving = asyncio.create_task(client.save(RECORD, updating=False))
        await until("the call is out", lambda: is_out(portal, evidence))
        saving.cancel()
        with suppress(asyncio.CancelledError):
            await saving
    answered = writes(evidence)[-1]

    assert (EvidenceKind.ANSWERED, Judged.UNKNOWN) == (answered.kind, answered.judged)
    assert "stopped before an answer came" in answered.message


async def test_a_dossier_that_is_pushed_leaves_its_whole_story(
    tmp_path: Path, evidence: Engine
) -> None:
    faults = [{"match": {"service": PROGRESS, "nth": 1}, "do": {"drop": "after"}}]
    store = open_store(f"sqlite:///{tmp_path / 'sync.db'}")
    with witness(evidence) as kept:
        async with running_portal(tmp_path, faults) as portal:
            sync = Sync(store, portal.settings(), witness=kept)
            sync.feed(steps(1, 2, 4))
            await sync.drain()
    store.dispose()
    story = [(r.kind, r.service, r.statuses) for r in rows_in(evidence) if r.dossier == CODE]

    assert [
        (EvidenceKind.ASKED, SAVE, "4"),
        (EvidenceKind.ANSWERED, SAVE, ""),
        (EvidenceKind.ASKED, PROGRESS, "1,2,4"),
        (EvidenceKind.ANSWERED, PROGRESS, ""),
        (EvidenceKind.READ, LOOK_UP, "4"),
    ] == story


def test_a_worker_begun_anew_trusts_no_push_of_before(tmp_path: Path) -> None:
    """Its answer may have come while the evidence was away: the portal is asked first."""
    store = open_store(f"sqlite:///{tmp_path / 'sync.db'}")
    sync = Sync(store, Settings())
    sync.feed(steps(2))
    (waiting,) = sync.queue.waiting(1)
    known(sync.queue, waiting.partition)[CODE] = waiting.settled
    before = sync.queue.is_known(waiting)
    sync.queue.forget_known()

    assert (True, False) == (before, sync.queue.is_known(waiting))
    store.dispose()


def known(queue: SyncQueue, partition: int) -> dict[str, int]:
    return queue._owned[partition].known


def test_entries_wait_for_no_more_than_one_transaction_each(evidence: Engine) -> None:
    """Many callers share one transaction: what gathers while one is under way goes together."""
    committed = []

    async def many() -> None:
        with EvidenceWriter(evidence, now_ms) as writer:
            recorder = Recorder(writer, SEALER, now_ms)
            calls = [recorder.begin(f"H37.1-240705-{n:04d}", SAVE) for n in range(300)]
            await asyncio.gather(*[recorder.ask(call, b"{}") for call in calls])

    def counted(*arguments: Any) -> Any:
        committed.append(len(arguments[1]))
        return append(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lgsp.delivery.evidence.writer.append", counted)
        asyncio.run(many())

    assert 300 == sum(committed)
    assert len(committed) < 100
    assert verify_all(evidence, []).good


async def test_evidence_set_back_ends_the_sync_and_blames_no_dossier(
    tmp_path: Path, evidence: Engine
) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'sync.db'}")
    with witness(evidence) as kept:
        async with running_portal(tmp_path) as portal:
            sync = Sync(store, portal.settings(), witness=kept)
            sync.feed(steps(1, 2))
            await sync.drain()
            with evidence.begin() as connection:
                connection.execute(text("UPDATE evidence_head SET seq = 1"))
            sync.feed([step(3, 4)])
            with pytest.raises(ExceptionGroup) as caught:
                async with sync.working() as running:
                    await until("it has ended", running.done)
            calls = await portal.log(service=SAVE)
    with store.connect() as connection:
        states = summarise(connection).states
    store.dispose()

    assert caught.value.subgroup(FatalError) is not None
    assert 1 == len(calls)
    assert (1, 0) == (states["pending"], states["parked"])


async def test_a_dossier_that_a_person_holds_is_not_sent_though_it_was_taken(
    tmp_path: Path, evidence: Engine
) -> None:
    """The first push hangs; the dossier behind it is held meanwhile."""
    other = "H37.1-240108-0002"
    faults = [{"match": {"dossier": CODE, "service": SAVE, "nth": 1}, "do": {"delay": 1}}]
    store = open_store(f"sqlite:///{tmp_path / 'sync.db'}")
    async with running_portal(tmp_path, faults) as portal:
        sync = Sync(store, portal.settings(national_concurrency=1))
        sync.feed([*steps(1, 2), *steps(1, 2, code=other)])
        async with sync.working():
            await until("the first is out", lambda: portal.gateway.in_flight == 1)
            with store.begin() as connection:
                hold(connection, now_ms(), [other], "chờ (Lan)")
            await until("nothing is pending", lambda: sync.pending() == 0)
        sent = {call["code"] for call in await portal.log(service=SAVE)}
        with store.begin() as connection:
            release(connection, now_ms(), [other])
        await sync.drain()
        later = {call["code"] for call in await portal.log(service=SAVE)}
    store.dispose()

    assert ({CODE}, {CODE, other}) == (sent, later)
