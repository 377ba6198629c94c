"""The gate before the log: a record's events, each of which everybody behind the log can use."""

from collections.abc import Iterable, Sequence

from lgsp.domain.errors import LgspError, RejectedRecord
from lgsp.domain.event import DossierEvent, statement_of
from lgsp.domain.usable import check_usable
from lgsp.domain.working_time import KNOWN_YEARS
from lgsp.runtime.personal import shown
from lgsp_connectors.kit.contract import Connector, Record
from lgsp_connectors.kit.rejects import Reject, defect


def usable_events(connector: Connector, record: Record, now: int) -> Sequence[DossierEvent]:
    """Give the transitions that a record states, all or none.

    Args:
        connector: whose record it is.
        record: as fetched.
        now: ms UTC.

    Raises:
        RejectedRecord: the record is unusable, or one of its events is (domain/usable.py). A
            value that may be a person's is described, not shown.
    """
    if record.fault is not None:
        raise record.fault
    try:
        events = connector.to_events(record)
        for event in events:
            _check(event, now)
    except RejectedRecord as error:
        error.value = shown(error.value)
        raise
    return events


def _check(event: DossierEvent, now: int) -> None:
    try:
        check_usable(event, KNOWN_YEARS, now)
    except RejectedRecord as error:
        at = event.occurred_at if event.stated_at is None else event.stated_at
        if error.field != "dossier_code":
            error.dossier_code = event.dossier_code
            error.stated = statement_of(event) if 0 < at <= now else 0
        raise


def mapped(
    connector: Connector, records: Iterable[Record], now: int
) -> tuple[list[Sequence[DossierEvent]], list[Record], list[Reject]]:
    """Give what each usable record states, those records, and the rejects, in order.

    Args:
        connector: whose records they are.
        records: as fetched.
        now: ms UTC.
    """
    stated: list[Sequence[DossierEvent]] = []
    used: list[Record] = []
    rejects: list[Reject] = []
    for record in records:
        try:
            stated.append(usable_events(connector, record, now))
            used.append(record)
        except RejectedRecord as error:
            rejects.append((record, error))
        except (LgspError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - the author's code: one record's fault
            rejects.append((record, defect(error)))
    return stated, used, rejects
