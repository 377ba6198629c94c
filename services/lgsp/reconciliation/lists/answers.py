"""Answers every line of a list: what is held here, the differences, each with its proof."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from lgsp.domain.codes import is_dossier, split_space
from lgsp.domain.reconciliation.compare import compare
from lgsp.domain.reconciliation.mismatch import Mismatch
from lgsp.domain.status import StatusSemantics
from lgsp.reconciliation.known import Knowing, KnownDossier
from lgsp.reconciliation.lists.cells import plain_code
from lgsp.reconciliation.lists.lines import Lines, ListLine
from lgsp.store.rates.layout import stored_national_code
from lgsp.store.sync.reading import QueueRow, all_rows, rows_of


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """A line, the dossier that it is about (None: we hold none) and what differs."""

    line: ListLine
    known: KnownDossier | None
    found: tuple[Mismatch, ...]


def answer_lines(
    connection: Connection, lines: Lines, knowing: Knowing, statuses: StatusSemantics
) -> Iterator[LineAnswer]:
    """Answer the lines in order; one that cannot be read is answered with its fault."""
    read = list(lines)
    rows = find_rows(connection, [line.there.code for line in read if line.there])
    known: dict[str, KnownDossier] = {}
    for line in read:
        if line.there is None:
            yield LineAnswer(line, None, ())
            continue
        code = line.there.code
        if code in rows and code not in known:
            known[code] = knowing.know(rows.pop(code))
        dossier = known.get(code)
        if dossier is None and not is_dossier(code):
            yield LineAnswer(lines.not_a_code(line), None, ())
            continue
        here = None if dossier is None else dossier.here
        yield LineAnswer(line, dossier, compare(here, line.there, statuses))


def find_rows(connection: Connection, codes: Sequence[str]) -> dict[str, QueueRow]:
    """Find dossiers by codes in plain form: those of the log, the national and the local ones.

    Only when some are not codes of the log as they stand, every dossier is looked at.
    """
    found = {row.code: row for row in rows_of(connection, codes)}
    missing = set(codes) - found.keys()
    if missing:
        for row in all_rows(connection):
            for code in _codes_of(row):
                if code in missing:
                    found.setdefault(code, row)
    return found


def _codes_of(row: QueueRow) -> Iterator[str]:
    """Give the codes of a dossier in plain form, but for one of the log that is plain anyway."""
    portal, local = split_space(row.code)
    if portal:
        yield plain_code(row.code)
        yield plain_code(local)
    if national := stored_national_code(row.code, row.dossier):
        yield plain_code(national)
