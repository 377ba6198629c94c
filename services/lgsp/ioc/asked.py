"""The query parameters of the feed: what is asked, and a refusal of all that is not known."""

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

from fastapi import Depends, Query, Request

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.figures import Scope
from lgsp.domain.period import FORMS, INSTANT_FORMS, parse_as_of, parse_period
from lgsp.domain.profiles.registry import profile_named
from lgsp.ioc.refusals import ParameterError, shown
from lgsp.store.figures.answers import Question
from lgsp.store.figures.transitions import LISTED, Wanted, read_verdict

SCOPE = ("period", "unit", "domain", "procedure", "profile")
LONGEST = 300  # characters of a value; codes of the log have fewer
Unit = Annotated[str, Query(description="Agency code; contains the units below it.")]
After = Annotated[str, Query(description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="Most rows of the page.")]
_Read = TypeVar("_Read")

# All of this is `async`, though nothing is awaited: the framework would run each plain function on
# a thread of the pool, where it would wait behind the questions that take long.


def only(*names: str, repeated: str = "") -> Any:
    """Refuse other query parameters: a misspelt one would give the figures of something else.

    Args:
        names: those that mean something.
        repeated: the one of them that may be given more than once.
    """

    async def check(request: Request) -> None:
        check_pairs(request.query_params.multi_items(), names, repeated)

    return Depends(check)


def check_pairs(
    given: Iterable[tuple[str, str]], names: Sequence[str], repeated: str = ""
) -> None:
    """Refuse what is none of the names, stands twice, or is no text that a code could be."""
    given = list(given)
    counts = Counter(name for name, _value in given)
    for name, value in given:
        if name not in names:
            known = f"none of: {', '.join(names)}" if names else "unknown: this takes none"
            raise ParameterError(name, value, f"parameter {shown(name)} is {known}")
        if name == repeated:
            continue
        if counts[name] > 1:
            message = f"parameter {name!r} is given {counts[name]} times"
            raise ParameterError(name, value, message)
        check_text(name, value)


def check_text(name: str, value: str) -> None:
    """Refuse a value that no code, name or date is: too long, or with control characters."""
    if len(value) > LONGEST:
        message = f"parameter {name!r} has {len(value)} characters, more than {LONGEST}"
        raise ParameterError(name, value, message)
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in value):
        message = f"parameter {name!r} has control characters: {shown(value)}"
        raise ParameterError(name, value, message)


def reading_of(name: str, value: str, read: Callable[[str], _Read]) -> _Read:
    """Return what `read` makes of the parameter; its ConfigurationError names the parameter."""
    try:
        return read(value)
    except ConfigurationError as error:
        said = str(error)
        message = said if name in said else f"parameter {name!r}: {said}"
        raise ParameterError(name, value, message) from error


def refuse_other_profile(request: Request, profile: str) -> None:
    """Refuse a profile that is not served: its figures would be those of another."""
    served = request.app.state.profile
    if profile and reading_of("profile", profile, profile_named) is not served:
        message = f"profile {profile!r} is not served here: {served.name!r} is"
        raise ParameterError("profile", profile, message)


async def served_profile(
    request: Request,
    profile: Annotated[
        str, Query(description="Rule profile; none: the one that this feed serves.")
    ] = "",
) -> None:
    """Refuse a profile that is not served."""
    refuse_other_profile(request, profile)


async def now_question(
    _served: Annotated[None, Depends(served_profile)],
    period: Annotated[str, Query(description=f"One of: {FORMS}.")] = "all",
    unit: Unit = "",
    domain: Annotated[str, Query(description="Code of the administrative domain.")] = "",
    procedure: Annotated[str, Query(description="National code of the procedure.")] = "",
) -> Question:
    """Read the parameters that every figure takes."""
    return Question(reading_of("period", period, parse_period), Scope(unit, domain, procedure))


def question_in(request: Request, query: str) -> Question:
    """Read a question written as the query of an address: `period=2024&unit=H37`."""
    pairs = parse_qsl(query, keep_blank_values=True)
    check_pairs(pairs, SCOPE)
    given = {"period": "all", **dict(pairs)}
    refuse_other_profile(request, given.get("profile", ""))
    scope = Scope(*(given.get(name, "") for name in ("unit", "domain", "procedure")))
    return Question(reading_of("period", given["period"], parse_period), scope)


Now = Annotated[Question, Depends(now_question)]


async def question(
    request: Request,
    now: Now,
    as_of: Annotated[
        str, Query(description=f"Past instant, or today for now: {INSTANT_FORMS}.")
    ] = "",
) -> Question:
    """Read the parameters with the instant that the figures are as of; none: now."""

    def read(text: str) -> int | None:
        try:
            return parse_as_of(text, request.app.state.clock())
        except ConfigurationError as error:
            if " " not in text:
                raise
            raise ConfigurationError(f"{error}; in a URL + is written %2B") from error

    return Question(now.period, now.scope, reading_of("as_of", as_of, read))


Asked = Annotated[Question, Depends(question)]


async def wanted_transitions(
    _served: Annotated[None, Depends(served_profile)],
    verdict: Annotated[
        str, Query(description=f"One of: {', '.join(v.value for v in LISTED)}.")
    ] = "",
    unit: Unit = "",
    portal: Annotated[str, Query(description="Portal that stated them.")] = "",
) -> Wanted:
    """Read which of the transitions without effect are asked for."""
    return Wanted(reading_of("verdict", verdict, read_verdict), unit, portal)


WantedTransitions = Annotated[Wanted, Depends(wanted_transitions)]
