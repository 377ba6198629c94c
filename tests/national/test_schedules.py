"""Many faults at once, by seed: what is clean is equal, and no step ever stands twice.

`HYPOTHESIS_EXAMPLES=200` plays as many seeds.
"""

import asyncio
import os
import random
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from lgsp.runtime.clock import now_ms
from lgsp.store.engine import open_store
from lgsp.store.sync.listing import list_stopped, redrive_stopped
from tests.national.dossiers import steps
from tests.national.harness import RunningPortal, Sync, running_portal

SEEDS = range(int(os.environ.get("HYPOTHESIS_EXAMPLES", "4")))
SERVICES = ("DongBoHoSoMC", "CapNhatTienDoHoSoMC", "TraCuuHoSo", "LayThuTuc", "login")
FAULTS: list[dict[str, Any]] = [
    {"drop": "before"},
    {"drop": "after"},
    {"truncate": True},
    {"http": 500},
    {"http": 503, "retry_after": "0"},
    {"http": 429, "retry_after": "0.01"},
    {"http": 307, "location": "http://other.invalid/"},
    {"http": 303, "location": "/other"},
    {"http": 401},
    {"html": True},
    {"body": "{}"},
    {"body": '{"error_code": true}'},
    {"error_code": "0", "message": "không thành công"},
    {"expire_session": True},
    {"delay": 0.02},
]
COURSES = {
    "H37.1-240108-0001": (1, 2, 4, 9, 10),
    "H37.1-240108-0002": (2, 4, 5, 4, 9),
    "H37.1-240108-0003": (1, 3),
    "H37.1-240108-0004": (1, 2, 4, 5, 4, 6, 4, 5, 4, 5, 4, 9, 10),
}


def script(rnd: random.Random, *, silent: bool) -> list[dict[str, Any]]:
    """Make a few rules; one that goes on for ever would only be waited for."""
    found: list[dict[str, Any]] = []
    for _ in range(rnd.randint(1, 5)):
        start = rnd.randint(1, 10)
        match = {"service": rnd.choice(SERVICES), "from": start, "to": start + rnd.randint(0, 3)}
        found.append({"match": match, "do": rnd.choice(FAULTS)})
    if silent:
        found.append({"match": {"service": "TraCuuHoSo"}, "do": {"hide_steps": True}})
    return found


async def settle(sync: Sync, engine: Engine) -> None:
    """Work until nothing waits; what was parked is tried again, as by a patient operator."""
    for _ in range(6):
        await sync.drain(60)
        with engine.begin() as connection:
            if not redrive_stopped(connection, now_ms()):
                return
    await sync.drain(60)


async def faults_of(portal: RunningPortal, states: dict[str, str], *, silent: bool) -> list[str]:
    held = {d["code"]: d for d in (await portal.get("/api/dossiers"))["items"]}
    found = []
    for code, course in COURSES.items():
        state = states.get(code, "clean")
        at = [s["ThoiDiemXuLy"] for s in held[code]["steps"]] if code in held else []
        there = [int(s["TrangThai"]) for s in held[code]["steps"]] if code in held else []
        if len(set(at)) < len(at):
            found.append(f"{code}: a step stands twice: {there}")
        if state == "clean" and (there != list(course) or held[code]["status"] != course[-1]):
            found.append(f"{code}: clean and other than it should be: {there}")
        if state == "in_doubt" and not silent:
            found.append(f"{code}: in doubt though the portal tells")
    return found


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_is_clean_is_equal_and_no_step_stands_twice(tmp_path: Path, seed: int) -> None:
    rnd = random.Random(seed)
    silent = rnd.random() < 0.5
    engine = open_store(f"sqlite:///{tmp_path / 'sync.db'}")
    async with running_portal(tmp_path, script(rnd, silent=silent)) as portal:
        settings = portal.settings(national_read_back=rnd.choice([0, 1]))
        for known in (2, 4, 13):
            sync = Sync(engine, settings)
            for code, course in COURSES.items():
                sync.feed(steps(*course[:known], code=code))
            if rnd.random() < 0.5:  # a worker that is killed at some point
                async with sync.working() as running:
                    await asyncio.wait({running}, timeout=rnd.random() * 0.05)
                sync = Sync(engine, settings)
            await settle(sync, engine)
        with engine.connect() as connection:
            states = {row["code"]: row["lane"] for row in list_stopped(connection, 10)}
        found = await faults_of(portal, states, silent=silent)
    engine.dispose()

    assert [] == found
