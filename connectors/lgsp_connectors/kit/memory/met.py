"""A record that cannot be used, as it was met; and the words by which that is made up for."""

from hashlib import blake2b
from typing import NamedTuple


def digest_of(text: str) -> str:
    """Give what stands for a dossier's code or a record's own id; "" for none."""
    return blake2b(text.encode(), digest_size=10).hexdigest() if text else ""


class Met(NamedTuple):
    """A record that cannot be used, as it was met.

    Args:
        letter: id of its letter: the same for the same bytes.
        part: the file it stands in (lgsp_connectors.kit.contract.part_of).
        cause: why; the same bytes rejected for another cause are told again.
        code: of its dossier (`digest_of`), where one later word of that makes up for it.
        own: its own id at the portal (`digest_of`); "" when it has none.
        stated: the order of its statement (lgsp.domain.event.statement_of); 0: not known.
        held: its dossier is known, and is another one's.
        bare: no row of the file, but the file as a whole, or all from some place on.
        listed: when the complete listing was stated that it belongs to (ms UTC); 0: to none.
    """

    letter: str
    part: str = ""
    cause: str = ""
    code: str = ""
    own: str = ""
    stated: int = 0
    held: bool = False
    bare: bool = False
    listed: int = 0


class LaterWord(NamedTuple):
    """What a record that could be used says: in which file, and in which order (0: not known)."""

    part: str
    order: int

    def makes_up_for(self, part: str, stated: int, held: bool) -> bool:
        """Tell whether, read later, it ends a reject of its dossier: if it was stated later, too.

        Files are read in any order. Of a portal the dossier as it was read last is how it stands.
        """
        if held and part in {"", self.part}:
            return False  # another one's dossier of this code stands beside it
        return not (self.part and self.order and stated) or self.order >= stated
