"""An adversarial portal against the walker: nothing lost, nothing wrong, never stuck."""

import random

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from tests.connectors.kit.walk.game import FAULTS, MINUTE, OVERLAP, SECOND, Game, Manners
from tests.connectors.kit.walk.schedules import play


@pytest.mark.parametrize("first", range(0, 120, 30))
def test_random_schedules_lose_nothing(first: int) -> None:
    for seed in range(first, first + 30):
        play(seed)


@pytest.mark.parametrize("seed", [1890, 4008, 9154])
def test_schedules_that_were_once_lost_are_not(seed: int) -> None:
    play(seed)


class WalkOfAMovingList(RuleBasedStateMachine):
    """The same game with moves that hypothesis picks, and makes fewer when one is lost."""

    @initialize(
        ties=st.sampled_from(["stable", "shuffled"]),
        total=st.sampled_from(["true", "none", "stops", "page"]),
        cap=st.sampled_from([13, 1000]),
        by_page=st.booleans(),
        dossiers=st.integers(1, 120),
    )
    def begin(self, ties: str, total: str, cap: int, by_page: bool, dossiers: int) -> None:
        manners = Manners(ties, total, 1000 if by_page else cap, by_page=by_page)  # type: ignore[arg-type]
        self.game = Game(0, manners)
        self.game.portal.file(dossiers)

    @rule(steps=st.integers(1, 6))
    def walk(self, steps: int) -> None:
        for _ in range(steps):
            self.game.step()

    @rule(count=st.integers(1, 40))
    def change(self, count: int) -> None:
        self.game.portal.change(count)

    @rule(count=st.integers(1, 40))
    def file(self, count: int) -> None:
        self.game.portal.file(count)

    @rule(count=st.integers(1, 40))
    def remove(self, count: int) -> None:
        self.game.portal.remove(count)

    @rule(count=st.integers(1, 40))
    def archive(self, count: int) -> None:
        self.game.portal.archive(count)

    @rule(late=st.integers(SECOND, OVERLAP // 2))
    def change_late(self, late: int) -> None:
        self.game.portal.change_late(late)

    @rule(ahead=st.sampled_from([MINUTE, 720 * MINUTE, 15_000_000 * MINUTE]))
    def change_ahead(self, ahead: int) -> None:
        self.game.portal.change_ahead(ahead)

    @rule(seconds=st.integers(1, 3600))
    def wait(self, seconds: int) -> None:
        self.game.portal.now += seconds * SECOND

    @rule(fault=st.sampled_from(FAULTS))
    def fail(self, fault: str) -> None:
        self.game.portal.faults += [fault, None]  # type: ignore[list-item]

    @rule(stored=st.booleans())
    def kill(self, stored: bool) -> None:
        self.game.step(stored=stored)
        self.game.kill()

    @rule()
    def back_up(self) -> None:
        self.game.portal.back_up()

    @rule()
    def restore(self) -> None:
        self.game.portal.restore()

    def teardown(self) -> None:
        if hasattr(self, "game"):
            self.game.settle()


TestWalkOfAMovingList = WalkOfAMovingList.TestCase


def test_the_game_finds_a_walk_that_pages_by_number() -> None:
    """A walk that trusts places in the list loses what moves: the game can be lost."""
    game = Game(1, Manners())
    game.portal.file(100)
    read, chance = set(), random.Random(1)
    for start in range(0, 120, 20):
        ids = sorted(game.portal.dossiers, key=lambda id_: game.portal.dossiers[id_].at)
        read |= {game.portal.dossiers[id_].version for id_ in ids[start : start + 20]}
        game.portal.now += SECOND
        for id_ in chance.sample(ids, 3):
            game.portal.put(id_)
    game.read = read
    with pytest.raises(AssertionError, match="lost"):
        game.check(lambda dossier: dossier.version <= 100)
