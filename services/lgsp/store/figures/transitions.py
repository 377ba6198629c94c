"""The transitions that are kept and change nothing, listed with the reason, from the store.

One pass over all dossiers answers one question, whatever page is asked for: most are told by the
flags of their transitions alone, and only the others are decoded and judged. 200,000 dossiers take
a second or two; five where nearly every one must be judged.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self

from sqlalchemy import Connection, Engine, select

from lgsp.domain.dossier import Dossier, JudgedTransition, judge_transitions
from lgsp.domain.errors import ConfigurationError, Fault
from lgsp.domain.figures import Scope
from lgsp.domain.judgement import ListedTransition, listed, surely_effective
from lgsp.domain.profiles.profile import Profile
from lgsp.domain.status import WITHOUT_EFFECT, Verdict
from lgsp.store.figures.reading import reading
from lgsp.store.figures.sums import in_scope
from lgsp.store.rates.layout import bare_transition, decode, flags_of
from lgsp.store.tables import DOSSIERS, PORTALS

LISTED = tuple(verdict for verdict in Verdict if verdict in WITHOUT_EFFECT)
"""The verdicts of transitions that change nothing, in the order of documents."""

_ROWS_AT_ONCE = 2000


def read_verdict(name: str) -> Verdict | None:
    """Return the listed verdict of that name, None for ""; ConfigurationError for any other."""
    found = next((verdict for verdict in LISTED if verdict.value == name), None)
    if name and found is None:
        known = ", ".join(verdict.value for verdict in LISTED)
        raise ConfigurationError(f"verdict {name!r} is none of: {known}")
    return found


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of the transitions without effect are asked for; "" and None mean all.

    Args:
        verdict: one of LISTED.
        unit: agency code; contains the units below it.
        portal: name of the portal that stated them.
    """

    verdict: Verdict | None = None
    unit: str = ""
    portal: str = ""


@dataclass(frozen=True, slots=True)
class TransitionPage:
    """A page of the list, in the order of dossier codes, then of the dossier's own transitions.

    `counts` has every verdict of LISTED, of the unit and portal asked for; `total` counts what is
    asked for, on all pages. `next` continues the list; None: this is the last page.
    """

    rows: list[ListedTransition]
    total: int
    counts: dict[str, int]
    next: str | None

    def document(self) -> dict[str, Any]:
        """Return the JSON document of the command and the feed."""
        return {
            "total": self.total,
            "counts": self.counts,
            "transitions": [row.document() for row in self.rows],
            "next": self.next,
        }


class TransitionList:
    """Lists transitions of one store; may be shared between threads.

    Args:
        engine: the store, opened read-only.
        profile: the rules that the store was counted by, which judge the transitions.
    """

    def __init__(self, engine: Engine, profile: Profile) -> None:
        self._engine = engine
        self._profile = profile
        statuses = profile.statuses

        @lru_cache(65_536)  # the courses that dossiers take are few
        def is_plain(flags: bytes) -> bool:
            return surely_effective(map(bare_transition, flags), statuses)

        self._is_plain = is_plain

    def without_effect(
        self, wanted: Wanted, *, after: str = "", limit: int | None = None
    ) -> TransitionPage:
        """List the transitions that are kept and change nothing.

        Args:
            wanted: which of them.
            after: `next` of the page before.
            limit: most rows to return; None: all.

        Raises:
            ConfigurationError: no such portal, or the store was counted by another profile.
            RetryableError: the store cannot be read.
        """
        passed = _Place.read(after)
        counts: Counter[Verdict] = Counter()
        rows: list[tuple[Dossier, JudgedTransition]] = []
        total = further = 0
        with reading(self._engine, self._profile) as connection:
            _check_portal(connection, wanted.portal)
            for is_further, dossier, judged in self._idle(connection, wanted, passed):
                counts[judged.verdict] += 1
                if wanted.verdict in {None, judged.verdict}:
                    total += 1
                    further += is_further
                    if is_further and (limit is None or len(rows) < limit):
                        rows.append((dossier, judged))
        return TransitionPage(
            rows=[listed(*row) for row in rows],
            total=total,
            counts={verdict.value: counts[verdict] for verdict in LISTED},
            next=_Place.of(*rows[-1]).text if len(rows) < further else None,
        )

    def of_dossier(self, code: str) -> list[ListedTransition]:
        """List all transitions of a dossier in their order; none: it is not in the store.

        Raises:
            ConfigurationError: the store was counted by another profile.
            RetryableError: the store cannot be read.
        """
        query = select(DOSSIERS.c.dossier).where(DOSSIERS.c.code == code)
        with reading(self._engine, self._profile) as connection:
            encoded = connection.execute(query).scalar_one_or_none()
        if encoded is None:
            return []
        dossier = decode(code, encoded)
        judged = judge_transitions(dossier.transitions, self._profile.statuses)
        return [listed(dossier, one) for one in judged]

    def _idle(
        self, connection: Connection, wanted: Wanted, passed: "_Place"
    ) -> Iterator[tuple[bool, Dossier, JudgedTransition]]:
        """Give what has no effect, by code; first whether it stands behind `passed`.

        The store compares the codes: its order of letters need not be ours.
        """
        code = DOSSIERS.c.code
        query = (
            select(code, DOSSIERS.c.dossier, code > passed.code)
            .order_by(code)
            .execution_options(yield_per=_ROWS_AT_ONCE)
        )
        scope, unit = Scope(wanted.unit), wanted.unit.encode()
        for code_, encoded, is_further in connection.execute(query):
            # The bytes hold their texts as they are: what is of no interest is not decoded.
            if unit not in encoded or self._is_plain(flags_of(code_, encoded)):
                continue
            dossier = decode(code_, encoded)
            if not in_scope(dossier, scope):
                continue
            behind = bool(is_further)
            for judged in judge_transitions(dossier.transitions, self._profile.statuses):
                of_portal = wanted.portal in {"", judged.transition.portal}
                if of_portal and not judged.effective:
                    yield behind, dossier, judged
                if code_ == passed.code and judged.transition.event_id == passed.event_id:
                    behind = True


@dataclass(frozen=True, slots=True)
class _Place:
    """A place in the list: right after one transition of one dossier."""

    code: str = ""
    event_id: bytes = b""

    @classmethod
    def of(cls, dossier: Dossier, judged: JudgedTransition) -> Self:
        """Give the place after a row."""
        return cls(dossier.code, judged.transition.event_id)

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what `text` gave; "" is the beginning. ConfigurationError when it is no place."""
        if not text:
            return cls()
        code, _, event_id = text.rpartition(":")
        try:
            return cls(code, bytes.fromhex(event_id))
        except ValueError:
            message = f"{text!r} is no place in this list: give the `next` of the page before"
            raise ConfigurationError([Fault(key="after", message=message)]) from None

    @property
    def text(self) -> str:
        """The place as it stands in a document."""
        return f"{self.code}:{self.event_id.hex()}"


def _check_portal(connection: Connection, portal: str) -> None:
    known = connection.execute(select(PORTALS.c.portal).order_by(PORTALS.c.portal)).scalars()
    if portal and portal not in (names := list(known)):
        message = f"{portal!r} is none of: {', '.join(names)}"
        raise ConfigurationError([Fault(key="portal", message=message)])
