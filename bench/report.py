"""docs/performance.md, written from whichever raw outputs lie beside it; each says on which machine it was measured."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.markdown import machine_line, paragraphs, section, table
from bench.mobility_report import mobility_section
from bench.push_report import push_section
from bench.slots_report import slots_section
from bench.targets import WHY, targets, targets_table

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "performance.md"
RAW = ROOT / "docs" / "performance"
_PACKAGES = ("flask", "flask-smorest", "granian", "numba", "numpy", "orjson", "sqlalchemy")
PUSH_PACKAGES = ("firebase-admin", "psycopg", "pycurl", "sqlalchemy")
MOBILITY_PACKAGES = ("igraph", "numba", "numpy", "osmium", "scipy", "shapely")
SLOTS_PACKAGES = ("flask", "flask-smorest", "httpx", "numpy", "orjson", "sqlalchemy")
_HEAD = """# Performance

Written by `make bench` from the raw output in [performance/](performance/); no test asserts speed.
"""


def machine(packages: Sequence[str] = _PACKAGES) -> dict[str, Any]:
    """Describe the machine, the day, and the packages that matter."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "at": time.strftime("%Y-%m-%d"),
        "cores": os.cpu_count(),
        "cpu": next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown"),
        "memory_gb": round(pages / 1e9),
        "system": _system(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in packages},
    }


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()


