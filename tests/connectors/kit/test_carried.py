"""What the kit carries in a checkpoint holds over deaths and restarts."""

from pathlib import Path

from tests.connectors.files.folder import Clock
from tests.connectors.files.written import Fact
from tests.connectors.kit.deaths import Log, Row, Site

from lgsp.domain.dossier import merge_all
from lgsp.domain.statements import is_removed

BEGIN = 1_767_600_000_000  # 2026-01-05
CODES = [f"H37.12-240705-{n:04d}" for n in range(30)]


def site(base: Path, *, complete: bool = True) -> Site:
    clock = Clock()
    clock.now = BEGIN
    found = Site("p", base, Log(), clock, complete=complete)
    found.rows = {code: Row(Fact(code), 1, BEGIN) for code in CODES[:3]}
    return found


async def die(portal: Site, point: str, *, times: int = 1) -> None:
    """Read until a process has died there."""
    for left in range(1, 100):
        await portal.read(death=left)
        if portal.deaths[-1:] == [point] and portal.deaths.count(point) >= times:
            return
    raise AssertionError(f"none died {point}: {portal.deaths}")


async def test_what_a_process_stated_before_its_first_page_was_known_is_settled(
    tmp_path: Path,
) -> None:
    portal = site(tmp_path)
    gone, corrected, _ = CODES[:3]
    await portal.read(death=7)
    await die(portal, "after events")
    assert gone in merge_all(portal.log.events)
    portal.rows[corrected] = Row(Fact(corrected, "H37.107"), 1, BEGIN)  # in the same instant
    del portal.rows[gone]
    portal.clock.advance(5)
    await portal.read()
    dossiers = merge_all(portal.log.events)

    assert is_removed(dossiers[gone].transitions)
    assert dossiers[corrected].agency == "H37.107"


async def test_a_letter_that_a_yaml_closed_is_open_again_when_the_yaml_is_taken_back(
    tmp_path: Path,
) -> None:
    portal = site(tmp_path)
    portal.rows[CODES[0]] = Row(Fact(CODES[0]), 1, BEGIN, odd=True)
    await portal.read()
    assert 1 == len(portal.log.open())
    portal.lenient = True
    await die(portal, "before closed")
    assert [] == portal.log.open()
    portal.lenient = False
    await portal.read()  # from the second page on
    await portal.read()

    assert [f"/dossiers#{CODES[0]}"] == [letter.origin for letter in portal.log.open()]


async def test_that_a_listing_was_not_believed_is_known_after_a_restart(tmp_path: Path) -> None:
    portal = site(tmp_path)
    portal.rows = {code: Row(Fact(code), 1, BEGIN) for code in CODES}
    await portal.read()
    portal.rows = {code: Row(Fact(code), 1, BEGIN) for code in CODES[:3]}
    portal.clock.advance(5)
    await portal.read()
    assert "27 of 30 known dossiers" in portal.report.not_removed
    await portal.read(pages=1)

    assert "27 of 30 known dossiers" in portal.report.not_removed
    portal.rows = {code: Row(Fact(code), 1, BEGIN) for code in CODES}
    portal.clock.advance(5)
    await portal.read()
    assert "" == portal.report.not_removed
