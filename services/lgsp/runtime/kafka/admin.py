"""Compares the topics as they must be (topics.py) with the broker's, and brings them there."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from kafka.admin import AlterConfigOp, ConfigResource, ConfigResourceType

from lgsp.domain.errors import FatalError
from lgsp.runtime.kafka.cluster import PATIENCE, open_admin
from lgsp.runtime.kafka.topics import FOR_EVER, NO_WRITES, RATE_CELLS, SYNC_RESULTS, Topic, topics
from lgsp.runtime.settings import Settings

_GONE_WITHIN = 30.0  # seconds
_BY_TOPIC = "DYNAMIC_TOPIC_CONFIG"  # set for the topic itself, not inherited from the broker


class Difference(StrEnum):
    """What differs."""

    MISSING = "missing"
    CONFIG = "config"
    PARTITIONS = "partitions"
    REPLICATION = "replication"


@dataclass(frozen=True, kw_only=True)
class TopicChange:
    """One difference of one topic; `wanted` None: the broker's own default."""

    topic: str
    kind: Difference
    name: str
    actual: str | None
    wanted: str | None

    @property
    def refused(self) -> str:
        """Why we do not make this change; "" when `apply_topics` makes it."""
        if self.kind is Difference.PARTITIONS:
            return (
                f"{self.topic} has {self.actual} partitions, not {self.wanted}: their number is"
                " fixed for the topic's life, because every key would move to another partition."
                f" Set LGSP_PARTITIONS={self.actual}, or make a log of more partitions out of this"
                " one with `lgsp topics repartition`"
            )
        if (self.name, self.actual) == NO_WRITES:
            return (
                f"{self.topic} was ended by `lgsp topics repartition`: set LGSP_EVENTS_TOPIC and"
                " LGSP_PARTITIONS to the log that goes on; or finish an interrupted copy with"
                " `lgsp topics repartition --again`"
            )
        if self.kind is Difference.REPLICATION:
            return (
                f"{self.topic} has {self.actual} replicas, not {self.wanted}: reassign them with"
                f" Kafka's own tools, or set LGSP_REPLICATION={self.actual}"
            )
        return ""

    def document(self) -> dict[str, str | None]:
        """Return the change for JSON."""
        return {**asdict(self), "kind": self.kind.value, "refused": self.refused or None}


@dataclass(frozen=True, kw_only=True)
class Actual:
    """A topic as the broker has it; `config` holds what was set for the topic itself."""

    partitions: int
    replication: int
    config: Mapping[str, str]


def compare(wanted: Iterable[Topic], actual: Mapping[str, Actual]) -> list[TopicChange]:
    """List what differs, in the order of `wanted`; topics that we do not know are not ours."""
    changes: list[TopicChange] = []
    for topic in wanted:
        found = actual.get(topic.name)
        if found is None:
            shape = f"{topic.partitions} partitions, {topic.replication} replicas"
            changes.append(
                TopicChange(
                    topic=topic.name,
                    kind=Difference.MISSING,
                    name="topic",
                    actual=None,
                    wanted=shape,
                )
            )
            continue
        for kind, has, wants in (
            (Difference.PARTITIONS, found.partitions, topic.partitions),
            (Difference.REPLICATION, found.replication, topic.replication),
        ):
            if has != wants:
                changes.append(
                    TopicChange(
                        topic=topic.name,
                        kind=kind,
                        name=kind.value,
                        actual=str(has),
                        wanted=str(wants),
                    )
                )
        for name in sorted(topic.config.keys() | found.config.keys()):
            if topic.config.get(name) != found.config.get(name):
                changes.append(
                    TopicChange(
                        topic=topic.name,
                        kind=Difference.CONFIG,
                        name=name,
                        actual=found.config.get(name),
                        wanted=topic.config.get(name),
                    )
                )
    return changes


def diff_topics(settings: Settings) -> list[TopicChange]:
    """Return what differs on the broker; empty when all is as it must be.

    Raises:
        RetryableError: no broker answers.
    """
    wanted = topics(settings)
    with open_admin(settings.bootstrap) as admin:
        return compare(wanted, _actual(admin, [topic.name for topic in wanted]))


