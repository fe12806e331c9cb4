"""The reports of rejected rows: `<source>-<time>-rejected.csv` in a folder."""

from __future__ import annotations

import csv
import re
from contextlib import ExitStack
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any, Self

from citizen_api.sources.records import RejectedRow


class RejectedFile:
    """The report of one run. The file is made with the first row; `path` is None before."""

    def __init__(self, folder: Path, source_id: str, now: datetime) -> None:
        self._folder = folder
        self._name = f"{source_id}-{now:%Y%m%dT%H%M%S}"
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
            self._folder.mkdir(parents=True, exist_ok=True)
            self.path = self._free()
            file = self.path.open("w", encoding="utf-8", errors="backslashreplace", newline="")
            self._writer = csv.writer(self._stack.enter_context(file))
            self._writer.writerow(["row", "reason", "raw"])
        self._writer.writerow([rejected.row, rejected.reason, rejected.raw])

    def _free(self) -> Path:
        """A name that no other report has: two files may be loaded as of one moment."""
        names = (f"{self._name}{f'-{number}' if number else ''}-rejected.csv" for number in count())
        return next(path for name in names if not (path := self._folder / name).exists())


def remove_earlier(folder: Path, source_id: str, *, kept: Path | None) -> None:
    """Remove the reports of a source's earlier runs."""
    form = re.compile(rf"{re.escape(source_id)}-\d{{8}}T\d{{6}}(-\d+)?-rejected\.csv")
    for path in folder.glob("*-rejected.csv"):
        if form.fullmatch(path.name) and path != kept:
            path.unlink(missing_ok=True)
