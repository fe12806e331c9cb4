"""Which slots of the demo clinics were taken by hand: a small file for each, in the data folder.

The booking page and a command write them, and whichever process publishes reads them at each request.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

FOLDER: Final = "demo-clinic"
_SLOT_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")
_HOLDER_BYTES: Final = 16


class TakenSlots:
    """The taken slots of one data folder. A holder is known by a digest of the referral with which it came."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / FOLDER

    def holders(self) -> Mapping[str, str]:
        """The holder of each taken slot, by its name; "" for one that was taken by a command."""
        paths = sorted(self._folder.glob("[a-z0-9]*"))
        return {path.name: holder for path in paths if (holder := _read(path)) is not None}

    def take(self, slot_id: str, referral: str = "") -> None:
        """Take a slot, unless it is taken. Raises ValueError for what is no name of one."""
        path = self._path(slot_id)
        self._folder.mkdir(parents=True, exist_ok=True)
        written = self._folder / f".{secrets.token_hex(8)}"
        written.write_text(holder_of(referral), encoding="utf-8")
        # Whoever reads sees it whole or not at all, and of two who take it one does.
        with suppress(FileExistsError):
            path.hardlink_to(written)
        written.unlink()

    def free(self, slot_id: str) -> None:
        """Have a slot published again."""
        self._path(slot_id).unlink(missing_ok=True)

    def clear(self) -> None:
        """Forget all: without the demo city nothing of it is left."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, slot_id: str) -> Path:
        if not _SLOT_ID.fullmatch(slot_id):
            raise ValueError("not a name of a slot")
        return self._folder / slot_id


def holder_of(referral: str) -> str:
    """How whoever came with a referral is known here; "": nobody."""
    return hashlib.blake2b(referral.encode(), digest_size=_HOLDER_BYTES).hexdigest() if referral else ""


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:  # freed meanwhile
        return None
