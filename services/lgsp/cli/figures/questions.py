"""What `lgsp indicators` and `lgsp explain` share: options, the store, words, numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from lgsp.domain.errors import ConfigurationError, Fault
from lgsp.domain.figures import Scope
from lgsp.domain.period import FORMS, INSTANT_FORMS, parse_as_of, parse_period
from lgsp.domain.profiles.registry import profile_named
from lgsp.runtime.clock import now_ms
from lgsp.runtime.settings import Settings
from lgsp.store.figures.answers import Figures, Question

Period = Annotated[str, typer.Option("--period", help=f"One of: {FORMS}.")]
Unit = Annotated[str, typer.Option("--unit", help="Agency code; contains the units below.")]
Domain = Annotated[str, typer.Option("--domain", help="Code of the administrative domain.")]
Procedure = Annotated[str, typer.Option("--procedure", help="National code of the procedure.")]
Profile = Annotated[str, typer.Option("--profile", help="Rule profile (default: LGSP_PROFILE).")]
AsOf = Annotated[
    str, typer.Option("--as-of", help=f"Past instant, or today for now: {INSTANT_FORMS}.")
]

TRUST_WORDS = {
    "full": "đủ tin",
    "provisional": "tạm tính",
    "insufficient": "chưa đủ dữ liệu",
}


def ask(period: str, unit: str, domain: str, procedure: str, as_of: str) -> Question:
    """Read the options; ConfigurationError names the one at fault."""
    return Question(
        parse_period(period),
        Scope(unit, domain, procedure),
        parse_as_of(as_of, now_ms()),
    )


def check_scope(figures: Figures, question: Question) -> None:
    """Raise ConfigurationError when nothing was ever counted for a part of the scope."""
    if lacking := figures.scopes.lacks(question.scope):
        name, value = lacking
        raise ConfigurationError(
            [
                Fault(
                    message=f"no dossier here: nothing was ever counted for this {name}",
                    key=f"--{name}",
                    value=value,
                )
            ]
        )


@contextmanager
def open_figures(settings: Settings, profile: str = "") -> Iterator[Figures]:
    """Open the store read-only for one command; no profile: the one of the settings.

    Raises:
        ConfigurationError: there is no such store, it is of another layout, or no such profile.
    """
    from lgsp.ioc.cells_check import differing
    from lgsp.ioc.clock_check import ClockCheck
    from lgsp.ioc.keeping_check import KeepingCheck
    from lgsp.ioc.log_side import look_once
    from lgsp.ioc.store_check import StoreCheck
    from lgsp.runtime.calendar.vietnam import load_calendar
    from lgsp.store.engine import open_existing
    from lgsp.store.figures.witnesses import compare_quickly
    from lgsp.store.tables import TABLES

    rules = profile_named(profile or settings.profile)
    engine = open_existing(settings.rates_store, TABLES)
    try:
        calendar = load_calendar(settings.calendar_file)
        yield Figures(
            engine,
            rules,
            calendar,
            now_ms,
            expected=settings.expected_portals,
            log=lambda: look_once(
                settings.bootstrap,
                engine,
                [
                    StoreCheck(engine),
                    ClockCheck(engine, now_ms),
                    KeepingCheck(settings.bootstrap, settings.events_topic),
                    lambda: differing(compare_quickly(engine, rules)),
                ],
                settings.events_topic,
            ),
        )
    finally:
        engine.dispose()


def number(value: int) -> str:
    """Return an integer as Vietnamese readers write it: 171.997."""
    return f"{value:,}".replace(",", ".")
