"""`lgsp reconcile --against`: a list is answered line by line."""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lgsp.cli.reconcile.showing import say_aside, show_classes
from lgsp.domain.period import parse_as_of
from lgsp.domain.profiles.registry import profile_named
from lgsp.domain.reconciliation.held import Claim
from lgsp.domain.reconciliation.mismatch import NO_DIFFERENCE, differs
from lgsp.reconciliation.documents import difference_documents
from lgsp.reconciliation.findings import Finding, finding_of
from lgsp.reconciliation.known import Knowing
from lgsp.reconciliation.lists.answers import LineAnswer, answer_lines
from lgsp.reconciliation.lists.columns import ListMapping
from lgsp.reconciliation.lists.lines import Lines
from lgsp.reconciliation.lists.report import write_report
from lgsp.reconciliation.lists.table import Sheet, read_sheet
from lgsp.reconciliation.pushes import known_pushes
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.clock import now_ms
from lgsp.runtime.commands.output import print_document
from lgsp.runtime.documents.reading import load_as
from lgsp.runtime.settings import Settings
from lgsp.store.engine import open_existing, reading
from lgsp.store.sync.tables import TABLES


class AskedList:
    """A list that is to be answered, and by which rules.

    Raises:
        ConfigurationError: list or mapping cannot be read.
    """

    def __init__(
        self,
        settings: Settings,
        path: Path,
        mapping: Path | None,
        claim: Claim | None,
        as_of: str,
    ) -> None:
        self._now = now_ms()
        self._as_of = parse_as_of(as_of, self._now)
        self._settings = settings
        says = ListMapping() if mapping is None else load_as(mapping, ListMapping)
        self.sheet: Sheet = read_sheet(path, says)
        self._lines = Lines(self.sheet, says, path.name, settings.province, claim, self._as_of)
        self._profile = profile_named(settings.profile)

    def answers(self) -> Iterator[LineAnswer]:
        """Answer every line."""
        settings = self._settings
        calendar = load_calendar(settings.calendar_file)
        engine = open_existing(settings.sync_store, TABLES)
        try:
            with known_pushes(settings) as pushes, reading(engine) as connection:
                knowing = Knowing(self._profile, calendar, self._now, pushes, as_of=self._as_of)
                statuses = self._profile.statuses
                yield from answer_lines(connection, self._lines, knowing, statuses)
        finally:
            engine.dispose()


def answer_list(asked: AskedList, report: Path | None, *, as_json: bool) -> list[LineAnswer]:
    """Answer and show every line; write the report."""
    with _without_collection():
        answers = list(asked.answers())
        if report is not None:
            write_report(report, asked.sheet.columns, answers)
        _show(answers, as_json=as_json)
    return answers


@contextmanager
def _without_collection() -> Iterator[None]:
    """Look for no garbage meanwhile: all answers live to the end, and passes cost a quarter."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def some_differ(answers: Iterable[LineAnswer]) -> bool:
    """Tell whether a line is wrong, or cannot be read."""
    return any(answer.line.there is None or differs(answer.found) for answer in answers)


def findings_in(answers: Iterable[LineAnswer]) -> list[Finding]:
    """Return what was found of each dossier of a list, once."""
    found: dict[str, Finding] = {}
    for answer in answers:
        there = answer.line.there
        if there is not None and there.code not in found:
            finding = finding_of(there.code, answer.known, there, answer.found)
            if finding is not None:
                found[there.code] = finding
    return list(found.values())


def _show(answers: Iterable[LineAnswer], *, as_json: bool) -> None:
    shown: list[tuple[str, str, str]] = []
    for answer in answers:
        line, here = answer.line, None if answer.known is None else answer.known.here
        for fault in filter(None, (line.fault, *line.unread)):
            say_aside(str(fault))
        if line.there is None:
            continue
        code = line.there.code if here is None else here.code
        shown += [(code, each.kind.value, each.said) for each in answer.found]
        if as_json:
            place = {"line": line.row.line, "again": line.again or None}
            for document in difference_documents(code, answer.found, here, line.there):
                print_document(document | place)
    if not as_json:
        show_classes(shown, [kind.value for kind in NO_DIFFERENCE])
