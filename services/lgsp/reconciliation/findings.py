"""What was found of a dossier, as it is kept, planned and listed: plain data, no persons. Pure."""

from collections.abc import Mapping
from typing import Any

from lgsp.domain.period import show_instant
from lgsp.domain.reconciliation.held import There
from lgsp.domain.reconciliation.mismatch import Mismatch, differs
from lgsp.domain.reconciliation.repair import (
    Sending,
    advice_for,
    is_repairable,
    owner_of,
    sendings,
    worst_of,
)
from lgsp.reconciliation.documents import difference_documents
from lgsp.reconciliation.known import KnownDossier

Finding = dict[str, Any]
"""`dossier`, `code` (of the queue), `differences`, `sends`, `owner`, `advice`, `since`, `seen`."""


def finding_of(
    code: str, known: KnownDossier | None, there: There, found: tuple[Mismatch, ...]
) -> Finding | None:
    """Return what is kept of a comparison, None where nothing differs."""
    if not differs(found):
        return None
    here = None if known is None else known.here
    worst = worst_of(found)
    sent: tuple[Sending, ...] = ()
    if here is not None and is_repairable(here, found):
        sent = sendings(here, there, found)
    return {
        "dossier": code if here is None else here.code,
        "code": None if known is None else known.row.code,
        "differences": difference_documents(code, found, here, there),
        "sends": [_sending(each) for each in sent],
        "owner": str(owner_of(here, worst)),
        "advice": advice_for(worst),
        "since": None if here is None else here.changed_at,
        "seen": None if known is None else [known.row.version, known.row.settled],
    }


def causes_of(finding: Mapping[str, Any]) -> dict[str, str]:
    """Return class -> cause of a finding."""
    return {each["class"]: each["cause"] for each in finding["differences"]}


def _sending(sending: Sending) -> dict[str, Any]:
    shown: dict[str, Any] = {"send": sending.act.value, "why": sending.why}
    if sending.step is not None:
        shown["step"] = {
            "status": int(sending.step.status),
            "at": show_instant(sending.step.at),
        }
    if sending.dates:
        shown["dates"] = list(sending.dates)
    return shown
