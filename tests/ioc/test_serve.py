"""The feed as a process: it comes up on its settings and goes at once when told to."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from tests.ioc.feeds import Feed
from tests.waiting import read_line

_RUN = (
    "import sys; from lgsp.ioc.serve import run; from lgsp.runtime.logs import configure_logs;"
    "from lgsp.runtime.settings import load_settings; settings = load_settings();"
    "configure_logs(settings, service='ioc-feed'); sys.exit(run(settings))"
)


@pytest.fixture
def process(store: Engine) -> Iterator[subprocess.Popen[str]]:
    """The feed on its own; there is no broker where it looks for one."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nowhere = closed.getsockname()[1]
    started = subprocess.Popen(
        [sys.executable, "-c", _RUN],
        env=os.environ
        | {
            "LGSP_DATA": str(Path(store.url.database or "").parent),
            "LGSP_FEED_PORT": "0",
            "LGSP_BROKER": f"127.0.0.1:{nowhere}",
            "LGSP_LOG_FORMAT": "json",
        },
        stderr=subprocess.PIPE,
        text=True,
    )
    yield started
    started.kill()
    started.communicate()


def test_it_ends_within_seconds_of_sigterm_with_open_streams(
    process: subprocess.Popen[str],
) -> None:
    ready = json.loads(read_line(process, process.stderr, "the feed is ready"))
    feed = Feed(int(ready["url"].rpartition(":")[2]))
    assert feed.json("/readyz") == {"ok": True}
    assert feed.json("/api/v1/indicators")["completeness"] == {"backlog": None}

    with feed.stream("/api/v1/stream") as one, feed.stream("/api/v1/stream?unit=H37") as two:
        for events in (one, two):
            assert events.next() is not None
        process.send_signal(signal.SIGTERM)
        ends = [events.next() for events in (one, two)]
        code = process.wait(timeout=10)

    assert ends == [None, None]
    assert code == 0


def test_it_tells_of_broker_disk_and_store_as_every_process_does(
    process: subprocess.Popen[str],
) -> None:
    ready = json.loads(read_line(process, process.stderr, "the feed is ready"))
    read_line(process, process.stderr, "the broker is away", lambda line: "broker_away" in line)
    _, _, body = Feed(int(ready["url"].rpartition(":")[2])).get("/metrics")
    shown = dict(line.rsplit(" ", 1) for line in body.decode().splitlines() if line[0] != "#")
    assert float(shown["lgsp_disk_size_bytes"]) >= float(shown["lgsp_disk_free_bytes"]) > 0
    assert {"lgsp_broker_up", "lgsp_store_busy_seconds"} <= shown.keys()
