"""An hour of faults on the whole service, its label held against the truth all the time.

`python -m tests.chaos.hour [MINUTES] [SEED] [FOLDER] [FAULT ...]`: the faults (FAULT: those whose
names have it) in random order, each as often as the others, while the portal goes on. A fault that
lasts rings its alerts, and they fall silent after it. In the end everything is mended: figures and
national portal must be what the portal holds, no sample may have been `full` while it was wrong,
and what rang besides must be explained. Prints a report; exit 1 where one of these does not hold.
"""

import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lgsp.domain.errors import RetryableError
from lgsp.runtime.httpget import get_json
from tests.alarms.prometheus import Prometheus
from tests.chaos.alerts import FACTOR
from tests.chaos.books import Books
from tests.chaos.clocks import Clocks
from tests.chaos.game import Game, Played
from tests.chaos.playing import CLOCKS, Faults
from tests.chaos.report import report, table
from tests.chaos.sampler import Sampler, Truth
from tests.e2e.province import Province

_BOUND = 30.0  # seconds: a dead connector is known after twelve, a living one may be slow to read
_COUNTED = ("received", "resolved", "resolved_late", "open", "open_overdue")
_DRAINED_WITHIN = 900.0  # seconds: what a clock put off by ten minutes waits for as long


def ask(province: Province) -> dict[str, Any] | None:
    """Ask the feed for the figures of all; None: no answer."""
    url = f"http://127.0.0.1:{province.up.feed}/api/v1/indicators"
    try:
        found: dict[str, Any] = get_json(url, {"period": "all"}, timeout=5)
    except RetryableError:
        return None
    return found


def national_statuses(province: Province) -> dict[str, int]:
    """Return dossier code -> status as the national portal shows it."""
    url, after = f"http://127.0.0.1:{province.up.mock}/api/dossiers", ""
    found: dict[str, int] = {}
    while after is not None:
        page = get_json(url, {"after": after, "limit": "500", "steps": "false"})
        found |= {item["code"]: item["status"] for item in page["items"]}
        after = page["next"]
    return found


def main(
    minutes: float = 60, seed: int = 1, folder: Path | None = None, only: Sequence[str] = ()
) -> int:
    """Play for so many minutes; return the exit code."""
    base = Path(tempfile.mkdtemp(prefix="chaos-", dir=folder))
    inbox = Path(tempfile.mkdtemp(prefix="chaos-inbox-"))  # the portal's disk is another one
    province, truth = Province(inbox, base / "data"), Truth(**dict.fromkeys(_COUNTED, 0))
    chance = random.Random(seed)
    books, clocks = Books(province, truth, chance), Clocks(inbox / "clocks", CLOCKS)
    province.up.environment |= clocks.environment
    (inbox / "prometheus").mkdir()
    began, played = time.monotonic(), Played()
    try:
        province.start_national()
        with (
            province.up,
            Prometheus(inbox / "prometheus", province.targets(), FACTOR) as prometheus,
        ):
            province.start_connector()
            with Sampler(lambda: ask(province), truth, _BOUND) as sampler:
                faults = [
                    fault
                    for fault in Faults(province, books, clocks, chance, sampler.agrees).all()
                    if not only or any(part in fault.name for part in only)
                ]
                game = Game(books, faults, prometheus, chance, played, province.revive)
                game.go_on(10)
                while time.monotonic() < began + minutes * 60:
                    game.play()
                    game.go_on(20)
                game.end("figures full and true", sampler.is_right, 600)
                game.end("nothing is parked", province.redriven, 120)
                game.end("all is pushed", province.drained, _DRAINED_WITHIN)
                game.end("no alert rings", lambda: not prometheus.ringing(), 300)
            found = report(
                (time.monotonic() - began) / 60,
                seed,
                played,
                sampler,
                rang=prometheus.rang(),
                expected=books.statuses,
                national=national_statuses(province),
            )
    finally:
        province.stop_connector()
        province.stop_national()
    sys.stdout.write(json.dumps(found, indent=1, ensure_ascii=False) + "\n" + table(played) + "\n")
    return int(not found["holds"])


if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(
        main(
            float(arguments[0]) if arguments else 60,
            int(arguments[1]) if len(arguments) > 1 else 1,
            Path(arguments[2]) if len(arguments) > 2 else None,
            arguments[3:],
        )
    )
