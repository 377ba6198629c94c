"""What `lgsp restore` and `lgsp upgrade` do with evidence, which nothing can make anew.

It is never put back to an earlier state, and moved on in place from layout to layout.
"""

from importlib.metadata import version
from pathlib import Path

from sqlalchemy import Engine

from lgsp.cli.stores.backup import EVIDENCE_NAME, evidence_file
from lgsp.domain.errors import ConfigurationError, FatalError
from lgsp.domain.evidence.chain import ChainHead
from lgsp.runtime.settings import Settings
from lgsp.store.copies import check_whole, copy_file, copy_live, put_in_place
from lgsp.store.engine import open_store, reading
from lgsp.store.evidence.keeping import stored_head
from lgsp.store.evidence.opening import (
    TABLE_LAYOUT,
    has_evidence,
    layout_of,
    move_on,
    open_kept_evidence,
)
from lgsp.store.evidence.reading import hash_at

RESTORED = "restored"
_GOES_ON = "left as it is: it goes on after the copy"


def evidence_to_restore(settings: Settings, folder: Path) -> str:
    """Say what is to be done with a backup's evidence: RESTORED, or why it is left out.

    Raises:
        ConfigurationError: the live one is neither a part of the copy nor goes on after it.
        FatalError: the copy is not whole.
    """
    copy, live = folder / EVIDENCE_NAME, evidence_file(settings)
    check_whole(copy)
    theirs = open_kept_evidence(f"sqlite:///{copy}")
    try:
        head = stored_head(theirs)
        if not live.is_file() or not _readable(live):
            return RESTORED
        ours = open_kept_evidence(f"sqlite:///{live}")
        try:
            own = stored_head(ours)
            if own.store == head.store and own.seq >= head.seq and _has(ours, head):
                return _GOES_ON
            if own.store == head.store and own.seq < head.seq and _has(theirs, own):
                return RESTORED
        finally:
            ours.dispose()
    finally:
        theirs.dispose()
    raise ConfigurationError(
        f"the evidence {live} (store {own.store}, row {own.seq}) is not the one of the backup"
        f" (store {head.store}, row {head.seq}), or was changed: keep both, and move the one that"
        " is not to be used away"
    )


def put_evidence(settings: Settings, folder: Path) -> Path | None:
    """Put the copy in place of the live one, held by `alone`; return where that is kept."""
    live = evidence_file(settings)
    live.parent.mkdir(parents=True, exist_ok=True)
    part = live.with_name(f"{live.name}.part")
    copy_file(folder / EVIDENCE_NAME, part)
    return put_in_place(part, live, "before-restore")


def move_evidence_on(settings: Settings) -> str:
    """Bring the evidence to this version's layout; return what was done, "" for nothing.

    A copy of a SQLite file is kept beside.

    Raises:
        ConfigurationError: a later version has written it.
    """
    engine = open_store(settings.evidence_store, read_only=True)
    try:
        if not has_evidence(engine):
            return ""
        with reading(engine) as connection:
            before = layout_of(connection)
    finally:
        engine.dispose()
    if before == TABLE_LAYOUT:
        return ""
    if settings.evidence_store.startswith("sqlite") and before < TABLE_LAYOUT:
        file = evidence_file(settings)
        copy_live(file, file.with_name(f"{file.name}.before-{version('mini-lgsp')}"))
    before, now = move_on(settings.evidence_store)
    return f"layout {before} moved on to {now}, every row kept"


def _readable(file: Path) -> bool:
    try:
        check_whole(file)
    except FatalError:
        return False
    return True


def _has(engine: Engine, head: ChainHead) -> bool:
    with reading(engine) as connection:
        return not head.seq or hash_at(connection, head.seq) == head.hash
