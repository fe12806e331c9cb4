"""How long the directory takes to be built from the tables, where the time goes, and what it holds meanwhile.

A program of its own, `python -m bench.rebuild DATA_DIR`: its memory is that of the building alone. It prints JSON.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.load import BINARIES, ROOT
from bench.synthetic import open_database
from citizen_api.care import reading
from citizen_api.care.keeper import FOLDER, build
from citizen_api.care.place import Place
from citizen_api.core.clock import system_clock


def time_command(data_dir: Path) -> dict[str, Any]:
    """Run the product's own command on tables that no memory of the system holds and no directory; its seconds."""
    shutil.rmtree(data_dir / FOLDER, ignore_errors=True)
    forget(data_dir / "alentours.db")
    started = time.perf_counter()
    environment = os.environ | {"ALENTOURS_DATA_DIR": str(data_dir.absolute())}
    subprocess.run(
        [BINARIES / "alentours", "care", "directory"],
        check=True, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return {"cold_s": round(time.perf_counter() - started, 1)}


def forget(path: Path) -> None:
    """Ask the system to forget what it holds of a file, so that it is read from the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)


def parts(data_dir: Path) -> dict[str, Any]:
    """Build in another process, warm, and give where the time goes (see the module)."""
    result = subprocess.run(
        [sys.executable, "-m", "bench.rebuild", str(data_dir)], check=True, cwd=ROOT, capture_output=True, text=True
    )
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def _peak_mb() -> int:
    """Most memory this process has held. Not `ru_maxrss`: that begins with what the process held that started it."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    kib = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return round(kib * 1024 / 1e6)


def main() -> None:
    """Build once; print the seconds of each part and the most memory held."""
    data_dir = Path(sys.argv[1])
    shutil.rmtree(data_dir / FOLDER, ignore_errors=True)
    database = open_database(data_dir)
    reading_s, last = 0.0, 0.0

    @contextmanager
    def timed_places() -> Iterator[tuple[str, Iterable[Place]]]:
        with reading.open_places(database) as (stamp, places):
            yield stamp, timed(iter(places))

    def timed(places: Iterator[Place]) -> Iterator[Place]:
        nonlocal reading_s, last
        while True:
            before = time.perf_counter()
            place = next(places, None)
            last = time.perf_counter()
            reading_s += last - before
            if place is None:
                return
            yield place

    started = time.perf_counter()
    version = build(data_dir / FOLDER, timed_places, now=system_clock())
    end = time.perf_counter()
    files = {path.name: path.stat().st_size for path in version.iterdir()}
    print(
        json.dumps(
            {
                "whole_s": round(end - started, 1),
                "reading_s": round(reading_s, 1),
                "rendering_s": round(last - started - reading_s, 1),
                "packing_s": round(end - last, 1),
                "peak_mb": _peak_mb(),
                "files_mb": round(sum(files.values()) / 1e6),
                "largest_files_mb": {
                    name: round(size / 1e6, 1) for name, size in sorted(files.items(), key=lambda file: -file[1])[:6]
                },
            }
        )
    )


if __name__ == "__main__":
    main()
