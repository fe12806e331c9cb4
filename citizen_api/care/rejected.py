"""Which known places a rejected row still names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

_WORD: Final = re.compile(r"\w+")
_NUMBERED: Final = re.compile(r"\w+/\d+")


class Named:
    """Which known keys a row that cannot be read still names: a word, a `node/1`, or the person of a `person@site`."""

    def __init__(self, keys: Mapping[str, object]) -> None:
        self._keys = keys
        self._of_person: dict[str, list[str]] | None = None

    def in_text(self, text: str) -> Iterable[str]:
        """Keys that the text names."""
        words = {*_WORD.findall(text), *_NUMBERED.findall(text)}
        if self._of_person is None:
            self._of_person = {}
            for key in self._keys:
                person, at, _ = key.partition("@")
                if at:
                    self._of_person.setdefault(person, []).append(key)
        of_persons = (key for word in words for key in self._of_person.get(word, ())) if self._of_person else ()
        return {*(self._keys.keys() & words), *of_persons}
