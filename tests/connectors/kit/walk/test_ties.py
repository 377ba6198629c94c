"""Groups of one time that no answer holds whole: all is met, or the walk ends loudly."""

import pytest
from tests.connectors.kit.walk.game import Manners, Total
from tests.connectors.kit.walk.walked import Walked

from lgsp.domain.errors import FatalError
from lgsp_connectors.kit.walk.newest import Read
from lgsp_connectors.kit.walk.window import Ask, Window


@pytest.mark.parametrize("rows", [2, 3, 5, 6, 9])
@pytest.mark.parametrize("total", ["none", "true"])
def test_the_order_of_a_few_rows_proves_nothing(rows: int, total: Total) -> None:
    for seed in range(20):
        game = Walked(Manners("shuffled", total), rows)
        game.portal.chance.seed(seed)
        game.file(3)
        game.portal.file(2 * rows + 1)
        game.file(3)
        try:
            game.poll()
        except FatalError:
            assert total == "none"
        else:
            assert not game.lost()


@pytest.mark.parametrize("swapped", [1, 5])
def test_two_servers_that_order_equal_times_not_quite_alike_hide_none(swapped: int) -> None:
    for seed in range(15):
        game = Walked(rows=100)
        chance = game.portal.chance
        chance.seed(seed)
        game.file(50)
        game.portal.file(600)
        game.file(50)
        one = sorted(game.portal.dossiers)
        other = list(one)
        for _ in range(swapped):
            a, b = chance.sample(range(len(one)), 2)
            other[a], other[b] = other[b], other[a]

        async def read(
            ask: Ask, game: Walked = game, orders: tuple[list[str], ...] = (one, other)
        ) -> Window:
            order = game.portal.chance.choice(orders)
            ids = sorted(order, key=lambda id_: -game.portal.dossiers[id_].at)
            shown = ids[ask.start : ask.start + ask.rows]
            return Window(ask.start, [game.portal.row(id_) for id_ in shown], len(ids))

        game.portal.read = read  # type: ignore[method-assign]
        game.poll()
        assert not game.lost()


@pytest.mark.parametrize("goes", ["above", "within", "nowhere"])
def test_a_row_that_joins_equal_times_stands_for_none_that_was_not_met(goes: str) -> None:
    """A portal is set back during a sweep: one row joins, and one may leave, so no total tells."""
    for seed in range(40):
        game = Walked(Manners("shuffled"))
        game.portal.chance.seed(seed)
        game.portal.file(41)
        time, group = game.portal.now, sorted(game.portal.dossiers)
        game.file(12)
        gone = {"above": "d50", "within": game.portal.chance.choice(group), "nowhere": ""}[goes]
        whole = game.portal.read

        async def joined(
            ask: Ask, game: Walked = game, whole: Read = whole, time: int = time, gone: str = gone
        ) -> Window:
            if game.asked == 9:
                game.portal.put("joined", at=time)
                game.portal.dossiers.pop(gone, None)
            return await whole(ask)

        game.portal.read = joined  # type: ignore[method-assign]
        assert game.poll() > 9
        assert game.lost() <= {"joined"}


def test_equal_times_that_never_stand_still_end_loudly() -> None:
    game = Walked(Manners("shuffled"))
    game.portal.file(60)
    time, whole = game.portal.now, game.portal.read

    async def moving(ask: Ask) -> Window:
        game.portal.remove()
        game.portal.put(f"joined{game.asked}", at=time)
        return await whole(ask)

    game.portal.read = moving  # type: ignore[method-assign]
    with pytest.raises(FatalError, match="many dossiers have one time of last change"):
        game.poll()