def write(name: str, results: dict[str, Any]) -> str:
    """Keep a raw output, and write the page anew from all of them; give the page."""
    RAW.mkdir(parents=True, exist_ok=True)
    (RAW / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    text = page(RAW)
    PAGE.write_text(text, encoding="utf-8")
    return text


def page(raw: Path) -> str:
    """Render the page from the raw outputs in a folder."""
    sections = [_HEAD]
    for name, render in (
        ("push", push_section),
        ("nearest", nearest_section),
        ("mobility", mobility_section),
        ("slots", slots_section),
        ("server", server_section),
    ):
        path = raw / f"{name}.json"
        if path.exists():
            sections.append(render(json.loads(path.read_text(encoding="utf-8"))))
    return "\n".join(sections)


# ---- bench/server.py


def server_section(results: dict[str, Any]) -> str:
    """Render what bench/server.py measured."""
    rounds: dict[str, list[float]] = results["requests_per_second"]
    bare = statistics.median(rounds["granian bare"])
    names = (
        "granian bare",
        "gunicorn sync bare",
        "gunicorn gthread bare",
        "constant route, same app",
        "nearest, k = 20",
    )
    how = (
        f"One worker process, the bundled sample of places, {results['connections']} kept-alive loopback connections "
        f"({results['generator']} makes the load and shares the machine), median of {len(rounds['granian bare'])} "
        f"rounds of {results['seconds']:g} s taken in turn."
    )
    rows = []
    for name in names:
        if name in rounds:
            median = statistics.median(rounds[name])
            rows.append((name, f"{median:,.0f}", f"{median / bare:.2f}"))
        else:
            rows.append((name, "absent", ""))
    return section(
        "The server",
        how,
        machine_line(results["machine"]),
        table(("route", "requests/s", "ratio to granian's bare Flask route"), rows),
    )


# ---- bench/nearest.py


def nearest_section(results: dict[str, Any]) -> str:
    """Render what bench/nearest.py measured."""
    setting = results["setting"]
    how = (
        f"`bench/nearest.py`: {setting['facilities']:,} synthetic facilities, spread as the population of the real "
        f"communes, in {setting['categories']} categories, with {setting['schedules']:,} distinct schedules "
        f"({setting['hours_known_percent']} % of the places tell their hours). The nearest 20, exactly. "
        "Everything below was measured in one run."
    )
    return section(
        "Nearest care among a million places",
        how,
        machine_line(results["machine"]),
        targets_table(targets(results), WHY),
        _in_process(results),
        _over_http(results),
        _directory(results),
        _under_rebuild(results["under_rebuild"]),
    )


def _in_process(results: dict[str, Any]) -> str:
    asked = results["setting"]["questions"]
    rows = [
        (each["name"], f"{each['p50_us']:,.0f}", f"{each['p99_us']:,.0f}", f"{each['p999_us']:,.0f}")
        for each in (*results["in_process"], results["hardest"])
    ]
    minute, agreed, postgis = results["new_minute"], results["agreement"], results["postgis"]
    if "absent" in postgis:
        rows.append(("PostGIS KNN", f"absent: {postgis['absent']}", "", ""))
    else:
        rows += [
            (f"PostGIS KNN: {name}", f"{each['p50_us']:,.0f}", f"{each['p99_us']:,.0f}", "")
            for name, each in postgis["rows"].items()
        ]
    texts = paragraphs(
        "### In one process",
        f"{asked:,} questions of each kind, each from a position of its own, drawn as the population lives.",
        table(("question", "p50, µs", "p99, µs", "p99.9, µs"), rows),
        "The last of our own rows is the hardest found: a large category of which hardly a place fits, if any. "
        f"The first question of a minute also works out the states of that minute: {minute['p50_us']:,.0f} µs in the "
        f"median, {minute['max_us']:,.0f} µs at worst, between 8 and 12 on a Monday.",
        "Brute force (PROJ's geodesic to every place of the category, hours evaluated by themselves, sorted by "
        f"millimetre and id) gives the same places in the same order for {agreed['agree']:,} of {agreed['queries']:,} "
        f"questions of mixed wishes, also from sea, poles, antimeridian and overseas; of {agreed['places_compared']:,} "
        f"distances {agreed['equal_to_the_millimetre']:,} are equal to the millimetre, all others within one.",
    )
    if "absent" in postgis:
        return texts
    return paragraphs(
        texts,
        f"PostGIS {postgis['version']} on PostgreSQL {postgis['postgresql']}: the same facilities in a database of its "
        "own, partitioned by category with a GiST index on `geography` each, prepared statements, warm, "
        f"{postgis['questions']:,} questions over loopback; without opening hours, which it does not know, and without "
        "an answer around the ids. `<->` orders by a sphere; the first 40, ordered anew by the ellipsoid, give our "
        f"places at our distances for {postgis['agree']:,} of {postgis['compared']:,} questions compared.",
    )


def _over_http(results: dict[str, Any]) -> str:
    runs = (_http_run(run, results["machine"]["cores"]) for run in results["http"])
    return paragraphs("### Over HTTP", *runs, _request(results["request"]))


def _request(parts: dict[str, Any]) -> str:
    rest = parts["nearest_us"] - parts["constant_us"] - parts["find_us"] - parts["join_us"]
    return paragraphs(
        "Where the time of one question goes, of the processor, the app called without a network "
        f"({parts['questions']:,} questions):",
        table(
            ("part", "µs"),
            [
                ("the constant route: what every request costs", f"{parts['constant_us']:.0f}"),
                ("what is asked is found: open, of unknown hours, what is said beside them", f"{parts['find_us']:.0f}"),
                ("the answer is joined from ready-made parts", f"{parts['join_us']:.0f}"),
                ("the rest: reading and checking the arguments, the cursor, a longer answer", f"{rest:.0f}"),
                ("**nearest, k = 20, open now**", f"{parts['nearest_us']:.0f}"),
            ],
        ),
    )


def _http_run(run: dict[str, Any], cores: int) -> str:
    rounds = run["rounds"]
    rate = {name: statistics.median(each["requests_per_second"] for each in rounds[name]) for name in rounds}
    bare, constant = rate["bare Flask"], rate["constant route, same app"]
    rows = [
        (
            name,
            f"{rate[name]:,.0f}",
            f"{statistics.median(each['p50_us'] for each in found) / 1000:,.1f}",
            f"{statistics.median(each['p99_us'] for each in found) / 1000:,.1f}",
            f"{rate[name] / bare:.2f}",
            f"{rate[name] / constant:.2f}",
        )
        for name, found in rounds.items()
    ]
    workers = "One worker process" if run["workers"] == 1 else f"{run['workers']} worker processes"
    return paragraphs(
        f"{workers}; {run['connections']} kept-alive loopback connections; median of {len(rounds['bare Flask'])} "
        f"rounds of {run['seconds']:g} s taken in turn. `{run['generator']}` makes the load, from different positions, "
        f"and shares the machine's {cores} cores. Default log level (one line a request, thrown away); no rate limit, "
        f"since the load is one client. An answer is {run['answer_bytes']:,} bytes.",
        table(("route", "requests/s", "p50, ms", "p99, ms", "ratio to bare", "ratio to constant"), rows),
    )


def _directory(results: dict[str, Any]) -> str:
    built, memory = results["rebuild"], results["memory"]
    largest = ", ".join(f"{name} {size:,.0f} MB" for name, size in built["largest_files_mb"].items())
    rows = [
        (name, *(f"{value:,.0f}" for value in (*memory[which]["totals_mb"], *memory[which]["further_mb"])))
        for which, name in (("with", "with the directory"), ("without", "an empty database: no directory, no kernel"))
    ]
    return paragraphs(
        "### The directory: building and memory",
        f"`alentours care directory` builds it from the tables in {built['cold_s']:.1f} s (the database not in the "
        f"system's memory, the start of the program included). Warm, {built['whole_s']:.1f} s: reading the tables "
        f"{built['reading_s']:.1f}, rendering JSON and collecting columns {built['rendering_s']:.1f}, trees, states "
        f"and writing {built['packing_s']:.1f}. It holds {built['peak_mb']:,} MB at most; its files take "
        f"{built['files_mb']:,} MB ({largest}).",
        "Memory of `alentours serve`, all its processes together (PSS: what they share counts once; mapped files count "
        "where touched), after questions from everywhere, in MB:",
        table(("", "1 worker", "2 workers", "3 workers", "second worker", "third worker"), rows),
    )


def _under_rebuild(run: dict[str, Any]) -> str:
    rows = [
        (
            name,
            f"{result['requests']:,}",
            f"{sum(result['failed'].values()):,}",
            f"{result['p50_us'] / 1000:.1f}",
            f"{result['p99_us'] / 1000:.1f}",
            f"{result['max_us'] / 1000:.0f}",
        )
        for name, result in (("no rebuild", run["quiet"]), ("rebuilding", run["rebuilding"]))
    ]
    served = ", ".join(f"{move['served_after_s']:.0f}" for move in run["rebuilds"])
    return paragraphs(
        "### A rebuild under load",
        f"Two workers, a steady load ({run['connections']} connections, each pausing {run['pause_ms']} ms after an "
        "answer), while a thousand places change and the tables' version moves, again as soon as the new one is "
        f"served: {len(run['rebuilds'])} times, served {served} s after the change. After that and two more, "
        f"{run['versions_left']} of the version folders are left on the disk.",
        table(("", "requests", "failed", "p50, ms", "p99, ms", "longest, ms"), rows),
    )
