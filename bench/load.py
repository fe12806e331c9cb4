"""Servers and the load on them: loopback only, bounded in time, and only what was started here is ended.

The load comes from `wrk` where it is installed: one thread of it asks for more than a Python program could, and so
leaves more of the machine to the server. Else this process makes it, and the page says so.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BINARIES = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parents[1]
GRANIAN = ("--interface", "wsgi", "--blocking-threads", "4", "--no-ws", "--log-level", "error")
_SCRIPT = """
local requests, at, pause = {}, 0, 0
function init(args)
  for path in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("GET", path, {["Accept"] = "application/json"})
  end
  pause = tonumber(args[2])
end
function request()
  at = at % #requests + 1
  return requests[at]
end
function delay() return pause end
function done(summary, latency, each)
  local bad = summary.errors
  io.write(string.format(
    '\\n{"requests": %d, "duration_us": %d, "p50_us": %d, "p99_us": %d, "max_us": %d, ' ..
    '"failed": {"connect": %d, "read": %d, "write": %d, "timeout": %d, "status": %d}}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    bad.connect, bad.read, bad.write, bad.timeout, bad.status))
end
"""


def generator() -> str:
    """Name what makes the load."""
    return "wrk" if shutil.which("wrk") else "python"


def free_port() -> int:
    """Find a free loopback port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes], *, patience_s: float = 180) -> None:
    """Wait until a server answers. Raises TimeoutError, or RuntimeError when its process has ended."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"a server ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing answers on port {port}")


@contextmanager
def serving(command: Sequence[str | Path], port: int, *, env: Mapping[str, str] | None = None) -> Iterator[int]:
    """Run a server for the length of a block, its output thrown away; give its process id."""
    process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, process)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def alentours(data_dir: Path, *, workers: int) -> Iterator[tuple[int, int]]:
    """Serve a data folder as the product does, without a rate limit (the load is one client): (port, process id)."""
    port = free_port()
    environment = os.environ | {"ALENTOURS_DATA_DIR": str(data_dir.absolute()), "ALENTOURS_RATE_LIMIT": ""}
    command = [BINARIES / "alentours", "serve", "--workers", str(workers), "--port", str(port)]
    with serving(command, port, env=environment) as pid:
        yield port, pid


@contextmanager
def granian(folder: Path, app: str, *, workers: int) -> Iterator[tuple[int, int]]:
    """Serve a module of a folder under the product's own server: (port, process id)."""
    port = free_port()
    command = [BINARIES / "granian", *GRANIAN, "--workers", str(workers), "--port", str(port), app]
    with serving(command, port, env=os.environ | {"PYTHONPATH": str(folder)}) as pid:
        yield port, pid


def drive(
    port: int, paths: Sequence[str], *, seconds: float, connections: int, folder: Path, pause_ms: int = 0
) -> dict[str, Any]:
    """Ask for `paths`, again and again in turn, over kept-alive connections, each waiting `pause_ms` after an answer.

    Gives requests a second, the latency (us) and what failed by kind; an answer other than 2xx, 3xx is a failure.
    """
    if generator() == "python":
        return asyncio.run(_drive(port, paths, seconds=seconds, connections=connections, pause_ms=pause_ms))
    script, asked = folder / "load.lua", folder / "paths.txt"
    script.write_text(_SCRIPT, encoding="utf-8")
    asked.write_text("\n".join(paths) + "\n", encoding="utf-8")
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "20s", "-s", str(script)]
    command += [f"http://127.0.0.1:{port}", "--", str(asked), str(pause_ms)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60)
    found: dict[str, Any] = json.loads(result.stdout.strip().splitlines()[-1])
    found["requests_per_second"] = round(found["requests"] / found.pop("duration_us") * 1e6, 1)
    return found


async def _drive(port: int, paths: Sequence[str], *, seconds: float, connections: int, pause_ms: int) -> dict[str, Any]:
    end = time.perf_counter() + seconds
    took_us: list[float] = []
    failed = {"connect": 0, "read": 0, "status": 0}
    turns = [
        _turn(port, paths[start::connections] or paths, end, took_us, failed, pause_ms) for start in range(connections)
    ]
    await asyncio.gather(*turns)
    took_us.sort()
    return {
        "requests": len(took_us),
        "p50_us": round(took_us[len(took_us) // 2]),
        "p99_us": round(took_us[len(took_us) * 99 // 100]),
        "max_us": round(took_us[-1]),
        "failed": failed,
        "requests_per_second": round(len(took_us) / seconds, 1),
    }


async def _turn(
    port: int, paths: Sequence[str], end: float, took_us: list[float], failed: dict[str, int], pause_ms: int
) -> None:
    """Send one request after another on a connection, reopened when the server closes it."""
    at = 0
    while time.perf_counter() < end:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            failed["connect"] += 1
            continue
        try:
            while time.perf_counter() < end:
                path, at = paths[at % len(paths)], at + 1
                started = time.perf_counter()
                writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\r\n".encode())
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
                took_us.append((time.perf_counter() - started) * 1e6)
                failed["status"] += head[9:10] not in b"23"
                if b"connection: close" in head:
                    break
                if pause_ms:
                    await asyncio.sleep(pause_ms / 1000)
        except (OSError, asyncio.IncompleteReadError):
            failed["read"] += 1
        finally:
            writer.close()


def family(pid: int) -> list[int]:
    """Give a process and all that came from it (Linux)."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        parents[int(path.parent.name)] = int(fields[1])
    found = [pid]
    for known in found:
        found += [child for child, parent in parents.items() if parent == known]
    return found


def pss_mb(pid: int) -> float:
    """Proportional set size of a process and all that came from it, in MB (10^6 bytes): what is shared counts once."""
    total = 0
    for each in family(pid):
        lines = Path(f"/proc/{each}/smaps_rollup").read_text(encoding="utf-8").splitlines()
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return round(total * 1024 / 1e6, 1)
