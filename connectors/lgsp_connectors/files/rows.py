"""The rows of one CSV or JSON-lines file as records; what is unreadable is a fault record."""

import csv
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp_connectors.files.lines import Line, is_gzip, read_lines
from lgsp_connectors.files.marks import Mark, fingerprint
from lgsp_connectors.kit.contract import Record

_BOM = b"\xef\xbb\xbf"
_LONGEST_ROW = 1000  # lines: a quote left open does not swallow the rest of the file


class FileReader:
    """Reads one file on from a mark; `take` gives the next records, `mark` where it stands then.

    Args:
        path: the file.
        name: its name in messages and in the cursor.
        mark: where to go on; None: from the start.
        columns: columns that a CSV header must have.
        delimiter: of CSV.
        refused: state of the mark when the header does not fit.
        clock: gives ms UTC.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        mark: Mark | None,
        *,
        columns: Sequence[str],
        delimiter: str,
        refused: str,
        clock: Callable[[], int],
    ) -> None:
        self._path, self._name, self._clock = path, name, clock
        self._columns, self._delimiter, self._refused = columns, delimiter, refused
        stat = path.stat()
        self._size, self._mtime = stat.st_size, stat.st_mtime_ns
        self._done, self.seen = (mark.lines, mark.seen) if mark else (0, 0)
        self._state = "open"
        self._now = clock()
        self._gzip = is_gzip(path)
        suffix = (path.with_suffix("") if self._gzip else path).suffix
        self._records = self._jsonl() if suffix in {".jsonl", ".ndjson"} else self._csv()

    def take(self, count: int) -> list[Record]:
        """Give up to `count` next records; fewer when the file ends."""
        self._now = self._clock()
        records = list(islice(self._records, count))
        if len(records) < count and self._state == "open":
            self._state = "done"
        return records

    @property
    def finished(self) -> bool:
        """Whether the file has no further record now."""
        return self._state != "open"

    def mark(self) -> Mark:
        """Tell where the reading stands after what `take` gave."""
        digest = fingerprint(self._path, self.seen)
        return Mark(self._done, self.seen, self._size, self._mtime, digest, self._state)

    def _lines(self) -> Iterator[Line]:
        return read_lines(self._path, done=self._done, seen=self.seen)

    def _record(self, line: int, data: Any, fault: RejectedRecord | None = None) -> Record:
        return Record(f"{self._name}:{line}", data, self._now, fault)

    def _advance(self, line: Line) -> None:
        # An unterminated last line of a plain file is not passed: it may still grow.
        if line.seen > self.seen or self._gzip:
            self._done, self.seen = line.number, line.seen

    def _jsonl(self) -> Iterator[Record]:
        try:
            for line in self._lines():
                self._advance(line)
                raw = line.raw.removeprefix(_BOM) if line.number == 1 else line.raw
                if raw.isspace() or not raw:
                    continue
                try:
                    data = orjson.loads(raw)
                except orjson.JSONDecodeError as error:
                    fault = _undecodable(raw) or _unreadable(f"not JSON: {error}")
                    yield self._record(line.number, raw, fault)
                    continue
                if isinstance(data, dict):
                    yield self._record(line.number, data)
                else:
                    yield self._record(line.number, raw, _unreadable("not a JSON object"))
        except RejectedRecord as fault:
            yield self._torn(fault)

    def _csv(self) -> Iterator[Record]:
        try:
            header = self._header()
            if fault := _wrong_header(self._columns, header):
                self._done, self._state = 1, self._refused
                yield self._record(1, b"", fault)
                return
            for line, raw, row in self._rows():
                if isinstance(row, RejectedRecord):
                    yield self._record(line, raw, row)
                elif len(row) == len(header):
                    yield self._record(line, dict(zip(header, row, strict=True)))
                else:
                    detail = f"the row has {len(row)} columns, the header {len(header)}"
                    yield self._record(line, raw, _unreadable(detail))
        except RejectedRecord as fault:
            yield self._torn(fault)

    def _header(self) -> list[str]:
        for line in read_lines(self._path):
            raw = line.raw.removeprefix(_BOM)
            if fault := _undecodable(raw):
                raise fault
            if self._done == 0:
                self._advance(line)
            names = next(csv.reader([raw.decode()], delimiter=self._delimiter), [])
            return [unicodedata.normalize("NFC", name).strip() for name in names]
        return []

    def _rows(self) -> Iterator[tuple[int, bytes, list[str] | RejectedRecord]]:
        """Split lines into cells; a quoted line end joins lines, within reason."""
        lines = self._lines()
        again: list[Line] = []
        while (line := again.pop() if again else next(lines, None)) is not None:
            self._advance(line)
            raw = line.raw
            if line.number == 1 or not raw or raw == b"\r":
                continue
            try:
                text = raw.decode()
            except UnicodeDecodeError:
                yield line.number, raw, _undecodable(raw) or _unreadable("")
                continue
            if '"' not in text:
                yield line.number, raw, text.removesuffix("\r").split(self._delimiter)
                continue
            joined = [line]
            while raw.count(b'"') % 2 and len(joined) < _LONGEST_ROW:
                more = again.pop() if again else next(lines, None)
                if more is None:
                    break
                joined.append(more)
                raw += b"\n" + more.raw
            row = self._quoted(raw)
            if isinstance(row, RejectedRecord) and len(joined) > 1:
                again += joined[:0:-1]  # only the first line is lost
                raw = line.raw
            else:
                self._advance(joined[-1])
            yield line.number, raw, row

    def _quoted(self, raw: bytes) -> list[str] | RejectedRecord:
        if fault := _undecodable(raw):
            return fault
        if raw.count(b'"') % 2:
            return _unreadable("a quote is not closed")
        try:
            text = raw.decode().removesuffix("\r")
            rows = list(csv.reader(text.splitlines(keepends=True), delimiter=self._delimiter))
        except csv.Error as error:
            return _unreadable(f"not CSV: {error}")
        return rows[0] if len(rows) == 1 else _unreadable("a quote is not where it belongs")

    def _torn(self, fault: RejectedRecord) -> Record:
        """Make the last record of a file whose data cannot be read on."""
        self.seen = self._size if self._gzip else self.seen
        self._state = "done"
        return self._record(self._done + 1, b"", fault)


def _undecodable(raw: bytes) -> RejectedRecord | None:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        found = f"0x{raw[error.start]:02X}"
        return RejectedRecord(
            RejectReason.UNREADABLE,
            value=found,
            detail=f"byte {found} at position {error.start + 1} of the line is not UTF-8",
        )
    return None


def _unreadable(detail: str) -> RejectedRecord:
    return RejectedRecord(RejectReason.UNREADABLE, detail=detail)


def _wrong_header(columns: Sequence[str], header: list[str]) -> RejectedRecord | None:
    """Give what is wrong when a column of the mapping is not there, or more than once."""
    missing = [name for name in columns if name not in header]
    twice = [name for name in columns if header.count(name) > 1]
    if not (missing or twice):
        return None
    what = f"lacks: {', '.join(missing)}" if missing else f"repeats: {', '.join(twice)}"
    return RejectedRecord(
        RejectReason.MISSING_FIELD if missing else RejectReason.UNREADABLE,
        field=(missing or twice)[0],
        detail=f"the header {what}; its columns are: {', '.join(header) or 'none'}",
    )
