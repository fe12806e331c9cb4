"""What is promised of the directory, against what was measured; and, where it is missed, why."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any, NamedTuple

from bench.markdown import paragraphs, table

P50_US, P99_US, OF_CONSTANT, OF_BARE, REBUILD_S, WORKER_MB = 50, 300, 0.6, 0.5, 20, 30

_A_QUESTION = (
    "A question is over three times the work of the constant route; the table at the end of “Over HTTP” says "
    "where. Reading the arguments and two compiled searches (what is open, what is of unknown hours: about 20 µs each) "
    "leave about 0.5 at best; what lies between is Python around them: objects for 25 places, the notices, the cursor, "
    "joining the parts. Within a request a part takes up to 1.8 times what it takes alone, since the parts push each "
    "other out of the processor's caches: that is most of “the rest”."
)
WHY: dict[str, str] = {
    "constant": _A_QUESTION,
    "bare": "The same; and the constant route of the app, with its logs, headers and limits, is itself a part of bare "
    "Flask only.",
    "memory": "The worse of two differences counts, and they scatter by some thirty megabytes, as the worker without "
    "directory and kernel does from one worker to the next: how much of what is shared since before the fork a worker "
    "has written to when it is weighed is chance. Their mean is what a further worker costs.",
    "rebuild": "Two processes read five million rows through Python, each row for a microsecond or two, and make a "
    "million places of them; with two cores that is most of it. More cores read more parts side by side (up to four); "
    "schedules, trees and writing the files take the rest, one after the other.",
}
"""Target -> why it is missed and what the limit is. Shown only where the figures say that it is missed."""


class Target(NamedTuple):
    """A promise, in words, and whether it is kept."""

    id: str
    text: str
    wanted: str
    measured: str
    met: bool


def targets_table(found: list[Target], why: Mapping[str, str]) -> str:
    """Render targets; of those missed, why they are."""
    rows = [(each.text, each.wanted, each.measured, "yes" if each.met else "**no**") for each in found]
    missed = [f"- *{each.text}*: {why[each.id]}" for each in found if not each.met and each.id in why]
    text = table(("target", "wanted", "measured", "met"), rows)
    reasons = ["Why a target is missed, and what the limit is:", "\n".join(missed)] if missed else []
    return paragraphs(text, *reasons)


def targets(results: dict[str, Any]) -> list[Target]:
    """Judge the figures of a run, each by its worst."""
    searches = [each for each in (*results["in_process"], results["hardest"]) if not each["whole"]]
    p50, p99 = max(searches, key=lambda each: each["p50_us"]), max(searches, key=lambda each: each["p99_us"])
    agreed, built = results["agreement"], results["rebuild"]
    further = zip(results["memory"]["with"]["further_mb"], results["memory"]["without"]["further_mb"], strict=True)
    beyond = [have - without for have, without in further]
    of_constant = _ratios(results, "constant route, same app")
    of_bare = _ratios(results, "bare Flask")
    return [
        Target(
            "p50",
            "in process, median, every filter included",
            f"≤ {P50_US} µs",
            f"{p50['p50_us']:,.0f} µs at worst ({p50['name']})",
            p50["p50_us"] <= P50_US,
        ),
        Target(
            "p99",
            "in process, 99 %, every filter included",
            f"≤ {P99_US} µs",
            f"{p99['p99_us']:,.0f} µs at worst ({p99['name']})",
            p99["p99_us"] <= P99_US,
        ),
        Target(
            "constant",
            "requests/s, open now, to the same app's constant route",
            f"≥ {OF_CONSTANT}",
            _each(of_constant),
            min(of_constant.values()) >= OF_CONSTANT,
        ),
        Target(
            "bare",
            "requests/s, open now, to bare Flask",
            f"≥ {OF_BARE}",
            _each(of_bare),
            min(of_bare.values()) >= OF_BARE,
        ),
        Target(
            "rebuild",
            "rebuild from the tables",
            f"≤ {REBUILD_S} s",
            f"{built['cold_s']:.1f} s",
            built["cold_s"] <= REBUILD_S,
        ),
        Target(
            "memory",
            "each further worker, beyond the same without directory and kernel",
            f"≤ {WORKER_MB} MB",
            " and ".join(f"{value:.0f}" for value in beyond) + " MB",
            max(beyond) <= WORKER_MB,
        ),
        Target(
            "agreement",
            "answers equal to brute force",
            "all",
            f"{agreed['agree']:,} of {agreed['queries']:,}",
            agreed["agree"] == agreed["queries"],
        ),
    ]


def _ratios(results: dict[str, Any], to: str) -> dict[int, float]:
    """Give, by number of workers, the requests/s of "open now" as a share of another route's."""
    found = {}
    for run in results["http"]:
        rounds = run["rounds"]
        rate = {name: statistics.median(each["requests_per_second"] for each in rounds[name]) for name in rounds}
        found[run["workers"]] = rate["nearest, k = 20, pharmacies open now"] / rate[to]
    return found


def _each(ratios: dict[int, float]) -> str:
    return ", ".join(f"{ratio:.2f} ({n} worker{'s' * (n > 1)})" for n, ratio in ratios.items())
