"""What bench/push.py measured, as docs/performance.md tells it."""

from __future__ import annotations

import statistics
from typing import Any

from bench.markdown import machine_line, paragraphs, section, table
from bench.push_targets import NAMES, WHY, p99_ratio, push_targets
from bench.targets import targets_table


def push_section(results: dict[str, Any]) -> str:
    """Render what bench/push.py measured."""
    setting = results["setting"]
    how = (
        f"`bench/push.py`: everything below was measured in one run, against the same double of FCM, a process of its "
        f"own on the same machine: TLS, HTTP/2 (`send_each` speaks HTTP/1.1), {setting['latency_ms']} ms before each "
        f"answer, one message in {setting['validate_every']} checked against Google's own description."
    )
    return section(
        "Push",
        how,
        machine_line(results["machine"]),
        targets_table(push_targets(results), WHY),
        _clients(results["clients"]),
        _waves(results),
        _alerts(results),
    )


def _clients(found: dict[str, Any]) -> str:
    rates = found["messages_per_s"]
    middle = {name: statistics.median(each) for name, each in rates.items()}
    rows = []
    for name, each in rates.items():
        client, _, connections = name.partition(", ")
        curl = middle.get(f"libcurl, {connections}")
        rows.append(
            (
                name,
                f"{middle[name]:,.0f}",
                f"{min(each):,.0f} to {max(each):,.0f}",
                f"{middle[name] / middle['send_each']:.1f}",
                f"{middle[name] / curl:.2f}" if curl and client == "transport" else "",
            )
        )
    rounds = len(rates["send_each"])
    return paragraphs(
        "### The transport alone",
        f"The same {found['messages']:,} messages of {found['body_bytes']:,} bytes ({found['sent_each']:,} for "
        f"`send_each`, 500 a call), connections and access token warm, median of {rounds} rounds taken in turn. With "
        "100 streams on each and this latency, 8 connections carry 16,000 messages/s at most, 16 carry 32,000.",
        table(("client", "messages/s", "least to most", "to send_each", "to libcurl"), rows),
    )


def _waves(results: dict[str, Any]) -> str:
    setting, rows = results["setting"], []
    for kind, found in results["stores"].items():
        for wave in found["waves"]:
            memory = "too short" if wave["least_rss_mb"] is None else _memory(wave)
            rows.append(
                (
                    NAMES[kind],
                    f"{wave['messages']:,}",
                    f"{wave['messages_per_s']:,.0f}",
                    f"{wave['first_acceptance_s']:.2f}",
                    f"{wave['planned_s']:.1f}",
                    f"{wave['settled_s']:.1f}",
                    memory,
                )
            )
    alone = [
        f"{found['planning']['planned_s']:.1f} s on {NAMES[kind]} (the first slice after "
        f"{found['planning']['first_slice_s']:.2f} s)"
        for kind, found in results["stores"].items()
    ]
    return paragraphs(
        "### The whole product",
        f"`alentours background` with the embedded engine, its rate raised to {setting['raised_rate_per_s']:,}/s, "
        f"{setting['connections']} connections. Facts about all communes of France come in; it notices them, plans the "
        "wave, writes and sends each message, and settles each in the ledger, which balances at the end. Messages/s: "
        "from the first to the last acceptance, as the double counts them; the planning goes on at the same time. "
        "Seconds are from the wave's opening. Memory: that of the process (RSS), least and most after the first "
        f"{setting['first_seconds']} s of sending.",
        table(
            ("database", "messages", "messages/s", "first acceptance, s", "planned, s", "settled, s", "memory, MB"),
            rows,
        ),
        f"Planning by itself, nothing sent meanwhile: {', '.join(alone)}.",
    )


def _memory(wave: dict[str, Any]) -> str:
    return f"{wave['least_rss_mb']:.0f} to {wave['most_rss_mb']:.0f}"


def _alerts(results: dict[str, Any]) -> str:
    setting, rows = results["setting"], []
    for kind, found in results["stores"].items():
        for name, title in (("idle", "idle"), ("busy", "in a campaign")):
            each = found["alerts"][name]
            ratio = f"{p99_ratio(found['alerts']):.2f}" if name == "busy" else ""
            rows.append((NAMES[kind], title, *(_median_and_most(each, key) for key in ("first_s", "p99_s")), ratio))
    alerts = next(iter(results["stores"].values()))["alerts"]
    return paragraphs(
        "### An alert while a campaign is sent",
        f"{len(alerts['idle'])} alerts to {alerts['devices']:,} devices each, one after the other, on an idle system, "
        f"and while a campaign of {alerts['messages']:,} messages is being sent, at the default rate of "
        f"{setting['rate_per_s']:,}/s. Seconds from the opening of the alert's wave: the median of the alerts, and in "
        "brackets the worst.",
        table(("database", "system", "first acceptance, s", "99 % of the acceptances, s", "ratio to idle"), rows),
    )


def _median_and_most(each: list[dict[str, float]], name: str) -> str:
    values = [one[name] for one in each]
    return f"{statistics.median(values):.2f} ({max(values):.2f})"
