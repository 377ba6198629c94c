"""What portals were seen to give: dates of no age, lists for texts, clocks, ends and accounts."""

from collections.abc import AsyncIterator
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from aiohttp import web
from tests.connectors.test_opencps import CONFIG, PASSWORD, OpenCpsRig, at, code, dossier

from lgsp.domain.dossier import judge_transitions, merge_all
from lgsp.domain.errors import FatalError, RejectReason
from lgsp.domain.event import Channel, DossierEvent
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.standing import State
from lgsp.domain.status import Status, Verdict
from lgsp.national.planner import Draft, draft
from lgsp.national.wire import Names
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.clock import now_ms
from lgsp.runtime.sealing import Sealer
from lgsp_connectors.kit.bench import Bench
from lgsp_connectors.kit.config import RunSettings
from lgsp_connectors.kit.contract import Connector, Record
from lgsp_connectors.kit.memory.filing import SealedPersons
from lgsp_connectors.kit.memory.known_file import KnownFile
from lgsp_connectors.kit.registry import read_config
from lgsp_connectors.kit.report import Report
from lgsp_connectors.kit.runner import Runner
from lgsp_connectors.kit.suite import HttpContract
from lgsp_connectors.kit.testing import FakePortal

NOW = 1_725_000_000_000  # 2024-08-30T06:40Z


@pytest.fixture
async def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenCpsRig]:
    monkeypatch.setenv("OPENCPS_PASSWORD", PASSWORD)
    rig = OpenCpsRig(tmp_path)
    async with rig.portal:
        yield rig


def connector(folder: Path, rest: str = "", portal: str = "test-opencps") -> Connector:
    folder.mkdir(exist_ok=True)
    file = folder / "c.yaml"
    text = CONFIG.format(url="http://127.0.0.1:1").replace("test-opencps", portal)
    file.write_text(text + rest, "utf-8")
    return read_config(file).build(now_ms, None)


def events(source: Connector, **fields: Any) -> list[DossierEvent]:
    return list(source.to_events(Record("here", dossier(1, **fields), NOW)))


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"dueDate": "31/12/9999 23:59:59"}, RejectReason.BAD_DATE, "dueDate"),
        ({"dueDate": "01/01/0001 00:00:00"}, RejectReason.BAD_DATE, "dueDate"),
        ({"dossierSubStatus": ["a"]}, RejectReason.BAD_VALUE, "dossierSubStatus"),
        ({"dossierStatus": {"a": 1}}, RejectReason.BAD_VALUE, "dossierStatus"),
        ({"online": "Trực tuyến"}, RejectReason.UNMAPPED_VALUE, "online"),
        ({"online": ["true"]}, RejectReason.BAD_VALUE, "online"),
        ({"govAgencyCode": "TRAN THI THU"}, RejectReason.BAD_VALUE, "govAgencyCode"),
        ({"serviceCode": "0912 345 678"}, RejectReason.BAD_VALUE, "serviceCode"),
        ({"domainCode": "Số 12 đường Thử, TP Mẫu"}, RejectReason.BAD_VALUE, "domainCode"),
    ],
)
async def test_a_value_that_is_none_is_a_letter_of_its_row_and_the_portal_goes_on(
    rig: OpenCpsRig, fields: dict[str, Any], reason: RejectReason, field: str
) -> None:
    rig.touch(3, **fields)
    bench = Bench()
    report = await bench.run(rig.connector())
    again = await bench.run(rig.connector())

    ((record, error),) = bench.sink.rejects
    assert (error.reason, error.field) == (reason, field)
    assert record.data["dossierNo"] == code(3)
    assert not any(word in str(error).lower() for word in ("tran thi", "0912", "đường"))
    assert rig.codes - {code(3)} == bench.sink.codes()
    assert (report.caught_up, again.caught_up, again.rejected) == (True, True, 0)


