"""Something done in one turn of an event loop, whichever: cancelling, failing, stopping.

A loop in virtual time: what it sleeps takes no time, and each run is the same to the turn. For
coroutines that wait for nothing outside the loop (no sockets, no threads).
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any

_PATIENCE = 2000  # turns after the act in which it must have ended


class _Selector(selectors.DefaultSelector):
    """Asked once a turn; lets virtual time pass when nothing is ready."""

    def __init__(self) -> None:
        super().__init__()
        self.turn = 0
        self.now = 0.0
        self.on_turn: Callable[[int], None] = lambda _turn: None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.turn += 1
        self.on_turn(self.turn)
        if timeout is None:
            raise AssertionError("it waits for what never comes")
        self.now += max(timeout, 0.0)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only while nothing is to be done."""

    def __init__(self) -> None:
        self.turns = _Selector()
        super().__init__(self.turns)

    def time(self) -> float:
        return self.turns.now

    def run_in_executor(  # type: ignore[override]
        self, _executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Do a thread's work at once: nothing that this loop could see would end a thread."""
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the caller's
            done.set_exception(error)
        return done


def in_every_turn(
    make: Callable[[], Coroutine[Any, Any, Any]],
    act: Callable[[asyncio.Task[Any]], object],
    check: Callable[[asyncio.Task[Any]], None],
    *,
    most: int = 400,
) -> int:
    """Run the coroutine anew for each turn and act in that turn, until it ends before the turn.

    Args:
        make: gives the coroutine; called outside the loop.
        act: done once, in one turn; given the coroutine's task.
        check: called with the ended task of every run in which `act` was done.
        most: turns to try of a coroutine that does not end by itself.

    Returns:
        In how many turns `act` was done.
    """
    for turn in count(1):
        if turn > most or not _run(make, act, check, turn):
            return turn - 1
    raise AssertionError


def _run(
    make: Callable[[], Coroutine[Any, Any, Any]],
    act: Callable[[asyncio.Task[Any]], object],
    check: Callable[[asyncio.Task[Any]], None],
    turn: int,
) -> bool:
    loop, acted = VirtualLoop(), False

    def on_turn(now: int) -> None:
        nonlocal acted
        if now == turn and not task.done():
            acted = True
            act(task)
        assert now < turn + _PATIENCE, f"acted in turn {turn}: it still runs"

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        task = runner.get_loop().create_task(make())
        loop.turns.on_turn = on_turn
        loop.run_until_complete(asyncio.wait({task}))
        loop.turns.on_turn = lambda _turn: None
        if acted:
            check(task)
        elif not task.cancelled():
            task.exception()  # it has ended by itself: looked at, not judged
    return acted


def cancelled_in_every_turn(
    make: Callable[[], Coroutine[Any, Any, Any]], *, most: int = 400
) -> int:
    """Cancel the coroutine in every turn of its loop: it must end, and end cancelled."""

    def check(task: asyncio.Task[Any]) -> None:
        assert task.cancelled(), f"the cancellation was swallowed: {task}"

    return in_every_turn(make, asyncio.Task.cancel, check, most=most)
