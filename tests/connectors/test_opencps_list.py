"""The opencps connector against lists that move, lie and fail, as portals were seen to."""

import json
import random
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.connectors.test_opencps import CONFIG, PASSWORD, dossier

from lgsp.domain.dossier import merge_all
from lgsp.domain.errors import FatalError, RejectReason
from lgsp.domain.statements import is_removed
from lgsp.domain.status import Status
from lgsp.runtime.clock import now_ms
from lgsp_connectors.kit.bench import Bench
from lgsp_connectors.kit.contract import Connector
from lgsp_connectors.kit.mapping.times import compile_format
from lgsp_connectors.kit.registry import read_config
from lgsp_connectors.kit.report import Report
from lgsp_connectors.kit.testing import FakePortal

_HOUR = 3_600_000
Rows = list[dict[str, Any]]
_parse = compile_format("%d/%m/%Y %H:%M:%S", "Asia/Ho_Chi_Minh")


def code(i: int) -> str:
    return f"H37.12-240705-{i:05d}"


class Portal:
    """A list of pages of a hundred rows; `answer` may change an answer before it is given."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.now = _parse("06/07/2024 08:00:00")
        self.rows: dict[str, dict[str, Any]] = {}
        self.asked = self.later = 0
        self.more = ""  # keys of the source
        self.answer: Callable[[int, int, dict[str, Any]], Any] = lambda _asked, _start, body: body
        self.shuffled = False
        self.server = FakePortal("/o/rest/v2/dossiers", self.list)
        self.bench = Bench()

    def file(self, count: int, *, seconds: int = 1) -> None:
        for _ in range(count):
            self.now += seconds * 1000
            i = len(self.rows)
            self.rows[code(i)] = dossier(i, dossierNo=code(i), modifiedDate=show(self.now))

    def touch(self, *numbers: int, at: str = "", status: str = "paying") -> None:
        self.now += 1000
        for i in numbers:
            self.rows[code(i)] |= {"modifiedDate": at or show(self.now), "dossierStatus": status}

    def list(self, query: Mapping[str, str], _headers: Mapping[str, str]) -> Any:
        self.asked += 1
        rows = list(self.rows.values())
        if self.shuffled:
            random.Random(self.asked).shuffle(rows)
        rows.sort(key=lambda row: -_parse(row["modifiedDate"]))
        start = int(query["start"])
        body = {"total": len(rows), "data": rows[start : int(query["end"])]}
        return self.answer(self.asked, start, body)

    def connector(self) -> Connector:
        file = self.base / "c.yaml"
        text = CONFIG.format(url=self.server.url).replace(
            "page_rows: 20", f"page_rows: 100{self.more}"
        )
        file.write_text(text, "utf-8")
        return read_config(file).build(lambda: now_ms() + self.later, None)

    async def run(self, *, give_up_seconds: float = 20) -> Report:
        return await self.bench.run(self.connector(), give_up_seconds=give_up_seconds)

    def codes(self) -> set[str]:
        return self.bench.sink.codes()

    def with_status(self, status: Status) -> set[str]:
        return {e.dossier_code for e in self.bench.sink.events if e.status is status}


def show(at: int) -> str:
    local = datetime.fromtimestamp(at / 1000, UTC) + timedelta(hours=7)
    return local.strftime("%d/%m/%Y %H:%M:%S")


@pytest.fixture
async def portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Portal]:
    monkeypatch.setenv("OPENCPS_PASSWORD", PASSWORD)
    portal = Portal(tmp_path)
    async with portal.server:
        yield portal


async def gives_up(portal: Portal) -> str:
    with pytest.raises(FatalError) as caught:
        await portal.run()
    return str(caught.value)


@pytest.mark.parametrize("body", [{"code": 401, "message": "Session expired"}, {}, [], "ok"])
async def test_an_answer_that_is_no_list_in_mid_pass_is_asked_for_again(
    portal: Portal, body: Any
) -> None:
    portal.file(1000)
    portal.answer = lambda asked, _start, good: body if asked == 4 else good
    report = await portal.run()
    assert report.caught_up
    assert portal.codes() == set(portal.rows)


async def test_an_answer_that_stays_no_list_ends_loudly_and_the_next_run_reads_all(
    portal: Portal,
) -> None:
    portal.file(1000)
    portal.answer = lambda asked, _start, good: {"code": 401} if asked >= 4 else good
    assert "not of the form" in await gives_up(portal)
    portal.answer = lambda _asked, _start, good: good
    await portal.run()
    assert portal.codes() == set(portal.rows)


async def test_rows_that_end_before_the_total_are_an_error_with_both_numbers(
    portal: Portal,
) -> None:
    portal.file(3000)

    def window(_asked: int, start: int, body: dict[str, Any]) -> dict[str, Any]:
        return body | {"data": body["data"][: max(0, 1000 - start)]}

    portal.answer = window
    words = await gives_up(portal)
    assert "1000" in words
    assert "3000" in words


async def test_a_total_that_stops_counting_ends_nothing(portal: Portal) -> None:
    portal.file(3000)
    portal.answer = lambda _asked, _start, body: body | {"total": 1000}
    await portal.run()
    assert portal.codes() == set(portal.rows)


async def test_rows_archived_while_it_pages_hide_no_other(portal: Portal) -> None:
    portal.file(1000)

    def archive(asked: int, _start: int, body: dict[str, Any]) -> dict[str, Any]:
        if asked == 8:
            for i in range(700, 1000):
                del portal.rows[code(i)]
        return body

    portal.answer = archive
    await portal.run()
    assert portal.codes() >= {code(i) for i in range(700)}


@pytest.mark.parametrize("hours", [12, 24 * 365 * 26])
async def test_a_time_ahead_hides_no_later_change(portal: Portal, hours: int) -> None:
    portal.now = now_ms() - 24 * _HOUR
    portal.file(300)
    portal.touch(7, at=show(now_ms() + hours * _HOUR))
    await portal.run()
    portal.now = now_ms() - _HOUR
    portal.touch(1, 2, 3)
    await portal.run()
    assert portal.with_status(Status.PAYMENT_REQUIRED) >= {code(1), code(2), code(3)}
    assert portal.codes() >= set(portal.rows) - {code(7)}


@pytest.mark.parametrize("shuffled", [True, False])
async def test_many_of_one_time_are_all_read(portal: Portal, *, shuffled: bool) -> None:
    portal.file(3000)
    portal.shuffled = shuffled
    portal.touch(*range(500, 2500))
    report = await portal.run()
    assert report.caught_up
    assert portal.codes() == set(portal.rows)
    assert len(portal.with_status(Status.PAYMENT_REQUIRED)) == 2000


async def test_many_of_one_time_in_another_order_each_time_need_a_total(portal: Portal) -> None:
    portal.file(600)
    portal.shuffled = True
    portal.touch(*range(500))
    portal.answer = lambda _asked, _start, body: {"data": body["data"]}
    assert "one time of last change" in await gives_up(portal)


async def test_removals_within_many_of_one_time_hide_none(portal: Portal) -> None:
    portal.file(1550)
    portal.touch(*range(1500))

    def remove(asked: int, _start: int, body: dict[str, Any]) -> dict[str, Any]:
        if asked == 6:
            for i in range(0, 1500, 30):
                del portal.rows[code(i)]
        return body

    portal.answer = remove
    await portal.run()
    assert portal.codes() >= set(portal.rows)


@pytest.mark.parametrize("total", [1000, None])
async def test_the_same_page_again_and_again_is_an_error(
    portal: Portal, total: int | None
) -> None:
    portal.file(1000)
    first: Rows = []

    def same(_asked: int, _start: int, body: dict[str, Any]) -> dict[str, Any]:
        first.extend(body["data"] if not first else [])
        return {"total": total, "data": first}

    portal.answer = same
    assert "does not heed" in await gives_up(portal)


async def test_a_row_out_of_its_place_for_a_moment_is_read_once_more(portal: Portal) -> None:
    portal.file(300)

    def misplaced(asked: int, _start: int, body: dict[str, Any]) -> dict[str, Any]:
        if asked == 2:
            body["data"].insert(50, body["data"].pop(20))
        return body

    portal.answer = misplaced
    await portal.run()
    assert portal.codes() == set(portal.rows)


async def test_one_row_out_of_its_place_for_good_stops_nothing(portal: Portal) -> None:
    portal.file(300)

    def misplaced(_asked: int, _start: int, body: dict[str, Any]) -> dict[str, Any]:
        rows = [
            row | {"modifiedDate": show(portal.now + _HOUR)}
            if row["dossierNo"] == code(150)
            else row
            for row in body["data"]
        ]
        return body | {"data": rows}

    portal.answer = misplaced
    with capture_logs() as logs:
        await portal.run()
    assert portal.codes() == set(portal.rows)
    assert [log["rows"] for log in logs if log["event"] == "rows_out_of_place"] == [1]


@pytest.mark.parametrize("row", [None, "x", 7, ["a"]])
async def test_a_row_that_is_no_object_is_a_letter_and_the_others_are_read(
    portal: Portal, row: Any
) -> None:
    portal.file(250)

    def spoilt(_asked: int, start: int, body: dict[str, Any]) -> dict[str, Any]:
        data = [row if good["dossierNo"] == code(100) else good for good in body["data"]]
        return body | {"data": data}

    portal.answer = spoilt
    report = await portal.run()
    assert report.caught_up
    assert portal.codes() == set(portal.rows) - {code(100)}
    ((record, error),) = portal.bench.sink.rejects
    assert (record.data, error.reason) == (row, RejectReason.UNREADABLE)


async def test_a_text_in_another_encoding_is_a_letter_and_the_others_are_read(
    portal: Portal,
) -> None:
    portal.file(30)
    portal.rows[code(3)]["domainCode"] = "\udc90\u1ea5t"  # a byte of Windows-1258
    portal.answer = lambda _asked, _start, body: json.dumps(body, ensure_ascii=False).encode(
        "utf-8", "surrogateescape"
    )
    await portal.run()
    assert portal.codes() == set(portal.rows) - {code(3)}
    ((_, error),) = portal.bench.sink.rejects
    assert (error.reason, error.field) == (RejectReason.BAD_VALUE, "domainCode")


@pytest.mark.parametrize("id_", [0, "0", "", None])
async def test_an_id_that_tells_nothing_apart_is_none(portal: Portal, id_: Any) -> None:
    portal.file(250)
    for row in portal.rows.values():
        row["dossierId"] = id_
    await portal.run()
    assert portal.codes() == set(portal.rows)


async def test_a_list_of_nothing_but_nulls_is_none(portal: Portal) -> None:
    portal.file(30)
    portal.answer = lambda _asked, _start, body: body | {"data": [None] * 30}
    assert "not of the form" in await gives_up(portal)


@pytest.mark.parametrize("shown", [str, float, " {} ".format])
async def test_a_total_in_another_form_is_believed(
    portal: Portal, shown: Callable[[int], Any]
) -> None:
    portal.file(300)
    portal.answer = lambda _asked, start, body: {
        "total": shown(body["total"]),
        "data": body["data"][: max(0, 200 - start)],
    }
    words = await gives_up(portal)
    assert "200" in words
    assert "300" in words


@pytest.mark.parametrize("total", [-1, "many", True, [3], 1e400, None])
async def test_a_total_that_is_none_ends_nothing(portal: Portal, total: Any) -> None:
    portal.file(300)
    portal.answer = lambda _asked, _start, body: body | {"total": total}
    await portal.run()
    assert portal.codes() == set(portal.rows)


@pytest.mark.parametrize("total", [0, "0"])
async def test_a_portal_without_dossiers_is_empty(portal: Portal, total: Any) -> None:
    portal.answer = lambda _asked, _start, _body: {"total": total, "data": None}
    report = await portal.run()
    assert (report.caught_up, report.records) == (True, 0)


async def test_a_portal_that_suddenly_has_none_is_not_believed(portal: Portal) -> None:
    portal.file(30)
    await portal.run()
    portal.rows.clear()
    assert "no dossiers any more" in await gives_up(portal)


async def test_a_portal_set_back_to_a_backup_is_said_and_read_anew(portal: Portal) -> None:
    portal.file(300)
    await portal.run()
    backup = {number: dict(row) for number, row in portal.rows.items()}
    portal.now += 24 * _HOUR
    portal.touch(5, 6)
    portal.file(20)
    await portal.run()
    portal.rows = backup
    portal.later = 60_000
    portal.now += _HOUR
    portal.touch(8, status="releasing")
    portal.rows[code(8)]["releaseDate"] = show(portal.now)
    with capture_logs() as logs:
        report = await portal.run()
    assert "portal_was_set_back" in {log["event"] for log in logs}
    assert code(8) in portal.with_status(Status.PROCESSED)
    assert report.removed == 20  # filed after the backup


async def test_a_change_shown_after_the_overlap_is_found_by_the_next_full_pass(
    portal: Portal,
) -> None:
    portal.more = "\n  full_pass_hours: 1"
    portal.file(300)
    await portal.run()
    portal.now += _HOUR
    portal.file(1)
    await portal.run()
    portal.touch(5, at=show(portal.now - _HOUR // 3))
    await portal.run()
    assert portal.with_status(Status.PAYMENT_REQUIRED) == set()
    portal.later = 2 * _HOUR
    await portal.run()
    assert portal.with_status(Status.PAYMENT_REQUIRED) == {code(5)}


async def test_a_dossier_deleted_at_the_portal_is_removed_and_can_come_back(
    portal: Portal,
) -> None:
    portal.file(250)
    await portal.run()
    deleted = portal.rows.pop(code(40))
    report = await portal.run()
    assert report.removed == 1
    assert [e.dossier_code for e in portal.bench.sink.events if e.removed] == [code(40)]
    portal.rows[code(40)] = deleted
    portal.touch(40)
    await portal.run()
    assert [e.removed for e in portal.bench.sink.events if e.dossier_code == code(40)][-1] is False


async def test_dossiers_missing_from_one_listing_stand_again_with_the_next(
    portal: Portal,
) -> None:
    portal.file(250)
    await portal.run()
    away = {number: portal.rows.pop(number) for number in [code(i) for i in range(20)]}
    portal.later = 60_000
    assert (await portal.run()).removed == 20
    portal.rows |= away  # the portal's index is whole again: nobody touched them
    portal.later = 120_000
    await portal.run()
    merged = merge_all(portal.bench.sink.events)
    assert not [number for number in away if is_removed(merged[number].transitions)]


async def test_caught_up_means_that_what_moved_during_the_pass_was_read(portal: Portal) -> None:
    portal.file(600)

    def move(asked: int, _start: int, body: dict[str, Any]) -> dict[str, Any]:
        if asked in (2, 3, 5, 6):
            portal.touch(asked * 10)
        return body

    portal.answer = move
    report = await portal.run()
    assert report.caught_up
    moved = {code(i) for i in (20, 30, 50, 60)}
    assert portal.with_status(Status.PAYMENT_REQUIRED) == moved


async def test_a_quiet_poll_is_one_request(portal: Portal) -> None:
    portal.file(600, seconds=60)
    await portal.run()
    asked = portal.asked
    await portal.run()
    assert portal.asked == asked + 1


async def test_a_row_that_the_portal_corrected_closes_its_letter(portal: Portal) -> None:
    portal.file(3)
    portal.touch(1, status="strange")
    portal.touch(2, status="strange")
    await portal.run()
    assert 2 == len(portal.bench.sink.letters)
    portal.touch(1)
    report = await portal.run()
    assert (report.letters_closed, len(portal.bench.sink.letters)) == (1, 1)
    portal.touch(1, status="strange")  # and broken again
    await portal.run()
    assert 2 == len(portal.bench.sink.letters)


async def test_a_row_whose_code_was_corrected_closes_its_letter(portal: Portal) -> None:
    """Nothing but the portal's own id says that it is the same row."""
    portal.file(3)
    portal.rows[code(1)]["dossierNo"] = "H37-12"
    await portal.run()
    assert 1 == len(portal.bench.sink.letters)
    portal.rows[code(1)]["dossierNo"] = code(1)
    portal.touch(1)
    await portal.run()
    assert {} == portal.bench.sink.letters


@pytest.mark.parametrize("what", ["corrected in silence", "deleted", "standing"])
async def test_a_full_pass_closes_the_letters_of_what_it_does_not_hold(
    portal: Portal, what: str
) -> None:
    portal.more = "\n  full_pass_hours: 1"
    portal.file(150)
    portal.touch(7, status="strange")
    await portal.run()
    assert 1 == len(portal.bench.sink.letters)
    if what == "deleted":
        del portal.rows[code(7)]
    elif what != "standing":
        portal.rows[code(7)]["dossierStatus"] = "processing"
    portal.later = 2 * _HOUR
    await portal.run()
    assert (what == "standing") == bool(portal.bench.sink.letters)