@pytest.mark.parametrize(
    ("fields", "channel"),
    [
        ({"online": None}, Channel.UNKNOWN),
        ({"online": ""}, Channel.UNKNOWN),
        ({"online": None, "viaPostal": 2}, Channel.POSTAL),
        ({"online": 0}, Channel.DIRECT),
        ({"online": "false", "viaPostal": "2"}, Channel.POSTAL),
        ({"online": 1}, Channel.ONLINE),
    ],
)
def test_what_a_portal_does_not_say_of_the_channel_is_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any], channel: Channel
) -> None:
    monkeypatch.setenv("OPENCPS_PASSWORD", PASSWORD)
    assert {channel} == {e.channel for e in events(connector(tmp_path / "a"), **fields)}


async def test_no_list_and_a_total_of_nought_is_an_empty_portal(rig: OpenCpsRig) -> None:
    rig.portal.always(200, body='{"total":0,"data":null}')
    report = await Bench().run(rig.connector())

    assert (report.caught_up, report.records, report.problem) == (True, 0, "")


async def test_the_zone_of_the_portals_clock_is_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENCPS_PASSWORD", PASSWORD)
    local = events(connector(tmp_path / "a"))
    file = tmp_path / "a" / "c.yaml"
    file.write_text(file.read_text("utf-8").replace("page_rows", "timezone: UTC\n  page_rows"))
    utc = events(read_config(file).build(now_ms, None))

    seven = 7 * 3_600_000
    assert [e.occurred_at + seven for e in local] == [e.occurred_at for e in utc]
    assert [(e.due_at or 0) + seven for e in local] == [e.due_at for e in utc]


async def test_a_returned_result_without_a_finish_was_finished_by_its_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENCPS_PASSWORD", PASSWORD)
    source = connector(tmp_path / "a")
    rows = [("11/07/2024 09:00:00", State.LATE), ("10/07/2024 09:00:00", State.ON_TIME)]
    for returned, expected in rows:
        stated = events(
            source, dossierStatus="done", finishDate=returned, modifiedDate="30/07/2024 09:00:00"
        )
        (found,) = merge_all(stated).values()

        assert [e.status for e in stated] == [1, 2, 10, 10]
        assert found.finished_at == found.returned_at
        assert SIMPLE.standing(found, load_calendar(), NOW).state is expected


async def test_a_dossier_that_one_portal_ended_is_not_opened_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENCPS_PASSWORD", PASSWORD)
    old = events(
        connector(tmp_path / "old", portal="old"),
        dossierStatus="done",
        releaseDate="06/07/2024 12:30:00",
        finishDate="06/07/2024 12:40:00",
        modifiedDate="06/07/2024 12:41:00",
    )
    new = events(
        connector(tmp_path / "new", portal="new"),
        dossierStatus="processing",
        modifiedDate="08/07/2024 07:00:00",
    )
    (found,) = merge_all([*old, *new]).values()
    judged = judge_transitions(found.transitions, SIMPLE.statuses)
    wanted = draft(found, SIMPLE.statuses, Names("Thủ tục", "L1", "Lĩnh vực"))

    assert [("new", Status.PROCESSING)] == [
        (j.transition.portal, j.transition.status) for j in judged if j.verdict is Verdict.HELD
    ]
    assert isinstance(wanted, Draft)
    assert wanted.status is Status.RESULT_RETURNED
    assert wanted.record["TrangThaiHoSo"] == "10"
    assert [step.record["TrangThai"] for step in wanted.steps] == ["1", "2", "9", "10"]


SEALER = Sealer({"k": bytes(32)}, "k")


async def run_sealed(rig: OpenCpsRig, bench: Bench, *, later: int = 0) -> Report:
    rig.connector()
    runner = Runner(
        read_config(rig.base / "c.yaml").build(lambda: now_ms() + later, SEALER.seal),
        bench.sink,
        bench.checkpoints,
        key="p",
        settings=RunSettings(),
        standing=bench.standing,
        known=bench.known,
        persons=SealedPersons(SEALER),
    )
    return await runner.run(once=True)


