"""What is asked of the twin, and the exact quotas that calibrate it.

Calibrated to Lạng Sơn's published first half of 2024; any other size keeps the percentages.
"""

import math
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from lgsp.domain.codes import is_province
from lgsp.domain.errors import ConfigurationError
from lgsp.domain.figures import percent

RECEIVED, ONLINE, RESOLVED, GOOD = 171_997, 168_014, 171_035, 169_123
"""The published figures: received, filed online, resolved, early or on time."""

_WITHDRAWN_PER_MILLE = 380  # of those received and not resolved; the others are still open
_REFUSED_PER_MILLE = 6  # besides those received


class Format(StrEnum):
    """How the twin is written: every status change, or a final row a dossier."""

    STEPS = "steps"
    OPENCPS = "opencps"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvinceSpec:
    """One twin: the same spec gives the same bytes, on every machine.

    `first` and `last` are days in Asia/Ho_Chi_Minh, both included; `dossiers` is the number
    received by profile `simple` (refused ones come on top). The four shares (0 to 1) are of the
    rows: repeated, displaced by hours or days, displaced by weeks, and extra unusable rows.

    Raises:
        ConfigurationError: naming the option and the value at fault.
    """

    province: str = "H37"
    first: date = date(2024, 1, 1)
    last: date = date(2024, 6, 30)
    dossiers: int = RECEIVED
    seed: int = 1
    duplicates: float = 0.0
    disorder: float = 0.0
    late: float = 0.0
    corrupt: float = 0.0
    format: Format = Format.STEPS
    persons: bool = False

    def __post_init__(self) -> None:
        if not is_province(self.province):
            raise ConfigurationError(f"--province {self.province!r}: a code such as H37 expected")
        if self.last < self.first:
            raise ConfigurationError(f"--to {self.last} is before --from {self.first}")
        if self.dossiers < 1:
            raise ConfigurationError(f"--dossiers {self.dossiers}: at least 1 expected")
        for name in ("duplicates", "disorder", "late", "corrupt"):
            share = getattr(self, name)
            if not (math.isfinite(share) and 0 <= share <= 1):
                raise ConfigurationError(f"--{name} {share}: a share from 0 to 1 expected")

    def document(self) -> dict[str, Any]:
        """Return the spec as it stands in truth.json."""
        return {
            **asdict(self),
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "format": self.format.value,
        }


def spec_from(document: dict[str, Any]) -> ProvinceSpec:
    """Read what `ProvinceSpec.document` wrote; ConfigurationError when it is something else."""
    try:
        return ProvinceSpec(
            **{
                **document,
                "first": date.fromisoformat(document["first"]),
                "last": date.fromisoformat(document["last"]),
                "format": Format(document["format"]),
            }
        )
    except (TypeError, KeyError, ValueError) as error:
        raise ConfigurationError(f"truth.json: spec: {error}") from error


class Quotas(NamedTuple):
    """How many dossiers of each kind; `good` are early, on time or without a deadline."""

    received: int
    online: int
    good: int
    late: int
    withdrawn: int
    open: int
    refused: int

    @property
    def dossiers(self) -> int:
        """All dossiers of the twin, refused ones included."""
        return self.received + self.refused


def quotas(received: int) -> Quotas:
    """Scale the published figures to `received` dossiers, exactly at the published size."""
    resolved = _share(received, RESOLVED, RECEIVED)
    good = _share(resolved, GOOD, RESOLVED)
    rest = received - resolved
    withdrawn = rest * _WITHDRAWN_PER_MILLE // 1000
    return Quotas(
        received=received,
        online=_share(received, ONLINE, RECEIVED),
        good=good,
        late=resolved - good,
        withdrawn=withdrawn,
        open=rest - withdrawn,
        refused=(received * _REFUSED_PER_MILLE + 500) // 1000,
    )


def _share(whole: int, part: int, of: int) -> int:
    """Give the integer nearest to whole x part / of that keeps its percentage where one does."""
    wanted = percent(part, of)
    low = whole * part // of
    near = sorted((low, min(low + 1, whole)), key=lambda n: abs(n * of - whole * part))
    return next((n for n in near if percent(n, whole) == wanted), near[0])
