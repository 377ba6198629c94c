"""What the kit itself carries in a checkpoint, beside the connector's cursor."""

from typing import NamedTuple, Self

from lgsp_connectors.kit.contract import OWN, Cursor


class Carried(NamedTuple):
    """The kit's own part of a checkpoint.

    Args:
        sent: token of the memory of rejects (memory/sent.py).
        reading: which YAML reads the source, and the how-manieth it is (rejects.py).
        ages: of the newest changes (clock_watch.py).
        not_removed: why the newest listing that ended removed nothing; "" when it was believed.
    """

    sent: str = ""
    reading: str = ""
    ages: str = ""
    not_removed: str = ""

    @classmethod
    def taken_from(cls, stored: Cursor) -> Self:
        """Take the kit's part out of a stored cursor."""
        return cls(*(stored.pop(f"{OWN}{name}", "") for name in cls._fields))

    def beside(self, cursor: Cursor) -> Cursor:
        """Give a cursor as it is stored."""
        return cursor | {f"{OWN}{name}": text for name, text in self._asdict().items()}
