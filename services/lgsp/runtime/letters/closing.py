"""Open letters of one portal's connector, closed when the record they were written of is used.

A row is found by its place and its bytes; what was written of a file as a whole (no payload: a
header that does not fit, a file that could not be opened, data that ended early) by a row of that
file that stands there or behind.
"""

from collections.abc import Callable, Iterable

from lgsp.runtime.letters.dead_letters import DeadLetter, Stage
from lgsp.runtime.personal import mask_file_name

Identify = Callable[[str, bytes], str]
"""Gives the id of the letter that a record of this origin and payload would have."""


class OpenLetters:
    """Which letters of a portal are open, and where their records stand.

    Args:
        identify: gives letters' ids.
        letters: the open ones of every portal.
        portal: whose are looked at.
    """

    def __init__(self, identify: Identify, letters: Iterable[DeadLetter], portal: str) -> None:
        self._identify = identify
        self._at: dict[str, dict[int, set[str]]] = {}
        self._of_file: dict[str, list[tuple[int, str]]] = {}
        for letter in letters:
            if letter.portal == portal and letter.stage is Stage.CONNECTOR:
                self._add(letter.origin, letter.letter_id)

    def __bool__(self) -> bool:
        """Whether any is open."""
        return bool(self._at)

    def add(self, origin: str, letter_id: str) -> None:
        """Note a letter that was just written."""
        self._of_file.clear()
        self._add(mask_file_name(origin), letter_id)

    def closed_by(
        self, origin: str, file: str, row: int, payload: Callable[[], bytes]
    ) -> list[str]:
        """Give the letters that a used record closes, and take them off.

        Args:
            origin: of the record.
            file: its file; "" when it stands in none.
            row: its place there.
            payload: gives its bytes, as a letter would have them.
        """
        place, number = (mask_file_name(file), row) if file else _split(mask_file_name(origin))
        here = self._at.get(place)
        if here is None:
            return []
        closed = []
        if (ids := here.get(number)) and (own := self._identify(origin, payload())) in ids:
            closed.append(own)
        if file:
            closed += [id_ for at, id_ in self._whole(file, here) if at <= row]
        for id_ in closed:
            self._drop(place, id_)
        return closed

    def _add(self, origin: str, letter_id: str) -> None:
        place, number = _split(origin)
        self._at.setdefault(place, {}).setdefault(number, set()).add(letter_id)

    def _whole(self, file: str, here: dict[int, set[str]]) -> list[tuple[int, str]]:
        """Give the letters of the file as a whole, each with the row from which on it counts."""
        if file not in self._of_file:
            self._of_file[file] = [
                (number, own)
                for number, ids in here.items()
                if (own := self._identify(f"{file}:{number}" if number else file, b"")) in ids
            ]
        return self._of_file[file]

    def _drop(self, place: str, letter_id: str) -> None:
        numbers = self._at[place]
        for number in [n for n, ids in numbers.items() if letter_id in ids]:
            numbers[number].discard(letter_id)
            if not numbers[number]:
                del numbers[number]
        if not numbers:
            del self._at[place]
        self._of_file.clear()


def _split(origin: str) -> tuple[str, int]:
    """Part a place into file and row; 0 for a file as a whole."""
    file, colon, row = origin.rpartition(":")
    return (file, int(row)) if colon and row.isdecimal() else (origin, 0)
