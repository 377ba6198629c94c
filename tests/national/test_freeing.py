"""A procedure that the catalogue lacks is asked for again, soon at first, then seldom."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from lgsp.national.catalogue import Catalogue
from lgsp.national.freeing import Freeing, held_for
from tests.virtual import in_virtual_time

Clock = Callable[[], float]
ENTRY = {
    "TENTTHC": "Thủ tục",
    "LINHVUCTHUCHIEN": [{"MALINHVUC": "G00-LV01", "TENLINHVUC": "Lĩnh vực mẫu"}],
}


class Portal:
    """Knows every procedure from `known_at` on."""

    def __init__(self, clock: Clock, known_at: float) -> None:
        self.clock, self.known_at = clock, known_at
        self.asked: list[tuple[float, str]] = []

    async def procedure(self, code: str) -> dict[str, Any] | None:
        self.asked.append((self.clock(), code))
        return ENTRY if self.clock() >= self.known_at else None


class Store:
    """Dossiers held, by cause; those that are freed are gone."""

    def __init__(self, held: dict[str, int]) -> None:
        self.held = held

    def causes(self, beginning: str) -> list[str]:
        return [cause for cause in self.held if cause.startswith(beginning)]

    def free(self, cause: str, limit: int) -> int:
        return min(limit, self.held.pop(cause, 0))


async def nothing() -> None:
    pass


def play(held: dict[str, int], known_at: float, seconds: float) -> tuple[Portal, Store]:
    async def run(clock: Clock) -> tuple[Portal, Store]:
        portal, dossiers = Portal(clock, known_at), Store(held)
        freeing = Freeing(dossiers, Catalogue(portal), nothing, clock)  # type: ignore[arg-type]
        task = asyncio.create_task(freeing.run())
        await asyncio.sleep(seconds)
        task.cancel()
        return portal, dossiers

    return in_virtual_time(run)


def test_a_catalogue_that_was_empty_for_a_minute_holds_nobody_up_much_longer() -> None:
    _, dossiers = play({held_for("1.001612"): 50}, known_at=60, seconds=90)
    assert {} == dossiers.held


def test_a_procedure_that_stays_unknown_is_asked_for_seldom() -> None:
    portal, _ = play({held_for("1.001612"): 50}, known_at=1e9, seconds=7200)
    assert 20 < len(portal.asked) < 35


def test_many_procedures_are_asked_for_one_at_a_time() -> None:
    held = {held_for(f"1.{n:06d}"): 1 for n in range(100)}
    portal, _ = play(held, known_at=1e9, seconds=600)
    times = [at for at, _ in portal.asked]
    assert all(after - before > 0.15 for before, after in pairwise(times))
    assert {f"1.{n:06d}" for n in range(100)} == {code for _, code in portal.asked}


def test_what_an_older_version_held_is_tried_once_more() -> None:
    _, dossiers = play({"unknown_procedure": 3, "unmapped_status": 2}, known_at=1e9, seconds=1)
    assert {"unmapped_status": 2} == dossiers.held
