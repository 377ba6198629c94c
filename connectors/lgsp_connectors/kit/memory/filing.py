"""Who filed the dossier that a code stands for, and when: digests, to see a code given anew.

A portal that was set back gives codes a second time. Two persons' dossiers may not merge, and once
they have, nobody can part them: so the second one is held.
"""

import unicodedata
from typing import NamedTuple, Protocol

import orjson

from lgsp.domain.errors import RejectedRecord, RejectReason
from lgsp.domain.event import DossierEvent
from lgsp.domain.period import show_instant
from lgsp.runtime.sealing import Sealer

OWNER = 8
"""Bytes of the digest of an owner's number, or name."""
_UNKNOWN = bytes(OWNER)


class Owner(NamedTuple):
    """Who filed, as digests of OWNER bytes: of an identity number and of a name."""

    number: bytes = _UNKNOWN
    name: bytes = _UNKNOWN


class Filing(NamedTuple):
    """Who filed a dossier, and when (ms UTC; 0: not known)."""

    at: int = 0
    number: bytes = _UNKNOWN
    name: bytes = _UNKNOWN


class Persons(Protocol):
    """Digests the personal data of an event, which is sealed anew each time."""

    def all(self, event: DossierEvent) -> bytes:
        """Digest all of it."""
        ...

    def owner(self, event: DossierEvent) -> Owner:
        """Digest whose dossier it is; asked only where something has changed."""
        ...


class Nobody:
    """Knows no person."""

    def all(self, _event: DossierEvent) -> bytes:
        """Digest nothing."""
        return b""

    def owner(self, _event: DossierEvent) -> Owner:
        """Digest nobody."""
        return Owner()


class SealedPersons:
    """Opens what the connector has sealed."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def all(self, event: DossierEvent) -> bytes:
        """Digest all personal data of the event."""
        return self._sealer.pseudonym(self._open(event)).encode() if event.sealed else b""

    def owner(self, event: DossierEvent) -> Owner:
        """Digest its owner; a name in whatever case, with or without diacritics."""
        fields = orjson.loads(self._open(event)) if event.sealed else {}
        number = "".join(str(fields.get("owner_id", "")).split())
        return Owner(self._digest(number), self._digest(_plain(str(fields.get("owner_name", "")))))

    def _open(self, event: DossierEvent) -> bytes:
        return self._sealer.open(event.sealed or b"", event.dossier_code)

    def _digest(self, text: str) -> bytes:
        return bytes.fromhex(self._sealer.pseudonym(text.encode()))[:OWNER] if text else _UNKNOWN


def filing_of(before: Filing, event: DossierEvent, owner: Owner) -> Filing:
    """Give what is known after an event: what it does not tell stays."""
    return Filing(
        event.submitted_at or event.received_at or before.at,
        owner.number if owner.number != _UNKNOWN else before.number,
        owner.name if owner.name != _UNKNOWN else before.name,
    )


def is_other(before: Filing, event: DossierEvent, owner: Owner) -> bool:
    """Tell whether an event is of another dossier: its owner and its filing date have changed.

    An owner with another number and the same name, or the other way round, is the same.
    """
    at = event.submitted_at or event.received_at
    if not before.at or not at or at == before.at:
        return False
    pairs = ((before.number, owner.number), (before.name, owner.name))
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
