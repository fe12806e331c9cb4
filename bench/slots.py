"""Slots: reading, searching, handing over, in one run.

python -m bench.slots                 measures all, and writes docs/performance.md and its raw output
python -m bench.slots --quick         the same with 10,000 slots of 20 publishers and few questions, which only prints
python -m bench.slots --slots N --publishers N
                                      other sizes, which only prints
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import report, slots_ask, slots_ingest
from bench.slots_files import Size
from bench.slots_report import slots_section


@dataclass(frozen=True, slots=True)
class Counts:
    """How many questions of each kind, and how many handoffs."""

    questions: int = 1_000
    handoffs: int = 5_000


FULL, QUICK = Size(publishers=2_000, slots=1_000_000), Size(publishers=20, slots=10_000)
FEW = Counts(questions=50, handoffs=100)


def main() -> None:
    """Measure what is asked for."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true")
    options.add_argument("--slots", type=int)
    options.add_argument("--publishers", type=int)
    asked = options.parse_args()
    usual = QUICK if asked.quick else FULL
    size = Size(publishers=asked.publishers or usual.publishers, slots=asked.slots or usual.slots)
    with tempfile.TemporaryDirectory(prefix="bench-slots-") as folder:
        results = measure_all(Path(folder), size=size, counts=FEW if asked.quick else Counts())
    print(slots_section(results) if size != FULL else report.write("slots", results))


def measure_all(folder: Path, *, size: Size, counts: Counts) -> dict[str, Any]:
    """Measure as many slots of many publishers as of one, then ask of the former."""
    started_s = time.monotonic()
    results: dict[str, Any] = {"machine": report.machine(report.SLOTS_PACKAGES)}
    for name, publishers in (("one", 1), ("many", size.publishers)):
        part = folder / name
        part.mkdir()
        results[name] = slots_ingest.measure(part, Size(publishers=publishers, slots=size.slots))
        _say(results[name])
    results["asked"] = slots_ask.measure(folder / "many", questions=counts.questions, handoffs=counts.handoffs)
    _say(results["asked"])
    results["took_s"] = round(time.monotonic() - started_s)
    return results


def _say(found: dict[str, Any]) -> None:
    print(f"{time.strftime('%H:%M:%S')} … {found}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
