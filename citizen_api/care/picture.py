"""Where a map of the nearest places comes from. Care knows no streets: mobility, above it, fills this."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response

from citizen_api.care.directory import Directory
from citizen_api.care.nearest import Answer, Question


@dataclass(frozen=True, slots=True)
class NearestPicture:
    """A port of `Services`. `draw` gives an answer to "nearest" as an answer of image/svg+xml."""

    draw: Callable[[Directory, Question, Answer], Response]
