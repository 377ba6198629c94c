"""How far the connectors have written the log, as their checkpoints say.

The second witness of the log's end: stores that were filled anew from a log that has lost its end
are level with it, and only who wrote what is lost knows of it.
"""

from collections.abc import Mapping

import orjson

from lgsp.runtime.kafka.log_identity import LogIdentity

Ends = dict[int, int]


def log_token(log: LogIdentity) -> str:
    """Return what a checkpoint carries of its log: the topic's id and number of partitions."""
    return f"{log.id}/{log.partitions}"


class WrittenEnds:
    """A table of the topic of checkpoints: of each, which log (`log`) and how far (`ends`)."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[str, Ends]] = {}

    def clear(self) -> None:
        """Forget everything."""
        self._known.clear()

    def take(self, key: bytes, value: bytes | None) -> None:
        """Take a checkpoint; other words on the topic, and those of before, say no ends."""
        self._known.pop(key, None)
        try:
            found = orjson.loads(value or b"{}")
            ends = {int(partition): int(end) for partition, end in found["ends"].items()}
            self._known[key] = str(found["log"]), ends
        except (ValueError, KeyError, TypeError, AttributeError):
            return

    def lacking(self, log: LogIdentity, ends: Mapping[int, int]) -> Ends:
        """Return how far partitions were written that end before that.

        Args:
            log: which one it is.
            ends: where its partitions end, asked for after the checkpoints were read.
        """
        lacking: Ends = {}
        for token, written in self._known.values():
            if token == log_token(log):
                for partition, end in written.items():
                    if end > max(ends.get(partition, 0), lacking.get(partition, 0)):
                        lacking[partition] = end
        return lacking
