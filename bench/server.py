"""How many requests a second the server answers, as ratios to a bare Flask route, in one run.

Each server runs one worker process, the routes take turns three times and the median counts. gunicorn's rows say
"absent" unless it is installed (pip install gunicorn).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import report
from bench.load import BINARIES, alentours, drive, free_port, generator, granian, serving

SECONDS, CONNECTIONS, ROUNDS = 4.0, 16, 3
BARE = "from flask import Flask\napp = Flask('bare')\n\n@app.get('/')\ndef bare():\n    return {'status': 'ok'}\n"
NEAREST = "/v1/care/nearest?lat=48.86&lon=2.35&category=pharmacy&limit=20"


def main() -> None:
    """Measure, then write the table from the raw output."""
    with tempfile.TemporaryDirectory() as folder:
        results = measure(Path(folder))
    print(report.write("server", results))


def measure(folder: Path) -> dict[str, Any]:
    """Measure every server and route; requests a second of each round."""
    (folder / "bare.py").write_text(BARE, encoding="utf-8")
    data_dir = folder / "var"
    environment = os.environ | {"ALENTOURS_DATA_DIR": str(data_dir)}
    command = [BINARIES / "alentours", "care", "import", "sample"]
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    with ExitStack() as stack:
        bare_port, _ = stack.enter_context(granian(folder, "bare:app", workers=1))
        port, _ = stack.enter_context(alentours(data_dir, workers=1))
        routes = {
            "granian bare": (bare_port, "/"),
            "constant route, same app": (port, "/healthz"),
            "nearest, k = 20": (port, NEAREST),
        }
        if (BINARIES / "gunicorn").exists():
            for kind, more in (("sync", ()), ("gthread", ("--threads", "4"))):
                routes[f"gunicorn {kind} bare"] = (stack.enter_context(_gunicorn(folder, kind, more)), "/")
        rounds: dict[str, list[float]] = {label: [] for label in routes}
        for _ in range(ROUNDS):
            for label, (where, path) in routes.items():
                result = drive(where, [path], seconds=SECONDS, connections=CONNECTIONS, folder=folder)
                assert not any(count for kind, count in result["failed"].items() if kind != "read"), (label, result)
                rounds[label].append(result["requests_per_second"])
    return {
        "machine": report.machine(),
        "generator": generator(),
        "seconds": SECONDS,
        "connections": CONNECTIONS,
        "requests_per_second": rounds,
    }


@contextmanager
def _gunicorn(folder: Path, kind: str, more: tuple[str, ...]) -> Iterator[int]:
    port = free_port()
    command = [BINARIES / "gunicorn", "--workers", "1", "--worker-class", kind, *more, "--log-level", "error"]
    command += ["--bind", f"127.0.0.1:{port}", "bare:app"]
    with serving(command, port, env=os.environ | {"PYTHONPATH": str(folder)}):
        yield port


if __name__ == "__main__":
    main()
