"""How many connections a port holds: whoever asks nothing makes room for whoever comes.

A client that opens connections and sends no request, or half of one, must neither keep others out
nor cost a thread or a file each. So a full port drops the connection that has asked nothing for
the longest time, and refuses a new one only when all are being answered.
"""

from collections import Counter
from typing import Protocol


class Connection(Protocol):
    """One connection of a client."""

    @property
    def client(self) -> str:
        """Address of the client, without its port; empty: a proxy's, which stands for many."""
        ...

    @property
    def answering(self) -> bool:
        """Whether a whole request has come and its answer is under way."""
        ...

    def drop(self) -> None:
        """Close it at once; `Connections.leave` may be called for it then or later."""
        ...


class Connections:
    """The connections of one port, oldest first. For one thread.

    Args:
        most: at once.
        most_of_one: at once of one client.
    """

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most, self._most_of_one = most, most_of_one
        self._held: dict[Connection, None] = {}
        self._of: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._held)

    def admit(self, new: Connection) -> bool:
        """Take a new connection; drops another one for it when there are too many.

        Returns:
            False when it must be refused: all the others are being answered.
        """
        of_one = self._of[new.client] if new.client else 0
        if of_one >= self._most_of_one and not self._drop_one(new.client):
            return False
        if len(self._held) >= self._most and not self._drop_one():
            return False
        self._held[new] = None
        self._of[new.client] += 1
        return True

    def asked(self, connection: Connection) -> None:
        """Note that a whole request came on it: it is the last one to be dropped now."""
        if connection in self._held:
            del self._held[connection]
            self._held[connection] = None

    def leave(self, connection: Connection) -> None:
        """Forget a connection; nothing happens when it was never admitted."""
        if self._held.pop(connection, connection) is None:
            self._of[connection.client] -= 1
            self._of += Counter()  # clients that have left are not kept

    def _drop_one(self, client: str = "") -> bool:
        """Drop the one that has asked nothing for the longest time; tell whether there was one."""
        for connection in self._held:
            if not connection.answering and client in ("", connection.client):
                connection.drop()
                self.leave(connection)
                return True
        return False
