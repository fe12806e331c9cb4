"""The reports of rejected rows: `<source>-<time>-rejected.csv` in a folder."""

from __future__ import annotations

import csv
import re
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from citizen_api.sources.records import RejectedRow


class RejectedFile:
    """The report of one run. The file is made with the first row; `path` is None before."""

    def __init__(self, folder: Path, source_id: str, now: datetime) -> None:
        self._target = folder / f"{source_id}-{now:%Y%m%dT%H%M%S}-rejected.csv"
        self._stack = ExitStack()
        self._writer: Any = None
        self.path: Path | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def write(self, rejected: RejectedRow) -> None:
        """Add a row."""
        if self._writer is None:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            file = self._stack.enter_context(
                self._target.open("w", encoding="utf-8", errors="backslashreplace", newline="")
            )
            self._writer, self.path = csv.writer(file), self._target
            self._writer.writerow(["row", "reason", "raw"])
        self._writer.writerow([rejected.row, rejected.reason, rejected.raw])


def remove_earlier(folder: Path, source_id: str, *, kept: Path | None) -> None:
    """Remove the reports of a source's earlier runs: they name persons who may have left it since."""
    form = re.compile(rf"{re.escape(source_id)}-\d{{8}}T\d{{6}}-rejected\.csv")
    for path in folder.glob("*-rejected.csv"):
        if form.fullmatch(path.name) and path != kept:
            path.unlink(missing_ok=True)
