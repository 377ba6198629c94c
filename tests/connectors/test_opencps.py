"""The opencps connector keeps the contract, and misses nothing while the list moves."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from lgsp.domain.errors import FatalError, RejectedRecord, RejectReason
from lgsp.domain.event import Channel, DossierEvent, ServiceLevel
from lgsp.domain.status import Status
from lgsp.runtime.clock import now_ms
from lgsp_connectors.kit.bench import Bench
from lgsp_connectors.kit.contract import Connector, Cursor, Page, Record
from lgsp_connectors.kit.registry import read_config
from lgsp_connectors.kit.suite import HttpContract
from lgsp_connectors.kit.testing import FakePortal

CONFIG = """\
connector: opencps
portal: test-opencps
province: H37
source:
  url: {url}
  group_id: "55301"
  auth:
    user: lgsp
    password: ${{OPENCPS_PASSWORD}}
  page_rows: 20
  requests_per_second: 0
"""
PASSWORD = "s3cret-password"


def code(i: int) -> str:
    return f"H37.12-240705-{i:04d}"


def at(minute: int) -> str:
    return f"06/07/2024 {12 + minute // 60:02d}:{minute % 60:02d}:00"


class OpenCpsRig:
    """An OpenCPS list of fifty dossiers, the newest change first."""

    secrets = (PASSWORD, "bGdzcDpzM2NyZXQtcGFzc3dvcmQ=", "NGUYEN VAN TEST", "000000000001")

    def __init__(self, base: Path) -> None:
        self.base = base
        self.rows = {code(i): dossier(i) for i in range(50)}
        self.clock, self.moved = 100, 3
        self.portal = FakePortal("/o/rest/v2/dossiers", self.list)

    @property
    def codes(self) -> set[str]:
        return {c for c, row in self.rows.items() if row["dossierStatus"] != "strange"}

    def list(self, query: Mapping[str, str], headers: Mapping[str, str]) -> Any:
        assert headers["groupId"] == "55301"
        assert headers["Authorization"].startswith("Basic ")
        assert (query["sort"], query["order"]) == ("modified", "desc")
        rows = sorted(
            self.rows.values(),
            key=lambda row: (row["modifiedDate"][11:], row["dossierId"]),
            reverse=True,
        )
        return {"total": len(rows), "data": rows[int(query["start"]) : int(query["end"])]}

    def connector(self) -> Connector:
        file = self.base / "c.yaml"
        file.write_text(CONFIG.format(url=self.portal.url), "utf-8")
        return read_config(file).build(now_ms, None)

    def touch(self, i: int, **changes: Any) -> str:
        self.clock += 1
        self.rows[code(i)] |= {"modifiedDate": at(self.clock), **changes}
        return code(i)

    def change(self) -> str:
        i = self.moved % 50
        self.moved += 13
        return self.touch(i, dossierStatus="releasing", releaseDate=at(self.clock + 1))

    def spoil(self) -> None:
        self.rows[code(70)] = dossier(70)
        self.rows[code(71)] = dossier(71)
        self.touch(70, dossierStatus="strange")
        self.touch(71)

    def spoil_all(self) -> None:
        for row in self.rows.values():
            row["dossierStatus"] = "strange"


def dossier(i: int, **fields: Any) -> dict[str, Any]:
    return {
        "dossierId": 1000 + i,
        "dossierNo": code(i),
        "serviceCode": "1.001612",
        "govAgencyCode": "H37.12",
        "domainCode": "G03-GD10",
        "applicantName": "NGUYEN VAN TEST",
        "applicantIdNo": "000000000001",
        "submitDate": "05/07/2024 08:00:00",
        "receiveDate": "05/07/2024 08:15:00",
        "dueDate": "10/07/2024 17:00:00",
        "releaseDate": "",
        "finishDate": "",
        "dossierStatus": "processing",
        "dossierSubStatus": "",
        "online": True,
        "viaPostal": 0,
        "serviceLevel": 4,
        "modifiedDate": at(i),
    } | fields


@pytest.fixture
async def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenCpsRig]:
    monkeypatch.setenv("OPENCPS_PASSWORD", PASSWORD)
    rig = OpenCpsRig(tmp_path)
    async with rig.portal:
        yield rig


class TestContract(HttpContract):
    @pytest.fixture
    async def rig(self, rig: OpenCpsRig) -> OpenCpsRig:
        return rig


def states(connector: Connector, **fields: Any) -> list[DossierEvent]:
    record = Record("here", dossier(1, **fields), 1_720_300_000_000)
    return sorted(connector.to_events(record), key=lambda e: e.occurred_at)


async def test_derives_the_transitions_and_the_current_status(rig: OpenCpsRig) -> None:
    events = states(
        rig.connector(),
        dossierStatus="done",
        releaseDate="06/07/2024 12:30:00",
        finishDate="06/07/2024 12:40:00",
        modifiedDate="06/07/2024 12:41:00",
    )
    assert [e.status for e in events] == [1, 2, 9, 10, 10]
    # 12:30 in 24 hours, UTC+7
    assert events[2].occurred_at == events[2].finished_at == 1_720_243_800_000
    assert events[3].occurred_at == events[4].returned_at
    assert not any(e.reopens for e in events)
    assert {ServiceLevel.FULL} == {e.service_level for e in events}


async def test_open_again_reopens(rig: OpenCpsRig) -> None:
    last = states(rig.connector(), dossierStatus="waiting")[-1]
    assert (
        last.status,
        last.reopens,
        last.source_status,
    ) == (Status.SUPPLEMENT_REQUIRED, True, "waiting")


@pytest.mark.parametrize(
    ("fields", "channel"),
    [
        ({"online": True, "viaPostal": 2}, Channel.ONLINE),
        ({"online": "true"}, Channel.ONLINE),
        ({"online": False, "viaPostal": 2}, Channel.POSTAL),
        ({"online": False}, Channel.DIRECT),
    ],
)
async def test_channel(rig: OpenCpsRig, fields: dict[str, Any], channel: Channel) -> None:
    assert {channel} == {e.channel for e in states(rig.connector(), **fields)}


async def test_denied_is_refused_when_it_finished(rig: OpenCpsRig) -> None:
    events = states(rig.connector(), dossierStatus="denied", finishDate="06/07/2024 09:00:00")
    assert [e.status for e in events] == [1, 3, 3]


async def test_sub_status_comes_first(rig: OpenCpsRig, tmp_path: Path) -> None:
    rig.connector()
    file = tmp_path / "c.yaml"
    file.write_text(file.read_text("utf-8") + "sub_statuses: {cho_phi: 6}\n", "utf-8")
    connector = read_config(file).build(now_ms, None)
    last = states(connector, dossierSubStatus="cho_phi")[-1]
    assert last.status is Status.PAYMENT_REQUIRED


async def test_unnumbered_dossier_states_nothing_yet(rig: OpenCpsRig) -> None:
    assert states(rig.connector(), dossierNo="", dossierStatus="receiving") == []


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"dossierStatus": "correcting"}, RejectReason.UNMAPPED_STATUS),
        ({"dossierStatus": "done"}, RejectReason.FINISHED_WITHOUT_DATE),
        ({"dueDate": "31/02/2024 08:00:00"}, RejectReason.BAD_DATE),
        ({"dossierNo": ""}, RejectReason.MISSING_FIELD),
    ],
)
async def test_rejects(rig: OpenCpsRig, fields: dict[str, Any], reason: RejectReason) -> None:
    with pytest.raises(RejectedRecord) as caught:
        states(rig.connector(), **fields)
    assert reason is caught.value.reason


class Shaken:
    """The connector, and a portal that changes between its pages."""

    def __init__(self, inner: Connector, shake: Any) -> None:
        self._inner, self._shake = inner, shake
        self.name, self.settings = inner.name, inner.settings
        self.start, self.to_events, self.close = inner.start, inner.to_events, inner.close

    async def fetch(self, cursor: Cursor) -> Page:
        page = await self._inner.fetch(cursor)
        self._shake()
        return page


async def test_changes_while_paging_are_not_missed(rig: OpenCpsRig) -> None:
    bench = Bench()
    order = iter([0, 7, 30, 49])

    def shake() -> None:
        if (i := next(order, None)) is not None:
            rig.touch(i, dossierStatus="paying")

    await bench.run(Shaken(rig.connector(), shake))  # type: ignore[arg-type]
    await bench.run(rig.connector())
    assert rig.codes == bench.sink.codes()
    paying = {e.dossier_code for e in bench.sink.events if e.status is Status.PAYMENT_REQUIRED}
    assert {code(i) for i in (0, 7, 30, 49)} == paying


async def test_removals_while_paging_skip_nobody(rig: OpenCpsRig) -> None:
    bench = Bench()
    rows = iter([range(30, 50), range(20, 24)])  # more than the pages overlap by

    def shake() -> None:
        for i in next(rows, ()):
            rig.rows.pop(code(i), None)

    await bench.run(Shaken(rig.connector(), shake))  # type: ignore[arg-type]
    assert rig.codes <= bench.sink.codes()


async def test_poll_reads_the_top_only(rig: OpenCpsRig) -> None:
    bench = Bench()
    await bench.run(rig.connector())
    rig.portal.requests.clear()
    rig.change()
    report = await bench.run(rig.connector())
    assert len(rig.portal.requests) == 1
    assert report.records <= 12  # the overlap of ten minutes, and the change


async def test_wrong_order_is_fatal(rig: OpenCpsRig) -> None:
    oldest_first = list(rig.rows.values())[:2]
    rig.portal.always(200, body=json.dumps({"total": 2, "data": oldest_first}))
    with pytest.raises(FatalError, match=r"source\.sort"):
        await Bench().run(rig.connector())


@pytest.mark.parametrize("date", ["31/12/9999 23:59:59", "01/01/0001 00:00:00"])
def test_a_sentinel_date_rejects_its_row_unless_it_is_named_as_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, date: str
) -> None:
    monkeypatch.setenv("OPENCPS_PASSWORD", PASSWORD)
    file = tmp_path / "c.yaml"
    record = Record("x", dossier(1) | {"dueDate": date}, now_ms())
    file.write_text(CONFIG.format(url="http://127.0.0.1:1"))
    with pytest.raises(RejectedRecord) as caught:
        read_config(file).build(now_ms, None).to_events(record)
    assert (caught.value.reason, caught.value.field) == (RejectReason.BAD_DATE, "dueDate")
    words = 'missing: ["31/12/9999", "01/01/0001"]\n'
    file.write_text(CONFIG.format(url="http://127.0.0.1:1") + words)
    events = read_config(file).build(now_ms, None).to_events(record)
    assert {event.due_at for event in events} == {None}


@pytest.mark.parametrize("value", [["a"], {"a": 1}, "a\0"])
def test_a_sub_status_that_is_no_text_is_a_bad_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: Any
) -> None:
    monkeypatch.setenv("OPENCPS_PASSWORD", PASSWORD)
    file = tmp_path / "c.yaml"
    file.write_text(CONFIG.format(url="http://127.0.0.1:1"))
    record = Record("x", dossier(1) | {"dossierSubStatus": value}, now_ms())
    with pytest.raises(RejectedRecord) as caught:
        read_config(file).build(now_ms, None).to_events(record)
    assert caught.value.reason is RejectReason.BAD_VALUE
    assert caught.value.field == "dossierSubStatus"
