"""Checks a chain of evidence, row by row in order: what was changed, taken out, put in, cut off.

A fault is told once, at the row where it is seen: what follows is checked on from what the store
says. Whoever may write could hash all anew from a changed row on: that is found by the heads that
were published meanwhile.
"""

from collections.abc import Iterable
from typing import NamedTuple

from lgsp.domain.evidence.row import NOTHING, EvidenceKind, EvidenceRow, hash_of, hash_sealed

_MOST_FAULTS = 1000  # kept; all are counted
_CHANGED = "is not what was hashed when it was written"


class ChainHead(NamedTuple):
    """The end of the chain at one moment: last row and its hash; `at` is ms UTC.

    `seq` is 0 and `hash` the store's beginning before the first row.
    """

    store: str
    seq: int
    hash: bytes
    at: int


class Damage(NamedTuple):
    """What is wrong at a row; `dossier` and `at` (ms UTC) as it says, "" and 0 when it is gone."""

    seq: int
    dossier: str
    at: int
    what: str


class Chain:
    """Takes the rows of one store from the first to the last.

    Args:
        beginning: what stands for the hash before the first row.
        heads: what was published of this store, in any order.
    """

    def __init__(self, beginning: bytes, heads: Iterable[ChainHead] = ()) -> None:
        self.faults: list[Damage] = []
        self.fault_count = 0
        self.rows = self.erased = 0
        self.seq, self.hash = 0, beginning
        self._certain = True  # `hash` is that of the row before
        self._dossiers: dict[str, tuple[int, bytes]] = {}
        self._open: dict[str, int] = {}  # calls that were asked -> seq
        self._without: dict[
            str, list[EvidenceRow]
        ] = {}  # rows whose payload is not there, by dossier
        self._gaps: list[tuple[int, int]] = []
        self._heads: dict[int, list[ChainHead]] = {}
        for head in sorted(heads, key=lambda each: each.seq):
            self._heads.setdefault(head.seq, []).append(head)
        self._newest = max(self._heads, default=0)
        self._compare(0)

    @property
    def dossiers(self) -> int:
        """How many dossiers the rows seen are of."""
        return len(self._dossiers) - ("" in self._dossiers)

    @property
    def unanswered(self) -> list[int]:
        """Rows of calls of which no answer is known."""
        return sorted(self._open.values())

    def take(self, row: EvidenceRow) -> None:
        """Check the next row."""
        self.rows += 1
        if row.seq <= self.seq:
            self._fault(row, "stands where another row stands, or out of its order")
            return
        if row.seq > self.seq + 1:
            self._note_gap(self.seq + 1, row.seq - 1)
        previous = self._previous(row)
        if self._certain and previous is not None:
            self._check_hash(row, previous)
        self._check_payload(row)
        if row.kind == EvidenceKind.ASKED:
            self._open[row.call] = row.seq
        elif row.kind == EvidenceKind.ANSWERED:
            self._open.pop(row.call, None)
        elif row.kind == EvidenceKind.ERASED:
            self.erased += len(self._without.pop(row.dossier, ()))
        self.seq, self.hash, self._certain = row.seq, row.hash, True
        self._dossiers[row.dossier] = (row.seq, row.hash)
        if row.seq in self._heads:
            self._compare(row.seq)

    def skip_to(self, seq: int, hashed: bytes | None) -> None:
        """Leave rows of others out, up to this one; its hash as the store says, None: it is gone.

        So the rows of one dossier can be checked by themselves.
        """
        self.seq, self.hash, self._certain = seq, hashed or NOTHING, hashed is not None
        if hashed is None:
            self._note_gap(seq, seq)

    def check_next(self, row: EvidenceRow, dossier_before: bytes | None) -> None:
        """Check that a row of others was hashed over the last one taken; None: cannot be told."""
        if dossier_before is not None and self._certain:
            self._check_hash(row, dossier_before, "was hashed over another row before it")

    def add_fault(self, what: str, seq: int, at: int = 0) -> None:
        """Add what was found in another way; `at` in ms UTC."""
        self._fault(None, what, at=at, seq=seq)

    def check_payloads(self) -> None:
        """Tell the payloads that are gone though no row says that they were erased."""
        for rows in self._without.values():
            for row in rows:
                self._fault(row, "its payload is gone, and no row says that it was erased")

    def finish(self, head: ChainHead) -> None:
        """Check that the rows end where the store says, and not before any published head."""
        if head.seq > self.seq:
            self._note_gap(self.seq + 1, head.seq)
        elif (head.seq, head.hash) != (self.seq, self.hash):
            self._fault(None, f"the store's own head is of row {head.seq}, and is another one")
        self.check_payloads()
        if self._newest > max(self.seq, head.seq):
            cut = self._heads[self._newest][-1]
            self._fault(
                None,
                f"the end is cut off: the head published last is of row {self._newest}",
                at=cut.at,
                seq=self._newest,
            )

    def _previous(self, row: EvidenceRow) -> bytes | None:
        """Return the hash of the dossier's row before, None when that one is missing."""
        known, dossier_before = self._dossiers.get(row.dossier, (0, NOTHING))
        if row.previous == known:
            return dossier_before
        if not any(first <= row.previous <= last for first, last in self._gaps):
            self._fault(
                row, f"says that row {row.previous} is the dossier's one before, and it is {known}"
            )
        return None

    def _check_hash(self, row: EvidenceRow, dossier_before: bytes, what: str = _CHANGED) -> None:
        try:
            right = hash_of(row, self.hash, dossier_before)
        except (TypeError, ValueError, AttributeError):  # a type or a text that none of ours has
            right = b""
        if right != row.hash:
            self._fault(row, what)

    def _check_payload(self, row: EvidenceRow) -> None:
        if row.sealed is not None:
            try:
                right = hash_sealed(row.sealed)
            except TypeError:
                right = b""
            if right != row.sealed_hash:
                self._fault(row, "its payload is not what was hashed when it was written")
        elif row.sealed_hash:
            self._without.setdefault(row.dossier, []).append(row)

    def _note_gap(self, first: int, last: int) -> None:
        rows = f"row {first} is" if first == last else f"rows {first} to {last} are"
        self._gaps.append((first, last))
        self._certain = False
        self._fault(None, f"{rows} missing", seq=first)

    def _compare(self, seq: int) -> None:
        for head in self._heads.get(seq, ()):
            if head.hash != self.hash:
                self._fault(
                    None,
                    f"row {seq} is not the one whose hash was published",
                    at=head.at,
                    seq=seq,
                )
                return

    def _fault(self, row: EvidenceRow | None, what: str, *, at: int = 0, seq: int = 0) -> None:
        self.fault_count += 1
        if len(self.faults) >= _MOST_FAULTS:
            return
        if row is None:
            self.faults.append(Damage(seq or self.seq, "", at, what))
        else:
            at = row.at if isinstance(row.at, int) else 0
            self.faults.append(Damage(row.seq, str(row.dossier), at, what))
