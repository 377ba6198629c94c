"""The loop of every connector: a page's good rows come first, one bad record stops nothing."""

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel
from structlog.testing import capture_logs

from lgsp.domain.errors import FatalError, RejectedRecord, RejectReason
from lgsp.domain.event import DossierEvent, with_id
from lgsp.domain.status import Status
from lgsp_connectors.kit.bench import Bench
from lgsp_connectors.kit.config import Strict
from lgsp_connectors.kit.contract import Cursor, Page, Record

PERSON = "NGUYEN VAN TEST"


def event(row: dict[str, Any]) -> DossierEvent:
    return with_id(
        DossierEvent(
            portal="p",
            province="H37",
            dossier_code=row["code"],
            agency="H37.12",
            status=Status.RECEIVED,
            occurred_at=1_720_142_100_000,
            observed_at=1_720_142_100_000,
        )
    )


class Pages:
    """A connector whose pages are given; a row's `bad` decides what is wrong with it."""

    name: ClassVar[str] = "pages"
    settings: ClassVar[type[BaseModel]] = Strict

    def __init__(self, *pages: Sequence[dict[str, Any]]) -> None:
        self.pages = pages

    def start(self, since: int | None) -> Cursor:
        return {"page": "0"}

    async def fetch(self, cursor: Cursor) -> Page:
        at = int(cursor["page"])
        rows = self.pages[at] if at < len(self.pages) else ()
        records = [Record(f"page {at} row {i}", row, 2) for i, row in enumerate(rows)]
        after = min(at + 1, len(self.pages))
        return Page(records, {"page": str(after)}, after == len(self.pages))

    def to_events(self, record: Record) -> Sequence[DossierEvent]:
        row = record.data
        if bad := row.get("bad"):
            raise bad
        return [event(row)]

    async def close(self) -> None:
        pass


def good(i: int) -> dict[str, Any]:
    return {"code": f"good-{i}"}


def foreign(i: int) -> dict[str, Any]:
    return {"code": f"foreign-{i}", "bad": RejectedRecord(RejectReason.BAD_CODE, value=str(i))}


@pytest.mark.parametrize("place", [0, 60, 120])
async def test_a_good_row_among_120_foreign_ones_is_read_and_the_portal_goes_on(
    place: int,
) -> None:
    rows = [foreign(i) for i in range(120)]
    rows.insert(place, good(1))
    bench = Bench()
    report = await bench.run(Pages(rows, [good(2)]))
    assert {"good-1", "good-2"} == bench.sink.codes()
    assert (report.rejected, len(bench.sink.rejects)) == (120, 120)
    assert report.caught_up


async def test_a_reject_read_again_counts_once_also_after_a_restart() -> None:
    bench = Bench()
    rows = [*(foreign(i) for i in range(120)), good(1)]
    await bench.run(Pages(rows))
    bench.checkpoints.stored["test-portal"]["page"] = "0"  # an overlap reads the page again
    report = await bench.run(Pages(rows))
    assert (report.rejected, report.duplicates, len(bench.sink.rejects)) == (0, 121, 120)


async def test_good_rows_are_kept_before_it_gives_up() -> None:
    bench = Bench()
    first = [good(1), *(foreign(i) for i in range(60))]
    with pytest.raises(FatalError, match="max_consecutive_rejects"):
        await bench.run(Pages(first, [foreign(i) for i in range(60, 200)], [good(2)]))
    assert {"good-1"} == bench.sink.codes()
    assert bench.checkpoints.stored["test-portal"]["page"] == "1"
    with pytest.raises(FatalError):  # what was given up is not taken for read
        await bench.run(Pages(first, [foreign(i) for i in range(60, 200)], [good(2)]))


async def test_pages_of_rejects_add_up_until_one_has_a_good_row() -> None:
    pages = [[foreign(100 * n + i) for i in range(40)] for n in range(4)]
    bench = Bench()
    with pytest.raises(FatalError, match="120 records in a row were rejected"):
        await bench.run(Pages(*pages))
    assert bench.checkpoints.stored["test-portal"]["page"] == "2"
    report = await Bench().run(Pages(*pages[:2], [good(1)], *pages[2:]))
    assert (report.rejected, report.caught_up) == (160, True)


def broken(error: Exception) -> dict[str, Any]:
    return {"code": "broken", "applicantName": PERSON, "bad": error}


@pytest.mark.parametrize("kind", [KeyError, TypeError, OverflowError, ZeroDivisionError])
async def test_an_error_of_the_authors_code_is_a_letter_with_origin_and_cause(
    kind: type[Exception],
) -> None:
    bench = Bench()
    with capture_logs() as logs:
        await bench.run(Pages([good(1), broken(kind(PERSON)), good(2)]))
    assert {"good-1", "good-2"} == bench.sink.codes()
    ((record, error),) = bench.sink.rejects
    assert (record.origin, error.reason) == ("page 0 row 1", RejectReason.DEFECT)
    assert kind.__name__ in error.detail
    assert "test_rejects.py:" in error.detail
    assert "to_events" in error.detail
    assert PERSON not in f"{error}{logs}"


async def test_errors_of_the_authors_code_count_in_the_limit_of_rejects() -> None:
    pages = [broken(KeyError(i)) | {"code": str(i)} for i in range(150)]
    with pytest.raises(FatalError, match=r"defect.*KeyError"):
        await Bench().run(Pages(pages))


async def test_a_second_process_writes_nothing_again() -> None:
    bench = Bench()
    pages = [[good(i) for i in range(50)], [good(i) for i in range(50, 90)]]
    await bench.run(Pages(*pages))
    bench.checkpoints.stored["test-portal"]["page"] = "0"
    report = await bench.run(Pages(*pages))
    assert (report.records, report.events, report.duplicates) == (90, 0, 90)
    assert len(bench.sink.events) == 90
