"""One look at the folder: what is listed, what is to be read of it, page by page."""

from hashlib import blake2b
from pathlib import Path

import structlog

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.runtime.personal import mask_file_name
from lgsp_connectors.files.listing import Found, away, list_files
from lgsp_connectors.files.marks import UNUSABLE, Mark, Stamp, parse_mark
from lgsp_connectors.files.reader import PAGE_BYTES, FileReader, Reading
from lgsp_connectors.kit.contract import Cursor, Listing, Page, Record, part_of

_SINCE = "\0since"  # no file is called so
_LONG_STILL = 86_400_000  # ms: a file not written for a day stands still
_PAGE_FILES = 5000  # files opened for one page
_NOTHING = Stamp(0, 0, 0, 0)
_log = structlog.get_logger()


class Look:
    """Lists the files once, and reads what the cursor does not cover.

    Args:
        base: folder of the YAML.
        reading: how files are read.
        cursor: marks by name, as the last page of the look before gave them.

    Raises:
        RetryableError: the machine or the mount does not answer.
    """

    def __init__(self, base: Path, reading: Reading, cursor: Cursor) -> None:
        self._base, self._reading, self._now = base, reading, reading.clock()
        self._settle = int(reading.source.settle_seconds * 1000)
        self._path = reading.source.path
        self.after = dict(cursor)
        self.ended = False
        self._first = True
        self._reader: FileReader | None = None
        self._done = self._total = 0
        self._waits: list[int] = []
        found = list_files(base, self._path)
        self._any = bool(found)
        written = [(file.stamp.mtime, file.name) for file in found if file.stamp]
        self._newest = max(written)[1] if written else ""
        since = int(cursor.get(_SINCE, "0"))
        self._lost = cursor.keys() - {part_of(file.name) for file in found} - {_SINCE}
        for key in self._lost:
            del self.after[key]  # the file is gone
        self._latest = 0  # ms UTC; when the newest file that is known was written
        self._begun: list[str] = []
        self._read: list[str] = []
        self._todo = [file for file in found if self._unread(file, since)]
        self._todo.reverse()  # taken from its end

    @staticmethod
    def start(since: int | None) -> Cursor:
        """Give the cursor of nothing read, without files written before `since` (ms UTC)."""
        return {} if since is None else {_SINCE: str(since)}

    def page(self) -> Page:
        """Read the next page; OSError and RetryableError leave the look unusable."""
        self.after = dict(self.after)
        self._begun, self._read = [], []
        records: list[Record] = []
        listing: Listing | None = None
        skipped = files = size = 0
        most = self._reading.source.page_rows
        while self._todo and len(records) < most and files < _PAGE_FILES and size < PAGE_BYTES:
            file = self._todo[-1]
            taken, left_out, finished = self._take(file, most - len(records))
            records += taken
            skipped += left_out
            if finished:
                files += 1
                size += file.stamp.size if file.stamp else 0
                self._todo.pop()
            if self._reading.source.complete and file.stamp is not None:
                listing = self._listing(file.name, finished=finished)
                break  # a page is of one listing only
        self.ended = not self._todo
        caught_up, self._first = self.ended and self._first, False
        wait = 0.0
        if caught_up and self._waits:
            wait = min(max(0.05, (min(self._waits) - self._reading.clock()) / 1000), self._settle)
        reading = self._reader.read if self._reader else 0
        lost, self._lost = sorted(self._lost), set()
        return Page(
            records,
            self.after,
            caught_up,
            self._done + reading,
            self._total,
            wait=wait,
            skipped=skipped,
            refused=sum(text.startswith(UNUSABLE) for text in self.after.values()),
            empty=sum(text.startswith("empty") for text in self.after.values()),
            listing=listing,
            problem=self._problem(),
            begun=self._begun,
            read=self._read,
            lost=lost,
        )

    def close(self) -> None:
        """Close the open file."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _problem(self) -> str:
        if not self._any:
            return f"no file matches {self._path} in {self._base.absolute()}"
        mark = parse_mark(self.after.get(part_of(self._newest)))
        if mark is None or mark.state != "empty":
            return ""
        # An empty file with a later one beside it is the past: what it lacked has come since.
        return (
            f"the newest file, {mask_file_name(self._newest)}, is empty: let its export run again,"
            " or remove it"
        )

    def _listing(self, name: str, *, finished: bool) -> Listing | None:
        mark = parse_mark(self.after.get(part_of(name)))
        if mark is None:  # the file is gone
            return None
        ended = finished and mark.state == "done"
        return Listing(f"{name}@{mark.written}", mark.written, ended, part_of(name))

    def _unread(self, file: Found, since: int) -> bool:
        """Tell whether there is something to read, or to make sure of, in a file."""
        mark = parse_mark(self.after.get(part_of(file.name)))
        if mark is not None:
            self._latest = max(self._latest, mark.written)
        known = mark is not None and mark.how == self._reading.how
        if file.stamp is None:
            return not (mark and known and _is_denied(mark, file.fault))
        if file.stamp.mtime // 1_000_000 < since:
            return False
        self._total += file.stamp.size
        if mark is None or not known or mark.stamp != file.stamp:
            return True
        if mark.state in {"open", "denied"}:
            return True
        still = self._is_still(file.stamp, mark.since)
        if mark.state == "tail" and not still:
            self._waits.append(mark.since + self._settle)
        unread = still and (mark.state == "tail" or not mark.sure)
        self._done += 0 if unread else file.stamp.size
        return unread

    def _is_still(self, stamp: Stamp, since: int) -> bool:
        """Tell whether a file stands still: by our clock, or because it is old by any clock."""
        now = self._reading.clock()
        changed = max(stamp.mtime, stamp.ctime) // 1_000_000
        return since <= now - self._settle or changed <= now - _LONG_STILL

    def _take(self, file: Found, count: int) -> tuple[list[Record], int, bool]:
        """Give the next records of a file, the rows left out, and whether it is finished."""
        if file.stamp is None:
            return self._deny(file, file.fault), 0, True
        try:
            reader = self._reader = self._reader or self._open(file, file.stamp)
            before = reader.skipped
            records = reader.take(count)
        except FileNotFoundError:  # gone since it was listed
            self.after.pop(part_of(file.name), None)
            self._lost |= {part_of(file.name)}
            self.close()
            return [], 0, True
        except OSError as error:
            self.close()
            if away_error := away(error, str(self._base / file.name)):
                raise away_error from error
            return self._deny(file, error.strerror or type(error).__name__), 0, True
        mark = reader.mark()
        self.after[part_of(file.name)] = mark.text()
        if mark.state == "tail":
            self._waits.append(mark.since + self._settle)
        elif mark.state in {"done", "empty"}:
            self._read.append(part_of(file.name))
        if reader.finished:
            self._done += file.stamp.size
            self.close()
        return records, reader.skipped - before, reader.finished

    def _open(self, file: Found, stamp: Stamp) -> FileReader:
        mark = parse_mark(self.after.get(part_of(file.name)))
        if mark and mark.state == "denied":
            mark = None
        same = mark is not None and mark.stamp == stamp
        anew = mark is not None and (
            mark.how != self._reading.how or (self._reading.source.complete and not same)
        )
        since = mark.since if mark and same and not anew else self._now
        still = self._is_still(stamp, since)
        reader = FileReader(
            self._base,
            file,
            mark,
            self._reading,
            anew=anew,
            still=still,
            since=since,
            latest=self._latest,
        )
        self._latest = max(self._latest, reader.written)
        if reader.changed:
            _log.info("file_changed", file=file.name)
        if mark is None or anew or reader.changed:
            self._begun.append(part_of(file.name))
        return reader

    def _deny(self, file: Found, fault: str) -> list[Record]:
        """Note a file that cannot be opened; give its letter, once while the fault is the same."""
        mark = parse_mark(self.after.get(part_of(file.name)))
        how, now = self._reading.how, self._reading.clock()
        if mark and mark.how == how and _is_denied(mark, fault):
            return []
        denied = Mark("denied", False, _NOTHING, now, 0, 0, 0, 0, _digest(fault), "", how)
        self.after[part_of(file.name)] = denied.text()
        cause = RejectedRecord(RejectReason.UNREADABLE, detail=f"cannot be read: {fault}")
        return [Record(file.name, b"", now, cause, file.name)]


def _is_denied(mark: Mark, fault: str) -> bool:
    return mark.state == "denied" and mark.digest == _digest(fault)


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()
