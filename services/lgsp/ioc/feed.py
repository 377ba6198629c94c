"""The IOC feed: figures over HTTP, a live stream and the page, all read from the one store."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI, Response
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST

from lgsp.ioc.board import Board, Breakdown, Published
from lgsp.ioc.conditional import ConditionalApp
from lgsp.ioc.http import ObservedApp
from lgsp.ioc.refusals import add_refusals
from lgsp.ioc.routes import Gates, add_figures, add_operation, add_transitions
from lgsp.ioc.stream import Hub
from lgsp.ioc.streams import add_streams
from lgsp.runtime.exposed import Exposed, Shown
from lgsp.store.figures.answers import Figures, Question

PAGE = Path(__file__).parent / "page"


def make_app(
    figures: Figures,
    clock: Callable[[], int],
    *,
    every: float = 1.0,
    repeat: float = 5.0,
    patience: float = 5.0,
) -> tuple[FastAPI, Callable[[], None]]:
    """Build the feed's app.

    Args:
        figures: the figures of one store.
        clock: gives now in ms UTC.
        every: seconds between the stream's looks at the store.
        repeat: seconds after which a stream sends figures again that stand.
        patience: seconds that a question waits for its turn before it is refused for now.

    Returns:
        The app, and a function that ends what is open (safe in a signal handler).
    """
    board = Board(figures, clock, fresh_for=every / 2)
    gates = Gates(patience)

    async def read(question: Question) -> Published:
        make = partial(board.document, Breakdown.INDICATORS, question)
        return await gates.live.answer((Breakdown.INDICATORS, question), make)

    hub = Hub(read, every=every, repeat=repeat)
    loops: list[asyncio.AbstractEventLoop] = []

    def end() -> None:
        hub.end()
        for loop in loops:
            loop.call_soon_threadsafe(gates.end)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        loops.append(asyncio.get_running_loop())
        poller = asyncio.create_task(hub.run())
        yield
        end()
        await poller

    app = FastAPI(
        title="mini-LGSP IOC feed",
        description="Filing and on-time rates of administrative dossiers, with their integers.",
        version=version("mini-lgsp"),
        lifespan=lifespan,
        docs_url=None,  # they would load scripts from elsewhere; /openapi.json is the contract
        redoc_url=None,
        redirect_slashes=False,  # they would lead to whatever host the request names
    )
    app.state.profile = figures.profile
    app.state.clock = clock
    app.add_middleware(ConditionalApp)
    app.add_middleware(ObservedApp, page=_files_of(PAGE))
    add_refusals(app)
    add_figures(app, board, gates)
    add_transitions(app, board, gates)
    add_operation(app, board, gates)
    add_streams(app, board, gates, hub)

    exposed = Exposed(Shown(("feed", "broker", "disk", "store")))

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        return Response(exposed.text(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(PAGE / "index.html")

    app.mount("/page", StaticFiles(directory=PAGE), name="page")
    return app, end


def _files_of(folder: Path) -> str:
    """Return a digest of the files of a folder and their names."""
    digest = hashlib.blake2b(digest_size=8)
    for file in sorted(path for path in folder.iterdir() if path.is_file()):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()