async def test_a_code_that_a_portal_set_back_gives_anew_is_a_conflict_and_no_merge(
    rig: OpenCpsRig,
) -> None:
    """The portal stands at yesterday's backup, and code 3 goes to whoever files next."""
    bench = Bench()
    await run_sealed(rig, bench)
    before = merge_all(bench.sink.events)[code(3)]
    rig.touch(
        3,
        applicantName="TRAN THI THU",
        applicantIdNo="000000000002",
        submitDate="06/07/2024 08:00:00",
        receiveDate="06/07/2024 09:00:00",
        dueDate="12/07/2024 17:00:00",
    )
    report = await run_sealed(rig, bench)

    ((_, error),) = bench.sink.rejects
    assert (error.reason, error.value) == (RejectReason.CONFLICT, code(3))
    assert merge_all(bench.sink.events)[code(3)] == before
    assert (report.conflicts, report.events) == (1, 0)
    assert "another owner" in report.problems["conflicts"]
    again = await run_sealed(rig, bench)
    assert (again.conflicts, len(bench.sink.rejects)) == (1, 1)
    rig.touch(3, **dossier(3) | {"modifiedDate": at(200), "dossierStatus": "paying"})
    back = await run_sealed(rig, bench)
    assert (back.conflicts, back.events) == (0, 1)


async def test_a_code_that_a_portal_lost_and_gives_anew_later_is_a_conflict(
    rig: OpenCpsRig,
) -> None:
    """Set back, it no longer holds dossier 49; its code goes to whoever files next."""
    bench = Bench()
    await run_sealed(rig, bench)
    lost = rig.rows.pop(code(49))
    removed = await run_sealed(rig, bench, later=60_000)
    assert removed.removed == 1
    rig.rows[code(49)] = lost | {
        "dossierId": 2049,
        "applicantName": "TRAN THI THU",
        "applicantIdNo": "000000000002",
        "submitDate": "06/07/2024 08:00:00",
        "receiveDate": "06/07/2024 09:00:00",
    }
    rig.touch(49)
    report = await run_sealed(rig, bench)

    assert (report.conflicts, report.events) == (1, 0)
    assert [RejectReason.CONFLICT] == [error.reason for _, error in bench.sink.rejects]


async def test_after_a_restart_the_overlap_states_nothing_anew(
    rig: OpenCpsRig, tmp_path: Path
) -> None:
    bench = Bench()
    bench.known = KnownFile(tmp_path / "data" / "known")  # type: ignore[assignment]
    first = await bench.run(rig.connector())
    bench.known.close()
    bench.known = KnownFile(tmp_path / "data" / "known")  # type: ignore[assignment]
    again = await bench.run(rig.connector())
    bench.known.close()

    assert first.events == len(bench.sink.events) > 50
    assert again.events == 0
    assert again.duplicates > 0


class Renewing(FakePortal):
    """Another token stands in the file whenever the portal is asked."""

    def __init__(self, portal: FakePortal, file: Path) -> None:
        super().__init__(portal._path, portal._handler)
        self._file = file
        self._renew()

    async def _serve(self, request: web.Request) -> web.Response:
        self._renew()
        return await super()._serve(request)

    def _renew(self) -> None:
        self._file.write_text(token_hex(8))


class TestRenewedToken:
    """A connector that logs in once more when its token is refused keeps the contract."""

    async def test_access_denied_names_the_setting(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("OPENCPS_PASSWORD", PASSWORD)
        rig = OpenCpsRig(tmp_path)
        token = tmp_path / "token"
        rig.portal = Renewing(rig.portal, token)
        make = rig.connector

        def by_token() -> Connector:
            make()
            file = tmp_path / "c.yaml"
            text = file.read_text("utf-8").replace(
                "    user: lgsp\n", f"    token_file: {token}\n"
            )
            lines = [line for line in text.splitlines() if "password" not in line]
            file.write_text("\n".join(lines), "utf-8")
            return read_config(file).build(now_ms, None)

        rig.connector = by_token  # type: ignore[method-assign]
        async with rig.portal:
            await HttpContract().test_access_denied_names_the_setting(rig)  # type: ignore[arg-type]
            rig.portal.always(401)
            rig.portal.requests.clear()
            with pytest.raises(FatalError, match=r"source\.auth"):
                await Bench().run(rig.connector())
            assert len(rig.portal.requests) == 2
