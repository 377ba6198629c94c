"""The two folds over rows of one source that states a dossier again and again, mostly in order."""

import random
from pathlib import Path

import pytest
from tests.store.rates.fast.test_fold import Both
from tests.store.rates.history import START

from lgsp.domain.details import Details
from lgsp.domain.event import Channel, DossierEvent, ServiceLevel
from lgsp.domain.profiles.simple import SIMPLE
from lgsp.domain.status import Status
from lgsp.runtime.avro.codec import encode_event
from lgsp.store.engine import open_store
from lgsp.store.rates.counted_by import claim
from lgsp_connectors.kit.mapping.derive import Facts, from_dossier
from lgsp_connectors.kit.memory.fresh import Fresh
from lgsp_connectors.kit.memory.known import MemoryKnown
from lgsp_connectors.kit.memory.news import Source, gone

DAY = 86_400_000
ENDS = (Status.PROCESSED, Status.RESULT_RETURNED)
OPEN = (Status.RECEIVED, Status.PROCESSING, Status.SUPPLEMENT_REQUIRED, Status.PAYMENT_REQUIRED)


def row(rnd: random.Random, n: int, day: int) -> Facts:
    """A row of the export of a day: usually the next step, at times a correction."""
    received = START + n % 40 * DAY + (rnd.random() < 0.02) * DAY
    stage = (day - n % 3) // 2
    status = (
        OPEN[stage % 4] if stage < 3 else rnd.choice([Status.PROCESSED, Status.RESULT_RETURNED])
    )
    finished = received + 9 * DAY - (rnd.random() < 0.1) * DAY if status not in OPEN else None
    if rnd.random() < 0.03:
        status, finished = rnd.choice(OPEN), None
    return Facts(
        portal="one" if n % 11 else rnd.choice(["one", "two"]),
        province="H37",
        dossier_code=f"H37.12-240101-{n:04d}",
        agency=f"H37.{n % 3}",
        procedure="1.000001",
        domain="G01",
        service_level=ServiceLevel.FULL,
        channel=rnd.choice([Channel.ONLINE] * 9 + [Channel.DIRECT]),
        source_status="",
        status=status,
        occurred_at=None,
        sequence=None,
        submitted_at=received - DAY,
        received_at=received,
        due_at=received + (7 + (rnd.random() < 0.1)) * DAY,
        finished_at=finished,
        returned_at=None,
        sealed=None,
        observed_at=START + (40 + day) * DAY,
        stated_at=START + (40 + day - rnd.choice([0] * 30 + [3])) * DAY,
        stated_row=n,
        national_code="G22.99-240101-000001" if n % 13 == 0 else "",
        details=Details(fee=n) if n % 5 == 0 else None,
    )


@pytest.mark.parametrize("seed", range(6))
def test_equal_over_nightly_exports(tmp_path: Path, seed: int) -> None:
    rnd = random.Random(seed)
    plain, fast = (open_store(f"sqlite:///{tmp_path}/{name}.db") for name in "ab")
    for engine in (plain, fast):
        claim(engine, SIMPLE)
    both = Both(plain, fast, rnd.choice([0, 40, 1000]))
    fresh = Fresh(MemoryKnown())
    for day in range(9):
        rows = [row(rnd, n, day) for n in range(150)]
        events: list[DossierEvent] = fresh.of(map(from_dossier, rows), whole=True)
        fresh.keep()
        lost = [
            gone(e.dossier_code, Source(e.portal, "H37", START), START + (41 + day) * DAY)
            for e in events[:2]
        ]
        both.feed([(0, encode_event(event)) for event in [*events, *lost]])
        both.wake()
    both.assert_equal()
    for engine in (plain, fast):
        engine.dispose()
