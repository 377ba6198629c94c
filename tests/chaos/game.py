"""Plays faults in turn while the portal goes on, and holds the alerts to what lasted."""

import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.alarms.prometheus import Prometheus
from tests.chaos.alerts import must_ring
from tests.chaos.books import Books
from tests.chaos.playing import Fault, Keep
from tests.waiting import wait_until

_SHORTEST = 2.0  # seconds that a fault lasts
_PATIENCE = 90.0  # seconds more until a missing alert is one
_SILENT_WITHIN = 180.0  # seconds after the fault
_LOOK_EVERY = 1.0


@dataclass
class Turn:
    """One fault as it was played: alerts -> seconds after its beginning, None: they did not."""

    name: str
    began: float
    mended: float = 0.0
    seconds: float = 0.0
    rang: dict[str, float | None] = field(default_factory=dict)
    silent: dict[str, float | None] = field(default_factory=dict)


@dataclass
class Played:
    """All turns, and what did not come in the end."""

    turns: list[Turn] = field(default_factory=list)
    files: int = 0
    missed: list[str] = field(default_factory=list)


class Game:
    """Takes one fault after the other from a shuffled deck of all.

    Args:
        books: written on while a fault lasts, and after it.
        faults: the deck.
        prometheus: judges the alerts.
        chance: shuffles.
        played: noted there.
        revive: starts again what has ended by itself.
    """

    def __init__(
        self,
        books: Books,
        faults: list[Fault],
        prometheus: Prometheus,
        chance: random.Random,
        played: Played,
        revive: Callable[[], None],
    ) -> None:
        self._books, self._faults, self._prometheus = books, faults, prometheus
        self._chance, self.played, self._revive = chance, played, revive
        self._deck: list[Fault] = []
        self._due = 0.0

    def play(self) -> None:
        """Play one fault; it is over, and its alerts are silent, when this returns."""
        if not self._deck:
            self._deck = self._chance.sample(self._faults, len(self._faults))
        fault = self._deck.pop()
        lasts = self._chance.uniform(_SHORTEST, fault.longest)
        alerts = must_ring(fault.name, lasts)
        self._say(f"{fault.name} for {lasts:.0f} s" + (f": {', '.join(alerts)}" if alerts else ""))
        self._until(alerts, _SILENT_WITHIN, None, time.monotonic(), rings=False)  # of the last one
        turn = Turn(fault.name, time.monotonic())
        self.played.turns.append(turn)
        try:
            with fault.play() as keep:
                self.go_on(lasts, keep)
                turn.rang = self._until(alerts, _PATIENCE, keep, turn.began, rings=True)
                turn.seconds = time.monotonic() - turn.began
        except AssertionError as error:  # what did not come is told, and the hour goes on
            self._say(f"  {error}")
            self.played.missed.append(f"{fault.name}: {error}")
        turn.mended = time.monotonic()
        turn.silent = self._until(alerts, _SILENT_WITHIN, None, turn.mended, rings=False)
        for what, found in (("rings", turn.rang), ("falls silent", turn.silent)):
            for alert in (alert for alert, after in found.items() if after is None):
                self._say(f"  {alert} never {what}")

    def go_on(self, seconds: float, keep: Keep | None = None) -> None:
        """Write a file each second or two for so long."""
        end = time.monotonic() + seconds
        wait_until("the time is over", lambda: self._goes_on(keep) >= end, seconds + 120)

    def end(self, what: str, true: Callable[[], bool], seconds: float) -> None:
        """Wait until it is true in the end, when nobody writes any more; note what is not."""
        self.played.files = self._books.files
        try:
            wait_until(what, true, seconds)
        except AssertionError:
            self._say(f"not within {seconds:.0f} s: {what}")
            self.played.missed.append(what)

    def _until(
        self,
        alerts: frozenset[str],
        patience: float,
        keep: Keep | None,
        since: float,
        *,
        rings: bool,
    ) -> dict[str, float | None]:
        """Go on until each alert has rung since then (or rings no more), and say when it was."""
        found: dict[str, float | None] = dict.fromkeys(alerts)
        end, look_at = time.monotonic() + patience, 0.0

        def is_over() -> bool:
            nonlocal look_at
            now = self._goes_on(keep)
            if now >= look_at:
                look_at = now + _LOOK_EVERY
                if rings:
                    for alert, at in self._prometheus.first_rang(now - since).items():
                        if alert in found and found[alert] is None:
                            found[alert] = at
                else:
                    for alert in found.keys() - self._prometheus.ringing():
                        found[alert] = now - since if found[alert] is None else found[alert]
            return None not in found.values() or now >= end

        wait_until("the alerts ring", is_over, patience + 120)
        return found

    def _goes_on(self, keep: Keep | None) -> float:
        if keep is not None:
            keep()
        now = time.monotonic()
        if now >= self._due:
            self._revive()
            self._books.write()
            self._due = now + self._chance.uniform(0.5, 3)
        return now

    @staticmethod
    def _say(line: str) -> None:
        sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")
