"""Faults played against the real parts, while the feed's label is held against the truth."""
