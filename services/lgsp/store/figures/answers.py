"""The figures, read from the store: sums of day cells, and the dossiers behind each of them.

One read transaction answers one question, so a figure, its freshness and its list agree. A cell
says how things stood when it was last written; a past as-of time is computed from the dossiers.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Engine, Select, select

from lgsp.domain.codes import child_unit
from lgsp.domain.dossier import Dossier, known_at
from lgsp.domain.errors import ConfigurationError
from lgsp.domain.explanation import Explanation, explain
from lgsp.domain.figures import Indicators, Scope
from lgsp.domain.measures import Measure, Part
from lgsp.domain.period import Period, month_of, show_instant
from lgsp.domain.profiles.profile import Profile
from lgsp.domain.standing import Standing
from lgsp.domain.trust import LogView, judge
from lgsp.domain.working_time import Calendar, day_start_ms
from lgsp.store.figures.portals import judge_portals, last_seen
from lgsp.store.figures.reading import reading
from lgsp.store.figures.scopes import KnownScopes
from lgsp.store.figures.sums import (
    Sums,
    SumsByName,
    SumsCache,
    add_row,
    count_unturned,
    counts_in,
    grouped,
    in_scope,
    read_marker,
    select_sums,
    zero_sums,
)
from lgsp.store.figures.transitions import TransitionList
from lgsp.store.rates.cells import day_cells
from lgsp.store.rates.layout import decode
from lgsp.store.tables import DOSSIERS

_TURN_WITHIN = 10_000  # ms; the rates worker turns dossiers overdue about every second
_ROWS_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: figures of a scope and period, now or as of a past instant (ms UTC)."""

    period: Period
    scope: Scope = field(default_factory=Scope)
    as_of: int | None = None


class Behind(NamedTuple):
    """A page of the dossiers behind a figure; `total` is how many stand on all pages."""

    rows: list[Explanation]
    total: int


