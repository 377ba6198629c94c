"""One file's rows as records, from a mark on; what is unreadable is a fault record."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lgsp_connectors.files.columns import MappedColumns
from lgsp_connectors.files.content import Content, Form, form_of
from lgsp_connectors.files.delimited import delimited_rows
from lgsp_connectors.files.json_rows import json_rows
from lgsp_connectors.files.listing import Found
from lgsp_connectors.files.marks import Mark, Stamp, State
from lgsp_connectors.files.rows import START, Empty, OpenFile, Place, Row, Unfinished
from lgsp_connectors.files.settings import Source
from lgsp_connectors.files.sheets import sheet_rows
from lgsp_connectors.files.stored import Stored, Torn
from lgsp_connectors.kit.contract import Record
from lgsp_connectors.kit.replayed import as_stated

PAGE_BYTES = 64 * 1024 * 1024
"""Bytes of content after which a page ends, however few rows they were."""
_MS = 1_000_000  # ns
_SKIPPED = 1000  # rows left out between two looks whether reading is called off


@dataclass(frozen=True)
class Reading:
    """How a connector's files are read.

    Args:
        source: as in the YAML.
        columns: of the mapping.
        how: fingerprint of the YAML; a file read by another one is read again.
        clock: gives ms UTC.
        halt: raises when reading is to end at once.
    """

    source: Source
    columns: MappedColumns
    how: str
    clock: Callable[[], int]
    halt: Callable[[], None]


class FileReader:
    """Reads one file on from a mark; `take` gives the next records, `mark` where it stands then.

    All that is read stands under the mark's digest. A mark whose bytes are no longer there does
    not count: then the file is read from its start.

    Args:
        base: folder of the YAML.
        found: the file, as listed.
        mark: of the last reading under this name; None: there was none.
        reading: how.
        anew: read from the start whatever the mark says.
        still: the file has stood still: what its last row lacks will not be written any more.
        since: when the stamp of the listing was first seen, ms UTC.
        latest: when the newest file that is known was written, ms UTC.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(
        self,
        base: Path,
        found: Found,
        mark: Mark | None,
        reading: Reading,
        *,
        anew: bool,
        still: bool,
        since: int,
        latest: int = 0,
    ) -> None:
        self._name, self._reading, self._latest = found.name, reading, latest
        self._file = open(base / found.name, "rb")  # noqa: SIM115 - closed by `close`
        self._stamp = Stamp.of(os.fstat(self._file.fileno()))
        unmoved = self._stamp == found.stamp
        self._still = still and unmoved
        self._since = since if unmoved else reading.clock()
        self._stored = Stored(self._file, reading.halt)
        try:
            self.changed = not (
                mark is None or self._stored.begins_with(mark.digested, mark.digest)
            )
        except BaseException:
            self.close()
            raise
        self.written = self._time_of_writing(mark)
        if self.changed or anew:
            mark = None
            self._stored = Stored(self._file, reading.halt)
        form = form_of(found.name)
        self._open_file = OpenFile(
            Content(self._stored, form, reading.source),
            reading.source,
            reading.columns,
            still=self._still,
            place=Place(mark.rows, mark.position) if mark else START,
            dialect=mark.dialect if mark else "",
        )
        self._objects = form.json
        self._rows = _rows(self._open_file, form, self._stamp.size)
        self._state: State = "open"
        if mark and mark.state in {"done", "empty", "refused"} and self._settled(mark):
            self._state = mark.state
        self.skipped = 0

    @property
    def finished(self) -> bool:
        """Whether the file has no further record now."""
        return self._state != "open"

    @property
    def read(self) -> int:
        """Stored bytes read so far."""
        return self._stored.digested

    def take(self, count: int) -> list[Record]:
        """Give up to `count` next records; fewer when the file ends.

        Raises:
            OSError: the file cannot be read on.
        """
        records: list[Record] = []
        if self.finished:
            return records
        now, written = self._reading.clock(), self.written
        name, content = self._name, self._open_file.content
        until = content.made + PAGE_BYTES
        try:
            for row in self._rows:
                self._open_file.place = row.place
                if row.data is None:
                    self.skipped += 1
                    if not self.skipped % _SKIPPED:
                        self._reading.halt()
                    continue
                origin = f"{name}:{row.number}"
                record = Record(origin, row.data, now, row.fault, name, written, row.number)
                records.append(as_stated(record) if self._objects else record)
                if len(records) >= count or content.made > until:
                    return records
            self._state = "done"
        except Unfinished:
            self._state = "tail"
        except Empty:
            self._state = "empty" if self._still else "tail"
        except Torn as torn:
            if torn.may_grow and not self._still:
                self._state = "tail"
            else:
                self._state = "refused"
                number = self._open_file.place.rows + 1 if torn.number is None else torn.number
                origin = f"{name}:{number}" if number else name
                records.append(Record(origin, b"", now, torn.cause, name, written, number))
        return records

    def mark(self) -> Mark:
        """Tell where the reading stands after what `take` gave."""
        return Mark(
            self._state,
            self._still,
            self._stamp,
            self._since,
            self.written,
            self._open_file.place.rows,
            self._open_file.place.position,
            self._stored.digested,
            self._stored.digest,
            self._open_file.dialect,
            self._reading.how,
        )

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _time_of_writing(self, before: Mark | None) -> int:
        """Tell when what stands in the file was written, ms UTC: what orders its statements.

        That is the file's own time, with two exceptions. No file was written by a clock ahead of
        ours; but a new one after those that we know, where ours was set back since. And a file
        that was rewritten in its place was written after what stood there before, also where its
        time does not say so: it was set back, or kept by a copy.
        """
        now = self._reading.clock()
        if before is None:
            return min(self._stamp.mtime // _MS, max(now, self._latest + 1))
        mtime, ctime = min(self._stamp.mtime // _MS, now), min(self._stamp.ctime // _MS, now)
        if not self.changed:
            same = before.stamp == self._stamp
            return before.written if same else max(mtime, before.written)
        if mtime > before.written or before.stamp.inode != self._stamp.inode:
            return mtime
        return max(ctime, before.written + 1)

    def _settled(self, mark: Mark) -> bool:
        """Tell whether nothing stands behind what the mark covers: the file was only touched."""
        return mark.digested == self._stamp.size or mark.stamp == self._stamp


def _rows(file: OpenFile, form: Form, size: int) -> Iterator[Row]:
    """Begin to read; the file is looked at when the first row is asked for."""
    if not size:
        raise Empty
    if form.workbook:
        yield from sheet_rows(file)
    else:
        text = file.content.text()
        if text.blank:
            for _ in text.chunks:  # to its end, which may be torn
                pass
            raise Empty
        yield from json_rows(file, text) if form.json else delimited_rows(file, text)
