"""The writer: durable in groups, one chain for several; it stops where its store is no more."""

import asyncio
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from lgsp.delivery.evidence.verifying import verify_all
from lgsp.delivery.evidence.writer import EvidenceWriter
from lgsp.domain.errors import FatalError
from lgsp.domain.evidence.row import EvidenceEntry, EvidenceKind
from lgsp.runtime.clock import now_ms
from lgsp.store.evidence.opening import open_evidence
from tests.delivery.evidence.harm import rows_in

CODES = [f"H37.1-240705-{n:04d}" for n in range(7)]


def entry(n: int, who: str = "") -> EvidenceEntry:
    return EvidenceEntry(n, EvidenceKind.ASKED, CODES[n % 7], "s", f"{who}{n}", who, sealed=b"x")


async def write(writer: EvidenceWriter, who: str, count: int) -> None:
    await asyncio.gather(*[writer.write(entry(n, who)) for n in range(count)])


def test_several_writers_keep_one_chain(store_url: str, evidence: Engine) -> None:
    """As several workers on PostgreSQL, and a command beside a worker on SQLite."""

    def work(who: str) -> None:
        own = open_evidence(store_url)
        with EvidenceWriter(own, now_ms) as writer:
            for _ in range(5):
                asyncio.run(write(writer, who, 40))
        own.dispose()

    threads = [threading.Thread(target=work, args=(who,)) for who in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = rows_in(evidence)

    assert 600 == len(rows)
    assert {"a", "b", "c"} == {row.who for row in rows}
    assert verify_all(evidence, []).good


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Engine]:
    opened = open_evidence(f"sqlite:///{tmp_path / 'evidence.db'}")
    yield opened
    opened.dispose()


def test_what_is_left_is_written_as_the_worker_ends(own: Engine) -> None:
    with EvidenceWriter(own, now_ms) as writer:
        for n in range(50):
            writer.leave(entry(n))

    assert 50 == len(rows_in(own))
    with pytest.raises(FatalError, match="the worker ends"):
        writer.leave(entry(51))


def test_an_older_copy_put_back_while_it_is_in_use_ends_the_writer(
    own: Engine, tmp_path: Path
) -> None:
    with EvidenceWriter(own, now_ms) as writer:
        asyncio.run(write(writer, "a", 3))
        with own.begin() as connection:  # as a restored database of PostgreSQL
            connection.execute(text("DELETE FROM evidence_rows"))
            connection.execute(text("UPDATE evidence_head SET seq = 0"))
        with pytest.raises(FatalError, match="set back while it was in use: it went to row 3"):
            asyncio.run(write(writer, "a", 1))
        with pytest.raises(FatalError, match="not written any more"):
            asyncio.run(write(writer, "a", 1))


@pytest.mark.parametrize("removed", [True, False])
def test_a_file_that_is_removed_or_replaced_ends_the_writer(
    own: Engine, tmp_path: Path, removed: bool
) -> None:
    file, other = tmp_path / "evidence.db", tmp_path / "other.db"
    with EvidenceWriter(own, now_ms) as writer:
        asyncio.run(write(writer, "a", 3))
        shutil.copy(file, other)
        if removed:
            file.unlink()
        else:
            os.replace(other, file)
        with pytest.raises(FatalError, match="replaced or removed while it was in use"):
            asyncio.run(write(writer, "a", 1))


def test_rows_that_the_head_does_not_know_end_the_writer_and_name_the_way_out(
    own: Engine,
) -> None:
    with EvidenceWriter(own, now_ms) as writer:
        asyncio.run(write(writer, "a", 3))
        with own.begin() as connection:
            connection.execute(text("UPDATE evidence_rows SET seq = 9 WHERE seq = 3"))
        with pytest.raises(FatalError, match=r"has row 9.*head is of row 3.*lgsp evidence verify"):
            asyncio.run(write(writer, "a", 1))
