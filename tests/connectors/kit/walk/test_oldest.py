"""A list walked oldest change first, by key, while it moves."""

import random

import pytest

from lgsp.domain.errors import RetryableError
from lgsp_connectors.kit.contract import Cursor, Page, Record
from lgsp_connectors.kit.walk.oldest import After, Oldest
from lgsp_connectors.kit.walk.window import Listed

MINUTE = 60_000
OVERLAP = 10 * MINUTE
ROWS = 20


class Portal:
    """Dossiers by id with their last changes; `most` rows an answer."""

    def __init__(self, seed: int, *, most: int = 1000) -> None:
        self.chance = random.Random(seed)
        self.most = most
        self.now = 1_720_000_000_000
        self.at: dict[str, int] = {}
        self.narrows = True

    def put(self, *ids: str, late: int = 0) -> None:
        for id_ in ids:
            self.at[id_] = (self.now - late) // 1000 * 1000

    async def read(self, after: After) -> list[Listed]:
        self.now += self.chance.randint(50, 900)
        ids = list(self.at)
        self.chance.shuffle(ids)
        ids.sort(key=lambda id_: self.at[id_])
        found = [i for i in ids if not self.narrows or self.at[i] >= (after.at or 0)]
        rows = found[: min(after.rows, self.most)]
        return [Listed(i, self.at[i], Record(i, self.at[i], self.now)) for i in rows]


def walk(portal: Portal) -> Oldest:
    return Oldest(
        rows=ROWS,
        most=portal.most,
        overlap=OVERLAP,
        full_every=0,
        clock=lambda: portal.now,
    )


async def read_on(portal: Portal, cursor: Cursor) -> tuple[Page, set[tuple[str, int]]]:
    """Walk until caught up, another process for each answer."""
    read: set[tuple[str, int]] = set()
    for _ in range(1000):
        page = await walk(portal).fetch(cursor, portal.read)
        read |= {(record.origin, record.data) for record in page.records}
        cursor = page.cursor
        if page.caught_up:
            return page, read
    raise AssertionError("it never catches up")


@pytest.mark.parametrize("seed", range(40))
async def test_nothing_is_lost_while_dossiers_move_and_go(seed: int) -> None:
    portal = Portal(seed, most=150)
    for i in range(portal.chance.randint(0, 120)):
        portal.put(f"d{i}")
        portal.now += portal.chance.choice([0, 300, MINUTE])
    cursor = walk(portal).start(None)
    read: set[tuple[str, int]] = set()
    for _ in range(30):
        for id_ in portal.chance.sample(sorted(portal.at), min(3, len(portal.at))):
            if portal.chance.random() < 0.2:
                del portal.at[id_]
            else:
                portal.put(id_)
        before = dict(portal.at)
        page = await walk(portal).fetch(cursor, portal.read)
        read |= {(record.origin, record.data) for record in page.records}
        cursor = page.cursor
        if page.caught_up:
            assert before.items() <= read
    _, rest = await read_on(portal, cursor)
    assert portal.at.items() <= read | rest


@pytest.mark.parametrize("seed", range(40))
async def test_what_shows_late_is_read_by_the_poll_that_follows_however_long_one_takes(
    seed: int,
) -> None:
    portal = Portal(seed)
    chance = portal.chance
    for i in range(chance.randint(1, 90)):
        portal.put(f"d{i}")
        portal.now += chance.choice([0, 300, MINUTE])
    cursor = walk(portal).start(None)
    read: set[tuple[str, int]] = set()
    due: set[tuple[str, int]] = set()
    for _ in range(60):
        if "after" not in cursor:
            due = set(portal.at.items())
        page = await walk(portal).fetch(cursor, portal.read)
        read |= {(record.origin, record.data) for record in page.records}
        cursor = page.cursor
        if page.caught_up:
            assert due & portal.at.items() <= read
        for id_ in chance.sample(sorted(portal.at), chance.randint(0, min(3, len(portal.at)))):
            portal.put(id_, late=chance.choice([0, 0, MINUTE, OVERLAP // 2]))
        portal.now += chance.choice([0, 1000, MINUTE, OVERLAP, 10 * OVERLAP])


async def test_more_of_one_time_than_an_answer_holds_are_asked_for_with_more_rows() -> None:
    portal = Portal(1)
    portal.put("first")
    portal.now += MINUTE
    portal.put(*(f"d{i}" for i in range(90)))
    _, read = await read_on(portal, walk(portal).start(None))
    assert len(read) == 91


async def test_more_of_one_time_than_the_portal_gives_are_an_error() -> None:
    portal = Portal(1, most=ROWS)
    portal.put("first")
    portal.now += MINUTE
    portal.put(*(f"d{i}" for i in range(90)))
    page = await walk(portal).fetch(walk(portal).start(None), portal.read)
    assert not page.caught_up
    with pytest.raises(RetryableError, match="20 dossiers or more changed at one time"):
        await walk(portal).fetch(page.cursor, portal.read)


async def test_a_portal_that_does_not_narrow_is_an_error() -> None:
    portal = Portal(1)
    for i in range(60):
        portal.put(f"d{i}")
        portal.now += MINUTE
    page = await walk(portal).fetch(walk(portal).start(None), portal.read)
    portal.narrows = False
    with pytest.raises(RetryableError, match="sorted and narrowed"):
        await walk(portal).fetch(page.cursor, portal.read)


async def test_a_pass_through_the_whole_list_is_a_complete_listing() -> None:
    portal = Portal(1)
    portal.put("a", "b")
    page, _ = await read_on(portal, walk(portal).start(None))
    assert page.listing is not None
    assert page.listing.ended
    page, _ = await read_on(portal, page.cursor)
    assert page.listing is None