class Figures:
    """Answers questions from one store; may be shared between threads.

    `transitions` lists what the dossiers' transitions came to; `scopes` tells what was counted.

    Args:
        engine: the store, opened read-only.
        profile: the rules that the store was counted by; every answer raises ConfigurationError
            when it was not.
        calendar: working days; its version stands in every document.
        clock: gives now in ms UTC.
        log: gives what the log's side tells: backlog, connectors, letters.
        expected: portals that must be there.
    """

    def __init__(
        self,
        engine: Engine,
        profile: Profile,
        calendar: Calendar,
        clock: Callable[[], int],
        *,
        log: Callable[[], LogView] = LogView,
        expected: Collection[str] = (),
    ) -> None:
        self.profile = profile
        self._measures = profile.measures
        self._cells = day_cells(profile.measures).view.c
        self._engine = engine
        self._calendar = calendar
        self._clock = clock
        self._log, self._expected = log, expected
        self._cache = SumsCache()
        self.transitions = TransitionList(engine, profile)
        self.scopes = KnownScopes(engine, profile)

    def indicators(self, question: Question) -> Indicators:
        """Return the figures with all that is needed to trust them."""
        log = self._log()
        now = self._clock()
        at = self._as_of(question, now)
        with reading(self._engine, self.profile) as connection:
            sums = self._sums(connection, question)
            seen = last_seen(connection)
            unturned = count_unturned(connection, now - _TURN_WITHIN)
        end = question.period.end_day
        until = at if end is None else min(at, day_start_ms(end))
        portals, findings = judge_portals(
            log, seen, until, now, calendar=self._calendar, expected=self._expected
        )
        trust, found = judge(
            {rate.name: sum(sums[m] for m in rate.denominator) for rate in self._measures.rates},
            backlog=log.backlog,
            unturned=unturned if question.as_of is None else 0,
            findings=[*findings, *log.findings],
        )
        return Indicators(
            profile=self.profile,
            period=question.period,
            scope=question.scope,
            as_of=at,
            sums=sums,
            calendar_version=self._calendar.version,
            trust=trust,
            findings=found,
            freshness=portals,
            backlog=log.backlog,
        )

    def by_unit(self, question: Question) -> SumsByName:
        """Return the sums of each unit right below the scope's; they add up to its figures.

        Now only: `question.as_of` must be None, as in `by_month`.
        """

        def compute(connection: Connection) -> SumsByName:
            rows = connection.execute(self._select(question, self._cells.agency))
            unit = question.scope.unit
            return grouped(
                self._measures, ((child_unit(agency, unit), row) for agency, *row in rows)
            )

        with reading(self._engine, self.profile) as connection:
            return self._cache.get(connection, "units", question, compute)

    def by_month(self, question: Question) -> SumsByName:
        """Return the sums of each `YYYY-MM`; open ones stand in the month of their reception."""

        def compute(connection: Connection) -> SumsByName:
            rows = connection.execute(self._select(question, self._cells.day))
            return grouped(self._measures, ((month_of(day), row) for day, *row in rows))

        with reading(self._engine, self.profile) as connection:
            return self._cache.get(connection, "months", question, compute)

    def explain(
        self,
        figure: str,
        question: Question,
        part: Part = Part.NUMERATOR,
        *,
        after: str = "",
        limit: int | None = None,
    ) -> list[Explanation]:
        """List the dossiers behind a figure by code: exactly as many as the figure says.

        Args and errors: as of `page_behind`.
        """
        with self._reading_for(question) as connection:
            wanted = frozenset(self._measures.behind(figure, part))
            return self._behind(connection, wanted, question, after, limit)

    def page_behind(
        self, figure: str, question: Question, part: Part, *, after: str, limit: int
    ) -> Behind:
        """List a page of the dossiers behind a figure, and how many they are in all.

        Args:
            figure: one of the profile's.
            question: the same that gave the figure.
            part: of a rate; a count only has a numerator.
            after: the last code of the page before.
            limit: most rows of the page; None: all.

        Raises:
            ConfigurationError: no such figure or part.
        """
        with self._reading_for(question) as connection:
            wanted = frozenset(self._measures.behind(figure, part))
            total = sum(self._sums(connection, question)[name] for name in wanted)
            return Behind(self._behind(connection, wanted, question, after, limit), total)

    def marker(self) -> str:
        """Return a text that changes with every transaction of the rates worker."""
        with reading(self._engine, self.profile) as connection:
            return read_marker(connection)

    @contextmanager
    def _reading_for(self, question: Question) -> Iterator[Connection]:
        self._as_of(question, self._clock())
        with reading(self._engine, self.profile) as connection:
            yield connection

    def _behind(
        self,
        connection: Connection,
        wanted: frozenset[str],
        question: Question,
        after: str,
        limit: int | None,
    ) -> list[Explanation]:
        found: list[Explanation] = []
        for dossier, stands in self._dossiers(connection, question, wanted, after):
            for measure, day in self._counted(dossier, stands):
                if measure.name in wanted and counts_in(question.period, measure, day):
                    found.append(explain(dossier, stands, measure, self.profile))
            if limit is not None and len(found) >= limit:
                break
        return found

    def _as_of(self, question: Question, now: int) -> int:
        if question.as_of is None:
            return now
        if question.as_of > now:
            raise ConfigurationError(
                f"as-of {show_instant(question.as_of)} lies in the future"
                f" (now {show_instant(now)})"
            )
        return question.as_of

    def _sums(self, connection: Connection, question: Question) -> Sums:
        def compute(connection: Connection) -> SumsByName:
            if question.as_of is not None:
                return {"": self._sums_of_dossiers(connection, question)}
            sums = zero_sums(self._measures)
            add_row(sums, connection.execute(self._select(question)).one())
            return {"": sums}

        return self._cache.get(connection, "sums", question, compute)[""]

    def _sums_of_dossiers(self, connection: Connection, question: Question) -> Sums:
        sums = zero_sums(self._measures)
        for dossier, stands in self._dossiers(connection, question, frozenset(sums)):
            for measure, day in self._counted(dossier, stands):
                sums[measure.name] += counts_in(question.period, measure, day)
        return sums

    def _select(self, question: Question, *by: ColumnElement[Any]) -> Select[Any]:
        return select_sums(self._measures, question.scope, question.period, *by)

    def _counted(self, dossier: Dossier, stands: Standing) -> Iterator[tuple[Measure, int]]:
        """Give the measures that the dossier is counted in, each with its day."""
        for day, index in self._measures.day_counts(stands, dossier.channel):
            yield self._measures.measures[index], day

    def _dossiers(
        self,
        connection: Connection,
        question: Question,
        wanted: frozenset[str],
        after: str = "",
    ) -> Iterator[tuple[Dossier, Standing]]:
        """Give the scope's dossiers by code, each as it stands; now: as its cells count it.

        Those that cannot be counted under a wanted measure may be left out.
        """
        query = (
            select(DOSSIERS.c.code, DOSSIERS.c.overdue, DOSSIERS.c.dossier)
            .where(DOSSIERS.c.code > after)
            .order_by(DOSSIERS.c.code)
            .execution_options(yield_per=_ROWS_AT_ONCE)
        )
        now, at, scope = self._clock(), question.as_of, question.scope
        timed = frozenset(m.name for m in self._measures.measures if m.timed)
        if at is None and wanted <= timed:  # what time alone turns is stored beside the dossier
            query = query.where(DOSSIERS.c.overdue == 1)
        # The bytes hold their texts as they are: a cheap look spares decoding most other units'.
        held = [t.encode() for t in (scope.unit, scope.domain, scope.procedure) if t]
        for code, overdue, encoded in connection.execute(query):
            if not all(text in encoded for text in held):
                continue
            dossier = decode(code, encoded)
            if at is None:
                if in_scope(dossier, scope):
                    stands = self.profile.standing(dossier, self._calendar, now)
                    yield dossier, stands._replace(overdue=bool(overdue))
            elif (then := known_at(dossier, at)) and in_scope(then, scope):
                yield then, self.profile.standing(then, self._calendar, at)
