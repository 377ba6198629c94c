"""One process a portal: a lease on the log, kept alive while the connector runs.

Two processes of one portal id, on whatever machines, would overwrite each other's checkpoint. Each
claims the portal under a key of its own on the topic of checkpoints, whose one partition puts the
claims in order: the first one holds. A holder that ended is known by its process on its own
machine, elsewhere by its silence.
"""

import asyncio
import time
from collections.abc import Awaitable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

import orjson
import structlog

from lgsp.domain.errors import FatalError, RetryableError
from lgsp.runtime.kafka.client import make_producer, read_topic
from lgsp.runtime.kafka.topics import CHECKPOINTS
from lgsp_connectors.kit.log.holder import Holder, started

EVERY = 10.0
"""Seconds between two signs of life."""
SILENCE = 30.0
"""Seconds without a sign of life after which a holder on another machine counts as gone."""
_LOOK = 1.0  # seconds between two looks for one
_RELEASE_WITHIN = 2.0  # seconds: a process that ends does not wait for a broker that is away
_Result = TypeVar("_Result")
_log = structlog.get_logger()


class _Claim(NamedTuple):
    offset: int
    held: bool
    holder: Holder


class Lease:
    """The lease of one checkpoint key; use as `with`, and `during` the work.

    Args:
        bootstrap: brokers to ask.
        key: checkpoint key.
        config: the YAML, to be named to others.
        silence: see SILENCE.
    """

    def __init__(
        self, bootstrap: str, key: str, config: Path, *, silence: float = SILENCE
    ) -> None:
        self._bootstrap, self._key, self._silence = bootstrap, key, silence
        self._prefix = f"{key}/lease/".encode()
        self._me = Holder.here(config)
        self._producer = make_producer(bootstrap)
        self._claims: dict[str, _Claim] = {}
        self._next = 0

    def __enter__(self) -> Self:
        """Claim the portal; see `acquire`."""
        try:
            self.acquire()
        except BaseException:
            self.release()
            raise
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Give it free."""
        self.release()

    def acquire(self) -> None:
        """Claim the portal.

        Raises:
            FatalError: another process holds it; it is named.
        """
        self._look()
        for claim in list(self._claims.values()):
            self._pass(claim)
        self._say(held=False)
        self._look()
        mine = self._claims[self._me.id].offset
        for claim in self._claims.values():
            if claim.holder.id != self._me.id and (claim.held or claim.offset < mine):
                self._forget(self._me.id)
                raise self._refusal(claim.holder)
        self._say(held=True)

    async def during(self, work: Awaitable[_Result], stop: asyncio.Event) -> _Result:
        """Give signs of life while `work` is awaited; when the lease is lost, set `stop`.

        Raises:
            FatalError: another process took over while this one stood still.
        """
        keeping = asyncio.create_task(self._keep(stop), name="lease")
        try:
            result = await work
        finally:
            keeping.cancel()
            ended = await asyncio.gather(keeping, return_exceptions=True)
        if isinstance(ended[0], FatalError):
            raise ended[0]
        return result

    async def _keep(self, stop: asyncio.Event) -> None:
        away = False
        while True:
            await asyncio.sleep(EVERY)
            try:
                await asyncio.to_thread(self.renew)
                away = False
            except RetryableError as error:
                if not away:
                    _log.warning("lease_not_renewed", portal=self._key, reason=str(error))
                away = True
            except FatalError:
                stop.set()
                raise

    def renew(self) -> None:
        """Give one sign of life; FatalError when another process took over."""
        self._look()
        others = [c.holder for c in self._claims.values() if c.held and c.holder.id != self._me.id]
        if others or self._me.id not in self._claims:
            who = others[0].words() if others else "another process"
            raise FatalError(
                f"portal {self._key} was taken over by {who}, because this process gave no sign"
                " of life: it ends, and nothing is lost"
            )
        self._say(held=True)

    def release(self) -> None:
        """Give the portal free, and disconnect."""
        try:
            if self._me.id in self._claims:
                self._forget(self._me.id, _RELEASE_WITHIN)
        except (RetryableError, FatalError) as error:
            _log.warning("lease_not_released", portal=self._key, reason=str(error))
        finally:
            self._producer.close(_RELEASE_WITHIN)

    def _pass(self, claim: _Claim) -> None:
        """Go past another's claim: it has ended, or is silent for long enough; else FatalError."""
        holder = claim.holder
        if holder.home and holder.home == self._me.home:
            if started(holder.pid) == holder.started:
                raise self._refusal(holder)
        else:
            _log.info(
                "waiting_for_lease", portal=self._key, holder=holder.words(), at_most=self._silence
            )
            deadline = time.monotonic() + self._silence
            while time.monotonic() < deadline:
                # A sign of life comes from another machine; nothing announces it.
                time.sleep(_LOOK)
                self._look()
                now = self._claims.get(holder.id)
                if now is None:
                    return
                if now.offset != claim.offset:
                    raise self._refusal(holder)
        self._forget(holder.id)

    def _refusal(self, holder: Holder) -> FatalError:
        return FatalError(
            f"portal {self._key} is being read by {holder.words()}: stop it first, or give one of"
            " the two another portal id"
        )

    def _look(self) -> None:
        """Read what was said since the last look."""
        for record in read_topic(self._bootstrap, CHECKPOINTS, {0: self._next}):
            self._next = record.offset + 1
            if record.key is None or not record.key.startswith(self._prefix):
                continue
            name = record.key[len(self._prefix) :].decode()
            if record.value is None:
                self._claims.pop(name, None)
            else:
                found: dict[str, Any] = orjson.loads(record.value)
                holder = Holder(**found["holder"])
                self._claims[name] = _Claim(record.offset, found["held"], holder)

    def _say(self, *, held: bool) -> None:
        value = orjson.dumps({"held": held, "holder": self._me._asdict()})
        self._producer.send(CHECKPOINTS, self._prefix + self._me.id.encode(), value)
        self._producer.flush()

    def _forget(self, name: str, within: float = 120) -> None:
        self._producer.send(CHECKPOINTS, self._prefix + name.encode(), None)
        self._producer.flush(within)
        self._claims.pop(name, None)
