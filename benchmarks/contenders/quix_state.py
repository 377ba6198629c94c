"""Quix Streams with state: one RocksDB value a dossier, with a changelog topic.

Its state is per message key, so the day counts, which cross keys, stay in memory: less than ours.
"""

import json
from pathlib import Path

from quixstreams import Application, State
from rocksdict import AccessType, Options, Rdict

from benchmarks.contenders.process import Stopwatch, read_task, report
from benchmarks.job import Job

_NAME = "dossier"


def main() -> None:
    """Run the application until all events are in and checkpointed."""
    task = read_task()
    job = Job(task.now)
    watch = Stopwatch(task.events)
    app = Application(
        broker_address=task.bootstrap,
        consumer_group=task.work.name,
        auto_offset_reset="earliest",
        loglevel="ERROR",
        state_dir=task.work,
        commit_interval=5.0,
        consumer_extra_config={
            "queued.min.messages": 200_000,
            "fetch.message.max.bytes": 4_000_000,
        },
        producer_extra_config={"linger.ms": 100},
    )
    topic = app.topic(task.topic, key_deserializer="str", value_deserializer="bytes")

    def fold(value: bytes, code: str, _timestamp: int, _headers: object, state: State) -> None:
        watch.start()
        state.set_bytes(_NAME, job.join_bytes(code, state.get_bytes(_NAME), value))

    app.dataframe(topic).update(fold, stateful=True, metadata=True)
    app.run(count=task.events, collect=False)
    watch.stop()  # run() returns after its last checkpoint
    report(
        task,
        watch,
        job.digests(_stored(task.work)),
        durable=True,
        note="day counts in memory only",
    )


def _stored(folder: Path) -> dict[str, bytes]:
    """Read the states that RocksDB holds; keys are `"message key"|"dossier"`, in JSON."""
    states: dict[str, bytes] = {}
    for current in folder.rglob("CURRENT"):
        store = Rdict(
            str(current.parent), Options(raw_mode=True), access_type=AccessType.read_only()
        )
        for key, value in store.items():
            code, found, name = key.rpartition(b"|")
            if found and name == f'"{_NAME}"'.encode():
                states[json.loads(code)] = value
        store.close()
    return states


if __name__ == "__main__":
    main()
