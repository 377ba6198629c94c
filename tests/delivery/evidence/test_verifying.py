"""Verification of a real store: whatever is done to it past our code is found and named."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from lgsp.delivery.evidence.verifying import Verified, verify_all, verify_dossier
from lgsp.domain.evidence.chain import ChainHead
from lgsp.domain.evidence.row import (
    EvidenceEntry,
    EvidenceKind,
    EvidenceRow,
    Judged,
    beginning,
    chained,
)
from lgsp.store.evidence.keeping import append, erase, stored_head
from lgsp.store.evidence.opening import open_evidence
from tests.delivery.evidence.harm import put, replace_all, rows_in

AT = 1_720_141_200_000
ONE, TWO = "H37.1-240705-0001", "H37.2-240705-0002"
OTHERS = {
    "seq": 99,
    "previous": 70,
    "layout": 3,
    "at": AT + 5,
    "millis": 5,
    "http": 500,
    "hash": b"\x01" * 32,
    "sealed_hash": b"\x02" * 32,
    "sealed": b"other",
}


def entries() -> list[EvidenceEntry]:
    made = []
    for n, code in enumerate([ONE, TWO, ONE]):
        call = f"{n:016x}"
        made += [
            EvidenceEntry(
                AT, EvidenceKind.READ, code, "TraCuuHoSo", f"r{n}", judged=Judged.REFUSED, code="4"
            ),
            EvidenceEntry(
                AT, EvidenceKind.ASKED, code, "DongBoHoSoMC", call, "w", "4", sealed=b"sealed"
            ),
            EvidenceEntry(
                AT, EvidenceKind.ANSWERED, code, "DongBoHoSoMC", call, "w", "", 200, "0", "được"
            ),
        ]
    return made


@pytest.fixture
def kept(evidence: Engine) -> Engine:
    """Nine rows, written in two transactions."""
    for part in (entries()[:4], entries()[4:]):
        with evidence.begin() as connection:
            append(connection, part, AT)
    return evidence


def said(found: Verified) -> str:
    return "; ".join(f"{fault.seq} {fault.what}" for fault in found.faults)


def test_what_was_written_verifies_as_a_whole_and_dossier_by_dossier(kept: Engine) -> None:
    head = stored_head(kept)
    steps: list[tuple[int, int]] = []
    found = verify_all(kept, [head], lambda *at: steps.append(at))

    assert (9, 2, [], True) == (found.rows, found.dossiers, list(found.faults), found.good)
    assert (9, head) == (found.head.seq, found.newest)
    assert steps[-1] == (9, 9)
    for code, rows in ((ONE, 6), (TWO, 3), ("unknown", 0)):
        of_one = verify_dossier(kept, code, [head])
        assert (rows, "") == (of_one.rows, said(of_one))


def test_every_column_of_a_row_of_each_kind_changed_one_by_one_is_found(kept: Engine) -> None:
    # Of every row: tests/domain/evidence, without a disk to wait for.
    for row in rows_in(kept)[3:6]:
        for column in EvidenceRow._fields:
            before = getattr(row, column)
            put(kept, row.seq, column, OTHERS.get(column, "another"))
            assert not verify_all(kept, []).good, (row.seq, column)
            if column not in {"dossier", "seq"}:
                assert not verify_dossier(kept, row.dossier, []).good, (row.seq, column)
            put(kept, OTHERS["seq"] if column == "seq" else row.seq, column, before)  # type: ignore[arg-type]
    assert verify_all(kept, []).good


def test_every_row_deleted_one_by_one_is_found(kept: Engine) -> None:
    rows = rows_in(kept)
    for row in rows:
        replace_all(kept, [each for each in rows if each is not row])
        assert said(verify_all(kept, [])).startswith(f"{row.seq} row {row.seq} is missing")
        assert not verify_dossier(kept, row.dossier, []).good


def test_two_rows_swapped_are_found(kept: Engine) -> None:
    rows = rows_in(kept)
    for a in range(9):
        for b in range(a + 1, 9):
            swapped = rows[:]
            swapped[a] = rows[b]._replace(seq=rows[a].seq)
            swapped[b] = rows[a]._replace(seq=rows[b].seq)
            replace_all(kept, swapped)
            assert not verify_all(kept, []).good, (a, b)


def test_a_row_inserted_is_found_though_all_after_it_are_numbered_anew(kept: Engine) -> None:
    rows = rows_in(kept)
    for n in range(9):
        false = chained(entries()[0], n + 1, rows[n - 1].hash, None)
        after = [row._replace(seq=row.seq + 1) for row in rows[n:]]
        replace_all(kept, [*rows[:n], false, *after])
        with kept.begin() as connection:
            connection.execute(text("UPDATE evidence_head SET seq = 10"))
        assert not verify_all(kept, []).good, n


def test_an_end_cut_off_with_the_head_set_back_is_found_by_what_was_published(
    kept: Engine,
) -> None:
    published, rows = stored_head(kept), rows_in(kept)
    cut(kept, rows[:6])

    assert verify_all(kept, []).good  # nothing in the store itself can tell
    whole, of_one = (verify_all(kept, [published]), verify_dossier(kept, TWO, [published]))
    assert "9 the end is cut off: the head published last is of row 9" == said(whole)
    assert said(of_one) == said(whole)


def cut(engine: Engine, rows: list[EvidenceRow]) -> None:
    replace_all(engine, rows)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE evidence_head SET seq = :seq, hash = :hash"),
            {"seq": rows[-1].seq, "hash": rows[-1].hash},
        )


def test_rows_written_anew_from_a_forged_one_on_are_found_by_what_was_published(
    kept: Engine,
) -> None:
    published, rows = stored_head(kept), rows_in(kept)
    before, forged = beginning(published.store), []
    last: dict[str, tuple[int, bytes]] = {}
    for row in rows:
        entry = EvidenceEntry(*[getattr(row, name) for name in EvidenceEntry._fields])
        entry = entry._replace(statuses="9") if row.seq == 2 else entry
        made = chained(entry, row.seq, before, last.get(row.dossier))
        last[row.dossier], before = (made.seq, made.hash), made.hash
        forged.append(made)
    cut(kept, forged)

    assert verify_all(kept, []).good
    assert "row 9 is not the one whose hash was published" in said(verify_all(kept, [published]))
    old = ChainHead(published.store, 3, rows[2].hash, AT)
    later = ChainHead(published.store, 9, forged[-1].hash, AT)  # forged in the topic, too
    assert "row 3 is not the one" in said(verify_all(kept, [old, later]))


def test_an_old_copy_put_back_is_found(tmp_path: Path) -> None:
    file, copy = tmp_path / "evidence.db", tmp_path / "copy.db"
    opened = open_evidence(f"sqlite:///{file}")
    with opened.begin() as connection:
        append(connection, entries()[:3], AT)
    opened.dispose()
    shutil.copy(file, copy)
    opened = open_evidence(f"sqlite:///{file}")
    with opened.begin() as connection:
        append(connection, entries()[3:], AT)
    published = stored_head(opened)
    opened.dispose()
    shutil.copy(copy, file)
    opened = open_evidence(f"sqlite:///{file}")

    assert "9 the end is cut off" in said(verify_all(opened, [published]))
    opened.dispose()


def test_a_store_begun_anew_is_told_by_the_heads_of_the_one_before(
    kept: Engine,
) -> None:
    before = ChainHead("0123456789ab", 70, b"\x07" * 32, AT)
    found = verify_all(kept, [before, before._replace(seq=60), stored_head(kept)])

    assert ([], [before], False) == (list(found.faults), list(found.missing), found.good)
    lost = EvidenceEntry(
        AT, EvidenceKind.HAND, "", "lost", who="nam", message="cháy", theirs=before.store
    )
    with kept.begin() as connection:
        append(connection, [lost], AT)
    assert verify_all(kept, [before]).good


def test_an_erased_payload_is_gone_and_its_hash_stands(kept: Engine) -> None:
    order = EvidenceEntry(AT, EvidenceKind.ERASED, ONE, "erase", who="nam", message="theo yêu cầu")
    done = erase(kept, order)
    found, of_one = verify_all(kept, []), verify_dossier(kept, ONE, [])

    assert (2, 10) == (done.payloads, done.seq)
    assert [None, None] == [row.sealed for row in rows_in(kept) if row.seq in {2, 8}]
    assert (True, 2) == (found.good, found.erased)
    assert (True, 2) == (of_one.good, of_one.erased)

    put(kept, 5, "sealed", None)
    assert "5 its payload is gone, and no row says that it was erased" == said(
        verify_all(kept, [])
    )


def test_nothing_of_an_erased_payload_is_left_in_the_files(tmp_path: Path) -> None:
    file = tmp_path / "evidence.db"
    opened = open_evidence(f"sqlite:///{file}")
    secret = b"what-is-to-be-forgotten" * 40
    with opened.begin() as connection:
        append(connection, [EvidenceEntry(AT, EvidenceKind.ASKED, ONE, "s", sealed=secret)], AT)
    held = b"".join(part.read_bytes() for part in tmp_path.iterdir())
    erase(opened, EvidenceEntry(AT, EvidenceKind.ERASED, ONE, "erase"))
    left = b"".join(part.read_bytes() for part in tmp_path.iterdir())
    opened.dispose()

    assert secret in held
    assert b"what-is-to-be-forgotten" not in left
