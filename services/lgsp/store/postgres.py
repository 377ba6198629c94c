"""PostgreSQL as the store: nothing that is asked of it may wait for ever."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import URL

_CONNECT = 10  # seconds, for the whole way to a session
_LOCK = 10_000  # ms, for one lock
_STATEMENT = 300_000  # ms; a digest of all dossiers is the longest one
_IDLE = 120_000  # ms inside a transaction that asks for nothing: its worker stands still
_UNACKNOWLEDGED = 20_000  # ms for which the other side may leave what was sent without a word
_OPTIONS = (
    f"-c lock_timeout={_LOCK} -c statement_timeout={_STATEMENT}"
    f" -c idle_in_transaction_session_timeout={_IDLE}"
)
_DEFAULTS: Mapping[str, Any] = {
    "connect_timeout": _CONNECT,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": _UNACKNOWLEDGED,
}


def connect_arguments(url: URL) -> dict[str, Any]:
    """Return the driver's arguments that bound every wait; what the URL says stands over them."""
    said = url.query.get("options", "")
    theirs = said if isinstance(said, str) else " ".join(said)
    bounds = {name: value for name, value in _DEFAULTS.items() if name not in url.query}
    return {**bounds, "options": f"{_OPTIONS} {theirs}".strip()}
