"""The ids of recent events: what an overlap reads again is not produced again."""


class Recent:
    """Remembers at least the last `size` ids and at most twice as many."""

    def __init__(self, size: int = 200_000) -> None:
        self._size = size
        self._young: set[bytes] = set()
        self._old: set[bytes] = set()

    def is_new(self, event_id: bytes) -> bool:
        """Tell whether the id was not seen lately, and remember it."""
        if event_id in self._young or event_id in self._old:
            return False
        self._young.add(event_id)
        if len(self._young) >= self._size:
            self._old, self._young = self._young, set()
        return True
