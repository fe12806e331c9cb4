"""The air of a commune as a picture: an SVG document drawn for 390 px, in light and dark, with words beside colours.

Every colour stands beside a number, a word and a row of filled steps; what is unknown is hatched, with a "?". Where a
browser refuses the style sheet, the light colours of the attributes remain.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from citizen_api.web.pictures import GROWS, legible, policy_for, safe

WIDTH: Final = 390
_MARGIN: Final = 16
_INNER: Final = WIDTH - 2 * _MARGIN
_WIDTHS: Final = {0: 0.54, 700: 0.66}
"""Width of a letter by its weight, in parts of its size: those of a wide face, so that no common one overflows."""
_BLACK, _WHITE = "#000000", "#FFFFFF"
_HATCH: Final = "url(#hatch)"
_TALLEST: Final = 90
_STRIP: Final = 18
_LINEAR: Final = 0.04045
_COLOUR: Final = re.compile(r"#[0-9A-Fa-f]{6}")

_PAPER = 'class="p" fill="#FFFFFF"'
_PANEL = 'class="q" fill="#F1F2F4"'
_INK = 'class="i" fill="#1B1C1F"'
_SOFT = 'class="s" fill="#55575E"'
_LINE = 'class="l" stroke="#1B1C1F"'
STYLE: Final = (
    f".a{{{GROWS}}}"
    "@media(prefers-color-scheme:dark){.a{background:#14161A}"
    ".p{fill:#14161A}.q{fill:#22252B}.i{fill:#F2F3F5}.s{fill:#B4B8C0}.l{stroke:#F2F3F5}.h{fill:#3A3E46}.k{stroke:#8A909A}}"
)
"""The style sheet of every drawing, always the same, so that a policy can name it by its hash."""
CONTENT_SECURITY_POLICY: Final = policy_for(STYLE)
"""What an answer of image/svg+xml sends: nothing is loaded, nothing runs, and only this style sheet holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A level with its words. `level` None: not known; `word` then says so and `colour` is not used.

    `detail`: a line more, such as the pollutant that makes it.
    """

    label: str
    level: int | None
    most: int
    word: str
    colour: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """An hour of the curve. Only hours with a label have one below; None is unknown."""

    label: str = ""
    value_ug_m3: float | None = None
    level: int | None = None
    colour: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AirCard:
    """What is drawn, all words in one language. `now`: the large cell; `days`: the columns below it, today first.

    `hours_title` stands above the curve, `rows` are other hazards, `notices` go first, `sources` last, line by line.
    """

    language: str
    commune: str
    heading: str
    now: Cell
    days: Sequence[Cell] = ()
    hours_title: str = ""
    hours: Sequence[Hour] = ()
    rows: Sequence[Cell] = ()
    sources: Sequence[str] = ()
    notices: Sequence[str] = ()


def draw(card: AirCard) -> str:
    """An SVG document, below 12 kB for a day of hours. ValueError for a colour that is not written like #50F0E6."""
    sheet = _Sheet()
    for notice in card.notices:
        sheet.notice(notice)
    sheet.lines(card.commune, size=24, weight=700)
    sheet.lines(card.heading, size=15, ink=_SOFT)
    sheet.y += 4
    sheet.cells([card.now], number=60, word=25, detail=16)
    sheet.cells(card.days, number=36, word=15, detail=13)
    if card.hours:
        sheet.lines(card.hours_title, size=15, weight=700)
        sheet.curve(card.hours)
    for row in card.rows:
        sheet.row(row)
    for source in card.sources:
        sheet.lines(source, size=12, ink=_SOFT)
    height = round(sheet.y + _MARGIN)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="a" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" aria-labelledby="air-title air-desc" lang="{safe(card.language)}" '
        'font-family="system-ui,-apple-system,Roboto,Arial,sans-serif">'
        f'<title id="air-title">{safe(f"{card.commune} · {card.heading}")}</title>'
        f'<desc id="air-desc">{safe(_described(card))}</desc><style>{STYLE}</style>'
        '<defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect class="h" width="7" height="7" fill="#DCDEE2"/>'
        '<path class="k" d="M0 0V7" stroke="#70747C" stroke-width="3"/></pattern></defs>'
        f'<rect {_PAPER} width="{WIDTH}" height="{height}"/>{"".join(sheet.parts)}</svg>'
    )


