"""What is said about appointments, a file for each subject: notices beside an answer, and labels inside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from content.words import Words, check_said_once, read_file, read_words

SUBJECTS: Final = ("names", "providers", "slots", "card", "handoffs", "watches", "insight")


def read_booking(folder: Path) -> tuple[dict[str, Words], dict[str, Mapping[str, Words]]]:
    """Read (notices of all subjects, {subject: labels}). Raises ContentError."""
    notices: dict[str, Words] = {}
    labels: dict[str, Mapping[str, Words]] = {}
    for subject in SUBJECTS:
        name = f"teleconsult/{subject}.yaml"
        raw = read_file(folder, name)
        notices |= {code: read_words(text, f"{name}: notices: {code}") for code, text in raw["notices"].items()}
        labels[subject] = {code: read_words(text, f"{name}: labels: {code}") for code, text in raw["labels"].items()}
    check_said_once((f"teleconsult: notices: {code}", words) for code, words in notices.items())
    return notices, labels
