"""The product as it is served: requests a second against bare Flask, memory of each worker, a rebuild under load."""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlalchemy import func, select, update

from bench.load import alentours, drive, generator, granian, pss_mb
from bench.synthetic import open_database, read_communes, spread
from citizen_api.care.actions import move_directory_version
from citizen_api.care.keeper import FOLDER
from citizen_api.care.models import Facility
from citizen_api.care.reading import stamp
from citizen_api.core.clock import system_clock

CONNECTIONS, SECONDS, ROUNDS = 16, 4.0, 3
OPEN, PLAIN = "nearest, k = 20, pharmacies open now", "nearest, k = 20, pharmacies"
CONSTANT, BARE, BARE_LARGE = "constant route, same app", "bare Flask", "bare Flask, an answer as long as nearest's"
_POSITIONS = 20_000
_BARE = """
from pathlib import Path
from flask import Flask, Response
app = Flask("bare")
LARGE = (Path(__file__).parent / "large.json").read_bytes()

@app.get("/")
def bare():
    return {"status": "ok"}

@app.get("/large")
def large():
    return Response(LARGE, content_type="application/json")
"""


def nearest_paths(more: str = "", *, count: int = _POSITIONS) -> list[str]:
    """Ask for pharmacies from different positions, spread as the people."""
    _, positions = spread(read_communes(), count, seed=5)
    start = "/v1/care/nearest?category=pharmacy&limit=20" + more
    return [f"{start}&lat={lat:.5f}&lon={lon:.5f}" for lat, lon in positions.tolist()]


@contextmanager
def copy_of(data_dir: Path) -> Iterator[Path]:
    """Give a copy of a data folder, its directory included, that may be changed."""
    with tempfile.TemporaryDirectory(prefix="copy-", dir=data_dir.parent) as folder:
        copy = Path(folder) / "data"
        shutil.copytree(data_dir, copy)
        yield copy


