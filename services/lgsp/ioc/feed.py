"""The IOC feed: figures over HTTP, a live stream and the page, all read from the one store."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST

from lgsp.domain.errors import ConfigurationError, RetryableError
from lgsp.domain.measures import Part
from lgsp.domain.period import show_instant
from lgsp.domain.profiles.registry import known_figures
from lgsp.ioc.asked import SCOPE, After, Asked, Limit, Now, WantedTransitions, only
from lgsp.ioc.board import Board, Breakdown, publish
from lgsp.ioc.http import ObservedApp
from lgsp.ioc.stream import Hub
from lgsp.runtime.exposed import Exposed, Shown
from lgsp.store.figures.answers import Figures, Question

PAGE = Path(__file__).parent / "page"
_JSON = "application/json"


def make_app(
    figures: Figures, clock: Callable[[], int], *, every: float = 1.0
) -> tuple[FastAPI, Callable[[], None]]:
    """Build the feed's app.

    Args:
        figures: the figures of one store.
        clock: gives now in ms UTC.
        every: seconds between the stream's looks at the store.

    Returns:
        The app, and a function that ends the open streams (safe in a signal handler).
    """
    board = Board(figures, clock, fresh_for=every / 2)
    hub = Hub(board, every=every)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        poller = asyncio.create_task(hub.run())
        yield
        hub.end()
        await poller

    app = FastAPI(
        title="mini-LGSP IOC feed",
        description="Filing and on-time rates of administrative dossiers, with their integers.",
        version=version("mini-lgsp"),
        lifespan=lifespan,
        docs_url=None,  # they would load scripts from elsewhere; /openapi.json is the contract
        redoc_url=None,
    )
    app.state.profile = figures.profile
    app.add_middleware(ObservedApp)
    app.add_exception_handler(ConfigurationError, _bad_request)
    app.add_exception_handler(RetryableError, _unavailable)
    _add_figures(app, board)
    _add_transitions(app, figures)
    _add_operation(app, figures)

    @app.get("/api/v1/stream", response_class=EventSourceResponse, dependencies=[only(*SCOPE)])
    async def stream(
        asked: Annotated[Question, Depends(_admitted(hub))],
        last_event_id: Annotated[str, Header()] = "",
    ) -> AsyncIterator[ServerSentEvent]:
        """Follow the figures: event `indicators` now and whenever they change."""
        async for document in hub.follow(asked, last_event_id):
            yield ServerSentEvent(
                event="indicators", id=document.id, raw_data=document.body.decode()
            )

    @app.get("/", include_in_schema=False)
    def page() -> FileResponse:
        return FileResponse(PAGE / "index.html")

    app.mount("/page", StaticFiles(directory=PAGE), name="page")
    return app, hub.end


def _add_figures(app: FastAPI, board: Board) -> None:
    @app.get("/api/v1/indicators", dependencies=[only(*SCOPE, "as_of")])
    def indicators(request: Request, asked: Asked) -> Response:
        """Return the figures: counts, both rates, and what is needed to trust them."""
        return _answer(request, board, Breakdown.INDICATORS, asked)

    @app.get("/api/v1/indicators/units", dependencies=[only(*SCOPE)])
    def units(request: Request, asked: Now) -> Response:
        """Return counts and rates of each unit right below `unit`."""
        return _answer(request, board, Breakdown.UNITS, asked)

    @app.get("/api/v1/indicators/months", dependencies=[only(*SCOPE)])
    def months(request: Request, asked: Now) -> Response:
        """Return counts and rates of each month of the period."""
        return _answer(request, board, Breakdown.MONTHS, asked)

    @app.get(
        "/api/v1/explain",
        dependencies=[only(*SCOPE, "as_of", "figure", "part", "after", "limit")],
    )
    def explain(
        figure: Annotated[str, Query(description=f"One of: {', '.join(known_figures())}.")],
        asked: Asked,
        part: Part = Part.NUMERATOR,
        after: After = "",
        limit: Limit = 100,
    ) -> Response:
        """List the dossiers behind a figure: codes, times and the reason, never a person."""
        rows = board.figures.explain(figure, asked, part, after=after, limit=limit)
        document = {
            "figure": figure,
            "part": part.value,
            "period": asked.period.document(),
            "scope": asked.scope.document(),
            "as_of": show_instant(asked.as_of),
            "profile": board.figures.profile.document(),
            "dossiers": [row.document() for row in rows],
            "next": rows[-1].dossier if len(rows) == limit else None,
        }
        return Response(publish(document).body, media_type=_JSON)


def _add_transitions(app: FastAPI, figures: Figures) -> None:
    @app.get(
        "/api/v1/transitions",
        dependencies=[only("verdict", "unit", "portal", "profile", "after", "limit")],
    )
    def transitions(wanted: WantedTransitions, after: After = "", limit: Limit = 100) -> Response:
        """List the transitions that are kept and change nothing, each with the reason.

        Every page goes over all dossiers of the store once: a second or two for 200,000.
        """
        page = figures.transitions.without_effect(wanted, after=after, limit=limit)
        return Response(publish(page.document()).body, media_type=_JSON)

    @app.get("/api/v1/transitions/{dossier}", dependencies=[only()])
    def transitions_of(dossier: str) -> Response:
        """List all transitions of one dossier, in order, each with its verdict."""
        rows = figures.transitions.of_dossier(dossier)
        if not rows:
            raise HTTPException(404, f"dossier {dossier!r} is not in the store")
        return Response(
            publish({"transitions": [row.document() for row in rows]}).body, media_type=_JSON
        )


def _add_operation(app: FastAPI, figures: Figures) -> None:
    @app.get("/healthz")
    async def healthz() -> dict[str, bool]:
        """Tell that the process is alive."""
        return {"ok": True}

    @app.get("/readyz")
    def readyz() -> dict[str, bool]:
        """Tell that the store can be read (else status 503)."""
        figures.marker()
        return {"ok": True}

    exposed = Exposed(Shown(("feed",)))

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        return Response(exposed.text(), media_type=CONTENT_TYPE_LATEST)


def _answer(request: Request, board: Board, breakdown: Breakdown, asked: Question) -> Response:
    document = board.document(breakdown, asked)
    # Weak: the as-of time goes on while the figures stand.
    headers = {"etag": f'W/"{document.id}"'}
    if headers["etag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(document.body, media_type=_JSON, headers=headers)


def _admitted(hub: Hub) -> Callable[[Question], Question]:
    def admit(asked: Now) -> Question:
        hub.admit(asked)
        return asked

    return admit


def _bad_request(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, status_code=400)


def _unavailable(_request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, status_code=503, headers={"retry-after": "1"})
