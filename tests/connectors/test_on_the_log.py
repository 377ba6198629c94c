"""`lgsp-connect` as real processes against a real broker: once, killed, stopped, backfilled."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import pytest
from tests.waiting import wait_until

from lgsp.runtime.avro.codec import decode_event
from lgsp.runtime.clock import now_ms
from lgsp.runtime.kafka.client import end_offsets, latest_by_key, read_topic
from lgsp.runtime.kafka.topics import CHECKPOINTS, CONNECTOR_STATUS, DOSSIER_EVENTS
from lgsp.runtime.letters.dead_letters import open_letters
from lgsp_connectors.kit.bench import Bench
from lgsp_connectors.kit.registry import read_config

pytestmark = pytest.mark.kafka

CONFIG = """\
connector: files
portal: {portal}
province: H37
source: {{path: "inbox/*.csv", page_rows: 100}}
shape: dossiers
mapping: {{dossier_code: Ma, agency: DonVi, received_at: Nhan, sealed: {{owner_name: Chu}}}}
run: {{poll_seconds: 0.2, pages_per_second: 50}}
"""
MAIN = "from lgsp_connectors.cli import main; main()"
ROWS = 1500


def row(i: int) -> str:
    return f"H37.12-240705-{i:04d},H37.12,2024-07-05T08:15:{i % 60:02d}+07:00,NGUYEN VAN TEST\n"


class Site:
    """A folder with a connector's YAML, and the log that it writes to."""

    def __init__(self, base: Path, broker: str) -> None:
        self.base, self.broker, self.portal = base, broker, f"p-{uuid.uuid4().hex[:8]}"
        self.config = base / "c.yaml"
        self.config.write_text(CONFIG.format(portal=self.portal), "utf-8")
        (base / "inbox").mkdir()
        self.file = base / "inbox" / "a.csv"
        self.file.write_text("Ma,DonVi,Nhan,Chu\n" + "".join(map(row, range(ROWS))), "utf-8")
        self.env = os.environ | {"LGSP_BROKER": broker, "LGSP_DATA": str(base / "data")}
        self.start = end_offsets(broker, DOSSIER_EVENTS)

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-c", MAIN, words[0], str(self.config), *words[1:]]

    def call(self, *words: str) -> Any:
        done = subprocess.run(
            self.command(*words, "--json"),
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        assert "NGUYEN" not in done.stderr + done.stdout
        return json.loads(done.stdout)

    def ask(self, *words: str) -> Any:
        """Call a command that takes no YAML."""
        done = self.refused_words(*words, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def refused_words(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", MAIN, *words],
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def refused(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words),
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def failing(self, *words: str) -> Any:
        done = self.refused(*words, "--json")
        assert done.returncode == 1, done.stderr
        return json.loads(done.stdout)

    def serve(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command("run", "--port", "0"), env=self.env, stderr=subprocess.PIPE, text=True
        )

    def wait_for_events(self, count: int) -> None:
        end = sum(self.start.values()) + count
        wait_until(
            f"{count} events are on the log",
            lambda: sum(end_offsets(self.broker, DOSSIER_EVENTS).values()) >= end,
        )

    def ids(self) -> list[bytes]:
        found = []
        for record in read_topic(self.broker, DOSSIER_EVENTS, self.start):
            event = decode_event(record.value)
            if event.portal == self.portal:
                assert record.key == event.dossier_code.encode()
                assert event.sealed is not None
                found.append(event.event_id)
        return found

    async def expected(self) -> set[bytes]:
        bench = Bench()
        await bench.run(read_config(self.config).build(now_ms, None))
        return bench.sink.ids()


@pytest.fixture
def site(tmp_path: Path, broker: str) -> Site:
    return Site(tmp_path, broker)


async def test_once_gives_all_and_again_nothing(site: Site) -> None:
    with site.file.open("a") as file:
        file.write("H37.12,H37.12,2024-07-05T08:15:00+07:00,NGUYEN VAN TEST\n")
    report = site.call("run", "--once")
    assert (report["records"], report["events"], report["rejected"]) == (ROWS + 1, ROWS, 1)
    again = site.call("run", "--once")
    assert (again["records"], again["events"]) == (0, 0)
    assert await site.expected() == set(site.ids())
    assert len(site.ids()) == ROWS
    (letter,) = [x for x in open_letters(site.broker) if x.portal == site.portal]
    assert (
        letter.reason,
        letter.origin,
        letter.field,
        letter.value,
    ) == ("bad_code", "inbox/a.csv:1502", "Ma", "H37.12")
    assert letter.payload is not None
    assert b"NGUYEN" not in letter.payload


async def test_killed_in_the_middle_loses_nothing(site: Site) -> None:
    for count in (200, 700):
        process = site.serve()
        site.wait_for_events(count)
        process.kill()
        process.communicate()
    site.call("run", "--once")
    assert await site.expected() == set(site.ids())


async def test_stop_signal_ends_it_cleanly_and_the_next_goes_on(site: Site) -> None:
    process = site.serve()
    site.wait_for_events(300)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert len(site.ids()) >= 300
    site.call("run", "--once")
    assert await site.expected() == set(site.ids())
    assert len(site.ids()) == ROWS  # stopped between pages: nothing twice


def test_service_reads_what_comes_and_tells_its_health(site: Site) -> None:
    process = site.serve()
    try:
        assert process.stderr is not None
        said = next(line for line in process.stderr if "serving_health" in line)
        url = f"http://127.0.0.1:{json.loads(said)['port']}"
        site.wait_for_events(ROWS)
        with site.file.open("a") as file:
            file.write(row(ROWS))
        site.wait_for_events(ROWS + 1)
        with urllib.request.urlopen(f"{url}/readyz") as answer:  # noqa: S310 - our own process
            assert answer.status == 200
        with urllib.request.urlopen(f"{url}/metrics") as answer:  # noqa: S310
            shown = f'lgsp_connector_events_total{{portal="{site.portal}"}} 1'
            assert shown in answer.read().decode()
    finally:
        process.terminate()
        process.communicate(timeout=60)


def test_backfill_sends_again_beside_the_checkpoint(site: Site) -> None:
    site.call("run", "--once")
    for _ in range(2):  # a finished backfill forgets its checkpoint
        report = site.call("backfill", "--since", "2024-01-01")
        assert report["events"] == ROWS
    keys = [key.decode() for key in latest_by_key(site.broker, CHECKPOINTS)]
    assert [site.portal] == [key for key in keys if key.startswith(site.portal)]
    said = [key.decode() for key in latest_by_key(site.broker, CONNECTOR_STATUS)]
    assert [site.portal] == [key for key in said if key.startswith(site.portal)]
    assert len(set(site.ids())) == ROWS


def test_what_was_known_and_is_lost_is_read_from_the_log(site: Site) -> None:
    """Else a dossier that the portal has taken out meanwhile would count for ever."""
    text = site.config.read_text("utf-8").replace("page_rows: 100", "complete: true")
    site.config.write_text(text, "utf-8")
    site.call("run", "--once")
    shutil.rmtree(site.base / "data/connectors")
    later = site.base / "inbox/b.csv"
    later.write_text("Ma,DonVi,Nhan,Chu\n" + "".join(map(row, range(10, ROWS))), "utf-8")
    os.utime(later, ns=(time.time_ns(), time.time_ns()))
    report = site.call("run", "--once")
    assert (report["removed"], report["not_removed"]) == (10, "")
    report = site.call("run", "--once")
    assert (report["records"], report["removed"]) == (0, 0)


def test_each_portal_is_shown_and_one_that_is_gone_is_retired(site: Site) -> None:
    site.call("run", "--once")

    def state() -> str:
        rows = {row["portal"]: row for row in site.ask("status")["portals"]}
        assert rows[site.portal]["rows"] == ROWS
        return str(rows[site.portal]["state"])

    assert state() == "live"
    refused = site.refused_words("retire", f"{site.portal}x")
    assert refused.returncode == 2
    assert f"did you mean {site.portal}?" in refused.stderr
    assert site.ask("retire", site.portal) == {"portal": site.portal, "state": "retired"}
    assert state() == "retired"
    process = site.serve()
    try:
        wait_until("it is live again", lambda: state_of(site) == "live")
        refused = site.refused_words("retire", site.portal)
        assert refused.returncode == 1
        assert "runs: stop it first" in refused.stderr
    finally:
        process.kill()
        process.communicate()


def state_of(site: Site) -> str:
    states: dict[str, str] = {row["portal"]: row["state"] for row in site.ask("status")["portals"]}
    return states[site.portal]


def test_a_second_process_of_a_portal_is_refused_and_told_of_the_first(site: Site) -> None:
    process = site.serve()
    try:
        site.wait_for_events(ROWS)
        done = site.refused("run", "--once")
        assert done.returncode == 1
        assert f"is being read by process {process.pid} on " in done.stderr
        assert str(site.config) in done.stderr
    finally:
        process.terminate()
        process.communicate(timeout=60)
    site.call("run", "--once")


def test_another_yaml_of_one_portal_id_is_refused_unless_it_replaces_the_first(
    site: Site,
) -> None:
    site.call("run", "--once")
    first, site.config = site.config, site.base / "other.yaml"
    site.config.write_text(first.read_text())
    done = site.refused("run", "--once")
    assert done.returncode == 2
    assert "was read by connector files with c.yaml" in done.stderr
    assert site.call("run", "--once", "--take-over")["records"] == 0
    site.call("run", "--once")
    site.config = first
    assert site.refused("run", "--once").returncode == 2


def letters(site: Site) -> list[str]:
    return sorted(x.origin for x in open_letters(site.broker) if x.portal == site.portal)


def test_rows_rejected_before_come_when_the_mapping_is_mended_and_their_letters_close(
    site: Site,
) -> None:
    config = site.config.read_text().replace("run: {", "run: {max_consecutive_rejects: 999, ")
    site.config.write_text(config)
    codes = [f"DD-{i}" for i in range(211)]
    with site.file.open("a") as file:
        file.writelines(row(i).replace(row(i)[:18], code) for i, code in enumerate(codes))
    (site.base / "inbox" / "b.csv").write_text("Ma;DonVi;Nhan;Nguoi\n")  # no column Chu
    first = site.failing("run", "--once")
    assert (first["rejected"], first["files_refused"]) == (212, 1)
    assert len(letters(site)) == 212

    site.config.write_text(config + "dossier_code_pattern: any\n")
    mended = site.failing("run", "--once")
    assert (mended["events"], mended["letters_closed"]) == (211, 211)
    assert letters(site) == ["inbox/b.csv:1"]

    site.config.write_text(config)  # and wrong again: what cannot be used is told once more
    wrong = site.failing("run", "--once")
    assert wrong["rejected"] == 212
    assert len(letters(site)) == 212

    (site.base / "inbox" / "b.csv").write_text("Ma;DonVi;Nhan;Chu\n" + row(1).replace(",", ";"))
    site.config.write_text(config + "dossier_code_pattern: any\n")
    last = site.call("run", "--once")
    assert (last["files_refused"], last["letters_closed"]) == (0, 212)
    assert letters(site) == []


def test_a_mended_letter_is_stated_when_its_file_was(site: Site) -> None:
    site.file.write_text("Ma,DonVi,Nhan,Chu\n" + row(1) + row(2).replace("H37.12-2", "H37-12-2"))
    os.utime(site.file, (1_720_400_000, 1_720_400_000))
    assert site.call("run", "--once")["rejected"] == 1

    out = site.base / "fixed.jsonl"
    words = ["replay", "--all", "--portal", site.portal, "--out", str(out)]
    command = [sys.executable, "-m", "lgsp.cli", "dead-letters", *words]
    subprocess.run(command, env=site.env, check=True, capture_output=True, timeout=120)
    assert letters(site) == []
    out.write_text(out.read_text("utf-8").replace("H37-12-2", "H37.12-2"), "utf-8")
    fixed = site.base / "fixed.yaml"
    fixed.write_text(site.config.read_text().replace("inbox/*.csv", out.name), "utf-8")
    site.config = fixed

    assert site.call("backfill")["events"] == 1
    records = read_topic(site.broker, DOSSIER_EVENTS, site.start)
    events = [decode_event(record.value) for record in records]
    mine = [(e.stated_at, e.stated_row) for e in events if e.portal == site.portal]
    assert mine == [(1_720_400_000_000, 2), (1_720_400_000_000, 3)]


def operator(site: Site, *words: str) -> dict[str, Any]:
    """Run `lgsp dead-letters` with JSON output."""
    command = [sys.executable, "-m", "lgsp.cli", "dead-letters", *words, "--json"]
    done = subprocess.run(command, env=site.env, check=True, capture_output=True, timeout=120)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_letter_closes_when_its_row_is_mended_and_stays_closed_when_a_person_has_closed_it(
    site: Site,
) -> None:
    head = "Ma,DonVi,Nhan,Chu\n"
    bad = [row(i).replace("H37.12-2", "H37-12-2") for i in range(4)]
    site.file.write_text(head + "".join(bad) + row(9))
    assert site.call("run", "--once")["rejected"] == 4
    first, second, *_ = (
        x["letter_id"] for x in operator(site, "list", "--portal", site.portal)["letters"]
    )
    operator(site, "replay", first, "--out", str(site.base / "fixed.jsonl"))
    closed = operator(site, "close", second, "--why", "withdrawn, says 0912345678")
    assert closed["closed"] == 1
    noted = Path(closed["noted"]).read_text("utf-8")
    assert "0912345678" not in noted
    assert second in noted
    assert len(letters(site)) == 2

    site.file.write_text(head + "".join([*bad[:3], row(3), row(9)]))  # the last one is mended
    assert site.call("run", "--once")["letters_closed"] == 1
    assert letters(site) == ["inbox/a.csv:4"]

    site.file.write_text(head + "".join(row(i) for i in range(4)))
    site.call("run", "--once")
    site.file.write_text(head + "".join(bad) + row(9))  # all is broken again in the same way
    assert site.call("run", "--once")["rejected"] == 4
    assert len(letters(site)) == 4
