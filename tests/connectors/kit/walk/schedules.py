"""Random schedules of a portal that moves, lies and fails while its list is walked.

`python -m tests.connectors.kit.walk.schedules N [FIRST]` plays N of them.
"""

import random
import sys
from collections.abc import Callable

from tests.connectors.kit.walk.game import (
    FAULTS,
    FULL_EVERY,
    MINUTE,
    OVERLAP,
    SECOND,
    Game,
    Manners,
    Ties,
    Total,
)

_TIES: tuple[Ties, ...] = ("stable", "shuffled")
_TOTALS: tuple[Total, ...] = ("true", "true", "none", "stops", "page")
_CAPS = (1000, 13)
_AHEAD = (MINUTE, 12 * 60 * MINUTE, 28 * 365 * 24 * 60 * MINUTE)
_STEPS = 60


def play(seed: int) -> Game:
    """Play one schedule to its end; AssertionError: something was lost or wrong."""
    chance = random.Random(seed)
    by_page = chance.random() < 0.3
    cap = 1000 if by_page else chance.choice(_CAPS)
    game = Game(seed, Manners(chance.choice(_TIES), chance.choice(_TOTALS), cap, by_page=by_page))
    portal = game.portal
    for _ in range(chance.choice([0, 1, 5, 40, 150, 300])):
        portal.now += chance.choice([0, SECOND, MINUTE])
        portal.file(1)
    if chance.random() < 0.4:
        portal.change(chance.randint(15, 70))
    deeds = _deeds(game, chance)
    for _ in range(_STEPS):
        for _ in range(chance.choice([0, 0, 1, 1, 2, 5])):
            chance.choices([deed for _, deed in deeds], [weight for weight, _ in deeds])[0]()
        page = game.step()
        if page is not None and page.caught_up:
            portal.now += chance.choice([SECOND, 30 * SECOND, 5 * MINUTE, OVERLAP, FULL_EVERY])
    game.settle()
    return game


def _deeds(game: Game, chance: random.Random) -> list[tuple[int, Callable[[], object]]]:
    """Give what may happen between two answers, with weights."""
    portal = game.portal
    return [
        (8, lambda: portal.change(chance.randint(1, 3))),
        (1, lambda: portal.change(chance.randint(15, 70))),  # many at one moment
        (4, lambda: portal.file(1)),
        (2, lambda: portal.file(chance.randint(5, 60))),
        (3, lambda: portal.remove(chance.randint(1, 4))),
        (2, lambda: portal.remove(chance.randint(5, 40))),
        (2, lambda: portal.archive(chance.randint(1, 40))),
        (1, lambda: portal.change_late(chance.randint(SECOND, OVERLAP // 2))),
        (1, lambda: portal.change_ahead(chance.choice(_AHEAD))),
        (2, portal.back_up),
        (chance.choice([0, 1]), portal.restore),
        (2, lambda: portal.faults.extend([chance.choice(FAULTS), None])),
        (2, game.kill),
        (2, lambda: game.step(stored=False)),
    ]


def main(count: int, first: int = 0) -> int:
    """Play many; print those that failed, and give how many."""
    failed = 0
    for seed in range(first, first + count):
        try:
            play(seed)
        except AssertionError as error:
            failed += 1
            print(f"{seed}: {str(error)[:300]}", flush=True)  # noqa: T201
    print(f"{count} schedules, {failed} lost or wrong")  # noqa: T201
    return failed


if __name__ == "__main__":
    sys.exit(bool(main(*map(int, sys.argv[1:]))))
