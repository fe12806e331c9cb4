"""The push side: every figure, in one run.

    python -m bench.push              measures all, and writes docs/performance.md and its raw output
    python -m bench.push --quick      the same with 20,000 devices, in a few minutes, which only prints
    python -m bench.push --parts …    some of it, which only prints

Needs a PostgreSQL server (`make services`); ALENTOURS_TEST_POSTGRESQL_URL names another one than that on this machine.
Its databases are its own, and go afterwards.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import push_alerts, push_clients, push_double, push_product, report
from bench.push_double import Double, running_double
from bench.push_report import push_section
from bench.push_store import KINDS, residents
from bench.residents import Groups

SIZES, QUICK_SIZES = (200_000, 1_000_000), (10_000, 20_000)
MESSAGES, QUICK_MESSAGES = (100_000, 3_000), (20_000, 1_000)
"""Messages of our transport and of libcurl, and of `send_each`, in each round."""
GROUPS, QUICK_GROUPS = Groups(6, 1_000), Groups(3, 200)
PARTS = ("clients", *KINDS)


def main() -> None:
    """Measure what is asked for."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true")
    options.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS))
    asked = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-push-", ignore_cleanup_errors=True) as folder:
        results = measure(Path(folder), parts=asked.parts, quick=asked.quick)
    if asked.parts != list(PARTS):
        print(json.dumps(results, indent=1))
    elif asked.quick:
        print(push_section(results))
    else:
        print(report.write("push", results))


def measure(folder: Path, *, parts: list[str], quick: bool) -> dict[str, Any]:
    """Measure parts; all against one double."""
    started_s = time.monotonic()
    results: dict[str, Any] = {
        "machine": report.machine(report.PUSH_PACKAGES),
        "setting": {
            "latency_ms": round(1000 * push_double.LATENCY_S),
            "validate_every": push_double.VALIDATE_EVERY,
            "raised_rate_per_s": push_product.RAISED_RATE_PER_S,
            "connections": push_product.CONNECTIONS,
            "first_seconds": push_product.FIRST_SECONDS,
            "rate_per_s": push_alerts.RATE_PER_S,
        },
        "stores": {},
    }
    with running_double(folder) as double:
        if "clients" in parts:
            _say("clients")
            messages, sent_each = QUICK_MESSAGES if quick else MESSAGES
            results["clients"] = push_clients.measure(double, messages=messages, sent_each=sent_each)
        for kind in KINDS:
            if kind in parts:
                results["stores"][kind] = _measure_store(kind, double, folder, quick=quick)
    results["took_s"] = round(time.monotonic() - started_s)
    return results


def _measure_store(kind: str, double: Double, folder: Path, *, quick: bool) -> dict[str, Any]:
    groups = QUICK_GROUPS if quick else GROUPS
    found: dict[str, Any] = {"waves": []}
    sizes = QUICK_SIZES if quick else SIZES
    for devices in sizes:
        _say(f"{kind}: {devices:,} residents")
        with residents(kind, folder, devices=devices, groups=groups) as made:
            if devices == sizes[-1]:
                _say(f"{kind}: planning")
                found["planning"] = push_product.plan_alone(made)
                _say(f"  {found['planning']}")
            _say(f"{kind}: a wave")
            found["waves"].append(push_product.send_wave(made, double, folder))
            _say(f"  { {name: value for name, value in found['waves'][-1].items() if name != 'rss_mb'} }")
            if devices == sizes[-1]:
                _say(f"{kind}: alerts")
                found["alerts"] = push_alerts.measure(made, double, folder, groups=groups)
                _say(f"  {found['alerts']}")
    return found


def _say(what: str) -> None:
    """Tell who waits; figures too, in case that a later part fails."""
    print(f"{time.strftime('%H:%M:%S')} … {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
