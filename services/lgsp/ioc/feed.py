"""The IOC feed: figures over HTTP, a live stream and the page, all read from the one store."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from fastapi.staticfiles import StaticFiles
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from lgsp.domain.errors import ConfigurationError, RetryableError
from lgsp.domain.figures import Scope
from lgsp.domain.measures import Part
from lgsp.domain.period import FORMS, parse_instant, parse_period, show_instant
from lgsp.domain.profiles.registry import known_figures, profile_named
from lgsp.ioc.board import Board, Breakdown, publish
from lgsp.ioc.http import ObservedApp
from lgsp.ioc.stream import Hub
from lgsp.store.figures.answers import Figures, Question

PAGE = Path(__file__).parent / "page"
_MOST_ROWS = 1000
_JSON = "application/json"


def now_question(
    request: Request,
    period: Annotated[str, Query(description=f"One of: {FORMS}.")] = "all",
    unit: Annotated[str, Query(description="Agency code; contains the units below it.")] = "",
    domain: Annotated[str, Query(description="Code of the administrative domain.")] = "",
    procedure: Annotated[str, Query(description="National code of the procedure.")] = "",
    profile: Annotated[
        str, Query(description="Rule profile; none: the one that this feed serves.")
    ] = "",
) -> Question:
    """Read the parameters that every figure takes; ConfigurationError becomes status 400."""
    served = request.app.state.profile
    if profile and profile_named(profile) is not served:
        raise ConfigurationError(f"profile {profile!r} is not served here: {served.name!r} is")
    return Question(parse_period(period), Scope(unit, domain, procedure))


def question(
    now: Annotated[Question, Depends(now_question)],
    as_of: Annotated[
        str, Query(description="Past instant, ISO 8601; a date alone means its end.")
    ] = "",
) -> Question:
    """Read the parameters with the instant that the figures are as of; none: now."""
    at = parse_instant(as_of) if as_of else None
    return Question(now.period, now.scope, at)


def _only(*names: str) -> Any:
    """Refuse other query parameters: a misspelt one would give the figures of something else."""

    def check(request: Request) -> None:
        for name, count in Counter(name for name, _ in request.query_params.multi_items()).items():
            if name not in names:
                raise ConfigurationError(f"parameter {name!r} is none of: {', '.join(names)}")
            if count > 1:
                raise ConfigurationError(f"parameter {name!r} is given {count} times")

    return Depends(check)


_SCOPE = ("period", "unit", "domain", "procedure", "profile")
Now = Annotated[Question, Depends(now_question)]
Asked = Annotated[Question, Depends(question)]


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
    _add_operation(app, figures)

    @app.get("/api/v1/stream", response_class=EventSourceResponse, dependencies=[_only(*_SCOPE)])
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
    @app.get("/api/v1/indicators", dependencies=[_only(*_SCOPE, "as_of")])
    def indicators(request: Request, asked: Asked) -> Response:
        """Return the figures: counts, both rates, and what is needed to trust them."""
        return _answer(request, board, Breakdown.INDICATORS, asked)

    @app.get("/api/v1/indicators/units", dependencies=[_only(*_SCOPE)])
    def units(request: Request, asked: Now) -> Response:
        """Return counts and rates of each unit right below `unit`."""
        return _answer(request, board, Breakdown.UNITS, asked)

    @app.get("/api/v1/indicators/months", dependencies=[_only(*_SCOPE)])
    def months(request: Request, asked: Now) -> Response:
        """Return counts and rates of each month of the period."""
        return _answer(request, board, Breakdown.MONTHS, asked)

    @app.get(
        "/api/v1/explain",
        dependencies=[_only(*_SCOPE, "as_of", "figure", "part", "after", "limit")],
    )
    def explain(
        figure: Annotated[str, Query(description=f"One of: {', '.join(known_figures())}.")],
        asked: Asked,
        part: Part = Part.NUMERATOR,
        after: Annotated[str, Query(description="`next` of the page before.")] = "",
        limit: Annotated[int, Query(ge=1, le=_MOST_ROWS)] = 100,
    ) -> Response:
        """List the dossiers behind a figure: codes, times and the reason, never a person."""
        rows = board.figures.explain(figure, asked, part, after=after, limit=limit)
        document = {
            "figure": figure,
            "part": part.value,
            "period": asked.period.document(),
            "scope": asked.scope.document(),
            "as_of": show_instant(asked.as_of),
            "dossiers": [row.document() for row in rows],
            "next": rows[-1].dossier if len(rows) == limit else None,
        }
        return Response(publish(document).body, media_type=_JSON)


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

    @app.get("/metrics", include_in_schema=False)
    def metrics() -> Response:
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)


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
