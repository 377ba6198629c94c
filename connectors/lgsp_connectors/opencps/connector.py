"""The `opencps` connector: dossiers of an OpenCPS v2 portal, by its REST list, newest first."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from pydantic import BaseModel

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.domain.event import DossierEvent
from lgsp_connectors.kit.contract import Context, Cursor, Page, Record, Word
from lgsp_connectors.kit.http import Client
from lgsp_connectors.kit.mapping.times import compile_format
from lgsp_connectors.kit.walk.newest import Newest
from lgsp_connectors.kit.walk.window import Ask, Listed, Window
from lgsp_connectors.opencps.mapping import DATE_FORM, make_mapper
from lgsp_connectors.opencps.reply import id_of, rows_of
from lgsp_connectors.opencps.settings import STARTER, OpenCpsSettings


class OpenCps:
    """Polls the list, which has no "changed since", as `kit.walk.newest` walks it."""

    name: ClassVar[str] = "opencps"
    settings: ClassVar[type[BaseModel]] = OpenCpsSettings
    starter: ClassVar[str] = STARTER
    order: ClassVar[str] = "modifiedDate: the dossier as it changed last wins"

    def __init__(self, settings: OpenCpsSettings, context: Context) -> None:
        source = self._source = settings.source
        self._context = context
        self._date = compile_format(DATE_FORM, source.timezone)
        self._client = Client(
            source.url,
            headers={"groupId": source.group_id},
            auth=source.auth,
            timeout=source.timeout_seconds,
            rate=source.requests_per_second,
        )
        self._walk = Newest(
            rows=source.page_rows,
            overlap=source.overlap_minutes * 60_000,
            full_every=int(source.full_pass_hours * 3_600_000),
            clock=context.clock,
        )
        self._mapper = make_mapper(settings, context)

    def start(self, since: int | None) -> Cursor:
        """Start at the top of the list; `since` ends the first pass there, else it reads all."""
        return self._walk.start(since)

    async def fetch(self, cursor: Cursor) -> Page:
        """Read one page of the pass that the cursor stands in."""
        page = await self._walk.fetch(cursor, self._read)
        return page if self._source.complete else replace(page, listing=None)

    async def _read(self, ask: Ask) -> Window:
        source = self._source
        reply = await self._client.get_json(
            source.path,
            {
                "start": str(ask.start),
                "end": str(ask.start + ask.rows),
                "sort": source.sort,
                "order": "desc",
            },
        )
        rows, total = rows_of(reply)
        place = f"{source.url}{source.path}?start={ask.start}"
        return Window(ask.start, [self._listed(row, place) for row in rows], total)

    def _listed(self, row: Any, place: str) -> Listed:
        id_ = id_of(row)
        origin, now = f"{place}#{id_}", self._context.clock()
        if isinstance(row, dict):
            return Listed(id_, self._changed_at(row), Record(origin, row, now))
        fault = RejectedRecord(RejectReason.UNREADABLE, detail="a row that is no object")
        return Listed(id_, None, Record(origin, row, now, fault))

    def to_events(self, record: Record) -> Sequence[DossierEvent]:
        """Derive the transitions of one snapshot of a dossier.

        One without a number is not accepted yet: it states nothing until it has its code.
        """
        row = record.data
        if not row.get("dossierNo") and row.get("dossierStatus") in ("new", "receiving"):
            return ()
        return self._mapper.events(record)

    def words(self, record: Record) -> Sequence[Word]:
        """Give the words of a dossier that are looked up."""
        return () if record.fault else self._mapper.words(record)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _changed_at(self, row: Mapping[str, Any]) -> int | None:
        try:
            return self._date(row["modifiedDate"])
        except (KeyError, ValueError, TypeError):
            return None  # the mapping rejects the record and says why
