"""The mock as a server: the call paths, and a read interface for checks without personal data."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import orjson
import structlog
import uvicorn
from fastapi import FastAPI, HTTPException, Query, Response
from prometheus_client import CONTENT_TYPE_LATEST

from lgsp.mocks.national.calls import App, Calls, DroppableProtocol
from lgsp.mocks.national.catalogue import Catalogue
from lgsp.mocks.national.contract import STEP, without_personal
from lgsp.mocks.national.faults import FaultScript
from lgsp.mocks.national.playing import Receive, Scope, Send
from lgsp.mocks.national.portal import Portal
from lgsp.mocks.national.store import PortalStore
from lgsp.runtime.exposed import Exposed, Shown
from lgsp.runtime.ports import http_url, listen
from lgsp.runtime.serving.guarded import BoundedServer
from lgsp.runtime.stopping.ending import LastResort

BASE = "/XrdAdapter/RestService/forward"
_PAGE = Query(ge=1, le=5000)


def make_app(
    store: PortalStore,
    *,
    script: FaultScript | None = None,
    catalogue: Catalogue | None = None,
    user: str = "lgsp",
    password: str = "lgsp",  # noqa: S107 - the mock's own default account
    endpoint: str = "mapi/g",
    dstcode: str = "",
    session_ttl: float = 600,
) -> App:
    """Return the application; it closes `store` when it shuts down.

    Args:
        store: the portal's file.
        script: faults to play.
        catalogue: procedures; default: every well-formed code.
        user: the account.
        password: its password.
        endpoint: call path behind the adapter.
        dstcode: address that callers must name; "" for any.
        session_ttl: seconds that a session is good for.
    """
    portal = Portal(
        store=store,
        clock=lambda: time.time_ns() // 1_000_000,
        user=user,
        password=password,
        catalogue=catalogue or Catalogue(),
        session_ttl=session_ttl,
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        store.close()

    app = FastAPI(
        title="Cổng DVCQG (giả lập)",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    _add_reads(app, store)
    call_path = f"{BASE}/{endpoint}"
    calls = Calls(portal, script or FaultScript(), dstcode)
    return _Front(calls, app, frozenset({f"{BASE}/mapi/login", call_path}))


class _Front:
    """The whole application: the hot paths do not go through FastAPI's layers."""

    def __init__(self, calls: Calls, app: FastAPI, paths: frozenset[str]) -> None:
        self._calls, self._app, self._paths = calls, app, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Work on one request."""
        called = scope["type"] == "http" and scope["path"] in self._paths
        app = self._calls if called and scope["method"] == "POST" else self._app
        await app(scope, receive, send)


def _add_reads(app: FastAPI, store: PortalStore) -> None:
    @app.get("/healthz")
    @app.get("/readyz")
    async def health() -> dict[str, bool]:
        store.read("SELECT 1")
        return {"ok": True}

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(Exposed(Shown(("mock",))).text(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/api/dossiers")
    async def dossiers(
        status: int | None = None,
        agency: str = "",
        after: str = "",
        limit: Annotated[int, _PAGE] = 500,
        steps: bool = True,
    ) -> Response:
        """Dossiers in code order, with their `steps` or without.

        `next` is the `after` of the next page, null at the end.
        """
        where, arguments = ["code > ?"], [after]
        if status is not None:
            where.append("status = ?")
            arguments.append(str(status))
        if agency:
            where.append("(code LIKE ? OR code LIKE ?)")
            arguments += [f"{agency}-%", f"{agency}.%"]
        rows = store.read(
            f"SELECT * FROM dossiers WHERE {' AND '.join(where)} ORDER BY code LIMIT ?",  # noqa: S608 - fixed texts
            *arguments,
            limit,
        )
        found = _steps_of(store, [row["code"] for row in rows]) if steps else {}
        items = [_shown(row, found.get(row["code"], [])) for row in rows]
        return _json({"items": items, "next": rows[-1]["code"] if len(rows) == limit else None})

    @app.get("/api/dossiers/{code}")
    async def dossier(code: str) -> Response:
        rows = store.read("SELECT * FROM dossiers WHERE code = ?", code)
        if not rows:
            raise HTTPException(404, f"no dossier {code}")
        return _json(_shown(rows[0], _steps_of(store, [code]).get(code, [])))

    @app.get("/api/log")
    async def log(
        dossier: str = "",
        service: str = "",
        after: int = 0,
        limit: Annotated[int, _PAGE] = 500,
    ) -> Response:
        """Every call in order; `next` is the `after` of the next page, null at the end."""
        rows = store.read(
            "SELECT * FROM calls WHERE id > ? AND (? = '' OR code = ?)"
            " AND (? = '' OR service = ?) ORDER BY id LIMIT ?",
            after,
            dossier,
            dossier,
            service,
            service,
            limit,
        )
        items = [dict(row) | {"facts": orjson.loads(row["facts"])} for row in rows]
        return _json({"items": items, "next": rows[-1]["id"] if len(rows) == limit else None})

    @app.get("/api/summary")
    async def summary() -> Response:
        by_status = store.read("SELECT status, count(*) FROM dossiers GROUP BY status")
        by_service = store.read(
            "SELECT service, error_code, fault, count(*) AS calls FROM calls"
            " GROUP BY service, error_code, fault"
        )
        return _json(
            {
                "dossiers": sum(row[1] for row in by_status),
                "by_status": {str(row[0]): row[1] for row in by_status},
                "steps": store.read("SELECT count(*) FROM steps")[0][0],
                "calls": [dict(row) for row in by_service],
            }
        )


def _steps_of(store: PortalStore, codes: list[str]) -> dict[str, list[dict[str, Any]]]:
    marks = ",".join("?" * len(codes))
    found: dict[str, list[dict[str, Any]]] = {}
    query = f"SELECT code, step FROM steps WHERE code IN ({marks}) ORDER BY code, at, id"  # noqa: S608 - marks
    for code, step in store.read(query, *codes):
        found.setdefault(code, []).append(without_personal(orjson.loads(step), STEP))
    return found


def _shown(row: Any, steps: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "code": row["code"],
        "status": row["status"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "record": without_personal(orjson.loads(row["record"])),
        "steps": steps,
    }


def _json(content: object) -> Response:
    return Response(orjson.dumps(content), media_type="application/json")


def make_server(
    app: App, host: str, port: int, last_resort: LastResort | None = None
) -> BoundedServer:
    """Return the server of the application; the caller runs it. Port 0: a free one."""
    return BoundedServer(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=DroppableProtocol,
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=5,
        ),
        last_resort=last_resort,
    )


def run(app: App, host: str, port: int, on_ready: Callable[[str], None] = lambda _: None) -> int:
    """Serve a mock until SIGTERM or SIGINT; return the exit code.

    Args:
        app: the mock's application.
        host: address to listen on.
        port: 0: a free one.
        on_ready: told the URL when the port is open.

    Raises:
        ConfigurationError: the address cannot be listened on.
    """
    with listen("the mock", host, port, "LGSP_MOCK_PORT or --port") as listener:
        port = listener.getsockname()[1]
        log = structlog.get_logger().bind(host=host, port=port)
        log.info("mock_started")
        on_ready(http_url(host, port))
        make_server(app, host, port, LastResort()).run([listener])
        log.info("mock_stopped")
    return 0


def store_path(data: Path) -> Path:
    """Return where the mock keeps its file under the data folder."""
    return data / "national-mock.db"
