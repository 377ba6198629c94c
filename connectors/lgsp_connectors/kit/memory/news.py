"""What a record says that was not stated before: that alone is written to the log."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from lgsp.domain.details import pack
from lgsp.domain.event import (
    LAST_ROW,
    Channel,
    DossierEvent,
    ServiceLevel,
    instant_of,
    statement_of,
    with_id,
)
from lgsp.domain.profiles.registry import PROFILES
from lgsp.domain.status import Status
from lgsp_connectors.kit.memory.entry import ATTRIBUTES, STATUS, Entry, digest, digest_of_file
from lgsp_connectors.kit.memory.filing import Filing

_PAUSING = frozenset().union(*(profile.statuses.suspending for profile in PROFILES.values()))


def news(
    entry: Entry | None,
    events: Sequence[DossierEvent],
    *,
    whole: bool,
    personal: bytes = b"",
    file: str = "",
) -> tuple[list[DossierEvent], Entry]:
    """Give the events of one record that say something new, and the entry afterwards.

    A status that was not stated before is new. Where only attributes changed, one event carries
    them: a register takes the latest statement, whichever event brings it. A pause that the
    source no longer shows is stated once more, as of when it was last shown: that far its length
    is known.

    Of two different words stated at one instant and row, or at one instant by two files, the one
    read later is sent as the later one. An older word than the one that stands is sent as it is,
    once; not when it is of the same instant (a later row of its file has mended it), nor when the
    log does not know that the one that stands was said again since, and would take the older one
    for the last.

    Args:
        entry: what was stated before; None: nothing.
        events: of one dossier, at least one, in the order of the record.
        whole: the record states the whole dossier, not one step of it.
        personal: digest of the personal data, which is sealed anew each time.
        file: that the record stands in.
    """
    before = entry.stated if entry else {}
    filing = entry.filing if entry else Filing()
    now = {_status_digest(event): _attributes_digest(event, personal) for event in events}
    fresh = [event for event in events if _status_digest(event) not in before]
    if not fresh and any(before[status] != attributes for status, attributes in now.items()):
        fresh = [events[-1]]
    if not whole:
        return fresh, Entry({**before, **now}, filing=filing)
    last = events[-1]
    said = 0 if last.stated_at is None else statement_of(last)
    if entry and said and said < entry.said and not entry.ties(last, file):
        of_now = instant_of(said) == instant_of(entry.said)
        if of_now or said >= entry.written or said == entry.aside:
            return [], entry
        return fresh, entry._replace(aside=said)
    stated_at = last.occurred_at if last.stated_at is None else last.stated_at
    written = entry.written if entry else 0
    if fresh and said:
        written = max(said, written + 1)
        if written != said:
            fresh = [_stated(event, written) for event in fresh]
    pauses = last.status in _PAUSING
    if entry and entry.paused and last.status != entry.paused and entry.shown_at < stated_at:
        fresh = [_shown_then(entry, last), *fresh]
    paused, shown_at = (int(last.status), stated_at) if pauses else (0, 0)
    aside = entry.aside if entry else 0
    told_by = digest_of_file(file)
    return fresh, Entry(now, paused, shown_at, said, written, aside, told_by, filing)


def _stated(event: DossierEvent, order: int) -> DossierEvent:
    """Give the event with another order of its statement."""
    at, row = instant_of(order), order & LAST_ROW
    return with_id(replace(event, stated_at=at, stated_row=row))


class Source(NamedTuple):
    """Who speaks: portal and province; and when it was heard (ms UTC)."""

    portal: str
    province: str
    observed_at: int


def gone(code: str, source: Source, at: int) -> DossierEvent:
    """Give the event that says the source no longer holds the dossier `code`.

    Args:
        code: of the dossier.
        source: who says so.
        at: when it stated it by not listing the dossier (ms UTC).
    """
    bare = _bare(source, code, "", Status.UNKNOWN, at)
    return with_id(replace(bare, removed=True))


def _shown_then(entry: Entry, last: DossierEvent) -> DossierEvent:
    source = Source(last.portal, last.province, last.observed_at)
    status = Status(entry.paused)
    return with_id(_bare(source, last.dossier_code, last.agency, status, entry.shown_at))


def _bare(source: Source, code: str, agency: str, status: Status, at: int) -> DossierEvent:
    """Make an event that states a status alone."""
    return DossierEvent(
        portal=source.portal,
        province=source.province,
        dossier_code=code,
        agency=agency,
        service_level=ServiceLevel.UNKNOWN,
        channel=Channel.UNKNOWN,
        status=status,
        occurred_at=at,
        observed_at=source.observed_at,
        sequence=int(status),
        stated_at=at,
    )


def _status_digest(event: DossierEvent) -> bytes:
    """Digest a status and its time; of what was only observed at the statement, no time."""
    at = event.occurred_at if event.occurred_at != event.stated_at else ""
    return digest(STATUS, int(event.status), event.reopens, at, event.removed)


def _attributes_digest(event: DossierEvent, personal: bytes) -> bytes:
    """Digest all that an event states besides its status.

    A statement's own time counts where each record has one; a file's time does not.
    """
    return digest(
        ATTRIBUTES,
        event.agency,
        event.procedure,
        event.domain,
        int(event.service_level),
        int(event.channel),
        event.submitted_at,
        event.received_at,
        event.due_at,
        event.finished_at,
        event.returned_at,
        event.national_code,
        pack(event.details),
        event.stated_at if event.stated_row == 0 else "",
        personal.hex(),
    )
