"""`lgsp reconcile`: the differences between the province and the national portal."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from lgsp.domain.errors import ConfigurationError
from lgsp.domain.period import parse_as_of
from lgsp.domain.profiles.registry import profile_named
from lgsp.domain.reconciliation.held import Claim
from lgsp.domain.reconciliation.mismatch import Mismatch, MismatchKind, differs
from lgsp.reconciliation.documents import difference_documents
from lgsp.reconciliation.known import Knowing
from lgsp.reconciliation.lists.answers import LineAnswer, answer_lines
from lgsp.reconciliation.lists.columns import ListMapping
from lgsp.reconciliation.lists.lines import Lines
from lgsp.reconciliation.lists.report import write_report
from lgsp.reconciliation.lists.table import Sheet, read_sheet
from lgsp.reconciliation.pushes import QueuePushes
from lgsp.runtime.calendar.vietnam import load_calendar
from lgsp.runtime.clock import now_ms
from lgsp.runtime.commands.options import Data, Json, begin
from lgsp.runtime.commands.output import list_table, print_document, print_table
from lgsp.runtime.documents.reading import load_as
from lgsp.runtime.settings import Settings
from lgsp.runtime.text import printable
from lgsp.store.engine import open_existing, reading
from lgsp.store.sync.tables import TABLES

_SOME_DIFFER = 3
_SHOWN = 40  # differences in the table for people

_Against = Annotated[
    Path | None, typer.Option(help="A list of the national side, CSV or XLSX: answer each line.")
]
_Mapping = Annotated[
    Path | None, typer.Option(help="YAML that says what the list's header does not.")
]
_Claim = Annotated[
    Claim | None, typer.Option(help="What the list claims of each line, where none says it.")
]
_AsOf = Annotated[str, typer.Option(help="When the list was made; empty: now.")]
_Report = Annotated[
    Path | None, typer.Option(help="Write the answers to a list as .csv or .xlsx.")
]


def register(app: typer.Typer) -> None:
    """Add `lgsp reconcile`."""

    @app.command("reconcile")
    def reconcile(
        against: _Against = None,
        mapping: _Mapping = None,
        claim: _Claim = None,
        as_of: _AsOf = "",
        report: _Report = None,
        data: Data = None,
        json: Json = False,
    ) -> None:
        """Compare what we hold with the national portal; exit 0: nothing differs, 3: some does.

        With --json each difference is a line: dossier, class, cause, here, there, evidence.
        """
        settings = begin("reconcile", data)
        if against is None:
            raise ConfigurationError("name a list with --against FILE")
        asked = _List(settings, against, mapping, claim, as_of)
        answers = list(asked.answers())
        if report is not None:
            write_report(report, asked.sheet.columns, answers)
        _tell_lines(answers, as_json=json)
        bad = sum(answer.line.there is None for answer in answers)
        some = bad or any(differs(answer.found) for answer in answers)
        raise typer.Exit(_SOME_DIFFER if some else 0)


class _List:
    """A list that is to be answered, and by which rules."""

    def __init__(
        self,
        settings: Settings,
        path: Path,
        mapping: Path | None,
        claim: Claim | None,
        as_of: str,
    ) -> None:
        now = now_ms()
        at = parse_as_of(as_of, now)
        self._settings = settings
        says = ListMapping() if mapping is None else load_as(mapping, ListMapping)
        self.sheet: Sheet = read_sheet(path, says)
        self._lines = Lines(self.sheet, says, path.name, settings.province, claim, at)
        self._profile = profile_named(settings.profile)
        calendar = load_calendar(settings.calendar_file)
        self._knowing = Knowing(self._profile, calendar, now, QueuePushes(), as_of=at)

    def answers(self) -> Iterator[LineAnswer]:
        """LineAnswer every line."""
        engine = open_existing(self._settings.sync_store, TABLES)
        try:
            with reading(engine) as connection:
                yield from answer_lines(
                    connection, self._lines, self._knowing, self._profile.statuses
                )
        finally:
            engine.dispose()


def _tell_lines(answers: Iterable[LineAnswer], *, as_json: bool) -> None:
    moment: list[tuple[str, Mismatch]] = []
    for answer in answers:
        line, here = answer.line, None if answer.known is None else answer.known.here
        for fault in filter(None, (line.fault, *line.unread)):
            typer.echo(printable(str(fault)), err=True)
        if line.there is None:
            continue
        code = line.there.code if here is None else here.code
        moment += [(code, each) for each in answer.found]
        if as_json:
            place = {"line": line.row.line, "again": line.again or None}
            for document in difference_documents(code, answer.found, here, line.there):
                print_document(document | place)
    if not as_json:
        _print_table(moment)


def _print_table(moment: list[tuple[str, Mismatch]]) -> None:
    counts = Counter((each.kind.value, each.cause.value) for _, each in moment)
    rows = [(kind, cause, f"{count:,}") for (kind, cause), count in sorted(counts.items())]
    print_table(list_table("Differences", ("class", "cause", "dossiers"), rows))
    listed = [(code, each.kind.value, each.said) for code, each in moment if _is_shown(each)]
    if listed:
        title = f"The first {min(_SHOWN, len(listed))} of {len(listed)} (all with --json)"
        print_table(
            list_table(title, ("dossier", "class", "cause"), listed[:_SHOWN], codes=["dossier"])
        )


def _is_shown(each: Mismatch) -> bool:
    return each.kind not in {MismatchKind.AGREED, MismatchKind.EQUAL}
