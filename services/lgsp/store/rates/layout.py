"""A dossier as bytes for the store: canonical, so equal dossiers have equal bytes.

Layout (little endian): a fixed head with the version, the number of transitions, the registers'
writers as indices, five times, two codes and the lengths of the texts; the texts; the sealed
data; then one fixed record a transition, last, so that the usual new one is appended as it is.
About 450 bytes for a usual dossier of five transitions. A transition names its portal by its place
among the dossier's portals, which stand as one more text where there are several.
"""

from operator import attrgetter
from struct import Struct
from typing import Any

from lgsp.domain.dossier import ATTRIBUTES, MOST_PORTALS, MOST_TRANSITIONS, Dossier
from lgsp.domain.event import Channel, ServiceLevel
from lgsp.domain.judgement import BareTransition
from lgsp.domain.status import Status
from lgsp.domain.transition import Transition
from lgsp.domain.usable import LONGEST_TEXT

VERSION = 3
NO_TIME = -(2**63)
NO_WRITER = 0xFFFF
REOPENS, REMOVED, DATED, STATUS = 0x80, 0x40, 0x20, 0x0F
"""Bits of a transition's flags; the rest is its status."""

TIMES = ("submitted_at", "received_at", "due_at", "finished_at", "returned_at")
TEXTS = (
    "portal",
    "province",
    "agency",
    "procedure",
    "domain",
    "source_status",
    "national_code",
)
assert LONGEST_TEXT <= 0xFFFF  # noqa: S101 - a text's length takes two bytes
assert MOST_TRANSITIONS < NO_WRITER  # noqa: S101 - so does a place among the transitions
assert MOST_PORTALS * (LONGEST_TEXT + 1) <= 0xFFFF  # noqa: S101 - and the list of portals

HEAD = Struct(f"<BH{len(ATTRIBUTES)}H{len(TIMES)}qBB{len(TEXTS) + 1}HI")
TRANSITION = Struct("<qq16sBqqBQ")
_FLAGS_AT = Struct("<qq16s").size
_STATUSES = tuple(Status)
_CHANNELS = tuple(Channel)
_LEVELS = tuple(ServiceLevel)
_texts_of = attrgetter(*TEXTS)
_times_of = attrgetter(*TIMES)
_BETWEEN = "\0"  # between portals; no usable text holds it


def encode(dossier: Dossier) -> bytes:
    """Encode the dossier; its code is the store's key and is not part of it."""
    transitions = dossier.transitions
    index: dict[Transition | None, int] = {t: i for i, t in enumerate(transitions)}
    portals = sorted({t.portal for t in transitions})
    place = {portal: i for i, portal in enumerate(portals)}
    several = _BETWEEN.join(portals) if len(portals) > 1 else ""
    texts = [text.encode() for text in (*_texts_of(dossier), several)]
    sealed = dossier.sealed or b""
    head = HEAD.pack(
        VERSION,
        len(transitions),
        *[index.get(writer, NO_WRITER) for writer in dossier.written],
        *map(_some, _times_of(dossier)),
        dossier.service_level,
        dossier.channel,
        *map(len, texts),
        len(sealed),
    )
    packed = [
        TRANSITION.pack(
            t.occurred_at,
            t.sequence,
            t.event_id,
            t.status | REOPENS * t.reopens | REMOVED * t.removed | DATED * t.dated,
            _some(t.due_at),
            t.stated,
            place[t.portal],
            t.details,
        )
        for t in transitions
    ]
    return b"".join((head, *texts, sealed, *packed))


def decode(code: str, encoded: bytes) -> Dossier:
    """Decode what `encode` wrote for the dossier `code`; ValueError for another layout."""
    _check_version(code, encoded)
    head = HEAD.unpack_from(encoded)
    n, at = len(ATTRIBUTES), HEAD.size
    texts: list[str] = []
    for length in head[-2 - len(TEXTS) : -1]:
        texts.append(encoded[at : at + length].decode())
        at += length
    several = texts.pop()
    portals = several.split(_BETWEEN) if several else texts[:1]
    sealed = encoded[at : at + head[-1]] or None
    transitions = tuple(
        [
            Transition(
                occurred_at,
                sequence,
                event_id,
                _STATUSES[flags & STATUS],
                flags & REOPENS != 0,
                None if due_at == NO_TIME else due_at,
                stated,
                flags & DATED != 0,
                flags & REMOVED != 0,
                portals[portal],
                details,
            )
            for (
                occurred_at,
                sequence,
                event_id,
                flags,
                due_at,
                stated,
                portal,
                details,
            ) in TRANSITION.iter_unpack(encoded[at + head[-1] :])
        ]
    )
    written = tuple([None if w == NO_WRITER else transitions[w] for w in head[2 : n + 2]])
    times: list[Any] = [None if t == NO_TIME else t for t in head[n + 2 : n + 7]]
    level, channel = head[n + 7 : n + 9]
    named = dict(zip(TEXTS, texts, strict=True)) | dict(zip(TIMES, times, strict=True))
    named |= {"service_level": _LEVELS[level], "channel": _CHANNELS[channel], "sealed": sealed}
    return Dossier(code, transitions, written, *[named[name] for name in ATTRIBUTES])


def stored_national_code(code: str, encoded: bytes) -> str:
    """Return the national code of an encoded dossier, "" for none; ValueError as `decode`."""
    _check_version(code, encoded)
    head = HEAD.unpack_from(encoded)
    lengths = head[-2 - len(TEXTS) : -2]  # without that of the list of portals
    end = HEAD.size + sum(lengths)
    assert TEXTS[-1] == "national_code"  # noqa: S101 - of this layout
    return encoded[end - lengths[-1] : end].decode()


def flags_of(code: str, encoded: bytes) -> bytes:
    """Return the flags of each transition, in order, without decoding; ValueError as `decode`."""
    _check_version(code, encoded)
    first = len(encoded) - int.from_bytes(encoded[1:3], "little") * TRANSITION.size
    return encoded[first + _FLAGS_AT :: TRANSITION.size]


def bare_transition(flags: int) -> BareTransition:
    """Return what the flags of a transition say."""
    return BareTransition(
        status=_STATUSES[flags & STATUS],
        reopens=flags & REOPENS != 0,
        removed=flags & REMOVED != 0,
        dated=flags & DATED != 0,
    )


def _check_version(code: str, encoded: bytes) -> None:
    if encoded[0] != VERSION:
        raise ValueError(f"dossier {code}: layout {encoded[0]}, this program reads {VERSION}")


def _some(time: int | None) -> int:
    return NO_TIME if time is None else time
