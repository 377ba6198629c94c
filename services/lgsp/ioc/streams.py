"""The streams over HTTP: of one question, and of all the questions of one browser."""

from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from typing import Annotated, Any

import orjson
from fastapi import Depends, FastAPI, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from lgsp.domain.errors import LgspError, RetryableError
from lgsp.ioc.asked import SCOPE, Now, only, question_in
from lgsp.ioc.board import Board
from lgsp.ioc.conditional import HEAD
from lgsp.ioc.refusals import ParameterError, refusal, shown
from lgsp.ioc.routes import Gates
from lgsp.ioc.stream import Following, Hub, News
from lgsp.runtime.serving.proxies import plain_address
from lgsp.store.figures.answers import Question

_MOST = 32  # questions of one browser
_LONGEST = 2000  # characters of a question
_BEAT = ServerSentEvent(comment="beat")
_BEGIN = ServerSentEvent(comment="begin")

Refused = dict[str, dict[str, Any]]


def add_streams(app: FastAPI, board: Board, gates: Gates, hub: Hub) -> None:
    """Add both forms of the stream."""

    async def check(question: Question) -> None:
        scope = question.scope
        await gates.live.answer(("scope", scope), partial(board.check, scope))

    async def one(request: Request, asked: Now) -> AsyncIterator[Following]:
        await check(asked)
        with hub.following(_client(request), {"": asked}) as following:
            yield following

    async def many(
        request: Request,
        q: Annotated[
            list[str], Query(description=f"A question, as `/stream` takes it; up to {_MOST}.")
        ],
    ) -> AsyncIterator[tuple[Following, Refused]]:
        asked: dict[str, Question] = {}
        refused: Refused = {}
        if len(q) > _MOST:
            message = f"parameter 'q' is given {len(q)} times, at most {_MOST} are answered"
            raise ParameterError("q", q[-1], message)
        for query in q:
            if len(query) > _LONGEST:
                raise ParameterError("q", query, f"parameter 'q' is too long: {shown(query)}")
            try:
                question = question_in(request, query)
                with suppress(RetryableError):  # not now: it is followed, and answered when it can
                    await check(question)
                asked[query] = question
            except LgspError as error:
                status, body = refusal(error)
                refused[query] = {"q": query, "status": status, **body}
        with hub.following(_client(request), asked) as following:
            yield following, refused

    @app.get("/api/v1/stream", response_class=EventSourceResponse, dependencies=[only(*SCOPE)])
    async def stream(
        request: Request,
        following: Annotated[Following, Depends(one)],
        last_event_id: Annotated[str, Header()] = "",
    ) -> AsyncIterator[ServerSentEvent]:
        """Follow the figures: event `indicators` now and whenever they change.

        A comment each second is a sign of life; a comment, too, says why there are none now.
        """
        if request.scope[HEAD]:
            return
        yield _BEGIN
        async for news in following.news(last_event_id):
            yield _event(news)

    @app.get(
        "/api/v1/streams",
        response_class=EventSourceResponse,
        dependencies=[only("q", repeated="q")],
    )
    async def streams(
        request: Request, followed: Annotated[tuple[Following, Refused], Depends(many)]
    ) -> AsyncIterator[ServerSentEvent]:
        """Follow several figures over one connection, each under its question `q`.

        Browsers open six connections to one host at most. Events: `indicators`, `unavailable`,
        and `refused` for a question that `/stream` would refuse.
        """
        following, refused = followed
        if request.scope[HEAD]:
            return
        yield _BEGIN
        for body in refused.values():
            yield ServerSentEvent(event="refused", raw_data=orjson.dumps(body).decode())
        async for news in following.news():
            yield _event_of_many(news)


def _client(request: Request) -> str:
    """Name who asks; all whose proxy gave a word in place of an address are one."""
    host = request.client.host if request.client else ""
    return plain_address(host) or "a client without an address"


def _event(news: News) -> ServerSentEvent:
    if news.trouble:  # a comment: clients of this one take each event for a document
        return ServerSentEvent(comment=f"unavailable: {news.trouble}")
    if news.document is None:
        return _BEAT
    document = news.document
    return ServerSentEvent(event="indicators", id=document.id, raw_data=document.body.decode())


def _event_of_many(news: News) -> ServerSentEvent:
    if news.trouble:
        body = orjson.dumps({"q": news.asked, "detail": news.trouble}).decode()
        return ServerSentEvent(event="unavailable", raw_data=body)
    if news.document is None:
        return _BEAT
    document = orjson.Fragment(news.document.body)
    body = orjson.dumps({"q": news.asked, "id": news.document.id, "document": document}).decode()
    return ServerSentEvent(event="indicators", raw_data=body)