def loses(bootstrap: str, topic: str, patience: float = PATIENCE) -> list[str]:
    """Return the settings, as `name=value`, by which Kafka takes records of a topic away.

    Whether they are the topic's own or the cluster's: a topic that somebody made by hand is kept
    for a week. Empty: it is kept for ever.

    Raises:
        RetryableError: no broker answers.
        FatalError: the brokers do not tell.
    """
    with open_admin(bootstrap, patience) as admin:
        asked = [ConfigResource(ConfigResourceType.TOPIC, topic)]
        found = admin.describe_configs(asked, config_filter="all")["topic"][topic]
    settings = {name: str(entry["value"]) for name, entry in found.items()}
    policy = settings.get("cleanup.policy", "delete")
    amiss = {"cleanup.policy": policy} if "compact" in policy else {}
    if "delete" in policy:
        amiss |= {name: settings[name] for name in FOR_EVER if settings.get(name, "-1") != "-1"}
    return [f"{name}={value}" for name, value in amiss.items()]


def apply_topics(settings: Settings) -> list[TopicChange]:
    """Create what is missing, set what differs, and wait until the topics can be used.

    Returns:
        The changes made.

    Raises:
        RetryableError: no broker answers.
        FatalError: a difference cannot be mended (partitions, replicas); nothing was changed.
    """
    wanted = {topic.name: topic for topic in topics(settings)}
    with open_admin(settings.bootstrap) as admin:
        changes = compare(wanted.values(), _actual(admin, list(wanted)))
        if refused := [change.refused for change in changes if change.refused]:
            raise FatalError("; ".join(refused))
        missing = [change.topic for change in changes if change.kind is Difference.MISSING]
        if missing:
            admin.create_topics({name: _creation(wanted[name]) for name in missing})
            admin.wait_for_topics(missing)
        if configs := _alterations(changes):
            admin.alter_configs(
                [
                    ConfigResource(ConfigResourceType.TOPIC, topic, entries)
                    for topic, entries in configs.items()
                ]
            )
        return changes


def grow_views(settings: Settings) -> None:
    """Give the topics that are no record the number of partitions of the settings.

    The day cells' topic is made anew, because its keys move: a store made anew publishes all.
    """
    wanted = {topic.name: topic for topic in topics(settings)}
    with open_admin(settings.bootstrap) as admin:
        found = _actual(admin, [RATE_CELLS, SYNC_RESULTS])
        results = found.get(SYNC_RESULTS)
        if results is not None and results.partitions < settings.partitions:
            admin.create_partitions({SYNC_RESULTS: settings.partitions})
        if RATE_CELLS in found and found[RATE_CELLS].partitions != settings.partitions:
            admin.delete_topics([RATE_CELLS])
            deadline = time.monotonic() + _GONE_WITHIN
            while RATE_CELLS in admin.list_topics() and time.monotonic() < deadline:
                time.sleep(0.1)  # between two questions to the brokers
            admin.create_topics({RATE_CELLS: _creation(wanted[RATE_CELLS])})
            admin.wait_for_topics([RATE_CELLS])


def _actual(admin: Any, names: list[str]) -> dict[str, Actual]:
    present = [name for name in names if name in set(admin.list_topics())]
    if not present:
        return {}
    described = {topic["name"]: topic for topic in admin.describe_topics(present)}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in present]
    configs = admin.describe_configs(resources)["topic"]
    return {
        name: Actual(
            partitions=len(described[name]["partitions"]),
            replication=len(described[name]["partitions"][0]["replica_nodes"]),
            config={
                key: entry["value"]
                for key, entry in configs[name].items()
                if entry["config_source"] == _BY_TOPIC
            },
        )
        for name in present
    }


def _creation(topic: Topic) -> dict[str, Any]:
    return {
        "num_partitions": topic.partitions,
        "replication_factor": topic.replication,
        "configs": topic.config,
    }


def _alterations(changes: Iterable[TopicChange]) -> dict[str, dict[str, Any]]:
    configs: dict[str, dict[str, Any]] = {}
    for change in changes:
        if change.kind is Difference.CONFIG:
            operation = AlterConfigOp.DELETE if change.wanted is None else AlterConfigOp.SET
            configs.setdefault(change.topic, {})[change.name] = (operation, change.wanted)
    return configs
