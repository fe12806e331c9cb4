"""The sheet on which a map is put together, from top to bottom: texts, the pane, the legend."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from citizen_api.mobility.map_style import GROUND, INK, SOFT, WIDTH, stroke
from citizen_api.mobility.map_view import PANE_PX, View
from citizen_api.web.pictures import legible, safe

__all__ = ("MARGIN", "Row", "Sheet", "n", "safe", "scale_bar_m", "text_svg", "wide", "wrapped")

MARGIN: Final = 16
_SYMBOL: Final = 48
"""Room of a symbol of the legend."""
_WIDTHS: Final = {0: 0.54, 700: 0.6}
"""Width of a letter by its weight, in parts of its size: those of a wide face, so that no common one overflows."""
_LONGEST_BAR_PX: Final = 110


def n(value: float) -> str:
    """A number with at most one digit after the point."""
    return f"{value:.1f}".removesuffix(".0").replace("-0.", "-.").removeprefix("0") or "0"


def text_svg(
    text: str, x: float, y: float, size: float, *, ink: str = INK, weight: int = 0, anchor: str = "", more: str = ""
) -> str:
    """One line of text with its foot at `y`; `weight` and `anchor` as in SVG, where they are not the usual ones."""
    more += f' font-weight="{weight}"' if weight else ""
    more += f' text-anchor="{anchor}"' if anchor else ""
    return f'<text x="{n(x)}" y="{n(y)}" font-size="{n(size)}" {ink}{more}>{safe(text)}</text>'


def wrapped(text: str, size: float, room: float, weight: int = 0) -> list[str]:
    """A text cut into lines that fit."""
    return textwrap.wrap(legible(text), max(1, int(room / (size * _WIDTHS[weight]))))


def wide(text: str, size: float, weight: int = 0) -> float:
    """About how wide a text is, in pixels."""
    return len(text) * size * _WIDTHS[weight]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the legend: a `symbol` drawn around (0, 0), within 40 x 24 px, and words. No symbol: a heading."""

    symbol: str
    text: str


@dataclass(slots=True)
class Sheet:
    """Draws from top to bottom; `y` is where the next thing begins."""

    parts: list[str] = field(default_factory=list)
    y: float = 8.0

    def lines(self, text: str, *, size: float, ink: str = INK, weight: int = 0) -> None:
        """A text in as many lines as it needs."""
        for line in wrapped(text, size, WIDTH - 2 * MARGIN, weight):
            self.y += size * 1.25
            self.parts.append(text_svg(line, MARGIN, self.y, size, ink=ink, weight=weight))
        self.y += size * 0.4

    def notice(self, text: str) -> None:
        """A note that must be seen first."""
        lines = wrapped(text, 14, WIDTH - 2 * MARGIN - 24, 700)
        self.parts.append(
            f'<rect x="{MARGIN}" y="{n(self.y)}" width="{WIDTH - 2 * MARGIN}" height="{18 * len(lines) + 14}" rx="8" '
            f'{stroke("i")} stroke-width="2"/>'
        )
        for count, line in enumerate(lines, 1):
            self.parts.append(text_svg(line, MARGIN + 12, self.y + 18 * count + 3, 14, weight=700))
        self.y += 18 * len(lines) + 20

    def pane(self, view: View, parts: Sequence[str]) -> None:
        """The map itself; what reaches over its edge is cut."""
        self.parts.append(
            f'<svg x="{PANE_PX.margin}" y="{n(self.y)}" width="{view.width}" height="{view.height}">'
            f'<rect {GROUND} width="{view.width}" height="{view.height}"/>{"".join(parts)}</svg>'
        )
        self.y += view.height

    def foot(self, view: View, attribution: str) -> None:
        """Scale bar and attribution, below the pane where they hide nothing."""
        bar_m = scale_bar_m(view.m_per_px * _LONGEST_BAR_PX)
        bar, said = bar_m / view.m_per_px, f"{bar_m / 1000:g} km" if bar_m >= 1000 else f"{bar_m:g} m"  # noqa: PLR2004
        x, y = PANE_PX.margin + 4, self.y + 14
        self.parts.append(f'<path d="M{n(x)} {n(y - 5)}v6h{n(bar)}v-6" {stroke("i")} stroke-width="2"/>')
        self.parts.append(text_svg(said, x + bar + 6, y + 2, 12))
        room = WIDTH - PANE_PX.margin - (x + bar + 6 + wide(said, 12)) - 12
        for line in wrapped(attribution, 12, room):
            self.parts.append(text_svg(line, WIDTH - PANE_PX.margin - 2, y + 2, 12, ink=SOFT, anchor="end"))
            y += 15
        self.y = max(y, self.y + 29) + 2

    def row(self, row: Row) -> None:
        """A row of the legend."""
        if not row.symbol:
            self.lines(row.text, size=14, weight=700)
            return
        lines = wrapped(row.text, 14, WIDTH - MARGIN - _SYMBOL - 18)
        self.parts.append(f'<g transform="translate({MARGIN + 18} {n(self.y + 14)})">{row.symbol}</g>')
        for count, line in enumerate(lines):
            self.parts.append(text_svg(line, MARGIN + _SYMBOL, self.y + 19 + 18 * count, 14))
        self.y += max(28, 18 * len(lines) + 10)


def scale_bar_m(most_m: float) -> float:
    """The longest round distance (1, 2 or 5 and zeros) that is not longer than `most_m`; at least a metre."""
    tens = 1.0
    while tens * 10 <= most_m:
        tens *= 10
    return max(step * tens for step in (1, 2, 5) if step == 1 or step * tens <= most_m)
