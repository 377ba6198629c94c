"""The topics as data: what each carries, how it is keyed, kept and replicated."""

from dataclasses import dataclass, field

from lgsp.runtime.settings import Settings

DOSSIER_EVENTS = "dossier-events"
"""The log, where the setting does not name another one."""
RATE_CELLS = "rate-cells"
SYNC_RESULTS = "sync-results"
DEAD_LETTERS = "dead-letters"
CHECKPOINTS = "connector-checkpoints"
CONNECTOR_STATUS = "connector-status"
EVIDENCE_HEADS = "evidence-heads"

NO_WRITES = ("max.message.bytes", "1")
"""The setting of a topic that nobody can write to: no batch is as small."""

FOR_EVER = {"retention.ms": "-1", "retention.bytes": "-1"}
"""How the log is kept."""
_COMPACT = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.2"}
_YEAR_MS = str(366 * 24 * 3600 * 1000)


@dataclass(frozen=True, kw_only=True)
class Topic:
    """One topic as it must be; `lgsp topics diff` compares it with the broker's."""

    name: str
    purpose: str
    key: str
    partitions: int
    replication: int
    config: dict[str, str] = field(default_factory=dict)


def topics(settings: Settings) -> list[Topic]:
    """Return every topic of this installation."""
    safe = {"min.insync.replicas": str(max(1, settings.replication - 1))}

    def topic(name: str, purpose: str, key: str, partitions: int, config: dict[str, str]) -> Topic:
        return Topic(
            name=name,
            purpose=purpose,
            key=key,
            partitions=partitions,
            replication=settings.replication,
            config=config | safe,
        )

    many = settings.partitions
    return [
        topic(
            settings.events_topic,
            "the record: every status that took effect",
            "dossier code",
            many,
            FOR_EVER,
        ),
        topic(RATE_CELLS, "exact counts a day, absolute", "cell", many, _COMPACT),
        topic(
            SYNC_RESULTS,
            "outcome of every push to the national portal",
            "dossier code",
            many,
            {"retention.ms": _YEAR_MS},
        ),
        topic(
            DEAD_LETTERS,
            "rejected records with their cause",
            "letter id",
            1,
            # Compacted: a letter that was replayed is deleted by its key. And none is kept longer
            # than a year, however long nobody looks at it.
            _COMPACT | {"cleanup.policy": "compact,delete", "retention.ms": _YEAR_MS},
        ),
        topic(
            CHECKPOINTS,
            "where each connector stands",
            "portal",
            1,
            # A connector reads all of it when it starts; only closed segments are compacted.
            _COMPACT | {"segment.bytes": str(16 * 1024 * 1024)},
        ),
        topic(
            CONNECTOR_STATUS,
            "what each connector says of itself: alive, level, amiss",
            "portal",
            1,
            _COMPACT | {"segment.bytes": str(16 * 1024 * 1024)},
        ),
        topic(
            EVIDENCE_HEADS,
            "the last row of evidence and its hash, every ten seconds",
            "store",
            1,
            FOR_EVER,  # not compacted: an earlier head contradicts whoever forges a later one
        ),
    ]
