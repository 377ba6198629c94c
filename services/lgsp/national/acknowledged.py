"""What the national portal is known to hold of a dossier: its record and its progress steps."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

import orjson

from lgsp.national.wire import place_in

# Fields that an answer to a look-up must carry, equal, for the record to count as held.
_EVIDENCE = (
    "MaHoSo",
    "MaTTHC",
    "TrangThaiHoSo",
    "NgayTiepNhan",
    "NgayHenTra",
    "NgayKetThucXuLy",
    "NgayTra",
)
_PROGRESS = (
    "DanhSachTienDo"  # our mock's name; a portal that gives no progress leaves ours as it is
)
_WIRE_TIME = 14  # digits
_STATUSES = frozenset(map(str, range(1, 11)))  # in words or another form: not told


def step_key(at: str, status: str) -> str:
    """Return what makes a progress step the same one: its time and its status, as on the wire."""
    return f"{at}:{status}"


def digest(record: dict[str, Any]) -> str:
    """Return a short hash of a record, the same for equal records."""
    return hashlib.blake2b(
        orjson.dumps(record, option=orjson.OPT_SORT_KEYS), digest_size=12
    ).hexdigest()


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What the portal has acknowledged; the default: nothing is known.

    `record` is the digest of the record last acknowledged, "" when it must be sent again.
    `doubted` are steps that were sent and neither acknowledged nor refused: they may be there, so
    they are not sent again. `place` is where the dossier was filed by the portal's word, "" when
    it was not asked. A dossier that is not there keeps its steps in memory until it is created:
    a look-up that finds nothing may be wrong.
    """

    exists: bool = False
    record: str = ""
    steps: frozenset[str] = frozenset()
    doubted: frozenset[str] = frozenset()
    place: str = ""

    @property
    def sent(self) -> frozenset[str]:
        """Steps that are not to be sent: those acknowledged and those in doubt."""
        return self.steps | self.doubted

    @property
    def newest_step(self) -> str:
        """Time of the newest step sent (yyyyMMddHHmmss), "" for none."""
        return max(self.sent, default="").partition(":")[0]

    def with_record(self, record_digest: str) -> "Acknowledged":
        """Return what is known once the record was acknowledged; a new dossier has no steps."""
        known = self if self.exists else replace(self.without_steps(), exists=True)
        return replace(known, record=record_digest)

    def in_doubt(self) -> "Acknowledged":
        """Return what is known while the portal may hold another record than this one."""
        return replace(self, record="")

    def absent(self) -> "Acknowledged":
        """Return what is known once the portal said that it has no such dossier."""
        return replace(self, exists=False, record="")

    def with_steps(self, keys: Iterable[str]) -> "Acknowledged":
        """Return what is known once the steps were acknowledged."""
        found = frozenset(keys)
        return replace(self, exists=True, steps=self.steps | found, doubted=self.doubted - found)

    def with_doubted(self, keys: Iterable[str]) -> "Acknowledged":
        """Return what is known once the answer to these steps was lost."""
        return replace(self, doubted=self.doubted.union(keys) - self.steps)

    def with_doubt_after(self, status: str) -> "Acknowledged":
        """Return what is known of a portal that stands at a status that we have led it past.

        The acknowledged steps after the last one of this status are in doubt.
        """
        in_order = sorted(self.steps)
        reached = [key for key in in_order if _status_of(key) == status]
        lost = in_order[in_order.index(reached[-1]) + 1 :] if reached else []
        return self.without(lost).with_doubted(lost)

    def without(self, keys: Collection[str]) -> "Acknowledged":
        """Return what is known once the portal said that it lacks these steps."""
        return replace(
            self, steps=self.steps.difference(keys), doubted=self.doubted.difference(keys)
        )

    def without_steps(self) -> "Acknowledged":
        """Return the same without any step."""
        return replace(self, steps=frozenset(), doubted=frozenset())

    def encode(self) -> bytes:
        """Return it as bytes for the store."""
        steps, doubted = sorted(self.steps), sorted(self.doubted)
        return orjson.dumps([int(self.exists), self.record, steps, doubted, self.place])


def decode(stored: bytes | None) -> Acknowledged:
    """Return what `encode` wrote, in this version or before; None: nothing is known."""
    if stored is None:
        return Acknowledged()
    exists, record, steps, doubted, place = [*orjson.loads(stored), [], ""][:5]
    return Acknowledged(bool(exists), record, frozenset(steps), frozenset(doubted), place)