def text_on(colour: str) -> str:
    """Black or white, whichever is read better on a colour."""
    return max((_BLACK, _WHITE), key=lambda ink: contrast(ink, colour))


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours like #50F0E6, 1 to 21 (WCAG 2.2). ValueError for what is no such colour."""
    dark, light = sorted(map(_luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    if not _COLOUR.fullmatch(colour):
        raise ValueError(f"not a colour: {colour!r}")
    shares = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (x / 12.92 if x <= _LINEAR else ((x + 0.055) / 1.055) ** 2.4 for x in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _said(level: int | None) -> str:
    return "?" if level is None else str(level)


def _described(card: AirCard) -> str:
    """The picture in words, for those who hear it."""
    cells = [
        f"{cell.label} {_said(cell.level)}/{cell.most} {cell.word} {cell.detail}".strip()
        for cell in (card.now, *card.days, *card.rows)
    ]
    return " ".join(f"{said.rstrip('.')}." for said in (*card.notices, *cells, *card.sources))


def _wrapped(text: str, size: float, room: float, weight: int = 0) -> list[str]:
    return textwrap.wrap(legible(text), max(1, int(room / (size * _WIDTHS[weight]))))


@dataclass(frozen=True, slots=True)
class _Look:
    """How a level is painted: its fill, and the ink of what stands on it. What is unknown is hatched."""

    fill: str
    ink: str

    @classmethod
    def of(cls, level: int | None, colour: str | None) -> _Look:
        if level is None or colour is None:
            return cls(_HATCH, _INK)
        return cls(colour, f'fill="{text_on(colour)}"')

    @property
    def line(self) -> str:
        """The ink as an outline."""
        return _LINE if self.ink == _INK else self.ink.replace("fill", "stroke")


@dataclass(slots=True)
class _Sheet:
    """Draws from top to bottom; `y` is where the next thing begins."""

    parts: list[str] = field(default_factory=list)
    y: float = _MARGIN

    def text(
        self, text: str, x: float, y: float, size: float, *, ink: str = _INK, weight: int = 0, anchor: str = ""
    ) -> None:
        """One line of text with its foot at `y`; `weight` and `anchor` as in SVG, where they are not the usual ones."""
        more = f' font-weight="{weight}"' if weight else ""
        more += f' text-anchor="{anchor}"' if anchor else ""
        self.parts.append(f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}" {ink}{more}>{safe(text)}</text>')

    def lines(self, text: str, *, size: float, ink: str = _INK, weight: int = 0) -> None:
        """A text in as many lines as it needs."""
        for line in _wrapped(text, size, _INNER, weight):
            self.y += size * 1.25
            self.text(line, _MARGIN, self.y, size, ink=ink, weight=weight)
        self.y += size * 0.4

    def panel(self, x: float, y: float, width: float, height: float, paint: str) -> None:
        """A rectangle with round corners."""
        self.parts.append(f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" rx="8" {paint}/>')

    def patch(self, x: float, y: float, width: float, height: float, look: _Look) -> None:
        """A box in the look of a level, outlined: a pale colour has an edge on white, a dark one on black."""
        self.panel(x, y, width, height, f'{_LINE} fill="{look.fill}"')
        if look.fill == _HATCH:
            self.panel(x + 5, y + 5, width - 10, height - 10, _PANEL)

    def notice(self, text: str) -> None:
        """A note that must be seen first."""
        lines = _wrapped(text, 14, _INNER - 24, 700)
        self.panel(_MARGIN, self.y, _INNER, 18 * len(lines) + 14, f'{_LINE} stroke-width="2" fill="none"')
        for n, line in enumerate(lines, 1):
            self.text(line, _MARGIN + 12, self.y + 18 * n + 3, 14, weight=700)
        self.y += 18 * len(lines) + 20

    def steps(self, cell: Cell, x: float, y: float, width: float, look: _Look) -> None:
        """As many steps as the scale has levels above nothing, the reached ones filled: a shape beside the colour."""
        pitch, height = width / cell.most, 8
        reached = min(cell.level or 0, cell.most)
        step = f"h{_n(pitch - 2)}v{height}h-{_n(pitch - 2)}z"
        places = [f"M{_n(x + n * pitch)} {_n(y)}{step}" for n in range(cell.most)]
        self.parts.append(f'<path d="{"".join(places)}" {look.line} stroke-opacity=".7" fill="none"/>')
        if reached:
            self.parts.append(f'<path d="{"".join(places[:reached])}" {look.ink}/>')

    def cells(self, cells: Sequence[Cell], *, number: float, word: float, detail: float) -> None:
        """Large cells side by side: label above; level, word and detail in the box; steps at its foot."""
        if not cells:
            return
        gap, top = 10, 15 * 1.25 if any(cell.label for cell in cells) else 0
        width = (_INNER - gap * (len(cells) - 1)) / len(cells)
        inset = 14 + number * 0.75
        texts = [
            [(line, word, 700) for line in _wrapped(cell.word, word, width - inset - 10, 700)]
            + [(line, detail, 0) for line in _wrapped(cell.detail, detail, width - inset - 10)]
            for cell in cells
        ]
        height = max(number * 0.9, *(sum(size * 1.25 for _, size, _ in lines) for lines in texts)) + 44
        for n, (cell, lines) in enumerate(zip(cells, texts, strict=True)):
            x, y, look = _MARGIN + n * (width + gap), self.y + top + 8, _Look.of(cell.level, cell.colour)
            self.text(cell.label, x, self.y + top, 15, weight=700)
            self.patch(x, y, width, height, look)
            self.text(
                _said(cell.level), x + 12, y + (height - 16) / 2 + number * 0.36, number, ink=look.ink, weight=700
            )
            foot = y + (height - 16 - sum(size * 1.25 for _, size, _ in lines)) / 2
            for line, size, weight in lines:
                foot += size * 1.25
                self.text(line, x + inset, foot - size * 0.25, size, ink=look.ink, weight=weight)
            self.steps(cell, x + 12, y + height - 20, width - 22, look)
        self.y += top + 8 + height + 12

    def curve(self, hours: Sequence[Hour]) -> None:
        """Bars of concentration above a strip that tells their level in figures; the peak has its value."""
        values = [hour.value_ug_m3 for hour in hours if hour.value_ug_m3 is not None]
        highest, pitch, foot = max(values, default=0.0), _INNER / len(hours), self.y + 24 + _TALLEST
        shapes, figures, first = [], [], 0
        for (level, colour), alike in groupby(hours, key=lambda hour: (hour.level, hour.colour)):
            run, x, look = list(alike), _MARGIN + first * pitch, _Look.of(level, colour)
            first += len(run)
            shapes.append(f'<path d="{_bars(run, x, foot, pitch, highest)}" fill="{look.fill}"/>')
            middle = x + len(run) * pitch / 2
            if look.fill == _HATCH:
                shapes.append(
                    f'<rect x="{_n(middle - 6)}" y="{_n(foot + 2)}" width="12" height="14" stroke="none" {_PANEL}/>'
                )
            figures.append(f'<text x="{_n(middle)}" y="{_n(foot + 13.5)}" {look.ink}>{_said(level)}</text>')
        self.parts += [f'<g {_LINE} stroke-width=".8">', *shapes, "</g>"]
        self.parts += ['<g font-size="12" font-weight="700" text-anchor="middle">', *figures, "</g>"]
        if values:
            peak = next(n for n, hour in enumerate(hours) if hour.value_ug_m3 == highest)
            middle = min(max(_MARGIN + (peak + 0.5) * pitch, _MARGIN + 40), WIDTH - _MARGIN - 40)
            self.text(f"{highest:.0f} µg/m³", middle, foot - _TALLEST - 7, 13, weight=700, anchor="middle")
        for n, hour in enumerate(hours):
            if hour.label:
                self.text(hour.label, _MARGIN + n * pitch, foot + _STRIP + 15, 12, ink=_SOFT)
        self.y = foot + _STRIP + 26

    def row(self, cell: Cell) -> None:
        """Another hazard on a line: level, name, word, steps."""
        look, across, x = _Look.of(cell.level, cell.colour), 120, _MARGIN + 56
        room = WIDTH - _MARGIN - across - 12 - x
        lines = [(line, 15.0, 700) for line in _wrapped(cell.word, 15, room, 700)]
        lines += [(line, 13.0, 0) for line in _wrapped(cell.detail, 13, room)]
        self.patch(_MARGIN, self.y, 44, 40, look)
        self.text(_said(cell.level), _MARGIN + 22, self.y + 27, 20, ink=look.ink, weight=700, anchor="middle")
        self.text(cell.label, x, self.y + 13, 13, ink=_SOFT)
        self.text(f"{_said(cell.level)}/{cell.most}", WIDTH - _MARGIN, self.y + 13, 13, ink=_SOFT, anchor="end")
        self.steps(cell, WIDTH - _MARGIN - across, self.y + 25, across, _Look(_HATCH, _INK))
        foot = self.y + 13
        for line, size, weight in lines:
            foot += size * 1.25
            self.text(line, x, foot, size, weight=weight)
        self.y = max(self.y + 52, foot + 14)


def _bars(hours: Sequence[Hour], x: float, foot: float, pitch: float, highest: float) -> str:
    """Path of the bars of hours in a row, and of the piece of the strip below them."""
    strip = f"M{_n(x)} {_n(foot)}h{_n(len(hours) * pitch)}v{_STRIP}H{_n(x)}z"
    bars = [
        f"M{_n(x + n * pitch + 1)} {_n(foot)}v-{_n(max(1.0, hour.value_ug_m3 / highest * _TALLEST))}"
        f"h{_n(pitch - 2)}V{_n(foot)}z"
        for n, hour in enumerate(hours)
        if hour.value_ug_m3 is not None and hour.value_ug_m3 > 0
    ]
    return strip + "".join(bars)
