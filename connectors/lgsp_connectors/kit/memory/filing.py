"""Who filed the dossier that a code stands for, and when: digests, to see a code given anew.

A portal that was set back gives codes a second time. Two persons' dossiers may not merge, and once
they have, nobody can part them: so the second one is held.
"""

import unicodedata
from collections.abc import Callable
from typing import NamedTuple

import orjson

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.domain.event import DossierEvent
from lgsp.domain.period import show_instant

OWNER = 8
"""Bytes of the digest of an owner's number, or name."""
_UNKNOWN = bytes(OWNER)


class PersonDigest(NamedTuple):
    """The personal data of an event, as digests; unknown where it tells none.

    Args:
        all: of everything.
        number: of the owner's identity number, OWNER bytes.
        name: of the owner's name, in whatever case and with or without diacritics, OWNER bytes.
    """

    all: bytes = b""
    number: bytes = _UNKNOWN
    name: bytes = _UNKNOWN


class Filing(NamedTuple):
    """Who filed a dossier, and when (ms UTC; 0: not known)."""

    at: int = 0
    number: bytes = _UNKNOWN
    name: bytes = _UNKNOWN


def person_of(clear: bytes, pseudonym: Callable[[bytes], str]) -> PersonDigest:
    """Digest the personal fields of an event, as they were sealed."""
    fields = orjson.loads(clear)

    def digest(text: str) -> bytes:
        return bytes.fromhex(pseudonym(text.encode()))[:OWNER] if text else _UNKNOWN

    return PersonDigest(
        pseudonym(clear).encode(),
        digest("".join(str(fields.get("owner_id", "")).split())),
        digest(_plain(str(fields.get("owner_name", "")))),
    )


def filing_of(before: Filing, event: DossierEvent, person: PersonDigest) -> Filing:
    """Give what is known after an event: what it does not tell stays."""
    return Filing(
        event.submitted_at or event.received_at or before.at,
        person.number if person.number != _UNKNOWN else before.number,
        person.name if person.name != _UNKNOWN else before.name,
    )


def is_other(before: Filing, event: DossierEvent, person: PersonDigest) -> bool:
    """Tell whether an event is of another dossier: its owner and its filing date have changed.

    An owner with another number and the same name, or the other way round, is the same.
    """
    at = event.submitted_at or event.received_at
    if not before.at or not at or at == before.at:
        return False
    pairs = ((before.number, person.number), (before.name, person.name))
    known = [a == b for a, b in pairs if _UNKNOWN not in (a, b)]
    return bool(known) and not any(known)


def conflict(before: Filing, event: DossierEvent) -> RejectedRecord:
    """Say that a code was given anew."""
    at = event.submitted_at or event.received_at
    error = RejectedRecord(
        RejectReason.CONFLICT,
        field="dossier_code",
        value=event.dossier_code,
        detail=(
            f"the code stands for a dossier filed at {show_instant(before.at)} by another owner,"
            f" and this one was filed at {show_instant(at)}: held, until the portal gives one of"
            " the two another code"
        ),
    )
    error.dossier_code = event.dossier_code
    return error


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFD", name.lower().replace("đ", "d"))
    return " ".join("".join(c for c in letters if not unicodedata.combining(c)).split())
