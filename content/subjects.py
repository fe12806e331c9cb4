"""What is said about a wide matter, a file for each subject: notices beside an answer, and labels inside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from content.words import Words, check_said_once, read_file, read_words

MOVING: Final = ("trips", "departures", "stations", "reach", "outings", "maps")
"""Files of `mobility/`."""
BOOKING: Final = ("names", "providers", "slots", "card", "handoffs", "watches", "insight")
"""Files of `teleconsult/`."""


def read_subjects(
    folder: Path, room: str, subjects: Iterable[str]
) -> tuple[dict[str, Words], dict[str, Mapping[str, Words]]]:
    """Read (notices of all subjects, {subject: labels}) of a room of the folder. Raises ContentError."""
    notices: dict[str, Words] = {}
    labels: dict[str, Mapping[str, Words]] = {}
    for subject in subjects:
        name = f"{room}/{subject}.yaml"
        raw = read_file(folder, name)
        notices |= {code: read_words(text, f"{name}: notices: {code}") for code, text in raw["notices"].items()}
        labels[subject] = {code: read_words(text, f"{name}: labels: {code}") for code, text in raw["labels"].items()}
    check_said_once((f"{room}: notices: {code}", words) for code, words in notices.items())
    return notices, labels
