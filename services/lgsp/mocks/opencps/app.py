"""The OpenCPS mock as a server: its REST list, and controls for tests under /_mock."""

import asyncio
import base64
import hmac
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.period import parse_instant, show_instant
from lgsp.mocks.national.faults import FaultScript, ScriptedFault
from lgsp.mocks.opencps.clock import PortalClock
from lgsp.mocks.opencps.portal import Filters, OpenCpsPortal
from lgsp.runtime.exposed import Exposed, Shown

BASE = "/o/rest/v2"
_MOST_ROWS = 1000
_SORTS = frozenset({"", "modified", "modifiedDate"})
_UNSUPPORTED = frozenset({"error_code", "drop_after"})
_LOGIN_PAGE = "<html><body><h1>Đăng nhập hệ thống</h1></body></html>"


def build_app(
    portal: OpenCpsPortal,
    clock: PortalClock,
    truth: dict[str, Any],
    *,
    script: FaultScript | None = None,
    user: str = "lgsp",
    password: str = "lgsp",  # noqa: S107 - the mock's own default account
    token: str = "lgsp",  # noqa: S107
) -> FastAPI:
    """Return the application.

    Args:
        portal: the dossiers.
        clock: the portal's time, put forward by POST /_mock/advance.
        truth: the twin's truth document, served at /_mock/truth.
        script: faults to play; services are `list` and `dossier`.
        user: account of basic authentication.
        password: its password.
        token: a bearer token that is accepted too.

    Raises:
        ConfigurationError: the script has a fault that this portal cannot show.
    """
    script = script or FaultScript()
    for rule in script.rules:
        if rule.do.name in _UNSUPPORTED:
            raise ConfigurationError(f"faults: {rule.do.name} means nothing to the OpenCPS mock")
    basic = base64.b64encode(f"{user}:{password}".encode()).decode()
    accepted = (f"Basic {basic}".encode(), f"Bearer {token}".encode())
    app = FastAPI(title="Cổng OpenCPS (giả lập)", docs_url=None, redoc_url=None)

    def refused(request: Request) -> Response | None:
        given = request.headers.get("authorization", "").encode()
        known = [hmac.compare_digest(given, good) for good in accepted]
        if any(known) and request.headers.get("groupid"):
            return None
        return _json({"code": 401, "message": "Non-authorization."}, 401)

    async def answered(request: Request, service: str, dossier: str, body: object) -> Response:
        fault = script.next(service, dossier)
        answer = _json(body) if body is not None else _json({"message": "Not found."}, 404)
        return answer if fault is None else await _failed(request, fault, answer)

    @app.get(f"{BASE}/dossiers")
    async def dossiers(request: Request) -> Response:
        query = request.query_params
        if denied := refused(request):
            return denied
        order, sort = query.get("order", "desc"), query.get("sort", "")
        try:
            start, end = int(query.get("start", "0")), int(query.get("end", "20"))
        except ValueError:
            return _json({"message": "start and end are whole numbers"}, 400)
        if sort not in _SORTS or order not in {"asc", "desc"} or start < 0:
            return _json({"message": f"sort={sort} order={order} start={start}"}, 400)
        filters = Filters(
            status=query.get("status", ""),
            agency=query.get("agency", ""),
            service=query.get("service", ""),
            domain=query.get("domain", ""),
            dossier_no=query.get("dossierNo", ""),
            online=query.get("online", ""),
        )
        end = min(end, start + _MOST_ROWS)
        total, rows = portal.list(filters, start, end, newest_first=order == "desc")
        return await answered(request, "list", "", {"total": total, "data": rows})

    @app.get(f"{BASE}/dossiers/{{number}}")
    async def dossier(request: Request, number: int) -> Response:
        if denied := refused(request):
            return denied
        return await answered(request, "dossier", str(number), portal.get(number))

    @app.post("/_mock/advance")
    async def advance(request: Request) -> Response:
        try:
            clock.advance(parse_instant(orjson.loads(await request.body())["to"]))
        except (orjson.JSONDecodeError, KeyError, TypeError, ConfigurationError) as error:
            return _json({"message": f'{{"to": ISO 8601, not earlier}}: {error}'}, 400)
        return _json({"now": show_instant(clock.now())})

    @app.get("/_mock/truth")
    async def known_truth() -> Response:
        return _json(truth)

    @app.get("/healthz")
    @app.get("/readyz")
    async def health() -> dict[str, bool]:
        return {"ok": True}

    @app.get("/metrics")
    async def exposed() -> Response:
        return Response(Exposed(Shown(("mock",))).text(), media_type=CONTENT_TYPE_LATEST)

    return app


async def _failed(request: Request, fault: ScriptedFault, answer: Response) -> Response:
    """Answer as the script says."""
    if fault.delay:
        await asyncio.sleep(fault.delay)
    if fault.http:
        advice = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
        return Response(b'{"error":"scripted"}', fault.http, advice, "application/json")
    if fault.expire_session:
        return _json({"code": 401, "message": "Non-authorization."}, 401)
    if fault.html:
        return Response(_LOGIN_PAGE, media_type="text/html; charset=utf-8")
    if fault.truncate:
        body = bytes(answer.body)
        return Response(body[: len(body) // 2], media_type="application/json")
    if fault.drop:
        request.scope["extensions"]["lgsp.transport"].abort()
        while (await request.receive())["type"] != "http.disconnect":
            pass
    return answer


def _json(content: object, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
