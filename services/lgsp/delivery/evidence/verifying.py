"""Verifies a store of evidence: every row, or one dossier's with their links in the whole."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Engine

from lgsp.domain.evidence.chain import Chain, ChainHead, Damage
from lgsp.domain.evidence.row import NOTHING, beginning
from lgsp.store.engine import snapshot
from lgsp.store.evidence.keeping import read_head
from lgsp.store.evidence.reading import all_rows, count_rows, linked_rows, lost_stores

_TELL_EVERY = 5000  # rows
LOST = "lost"
"""The order by which a person says that another store's evidence is gone for good."""


class Verified(NamedTuple):
    """What a verification found.

    Args:
        head: of the store.
        rows: looked at.
        dossiers: that they are of.
        faults: the first thousand.
        fault_count: of all.
        unanswered: rows of calls of which no answer is known.
        erased: payloads that were erased by order; their hashes stand.
        newest: the published head of this store that is of the most rows.
        missing: newest heads of other stores, which are not here and were not said to be lost.
    """

    head: ChainHead
    rows: int
    dossiers: int
    faults: Sequence[Damage]
    fault_count: int
    unanswered: Sequence[int]
    erased: int
    newest: ChainHead | None
    missing: Sequence[ChainHead]

    @property
    def good(self) -> bool:
        """Whether nothing was changed, and nothing is missing."""
        return not (self.fault_count or self.missing)


def verify_all(
    engine: Engine,
    heads: Iterable[ChainHead],
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Verified:
    """Check every row, the end, and what was published; writers go on meanwhile.

    Args:
        engine: the store.
        heads: as they were published, of whatever store; read before this is called.
        progress: called with rows done and all rows, now and then.

    Raises:
        FatalError: the store has lost its head.
    """
    published = list(heads)
    with snapshot(engine) as connection:
        head = read_head(connection)
        ours = [each for each in published if each.store == head.store]
        chain, total = Chain(beginning(head.store), ours), count_rows(connection)
        for row in all_rows(connection):
            chain.take(row)
            if chain.rows % _TELL_EVERY == 0:
                progress(chain.rows, total)
        chain.finish(head)
        progress(total, total)
        return _verified(connection, chain, head, published)


def verify_dossier(engine: Engine, code: str, heads: Iterable[ChainHead]) -> Verified:
    """Check a dossier's rows, the row before and after each in the whole, and the end of it.

    A row that was taken from one dossier and given to another is found by `verify_all` only.
    """
    published = list(heads)
    with snapshot(engine) as connection:
        head = read_head(connection)
        chain = Chain(beginning(head.store))
        for linked in linked_rows(connection, code):
            row, after = linked.row, linked.after
            before = beginning(head.store) if row.seq == 1 else linked.before
            chain.skip_to(row.seq - 1, before)
            chain.take(row)
            if after is not None:
                first = after.previous == 0
                chain.check_next(after, NOTHING if first else linked.after_previous)
            elif head.seq > row.seq:
                chain.skip_to(row.seq + 1, None)
        chain.check_payloads()
        _check_ends(connection, chain, head, published)
        return _verified(connection, chain, head, published)


def _check_ends(
    connection: Connection, chain: Chain, head: ChainHead, published: Sequence[ChainHead]
) -> None:
    """Check what can be told of the whole without reading it: no gap, and the published end."""
    ours = [each for each in published if each.store == head.store]
    newest = max(ours, key=lambda each: each.seq, default=None)
    there = count_rows(connection)
    if there != head.seq:
        chain.add_fault(
            f"{head.seq - there} of {head.seq} rows are missing in the whole", head.seq
        )
    if newest is not None and newest.seq > head.seq:
        chain.add_fault(
            f"the end is cut off: the head published last is of row {newest.seq}",
            newest.seq,
            newest.at,
        )


def _verified(
    connection: Connection, chain: Chain, head: ChainHead, published: Sequence[ChainHead]
) -> Verified:
    newest: dict[str, ChainHead] = {}
    for each in published:
        if each.store not in newest or each.seq > newest[each.store].seq:
            newest[each.store] = each
    ours = newest.pop(head.store, None)
    lost = lost_stores(connection, LOST)
    return Verified(
        head,
        chain.rows,
        chain.dossiers,
        chain.faults,
        chain.fault_count,
        chain.unanswered,
        chain.erased,
        ours,
        [each for store, each in sorted(newest.items()) if store not in lost],
    )
