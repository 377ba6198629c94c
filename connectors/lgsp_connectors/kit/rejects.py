"""What a connector cannot use: each record is told once, and its letter closes in the end."""

import traceback
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.domain.event import DossierEvent, statement_of
from lgsp.runtime import metrics
from lgsp_connectors.kit.contract import Cursor, Listing, Page, Record, part_of
from lgsp_connectors.kit.memory.fresh import Fresh
from lgsp_connectors.kit.memory.met import LaterWord, Met, digest_of
from lgsp_connectors.kit.memory.standing import StandingRejects
from lgsp_connectors.kit.sink import Sink, payload_of

_MOST_SHOWN = 20  # rejects of one page written out in the log; all are dead letters

Reject = tuple[Record, RejectedRecord]
Stated = Sequence[DossierEvent]


class Rejects:
    """Tells what cannot be used, and closes the letters of what is over.

    Args:
        standing: remembers what was told.
        sink: takes the letters.
        fresh: knows what the portal has said.
        log: of the connector.
    """

    def __init__(self, standing: StandingRejects, sink: Sink, fresh: Fresh, log: Any) -> None:
        self._standing, self._sink, self._fresh, self._log = standing, sink, fresh, log
        self.reading = ""

    def resume(self, token: str, reading: str, yaml: str, cursor: Cursor) -> bool:
        """Begin a run behind a checkpoint; tell whether the memory had to begin anew.

        With another YAML a record is rejected once more: its letter may have been closed by hand.

        Args:
            token: of the memory.
            reading: `reading` as it was then.
            yaml: fingerprint of how records are read now.
            cursor: the connector's own; empty: the source is read from its beginning.
        """
        self.reading = next_reading(reading, yaml)
        anew = self._standing.resume(token, under_way=bool(cursor))
        self._standing.adopt(self._sink.opened())
        return anew

    def take(
        self,
        page: Page,
        used: Sequence[tuple[Record, Stated]],
        rejects: Sequence[Reject],
    ) -> list[Reject]:
        """Tell what of a page is new; note what of it is over. Gives what was told.

        Nothing of a listing behind which a later one has ended stands: that holds all there is.

        Args:
            page: as read.
            used: its records that could be used, with what they state.
            rejects: those that could not.
        """
        standing = self._standing
        standing.begin(page.begun)
        if page.listing is not None and not page.listing.part:
            standing.begin_listing(page.listing.name)
        if standing:
            self._use(page, used)
        outdated = self._fresh.is_outdated(page.listing)
        stand = [] if outdated else self._lasting(page, used, rejects)
        met = [self._met(record, error, page) for record, error in stand]
        is_new = standing.meet(met)
        new = [reject for reject, tell in zip(stand, is_new, strict=True) if tell]
        for number, (record, error) in enumerate(new):
            self._reject(record, error, quietly=number >= _MOST_SHOWN)
        standing.read(page.read)
        standing.lose(page.lost)
        return new

    def listed(self, listing: Listing) -> None:
        """Note that the newest complete listing has ended, and is believed."""
        self._standing.listed(listing.part, listing.at)

    async def close_over(self) -> int:
        """Close the letters of what is over, behind the checkpoint; tell how many were open."""
        over = self._standing.over()
        if not over:
            return 0
        count = self._sink.close(over)
        await self._sink.flush()
        self._standing.closed()
        return count

    def _reject(self, record: Record, error: RejectedRecord, *, quietly: bool) -> None:
        self._sink.reject(record, error)
        metrics.REJECTS.labels("connector", error.reason.value).inc()
        write = self._log.debug if quietly else self._log.warning
        write(
            "record_rejected",
            origin=record.origin,
            reason=error.reason.value,
            field=error.field,
            value=error.value,
            detail=error.detail,
        )

    def _use(self, page: Page, used: Sequence[tuple[Record, Stated]]) -> None:
        words: defaultdict[str, list[LaterWord]] = defaultdict(list)
        for record, stated in used if page.whole else ():
            for code, order in _orders(stated).items():
                words[digest_of(code)].append(LaterWord(_part(record), order))
        loose = [record for record, _ in used if not record.file]
        letters = {self._sink.letter_of(record) for record in loose}
        self._standing.use(words, {_own(record) for record in loose}, letters)

    def _lasting(
        self,
        page: Page,
        used: Sequence[tuple[Record, Stated]],
        rejects: Sequence[Reject],
    ) -> list[Reject]:
        """Leave out what a later word of its dossier, in this page or known, makes up for."""
        codes = {error.dossier_code for _, error in rejects if _made_up_for_by_code(page, error)}
        codes.discard("")
        if not codes:
            return list(rejects)
        place = {id(record): i for i, record in enumerate(page.records)}
        words: defaultdict[str, list[tuple[int, LaterWord]]] = defaultdict(list)
        for record, stated in used:
            for code, order in _orders(stated).items():
                if code in codes:
                    words[code].append((place[id(record)], LaterWord(_part(record), order)))
        said = self._fresh.said(codes)
        lasting = []
        for record, error in rejects:
            code, part = error.dossier_code, _part(record)
            over = _made_up_for_by_code(page, error) and (
                (part and 0 < error.stated < said.get(code, 0))
                or any(
                    at > place[id(record)] and word.makes_up_for(part, error.stated, held=False)
                    for at, word in words[code]
                )
            )
            if over:
                self._log.info("reject_made_up_for", origin=record.origin)
            else:
                lasting.append((record, error))
        return lasting

    def _met(self, record: Record, error: RejectedRecord, page: Page) -> Met:
        number = self.reading.partition("/")[2]
        return Met(
            self._sink.letter_of(record),
            _part(record),
            digest_of(f"{number}\0{error.reason}\0{error.field}"),
            digest_of(error.dossier_code) if page.whole else "",
            _own(record),
            error.stated,
            error.reason is RejectReason.CONFLICT,
            bool(record.file) and not payload_of(record),
            0 if page.listing is None else page.listing.at,
        )


