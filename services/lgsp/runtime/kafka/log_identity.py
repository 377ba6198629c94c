"""Which log it is: the id that the cluster gave the topic when it was made, and its partitions.

A topic that is deleted and made again under its name has another id; positions counted in the
first one mean nothing in the second. More partitions send a dossier to another one.
"""

import base64
import logging
import uuid
from typing import Any, NamedTuple

import stamina

from lgsp.domain.errors import FatalError, RetryableError
from lgsp.runtime.kafka.cluster import PATIENCE, open_admin

# It warns of each member that it cannot decode Faust's own metadata, which we do not ask for.
logging.getLogger("kafka.admin._groups").setLevel(logging.CRITICAL)
_NO_ERROR, _NO_SUCH_TOPIC = 0, 3


class LogIdentity(NamedTuple):
    """A topic as it was made once.

    Args:
        topic: its name.
        id: as Kafka's own tools show it (`kafka-topics.sh --describe`); "" when the brokers give
            none (before Kafka 2.8).
        partitions: how many.
    """

    topic: str
    id: str
    partitions: int

    def __str__(self) -> str:
        """Say it in a message."""
        number = f"{self.partitions} partition{'' if self.partitions == 1 else 's'}"
        return f"{self.topic} (id {self.id or 'not known'}, {number})"

    def is_another_than(self, other: "LogIdentity") -> bool:
        """Tell whether the two were made apart, however many partitions they have."""
        if self.id and other.id:
            return self.id != other.id
        return self.topic != other.topic


class NoLogError(FatalError):
    """There is no such topic."""


class Member(NamedTuple):
    """A member of a consumer group as the broker lists it."""

    client_id: str
    host: str


def read_log(bootstrap: str, topic: str, patience: float = PATIENCE) -> LogIdentity:
    """Ask the brokers which log it is.

    Raises:
        NoLogError: there is no such topic.
        RetryableError: no broker answers within about `patience` seconds.
    """
    with open_admin(bootstrap, patience) as admin:
        return _log(admin, bootstrap, topic)


def read_log_and_members(
    bootstrap: str, topic: str, group: str, patience: float = PATIENCE
) -> tuple[LogIdentity, list[Member]]:
    """Ask which log it is, and who is in a consumer group now, also while it rebalances.

    Raises:
        NoLogError, RetryableError: as `read_log`.
    """
    # The first question after a cluster's first start finds no coordinator for a second or two.
    for attempt in stamina.retry_context(
        on=RetryableError, attempts=None, timeout=patience, wait_initial=0.1, wait_max=1
    ):
        with attempt, open_admin(bootstrap, patience) as admin:
            log = _log(admin, bootstrap, topic)
            found: Any = admin.describe_groups([group])[group]["members"]
    return log, [Member(each["client_id"], each["client_host"].lstrip("/")) for each in found]


def _log(admin: Any, bootstrap: str, topic: str) -> LogIdentity:
    (found,) = admin.describe_topics([topic])
    if found["error_code"] == _NO_SUCH_TOPIC:
        raise NoLogError(f"there is no topic {topic} at {bootstrap}: lgsp topics apply")
    if found["error_code"] != _NO_ERROR:
        raise RetryableError(f"{topic} at {bootstrap}: error {found['error_code']} of the broker")
    return LogIdentity(topic, _as_kafka_shows(found["topic_id"]), len(found["partitions"]))


def _as_kafka_shows(topic_id: str | None) -> str:
    found = uuid.UUID(topic_id) if topic_id else None
    if found is None or not found.int:
        return ""
    return base64.urlsafe_b64encode(found.bytes).rstrip(b"=").decode()
