"""The contract suite fails connectors that break its promises: one that pages by number does."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel
from tests.connectors.kit.test_rejects import event

from lgsp.domain.event import DossierEvent, with_id
from lgsp_connectors.kit.config import Strict
from lgsp_connectors.kit.contract import Connector, Cursor, Page, Record
from lgsp_connectors.kit.suite import ConnectorContract

_ROWS = 10
_START = 1_720_142_100_000


class NaivePages:
    """Reads a list oldest change first, one numbered page after the other, as many do."""

    name: ClassVar[str] = "naive"
    settings: ClassVar[type[BaseModel]] = Strict

    def __init__(self, portal: "NaiveRig") -> None:
        self._portal = portal

    def start(self, since: int | None) -> Cursor:
        return {"page": "0"}

    async def fetch(self, cursor: Cursor) -> Page:
        number = int(cursor["page"])
        rows = self._portal.page(number)
        records = [Record(f"page {number}", row, 0) for row in rows]
        after = {"page": str(number + 1)} if len(rows) == _ROWS else cursor
        return Page(records, after, len(rows) < _ROWS)

    def to_events(self, record: Record) -> Sequence[DossierEvent]:
        at = record.data["at"]
        return [with_id(replace(event(record.data), occurred_at=at, observed_at=at))]

    async def close(self) -> None:
        pass


class NaiveRig:
    """A list in memory, the oldest change first."""

    secrets: tuple[str, ...] = ("NGUYEN VAN TEST",)

    def __init__(self) -> None:
        self.rows = {f"H37.12-240705-{i:04d}": _START + i for i in range(35)}
        self.codes = set(self.rows)
        self.clock, self.moved = _START + 100, 3

    def page(self, number: int) -> list[Mapping[str, Any]]:
        rows = sorted(self.rows.items(), key=lambda row: row[1])
        page = rows[number * _ROWS : (number + 1) * _ROWS]
        return [{"code": code, "at": at} for code, at in page]

    def connector(self) -> Connector:
        return NaivePages(self)

    def change(self) -> str:
        code = sorted(self.rows)[self.moved % len(self.rows)]
        self.moved += 13
        self.clock += 1
        self.rows[code] = self.clock
        return code

    def spoil(self) -> None:
        raise NotImplementedError

    def spoil_all(self) -> None:
        raise NotImplementedError


async def test_a_list_that_stands_still_hides_what_is_wrong_with_it() -> None:
    suite = ConnectorContract()
    await suite.test_snapshot_reads_every_dossier_once(NaiveRig())
    await suite.test_stop_signal_leaves_a_valid_checkpoint(NaiveRig())


async def test_a_list_that_moves_shows_it() -> None:
    with pytest.raises(AssertionError):
        await ConnectorContract().test_misses_nothing_while_dossiers_move_and_it_is_killed(
            NaiveRig()
        )
