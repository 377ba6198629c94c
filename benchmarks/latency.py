"""Latency from produced to stored, at a steady rate: ours beside aiokafka doing nothing."""

import asyncio
import contextlib
import gc
import json
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from benchmarks import topic
from benchmarks.cores import are_bound, bound_to_the_others, contender_environment
from benchmarks.dataset import Dataset, KeyedValue
from benchmarks.harness import ContenderError

RATES = (200, 2000)
_SETTLED = 0.2  # of the events are sent before anything counts
_TICK = 0.002  # seconds between two looks at what is due
_PATIENCE = 120.0


def measure(dataset: Dataset, seconds: float, rounds: int) -> list[dict[str, Any]]:
    """Measure at each of RATES, `rounds` times in turn; milliseconds, medians of the rounds.

    Twice: with a core for the follower and the others for broker and producer, as the other parts
    are measured (`bound`), and with all of them on all cores.
    """
    rows: list[dict[str, Any]] = []
    for bound in (True, False) if are_bound() else (False,):
        runs: dict[tuple[str, int], list[dict[str, float]]] = {}
        with topic.broker(dataset, beside_contenders=bound) as bootstrap:
            for turn in range(rounds):
                for rate in RATES:
                    records = list(dataset.records(int(rate * seconds)))
                    for who in ("raw", "ours") if turn % 2 == 0 else ("ours", "raw"):
                        found = _once(bootstrap, who, records, rate, bound=bound)
                        runs.setdefault((who, rate), []).append(found)
                        where = "a core each" if bound else "all cores"
                        print(
                            f"bench: {who} at {rate}/s, {where}: {found}",
                            file=sys.stderr,
                            flush=True,
                        )
        rows += [
            {"contender": who, "rate": rate, "bound": bound, "rounds": len(found)}
            | {"events": int(rate * seconds)}
            | {name: sorted(run[name] for run in found)[len(found) // 2] for name in found[0]}
            for (who, rate), found in runs.items()
        ]
    return rows


def _once(
    bootstrap: str, who: str, records: Sequence[KeyedValue], rate: int, *, bound: bool
) -> dict[str, float]:
    name = f"latency-{who}-{uuid.uuid4().hex[:8]}"
    topic.create(bootstrap, name, topic.EVENTS_CONFIG)
    folder = Path(tempfile.mkdtemp(prefix="bench-latency-"))
    out = folder / "notes.json"
    command = [
        *[sys.executable, "-W", "ignore", "-m", "benchmarks.follow", who],
        *["--bootstrap", bootstrap, "--topic", name, "--events", str(len(records))],
        *["--work", str(folder / "work"), "--out", str(out)],
    ]
    root = Path(__file__).parents[1]
    environment = contender_environment() if bound else None
    beside = bound_to_the_others() if bound else contextlib.nullcontext()
    said = (folder / "said.txt").open("w+")
    with (
        said,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            cwd=root,
            env=environment,
        ) as follower,
    ):
        try:
            assert follower.stdout is not None
            if follower.stdout.readline() != "ready\n":
                said.seek(0)
                raise ContenderError(f"{who} did not start: {said.read()[-500:]}")
            with beside, _no_collections():
                sent = asyncio.run(_send(bootstrap, name, records, rate))
            follower.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            said.seek(0)
            raise ContenderError(f"{who} did not end: {said.read()[-500:]}") from None
        finally:
            follower.kill()
    notes = json.loads(out.read_bytes())
    shutil.rmtree(folder)
    topic.delete_of(bootstrap, name)
    handled = {(partition, offset): at for partition, offset, at in notes}
    settled = sent[int(len(sent) * _SETTLED) :]
    waits = sorted(handled[place] - at for place, at in settled)
    return {
        f"p{percent}_ms": round(waits[len(waits) * percent // 100] * 1000, 2)
        for percent in (50, 99)
    }


@contextlib.contextmanager
def _no_collections() -> Iterator[None]:
    """Keep the collector off: over the futures of all records it would pause the sending."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def _send(
    bootstrap: str, name: str, records: Sequence[KeyedValue], rate: int
) -> list[tuple[tuple[int, int], float]]:
    """Send at the rate; return the place (partition, offset) and sending time of each record."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, enable_idempotence=True, acks="all", linger_ms=0
    )
    await producer.start()
    pending = []
    times: list[float] = []
    began = time.monotonic()
    while len(times) < len(records):
        due = min(len(records), int((time.monotonic() - began) * rate) + 1)
        for key, value in records[len(times) : due]:
            times.append(time.monotonic())
            pending.append(await producer.send(name, value, key=key))
        await asyncio.sleep(_TICK)
    acknowledged = await asyncio.gather(*pending)
    await producer.stop()
    places = [(found.partition, found.offset) for found in acknowledged]
    return list(zip(places, times, strict=True))
