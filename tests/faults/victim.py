"""The whole command `alentours`, with what the product does not have: a death foretold, and a clock that jumps.

Loaded once by the server that forks victims (see process.py), and never by a test.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from citizen_api.core import clock
from citizen_api.core.settings import PREFIX

_offset_file = -1


def _shifted_clock() -> datetime:
    (offset_s,) = struct.unpack("d", os.pread(_offset_file, 8, 0)) if _offset_file >= 0 else (0.0,)
    return datetime.now(UTC) + timedelta(seconds=offset_s)


# Before anything takes it by its name.
clock.system_clock = _shifted_clock

import app  # noqa: E402
import citizen_api.background  # noqa: E402, F401 - what is loaded here need not be loaded by each victim
import notifications.engines.celery_engine  # noqa: E402
import notifications.engines.celery_node  # noqa: E402
import notifications.transports.fcm  # noqa: E402, F401
from notifications import steps  # noqa: E402


@dataclass
class Fate:
    """Ends a process by SIGKILL as it reaches a step for the nth time; once, whatever is forked or started anew.

    `mark`: a file that says that it happened, and when (monotonic, in seconds). `takes_all`: the whole group goes.
    `number`: another signal in the place of SIGKILL.
    """

    step: str
    mark: Path
    nth: int = 1
    takes_all: bool = True
    number: int = signal.SIGKILL
    _reached: int = field(default=0, init=False)

    def __call__(self, step: str) -> None:
        if step != self.step:
            return
        self._reached += 1
        if self._reached < self.nth:
            return
        try:
            mark = os.open(self.mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        except FileExistsError:
            return
        os.write(mark, str(time.monotonic()).encode())
        if self.takes_all:
            os.killpg(0, self.number)
        else:
            os.kill(os.getpid(), self.number)


class Ready:
    """Says in a folder, by a file for each process, that it has looked for something to do."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, step: str) -> None:
        if step == "plan.opened":
            (self._folder / f"ready-{os.getpid()}").touch()


def run(
    arguments: list[str],
    environment: dict[str, str],
    *,
    log: Path,
    offset_file: Path,
    leash: Connection,
    fate: Fate | None,
) -> None:
    """Be `alentours ARGUMENTS`. It ends by itself when the other end of the leash is closed."""
    global _offset_file  # noqa: PLW0603
    os.setsid()
    os.dup2(leash.fileno(), 0)
    leash.close()
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    _offset_file = os.open(offset_file, os.O_RDONLY)
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    os.environ.update(environment)
    steps.watchers.append(Ready(log.parent))
    if fate is not None:
        steps.watchers.append(fate)
    sys.argv = ["alentours", *arguments]
    app.main()
