"""Where a walk stands: what the last one came to, and the pass that is under way."""

from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from lgsp_connectors.kit.contract import Cursor
from lgsp_connectors.kit.walk.window import TOP

_LEVEL, _PASS = "level", "pass"


@dataclass
class Level:
    """What earlier passes came to. Times are ms UTC; 0: none yet.

    Args:
        watermark: the newest change on top of the list when the last pass began.
        anchors: dossiers that stood there, with their times: they are there still, or changed
            since, or the portal has gone back.
        held: rows of the list, by its own word.
        seen_at: when the watermark was first met, by our clock.
        swept: the watermark of the last pass that read `overlap` below the one before, or all that
            was not settled: what is shown late since it began may stand so far below; 0: none did.
        settled: all changes with an earlier time were shown, and read; 0: nobody can tell.
        full_at: when the last pass through the whole list began.
        full_took: how long that took, ms.
    """

    watermark: int = 0
    anchors: dict[str, int] = field(default_factory=dict)
    held: int = 0
    seen_at: int = 0
    swept: int = 0
    settled: int = 0
    full_at: int = 0
    full_took: int = 0


@dataclass
class Pass:
    """One way down the list.

    Args:
        began: when its first row was asked for, ms UTC.
        listing: when the pass through the whole list began that this one is, or completes; 0:
            there is none.
        floor: it reads all rows with this time or a later one; 0: all.
        depth: it looks for anchors down to this time.
        top: the watermark that it will leave; 0: none found yet.
        start: the row that is asked for next.
        above: all rows with a later time were read, but those changed since it began.
        reached: as far as answers went, in rows of the list.
        ended: where an answer ended that brought the walk no further; -1: none did.
        is_counted: no answer of the pass went beyond its own total.
        requests: answers taken.
        stuck: answers in a row that had to be read from further up.
        repeats: answers that were the same as the one before, though asked for from elsewhere.
        group: where a group of rows of one time began that no answer holds whole; -1: none.
        missing: anchors not met yet.
        unmoved: the latest time of an anchor that was met as it stood.
        anchors: what the level will have as anchors.
    """

    began: int
    floor: int = 0
    depth: int = 0
    listing: int = 0
    top: int = 0
    start: int = 0
    above: int = TOP
    reached: int = 0
    ended: int = -1
    is_counted: bool = True
    requests: int = 0
    stuck: int = 0
    repeats: int = 0
    group: int = -1
    missing: dict[str, int] = field(default_factory=dict)
    unmoved: int = 0
    anchors: dict[str, int] = field(default_factory=dict)


def start_cursor(since: int | None) -> Cursor:
    """Give the cursor that reads all (None), or all changed since (ms UTC)."""
    return {"watermark": str(since or 0)}


def read_cursor(cursor: Cursor) -> tuple[Level, Pass | None]:
    """Give the level, and the pass under way."""
    level = Level(int(cursor["watermark"]), **_loads(cursor, _LEVEL))
    under_way = _loads(cursor, _PASS)
    return level, Pass(**under_way) if under_way else None


def write_cursor(level: Level, under_way: Pass | None) -> Cursor:
    """Give the cursor of both."""
    fields = asdict(level)
    cursor = {"watermark": str(fields.pop("watermark")), _LEVEL: _dumps(fields)}
    return cursor | ({_PASS: _dumps(asdict(under_way))} if under_way else {})


def _loads(cursor: Cursor, name: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(cursor.get(name, "{}"))
    return found


def _dumps(fields: dict[str, Any]) -> str:
    return orjson.dumps(fields).decode()
