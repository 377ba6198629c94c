"""Pushes by the evidence: all of them, with what the portal said; by the queue: the newest."""

from pathlib import Path
from typing import Any

import pytest

from lgsp.delivery.evidence.recorder import Recorder
from lgsp.delivery.evidence.writer import EvidenceWriter
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.reconciliation.compare import compare
from lgsp.domain.reconciliation.held import Claim, Here, PushedAs, There
from lgsp.domain.status import Status
from lgsp.national.witness import NationalWitness
from lgsp.reconciliation.known import Knowing
from lgsp.reconciliation.pushes import QueuePushes, known_pushes
from lgsp.runtime.sealing import Sealer
from lgsp.store.engine import open_store, reading
from lgsp.store.evidence.opening import open_evidence
from lgsp.store.sync.reading import rows_of
from lgsp.store.sync.tables import QueueState
from tests.national.dossiers import CODE, HOUR, START, steps
from tests.national.harness import CALENDAR, Sync, running_portal
from tests.reconciliation.filled import dossier, filled, row

SEALER = Sealer({"k1": b"\x01" * 32}, "k1")
DUE = START + 10 * HOUR
FINISHED = START + 3 * HOUR
REFUSAL = {
    "match": {"service": "DongBoHoSoMC", "nth": 1},
    "do": {"error_code": "-1", "message": "Thiếu bước xử lý trước đó: 2"},
}


async def pushed(folder: Path, at: int, *faults: dict[str, Any]) -> Here:
    """What is held of a dossier that was pushed at a time, with evidence of it."""
    engine = open_store(f"sqlite:///{folder / 'sync.db'}")
    evidence = open_evidence(f"sqlite:///{folder / 'evidence.db'}")
    async with running_portal(folder, faults) as portal:
        settings = portal.settings(data=folder)
        with EvidenceWriter(evidence, lambda: at) as writer:
            kept = NationalWitness(Recorder(writer, SEALER, lambda: at))
            sync = Sync(engine, settings, witness=kept)
            sync.feed(steps(1, 2, 4, 9, due_at=DUE))
            await sync.drain()
    with known_pushes(settings) as pushes, reading(engine) as connection:
        knowing = Knowing(SIMPLE, CALENDAR, DUE + 48 * HOUR, pushes)
        (found,) = [knowing.know(each).here for each in rows_of(connection, [CODE])]
    engine.dispose()
    evidence.dispose()
    return found


async def test_the_first_push_that_told_the_finish_says_by_how_much_it_was_late(
    tmp_path: Path,
) -> None:
    here = await pushed(tmp_path, DUE + HOUR)
    assert here.all_pushes
    assert [push.result for push in here.pushes] == [PushedAs.DONE, PushedAs.DONE]
    assert here.pushes[0].status is Status.PROCESSED
    (found,) = compare(here, There(code=CODE, claim=Claim.LATE), SIMPLE.statuses)
    assert found.said == f"pushed {(DUE + HOUR - FINISHED) // 60_000} minutes late"


async def test_a_push_in_time_leaves_another_clock(tmp_path: Path) -> None:
    here = await pushed(tmp_path, FINISHED + HOUR)
    (found,) = compare(here, There(code=CODE, claim=Claim.LATE), SIMPLE.statuses)
    assert found.said == "their clock differs"


async def test_a_refusal_stands_among_the_pushes_with_its_words(tmp_path: Path) -> None:
    here = await pushed(tmp_path, DUE, REFUSAL)
    assert here.pushes[0].result is PushedAs.MISSES_STEP
    assert "Thiếu bước" in here.pushes[0].message
    assert here.pushes[-1].result is PushedAs.DONE


@pytest.mark.parametrize(
    ("state", "reason", "attempts", "result"),
    [
        (QueueState.CLEAN, "", 0, PushedAs.DONE),
        (QueueState.PARKED, "-1: Thiếu trường", 0, PushedAs.REFUSED),
        (QueueState.PARKED, "-1: Thiếu bước xử lý trước đó: 4", 0, PushedAs.MISSES_STEP),
        (QueueState.PARKED, "DongBoHoSoMC: no whole answer within 60 s", 9, PushedAs.LOST),
        (QueueState.PENDING, "DongBoHoSoMC: HTTP 503", 2, PushedAs.FAILED),
        (QueueState.PENDING, "LayThuTuc: HTTP 500", 2, PushedAs.FAILED),
        (QueueState.IN_DOUBT, "the portal may lack step 4", 0, PushedAs.LOST),
        (QueueState.IN_DOUBT, "answered as done and not kept, twice: x", 0, PushedAs.DONE),
        (QueueState.PENDING, "", 0, None),
        (QueueState.HELD, "unmapped_status", 0, None),
    ],
)
def test_the_queue_says_what_the_newest_push_came_to(
    tmp_path: Path, state: QueueState, reason: str, attempts: int, result: PushedAs | None
) -> None:
    made = row(dossier(CODE, 2, 4), state, reason=reason, attempts=attempts)
    engine = filled(tmp_path, [made])
    with reading(engine) as connection:
        knowing = Knowing(SIMPLE, CALENDAR, DUE, QueuePushes())
        (here,) = [knowing.know(each).here for each in rows_of(connection, [CODE])]
    engine.dispose()
    assert [push.result for push in here.pushes] == ([result] if result else [])
    assert not here.all_pushes
