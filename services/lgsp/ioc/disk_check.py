"""Whether the feed's own machine has room: on a full disk nothing new is counted."""

from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine

from lgsp.domain.reasons import Finding, Reason
from lgsp.runtime.disk import has_no_room, way_out


class DiskCheck:
    """Looks at the disks of the data folder and of a SQLite store.

    Args:
        data: folder of all local state.
        engine: the store.
    """

    def __init__(self, data: Path, engine: Engine) -> None:
        self._places = [data.absolute()]
        if engine.dialect.name == "sqlite" and engine.url.database:
            self._places.append(Path(engine.url.database).absolute())

    def __call__(self) -> Iterator[Finding]:
        """Give a finding when one of them has no room."""
        for place in self._places:
            if has_no_room(place):
                yield Finding(Reason.DISK_FULL, detail=f"{place}: {way_out(place)}")
                return
