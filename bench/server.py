"""How many requests a second the server answers, as ratios to a bare Flask route, in one run.

Each server runs one worker process on one core, the load comes from this process over 16 kept-alive loopback
connections, the routes take turns three times and the median counts. Writes docs/performance.md and, beside it,
the raw output. gunicorn's rows say "absent" unless it is installed (pip install gunicorn).
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RAW = ROOT / "docs" / "performance" / "server.json"
TABLE = ROOT / "docs" / "performance.md"
GRANIAN = ["--interface", "wsgi", "--workers", "1", "--blocking-threads", "4", "--no-ws", "--log-level", "error"]
SECONDS, CONNECTIONS, ROUNDS = 4.0, 16, 3
BARE = "from flask import Flask\napp = Flask('bare')\n\n@app.get('/')\ndef bare():\n    return {'status': 'ok'}\n"
NEAREST = "/v1/care/nearest?lat=48.86&lon=2.35&category=pharmacy&limit=20"


def main() -> None:
    """Measure, then write the table from the raw output."""
    with tempfile.TemporaryDirectory() as folder:
        results = measure(Path(folder))
    RAW.parent.mkdir(parents=True, exist_ok=True)
    RAW.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    table = as_table(results)
    TABLE.write_text(table, encoding="utf-8")
    print(table)


def measure(folder: Path) -> dict[str, Any]:
    """Measure every server and route; requests a second of each round."""
    (folder / "bare.py").write_text(BARE, encoding="utf-8")
    binaries = Path(sys.executable).parent
    environment = os.environ | {"ALENTOURS_DATA_DIR": str(folder / "var"), "ALENTOURS_RATE_LIMIT": ""}
    environment |= {"ALENTOURS_LOG_LEVEL": "WARNING", "PYTHONPATH": str(folder)}
    subprocess.run([binaries / "alentours", "care", "import", "sample"], check=True, env=environment)
    ports = {name: free_port() for name in ("granian bare", "gunicorn sync bare", "gunicorn gthread bare", "alentours")}
    commands: dict[str, list[str | Path]] = {
        "granian bare": [binaries / "granian", *GRANIAN, "--port", str(ports["granian bare"]), "bare:app"],
        "alentours": [binaries / "alentours", "serve", "--workers", "1", "--port", str(ports["alentours"])],
    }
    if (binaries / "gunicorn").exists():
        for kind, more in (("sync", []), ("gthread", ["--threads", "4"])):
            name = f"gunicorn {kind} bare"
            commands[name] = [binaries / "gunicorn", "--workers", "1", "--worker-class", kind, *more]
            commands[name] += ["--log-level", "error", "--bind", f"127.0.0.1:{ports[name]}", "bare:app"]
    routes = {"granian bare": ("granian bare", "/")}
    routes |= {"constant route, same app": ("alentours", "/healthz"), "nearest, k = 20": ("alentours", NEAREST)}
    routes |= {f"{name}": (name, "/") for name in ("gunicorn sync bare", "gunicorn gthread bare") if name in commands}
    running = [subprocess.Popen(command, env=environment, cwd=folder) for command in commands.values()]
    try:
        for name in commands:
            wait_for(ports[name])
        rounds: dict[str, list[float]] = {label: [] for label in routes}
        for _ in range(ROUNDS):
            for label, (server, path) in routes.items():
                rounds[label].append(asyncio.run(requests_per_second(ports[server], path)))
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
        for process in running:
            process.wait(timeout=20)
    return {
        "at": time.strftime("%Y-%m-%d"),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "cpu": cpu_name()},
        "seconds": SECONDS,
        "connections": CONNECTIONS,
        "requests_per_second": rounds,
    }


async def requests_per_second(port: int, path: str) -> float:
    """Drive one route for SECONDS over kept-alive connections. Raises if any answer is not 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\r\n".encode()
    end = time.perf_counter() + SECONDS
    counts = await asyncio.gather(*(drive(port, request, end) for _ in range(CONNECTIONS)))
    return round(sum(counts) / SECONDS, 1)


async def drive(port: int, request: bytes, end: float) -> int:
    """Send one request after another on a connection, reopened when the server closes it."""
    count = 0
    while time.perf_counter() < end:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while time.perf_counter() < end:
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200"), head[:60]
                lowered = head.lower()
                length = int(lowered.split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
                count += 1
                if b"connection: close" in lowered:
                    break
        finally:
            writer.close()
    return count


def free_port() -> int:
    """Find a free loopback port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Wait until a server answers, at most a minute."""
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"nothing answers on port {port}")


def cpu_name() -> str:
    """Name the processor, where the system tells."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def as_table(results: dict[str, Any]) -> str:
    """Write docs/performance.md from the raw output."""
    rounds: dict[str, list[float]] = results["requests_per_second"]
    machine: dict[str, object] = results["machine"]
    bare = statistics.median(rounds["granian bare"])
    how = (
        f"One worker process, {CONNECTIONS} kept-alive loopback connections, median of {ROUNDS} rounds of "
        f"{SECONDS:g} s taken in turn. {machine['cores']} cores ({machine['cpu']}), Python {machine['python']}, "
        f"{results['at']}. The load generator shares the machine."
    )
    names = [
        "granian bare",
        "gunicorn sync bare",
        "gunicorn gthread bare",
        "constant route, same app",
        "nearest, k = 20",
    ]
    lines = [
        "# Performance",
        "",
        "Written by `make bench` from the raw output in [performance/](performance/); no test asserts speed.",
        "",
        "## The server",
        "",
        how,
        "",
        "| route | requests/s | ratio to granian's bare Flask route |",
        "|---|---|---|",
        *(row(name, rounds.get(name), bare) for name in names),
    ]
    return "\n".join(lines) + "\n"


def row(name: str, values: list[float] | None, bare: float) -> str:
    """One line of the table."""
    if values is None:
        return f"| {name} | absent | |"
    median = statistics.median(values)
    return f"| {name} | {median:,.0f} | {median / bare:.2f} |"


if __name__ == "__main__":
    main()
