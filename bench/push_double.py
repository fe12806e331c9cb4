"""The double of FCM as a process of its own, and what it counts."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import httpx

from bench.load import ROOT
from bench.residents import MARK

LATENCY_S = 0.05
VALIDATE_EVERY = 100
OPTIONS = ("--validate-every", str(VALIDATE_EVERY), "--no-track", "--quiet", "--latency", str(LATENCY_S))
_URL, _CA_FILE = "ALENTOURS_PUSH_FCM_URL", "ALENTOURS_PUSH_FCM_CA_FILE"


class Double:
    """A double that runs. `settings`: the environment variables that aim the product at it."""

    def __init__(self, settings: dict[str, str]) -> None:
        self.settings = settings
        context = ssl.create_default_context(cafile=settings[_CA_FILE])
        self._client = httpx.Client(verify=context, base_url=self.origin, timeout=60.0)

    @property
    def origin(self) -> str:
        """Its address."""
        return self.settings[_URL]

    @property
    def ca_file(self) -> Path:
        """Whom to trust there."""
        return Path(self.settings[_CA_FILE])

    @property
    def credentials(self) -> Path:
        """The file of its service account."""
        return Path(self.settings["ALENTOURS_PUSH_FCM_CREDENTIALS"])

    def counts(self) -> dict[str, Any]:
        """Everything that it counts."""
        return cast("dict[str, Any]", self._client.get("/count").json())

    def accepted(self) -> int:
        """How many messages it took since the last reset."""
        return int(self.counts()["accepted"])

    def marked(self) -> list[float]:
        """When the messages for marked tokens were accepted (seconds since 1970), their latency included."""
        return [at + LATENCY_S for at in self._client.get("/marked").json()]

    def reset(self) -> None:
        """Count anew."""
        self._client.post("/reset").raise_for_status()

    def close(self) -> None:
        """Ask nothing any more."""
        self._client.close()


@contextmanager
def running_double(folder: Path) -> Iterator[Double]:
    """Run a double for the length of a block."""
    command = [sys.executable, "-m", "tests.doubles.fcm", "--port", "0", "--folder", str(folder), "--mark", MARK]
    command += OPTIONS
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ)
    assert process.stdout is not None
    try:
        settings = {}
        for line in process.stdout:
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                settings[name] = value
            if line.startswith("curl "):
                break
        double = Double(settings)
        yield double
        double.close()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
