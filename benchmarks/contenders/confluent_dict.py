"""confluent-kafka with dossiers in a dict: what a script would do. Keeps nothing."""

from confluent_kafka import Consumer, TopicPartition

from benchmarks.contenders.process import PARTITIONS, Stopwatch, read_task, report
from benchmarks.job import CountedDossier, Job


def main() -> None:
    """Consume to the end."""
    task = read_task()
    job, entries = Job(task.now), dict[str, CountedDossier]()
    watch = Stopwatch(task.events)
    consumer = Consumer(
        {
            "bootstrap.servers": task.bootstrap,
            "group.id": task.topic,
            "enable.auto.commit": False,
            "queued.min.messages": 200_000,
            "fetch.message.max.bytes": 4_000_000,
        }
    )
    consumer.assign([TopicPartition(task.topic, p, 0) for p in range(PARTITIONS)])
    while watch.left > 0:
        messages = consumer.consume(5000, 1.0)
        if messages:
            watch.start()
        for message in messages:
            code = message.key().decode()
            entries[code] = job.join(entries.get(code), message.value())
        watch.done(len(messages))
    watch.stop()
    consumer.close()
    report(task, watch, job.entry_digests(entries), durable=False, note="all state in memory")


if __name__ == "__main__":
    main()
