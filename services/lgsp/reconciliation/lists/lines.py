"""The lines of a list: each as what is told of one dossier, or what is wrong with it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from lgsp.domain.errors import Fault
from lgsp.domain.reconciliation.held import Claim, There
from lgsp.domain.reconciliation.sides import Moment, Side
from lgsp.domain.status import Status
from lgsp.national.wire import is_filed_there
from lgsp.reconciliation.lists.cells import moment_of, plain_code, text_of
from lgsp.reconciliation.lists.columns import (
    CODE,
    DATE_COLUMNS,
    ListMapping,
    claim_in,
    status_in,
)
from lgsp.reconciliation.lists.table import ListRow, Sheet
from lgsp.reconciliation.national_sides import is_of
from lgsp.runtime.personal import shown, shown_code, shown_date


@dataclass(frozen=True, slots=True)
class ListLine:
    """One line: what it tells, or the fault that keeps it from being read.

    `listed` is the code as it stands there; `again` the earlier line of the same code, 0: none.
    `unread` are faults of other cells: the line is answered without them.
    """

    row: ListRow
    listed: str
    there: There | None
    fault: Fault | None = None
    unread: tuple[Fault, ...] = ()
    again: int = 0


class Lines:
    """Reads the lines of a sheet.

    Args:
        sheet: the list.
        mapping: what the header does not say.
        file: its name, for faults.
        province: whose codes are ours.
        claim: what the list claims of every line, where a line does not say; None: the titles or
            the name of the file say it, else the line's own dates, else that it is late.
        at: when the list was made, ms UTC.
    """

    def __init__(
        self,
        sheet: Sheet,
        mapping: ListMapping,
        file: str,
        province: str,
        claim: Claim | None = None,
        at: int | None = None,
    ) -> None:
        self._sheet, self._mapping, self._file = sheet, mapping, file
        self._province, self._at = province, at
        titles = " ".join(sheet.titles) + " " + file.replace("_", " ").replace("-", " ")
        self._claim = claim or mapping.claim or claim_in(titles, mapping.claims)

    def __iter__(self) -> Iterator[ListLine]:
        """Give the lines in order."""
        first: dict[str, int] = {}
        for row in self._sheet.rows:
            line = self._read(row)
            if line.there is not None:
                code = line.there.code
                line = replace(line, again=first.get(code, 0))
                first.setdefault(code, row.line)
            yield line

    def _read(self, row: ListRow) -> ListLine:
        listed = self._text(row, CODE)
        code = plain_code(listed)
        if not code:
            return ListLine(row, listed, None, self._fault(row, CODE, "has no dossier code", ""))
        if not any(letter.isdigit() for letter in code):
            value = shown_code(listed)
            return ListLine(row, listed, None, self._fault(row, CODE, "is no dossier code", value))
        unread: list[Fault] = []
        side = Side(status=self._status(row, unread), dates=self._dates(row, unread))
        place = self._text(row, "place")
        words = (self._text(row, "claim"), self._text(row, "status"))
        said = (claim_in(text, self._mapping.claims) for text in words)
        claim = next(filter(None, said), self._claim)
        there = There(
            code=code,
            side=side,
            claim=claim or _claim_of(side),
            filed_there=is_filed_there(place) if place in {"1", "2"} else None,
            ours=is_of(code, self._province),
            at=self._at,
        )
        return ListLine(row, listed, there, unread=tuple(unread))

    def not_a_code(self, line: ListLine) -> ListLine:
        """Return the line as one that cannot be answered: its code is none that anybody has."""
        value = shown_code(line.listed)
        fault = self._fault(
            line.row, CODE, "is no dossier code, and no dossier here has it", value
        )
        return replace(line, there=None, fault=fault)

    def _status(self, row: ListRow, unread: list[Fault]) -> Status | None:
        text = self._text(row, "status")
        if not text:
            return None
        status = status_in(text, self._mapping.statuses)
        if status is None and claim_in(text) is None:
            message = "names no status: say it in a mapping file, `statuses:`"
            unread.append(self._fault(row, "status", message, shown(text)))
        return status

    def _dates(self, row: ListRow, unread: list[Fault]) -> dict[str, Moment | None]:
        dates: dict[str, Moment | None] = {}
        for name in DATE_COLUMNS:
            at = self._sheet.columns.at.get(name)
            cell = row.cells[at] if at is not None and at < len(row.cells) else ""
            if cell in {"", None}:
                continue  # a list that leaves a cell empty says nothing
            try:
                moment = moment_of(cell)
            except (ValueError, OverflowError) as error:
                unread.append(self._fault(row, name, str(error), shown_date(text_of(cell))))
                continue
            if moment is not None:
                dates[name] = moment
        return dates

    def _text(self, row: ListRow, name: str) -> str:
        at = self._sheet.columns.at.get(name)
        return "" if at is None or at >= len(row.cells) else text_of(row.cells[at])

    def _fault(self, row: ListRow, name: str, message: str, value: str) -> Fault:
        at = self._sheet.columns.at.get(name)
        column = name if at is None else self._sheet.columns.header[at]
        return Fault(message=message, file=self._file, line=row.line, key=column, value=value)


def _claim_of(side: Side) -> Claim:
    due, finished = side.dates.get("due_at"), side.dates.get("finished_at")
    if due is not None and finished is not None and finished.at < due.at + due.span:
        return Claim.ON_TIME
    return Claim.LATE
