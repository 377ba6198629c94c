"""The chain of evidence: whatever is done to a row is found, and told where it is seen."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.domain.evidence.chain import Chain, ChainHead
from lgsp.domain.evidence.row import (
    NOTHING,
    EvidenceEntry,
    EvidenceKind,
    EvidenceRow,
    Judged,
    beginning,
    chained,
    hashed_text,
)

STORE = "0a1b2c3d4e5f"
AT = 1_720_141_200_000
OTHER: dict[type, Any] = {int: 77, str: "another", bytes: b"another"}


@dataclass
class Kept:
    """A chain as a store writes it."""

    rows: list[EvidenceRow] = field(default_factory=list)

    def add(self, *entries: EvidenceEntry) -> "Kept":
        for entry in entries:
            own = [row for row in self.rows if row.dossier == entry.dossier]
            previous = (own[-1].seq, own[-1].hash) if own else None
            self.rows.append(chained(entry, len(self.rows) + 1, self.head.hash, previous))
        return self

    @property
    def head(self) -> ChainHead:
        hashed = self.rows[-1].hash if self.rows else beginning(STORE)
        return ChainHead(STORE, len(self.rows), hashed, AT)


def kept() -> Kept:
    """Two calls and a read of two dossiers, by turns, and an order."""
    entries = []
    for n, code in enumerate(["H37.1-240705-0001", "H37.2-240705-0002"] * 2):
        call = f"{n:016x}"
        entries += [
            EvidenceEntry(
                AT + n, EvidenceKind.READ, code, "TraCuuHoSo", call=f"r{n}", judged=Judged.REFUSED
            ),
            EvidenceEntry(
                AT + n, EvidenceKind.ASKED, code, "DongBoHoSoMC", call, "w", "4", sealed=b"s" * n
            ),
            EvidenceEntry(
                AT + n, EvidenceKind.ANSWERED, code, "DongBoHoSoMC", call, "w", http=200, code="0"
            ),
        ]
    entries.append(
        EvidenceEntry(
            AT, EvidenceKind.HAND, "H37.1-240705-0001", "resend", who="nam", message="vì"
        )
    )
    return Kept().add(*entries)


def check(rows: Sequence[EvidenceRow], head: ChainHead, heads: Sequence[ChainHead] = ()) -> Chain:
    chain = Chain(beginning(STORE), heads)
    for row in rows:
        chain.take(row)
    chain.finish(head)
    return chain


def said(chain: Chain) -> str:
    return "; ".join(f"{fault.seq} {fault.what}" for fault in chain.faults)


def test_a_chain_as_it_was_written_has_no_fault() -> None:
    whole = kept()
    chain = check(
        whole.rows, whole.head, [whole.head, ChainHead(STORE, 5, whole.rows[4].hash, AT)]
    )

    assert [] == chain.faults
    assert (13, 2, []) == (chain.rows, chain.dossiers, chain.unanswered)
    assert [] == check([], Kept().head).faults


@pytest.mark.parametrize("column", EvidenceRow._fields)
def test_each_column_of_each_row_is_covered(column: str) -> None:
    whole, at = kept(), EvidenceRow._fields.index(column)
    for n, row in enumerate(whole.rows):
        value = row[at]
        if value is None:
            value = b""  # a payload where there was none
        for other in (OTHER[type(value) if type(value) in OTHER else str], None):
            if column == "seq" and other is None:
                continue
            changed = EvidenceRow._make((*row[:at], other, *row[at + 1 :]))
            if changed == row:
                continue
            rows = [*whole.rows[:n], changed, *whole.rows[n + 1 :]]
            assert check(rows, whole.head).fault_count, (n, column, other)


def test_a_changed_row_is_named_and_only_that_one() -> None:
    whole = kept()
    whole.rows[5] = whole.rows[5]._replace(message="đã nhận")

    assert "6 is not what was hashed when it was written" == said(check(whole.rows, whole.head))


def test_a_changed_payload_is_named() -> None:
    whole = kept()
    whole.rows[4] = whole.rows[4]._replace(sealed=b"other")

    assert "5 its payload is not what was hashed when it was written" == said(
        check(whole.rows, whole.head)
    )


@pytest.mark.parametrize("n", range(13))
def test_each_row_that_is_taken_out_is_missed(n: int) -> None:
    whole = kept()
    head = whole.head
    gone = whole.rows.pop(n)

    assert f"{gone.seq} row {gone.seq} is missing" == said(check(whole.rows, head))


def test_rows_that_change_places_are_found() -> None:
    whole = kept()
    for a in range(12):
        rows = whole.rows[:]
        rows[a], rows[a + 1] = (
            rows[a + 1]._replace(seq=a + 1),
            rows[a]._replace(seq=a + 2),
        )
        assert check(rows, whole.head).fault_count, a
    rows = whole.rows[:]
    rows[3], rows[4] = rows[4], rows[3]
    assert "out of its order" in said(check(rows, whole.head))


def test_a_row_put_in_is_found() -> None:
    whole = kept()
    false = EvidenceEntry(AT, EvidenceKind.ANSWERED, "H37.1-240705-0001", "DongBoHoSoMC", "0" * 16)
    for n in range(13):
        before = whole.rows[n - 1].hash if n else beginning(STORE)
        put = chained(false, n + 1, before, None)
        moved = [row._replace(seq=row.seq + 1) for row in whole.rows[n:]]
        head = whole.head._replace(seq=14)
        assert check([*whole.rows[:n], put, *moved], head).fault_count, n


def test_an_end_that_is_cut_off_is_found_by_the_stores_head_and_by_the_published_one() -> None:
    whole = kept()
    cut = Kept(whole.rows[:9])

    assert "10 rows 10 to 13 are missing" == said(check(cut.rows, whole.head))
    assert "13 the end is cut off: the head published last is of row 13" == said(
        check(cut.rows, cut.head, [whole.head])
    )
    assert [] == check(cut.rows, cut.head).faults  # why heads are published


def test_a_store_hashed_anew_from_a_changed_row_on_differs_from_what_was_published() -> None:
    whole = kept()
    false = Kept()
    for n, row in enumerate(whole.rows):
        entry = EvidenceEntry(*[getattr(row, name) for name in EvidenceEntry._fields])
        false.add(entry._replace(message="forged") if n == 4 else entry)

    assert [] == check(false.rows, false.head).faults
    published = [ChainHead(STORE, n, whole.rows[n - 1].hash, AT) for n in (3, 8, 13)]
    found = check(false.rows, false.head, published)
    assert "8 row 8 is not the one whose hash was published; 13 row 13" in said(found)


def test_another_stores_rows_are_not_this_ones() -> None:
    whole = kept()
    chain = Chain(beginning("another"))
    for row in whole.rows:
        chain.take(row)

    assert "1 is not what was hashed" in said(chain)


def test_an_erased_payload_is_told_from_one_that_is_gone() -> None:
    whole = kept()
    code = "H37.1-240705-0001"
    without = [
        row._replace(sealed=None) if row.dossier == code and row.sealed else row
        for row in whole.rows
    ]
    gone = check(without, whole.head)
    erased = Kept(without).add(
        EvidenceEntry(AT, EvidenceKind.ERASED, code, "erase", who="nam", message="yêu cầu")
    )
    chain = check(erased.rows, erased.head)

    assert "8 its payload is gone, and no row says that it was erased" == said(gone)
    assert ([], 1) == (chain.faults, chain.erased)

    later = Kept(erased.rows).add(
        EvidenceEntry(AT, EvidenceKind.ASKED, code, "s", "9" * 16, sealed=b"x")
    )
    later.rows[-1] = later.rows[-1]._replace(sealed=None)
    assert "15 its payload is gone" in said(check(later.rows, later.head))


def test_a_call_without_an_answer_is_no_fault_and_is_told() -> None:
    whole = kept().add(
        EvidenceEntry(AT, EvidenceKind.ASKED, "H37.1-240705-0001", "DongBoHoSoMC", "f" * 16)
    )

    assert [14] == check(whole.rows, whole.head).unanswered


def test_the_rows_of_one_dossier_are_checked_by_themselves_and_in_the_whole() -> None:
    whole = kept()
    code = "H37.2-240705-0002"

    def alone(rows: list[EvidenceRow]) -> Chain:
        hashes = {0: beginning(STORE)} | {row.seq: row.hash for row in rows}
        before = {row.seq: hashes.get(row.previous, NOTHING) for row in rows} | {
            row.seq: NOTHING for row in rows if row.previous == 0
        }
        chain = Chain(beginning(STORE))
        for n, row in enumerate(rows):
            if row.dossier != code:
                continue
            chain.skip_to(row.seq - 1, hashes.get(row.seq - 1))
            chain.take(row)
            if n + 1 < len(rows):
                chain.check_next(rows[n + 1], before[rows[n + 1].seq])
        chain.check_payloads()
        return chain

    assert [] == alone(whole.rows).faults

    changed = whole.rows[:]
    changed[4] = changed[4]._replace(statuses="9")
    assert "5 is not what was hashed" in said(alone(changed))

    # Hashed anew with all that follow of this dossier: the rows of the others do not fit.
    rows, last = whole.rows[:], (0, NOTHING)
    for n, row in enumerate(rows):
        if row.dossier == code:
            entry = EvidenceEntry(*[getattr(row, name) for name in EvidenceEntry._fields])
            rows[n] = chained(entry._replace(who="x"), row.seq, rows[n - 1].hash, last)
            last = (row.seq, rows[n].hash)
    assert "7 was hashed over another row before it" in said(alone(rows))

    taken = [row for row in whole.rows if row.seq != 6]
    assert "missing" in said(alone([row for row in whole.rows if row.seq != 4]))
    assert alone(taken).fault_count


def test_the_hash_can_be_made_by_hand() -> None:
    row = kept().rows[4]
    text = hashed_text(row, kept().rows[3].hash, kept().rows[3].hash)

    assert row.hash == hashlib.sha256(text.encode()).digest()
    assert {
        "layout": 1, "seq": 5, "previous": 4, "at": AT + 1, "kind": "asked",
        "dossier": "H37.2-240705-0002", "service": "DongBoHoSoMC", "call": "0" * 15 + "1",
        "who": "w", "statuses": "4", "http": 0, "code": "", "message": "", "theirs": "",
        "judged": "", "millis": 0, "sealed_hash": hashlib.sha256(b"s").hexdigest(),
        "before": kept().rows[3].hash.hex(), "dossier_before": kept().rows[3].hash.hex(),
    } == json.loads(text)  # fmt: skip


def _delete(rows: list[EvidenceRow], n: int) -> list[EvidenceRow]:
    return rows[:n] + rows[n + 1 :]


def _double(rows: list[EvidenceRow], n: int) -> list[EvidenceRow]:
    return rows[: n + 1] + rows[n:]


def _swap(rows: list[EvidenceRow], n: int) -> list[EvidenceRow]:
    return [*rows[:n], rows[-1], *rows[n + 1 : -1], rows[n]] if n < len(rows) - 1 else rows[:n]


def _renumber(rows: list[EvidenceRow], n: int) -> list[EvidenceRow]:
    return [row._replace(seq=at + 1) for at, row in enumerate(_delete(rows, n))]


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.text(max_size=5)), min_size=1),
    st.data(),
    st.sampled_from([_delete, _double, _swap, _renumber]),
)
def test_any_harm_to_any_chain_is_found(
    drawn: list[tuple[str, str]],
    data: st.DataObject,
    harm: Callable[[list[EvidenceRow], int], list[EvidenceRow]],
) -> None:
    whole = Kept().add(
        *[EvidenceEntry(AT, EvidenceKind.READ, code, "s", message=text) for code, text in drawn]
    )
    rows = harm(whole.rows, data.draw(st.integers(0, len(whole.rows) - 1)))

    assert [] == check(whole.rows, whole.head).faults
    assert check(rows, whole.head).fault_count


def test_only_the_first_thousand_faults_are_kept_and_all_are_counted() -> None:
    whole = Kept().add(*[EvidenceEntry(AT, EvidenceKind.READ, "a", "s") for _ in range(1200)])
    chain = check([row._replace(code="x") for row in whole.rows], whole.head)

    assert (1200, 1000) == (chain.fault_count, len(chain.faults))
