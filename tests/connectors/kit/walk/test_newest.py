"""How many requests the walk of a list takes, and what a wrong clock or a short answer costs."""

import pytest
from orjson import loads
from structlog.testing import capture_logs
from tests.connectors.kit.walk.game import (
    FULL_EVERY,
    MINUTE,
    OVERLAP,
    ROWS,
    SECOND,
    Manners,
    Total,
)
from tests.connectors.kit.walk.walked import Walked

from lgsp_connectors.kit.walk.window import Ask, Window


def test_many_of_one_time_on_top_are_read_again_only_until_none_can_be_late() -> None:
    game = Walked()
    game.file(300)
    game.portal.change(200)
    assert game.poll() > 200 // ROWS
    game.portal.now += OVERLAP + MINUTE
    assert game.poll() > 200 // ROWS
    for _ in range(3):
        game.portal.now += MINUTE
        assert game.poll() == 1
    for _ in range(3):
        game.portal.now += OVERLAP + MINUTE
        game.portal.change(3)
        assert game.poll() == 1
    assert not game.lost()


def test_a_late_change_to_a_time_that_is_not_settled_is_read() -> None:
    game = Walked()
    game.file(60)
    game.poll()
    game.portal.now += OVERLAP // 2
    game.portal.change_late(OVERLAP // 2)
    game.poll()
    assert not game.lost()


def test_a_late_change_that_shows_while_a_long_pass_goes_on_is_read_with_the_next_poll() -> None:
    game = Walked()
    game.file(300)
    game.poll()
    game.file(200)
    quick = game.portal.read

    async def slow(ask: Ask) -> Window:
        if game.asked == 2:
            game.portal.change_late(OVERLAP // 2)  # stands above what is asked for: read already
        game.portal.change()
        game.portal.now += 2 * MINUTE
        return await quick(ask)

    game.portal.read = slow  # type: ignore[method-assign]
    assert game.poll() * 2 * MINUTE > 2 * OVERLAP
    game.portal.read = quick  # type: ignore[method-assign]
    game.portal.now += MINUTE
    assert game.poll() <= 4
    assert not game.lost()
    game.portal.now += MINUTE
    assert game.poll() == 1


def test_a_dossier_that_moves_up_late_while_all_is_read_is_not_taken_for_removed() -> None:
    game = Walked()
    game.file(300)
    game.poll()
    game.portal.now += FULL_EVERY
    game.portal.change(3)
    game.known = set(game.portal.dossiers)
    oldest = min(game.portal.dossiers, key=lambda id_: game.portal.dossiers[id_].at)
    page = game.step()
    game.portal.put(oldest, late=MINUTE)
    while page is None or not page.caught_up:
        page = game.step()
    assert page.listing
    assert oldest in game.known
    assert not game.lost()


def test_a_dossier_that_moves_while_all_is_read_by_a_pass_that_follows_is_not_removed() -> None:
    game = Walked()
    game.file(100)
    game.poll()
    game.file(40)
    page = None
    while page is None or loads(page.cursor["pass"])["requests"]:
        page = game.step()
    oldest, *_, middle = list(game.portal.dossiers)[:50]
    del game.portal.dossiers[middle]  # so the pass that follows reads all
    game.known = set(game.portal.dossiers)
    page = game.step()
    assert page
    assert page.listing
    game.portal.now += SECOND
    game.portal.put(oldest)
    while page is None or not page.caught_up:
        page = game.step()
    assert page.listing
    assert oldest in game.known


def test_a_pass_that_sleeps_before_it_begins_settles_nothing_too_early() -> None:
    game = Walked(Manners(most_rows=13))
    game.file(20)
    for _ in range(100):
        page = game.step()
        if page and not loads(page.cursor["pass"])["requests"]:
            break  # the pass that follows is to begin
    game.portal.now += OVERLAP
    game.portal.file(1)
    for _ in range(2):
        game.portal.now += 5 * SECOND
        game.poll()
    game.portal.change_late(MINUTE)
    game.poll()
    assert not game.lost()


def test_removals_begin_a_full_pass_for_a_tenth_of_the_time_at_most() -> None:
    game = Walked()
    game.file(600)
    full = game.poll()
    asked = 0
    for _ in range(60):
        game.portal.now += 2 * SECOND
        game.portal.change(2)
        newest = sorted(game.portal.dossiers, key=lambda id_: -game.portal.dossiers[id_].at)
        del game.portal.dossiers[newest[3]]
        asked += game.poll()
    assert asked < 60 + 4 * full
    assert not game.lost()


def test_a_dossier_removed_from_the_top_is_no_portal_set_back() -> None:
    game = Walked(Manners(total="none"))
    game.file(200)
    game.poll()
    newest = sorted(game.portal.dossiers, key=lambda id_: -game.portal.dossiers[id_].at)
    del game.portal.dossiers[newest[2]]
    game.portal.now += 60 * MINUTE
    with capture_logs() as logs:
        assert game.poll() == 1
    assert not [log for log in logs if log["event"] == "portal_was_set_back"]


@pytest.mark.parametrize("total", ["true", "none"])
def test_a_portal_set_back_to_before_one_bulk_update_is_seen(total: Total) -> None:
    game = Walked(Manners(total=total))
    game.file(300)
    game.portal.back_up()
    game.portal.now += MINUTE
    game.portal.change(200)
    game.poll()
    game.portal.restore()
    game.portal.now += 60 * MINUTE
    with capture_logs() as logs:
        game.poll()
    assert "portal_was_set_back" in {log["event"] for log in logs}
    game.portal.now += MINUTE
    assert game.poll() == 1


def test_rows_that_come_back_deep_in_the_list_are_read_with_the_next_poll() -> None:
    game = Walked()
    game.file(200)
    away = {id_: game.portal.dossiers.pop(id_) for id_ in game.portal.some(30)}
    game.poll()
    game.portal.dossiers |= away
    game.portal.now += 60 * MINUTE
    game.poll()
    assert not game.lost()
    game.portal.now += MINUTE
    assert game.poll() == 1


@pytest.mark.parametrize("total", ["none", "page", "stops"])
@pytest.mark.parametrize("rows", [1, 4, 10, 20])
def test_a_short_answer_is_not_the_end_of_the_list(total: Total, rows: int) -> None:
    game = Walked(Manners(total=total))
    game.file(300)
    whole = game.portal.read

    async def short_once(ask: Ask) -> Window:
        answer = await whole(ask)
        if game.asked != 5:
            return answer
        shown = answer.rows[:rows]
        return answer._replace(rows=shown, total=len(shown) if total == "page" else answer.total)

    game.portal.read = short_once  # type: ignore[method-assign]
    game.poll()
    assert not game.lost()


@pytest.mark.parametrize("days", [1, 400])
def test_a_clock_that_was_ahead_hides_no_change(days: int) -> None:
    game = Walked()
    game.file(200)
    game.portal.put("d5", at=game.portal.now + 720 * MINUTE)
    game.ahead = days * 1440 * MINUTE
    game.poll()
    game.ahead = 0
    for _ in range(4):
        game.portal.now += 30 * MINUTE
        game.portal.change(5)
        game.portal.now += 30 * MINUTE
        game.poll()
        assert not game.lost()
    away = game.portal.some(1)[0]
    game.portal.put(away, at=game.portal.now - 5 * OVERLAP)
    game.portal.now += 2 * FULL_EVERY
    game.poll()
    assert not game.lost()
