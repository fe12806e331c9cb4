"""What was asked of the demo city's air: a small file for each commune and day, in the data folder.

A command writes them, and whichever process publishes reads them at each request: they outlive both, and their day ends
them. Of two commands at once neither undoes the other.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final

from citizen_api.demo.air_rules import Staged

FOLDER: Final = "demo-episodes"


class Stage:
    """The days that are staged, of one data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / FOLDER

    def staged(self) -> list[Staged]:
        """Everything that is staged, past days included. A file that cannot be read is none."""
        return [staged for path in sorted(self._folder.glob("*.json")) for staged in _read(path)]

    def put(self, staged: Staged) -> None:
        """Stage a day of a commune, in the place of what was staged of it: whoever reads sees one or the other."""
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(staged)
        written = path.with_suffix(".new")
        said = {"commune": staged.commune, "day": f"{staged.day}", "level": staged.level, "tier": staged.tier}
        written.write_text(json.dumps(said), encoding="utf-8")
        written.replace(path)

    def remove(self, staged: Staged) -> None:
        """Have a day of a commune be what it is made up to be."""
        self._path(staged).unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget all that was staged: without the demo city nothing of it is left."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, staged: Staged) -> Path:
        return self._folder / f"{staged.commune}-{staged.day}.json"


def _read(path: Path) -> Iterator[Staged]:
    try:
        said = json.loads(path.read_bytes())
        yield Staged(str(said["commune"]), date.fromisoformat(said["day"]), said["level"], said["tier"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return
