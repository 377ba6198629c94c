"""How far a figure can be trusted: one label, and every reason for less than full trust."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from lgsp.domain.connector_status import ConnectorStatus
from lgsp.domain.reasons import LOG_BROKEN, Finding, Reason


class Trust(StrEnum):
    """The label of a figure: đủ tin, tạm tính, chưa đủ dữ liệu."""

    FULL = "full"
    PROVISIONAL = "provisional"
    INSUFFICIENT = "insufficient"


class LogView(NamedTuple):
    """What the log told when it was last looked at; as it stands here: nothing is known.

    Args:
        at: when that was, ms UTC; 0: never.
        backlog: events not counted yet; None: not known.
        statuses: what the connectors say of themselves.
        findings: what else lowers the trust.
    """

    at: int = 0
    backlog: int | None = None
    statuses: Sequence[ConnectorStatus] = ()
    findings: Sequence[Finding] = ()


def judge(
    denominators: Mapping[str, int],
    *,
    backlog: int | None,
    unturned: int = 0,
    findings: Sequence[Finding] = (),
) -> tuple[Trust, tuple[Finding, ...]]:
    """Give the label, and all the reasons for anything less than full trust.

    Args:
        denominators: denominator of each rate.
        backlog: events on the log not counted yet, None when not known.
        unturned: open dossiers whose deadline has passed and that are not counted overdue yet.
        findings: what else lowers the trust: of the portals, the log, the store.
    """
    found = list(findings)
    if backlog is None and not any(f.reason in LOG_BROKEN for f in found):
        found.append(Finding(Reason.LOG_UNREACHABLE))
    elif backlog:
        found.append(Finding(Reason.BACKLOG, number=backlog))
    if unturned:
        found.append(Finding(Reason.UNTURNED, number=unturned))
    empty = [name for name, denominator in denominators.items() if denominator == 0]
    found.extend(Finding(Reason.NO_DENOMINATOR, detail=name) for name in empty)
    if len(empty) == len(denominators):
        return Trust.INSUFFICIENT, tuple(found)
    return (Trust.PROVISIONAL if found else Trust.FULL), tuple(found)
