"""The trips side: every figure, in one run of a few minutes.

python -m bench.mobility              measures all, and writes docs/performance.md and its raw output
python -m bench.mobility --quick      the same with a city of 2,000 junctions and few questions, which only prints
python -m bench.mobility --sizes N …  generated cities of other sizes, which only prints
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import mobility_memory, report
from bench.mobility_graphs import Built, build_graphs
from bench.mobility_report import mobility_section
from bench.mobility_run import Counts, measure

SIZES, QUICK_SIZES = (30_000, 100_000), (2_000,)
QUICK = Counts(pairs=10, trips=10, frontiers=1, matrices=3)
TRIPS_WEIGHED = 100


def main() -> None:
    """Measure what is asked for."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true")
    options.add_argument("--sizes", nargs="*", type=int)
    asked = options.parse_args()
    sizes = tuple(asked.sizes or (QUICK_SIZES if asked.quick else SIZES))
    with tempfile.TemporaryDirectory(prefix="bench-mobility-") as folder:
        results = measure_all(Path(folder), sizes=sizes, counts=QUICK if asked.quick else Counts())
    print(mobility_section(results) if asked.quick or asked.sizes else report.write("mobility", results))


def measure_all(
    folder: Path, *, sizes: tuple[int, ...], counts: Counts, real: bool = True, trips_weighed: int = TRIPS_WEIGHED
) -> dict[str, Any]:
    """Measure on every network. `real`: also on the sample and on the streets of Hash Code."""
    started_s = time.monotonic()
    results: dict[str, Any] = {"machine": report.machine(report.MOBILITY_PACKAGES), "graphs": []}
    for built in build_graphs(folder, sizes=sizes, real=real):
        results["graphs"].append(_measured(built, counts, trips_weighed) if isinstance(built, Built) else built)
        print(f"{time.strftime('%H:%M:%S')} … {results['graphs'][-1]}", file=sys.stderr, flush=True)
    results["took_s"] = round(time.monotonic() - started_s)
    return results


def _measured(built: Built, counts: Counts, trips: int) -> dict[str, Any]:
    return {
        "name": built.name,
        "build_s": {part: round(seconds, 2) for part, seconds in built.seconds.items()},
        "pbf_mb": built.file_mb,
        "files_mb": round(sum(path.stat().st_size for path in built.version.iterdir()) / 1e6, 1),
        **measure(built.network, counts),
        "memory": mobility_memory.weigh(built.version, trips=trips),
    }


if __name__ == "__main__":
    main()
