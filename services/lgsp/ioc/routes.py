"""The feed's answers to questions: figures, units, months, and the lists behind them."""

from functools import partial
from typing import Annotated

from fastapi import FastAPI, HTTPException, Query, Response

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.measures import Part
from lgsp.domain.period import show_instant
from lgsp.domain.profiles.registry import known_figures
from lgsp.ioc.asked import SCOPE, After, Asked, Limit, Now, WantedTransitions, check_text, only
from lgsp.ioc.board import Board, Breakdown, Published, publish
from lgsp.ioc.gate import Gate
from lgsp.ioc.refusals import ParameterError
from lgsp.store.figures.answers import Question

_WITHIN = 15.0  # seconds; longer than a store waits for one lock, which says more
_COSTLY_WITHIN = 60.0
_READY_WITHIN = 5.0


class Gates:
    """One gate a kind of question; together they stay below the connections of a store."""

    def __init__(self, patience: float) -> None:
        self.live = Gate("figures", 6, patience, _WITHIN)
        self.past = Gate("figures of a past instant", 2, patience, _COSTLY_WITHIN)
        self.lists = Gate("lists of dossiers", 2, patience, _COSTLY_WITHIN)
        self.ready = Gate("readiness", 1, patience, _READY_WITHIN)

    def end(self) -> None:
        """Refuse all who wait; called on the loop."""
        for gate in (self.live, self.past, self.lists, self.ready):
            gate.end()


def add_figures(app: FastAPI, board: Board, gates: Gates) -> None:
    """Add the documents of figures, and the dossiers behind each of them."""

    async def answer(breakdown: Breakdown, asked: Question) -> Response:
        gate = gates.live if asked.as_of is None else gates.past
        make = partial(board.document, breakdown, asked)
        return _answer(await gate.answer((breakdown, asked), make))

    @app.get("/api/v1/indicators", dependencies=[only(*SCOPE, "as_of")])
    async def indicators(asked: Asked) -> Response:
        """Return the figures: counts, both rates, and what is needed to trust them.

        With `as_of` they are computed from the dossiers: seconds for a large province.
        """
        return await answer(Breakdown.INDICATORS, asked)

    @app.get("/api/v1/indicators/units", dependencies=[only(*SCOPE)])
    async def units(asked: Now) -> Response:
        """Return counts and rates of each unit right below `unit`."""
        return await answer(Breakdown.UNITS, asked)

    @app.get("/api/v1/indicators/months", dependencies=[only(*SCOPE)])
    async def months(asked: Now) -> Response:
        """Return counts and rates of each month of the period, also of those without dossiers.

        What is open stands in the month of its reception; `earlier` has what was received before
        the period and is still open, so that all together are the figures of the period.
        """
        return await answer(Breakdown.MONTHS, asked)

    @app.get(
        "/api/v1/explain",
        dependencies=[only(*SCOPE, "as_of", "figure", "part", "after", "limit")],
    )
    async def explain(
        figure: Annotated[str, Query(description=f"One of: {', '.join(known_figures())}.")],
        asked: Asked,
        part: Part = Part.NUMERATOR,
        after: After = "",
        limit: Limit = 100,
    ) -> Response:
        """List the dossiers behind a figure: codes, times and the reason, never a person.

        `total` counts those of all pages.
        """
        figures = board.figures
        try:
            figures.profile.measures.behind(figure, part)
        except ConfigurationError as error:
            raise ParameterError("figure", figure, str(error)) from error

        def make() -> Published:
            board.check(asked.scope)
            found = figures.page_behind(figure, asked, part, after=after, limit=limit)
            document = {
                "figure": figure,
                "part": part.value,
                "period": asked.period.document(),
                "scope": asked.scope.document(),
                "as_of": show_instant(asked.as_of),
                "profile": figures.profile.document(),
                "total": found.total,
                "dossiers": [row.document() for row in found.rows],
                "next": found.rows[-1].dossier if len(found.rows) >= limit else None,
            }
            return publish(document)

        gate = gates.lists if asked.as_of is None else gates.past
        return _answer(await gate.answer((figure, part, asked, after, limit), make))


def add_transitions(app: FastAPI, board: Board, gates: Gates) -> None:
    """Add the list of what the portals stated and could not be, and one dossier's course."""
    listed = board.figures.transitions

    @app.get(
        "/api/v1/transitions",
        dependencies=[only("verdict", "unit", "portal", "profile", "after", "limit")],
    )
    async def transitions(
        wanted: WantedTransitions, after: After = "", limit: Limit = 100
    ) -> Response:
        """List the transitions that are kept and change nothing, each with the reason.

        Every page goes over all dossiers of the store once: a second or two for 200,000.
        """

        def make() -> Published:
            return publish(listed.without_effect(wanted, after=after, limit=limit).document())

        return _answer(await gates.lists.answer((wanted, after, limit), make))

    @app.get("/api/v1/transitions/{dossier:path}", dependencies=[only()])
    async def transitions_of(dossier: str) -> Response:
        """List all transitions of one dossier, in order, each with its verdict."""
        check_text("dossier", dossier)
        rows = await gates.live.answer(dossier, partial(listed.of_dossier, dossier))
        if not rows:
            raise HTTPException(404, f"dossier {dossier!r} is not in the store")
        return _answer(publish({"transitions": [row.document() for row in rows]}))


def add_operation(app: FastAPI, board: Board, gates: Gates) -> None:
    """Add what tells that the process is alive, and that it can answer."""

    @app.get("/healthz")
    async def healthz() -> dict[str, bool]:
        """Tell that the process is alive."""
        return {"ok": True}

    @app.get("/readyz")
    async def readyz() -> dict[str, bool]:
        """Tell that the store can be read (else status 503)."""
        await gates.ready.answer("ready", board.figures.marker)
        return {"ok": True}


def _answer(document: Published) -> Response:
    headers = {"etag": f'"{document.tag}"'}
    return Response(document.body, media_type="application/json", headers=headers)
