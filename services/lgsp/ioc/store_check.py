"""Whether the store's file is the one that was opened, for the feed's look at log and store."""

from sqlalchemy import Engine

from lgsp.domain.reasons import Finding, Reason
from lgsp.store.file_watch import FileWatch
from lgsp.store.refusal import refusal, way_out


class StoreCheck:
    """Looks at the file of a SQLite store; a PostgreSQL store has none, and nothing is found.

    What it has found stands until the process starts anew, which is after the repair.

    Args:
        engine: the store, opened read-only.
    """

    def __init__(self, engine: Engine) -> None:
        self._watch = FileWatch(engine)
        self._found: tuple[Finding, ...] = ()

    def __call__(self) -> tuple[Finding, ...]:
        """Look once."""
        file = self._watch.file
        if file is None or self._found:
            return self._found
        if reason := self._watch.look():
            reason = f"{reason}: {way_out(file)}"
        if reason := reason or refusal(file):
            self._found = (Finding(Reason.STORE_SET_BACK, detail=reason),)
        return self._found
