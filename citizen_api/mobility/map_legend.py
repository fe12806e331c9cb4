"""What a map means, in words: the legend below it, and what is said to those who do not see it."""

from __future__ import annotations

from collections.abc import Sequence

from citizen_api.mobility.map_marks import Placed, area_symbol, has_air, line_symbol, marker_symbol, shares
from citizen_api.mobility.map_parts import Line, Picture
from citizen_api.mobility.map_sheet import Row
from citizen_api.mobility.map_style import STEPS, UNKNOWN, stroke
from content.catalogue import catalogue


def legend_rows(picture: Picture, markers: Sequence[Placed], *, green: bool, empty: bool, lang: str) -> list[Row]:
    """The legend, from the markers to the parks. `green`: parks are drawn; `empty`: no street is."""
    rows: list[Row] = []
    if empty:
        rows.append(Row("", _say("no_streets", lang)))
    rows += [Row(marker_symbol(each.marker.kind, each.sign), each.marker.text) for each in markers if each.marker.text]
    chosen = [line for line in picture.lines if line.chosen]
    for line in chosen:
        rows += _air_rows(line, lang)
    others = [line for line in picture.lines if not line.chosen]
    rows += [Row(line_symbol(line, None, number), line.title) for number, line in enumerate(others) if line.title]
    areas = sorted(picture.areas, key=lambda area: -area.minutes)
    rows += [
        Row(area_symbol(rank), _say("area", lang, minutes=area.minutes)) for rank, area in reversed([*enumerate(areas)])
    ]
    if green:
        rows.append(Row(f'<path d="M-16 0H16" {stroke("gr")} stroke-width="12"/>', _say("green", lang)))
    return rows


def _air_rows(line: Line, lang: str) -> list[Row]:
    if not has_air(line):
        step = None if line.values is None else UNKNOWN
        rows = [Row(line_symbol(line, step, 0), line.title)] if line.title else []
        return rows if line.values is None else [*rows, Row("", _say("air_unknown", lang))]
    found = shares(line)
    rows = [Row("", line.title)] if line.title else []
    rows.append(Row("", _say("air_legend", lang)))
    rows += [
        Row(line_symbol(line, step, 0), _share(step.name, found[step.name], lang))
        for step in (*STEPS, UNKNOWN)
        if step.name in found
    ]
    return rows


def described(picture: Picture, markers: Sequence[Placed], attribution: str, lang: str) -> str:
    """The picture in words."""
    said = [*picture.notices, picture.description]
    said += [
        f"{each.sign} : {each.marker.text}" if lang == "fr" else f"{each.sign}: {each.marker.text}"
        for each in markers
        if each.marker.text and each.sign
    ]
    said += [each.marker.text for each in markers if each.marker.text and not each.sign]
    for line in picture.lines:
        said.append(line.title)
        if line.chosen and has_air(line):
            found = shares(line)
            said += [
                _share(name, found[name], lang) for name in (*(s.name for s in STEPS), UNKNOWN.name) if name in found
            ]
    said += [_say("area", lang, minutes=area.minutes) for area in sorted(picture.areas, key=lambda area: area.minutes)]
    said += [*picture.remarks, attribution]
    return " ".join(f"{text.rstrip('. ')}." for text in said if text.strip())


def _share(name: str, share: float, lang: str) -> str:
    return _say("share", lang, what=_say(name, lang), percent=round(100 * share))


def _say(code: str, lang: str, **values: object) -> str:
    return catalogue().moving["maps"][code].say(lang, **values)
