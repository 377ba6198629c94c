"""What a connector says of itself on the log: alive, level or not, and what is amiss."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from lgsp.domain.connector_status import BEAT, Clock, ConnectorStatus, Phase
from lgsp.runtime.logs import redact
from lgsp.runtime.text import printable
from lgsp_connectors.kit.config import RunSettings
from lgsp_connectors.kit.report import Report

_LONGEST = 200  # characters of why reads fail
_LEAST = 1.0  # seconds between two words, however much changes
_ENDS_WITHIN = 6.0  # seconds that the last word may take

Publish = Callable[[str, ConnectorStatus | None], None]
"""Sends one word under its key, and waits for it; None: the key is no longer spoken of."""


class Speaker:
    """Tells the log how the source stands, from a thread of its own; use as `with`.

    A beat every few seconds says that the process lives, also while a page takes long or the
    portal does not answer; what changes is told at once. What the process before knew goes on:
    a restart is no new portal, and an error stands until a read succeeds.

    Args:
        key: the portal, or a backfill of it.
        clock: gives now in ms UTC.
        publish: sends one word; its errors are its own affair.
        settings: what is expected of the portal, and how often it is looked at.
        before: what the process before said last.
        once: the process ends by itself when all was read.
    """

    def __init__(
        self,
        key: str,
        clock: Callable[[], int],
        publish: Publish,
        settings: RunSettings | None = None,
        before: ConnectorStatus | None = None,
        *,
        once: bool = False,
    ) -> None:
        self._clock, self._publish = clock, publish
        run = settings or RunSettings()
        now = clock()
        self._status = ConnectorStatus(
            key,
            now,
            None,
            {},
            new_at=now,
            every=run.expect.milliseconds if run.expect else 0,
            clock=run.expect.clock if run.expect else Clock.ALL,
            poll=int(run.poll_seconds * 1000),
        )
        if before is not None:
            failed_at = before.at if before.phase == Phase.FAILED else None
            self._status = self._status._replace(
                level_at=before.level_at,
                looked_at=before.looked_at,
                new_at=before.new_at or now,
                problems=before.problems,
                failing_since=before.failing_since or failed_at,
                failure=before.failure,
            )
        self._once, self._at_end = once, False
        self._events = 0
        self._wake, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="speaker", daemon=True)

    def __enter__(self) -> Self:
        """Begin to speak."""
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Say the last word: how the process ends."""
        if isinstance(error, Exception):
            self.fail(error)
            phase = Phase.FAILED
        else:
            phase = Phase.ONCE if self._once and self._at_end else Phase.STOPPED
        self._status = self._status._replace(phase=phase)
        self._ended.set()
        self._wake.set()
        self._thread.join(_ENDS_WITHIN)

    def say(self, report: Report, left: int | None = None) -> None:
        """Note how the source stands after a page that is on the log.

        Args:
            report: the counts of the run so far.
            left: what is still to be read, in the source's own units; None: not known.
        """
        now, before = self._clock(), self._status
        new, self._events = report.events > self._events, report.events
        self._at_end = report.caught_up or bool(report.problem)
        self._status = before._replace(
            looked_at=now,
            level_at=now if report.caught_up else before.level_at,
            new_at=now if new else before.new_at,
            problems=report.problems,
            failing_since=None,
            failure="",
            rows=report.records,
            rejected=report.rejected,
            left=left,
        )
        if (before.problems, before.failing_since, before.level_at is None) != (
            self._status.problems,
            None,
            self._status.level_at is None,
        ):
            self._wake.set()

    def fail(self, error: BaseException) -> None:
        """Note that a read failed, and may succeed later."""
        now, since = self._clock(), self._status.failing_since
        self._status = self._status._replace(
            failing_since=now if since is None else since, failure=_words(error)
        )
        if since is None:
            self._wake.set()

    def beat(self) -> None:
        """Say now how the source stands."""
        self._publish(self._status.portal, self._status._replace(at=self._clock()))

    def _run(self) -> None:
        while not self._ended.is_set():
            self._wake.clear()
            self.beat()
            self._ended.wait(_LEAST)
            self._wake.wait(BEAT / 1000 - _LEAST)
        self.beat()


def _words(error: BaseException) -> str:
    words = str(error) or type(error).__name__
    return printable(str(redact(None, "", {"words": words})["words"]))[:_LONGEST]
