"""The query parameters of the feed: what is asked, and a refusal of all that is not known."""

from collections import Counter
from typing import Annotated, Any

from fastapi import Depends, Query, Request

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.figures import Scope
from lgsp.domain.period import FORMS, parse_instant, parse_period
from lgsp.domain.profiles.registry import profile_named
from lgsp.store.figures.answers import Question
from lgsp.store.figures.transitions import LISTED, Wanted, read_verdict

SCOPE = ("period", "unit", "domain", "procedure", "profile")
Unit = Annotated[str, Query(description="Agency code; contains the units below it.")]
After = Annotated[str, Query(description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="Most rows of the page.")]


def only(*names: str) -> Any:
    """Refuse other query parameters: a misspelt one would give the figures of something else."""

    def check(request: Request) -> None:
        for name, count in Counter(name for name, _ in request.query_params.multi_items()).items():
            if name not in names:
                raise ConfigurationError(f"parameter {name!r} is none of: {', '.join(names)}")
            if count > 1:
                raise ConfigurationError(f"parameter {name!r} is given {count} times")

    return Depends(check)


def served_profile(
    request: Request,
    profile: Annotated[
        str, Query(description="Rule profile; none: the one that this feed serves.")
    ] = "",
) -> None:
    """Refuse a profile that is not served: its figures would be those of another."""
    served = request.app.state.profile
    if profile and profile_named(profile) is not served:
        raise ConfigurationError(f"profile {profile!r} is not served here: {served.name!r} is")


def now_question(
    _served: Annotated[None, Depends(served_profile)],
    period: Annotated[str, Query(description=f"One of: {FORMS}.")] = "all",
    unit: Unit = "",
    domain: Annotated[str, Query(description="Code of the administrative domain.")] = "",
    procedure: Annotated[str, Query(description="National code of the procedure.")] = "",
) -> Question:
    """Read the parameters that every figure takes; ConfigurationError becomes status 400."""
    return Question(parse_period(period), Scope(unit, domain, procedure))


Now = Annotated[Question, Depends(now_question)]


def question(
    now: Now,
    as_of: Annotated[
        str, Query(description="Past instant, ISO 8601; a date alone means its end.")
    ] = "",
) -> Question:
    """Read the parameters with the instant that the figures are as of; none: now."""
    at = parse_instant(as_of) if as_of else None
    return Question(now.period, now.scope, at)


Asked = Annotated[Question, Depends(question)]


def wanted_transitions(
    _served: Annotated[None, Depends(served_profile)],
    verdict: Annotated[
        str, Query(description=f"One of: {', '.join(v.value for v in LISTED)}.")
    ] = "",
    unit: Unit = "",
    portal: Annotated[str, Query(description="Portal that stated them.")] = "",
) -> Wanted:
    """Read which of the transitions without effect are asked for."""
    return Wanted(read_verdict(verdict), unit, portal)


WantedTransitions = Annotated[Wanted, Depends(wanted_transitions)]
