"""Processes to be killed: the whole program, forked from a server that has loaded it once."""

from __future__ import annotations

import multiprocessing
import os
import signal
import struct
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.faults.victim"])


class JumpingClock:
    """The time of a test and of all its victims: it runs like any clock, and jumps when told to."""

    def __init__(self, file: Path, start: datetime) -> None:
        self.file = file
        self._set(start - datetime.now(UTC))

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def jump(self, by: timedelta) -> None:
        self._set(self._offset + by)

    def _set(self, offset: timedelta) -> None:
        self._offset = offset
        with self.file.open("r+b" if self.file.exists() else "wb") as file:
            # Eight bytes at once: nobody reads the half of it.
            os.pwrite(file.fileno(), struct.pack("d", offset.total_seconds()), 0)


def _live(arguments: list[str], environment: Mapping[str, str], fate: Mapping[str, Any] | None, **said: Any) -> None:
    from tests.faults import victim  # noqa: PLC0415 - only there: it changes the clock

    victim.run(arguments, dict(environment), fate=None if fate is None else victim.Fate(**fate), **said)


class Victim:
    """A running `alentours ARGUMENTS`. `fate`: the arguments of `victim.Fate`."""

    def __init__(
        self,
        *arguments: str,
        environment: Mapping[str, str],
        clock: JumpingClock,
        log: Path,
        fate: Mapping[str, Any] | None = None,
    ) -> None:
        theirs, self._leash = _FORKS.Pipe(duplex=False)
        self.process = _FORKS.Process(
            target=_live,
            args=(list(arguments), environment, fate),
            kwargs={"log": log, "offset_file": clock.file, "leash": theirs},
        )
        self.process.start()
        theirs.close()

    @property
    def is_alive(self) -> bool:
        return self.process.is_alive()

    def send_signal(self, number: int) -> None:
        """Send a signal to the process and everything that it forked."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """Kill the whole group, and let go of it."""
        self.send_signal(signal.SIGKILL)
        if self.process.is_alive():  # it had no time to have a group
            self.process.kill()
        self.process.join()
        self._leash.close()
