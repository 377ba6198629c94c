"""A dossier's state as bytes for the store: canonical, so equal dossiers have equal bytes.

Layout (little endian): version, number of transitions and of distinct due dates; the due dates;
then one fixed record a transition, the register's writers as indices, five times, two codes and
the texts with their lengths. About 330 bytes for a usual dossier of six transitions.
"""

from functools import cache
from struct import Struct
from typing import Any

from lgsp.domain.dossier import ATTRIBUTES, Dossier, Transition
from lgsp.domain.event import Channel, ServiceLevel
from lgsp.domain.status import Status

_VERSION = 1
_NONE = -(2**63)
_NO_WRITER = 0xFFFF
_NO_DUE = 0xFFFF
_REOPENS = 0x80
_HEAD = Struct("<BHH")
_TAIL = Struct(f"<{len(ATTRIBUTES)}H5qBB6HI")
_STATUSES = tuple(Status)
_CHANNELS = tuple(Channel)
_LEVELS = tuple(ServiceLevel)


@cache
def _transitions(count: int) -> Struct:
    return Struct("<" + "qq16sBH" * count)


@cache
def _dues(count: int) -> Struct:
    return Struct(f"<{count}q")


def encode(dossier: Dossier) -> bytes:
    """Encode the state; the code is the store's key and is not part of it."""
    transitions = dossier.transitions
    index = {t: i for i, t in enumerate(transitions)}
    dues = sorted({t.due_at for t in transitions if t.due_at is not None})
    due_index: dict[int | None, int] = {due: i for i, due in enumerate(dues)}
    flat: list[object] = []
    for t in transitions:
        flags = t.status | (_REOPENS if t.reopens else 0)
        flat += (t.occurred_at, t.sequence, t.event_id, flags, due_index.get(t.due_at, _NO_DUE))
    texts = [
        text.encode()
        for text in (
            dossier.portal,
            dossier.province,
            dossier.agency,
            dossier.procedure,
            dossier.domain,
            dossier.source_status,
        )
    ]
    sealed = dossier.sealed or b""
    return b"".join(
        (
            _HEAD.pack(_VERSION, len(transitions), len(dues)),
            _dues(len(dues)).pack(*dues),
            _transitions(len(transitions)).pack(*flat),
            _TAIL.pack(
                *[_NO_WRITER if w is None else index.get(w, _NO_WRITER) for w in dossier.written],
                _some(dossier.submitted_at),
                _some(dossier.received_at),
                _some(dossier.due_at),
                _some(dossier.finished_at),
                _some(dossier.returned_at),
                dossier.service_level,
                dossier.channel,
                *map(len, texts),
                len(sealed),
            ),
            *texts,
            sealed,
        )
    )


def decode(code: str, state: bytes) -> Dossier:
    """Decode what `encode` wrote for the dossier `code`; ValueError for another layout."""
    version, count, due_count = _HEAD.unpack_from(state)
    if version != _VERSION:
        raise ValueError(
            f"dossier {code}: state of layout {version}, this program reads {_VERSION}"
        )
    at = _HEAD.size
    dues = _dues(due_count).unpack_from(state, at)
    at += 8 * due_count
    layout = _transitions(count)
    flat = iter(layout.unpack_from(state, at))
    at += layout.size
    transitions = tuple(
        [
            Transition(
                occurred_at,
                sequence,
                event_id,
                _STATUSES[flags & ~_REOPENS],
                flags >= _REOPENS,
                None if due == _NO_DUE else dues[due],
            )
            for occurred_at, sequence, event_id, flags, due in zip(
                flat, flat, flat, flat, flat, strict=True
            )
        ]
    )
    tail = _TAIL.unpack_from(state, at)
    at += _TAIL.size
    n = len(ATTRIBUTES)
    written = tuple([None if w == _NO_WRITER else transitions[w] for w in tail[:n]])
    times: list[Any] = [None if t == _NONE else t for t in tail[n : n + 5]]
    level, channel = tail[n + 5 : n + 7]
    texts: list[str] = []
    for length in tail[n + 7 : n + 13]:
        texts.append(state[at : at + length].decode())
        at += length
    portal, province, agency, procedure, domain, source_status = texts
    values: list[Any] = [
        portal,
        province,
        agency,
        procedure,
        domain,
        _LEVELS[level],
        _CHANNELS[channel],
        source_status,
        *times,
        state[at : at + tail[-1]] or None,
    ]
    return Dossier(code, transitions, written, *values)


def _some(time: int | None) -> int:
    return _NONE if time is None else time
