"""The demo's end: our figures and the national portal's dossiers against the twin's own truth."""

import gzip
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from lgsp.domain.period import VIETNAM
from lgsp.runtime.httpget import get_json
from lgsp.simulation.truth import DOSSIERS_FILE, Truth

_PAGE = 2000
_SHOWN = 20
_REPORT_EVERY = 500


class Differences:
    """What differs; the first ones are shown."""

    def __init__(self) -> None:
        self.found = 0
        self._first: list[str] = []

    def expect(self, what: str, expected: object, found: object) -> bool:
        """Note a difference; return whether they are equal."""
        if expected == found:
            return True
        self.found += 1
        if len(self._first) < _SHOWN:
            self._first.append(f"{what}: expected {expected}, found {found}")
        return False

    def shown(self) -> dict[str, Any]:
        """Return their number and the first ones."""
        return {"count": self.found, "first": self._first}


def compare_truth(found: dict[str, Any], truth: Truth, differences: Differences) -> None:
    """Compare every count and both rates with the truth.

    Counted now and not at the period's end, an open dossier that does not wait for the citizen
    has become overdue; everything else is the same.
    """
    expected = truth.document()
    counts = expected["counts"] | {"open_overdue": expected["open_overdue_later"]}
    for name, count in counts.items():
        differences.expect(f"figures: {name}", count, found["counts"][name])
    for name, rate in expected["rates"].items():
        for part in ("numerator", "denominator", "value"):
            differences.expect(f"figures: {name} {part}", rate[part], found["rates"][name][part])


def compare_national(
    url: str,
    twin: Path,
    differences: Differences,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, int]:
    """Compare status, reception and finishing time of every dossier on the national portal.

    Returns:
        How many dossiers there are on either side and how many are equal.
    """
    truth = {line["code"]: line for line in _truth_lines(twin)}
    seen = equal = 0
    missing = set(truth)
    for item in _national_dossiers(url):
        seen += 1
        line = truth.get(item["code"])
        if line is None:
            differences.expect(f"national: {item['code']}", "absent", "present")
            continue
        missing.discard(item["code"])
        record = item["record"]
        found = (item["status"], record["NgayTiepNhan"], record["NgayKetThucXuLy"])
        expected = (
            line["status"],
            _wire(line["received_at"]),
            _wire(line["finished_at"]),
        )
        equal += differences.expect(f"national: {item['code']}", expected, found)
        if seen % _REPORT_EVERY == 0:
            progress(seen, len(truth))
    progress(seen, len(truth))
    for code in sorted(missing):
        differences.expect(f"national: {code}", "present", "absent")
    return {"expected": len(truth), "found": seen, "equal": equal}


def _truth_lines(twin: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(twin / DOSSIERS_FILE, "rb") as lines:
        for line in lines:
            yield orjson.loads(line)


def _national_dossiers(url: str) -> Iterator[dict[str, Any]]:
    after: str | None = ""
    while after is not None:
        query = {"after": after, "limit": str(_PAGE), "steps": "false"}
        page = get_json(f"{url}/api/dossiers", query)
        yield from page["items"]
        after = page["next"]


def _wire(instant: str | None) -> str:
    """Return an ISO instant as the national portal writes it; "" for none."""
    if instant is None:
        return ""
    return datetime.fromisoformat(instant).astimezone(VIETNAM).strftime("%Y%m%d%H%M%S")
