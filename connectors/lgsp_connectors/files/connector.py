"""The `files` connector: one glob, files in name order, resumed where each was left."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from pydantic import BaseModel

from lgsp.domain.errors import RejectedRecord
from lgsp.domain.event import DossierEvent
from lgsp.runtime.personal import mask_file_name
from lgsp_connectors.files.columns import MappedColumns
from lgsp_connectors.files.look import Look
from lgsp_connectors.files.reader import Reading
from lgsp_connectors.files.settings import FilesSettings
from lgsp_connectors.files.starter import SAMPLE, STARTER
from lgsp_connectors.kit.contract import Context, Cursor, Listing, Page, Record, Word, part_of
from lgsp_connectors.kit.fingerprint import fingerprint
from lgsp_connectors.kit.mapping.row_settings import make_mapper, order_of

_NOT_READING = {"path", "page_rows", "settle_seconds"}  # keys by which no row reads otherwise


class _Halted(Exception):  # noqa: N818 - no fault: the read was called off
    """Reading was called off."""


class Files:
    """Reads CSV, JSON and workbooks, `.gz` of each; the cursor holds one mark a file.

    A file that grew is read on from where it stood; one whose bytes are no longer those that were
    read is read again, which deterministic event ids make harmless. A file that is gone is
    forgotten. What cannot be used is a dead letter of its own, and the other files go on.
    """

    name: ClassVar[str] = "files"
    settings: ClassVar[type[BaseModel]] = FilesSettings
    starter: ClassVar[str] = STARTER
    sample: ClassVar[str] = SAMPLE

    def __init__(self, settings: FilesSettings, context: Context) -> None:
        self._context, self._source = context, settings.source
        self._mapper = make_mapper(settings, context)
        self.order = order_of(settings)
        wanted = list(dict.fromkeys(self._mapper.columns.values()))
        source = settings.source
        self._called_off = threading.Event()
        self._reading = Reading(
            source,
            MappedColumns(wanted, source.skip, source.limits.cell_chars),
            _fingerprint(context),
            context.clock,
            self._halt,
        )
        self._look: Look | None = None

    def start(self, since: int | None) -> Cursor:
        """Start with no file read; `since` leaves out files last changed before it."""
        return Look.start(since)

    async def fetch(self, cursor: Cursor) -> Page:
        """Read up to `page_rows` rows, on into the next files.

        Raises:
            RetryableError: the machine or the mount does not answer.
        """
        self._called_off.clear()
        work = asyncio.ensure_future(asyncio.to_thread(self._read, cursor))
        try:
            page = await asyncio.shield(work)
            return replace(page, whole=self._mapper.whole, listing=self._dated(page.listing))
        except asyncio.CancelledError:
            self._called_off.set()
            await asyncio.wait({work})  # it ends before its next chunk
            work.exception()
            raise

    def to_events(self, record: Record) -> Sequence[DossierEvent]:
        """Map one row and derive its transitions."""
        return self._mapper.events(record)

    def words(self, record: Record) -> Sequence[Word]:
        """Give the words of a row that are looked up in a map."""
        return self._mapper.words(record)

    async def close(self) -> None:
        """Close the open file."""
        if self._look is not None:
            self._look.close()
            self._look = None

    def _read(self, cursor: Cursor) -> Page:
        look = self._look
        if look is None or look.ended or (look.after is not cursor and look.after != cursor):
            if look is not None:
                look.close()
            look = Look(self._context.base, self._reading, cursor)
        self._look = None  # kept only when its page is given: what failed is read again
        try:
            page = look.page()
        except BaseException:
            look.close()
            raise
        self._look = look
        return page

    def _dated(self, listing: Listing | None) -> Listing | None:
        """Date a file's list as its rows are dated; its name may be a person's."""
        if listing is None:
            return None
        name, _, written = listing.name.rpartition("@")
        record = Record(name, {}, listing.at, None, name, listing.at)
        try:
            at = self._mapper.statement(record).at
        except RejectedRecord:  # its name has no time: neither have its rows
            at = None
        at = listing.at if at is None else at
        shown = f"{mask_file_name(name)}@{written}/{part_of(name)[:8]}"
        return replace(listing, name=shown, at=at)

    def _halt(self) -> None:
        if self._called_off.is_set():
            raise _Halted


def _fingerprint(context: Context) -> str:
    """Digest what decides how a row reads: a file read by another YAML is read again."""
    data = {key: value for key, value in context.document.data.items() if key != "run"}
    source = data.get("source")
    if isinstance(source, dict):
        data["source"] = {k: v for k, v in source.items() if k not in _NOT_READING}
    return fingerprint(data, context.base)