def _made_up_for_by_code(page: Page, error: RejectedRecord) -> bool:
    """Tell whether a later word of the dossier says all that the record should have said."""
    return page.whole and error.reason is not RejectReason.CONFLICT


def _part(record: Record) -> str:
    """Give the file in which a record stands; one from a dead letter says another one's name."""
    file = record.file
    if file and not record.origin.startswith(file):
        file = record.origin.rpartition(":")[0]
    return part_of(file)


def _own(record: Record) -> str:
    """Give what stands for the id that a record of no file has at the portal; "" for none."""
    return "" if record.file else digest_of(record.origin.partition("#")[2])


def _orders(stated: Stated) -> dict[str, int]:
    """Give the order of what a record states of each dossier; 0: nothing orders it."""
    return {
        event.dossier_code: 0 if event.stated_at is None else statement_of(event)
        for event in stated
    }


def next_reading(before: str, yaml: str) -> str:
    """Number the readings of a source: one more each time that another YAML reads it."""
    last, _, number = before.partition("/")
    if last == yaml:
        return before
    return f"{yaml}/{int(number) + 1 if number.isdecimal() else 0}"


def defect(error: Exception) -> RejectedRecord:
    """Say where code failed on a record; never its message, which may quote the record."""
    frames = traceback.extract_tb(error.__traceback__)
    place = next((f for f in reversed(frames) if f.name == "to_events"), frames[-1])
    detail = f"{type(error).__name__} in {_place(frames[-1])}"
    if place is not frames[-1]:
        detail += f", from {_place(place)}"
    return RejectedRecord(RejectReason.DEFECT, detail=detail)


def _place(frame: traceback.FrameSummary) -> str:
    return f"{Path(frame.filename).name}:{frame.lineno} ({frame.name})"
