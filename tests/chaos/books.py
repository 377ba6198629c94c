"""What the portal of the hour holds: written there, and known to the truth before.

Dossiers come ended or open; open ones pass their due minute and end later, some ended ones are
corrected. Each counts a full figure wrong that does not follow in time.
"""

import random
import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.chaos.sampler import Truth
from tests.e2e.province import Province, Row, code_of

_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
_FORMAT = "%d/%m/%Y %H:%M"
_MOST = 30  # new dossiers of a file
_OPEN = 0.1  # share that comes open
_ENDS = 0.04  # chance of an open one to end with the next file
_CORRECTED = 0.02  # share of ended ones that turn out to have been late
_LATE = "10/01/2024 09:00"  # after a row's own due date


class Books:
    """Writes files and keeps the account.

    Args:
        province: whose inbox is written to.
        truth: counts `received`, `resolved`, `resolved_late`, `open` and `open_overdue`.
        chance: of what is written.
    """

    def __init__(self, province: Province, truth: Truth, chance: random.Random) -> None:
        self._it, self._truth, self._chance = province, truth, chance
        self._number = self._file = 0
        self._open: dict[int, Row] = {}
        self._ended: list[int] = []

    @property
    def statuses(self) -> dict[str, int]:
        """Return dossier code -> status, as the national portal has to show it in the end."""
        numbers = range(1, self._number + 1)
        return {code_of(n): 4 if n in self._open else 9 for n in numbers}

    @property
    def files(self) -> int:
        """How many files were written, rows mended in place not counted."""
        return self._file

    def write(self) -> None:
        """Let the portal hold some more dossiers, and know more of some that it has."""
        ending = [row for row in self._open.values() if self._chance.random() < _ENDS]
        late = [n for n in self._ended if self._chance.random() < _CORRECTED]
        self._ended.clear()
        new = [self._new(n) for n in self._numbers()]
        rows = [*new, *map(self._end, ending), *(Row(n, finished=_LATE) for n in late)]
        self._truth.add(resolved_late=len(late))
        self._it.write(self._name(), rows)

    def write_bad(self) -> tuple[str, list[Row]]:
        """Write new dossiers whose rows cannot be used; return the file and its right rows."""
        rows = [Row(n) for n in self._numbers()]
        self._truth.add(received=len(rows), resolved=len(rows))
        name = self._name()
        self._it.write(name, [row._replace(received="32/01/2024 08:00") for row in rows])
        return name, rows

    def _numbers(self) -> range:
        self._file += 1
        first = self._number + 1
        self._number += self._chance.randint(1, _MOST)
        return range(first, self._number + 1)

    def _name(self) -> str:
        return f"{self._file:05}.csv"

    def _new(self, number: int) -> Row:
        row = Row(number)
        if self._chance.random() >= _OPEN:
            self._truth.add(received=1, resolved=1)
            self._ended.append(number)
            return row
        # Due at a whole minute, one to five ahead.
        due = datetime.now(_ZONE) + timedelta(minutes=self._chance.randint(1, 5))
        row = Row(number, due=due.strftime(_FORMAT), finished="", status="dang xu ly")
        self._open[number] = row
        self._truth.add(received=1, open=1)
        self._truth.add(at=_monotonic(row.due), open_overdue=1)
        return row

    def _end(self, row: Row) -> Row:
        del self._open[row.number]
        ended = row._replace(finished=datetime.now(_ZONE).strftime(_FORMAT), status="da xong")
        is_late = _instant(ended.finished) > _instant(row.due)
        self._truth.add(open=-1, resolved=1, resolved_late=int(is_late))
        self._truth.add(at=max(_monotonic(row.due), time.monotonic()), open_overdue=-1)
        return ended


def _instant(written: str) -> float:
    return datetime.strptime(written, _FORMAT).replace(tzinfo=_ZONE).timestamp()


def _monotonic(written: str) -> float:
    """Return the monotonic time of a date as it is written."""
    return time.monotonic() + _instant(written) - time.time()
