"""A map without tiles: an SVG document 390 px wide of the streets around, ways, areas and markers, with words.

No third party learns where anyone is: nothing is loaded from elsewhere, nothing runs. Nothing is told by colour alone:
exposure has a width and a word beside its colour, each marker its letter or number, each area its minutes.
"""

from __future__ import annotations

from collections.abc import Iterable

from citizen_api.mobility.map_legend import described, legend_rows
from citizen_api.mobility.map_marks import areas_svg, beads, lines_svg, markers_svg, placed_markers
from citizen_api.mobility.map_parts import Area, Line, Marker, Picture
from citizen_api.mobility.map_sheet import Sheet, safe
from citizen_api.mobility.map_streets import street_map
from citizen_api.mobility.map_style import CONTENT_SECURITY_POLICY, PAPER, SOFT, STYLE, WIDTH
from citizen_api.mobility.map_view import PANE_PX, View
from citizen_api.mobility.network import Network

__all__ = ("CONTENT_SECURITY_POLICY", "Area", "Line", "Marker", "Picture", "draw_map")


def draw_map(networks: Iterable[Network], picture: Picture, *, lang: str) -> str:
    """An SVG document, below 30 kB compressed.

    `networks`: those of the installation (`Networks.all()`); the streets in view are drawn. ValueError where the
    picture has nothing with a position.
    """
    view = View.around(picture)
    markers = placed_markers(picture.markers, view)
    areas = areas_svg(picture.areas, view)
    kept_free = areas.taken + [at for each in markers for at in (each.at, each.drawn_at)]
    kept_free += [at for line in picture.lines if len(line.points) > 1 for at in beads(line, view)]
    streets = street_map(list(networks), view, kept_free=kept_free)
    sheet = Sheet()
    sheet.lines(picture.title, size=20, weight=700)
    sheet.y += 4
    for notice in picture.notices:
        sheet.notice(notice)
    sheet.pane(
        view,
        [
            *streets.lines,
            *areas.shapes,
            *streets.names,
            *areas.labels,
            *lines_svg(picture.lines, view),
            *markers_svg(markers),
        ],
    )
    attribution = picture.attribution or " · ".join(streets.attributions)
    sheet.foot(view, attribution)
    for row in legend_rows(picture, markers, green=streets.green, empty=streets.empty, lang=lang):
        sheet.row(row)
    for remark in picture.remarks:
        sheet.lines(remark, size=13, ink=SOFT)
    height = round(sheet.y + PANE_PX.margin)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="m" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" aria-labelledby="map-title map-desc" lang="{safe(lang)}" '
        'font-family="system-ui,-apple-system,Roboto,Arial,sans-serif">'
        f'<title id="map-title">{safe(picture.title)}</title>'
        f'<desc id="map-desc">{safe(described(picture, markers, attribution, lang))}</desc><style>{STYLE}</style>'
        f'<rect {PAPER} width="{WIDTH}" height="{height}"/>{"".join(sheet.parts)}</svg>'
    )
