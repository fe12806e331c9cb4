"""The directory of a million places: every figure, in one run.

    python -m bench.nearest                          measures all, and writes docs/performance.md and its raw output
    python -m bench.nearest --facilities 2000        a small one, which only prints
    python -m bench.nearest --parts in_process       some of it, which only prints

Needs nothing but the product; PostGIS and wrk (`make services`) are used where they are.
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import inprocess, postgis, rebuild, report, request, served
from bench.synthetic import SEED, open_database, synthetic_database
from citizen_api.care import reading
from citizen_api.care.directory import Directory
from citizen_api.care.directory_files import current_version
from citizen_api.care.keeper import FOLDER, build
from citizen_api.core.clock import system_clock

FACILITIES, QUESTIONS, AGREE_ON = 1_000_000, 10_000, 1_000
DATA = report.ROOT / "var" / "bench"
REBUILDING_S = 240.0


def main() -> None:
    """Measure what is asked for."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--facilities", type=int, default=FACILITIES)
    options.add_argument("--parts", nargs="*", choices=list(PARTS), default=list(PARTS))
    asked = options.parse_args()
    data_dir = synthetic_database(DATA, facilities=asked.facilities)
    results: dict[str, Any] = {"machine": report.machine()}
    for name in asked.parts:
        print(f"… {name}", file=sys.stderr, flush=True)
        results |= PARTS[name](data_dir)
        gc.collect()
    if asked.facilities == FACILITIES and asked.parts == list(PARTS):
        print(report.write("nearest", results))
    elif asked.parts == list(PARTS):
        print(report.nearest_section(results))
    else:
        print(json.dumps(results, indent=1))


def measure_building(data_dir: Path) -> dict[str, Any]:
    """Time the building. First of all: what comes after uses what it built."""
    cold = rebuild.time_command(data_dir)
    return {"rebuild": cold | rebuild.parts(data_dir)}


def measure_in_process(data_dir: Path, *, questions: int = QUESTIONS, agree_on: int = AGREE_ON) -> dict[str, Any]:
    """Time the search, and compare it with brute force."""
    directory, database = open_directory(data_dir), open_database(data_dir)
    now = directory.built_at
    hardest = inprocess.night_case(directory, now)
    results = {
        "setting": inprocess.setting(directory, database) | {"questions": questions, "seed": SEED},
        "in_process": [
            inprocess.measured(directory, case, questions=questions) for case in inprocess.cases(directory, now)
        ],
        "hardest": inprocess.measured(directory, hardest, questions=questions),
        "new_minute": inprocess.new_minute_us(directory, inprocess.next_moment(now, 0, 8)),
        "agreement": inprocess.agreement(directory, database, queries=agree_on, now=now),
    }
    database.engine.dispose()
    return results


def measure_postgis(data_dir: Path) -> dict[str, Any]:
    """Ask PostGIS the same."""
    return {"postgis": postgis.measure(data_dir, open_directory(data_dir), questions=QUESTIONS)}


def measure_http(data_dir: Path) -> dict[str, Any]:
    """Compare requests/s, with one worker and with two; and see where the time of one request goes."""
    parts = request.measure(data_dir, open_directory(data_dir), questions=2_000)
    return {"request": parts, "http": [served.ratios(data_dir, workers=workers) for workers in (1, 2)]}


def measure_memory(data_dir: Path) -> dict[str, Any]:
    """Weigh the workers, with the directory and without."""
    with tempfile.TemporaryDirectory() as empty:
        without = served.memory(Path(empty))
    return {"memory": {"with": served.memory(data_dir), "without": without}}


def measure_rebuilding(data_dir: Path) -> dict[str, Any]:
    """Rebuild under load."""
    with served.copy_of(data_dir) as copy:
        return {"under_rebuild": served.under_rebuild(copy, seconds=REBUILDING_S)}


def open_directory(data_dir: Path) -> Directory:
    """Open the directory of a data folder; built if there is none."""
    version = current_version(data_dir / FOLDER)
    if version is None:
        database = open_database(data_dir)
        version = build(data_dir / FOLDER, lambda: reading.open_places(database), now=system_clock())
        database.engine.dispose()
    directory = Directory.open(version)
    directory.warm_up()
    return directory


PARTS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "building": measure_building,
    "in_process": measure_in_process,
    "postgis": measure_postgis,
    "http": measure_http,
    "memory": measure_memory,
    "rebuilding": measure_rebuilding,
}

if __name__ == "__main__":
    main()
