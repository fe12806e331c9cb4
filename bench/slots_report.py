"""The section about slots in docs/performance.md."""

from __future__ import annotations

from typing import Any

from bench.markdown import machine_line, paragraphs, section, table
from bench.slots_targets import WHY, rate, ratio, slots_targets
from bench.targets import targets_table

_HOW = (
    "`bench/slots.py`: synthetic publishers of SMART Scheduling Links, a practice of five calendars for each 500 "
    "slots, where the people of France live. Their files lie in a folder and reach the product's reader through a "
    "transport inside the process, so that no server shares the cores; manifest, conditional questions, limits and "
    "digests are as ever. Everything below was measured in one run, in {took_s:,} s."
)


def slots_section(results: dict[str, Any]) -> str:
    """Render what bench/slots.py measured."""
    return section(
        "Slots",
        _HOW.format(took_s=results["took_s"]),
        machine_line(results["machine"]),
        targets_table(slots_targets(results), WHY),
        _reading(results["many"], results["one"]),
        _searching(results["asked"]),
        _handing_over(results["asked"]["handoffs"]),
    )


def _reading(*runs: dict[str, Any]) -> str:
    rows = [
        (
            f"{run['publishers']:,}",
            f"{run['slots']:,}",
            f"{run['published_mb']:,}",
            f"{run['first_s']:,.1f}",
            f"{rate(run):,.0f}",
            f"{run['again_s']:,.2f}",
            f"{ratio(run):,.0f}",
            f"{run['memory']['before_mb']:,.0f}, {run['memory']['peak_mb']:,.0f}",
            ", ".join(f"{mean:,.0f}" for mean in run["memory"]["quarters_mb"]),
            f"{run['database_mb']:,}",
        )
        for run in runs
    ]
    return paragraphs(
        "### Reading",
        "Into an empty SQLite database with the communes of France, by the threads of the background process, in a "
        "process of its own; then all are due again, and nothing has changed. Memory: that of the process (RSS), "
        "before and at most, and the mean of each quarter of the time.",
        table(
            (
                "publishers",
                "slots",
                "MB published",
                "first, s",
                "slots/s",
                "again, s",
                "times cheaper",
                "memory before, at most, MB",
                "by quarter, MB",
                "database, MB",
            ),
            rows,
        ),
    )


def _searching(asked: dict[str, Any]) -> str:
    rows = [
        (
            case["name"],
            f"{case['found']:.1f}",
            *(f"{case[where][share]:.2f}" for where in ("search", "route") for share in ("p50_ms", "p99_ms")),
        )
        for case in asked["cases"]
    ]
    return paragraphs(
        "### Searching",
        f"{asked['questions']:,} questions of each kind, for 20 slots of the coming week, each from a position of its "
        "own, on the slots of the many publishers. In process: from the question to the slots with all that belongs to "
        "them. Through the app: the whole answer, without a network.",
        table(
            ("question", "slots found", "in process, p50, ms", "p99, ms", "through the app, p50, ms", "p99, ms"), rows
        ),
    )


def _handing_over(found: dict[str, Any]) -> str:
    rows = [
        (name, f"{each['per_s']:,.0f}", f"{each['p50_ms']:.2f}", f"{each['p99_ms']:.2f}", _part(each, found))
        for name, each in (
            ("`POST /v1/teleconsultations/handoffs`", found["made"]),
            ("`GET /h/{token}`", found["followed"]),
            ("the constant route, `GET /healthz`", found["constant"]),
        )
    ]
    return paragraphs(
        "### Handing over",
        f"{found['count']:,} handoffs to a slot each, made and then followed, one after the other in one thread, "
        "through the app without a network, into the same SQLite database.",
        table(("request", "a second", "p50, ms", "p99, ms", "of the constant route"), rows),
    )


def _part(each: dict[str, float], found: dict[str, Any]) -> str:
    return f"{each['per_s'] / found['constant']['per_s']:.3f}"
