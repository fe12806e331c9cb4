"""What a reading said of each slot, in nine bytes for each, so that a million of them is remembered until its end."""

from __future__ import annotations

from array import array
from collections.abc import Collection
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

TAKEN: Final = 0
STORED: Final = 1
UNUSABLE: Final = 2
"""It is free, but in no known calendar."""
UNSAID: Final = 3


class SaidSlots:
    """Takes in what is said, portion after portion."""

    def __init__(self) -> None:
        self._keys = array("q")
        self._words = array("b")

    def note(self, word: int, keys: Collection[int]) -> None:
        """Note slots by their keys; of what was noted before of one of them nothing remains."""
        self._keys.extend(keys)
        self._words.frombytes(bytes((word,)) * len(keys))

    def settle(self) -> LastWords:
        """Give the last word on each slot."""
        keys = np.frombuffer(self._keys, dtype=np.int64)
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        is_last = np.ones(len(keys), dtype=np.bool_)
        is_last[:-1] = keys[1:] != keys[:-1]
        return LastWords(keys[is_last], np.frombuffer(self._words, dtype=np.int8)[order][is_last])


class LastWords:
    """The last word (`words`) on each slot (`keys`, ascending)."""

    def __init__(self, keys: NDArray[np.int64], words: NDArray[np.int8]) -> None:
        self._keys = keys
        self._words = words

    def count(self, word: int) -> int:
        """How many slots it was said of."""
        return int(np.count_nonzero(self._words == word))

    def keys(self, word: int) -> list[int]:
        """The slots it was said of, ascending."""
        said: list[int] = self._keys[self._words == word].tolist()
        return said

    def on(self, keys: NDArray[np.int64]) -> NDArray[Any]:
        """The last word on each of these slots, `UNSAID` where there is none."""
        if not len(self._keys):
            return np.full(len(keys), UNSAID, dtype=np.int8)
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return np.where(self._keys[at] == keys, self._words[at], UNSAID)
