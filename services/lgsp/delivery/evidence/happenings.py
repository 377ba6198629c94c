"""Says in words what rows of evidence tell, for an auditor who knows neither code nor contract."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from lgsp.domain.evidence.row import EvidenceKind, EvidenceRow, Judged

_JUDGED = {
    Judged.DONE: "done",
    Judged.REFUSED: "refused",
    Judged.IN_PARTS: "judged item by item",
    Judged.UNKNOWN: "it may or may not have been worked on",
    Judged.NOT_WORKED_ON: "not worked on",
    Judged.NOT_SENT: "not sent",
}
_NO_ANSWER = "no answer is known: it may or may not have been worked on"


class Happening(NamedTuple):
    """One call with its answer, or one order: the row it begins with, the answer's, the words."""

    row: EvidenceRow
    answer: EvidenceRow | None
    words: str


def happenings(rows: Iterable[EvidenceRow], services: Mapping[str, str]) -> list[Happening]:
    """Tell the rows of a dossier in their order, each question with its answer.

    Args:
        rows: in order.
        services: what is sent or asked for by each service of the receiver.
    """
    all_rows = list(rows)
    answers = {row.call: row for row in all_rows if row.kind == EvidenceKind.ANSWERED}
    found = []
    for row in all_rows:
        if row.kind == EvidenceKind.ANSWERED:
            continue
        answer = answers.get(row.call) if row.kind == EvidenceKind.ASKED else None
        found.append(Happening(row, answer, _words(row, answer, services)))
    return found


def payload_state(row: EvidenceRow) -> str:
    """Say what is there of a row's payload: `kept`, `erased` or `none`."""
    if row.sealed is not None:
        return "kept"
    return "erased" if row.sealed_hash else "none"


def _words(row: EvidenceRow, answer: EvidenceRow | None, services: Mapping[str, str]) -> str:
    what = services.get(row.service, row.service)
    if row.kind == EvidenceKind.HAND:
        return _said(f"{row.who} ordered: {row.service}", row.message)
    if row.kind == EvidenceKind.ERASED:
        return _said(f"{row.who} had the payloads up to here erased", row.message)
    if row.kind == EvidenceKind.READ:
        found = f" (status {row.statuses})" if row.statuses else ""
        return f"asked for {what}: {_answer(row)}{found}"
    sent = f"sent {what}" + (f" with status {row.statuses}" if row.statuses else "")
    if payload_state(row) == "erased":
        sent += " (payload erased, hash stands)"
    return f"{sent}: {_NO_ANSWER if answer is None else _answer(answer)}"


def _answer(row: EvidenceRow) -> str:
    judged = _JUDGED.get(row.judged, row.judged)  # type: ignore[call-overload]
    parts: Sequence[str] = [
        f"HTTP {row.http}" if row.http else "",
        f"code {row.code}" if row.code else "",
        f"“{row.message}”" if row.message else "",
        f"their id {row.theirs}" if row.theirs else "",
    ]
    given = ", ".join(filter(None, parts))
    after = f"after {row.millis / 1000:.2f} s "
    return f"{after}{judged}" + (f" ({given})" if given else "")


def _said(what: str, why: str) -> str:
    return f"{what}, because: {why}" if why else what
