"""The real mock over real HTTP, and a sync worker without Kafka: queue, client, dispatcher."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from sqlalchemy import Engine

from lgsp.domain.event import DossierEvent
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.mocks.national.app import make_app, make_server
from lgsp.mocks.national.catalogue import Catalogue
from lgsp.mocks.national.faults import load_faults
from lgsp.mocks.national.store import PortalStore
from lgsp.national.client import NationalClient
from lgsp.national.dispatcher import Dispatcher
from lgsp.national.retries import Retries
from lgsp.national.witness import NO_WITNESS, Witness
from lgsp.runtime.avro.codec import RESULTS, encode_event
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.clock import now_ms
from lgsp.runtime.kafka.records import Batch, Reject
from lgsp.runtime.settings import Settings
from lgsp.store.sync.queue import SyncQueue, count_pending
from lgsp.store.sync.rows import Outgoing
from tests.national.gateway import Gateway
from tests.records import FakeRecord
from tests.waiting import until

CALENDAR = load_calendar()
TOPIC = "dossier-events"
CALL = "/XrdAdapter/RestService/forward/mapi/g?dstcode=x"
LOGIN = "/XrdAdapter/RestService/forward/mapi/login?dstcode=x"


@dataclass
class RunningPortal:
    """A mock that serves on a free port of this machine."""

    url: str
    http: aiohttp.ClientSession
    front: Gateway | None = None

    @property
    def gateway(self) -> Gateway:
        """What stands before it."""
        assert self.front is not None
        return self.front

    async def get(self, path: str, **query: Any) -> Any:
        async with self.http.get(self.url + path, params=query) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def post(self, path: str, body: Any) -> Any:
        async with self.http.post(self.url + path, json=body) as response:
            return await response.json()

    async def session(self) -> str:
        answer = await self.post(LOGIN, {"username": "lgsp", "password": "lgsp"})
        return str(answer["session"])

    async def call(self, service: str, **arguments: Any) -> Any:
        session = await self.session()
        return await self.post(
            CALL, {"session": session, "madonvi": "H37", "service": service, **arguments}
        )

    async def log(self, **query: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.get("/api/log", limit=5000, **query))["items"]
        return items

    async def dossier(self, code: str) -> dict[str, Any]:
        found: dict[str, Any] = await self.get(f"/api/dossiers/{code}")
        return found

    def settings(self, **changes: Any) -> Settings:
        return Settings(
            national_url=self.url,
            **{
                "national_retry_longest": 0.2,
                "national_timeout": 5,
                "national_read_back": 0,
                **changes,
            },
        )


@asynccontextmanager
async def running_portal(
    folder: Path,
    faults: Sequence[dict[str, Any]] = (),
    *,
    session_ttl: float = 600,
    unknown: Sequence[str] = (),
) -> AsyncIterator[RunningPortal]:
    script = folder / "faults.yaml"
    script.write_text(yaml.safe_dump(list(faults)), "utf-8")
    app = make_app(
        PortalStore(folder / "portal.db"),
        script=load_faults(script),
        catalogue=Catalogue(unknown=unknown),
        session_ttl=session_ttl,
    )
    gateway = Gateway(app)
    server = make_server(gateway, "127.0.0.1", 0)
    serving = asyncio.create_task(server.serve())
    await until("the mock serves", lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with aiohttp.ClientSession() as http:
            yield RunningPortal(f"http://127.0.0.1:{port}", http, gateway)
    finally:
        server.should_exit = True
        await serving


@dataclass
class Sync:
    """A sync worker that holds partition 0; `results` are what it sent to Kafka."""

    engine: Engine
    settings: Settings
    clock: Callable[[], int] = now_ms
    ask_every: float = 0.3
    results: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    retries: Retries | None = None
    lease: float = 0
    witness: Witness = NO_WITNESS

    def __post_init__(self) -> None:
        self.queue = SyncQueue(
            self.engine, TOPIC, CALENDAR, self.clock, self.rejects.extend, lease=self.lease
        )
        self.queue.open_partition(0)

    def feed(self, events: Sequence[DossierEvent]) -> None:
        self.feed_values([encode_event(event) for event in events])

    def feed_values(self, values: Sequence[bytes | None]) -> None:
        start = self.queue.position(0) or 0
        records = [FakeRecord(start + i, value) for i, value in enumerate(values)]
        self.queue.fold([Batch(0, records)])
        self.queue.on_change()

    def pending(self) -> int:
        with self.engine.connect() as connection:
            return count_pending(connection)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[asyncio.Task[None]]:
        async with NationalClient(self.settings, self.witness) as client:
            dispatcher = Dispatcher(
                self.queue,
                client,
                SIMPLE.statuses,
                self.retries
                or Retries(
                    self.settings.national_retry_days,
                    self.settings.national_retry_longest,
                    CALENDAR,
                ),
                lambda _blob, _code: {"owner_name": "NGUYEN VAN TEST", "owner_id": "000000000001"},
                self._send,
                self.clock,
                concurrency=self.settings.national_concurrency,
                ask_every=self.ask_every,
            )
            running = asyncio.create_task(dispatcher.run())
            try:
                yield running
            finally:
                running.cancel()
                with suppress(asyncio.CancelledError):
                    await running

    async def drain(self, seconds: float = 30) -> None:
        """Work until no dossier is pending."""
        async with self.working():
            await until("no dossier is pending", lambda: self.pending() == 0, seconds)

    async def drain_results(self) -> None:
        """Work until every result of a settled push is out."""

        def out() -> bool:
            return self.pending() == 0 and not self.queue.outgoing(1)

        async with self.working() as running:
            await until("all results are out", lambda: running.done() or out())

    async def _send(self, results: Sequence[Outgoing]) -> None:
        self.results += [RESULTS.decode(result.value) for result in results]
