"""Where a connector's word on itself goes: the topic `connector-status`."""

from types import TracebackType
from typing import Self

import structlog

from lgsp.domain.connector_status import ConnectorStatus
from lgsp.domain.errors import LgspError, RejectedRecord
from lgsp.runtime.kafka.client import EventProducer, latest_by_key, make_producer
from lgsp.runtime.kafka.connector_status import decode_status, encode_status
from lgsp.runtime.kafka.topics import CONNECTOR_STATUS

_PATIENCE = 5.0  # seconds; a word that comes later says nothing more


class StatusLog:
    """Sends statuses, each on the log before the next one; for one thread. Use as `with`.

    It has a producer of its own: what a connector says of itself stops nothing and waits for
    nothing. A word that cannot be sent is left out, and that is logged once.
    """

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._producer: EventProducer | None = None
        self._silent = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Disconnect."""
        if self._producer is not None:
            self._producer.close(_PATIENCE)

    def before(self, key: str) -> ConnectorStatus | None:
        """Give the newest word under the key; None when there is none that can be read.

        Raises:
            RetryableError: no broker answers.
        """
        value = latest_by_key(self._bootstrap, CONNECTOR_STATUS).get(key.encode())
        try:
            return None if value is None else decode_status(value)
        except RejectedRecord:
            return None

    def publish(self, key: str, status: ConnectorStatus | None) -> None:
        """Send one word; None: take the key away."""
        try:
            if self._producer is None:
                self._producer = make_producer(self._bootstrap)
            value = None if status is None else encode_status(status)
            self._producer.send(CONNECTOR_STATUS, key.encode(), value)
            self._producer.flush(_PATIENCE)
            self._silent = False
        except LgspError as error:
            if not self._silent:
                log = structlog.get_logger()
                log.warning("status_not_said", portal=key, reason=str(error))
            self._silent = True