def ratios(data_dir: Path, *, workers: int, seconds: float = SECONDS, rounds: int = ROUNDS) -> dict[str, Any]:
    """Requests a second of each route in each round, taken in turn; both servers run all the time."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        asked = {OPEN: nearest_paths("&open=now"), PLAIN: nearest_paths()}
        port, _ = stack.enter_context(alentours(data_dir, workers=workers))
        answer, size = _get(port, asked[OPEN][0])
        (folder / "bare.py").write_text(_BARE, encoding="utf-8")
        (folder / "large.json").write_bytes(answer)
        bare_port, _ = stack.enter_context(granian(folder, "bare:app", workers=workers))
        routes = {
            BARE: (bare_port, ["/"]),
            CONSTANT: (port, ["/healthz"]),
            OPEN: (port, asked[OPEN]),
            BARE_LARGE: (bare_port, ["/large"]),
            PLAIN: (port, asked[PLAIN]),
        }
        for where, paths in routes.values():
            drive(where, paths, seconds=2, connections=CONNECTIONS, folder=folder)
        found: dict[str, list[dict[str, Any]]] = {label: [] for label in routes}
        for _ in range(rounds):
            for label, (where, paths) in routes.items():
                result = drive(where, paths, seconds=seconds, connections=CONNECTIONS, folder=folder)
                assert not any(result["failed"].values()), (label, result)
                found[label].append(result)
        return {
            "workers": workers,
            "generator": generator(),
            "connections": CONNECTIONS,
            "seconds": seconds,
            "answer_bytes": size,
            "at": datetime.now(UTC).isoformat(timespec="minutes"),
            "rounds": found,
        }


def _get(port: int, path: str) -> tuple[bytes, int]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as response:
        body: bytes = response.read()
    return body, len(body)


def memory(data_dir: Path, *, most_workers: int = 3, seconds: float = 5) -> dict[str, Any]:
    """Memory of `alentours serve` with 1, 2 … workers, all its processes together, after questions from everywhere.

    Over an empty database, by design, neither the kernel nor any array is loaded: the same worker without them.
    """
    totals = []
    paths = nearest_paths("&open=now")
    with tempfile.TemporaryDirectory() as name:
        for workers in range(1, most_workers + 1):
            with alentours(data_dir, workers=workers) as (port, pid):
                for _ in range(2):  # new connections, which fall to other workers
                    drive(port, paths, seconds=seconds, connections=16 * workers, folder=Path(name))
                totals.append(pss_mb(pid))
    further = [round(after - before, 1) for before, after in pairwise(totals)]
    return {"totals_mb": totals, "further_mb": further}


def under_rebuild(data_dir: Path, *, seconds: float, rebuilds: int = 3, pause_ms: int = 20) -> dict[str, Any]:
    """Latency of a steady load without and with rebuilds; `data_dir` is changed.

    While the load runs, a thousand places get another website and the version of the tables moves, again as soon as
    the workers serve the version before.
    """
    paths = nearest_paths("&open=now")
    with tempfile.TemporaryDirectory() as name, alentours(data_dir, workers=2) as (port, _):
        folder = Path(name)

        def steady(length_s: float) -> dict[str, Any]:
            return drive(port, paths, seconds=length_s, connections=8, folder=folder, pause_ms=pause_ms)

        steady(3)
        quiet = steady(20)
        result: list[dict[str, Any]] = []
        load = threading.Thread(target=lambda: result.append(steady(seconds)))
        load.start()
        time.sleep(2)
        moves = _move(data_dir, port, rebuilds=rebuilds, is_over=lambda: not load.is_alive())
        load.join()
        _settle(data_dir, port)
        left = [path.name for path in (data_dir / FOLDER).iterdir() if (path / "meta.json").exists()]
        return {
            "quiet": quiet,
            "rebuilding": result[0],
            "rebuilds": moves,
            "versions_left": len(left),
            "pause_ms": pause_ms,
            "connections": 8,
        }


def _move(data_dir: Path, port: int, *, rebuilds: int, is_over: Callable[[], bool]) -> list[dict[str, Any]]:
    """Move the tables again and again; the seconds until a new version was served, and how many lay on the disk."""
    database = open_database(data_dir)
    with database.session(write=False) as session:
        count = session.scalar(select(func.count()).select_from(Facility)) or 0
        every = max(1, count // 1000)
        ids = session.scalars(select(Facility.id).order_by(Facility.id)).all()[::every]
    moves = []
    for turn in range(rebuilds):
        with database.session() as session:
            session.execute(
                update(Facility).where(Facility.id.in_(ids)).values(website=f"https://synthetic.example/{turn}")
            )
            move_directory_version(session, now=system_clock())
        started = time.perf_counter()
        if not _served(data_dir, port, is_over=is_over):
            break
        folders = [path for path in (data_dir / FOLDER).iterdir() if (path / "meta.json").exists()]
        moves.append({"served_after_s": round(time.perf_counter() - started, 1), "versions": len(folders)})
    database.engine.dispose()
    return moves


def _served(data_dir: Path, port: int, *, is_over: Callable[[], bool]) -> bool:
    """Wait until answers are of the tables' present version; False when the load is over before."""
    database = open_database(data_dir)
    with database.session(write=False) as session:
        wanted = stamp(session)
    database.engine.dispose()
    while True:
        if json.loads(_get(port, "/readyz")[0])["checks"]["directory"]["version"] == wanted:
            return True
        if is_over():
            return False
        time.sleep(0.2)


def _settle(data_dir: Path, port: int) -> None:
    """Move the tables twice more, without load: a build removes the versions that nobody uses any more."""
    database = open_database(data_dir)
    for _ in range(2):
        with database.session() as session:
            move_directory_version(session, now=system_clock())
        patience = time.monotonic() + 300
        while not _served(data_dir, port, is_over=lambda: True) and time.monotonic() < patience:
            time.sleep(0.5)
        time.sleep(3)  # every worker follows within a second
    database.engine.dispose()
