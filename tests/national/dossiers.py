"""Events of one made-up dossier, step by step, an hour apart."""

from typing import Any

from lgsp.domain.event import Channel, DossierEvent, with_id
from lgsp.domain.status import Status

HOUR = 3_600_000
START = 1_704_675_600_000  # 2024-01-08 08:00 in Asia/Ho_Chi_Minh
CODE = "H37.1-240108-0001"


def step(n: int, status: int, code: str = CODE, **changes: Any) -> DossierEvent:
    """The n-th step of a dossier, an hour after the one before."""
    return with_id(
        DossierEvent(
            **{
                "portal": "twin",
                "province": "H37",
                "dossier_code": code,
                "agency": code.partition("-")[0],
                "procedure": "1.001612",
                "domain": "G03-GD10",
                "channel": Channel.ONLINE,
                "status": Status(status),
                "occurred_at": START + n * HOUR,
                "observed_at": START + n * HOUR,
                "sequence": n,
                **changes,
            }
        )
    )


def steps(*statuses: int, code: str = CODE, **changes: Any) -> list[DossierEvent]:
    """A dossier that takes the statuses one after the other."""
    return [step(n, status, code, **changes) for n, status in enumerate(statuses)]
