"""What decides how a record reads, as a few digits: another YAML reads the same records anew."""

from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

_STABLE = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS


def fingerprint(data: Mapping[str, Any], base: Path) -> str:
    """Digest keys of a YAML, and the files that they name as `map_file`, relative to `base`."""
    digest = blake2b(orjson.dumps(dict(data), option=_STABLE, default=str), digest_size=6)
    for file in sorted(_files_of(data)):
        try:
            digest.update(b"\0" + (base / file).read_bytes())
        except OSError:
            continue  # whoever reads it tells
    return digest.hexdigest()


def _files_of(data: Any) -> set[str]:
    if isinstance(data, Mapping):
        named = {v for k, v in data.items() if k == "map_file" and isinstance(v, str)}
        return named.union(*map(_files_of, data.values()))
    return set().union(*map(_files_of, data)) if isinstance(data, list) else set()
