"""`lgsp reconcile` from outside: lines, plan, dry run, repair and work list; killed in between."""

import asyncio
import csv
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from lgsp.cli import build
from lgsp.store.engine import open_store
from lgsp.store.evidence.opening import open_kept_evidence
from lgsp.store.evidence.reading import rows_of as evidence_of
from lgsp.store.sync.comparison import MARKED
from tests.national.harness import Sync, running_portal
from tests.reconciliation.test_sweep import (
    AHEAD,
    BACK,
    DATES,
    EQUAL,
    GONE,
    LACKS,
    TWICE,
    Field,
    events,
    spoil,
)
from tests.waiting import until

MENDED = (GONE, BACK, DATES, LACKS)


def environment(url: str) -> dict[str, str]:
    return {"LGSP_NATIONAL_URL": url, "LGSP_NATIONAL_READ_BACK": "0"}


async def run(field: Field, *words: str) -> Result:
    """Run the command in a thread: the portal answers in this one."""
    command = ["reconcile", "--data", str(field.folder), *words]
    url = field.portal.url
    return await asyncio.to_thread(
        CliRunner().invoke, build("reconcile"), command, env=environment(url)
    )


def lines(done: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


async def made(folder: Path, portal: Any) -> Field:
    field = Field(folder, portal, open_store(f"sqlite:///{folder / 'sync.db'}"))
    for code in (EQUAL, GONE, BACK, AHEAD, DATES, LACKS, TWICE):
        field.sync.feed(events(code))
    await field.sync.drain()
    return field


async def test_find_plan_mend_and_nothing_is_left_but_work_for_others(tmp_path: Path) -> None:
    plan, work = str(tmp_path / "plan.jsonl"), tmp_path / "work.csv"
    async with running_portal(tmp_path) as portal:
        field = await made(tmp_path, portal)
        none = await run(field, "--json")
        assert (none.exit_code, none.stdout) == (0, "")

        spoil(field)
        found = await run(field, "--json", "--plan", plan, "--worklist", str(work))
        assert found.exit_code == 3, found.output
        for each in lines(found):
            assert {"dossier", "class", "cause", "here", "there", "evidence"} == set(each)
        assert {each["dossier"] for each in lines(found)} == {*MENDED, AHEAD, TWICE}
        assert "compared 7" in found.stderr

        writes = await field.writes()
        shown = await run(field, "--apply", plan, "--dry-run", "--json")
        assert {each["dossier"] for each in lines(shown)} == set(MENDED)
        assert all(each["sends"][0]["why"] for each in lines(shown))
        assert await field.writes() == writes
        people = await run(field, "--apply", plan, "--dry-run")
        assert "step 4, update" in people.stdout

        async with field.sync.working():
            mended = await run(field, "--apply", plan, "--json", "--by", "canbo1")
            assert mended.exit_code == 0, mended.output
            assert {each["result"] for each in lines(mended)} == {"repaired"}
            again = await run(field, "--apply", plan)
            assert "repaired" in again.stdout
        left = await run(field, "--anew")
        assert left.exit_code == 3
        assert "ahead_there" in left.stdout
        assert "missing_there" not in left.stdout
        field.engine.dispose()
    evidence = open_kept_evidence(f"sqlite:///{tmp_path / 'evidence.db'}")
    with evidence.connect() as connection:
        kept = evidence_of(connection, GONE)
    evidence.dispose()
    (order,) = [row for row in kept if row.kind == "hand"]
    assert {"read"} == {row.kind for row in kept} - {"hand"}
    assert all(row.who.endswith(" by lgsp reconcile") for row in kept if row is not order)
    assert (order.kind, order.service, order.who) == ("hand", "reconcile", "canbo1")
    assert "missing_there: said done and not kept" in order.message
    with work.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert [row[2] for row in rows] == ["dossier", AHEAD, TWICE]
    header = json.loads(Path(plan).read_text("utf-8").splitlines()[0])
    assert header["dossiers"] == len(MENDED)
    assert header["store"]
    assert header["made_at"].endswith("Z")


async def started(field: Field, plan: Path) -> Process:
    command = ("reconcile", "--data", str(field.folder), "--apply", str(plan), "--json")
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "lgsp.cli", *command,
        env=os.environ | environment(field.portal.url), stdout=PIPE, stderr=PIPE,
    )  # fmt: skip


async def test_killed_anywhere_and_run_again_it_gives_the_same(tmp_path: Path) -> None:
    plan = tmp_path / "plan.jsonl"
    async with running_portal(tmp_path) as portal:
        field = await made(tmp_path, portal)
        spoil(field)
        await run(field, "--plan", str(plan))
        portal.gateway.delay = 0.3

        def marked() -> int:
            with field.engine.connect() as connection:
                return len(connection.execute(MARKED.select()).all())

        # Killed when the first dossiers are on their way, and no worker has taken any.
        process = await started(field, plan)
        await until("a dossier went to the queue", lambda: marked() > 0, 120)
        process.send_signal(signal.SIGKILL)
        await process.communicate()

        # Killed once more while a worker pushes.
        async with Sync(field.engine, field.settings).working():
            portal.gateway.delay = 0.05
            process = await started(field, plan)
            await until("all went to the queue", lambda: marked() == len(MENDED), 120)
            process.send_signal(signal.SIGKILL)
            await process.communicate()
            portal.gateway.delay = 0
            done = await run(field, "--apply", str(plan), "--json")
        assert done.exit_code == 0, done.output
        assert {each["dossier"] for each in lines(done)} == set(MENDED)
        for code in (GONE, BACK, LACKS):
            shown = await portal.dossier(code)
            assert [step["TrangThai"] for step in shown["steps"]] == ["1", "2", "4", "9", "10"]
        written = await field.writes()
        again = await run(field, "--anew", "--json", "--plan", str(tmp_path / "second.jsonl"))
        assert {each["dossier"] for each in lines(again)} == {AHEAD, TWICE}
        await run(field, "--apply", str(tmp_path / "second.jsonl"))
        assert await field.writes() == written
        field.engine.dispose()


async def test_wrong_orders_are_refused_with_their_way_out(tmp_path: Path) -> None:
    async with running_portal(tmp_path) as portal:
        field = await made(tmp_path, portal)
        broken = tmp_path / "plan.jsonl"
        broken.write_text('{"plan":1,"name":"x","store":"y","dossiers":2}\n{"dossier":1}\n')
        for words, said in (
            (("--within", "soon"), "no duration"),
            (("--apply", str(broken)), "plan.jsonl:2"),
            (("--apply", str(tmp_path / "none")), "No such file"),
            (("--apply", str(broken), "--plan", "x"), "either made or applied"),
            (("--period", "2024-13"), "2024-13"),
            (("--worklist", str(tmp_path / "x.txt")), ".csv or .xlsx"),
        ):
            done = await run(field, *words)
            assert done.exit_code == 2, (words, done.output)
            assert said in " ".join(done.stderr.split()), done.stderr
        field.engine.dispose()
