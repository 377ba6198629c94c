"""A row of evidence, the text that is hashed of it, and its hash.

Each row's hash covers the hash of the row before it in the whole, and of the row before it of the
same dossier. A payload is covered by the hash of its sealed bytes: so no key is needed to check
it, and the hash stands when the bytes are erased.
"""

import hashlib
import json
from enum import StrEnum
from typing import NamedTuple

LAYOUT = 1
"""Of rows and their texts; a row says by which it was hashed, and is checked by that for ever."""

NOTHING = b"\x00" * 32
"""Stands for the hash of a row before the first one of a dossier."""


class EvidenceKind(StrEnum):
    """What a row tells: a closed set, also a metric label."""

    ASKED = "asked"  # a write is about to go out; durable before its bytes are
    ANSWERED = "answered"  # what came of it
    READ = "read"  # a question and its answer: it changes nothing there
    HAND = "hand"  # a person's order
    ERASED = "erased"  # a person's order: the payloads of the dossier up to here are erased


class Judged(StrEnum):
    """How the answer of a call was judged: a closed set."""

    DONE = "done"
    REFUSED = "refused"
    IN_PARTS = "in_parts"  # each item by itself
    UNKNOWN = "unknown"  # it may have been worked on
    NOT_WORKED_ON = "not_worked_on"
    NOT_SENT = "not_sent"


class EvidenceEntry(NamedTuple):
    """What is to be kept of one call or order; without personal data but in `sealed`.

    Args:
        at: ms UTC.
        kind: what it tells.
        dossier: code by which the receiver knows it; "" for a call of no dossier.
        service: of the receiver, or the order that a person gave.
        call: id of the call, ours; an answer carries that of its question.
        who: the worker, or the person who gave the order.
        statuses: national statuses sent or found, in order, with commas.
        http: status of the answer, 0 for none.
        code: of the answer.
        message: of the answer, masked; or why an order was given.
        theirs: the receiver's own id of the call.
        judged: what we took the answer for (Judged).
        millis: ms from question to answer.
        sealed: the sealed payload, None for none.
    """

    at: int
    kind: str
    dossier: str
    service: str
    call: str = ""
    who: str = ""
    statuses: str = ""
    http: int = 0
    code: str = ""
    message: str = ""
    theirs: str = ""
    judged: str = ""
    millis: int = 0
    sealed: bytes | None = None


class EvidenceRow(NamedTuple):
    """An entry at its place in the chain.

    `seq` counts from 1 without a gap; `previous` is that of the dossier's row before, 0 for none.
    `sealed` is None where there was no payload (`sealed_hash` is empty) or where it was erased.
    """

    seq: int
    previous: int
    layout: int
    at: int
    kind: str
    dossier: str
    service: str
    call: str
    who: str
    statuses: str
    http: int
    code: str
    message: str
    theirs: str
    judged: str
    millis: int
    sealed_hash: bytes
    sealed: bytes | None
    hash: bytes


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def beginning(store: str) -> bytes:
    """Return what stands for the hash before the first row of a store."""
    return hashlib.sha256(f"lgsp-evidence:{store}".encode()).digest()


def hash_sealed(sealed: bytes | None) -> bytes:
    """Return the hash of a sealed payload, empty for none."""
    return b"" if sealed is None else hashlib.sha256(sealed).digest()


def hashed_text(row: EvidenceRow, before: bytes, dossier_before: bytes) -> str:
    """Return the one JSON text of a row whose UTF-8 bytes are hashed.

    Args:
        row: its `hash` and `sealed` are not looked at.
        before: hash of the row before it in the whole.
        dossier_before: hash of the row before it of the same dossier, NOTHING for none.

    Raises:
        TypeError: a column is of another type than it can be.
    """
    return _encode(
        {
            "layout": row.layout,
            "seq": row.seq,
            "previous": row.previous,
            "at": row.at,
            "kind": row.kind,
            "dossier": row.dossier,
            "service": row.service,
            "call": row.call,
            "who": row.who,
            "statuses": row.statuses,
            "http": row.http,
            "code": row.code,
            "message": row.message,
            "theirs": row.theirs,
            "judged": row.judged,
            "millis": row.millis,
            "sealed_hash": row.sealed_hash.hex(),
            "before": before.hex(),
            "dossier_before": dossier_before.hex(),
        }
    )


def hash_of(row: EvidenceRow, before: bytes, dossier_before: bytes) -> bytes:
    """Return the hash that the row must have; errors as of `hashed_text`."""
    return hashlib.sha256(hashed_text(row, before, dossier_before).encode()).digest()


def chained(
    entry: EvidenceEntry, seq: int, before: bytes, previous: tuple[int, bytes] | None
) -> EvidenceRow:
    """Put an entry into the chain.

    Args:
        entry: what is to be kept.
        seq: its place in the whole.
        before: hash of the row before it there.
        previous: place and hash of the dossier's row before, None for its first.
    """
    place, dossier_before = previous or (0, NOTHING)
    hashes = (hash_sealed(entry.sealed), entry.sealed, b"")
    row = EvidenceRow._make((seq, place, LAYOUT, *entry[:-1], *hashes))
    return row._replace(hash=hash_of(row, before, dossier_before))
