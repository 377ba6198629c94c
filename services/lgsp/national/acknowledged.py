"""What the national portal is known to hold of a dossier: its record and its progress steps."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import orjson

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
    """

    exists: bool = False
    record: str = ""
    steps: frozenset[str] = frozenset()

    @property
    def newest_step(self) -> str:
        """Time of the newest acknowledged step (yyyyMMddHHmmss), "" for none."""
        return max(self.steps, default="").partition(":")[0]

    def with_record(self, record_digest: str) -> "Acknowledged":
        """Return what is known once the record was acknowledged."""
        return replace(self, exists=True, record=record_digest)

    def in_doubt(self) -> "Acknowledged":
        """Return what is known while the portal may hold another record than this one."""
        return replace(self, record="")

    def with_steps(self, steps: Iterable[dict[str, Any]]) -> "Acknowledged":
        """Return what is known once the steps were acknowledged."""
        keys = (step_key(str(s["ThoiDiemXuLy"]), str(s["TrangThai"])) for s in steps)
        return replace(self, exists=True, steps=self.steps.union(keys))

    def encode(self) -> bytes:
        """Return it as bytes for the store."""
        return orjson.dumps([int(self.exists), self.record, sorted(self.steps)])


def decode(stored: bytes | None) -> Acknowledged:
    """Return what `encode` wrote; None: nothing is known."""
    if stored is None:
        return Acknowledged()
    exists, record, steps = orjson.loads(stored)
    return Acknowledged(bool(exists), record, frozenset(steps))


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
        return Acknowledged()
    held = record is not None and _same(record, found)
    answered = Acknowledged(True, digest(record) if record and held else "", known.steps)
    progress = found.get(_PROGRESS)
    if not isinstance(progress, list):
        return answered
    whole = [
        s for s in progress if isinstance(s, dict) and "ThoiDiemXuLy" in s and "TrangThai" in s
    ]
    return replace(answered, steps=frozenset()).with_steps(whole)


def _same(record: dict[str, Any], found: dict[str, Any]) -> bool:
    """Tell whether every field that the look-up gives is ours, and the evidence is all there."""
    if any(name not in found for name in _EVIDENCE):
        return False
    return all(found[name] == value for name, value in record.items() if name in found)
