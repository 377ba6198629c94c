"""The columns that the mapping names, looked for in what a file has; and rows that are none."""

import difflib
import unicodedata
from collections.abc import Collection, Mapping, Sequence

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.runtime.personal import shown
from lgsp_connectors.files.stored import Torn
from lgsp_connectors.kit.mapping.words import visible

_SHOWN = 12  # names of columns in a message
_LONGEST = 30  # characters of each


def plain(name: str) -> str:
    """Give a column's name as it is compared: NFC, blanks and line breaks as one blank each."""
    return " ".join(unicodedata.normalize("NFC", visible(name)).split())


class MappedColumns:
    """What the mapping reads, and which rows it leaves out.

    Args:
        wanted: names as the mapping writes them, the dossier code first.
        skip: column, and words with which the cell of a row that is left out begins; "" is the
            empty cell.
        cell_chars: longest cell of a wanted column.
    """

    def __init__(
        self, wanted: Sequence[str], skip: Mapping[str, Sequence[str]], cell_chars: int
    ) -> None:
        self.wanted = list(wanted)
        self._skip = {column: tuple(map(_word, words)) for column, words in skip.items()}
        self._needed = list(dict.fromkeys([*self.wanted, *self._skip]))
        self._spelling = {plain(name): name for name in self._needed}
        self.cell_chars = cell_chars

    def named(self, found: Sequence[str]) -> list[str]:
        """Give the columns of a file, those that are needed as the YAML writes them."""
        return [self._spelling.get(plain(name), plain(name)) for name in found]

    def missing(self, names: Collection[str]) -> list[str]:
        """Give the needed columns that are not among `names` (as `named` gives them)."""
        return [name for name in self._needed if name not in names]

    def repeated(self, names: Sequence[str]) -> list[str]:
        """Give the needed columns that stand among `names` more than once."""
        return [name for name in self._needed if names.count(name) > 1]

    def known(self, names: Collection[str]) -> int:
        """Count the needed columns among `names`."""
        return sum(name in names for name in self._needed)

    def fault(self, names: Sequence[str], where: str) -> RejectedRecord | None:
        """Give what is wrong with a file's columns: one lacks, or stands twice.

        Args:
            names: as `named` gives them.
            where: what was looked at ("the header").
        """
        missing, twice = self.missing(names), self.repeated(names)
        if not (missing or twice):
            return None
        what = f"lacks: {', '.join(missing)}" if missing else f"repeats: {', '.join(twice)}"
        return RejectedRecord(
            RejectReason.MISSING_FIELD if missing else RejectReason.UNREADABLE,
            field=(missing or twice)[0],
            detail=f"{where} {what}; {self._has(names, missing)}",
        )

    def head_again(self, names: Sequence[str], cells: Sequence[str], number: int) -> bool:
        """Tell whether a row repeats the header, as files that were joined do.

        Args:
            names: of the header, as `named` gives them.
            cells: of the row, among them the name of the dossier code's column.
            number: of the row.

        Raises:
            Torn: it is the header of another table, whose columns stand elsewhere.
        """
        again = self.named(cells)
        if self.known(again) < 2:
            return False
        if [name for name in again if name] == [name for name in names if name]:
            return True
        detail = "another header, with other columns than the first: give each table its own file"
        raise Torn(RejectedRecord(RejectReason.UNREADABLE, detail=detail), number=number)

    def skips(self, row: Mapping[str, object]) -> bool:
        """Tell whether the row is one that the YAML leaves out."""
        for column, words in self._skip.items():
            cell = _word(str(row.get(column) or ""))
            if any(cell.startswith(word) if word else not cell for word in words):
                return True
        return False

    @property
    def has_skips(self) -> bool:
        """Whether the YAML leaves any row out."""
        return bool(self._skip)

    def empty(self, row: Mapping[str, object]) -> bool:
        """Tell whether a row states nothing: no wanted column has a value."""
        return not any(_stated(row.get(name)) for name in self.wanted)

    def too_long(self, row: Mapping[str, object]) -> RejectedRecord | None:
        """Give the fault of a row in which a wanted cell is longer than allowed."""
        for name in self.wanted:
            value = row.get(name)
            if isinstance(value, str) and len(value) > self.cell_chars:
                return RejectedRecord(
                    RejectReason.BAD_VALUE,
                    field=name,
                    detail=f"the cell has {len(value):,} characters,"
                    f" more than {self.cell_chars:,} (source.limits.cell_chars)",
                )
        return None

    def _has(self, names: Sequence[str], missing: Sequence[str]) -> str:
        """List the columns there are; a first line without any known one may be a person's row."""
        if len(missing) < len(self._needed):
            known = [shown(name[:_LONGEST]) for name in names[:_SHOWN]]
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            return f"its columns are: {', '.join(known)}{more}"
        near = [
            shown(name[:_LONGEST])
            for name in names
            if difflib.get_close_matches(_word(name), map(_word, self._needed), 1, 0.75)
        ]
        like = f"; like them: {', '.join(near)}" if near else ""
        return (
            f"none of the mapping's columns is among its {len(names)}{like}"
            " (source.skip_rows, if there are rows above the header)"
        )


def _word(text: str) -> str:
    return plain(text).casefold()


def _stated(value: object) -> bool:
    return bool(value.strip()) if isinstance(value, str) else value is not None
