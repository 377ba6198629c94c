"""A sync queue filled with made-up dossiers, as a worker would leave it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert

from lgsp.domain.dossier import Dossier, merge
from lgsp.domain.event import Channel, DossierEvent, with_id
from lgsp.domain.status import Status
from lgsp.store.engine import open_store
from lgsp.store.rates.layout import encode
from lgsp.store.sync.tables import QUEUE, QueueState

HOUR = 3_600_000
DAY = 24 * HOUR
START = 1_704_675_600_000  # 2024-01-08 08:00, a Monday in Asia/Ho_Chi_Minh


def code_of(n: int, unit: str = "H37.1") -> str:
    return f"{unit}-240108-{n:05d}"


def dossier(
    code: str, *statuses: int, due: int | None = START + 5 * DAY, **changes: Any
) -> Dossier:
    """A dossier that takes the statuses a working day apart; filed an hour before reception."""
    made = None
    finished = None
    for n, status in enumerate(statuses):
        at = changes.get("start", START) + n * 2 * HOUR
        if status == 9:
            finished = changes.get("finished_at", at)
        made = merge(
            made,
            with_id(
                DossierEvent(
                    portal="twin",
                    province="H37",
                    dossier_code=code,
                    agency=changes.get("agency", "H37.1"),
                    procedure=changes.get("procedure", "1.001612"),
                    domain="G03-GD10",
                    channel=Channel.ONLINE,
                    status=Status(status),
                    occurred_at=finished if status == 9 and finished else at,
                    observed_at=at,
                    sequence=n,
                    submitted_at=changes.get("submitted_at", START - HOUR),
                    received_at=changes.get("received_at", START),
                    due_at=due,
                    finished_at=finished,
                    national_code=changes.get("national_code", ""),
                )
            ),
        )
    assert made is not None
    return made


def row(made: Dossier, state: QueueState = QueueState.CLEAN, **changes: Any) -> dict[str, Any]:
    return {
        "code": made.code,
        "partition": 0,
        "version": 1,
        "settled": 1,
        "queue_state": state.value,
        "reason": "",
        "attempts": 0,
        "next_attempt_at": START,
        "pending_since": START,
        "updated_at": made.transitions[-1].occurred_at + 60_000,
        "dossier": encode(made),
        "acknowledged": b'[1,"d",[],[],""]',
        **changes,
    }


def filled(folder: Path, rows: Iterable[dict[str, Any]]) -> Engine:
    """A data folder's sync store with these rows."""
    engine = open_store(f"sqlite:///{folder / 'sync.db'}")
    with engine.begin() as connection:
        connection.execute(insert(QUEUE), list(rows))
    return engine
