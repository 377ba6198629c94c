"""The log that a connector writes to: every checkpoint names it, so another one is noticed.

A checkpoint says what the portal need not tell again. Where the log was made anew, has another
number of partitions or has lost its end (a power cut, a backup), that is not so, and going on from
the checkpoint would lose what is not there.
"""

import time
from collections.abc import Callable, Mapping

from lgsp.domain.errors import ConfigurationError, FatalError
from lgsp.runtime.kafka.client import end_offsets
from lgsp.runtime.kafka.log_identity import LogIdentity, read_log
from lgsp.runtime.kafka.succession import goes_on_after, read_successions, successor
from lgsp.runtime.kafka.written_ends import log_token

_ASK_EVERY = 3.0  # seconds


class WrittenLog:
    """The log as it was when the process started.

    Args:
        bootstrap: brokers to ask.
        topic: its name.
        clock: monotonic seconds.

    Raises:
        RetryableError: no broker answers.
        FatalError: there is no such topic.
        ConfigurationError: another log goes on where it ended.
    """

    def __init__(
        self, bootstrap: str, topic: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._bootstrap, self._clock = bootstrap, clock
        self._log = read_log(bootstrap, topic)
        self._known = read_successions(bootstrap)
        if after := successor(self._known, self._log):
            raise ConfigurationError(
                f"{self._log} was ended by `lgsp topics repartition`, and {after} goes on: set"
                f" LGSP_EVENTS_TOPIC={after.topic} and LGSP_PARTITIONS={after.partitions}"
            )
        self._asked = clock()

    @property
    def token(self) -> str:
        """What a checkpoint carries: the topic's id and how many partitions it has."""
        return log_token(self._log)

    def resume(self, key: str, token: str, ends: Mapping[str, int], *, anew: bool) -> bool:
        """Tell whether a checkpoint with this token is of this log; "": it was stored before.

        Args:
            key: of the checkpoint, to be named.
            token: as it was stored.
            ends: offset behind what was written before it, by partition.
            anew: whether everything is to be read anew when it is not.

        Raises:
            ConfigurationError: it is of another log or of more than there is, and not `anew`; or
                of other partitions.
            RetryableError: no broker answers.
        """
        if not token:
            return True
        id_, _, partitions = token.rpartition("/")
        before = LogIdentity(self._log.topic, id_, int(partitions))
        if self._log.is_another_than(before):
            if goes_on_after(self._known, self._log, before):
                return True
            if anew:
                return False
            raise ConfigurationError(
                f"the checkpoint of {key} is of {before}, and {self._bootstrap} has {self._log}:"
                " what was written to the one is not in the other. Set LGSP_BROKER to the cluster"
                " that the portal was read into; or, when the log was made anew on purpose, run"
                " the connector once with --new-log: it reads all anew"
            )
        if before.partitions != self._log.partitions:
            raise ConfigurationError(
                f"the checkpoint of {key} is of {before}, and {self._bootstrap} has {self._log}:"
                " events of one dossier would stand in two partitions. Make a log of the new"
                " number of partitions out of this one: docs/how-to/change-partitions.md"
            )
        if not (lost := self._lost(ends)):
            return True
        if anew:
            return False
        raise ConfigurationError(
            f"the checkpoint of {key} stands behind more than {self._log.topic} at"
            f" {self._bootstrap} has: {lost}. The log has lost its end: bring it back from a"
            " backup of Kafka's data; or run the connector once with --new-log: it reads all anew"
            " and states what is lost"
        )

    def _lost(self, ends: Mapping[str, int]) -> str:
        """Say which partitions end before what was written to them; "": none."""
        if not ends:
            return ""
        now = end_offsets(self._bootstrap, self._log.topic)
        return ", ".join(
            f"partition {partition} ends at {now.get(int(partition), 0)} and was written up to"
            f" {end}"
            for partition, end in ends.items()
            if now.get(int(partition), 0) < end
        )

    def confirm(self) -> None:
        """See that the log is still the one of the start; ask every few seconds at most.

        Raises:
            FatalError: it is another one, or gone; what was written may be lost.
            RetryableError: no broker answers.
        """
        if self._clock() - self._asked < _ASK_EVERY:
            return
        now = read_log(self._bootstrap, self._log.topic)
        self._asked = self._clock()
        if now != self._log:
            raise FatalError(
                f"{self._bootstrap} had {self._log} when this process started, and has {now} now:"
                " the checkpoint stays where it was; start the connector again to see the way out"
            )
