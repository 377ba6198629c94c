"""Small made-up histories of dossiers, plain enough to count by hand."""

import random

from lgsp.domain.event import Channel, DossierEvent, with_id
from lgsp.domain.status import Status

DAY = 86_400_000
START = 1_704_675_600_000  # 2024-01-08 08:00 in Asia/Ho_Chi_Minh
NOW = START + 170 * DAY

_PATHS = (
    (1, 2, 4, 9, 10),
    (1, 2, 4, 5, 4, 9),
    (1, 2, 4, 6, 4, 9, 10),
    (1, 3),
    (1, 2, 4, 7),
    (1, 2, 4, 5),
    (1, 2, 4),
    (1, 2, 4, 8),
    (1,),
)


def history(
    rnd: random.Random, *, dossiers: int, sealed: bytes | None = None
) -> list[DossierEvent]:
    """Return the events of `dossiers` dossiers in the order of their times."""
    events = []
    for n in range(dossiers):
        at = START + rnd.randint(0, 90) * DAY
        received = None
        due = at + rnd.randint(3, 30) * DAY
        channel = rnd.choice(list(Channel))
        for sequence, code in enumerate(rnd.choice(_PATHS)):
            if code == 2:
                received = at
            events.append(
                with_id(
                    DossierEvent(
                        portal="twin",
                        province="H37",
                        dossier_code=f"H37.{n % 3 + 1}-240108-{n:04d}",
                        agency=f"H37.{n % 3 + 1}",
                        procedure=f"1.00000{n % 4}",
                        domain="G01-AA01",
                        channel=channel,
                        status=Status(code),
                        occurred_at=at,
                        observed_at=at + 1000,
                        sequence=sequence,
                        received_at=received,
                        due_at=due if received is not None else None,
                        finished_at=at if code == 9 else None,
                        sealed=sealed,
                    )
                )
            )
            at += rnd.randint(1, 8) * DAY // 2
    return sorted(events, key=lambda e: (e.occurred_at, e.dossier_code, e.sequence))
