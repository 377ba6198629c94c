"""The keys of a `files` YAML."""

from typing import Literal

from pydantic import Field

from lgsp_connectors.kit.config import Strict
from lgsp_connectors.kit.mapping.row_settings import RowSettings

Encoding = Literal["auto", "utf-8", "utf-16", "windows-1252", "windows-1258", "mac-roman", "cp850"]


class Limits(Strict):
    """Sizes beyond which a file, or a row of it, is refused instead of read."""

    line_mb: float = Field(
        default=16, gt=0, description="Longest row (CSV, JSON lines) or element (JSON array), MB."
    )
    cell_chars: int = Field(
        default=32_767, ge=1, description="Longest cell of a mapped column; Excel's own limit."
    )
    file_mb: float = Field(
        default=4096, gt=0, description="Largest file, MB; of a compressed one its content."
    )
    ratio: float = Field(
        default=250,
        gt=1,
        description="Most bytes that one compressed byte may stand for, in a content above 16 MB.",
    )


class Source(Strict):
    """Where the files are and how they are written."""

    path: str = Field(min_length=1, description="One glob, relative to the folder of the YAML.")
    delimiter: str = Field(
        default="",
        max_length=1,
        description="Between CSV cells; empty: the one of `,` `;` tab `|` by which the header"
        " has the mapping's columns.",
    )
    encoding: Encoding = Field(
        default="auto",
        description="Of text files; `auto`: by the byte order mark, else UTF-16 or UTF-8.",
    )
    skip_rows: int = Field(default=0, ge=0, description="Title rows above the header.")
    skip: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Rows that are no dossiers: column, and words with which its cell begins;"
        " an empty word: the cell is empty.",
    )
    complete: bool = Field(
        default=False,
        description="Every file is a full export: a known dossier that a later one no longer has"
        " is removed, and leaves every figure.",
    )
    sheet: str = Field(
        default="",
        description="Sheet of a workbook; `*`: all that have the mapping's columns; empty: the"
        " first one, and an error when another one has them, too.",
    )
    sparse: bool = Field(
        default=False,
        description="JSON that leaves out keys without a value: a file need not have them all.",
    )
    settle_seconds: float = Field(
        default=5,
        ge=0,
        description="How long a file stands still before its unterminated last row counts.",
    )
    page_rows: int = Field(default=2000, ge=1, description="Rows read between two checkpoints.")
    limits: Limits = Limits()


class FilesSettings(RowSettings):
    """Keys of a `files` YAML besides those common to all connectors."""

    source: Source = Field(description="Where the files are.")
