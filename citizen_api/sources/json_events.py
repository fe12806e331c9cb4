"""JSON as it streams, event by event: never deeper than a register or a map goes, its faults in plain words."""

from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import ijson

from citizen_api.sources.records import SourceFormatError, clean

DEEPEST: Final = 50
"""How deep objects and arrays may lie in each other: FINESS+ needs eight, a collection of areas as many."""

_FAULT_MAX_CHARS: Final = 200


def events(stream: BinaryIO, *, what: str) -> Iterator[tuple[str, Any]]:
    """Give (event, value) of each piece. `what` names the expected file in the message of SourceFormatError.

    Numbers are read as floats: a whole number of thousands of digits ends the process within ijson otherwise, and a
    huge exponent raises. The depth is bounded here, for ijson keeps the path of every level in every level's.
    """
    depth = 0
    for event, value in ijson.basic_parse(stream, use_float=True):
        if event in {"start_map", "start_array"}:
            depth += 1
            if depth > DEEPEST:
                raise SourceFormatError(f"Not {what}: it nests deeper than {DEEPEST}.")
        elif event in {"end_map", "end_array"}:
            depth -= 1
        yield event, value


def fault_of(error: Exception) -> str:
    """Say what is wrong with the JSON, without the excerpt and the arrow that the parser draws under it."""
    told = error.args[0] if error.args else ""
    text = told.decode("utf-8", errors="replace") if isinstance(told, bytes) else str(error)
    if "premature EOF" in text or "Incomplete" in text:
        return "the file ends there"
    first = clean(text.partition("\n")[0])
    return first.removeprefix("lexical error: ").removeprefix("parse error: ").rstrip(".")[:_FAULT_MAX_CHARS]
