"""The `files` connector: one glob, files in name order, resumed where each was left."""

import glob
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import ClassVar

import structlog
from pydantic import BaseModel, Field

from lgsp.domain.errors import RetryableError
from lgsp.domain.event import DossierEvent
from lgsp_connectors.files.marks import continues, parse_mark, settled
from lgsp_connectors.files.rows import FileReader
from lgsp_connectors.kit.config import Strict
from lgsp_connectors.kit.contract import Context, Cursor, Page, Record
from lgsp_connectors.kit.forms import CodePattern, MappingBlock, compile_mapping
from lgsp_connectors.kit.mapping import Shape

_SINCE = ":since"  # no file is called so: names are relative paths
_log = structlog.get_logger()


class Source(Strict):
    """Where the files are and how they are written."""

    path: str = Field(description="One glob, relative to the folder of the YAML.")
    delimiter: str = Field(
        default=",", min_length=1, max_length=1, description="Between CSV cells."
    )
    page_rows: int = Field(default=2000, ge=1, description="Rows read between two checkpoints.")


class FilesSettings(Strict):
    """Keys of a `files` YAML besides those common to all connectors."""

    source: Source = Field(description="Where the files are.")
    shape: Shape = Field(description="What a row is: a dossier with its dates, or one step.")
    dossier_code_pattern: CodePattern = Field(
        default="", description="`any` or a regular expression; empty: the national pattern."
    )
    mapping: MappingBlock = Field(description="Attribute: column or form.")


class Files:
    """Reads CSV and JSON lines, `.gz` of each; the cursor holds one mark a file.

    A file that grew is read on from where it stood; one that was rewritten is read again, which
    deterministic event ids make harmless. A file that is gone is forgotten.
    """

    name: ClassVar[str] = "files"
    settings: ClassVar[type[BaseModel]] = FilesSettings

    def __init__(self, settings: FilesSettings, context: Context) -> None:
        self._source = settings.source
        self._context = context
        self._mapper = compile_mapping(
            settings.mapping, settings.shape, settings.dossier_code_pattern, context
        )
        self._columns = list(dict.fromkeys(self._mapper.columns.values()))
        digest = blake2b("\0".join(self._columns).encode(), digest_size=6).hexdigest()
        self._refused = f"refused-{digest}"
        self._reader: FileReader | None = None
        self._reads = ("", "")  # name and mark text that the open reader stands at

    def start(self, since: int | None) -> Cursor:
        """Start with no file read; `since` leaves out files last changed before it."""
        return {} if since is None else {_SINCE: str(since)}

    async def fetch(self, cursor: Cursor) -> Page:
        """Read up to `page_rows` rows, on into the next files; RetryableError: not readable."""
        try:
            return self._read(cursor)
        except OSError as error:
            raise RetryableError(f"{error.filename}: {error.strerror}") from error

    def _read(self, cursor: Cursor) -> Page:
        since = int(cursor.get(_SINCE, "0"))
        names = sorted(glob.glob(self._source.path, root_dir=self._context.base, recursive=True))
        records: list[Record] = []
        after: Cursor = {}
        done = total = 0
        caught_up = True
        if not names:
            _log.warning("no_file_matches", path=self._source.path)
        for name in names:
            path = self._context.base / name
            stat = path.stat()
            if not path.is_file() or stat.st_mtime_ns // 1_000_000 < since:
                continue
            total += stat.st_size
            text = cursor.get(name)
            mark = parse_mark(text) if text else None
            if settled(mark, stat, self._refused):
                done += stat.st_size
                after[name] = text or ""
                continue
            left = self._source.page_rows - len(records)
            if left <= 0:
                caught_up = False
                if text:
                    after[name] = text
                continue
            reader = self._open(path, name, text)
            records += reader.take(left)
            after[name] = reader.mark().text()
            done += reader.seen
            if reader.finished:
                self._reader = None
            else:
                caught_up = False
                self._reads = (name, after[name])
        if _SINCE in cursor:
            after[_SINCE] = cursor[_SINCE]
        return Page(records, after, caught_up, done, total)

    def to_events(self, record: Record) -> Sequence[DossierEvent]:
        """Map one row and derive its transitions."""
        return self._mapper.events(record.data, record.observed_at)

    async def close(self) -> None:
        """Forget the open file."""
        self._reader = None

    def _open(self, path: Path, name: str, text: str | None) -> FileReader:
        """Give the reader that stands at the mark: the open one, or a new one."""
        if self._reader is not None and text and self._reads == (name, text):
            return self._reader
        mark = parse_mark(text) if text else None
        if mark is not None and not continues(mark, path):
            _log.info("file_changed", file=name)
            mark = None
        self._reader = FileReader(
            path,
            name,
            mark,
            columns=self._columns,
            delimiter=self._source.delimiter,
            refused=self._refused,
            clock=self._context.clock,
        )
        return self._reader
