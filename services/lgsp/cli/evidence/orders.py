"""Keeps evidence of orders that a person gives to the sync, under the codes of the portal."""

import struct
from collections.abc import Iterable, Sequence
from contextlib import suppress

from sqlalchemy import Connection, select

from lgsp.delivery.evidence.recorder import order_of
from lgsp.domain.evidence.row import EvidenceEntry
from lgsp.national.wire import national_code
from lgsp.runtime.clock import now_ms
from lgsp.runtime.settings import Settings
from lgsp.store.evidence.keeping import append
from lgsp.store.evidence.opening import open_evidence
from lgsp.store.rates.layout import decode
from lgsp.store.sync.tables import QUEUE

_AT_ONCE = 500


def keep_orders(
    settings: Settings,
    queue: Connection,
    name: str,
    codes: Iterable[str],
    who: str,
    why: str,
) -> None:
    """Keep, durably, that this order was given for each dossier.

    It comes before the queue's transaction ends: an order that is carried out is always kept.

    Args:
        settings: say where evidence is kept.
        queue: to the store of the sync.
        name: of the order.
        codes: as the queue has them.
        who: gave it; "": the user of the operating system.
        why: in his words.

    Raises:
        StoreAway: it cannot be kept now.
    """
    now = now_ms()
    there = codes_there(queue, sorted(set(codes)))
    keep(settings, [order_of(code, name, who, why, now) for code in there.values()])


def keep(settings: Settings, entries: Sequence[EvidenceEntry]) -> None:
    """Append entries, if there are any."""
    if not entries:
        return
    engine = open_evidence(settings.evidence_store)
    try:
        with engine.begin() as connection:
            append(connection, entries, now_ms())
    finally:
        engine.dispose()


def codes_there(queue: Connection, codes: Sequence[str]) -> dict[str, str]:
    """Return by which code the national portal knows each dossier; ours where that is not told."""
    found = {code: code for code in codes}
    for start in range(0, len(codes), _AT_ONCE):
        some = codes[start : start + _AT_ONCE]
        query = select(QUEUE.c.code, QUEUE.c.dossier).where(QUEUE.c.code.in_(some))
        for code, encoded in queue.execute(query):
            with suppress(ValueError, IndexError, struct.error):  # of another layout: our code
                found[code] = national_code(decode(code, encoded))
    return found
