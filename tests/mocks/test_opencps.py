"""The OpenCPS mock over real HTTP, read by the real connector, gives the twin's truth."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from lgsp.domain.errors import ConfigurationError, RetryableError
from lgsp.domain.working_time import day_number, day_start_ms
from lgsp.mocks.national.app import make_server
from lgsp.mocks.national.faults import FaultRule, FaultScript
from lgsp.mocks.opencps import build_app, open_portal, run_opencps
from lgsp.mocks.opencps.clock import PortalClock
from lgsp.runtime.clock import now_ms
from lgsp.simulation import ProvinceSpec, Truth
from lgsp.simulation.course import WAITING
from lgsp_connectors.kit.contract import Connector
from lgsp_connectors.kit.registry import read_config
from tests.simulation.reading_back import counts, reading
from tests.waiting import until

SPEC = ProvinceSpec(dossiers=800, seed=7)
LIST = "/o/rest/v2/dossiers"
HEADERS = {"groupId": "55301", "Authorization": "Bearer lgsp"}
CONFIG = """\
connector: opencps
portal: opencps-mock
province: H37
source:
  url: {url}
  group_id: "55301"
  auth: {{user: lgsp, password: lgsp}}
  requests_per_second: 0
"""


class Portal:
    """The mock on a free port of this machine."""

    def __init__(self, url: str, http: aiohttp.ClientSession, truth: Truth) -> None:
        self.url, self.http, self.truth = url, http, truth

    async def get(self, path: str = LIST, expect: int = 200, **query: Any) -> Any:
        async with self.http.get(self.url + path, params=query) as answer:
            assert answer.status == expect
            return await answer.json()

    async def advance(self, to: str, status: int = 200) -> Any:
        async with self.http.post(self.url + "/_mock/advance", json={"to": to}) as answer:
            assert answer.status == status
            return await answer.json()

    def connector(self, folder: Path) -> Connector:
        (folder / "c.yaml").write_text(CONFIG.format(url=self.url), "utf-8")
        return read_config(folder / "c.yaml").build(now_ms, None)


@asynccontextmanager
async def serving(
    *faults: dict[str, Any], as_of: int | None = None, speed: float = 0
) -> AsyncIterator[Portal]:
    script = FaultScript(tuple(FaultRule.model_validate(fault) for fault in faults))
    portal, clock, truth = open_portal(SPEC, as_of=as_of, speed=speed)
    server = make_server(build_app(portal, clock, truth.document(), script=script), "127.0.0.1", 0)
    task = asyncio.create_task(server.serve())
    await until("the mock serves", lambda: server.started)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    async with aiohttp.ClientSession(headers=HEADERS) as http:
        try:
            yield Portal(url, http, truth)
        finally:
            server.should_exit = True
            await task


async def test_a_snapshot_gives_the_truth(tmp_path: Path) -> None:
    async with serving() as portal, reading(portal.connector(tmp_path)) as read:
        await read.catch_up()

        assert portal.truth.counts() == counts(read.dossiers.values(), portal.truth.as_of)
        assert not read.rejects
        assert portal.truth.document() == await portal.get("/_mock/truth")


async def test_polling_while_time_passes_gives_the_truth(tmp_path: Path) -> None:
    begin = day_start_ms(day_number(date(2024, 1, 20)))
    async with serving(as_of=begin) as portal, reading(portal.connector(tmp_path)) as read:
        await read.catch_up()
        assert 0 < len(read.dossiers) < 200
        for day in ("2024-02-15", "2024-03-09", "2024-04-12", "2024-04-13", "2024-06-30"):
            await portal.advance(day)
            await read.catch_up()

        assert portal.truth.counts() == counts(read.dossiers.values(), portal.truth.as_of)
        waited = [
            d for d in read.dossiers.values() if any(t.status in WAITING for t in d.transitions)
        ]
        assert waited  # a poll in the middle of it saw it


async def test_the_list_is_newest_first_and_paged() -> None:
    async with serving() as portal:
        first = await portal.get(start="0", end="30", sort="modified", order="desc")
        second = await portal.get(start="30", end="60", sort="modified", order="desc")
        oldest = await portal.get(start="0", end="1", sort="modified", order="asc")
        changes = ["".join(reversed(row["modifiedDate"][:10].split("/"))) for row in first["data"]]
        rows = [*first["data"], *second["data"]]

        assert (30, 30) == (len(first["data"]), len(second["data"]))
        assert len({row["dossierId"] for row in rows}) == 60
        assert first["total"] == portal.truth.endings.total()
        assert first["data"][0]["modifiedDate"][3:10] == "06/2024"
        assert oldest["data"][0]["modifiedDate"][3:10] == "01/2024"
        assert len(changes) == 30
        one = first["data"][3]
        assert one == await portal.get(f"{LIST}/{one['dossierId']}")
        await portal.get(f"{LIST}/999999", expect=404)
        await portal.get(expect=400, sort="color")


async def test_filters() -> None:
    async with serving() as portal:
        for name, field in (
            ("status", "dossierStatus"),
            ("agency", "govAgencyCode"),
            ("service", "serviceCode"),
            ("domain", "domainCode"),
            ("dossierNo", "dossierNo"),
        ):
            wanted = (await portal.get())["data"][0][field]
            found = await portal.get(end="1000", **{name: wanted})
            assert found["total"] == len(found["data"]) > 0
            assert {wanted} == {row[field] for row in found["data"]}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"groupId": "1"},
        {"Authorization": "Bearer lgsp"},
        {**HEADERS, "Authorization": "Bearer x"},
    ],
)
async def test_refuses_without_group_or_login(headers: dict[str, str]) -> None:
    async with serving() as portal, aiohttp.ClientSession(headers=headers) as http:
        for path in (LIST, f"{LIST}/1"):
            async with http.get(portal.url + path) as answer:
                assert answer.status == 401


async def test_time_only_goes_forward() -> None:
    async with serving(as_of=day_start_ms(day_number(date(2024, 3, 1)))) as portal:
        before = await portal.get()
        assert await portal.advance("2024-03-08T00:00:00Z") == {"now": "2024-03-08T00:00:00Z"}
        assert (await portal.get())["total"] > before["total"]
        await portal.advance("2024-03-07", status=400)
        await portal.advance("soon", status=400)


def test_the_clock_runs_at_its_speed() -> None:
    seconds = iter([10.0, 12.0, 12.0, 13.0, 14.0])
    clock = PortalClock(1_000_000, 3600, lambda: next(seconds))

    assert clock.now() == 1_000_000 + 2 * 3_600_000
    clock.advance(20_000_000)
    assert clock.now() == 20_000_000 + 3_600_000


async def test_scripted_faults_hit_the_connector(tmp_path: Path) -> None:
    faults = (
        {"match": {"service": "list", "nth": 1}, "do": {"http": 503, "retry_after": 7}},
        {"match": {"service": "list", "nth": 2}, "do": {"html": True}},
        {"match": {"service": "list", "nth": 3}, "do": {"truncate": True}},
        # Twice: the client itself sends a GET again when a kept connection is cut.
        {"match": {"service": "list", "from": 4, "to": 5}, "do": {"drop": "before"}},
    )
    async with serving(*faults) as portal, reading(portal.connector(tmp_path)) as read:
        waits = []
        for _ in faults:
            with pytest.raises(RetryableError) as caught:
                await read.connector.fetch(read.connector.start(None))
            waits.append(caught.value.wait)
        await read.catch_up()

        assert waits == [7.0, None, None, None]
        assert portal.truth.counts() == counts(read.dossiers.values(), portal.truth.as_of)


async def test_a_fault_that_means_nothing_here_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="error_code"):
        async with serving({"match": {}, "do": {"error_code": "3"}}):
            pass


def test_a_folder_without_a_twin_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"truth\.json: no twin"):
        run_opencps(
            host="127.0.0.1",
            port=0,
            faults=None,
            dir=tmp_path,
            dossiers=1,
            seed=1,
            as_of=None,
            speed=0,
        )
