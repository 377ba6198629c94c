"""What a reply of the list holds: rows, their number in all, and what tells one from another."""

from hashlib import blake2b
from typing import Any

from lgsp_connectors.kit.walk.window import DoubtfulError


def rows_of(reply: Any) -> tuple[list[Any], int | None]:
    """Give the rows of a reply and how many there are in all (None: not said).

    One row that is no object is a row; where all are so, it is no list of dossiers.
    """
    rows = reply.get("data") if isinstance(reply, dict) else None
    total = _total_of(reply)
    if rows is None and total == 0:
        return [], 0  # so OpenCPS says that the portal is empty
    if not isinstance(rows, list) or (rows and not any(isinstance(row, dict) for row in rows)):
        raise DoubtfulError('the reply is not of the form {"total": N, "data": [...]}')
    return rows, total if total or not rows else None


def _total_of(reply: Any) -> int | None:
    """Give the total that a reply tells, also as a text or with a fraction of nought."""
    total = reply.get("total") if isinstance(reply, dict) else None
    if isinstance(total, bool) or not isinstance(total, int | float | str):
        return None
    try:
        found = int(total)
        return found if found >= 0 and found == float(total) else None
    except (ValueError, OverflowError):
        return None


def id_of(row: Any) -> str:
    """Give what tells a dossier from the others of the list, whatever changes of it."""
    ids = (row.get("dossierId"), row.get("dossierNo")) if isinstance(row, dict) else ()
    id_ = next((str(id_) for id_ in ids if id_ not in (None, "", 0, "0")), "")
    return id_ or blake2b(repr(row).encode(), digest_size=8).hexdigest()