def doubted_are_lost(stored: bytes | None) -> bytes:
    """Return what is known once a person saw that the portal lacks the steps in doubt."""
    known = decode(stored)
    return known.without(known.doubted).encode()


def doubted_arrived(stored: bytes | None) -> bytes:
    """Return what is known once a person saw that the portal has the steps in doubt."""
    known = decode(stored)
    return known.with_steps(known.doubted).encode() if known.doubted else known.encode()


def after_look_up(
    known: Acknowledged, found: dict[str, Any] | None, record: dict[str, Any] | None
) -> Acknowledged:
    """Return what is known after a look-up: the portal's word counts, not our memory.

    Args:
        known: what we thought.
        found: what the look-up gave, None when the portal knows no such dossier.
        record: the record that we would send, None while it is not known.
    """
    if found is None:
        return known.absent()
    held = record is not None and _same(record, found)
    answered = replace(
        known,
        exists=True,
        record=digest(record) if record and held else "",
        place=place_in(found) or known.place,
    )
    steps = steps_in(found)
    if steps is not None:
        shown = steps | shown_otherwise(known.sent, steps) | cut_off(known.steps, steps)
        return answered.without_steps().with_steps(shown)
    if known.record and not held and record is not None and digest(record) == known.record:
        # It has lost a record that it acknowledged; what came after the state it shows may be
        # lost as well, and it does not say so.
        return answered.with_doubt_after(str(found.get("TrangThaiHoSo", "")))
    return answered


def steps_in(found: dict[str, Any]) -> frozenset[str] | None:
    """Return the keys of the steps that a look-up gives, None when it does not tell them."""
    progress = found.get(_PROGRESS)
    if not isinstance(progress, list):
        return None
    keys = [_told_key(step) for step in progress]
    return None if None in keys else frozenset(key for key in keys if key)


def shown_otherwise(sent: frozenset[str], steps: frozenset[str]) -> frozenset[str]:
    """Return which of the steps sent the portal shows with another time, as far as can be seen.

    It may keep minutes only: for a step of ours that it does not show, it shows one of the same
    status that we have not sent. A step that it has lost stands in no other's place.

    Args:
        sent: keys of what was acknowledged or may be there.
        steps: keys of what it shows.
    """
    others = Counter(_status_of(key) for key in steps - sent)
    found = set()
    for key in sorted(sent - steps):
        if others[_status_of(key)]:
            others[_status_of(key)] -= 1
            found.add(key)
    return frozenset(found)


def cut_off(steps: Collection[str], shown: Collection[str]) -> frozenset[str]:
    """Return which of the steps are older than the oldest of them that is shown.

    A list may be cut there; what a portal loses, as by a backup, is the newest.

    Args:
        steps: keys of steps that were acknowledged, or sent in one call, which takes all or none.
        shown: keys of what the portal shows.
    """
    oldest = min(set(steps).intersection(shown), default="")
    return frozenset(key for key in steps if key < oldest)


def _status_of(key: str) -> str:
    return key.partition(":")[2]


def differences(record: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """Name the fields in which a look-up shows another state than the record that was sent.

    Only the status and dates that stand there in the contract's form are compared: another form
    of the same is no difference.
    """
    dates = (name for name in _EVIDENCE if name.startswith("Ngay"))
    shown = {name: str(found[name]).strip() for name in dates if name in found}
    other = [
        name
        for name, text in shown.items()
        if text != record[name] and (not text or (text.isdigit() and len(text) == _WIRE_TIME))
    ]
    status = str(found.get("TrangThaiHoSo", "")).strip().removeprefix("0")
    return [*(["TrangThaiHoSo"] if status not in {"", record["TrangThaiHoSo"]} else []), *other]


def _told_key(step: object) -> str | None:
    """Return the key of a step as the portal gives it, None when it cannot be read."""
    if not isinstance(step, dict) or "ThoiDiemXuLy" not in step or "TrangThai" not in step:
        return None
    at = str(step["ThoiDiemXuLy"]).strip()
    status = str(step["TrangThai"]).strip().removeprefix("0")
    readable = at.isascii() and at.isdigit() and len(at) == _WIRE_TIME and status in _STATUSES
    return step_key(at, status) if readable else None


def _same(record: dict[str, Any], found: dict[str, Any]) -> bool:
    """Tell whether every field that the look-up gives is ours, and the evidence is all there."""
    if any(name not in found for name in _EVIDENCE):
        return False
    return all(found[name] == value for name, value in record.items() if name in found)
