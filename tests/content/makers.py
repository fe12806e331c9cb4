"""Copies of the words that may be spoilt."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

import content.catalogue

FOLDER = Path(content.catalogue.__file__).parent


def make_spoilt(folder: Path, name: str, change: Callable[[Any], Any]) -> Path:
    """Copy the words to `folder` with one file changed."""
    copy = folder / "content"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    data = yaml.safe_load((copy / name).read_text(encoding="utf-8"))
    change(data)
    (copy / name).write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    return copy
