"""What is promised of slots, against what was measured; and, where it is missed, why."""

from __future__ import annotations

from typing import Any

from bench.targets import Target

PER_S, CHEAPER, SEARCH_MS, FLAT_MB = 20_000, 50, 20, 64
WHY: dict[str, str] = {
    "many": "Each publisher is looked for, read and stored by itself, in transactions of its own, and its place is "
    "brought to a commune; the threads take turns at Python's lock and at SQLite's one writer.",
    "one": "One thread parses, stages and stores: Python is the limit.",
    "again": "What an unchanged publisher costs is finding it due, one question, and one row written: the first "
    "reading of a small publisher is not much more than that.",
    "search": "A search that fits many calendars in a wide area looks at the first slot of each of them.",
    "flat": "Places and calendars are kept in memory while a publisher is read, as they must be to know whose slots "
    "are whose; slots are not.",
}
"""Target -> why it is missed and what the limit is. Shown only where the figures say that it is missed."""


def growth_mb(run: dict[str, Any]) -> float:
    """By how much memory grew from the second quarter of the reading to the last."""
    quarters: list[float] = run["memory"]["quarters_mb"]
    return round(quarters[-1] - quarters[1], 1)


def rate(run: dict[str, Any]) -> float:
    """Slots a second of the first reading."""
    return float(run["slots"] / run["first_s"])


def ratio(run: dict[str, Any]) -> float:
    """How many times cheaper it is to ask again when nothing changed."""
    return float(run["first_s"] / run["again_s"])


def slots_targets(results: dict[str, Any]) -> list[Target]:
    """Judge the figures of a run, each by its worst."""
    many, one = results["many"], results["one"]
    worst = max(results["asked"]["cases"], key=lambda case: case["search"]["p99_ms"])
    return [
        *(
            Target(
                id_,
                f"slots/s read into SQLite for the first time, {run['slots']:,} of {run['publishers']:,} "
                f"publisher{'s' if run['publishers'] > 1 else ''}",
                f"≥ {PER_S:,}",
                f"{rate(run):,.0f}",
                rate(run) >= PER_S,
            )
            for id_, run in (("many", many), ("one", one))
        ),
        Target(
            "again",
            f"asking {many['publishers']:,} publishers again when nothing changed, times cheaper",
            f"≥ {CHEAPER}",
            f"{ratio(many):,.0f}",
            ratio(many) >= CHEAPER,
        ),
        Target(
            "search",
            "a search in process, 99 %",
            f"≤ {SEARCH_MS} ms",
            f"{worst['search']['p99_ms']:.1f} ms at worst ({worst['name']})",
            worst["search"]["p99_ms"] <= SEARCH_MS,
        ),
        Target(
            "flat",
            f"memory while one publisher of {one['slots']:,} slots is read, from the second quarter to the last",
            f"≤ + {FLAT_MB} MB",
            f"{growth_mb(one):+.0f} MB",
            growth_mb(one) <= FLAT_MB,
        ),
    ]
