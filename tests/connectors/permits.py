"""A made-up permit log in the form of the real one (docs/how-to/municipal-log.md).

One row a step, the application's dates repeated on each; local times with the offset of summer or
winter; some applications open, some ended to the millisecond at the deadline, some with steps
after the end. The real log is not shipped; tests read it where it lies beside the checkout.
"""

import csv
import gzip
import random
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

COLUMNS = (
    *("case:channel", "case:concept:name", "case:deadline", "case:department", "case:enddate"),
    *("case:enddate_planned", "case:group", "case:responsible", "case:startdate"),
    *("concept:instance", "concept:name", "lifecycle:transition", "org:group", "org:resource"),
    "time:timestamp",
)
_CHANNELS = ("Internet",) * 9 + ("Desk", "Post", "e-mail", "Intern")
_STEPS = ("Confirmation of receipt", "T02 Check confirmation of receipt", "T06 Stop advice")
_ZONE = ZoneInfo("Europe/Amsterdam")
_START = datetime(2011, 1, 10, 9, tzinfo=_ZONE)


def write_permits(file: Path, applications: int = 80) -> None:
    """Write the log of so many applications, the same at each call, as gzip'd CSV."""
    rnd = random.Random(2011)
    with gzip.open(file, "wt", encoding="utf-8", newline="") as out:
        rows = csv.DictWriter(out, COLUMNS)
        rows.writeheader()
        for number in range(applications):
            rows.writerows(_application(rnd, number))


def _application(rnd: random.Random, number: int) -> list[dict[str, str]]:
    started = _START + timedelta(days=rnd.randint(0, 500), milliseconds=rnd.randint(0, 2**25))
    deadline = started + timedelta(weeks=8)
    ended = {
        0: "",
        1: str(deadline),
        2: str(deadline + timedelta(milliseconds=1)),
    }.get(
        number % 12, str(started + timedelta(days=rnd.randint(1, 75), seconds=rnd.randint(0, 99)))
    )
    same = {
        "case:channel": rnd.choice(_CHANNELS),
        "case:concept:name": f"case-{number + 1}",
        "case:deadline": str(deadline),
        "case:department": rnd.choice(("General", "Customer contact", "Experts")),
        "case:enddate": ended,
        "case:enddate_planned": str(deadline),
        "case:group": "Group 1",
        "case:responsible": f"Resource{rnd.randint(1, 20):02d}",
        "case:startdate": str(started),
        "lifecycle:transition": "complete",
        "org:group": "Group 1",
    }
    steps = []
    at = started
    for step in range(rnd.randint(1, 7)):
        at += timedelta(days=rnd.randint(0, 20), seconds=rnd.randint(1, 9999))
        steps.append(
            same
            | {
                "concept:instance": f"task-{number * 10 + step}",
                "concept:name": _STEPS[min(step, rnd.randint(1, 2))],
                "org:resource": f"Resource{rnd.randint(1, 20):02d}",
                "time:timestamp": str(at),
            }
        )
    return steps
