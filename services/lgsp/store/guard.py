"""Watches that a worker's store is whole and belongs to its log, at its start and all the time.

What it finds ends the worker: to count on would make wrong figures, and nothing is lost by
standing still.
"""

import asyncio
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from lgsp.domain.errors import ConfigurationError, FatalError, LgspError, RetryableError
from lgsp.runtime.kafka.client import end_offsets
from lgsp.runtime.kafka.log_identity import Member, NoLogError, read_log_and_members
from lgsp.runtime.kafka.succession import read_successions, successor
from lgsp.runtime.text import printable
from lgsp.store.engine import hide_password, reading
from lgsp.store.file_watch import FileWatch
from lgsp.store.identity import OtherLogError, bind_log, check_ends, check_log, store_id
from lgsp.store.offsets import stored_offsets
from lgsp.store.refusal import refuse, way_out

_EVERY = 3.0  # seconds between two looks
_PATIENCE = 5.0  # seconds that one look waits for the brokers
_LOOK_AGAIN = 0.5
_ABSENT_AFTER = 90.0  # seconds for which a worker may be missing in its own group
_BROKEN = "malformed"  # SQLite's word


class StoreGuard:
    """The guard of one worker.

    Args:
        engine: the worker's store.
        lane: its lane.
        topic: the log.
        bootstrap: brokers to ask.
        session: seconds after which a killed worker has left its group.
    """

    def __init__(
        self, engine: Engine, lane: str, topic: str, bootstrap: str, session: float
    ) -> None:
        self._engine, self._lane = engine, lane
        self._topic, self._bootstrap = topic, bootstrap
        self._session = session
        self._url = hide_password(engine.url)
        self._id = ""
        self._file = FileWatch(engine)
        self._member_at = time.monotonic()
        self._log = structlog.get_logger().bind(lane=lane)

    @property
    def client_id(self) -> str:
        """What the worker calls itself in its group: by it other workers know its store."""
        return f"{self._prefix}{self._id}"

    def claim(self) -> None:
        """Bind the store to the log, and see that no other store is in the group.

        Raises:
            ConfigurationError: it has counted another log, or another store's workers are in the
                group; both are named.
            FatalError: there is no such topic.
            RetryableError: no broker answers.
        """
        with reading(self._engine) as connection:  # first: the log can only have grown since
            stored = stored_offsets(connection, self._lane, self._topic)
        log, members = read_log_and_members(self._bootstrap, self._topic, self._group)
        if after := successor(read_successions(self._bootstrap), log):
            raise ConfigurationError(
                f"{log} was ended by `lgsp topics repartition`, and {after} goes on: set"
                f" LGSP_EVENTS_TOPIC={after.topic} and LGSP_PARTITIONS={after.partitions}, then"
                " `lgsp upgrade`"
            )
        with self._engine.begin() as connection:
            bind_log(connection, self._lane, log, self._bootstrap)
            self._id = store_id(connection)
        if stored:
            ends = end_offsets(self._bootstrap, self._topic)
            check_ends(stored, ends, self._topic, self._bootstrap)
        deadline = time.monotonic() + self._session + _EVERY
        while refusal := self._refused_by(members):  # who was killed leaves after its session
            if time.monotonic() > deadline:
                raise ConfigurationError(refusal)
            self._log.warning("another_in_the_group", store=self._id, reason=refusal)
            time.sleep(_LOOK_AGAIN)
            _, members = read_log_and_members(self._bootstrap, self._topic, self._group)

    async def watch(self) -> None:
        """Look every few seconds until cancelled.

        Raises:
            FatalError: as `look`.
        """
        while True:
            await asyncio.sleep(_EVERY)
            await asyncio.to_thread(self.look)

    def look(self) -> None:
        """See that all is as `claim` left it; brokers that do not answer now are asked later.

        Raises:
            FatalError: the store was set back or replaced, the log is another one, or another
                store is in the group.
        """
        self._look_at_file()
        try:
            log, members = read_log_and_members(
                self._bootstrap, self._topic, self._group, _PATIENCE
            )
            with reading(self._engine) as connection:
                check_log(connection, self._lane, log, self._bootstrap)
        except NoLogError as error:
            raise FatalError(f"{error}; it was there when this worker started") from error
        except OtherLogError as error:
            raise FatalError(str(error)) from error
        except (
            RetryableError,
            SQLAlchemyError,
        ) as error:  # a store that is away: the lane says so
            self._log.debug("log_identity_unknown", error=str(error))
            return
        others = self._others(members)
        if others and min(others) < self._id:  # both came at once: one stays, and both know which
            raise FatalError(self._two_stores(others))
        if strangers := self._strangers(members):
            raise FatalError(self._kept_out(strangers))
        self._see_that_we_are_in(members)

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """Say of work that fails inside when the cause is that the file is not what it was.

        Under load SQLite itself may meet the mixture of two files before the next look.

        Raises:
            FatalError: the store was set back, replaced, or is broken; it is refused from now on.
        """
        try:
            yield
        except LgspError as error:
            reason = self._file.look()
            if not reason and self._file.file is not None and _BROKEN in str(error):
                reason = f"the store {self._file.file} is broken: {error}"
            if reason:
                raise self._refusal(reason) from error
            raise

    def _look_at_file(self) -> None:
        if reason := self._file.look():
            raise self._refusal(reason)
        try:
            self._file.mark()
        except (LgspError, SQLAlchemyError) as error:  # locked or full: the lane says so
            self._log.debug("store_not_marked", error=str(error))

    def _refusal(self, reason: str) -> FatalError:
        file = self._file.file
        if file is None or self._file.gone:
            return FatalError(reason)
        refuse(file, reason)
        return FatalError(f"{reason}: {way_out(file)}")

    @property
    def _group(self) -> str:
        return f"lgsp-{self._lane}"

    @property
    def _prefix(self) -> str:
        return f"{self._group}.store-"

    def _refused_by(self, members: list[Member]) -> str:
        """Say who is in the group and must not be; "" when nobody is."""
        if others := self._others(members):
            return self._two_stores(others)
        strangers = self._strangers(members)
        return self._kept_out(strangers) if strangers else ""

    def _strangers(self, members: Iterable[Member]) -> dict[str, str]:
        """Return the members that are no workers of ours, each with its machine."""
        return {
            member.client_id: member.host
            for member in members
            if not member.client_id.startswith(self._prefix)
        }

    def _see_that_we_are_in(self, members: Iterable[Member]) -> None:
        """Raise FatalError when the group has been without us for long: nothing tries again."""
        if any(member.client_id == self.client_id for member in members):
            self._member_at = time.monotonic()
        elif (absent := time.monotonic() - self._member_at) > _ABSENT_AFTER:
            raise FatalError(
                f"group {self._group} at {self._bootstrap} has been without this worker for"
                f" {absent:.0f} s, though the broker answers"
            )

    def _kept_out(self, strangers: dict[str, str]) -> str:
        named = ", ".join(f"{printable(who)} (on {host})" for who, host in strangers.items())
        return (
            f"group {self._group} at {self._bootstrap} has a member that is no worker of ours:"
            f" {named}. It keeps workers out, or takes partitions that nobody counts then: stop"
            " it, or give it another group"
        )

    def _others(self, members: Iterable[Member]) -> dict[str, str]:
        """Return the ids of other stores in the group, each with a machine of its workers."""
        found = {
            member.client_id.removeprefix(self._prefix): member.host
            for member in members
            if member.client_id.startswith(self._prefix)
        }
        return {store: host for store, host in sorted(found.items()) if store != self._id}

    def _two_stores(self, others: dict[str, str]) -> str:
        named = ", ".join(f"store {store} (on {host})" for store, host in others.items())
        return (
            f"group {self._group} at {self._bootstrap} has workers of {named}, and this one is of"
            f" store {self._id} ({self._url}): each would count a part of the log. Give all of"
            " them one LGSP_STORE (LGSP_DATA), or stop the others first"
        )
