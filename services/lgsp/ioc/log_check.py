"""Whether the log is the one that the store has counted, and has all of it."""

import time
from collections.abc import Mapping

from sqlalchemy import Engine

from lgsp.domain.reasons import Finding, Reason
from lgsp.runtime.kafka.follower import Ends
from lgsp.runtime.kafka.log_identity import LogIdentity, NoLogError, read_log
from lgsp.runtime.kafka.written_ends import WrittenEnds
from lgsp.store.figures.sums import LANE
from lgsp.store.identity import OtherLogError, check_ends, check_log

_EVERY = 3.0  # seconds; each look connects anew
_PATIENCE = 5.0
_STATE_ANEW = (
    "The log has lost its end: bring it back from a backup of Kafka's data; or run the connectors"
    " once with --new-log, which states anew what is lost"
)


class LogCheck:
    """Asks every few seconds which log it is; between, the last answer stands."""

    def __init__(self, bootstrap: str, engine: Engine, topic: str) -> None:
        self._bootstrap, self._engine, self._topic = bootstrap, engine, topic
        self._which: LogIdentity | None = None
        self._found: list[Finding] = []
        self._asked = float("-inf")

    def __call__(self) -> list[Finding]:
        """Say why it is another log.

        Raises:
            RetryableError: no broker answers.
            SQLAlchemyError: the store cannot be read.
        """
        if time.monotonic() - self._asked >= _EVERY:
            self._found = self._look()
            self._asked = time.monotonic()
        return self._found

    def compare(
        self, ends: Ends, stored: Mapping[int, int], written: WrittenEnds | None = None
    ) -> list[Finding]:
        """Say what the log lacks of what was counted or written, and what was never counted of it.

        Args:
            ends: of the log.
            stored: positions as they stood before.
            written: how far the connectors say that they have written it.
        """
        found = []
        try:
            if ends.next:
                check_ends(stored, ends.next, self._topic, self._bootstrap)
        except OtherLogError as error:
            found.append(_finding(error))
        if not found and written is not None and self._which is not None:
            shown = ", ".join(
                f"partition {p} ends at {ends.next.get(p, 0)} and was written up to {at}"
                for p, at in sorted(written.lacking(self._which, ends.next).items())
            )
            if shown:
                found.append(Finding(Reason.LOG_IS_SHORTER, detail=f"{shown}. {_STATE_ANEW}"))
        gaps = {p: first for p, first in ends.first.items() if stored.get(p, 0) < first}
        if gaps:
            shown = ", ".join(
                f"partition {p} begins at {first} and is counted up to {stored.get(p, 0)}"
                for p, first in sorted(gaps.items())
            )
            found.append(Finding(Reason.LOG_HAS_A_GAP, detail=shown))
        return found

    def _look(self) -> list[Finding]:
        try:
            log = self._which = read_log(self._bootstrap, self._topic, _PATIENCE)
            with self._engine.connect() as connection:
                check_log(connection, LANE, log, self._bootstrap)
        except OtherLogError as error:
            return [_finding(error)]
        except NoLogError as error:
            return [Finding(Reason.LOG_IS_MISSING, detail=str(error))]
        return []


def _finding(error: OtherLogError) -> Finding:
    return Finding(Reason(error.code), detail=str(error))
