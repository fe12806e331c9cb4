"""The coming hours as a strip: an SVG document drawn for 390 px, in light and dark, with patterns beside colours.

Low is good: a bar is what one breathes in on leaving in that hour. Night is shaded, closed hours are hatched, the
recommended hour is framed and has its time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, Literal

from citizen_api.mobility.map_sheet import MARGIN, Row, Sheet, n, safe, text_svg, wide
from citizen_api.mobility.map_style import INK, PAPER, SOFT, TONES, WIDTH, Tone
from citizen_api.web.pictures import GROWS, policy_for

Look = Literal["less", "same", "more", "unknown", "closed", "late", "left_out"]
_INNER: Final = WIDTH - 2 * MARGIN
_TALLEST: Final = 104
_LEAST: Final = 3
_FOR_A_WORD: Final = 4.0
_ENDS: Final = (".", "!", "?", "…")
"""After which no full stop is heard."""

OWN: Final[Mapping[str, Tone]] = {
    "n": Tone("#D5DBE8", "#343F59"),  # night
    "b": Tone("#00629B", "#7CC4FA"),  # less
    "c": Tone("#5A5D66", "#B9BEC8"),  # about the same
    "d": Tone("#9C3006", "#FFA77F"),  # more
}
STYLE: Final = (
    f".w{{{GROWS}}}@media(prefers-color-scheme:dark){{.w{{background:"
    + TONES["p"].night
    + "}"
    + "".join(
        f".{name}{{fill:{tone.night}}}.{name}l{{stroke:{tone.night}}}"
        for name, tone in (*((name, TONES[name]) for name in ("p", "i", "s")), *OWN.items())
    )
    + "}"
)
"""The style sheet of every strip, always the same, so that a policy can name it by its hash."""
CONTENT_SECURITY_POLICY: Final = policy_for(STYLE)
"""What an answer of image/svg+xml sends: nothing is loaded, nothing runs, and only this style sheet holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One hour. `share`: of the highest bar, 0 to 1; None: no bar. `label`: below it, where there is one.

    `useful`: from which to which share of the hour leaving is of use; the rest is hatched, and is `useless`.
    """

    look: Look
    share: float | None
    dark: bool
    label: str = ""
    said: str = ""
    best: bool = False
    useful: tuple[float, float] = (0.0, 1.0)
    useless: Look = "closed"

    @property
    def looks(self) -> set[Look]:
        """Everything that is seen of it."""
        return {self.look} if self.useful == (0.0, 1.0) else {self.look, self.useless}


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """What is drawn, all words in one language.

    `best`: the label of the recommended departure, `advice` its sentence, `notes` what stands below it.
    `legend`: words by look, and of `night`.
    """

    language: str
    title: str
    goal: str
    best: str
    advice: str
    bars_title: str
    bars: Sequence[Bar]
    legend: Mapping[str, str]
    night: str
    notices: Sequence[str] = ()
    notes: Sequence[str] = ()
    sources: Sequence[str] = ()


def draw(strip: Strip) -> str:
    """An SVG document, below 12 kB for a day."""
    sheet = Sheet()
    for notice in strip.notices:
        sheet.notice(notice)
    sheet.lines(strip.title, size=22, weight=700)
    if strip.goal:
        sheet.lines(strip.goal, size=15, ink=SOFT)
    if strip.best:
        sheet.lines(strip.best, size=19, weight=700)
    for words in (strip.advice, *strip.notes):
        sheet.lines(words, size=16)
    if strip.bars:
        sheet.lines(strip.bars_title, size=14, weight=700)
        _bars(sheet, strip)
        for row in _legend(strip):
            sheet.row(row)
    for source in strip.sources:
        sheet.lines(source, size=12, ink=SOFT)
    height = round(sheet.y + MARGIN)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="w" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" aria-labelledby="when-title when-desc" lang="{safe(strip.language)}" '
        'font-family="system-ui,-apple-system,Roboto,Arial,sans-serif">'
        f'<title id="when-title">{safe(_title(strip))}</title><desc id="when-desc">{safe(_described(strip))}</desc>'
        f"<style>{STYLE}</style><defs>{_PATTERNS}</defs>"
        f'<rect {PAPER} width="{WIDTH}" height="{height}"/>{"".join(sheet.parts)}</svg>'
    )


def _title(strip: Strip) -> str:
    return " · ".join(part for part in (strip.title, strip.goal) if part)


def _described(strip: Strip) -> str:
    """The picture in words, for those who hear it."""
    told = [*strip.notices, strip.best, strip.advice, *strip.notes, strip.bars_title]
    told += [*(bar.said for bar in strip.bars), *strip.sources]
    return " ".join(said if said.endswith(_ENDS) else f"{said}." for said in told if said)


def _day(tone: str) -> str:
    return OWN[tone].day if tone in OWN else TONES[tone].day


def _fill(tone: str) -> str:
    return f'class="{tone}" fill="{_day(tone)}"'


def _line(tone: str) -> str:
    return f'class="{tone}l" stroke="{_day(tone)}"'


def _pattern(name: str, ground: str, shape: str, *, turned: int = 0) -> str:
    turn = f' patternTransform="rotate({turned})"' if turned else ""
    return (
        f'<pattern id="{name}" width="5" height="5" patternUnits="userSpaceOnUse"{turn}>'
        f'<rect width="5" height="5" {ground}/>{shape}</pattern>'
    )


_PATTERNS: Final = (
    _pattern("same", PAPER, f'<path d="M0 1.5H5" fill="none" {_line("c")} stroke-width="3"/>')
    + _pattern("more", PAPER, f'<path d="M1.5 0V5M0 1.5H5" fill="none" {_line("d")} stroke-width="2.6"/>', turned=45)
    + _pattern("closed", PAPER, f'<path d="M1 0V5" fill="none" {_line("s")} stroke-width="1.4"/>', turned=45)
)
_LOOKS: Final[Mapping[str, str]] = {
    "less": f'class="b bl" fill="{_day("b")}" stroke="{_day("b")}"',
    "same": f'fill="url(#same)" {_line("c")}',
    "more": f'fill="url(#more)" {_line("d")}',
}
"""How a bar is filled and outlined: solid, striped, crossed."""
_SIGNS: Final[Mapping[str, str]] = {"unknown": "?", "left_out": "!"}


def _box(x: float, y: float, width: float, height: float, paint: str) -> str:
    return f'<rect x="{n(x)}" y="{n(y)}" width="{n(width)}" height="{n(height)}" {paint}/>'


def _bars(sheet: Sheet, strip: Strip) -> None:
    pitch, top = _INNER / len(strip.bars), sheet.y + 22
    foot = top + _TALLEST
    for dark, run in groupby(enumerate(strip.bars), key=lambda numbered: numbered[1].dark):
        numbers = [number for number, _ in run]
        if dark:
            x, width = MARGIN + numbers[0] * pitch, len(numbers) * pitch
            sheet.parts.append(_box(x, top - 4, width, _TALLEST + 24, _fill("n")))
            if width > wide(strip.night, 12) + _FOR_A_WORD:
                sheet.parts.append(text_svg(strip.night, x + width / 2, foot + 15, 12, anchor="middle"))
    for number, bar in enumerate(strip.bars):
        x = MARGIN + number * pitch
        _bar(sheet, bar, x, foot, pitch)
        if bar.best:
            sheet.parts.append(
                _box(x, top - 4, pitch, _TALLEST + 5, f'rx="3" fill="none" {_line("i")} stroke-width="2.5"')
            )
            sheet.parts.append(f'<path d="M{n(x + pitch / 2)} {n(top - 6)}l-7-11h14z" {INK}/>')
        if bar.label and x + (pitch + wide(bar.label, 12)) / 2 <= WIDTH - MARGIN / 2:
            sheet.parts.append(text_svg(bar.label, x + pitch / 2, foot + 34, 12, ink=SOFT, anchor="middle"))
    sheet.parts.append(f'<path d="M{MARGIN} {n(foot)}h{_INNER}" fill="none" {_line("i")}/>')
    sheet.y = foot + 44


def _bar(sheet: Sheet, bar: Bar, x: float, foot: float, pitch: float) -> None:
    if bar.look in ("closed", "late"):
        sheet.parts.append(_box(x, foot - _TALLEST, pitch, _TALLEST, 'fill="url(#closed)"'))
        return
    for first, last in ((0.0, bar.useful[0]), (bar.useful[1], 1.0)):
        if last > first:
            sheet.parts.append(
                _box(x + first * pitch, foot - _TALLEST, (last - first) * pitch, _TALLEST, 'fill="url(#closed)"')
            )
    height = 0.0
    if bar.share is not None:
        height = max(_LEAST, bar.share * (_TALLEST - 18))
        paint = _LOOKS.get(bar.look, f'fill="none" {_line("i")}')
        room = pitch - 3
        first, last = (x + 1.5 + room * share for share in bar.useful)
        sheet.parts.append(_box(first, foot - height, max(_LEAST, last - first), height, paint))
    if sign := _SIGNS.get(bar.look):
        sheet.parts.append(text_svg(sign, x + pitch / 2, foot - height - 4, 13, weight=700, anchor="middle"))


def _legend(strip: Strip) -> list[Row]:
    """A row for each look that is in the strip."""
    used = {look for bar in strip.bars for look in bar.looks}
    rows = []
    for look, words in strip.legend.items():
        if look == "night":
            shown, symbol = any(bar.dark for bar in strip.bars), _box(-12, -8, 24, 16, _fill("n"))
        elif look in ("closed", "late"):
            shown, symbol = look in used, _box(-12, -8, 24, 16, 'fill="url(#closed)"')
        elif look in _LOOKS:
            shown, symbol = look in used, _box(-6, -9, 12, 18, _LOOKS[look])
        else:
            shown, symbol = look in used, text_svg(_SIGNS[look], 0, 5, 16, weight=700, anchor="middle")
        if shown:
            rows.append(Row(symbol, words))
    return rows
