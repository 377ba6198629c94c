"""Finds short byte spans among known ones, many at once: no Python object a span.

A span is read as little-endian words. Its hash is looked up in a sorted list, and its words are
compared with those of the span found, so two spans of one hash are never taken for each other.
"""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

_WORDS = 8
LONGEST = 8 * _WORDS
"""Longest span that is looked up, in bytes."""

_KEEP = np.array([(1 << 8 * size) - 1 for size in range(9)], np.uint64)  # by bytes kept of a word
_MIX = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)


class Spans:
    """Known spans, numbered by their learner."""

    def __init__(self) -> None:
        self._hashes: Words = np.zeros(0, np.uint64)
        self._words: Words = np.zeros((_WORDS, 0), np.uint64)
        self._lengths: Ints = np.zeros(0, np.int64)
        self._numbers: Ints = np.zeros(0, np.int64)

    def find(self, words: Words, start: Ints, end: Ints) -> Ints:
        """Return the number of each span; -1 where it is not known or longer than LONGEST.

        `words` is the text read as a word at every byte, with a word's length to spare at its end.
        """
        if not self._hashes.size:
            return np.full(len(start), -1, np.int64)
        hashes, read, lengths = _read(words, start, end)
        place = np.searchsorted(self._hashes, hashes)
        np.minimum(place, len(self._hashes) - 1, out=place)
        same = (self._hashes[place] == hashes) & (self._lengths[place] == lengths)
        for known, word in zip(self._words, read, strict=False):
            same &= known[place] == word
        return np.where(same, self._numbers[place], -1)

    def learn(self, words: Words, start: Ints, end: Ints, numbers: Ints) -> None:
        """Know these spans, too; one whose hash another one has already stays unknown."""
        hashes, read, lengths = _read(words, start, end)
        whole = np.zeros((_WORDS, len(hashes)), np.uint64)
        for place, word in zip(whole, read, strict=False):
            place[:] = word
        short = lengths <= LONGEST
        hashes = np.concatenate([self._hashes, hashes[short]])
        self._hashes, first = np.unique(hashes, return_index=True)
        self._words = np.concatenate([self._words, whole[:, short]], axis=1)[:, first]
        self._lengths = np.concatenate([self._lengths, lengths[short]])[first]
        self._numbers = np.concatenate([self._numbers, numbers[short]])[first]


def _read(words: Words, start: Ints, end: Ints) -> tuple[Words, list[Words], Ints]:
    """Return each span's hash, its words (as many as the longest has), and its length."""
    lengths = end - start
    longest = min(int(lengths.max(initial=0)), LONGEST)
    hashes: Words = lengths.astype(np.uint64) * _MIX
    read = []
    for at in range(0, longest, 8):
        word = words[np.minimum(start + at, len(words) - 1)]
        word &= _KEEP[np.clip(lengths - at, 0, 8)]
        read.append(word)
        mixed = (hashes ^ word) * _MIX
        # A shorter span's hash must not depend on what else is in the batch.
        hashes = np.where(lengths > at, mixed ^ (mixed >> _HALF), hashes)
    return hashes, read, lengths
