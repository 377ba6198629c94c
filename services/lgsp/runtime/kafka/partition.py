"""Java's choice of partition by key (murmur2); a key that comes again is not hashed again."""

from functools import lru_cache

from kafka.partitioner.default import murmur2

_hash = lru_cache(262_144)(murmur2)  # in pure Python; as many keys as a province has in a year


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of a key; they are numbered from 0 without a gap."""
    chosen: int = (_hash(key) & 0x7FFFFFFF) % partitions
    return chosen
