"""The change of the day cells when many dossiers change: old contributions out, new ones in."""

import numpy as np

from lgsp.domain.rates import MEASURES
from lgsp.domain.state import TEXTS
from lgsp.store.cells import Cells
from lgsp.store.fast_standing import counted_units
from lgsp.store.fast_table import COUNTED, Rows, Texts

_AGENCY, _DOMAIN, _PROCEDURE = (TEXTS.index(name) for name in ("agency", "domain", "procedure"))
_TEXT_BITS, _DAY_BITS, _PARTITION_BITS = 21, 17, 16
MOST_TEXTS = 1 << _TEXT_BITS


def cell_changes(old: Rows, new: Rows, texts: Texts) -> Cells:
    """Return what to add to the cells when each `old[i]` becomes `new[i]`."""
    differs = (old["texts"] != new["texts"]).any(axis=1)
    for name in COUNTED:
        differs |= old[name] != new[name]
    both = np.concatenate([old[differs], new[differs]])
    index, days, measures = counted_units(both)
    if not index.size:
        return {}
    signs = np.where(index < len(both) // 2, -1, 1)
    names = both["texts"].astype(np.int64)
    unit = (names[:, _AGENCY] << 2 * _TEXT_BITS) | (names[:, _DOMAIN] << _TEXT_BITS)
    unit |= names[:, _PROCEDURE]
    unit, place = np.unique(unit, return_inverse=True)
    key = place[index] << _DAY_BITS + _PARTITION_BITS
    key |= both["partition"][index].astype(np.int64) << _DAY_BITS
    key |= days
    key, cell = np.unique(key, return_inverse=True)
    size = len(MEASURES)
    counts = np.bincount(cell * size + measures, signs, len(key) * size).reshape(-1, size)
    counts = counts.astype(np.int64)
    some = np.flatnonzero(counts.any(axis=1))
    key = key[some]
    of_unit = unit[key >> _DAY_BITS + _PARTITION_BITS]
    text = texts.text
    keys = zip(
        (key >> _DAY_BITS & (1 << _PARTITION_BITS) - 1).tolist(),
        (key & (1 << _DAY_BITS) - 1).tolist(),
        [text[i] for i in (of_unit >> 2 * _TEXT_BITS).tolist()],
        [text[i] for i in (of_unit >> _TEXT_BITS & MOST_TEXTS - 1).tolist()],
        [text[i] for i in (of_unit & MOST_TEXTS - 1).tolist()],
        strict=True,
    )
    return dict(zip(keys, counts[some].tolist(), strict=True))
