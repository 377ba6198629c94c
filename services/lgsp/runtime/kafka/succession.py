"""Which log goes on where another one ended: written once a log has been copied whole.

One record on `connector-checkpoints` for each, key `log/ID`: connectors read that topic anyway,
and find that their checkpoints hold for the new log, too. Without it the copy is not finished.
"""

from collections.abc import Mapping
from typing import NamedTuple

import orjson

from lgsp.runtime.kafka.client import EventProducer, latest_by_key
from lgsp.runtime.kafka.log_identity import LogIdentity
from lgsp.runtime.kafka.topics import CHECKPOINTS

_PREFIX = b"log/"


class Succession(NamedTuple):
    """One log that goes on where another one ended.

    Args:
        before: the log that was copied and is ended.
        after: the one that goes on; its first records are those of the other.
        ends: offset of each partition of `after` where they end.
    """

    before: LogIdentity
    after: LogIdentity
    ends: dict[int, int]

    def encode(self) -> bytes:
        """Give it as it stands on the topic."""
        ends = {str(partition): end for partition, end in self.ends.items()}
        return orjson.dumps([list(self.before), list(self.after), ends])


def write_succession(producer: EventProducer, succession: Succession) -> None:
    """Make it known, and wait until that is acknowledged."""
    key = _PREFIX + succession.after.id.encode()
    producer.send(CHECKPOINTS, key, succession.encode())
    producer.flush()


def successions(latest: Mapping[bytes, bytes]) -> list[Succession]:
    """List those of what `latest_by_key` gave of the topic."""
    found = []
    for key, value in sorted(latest.items()):
        if key.startswith(_PREFIX):
            before, after, ends = orjson.loads(value)
            numbered = {int(partition): end for partition, end in ends.items()}
            found.append(Succession(LogIdentity(*before), LogIdentity(*after), numbered))
    return found


def read_successions(bootstrap: str) -> list[Succession]:
    """List those of a cluster.

    Raises:
        RetryableError: no broker answers.
    """
    return successions(latest_by_key(bootstrap, CHECKPOINTS))


def successor(known: list[Succession], log: LogIdentity) -> LogIdentity | None:
    """Return the log that goes on after this one; None when it goes on itself."""
    for each in known:
        if not log.is_another_than(each.before):
            return each.after
    return None


def goes_on_after(known: list[Succession], log: LogIdentity, earlier: LogIdentity) -> bool:
    """Tell whether all that was ever in the earlier log is in this one, over however many."""
    at: LogIdentity | None = earlier
    for _ in range(len(known) + 1):
        if at is None or not log.is_another_than(at):
            return at is not None
        at = successor(known, at)
    return False
