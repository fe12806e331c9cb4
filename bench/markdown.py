"""The few pieces of Markdown of which docs/performance.md is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def machine_line(found: dict[str, Any]) -> str:
    """Say on which machine something was measured, and with which packages."""
    packages = ", ".join(f"{name} {number}" for name, number in found["packages"].items())
    return (
        f"{found['at']}, {found['cores']} cores ({found['cpu']}), {found['memory_gb']} GB, {found['system']}, "
        f"Python {found['python']}, {packages}."
    )


def section(title: str, *texts: str) -> str:
    """Put texts under a title."""
    return paragraphs(f"## {title}", *texts) + "\n"


def paragraphs(*texts: str) -> str:
    """Put texts one below the other."""
    return "\n\n".join(texts)


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Make a table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)
