"""Maps without tiles: what they say in words, for whom they can be read, how small they are, that nothing gets in."""

import base64
import hashlib
import re
import xml.etree.ElementTree as ET
import zlib
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from citizen_api.air.drawing import contrast
from citizen_api.mobility.map_marks import shares, step_of
from citizen_api.mobility.map_names import Named, names_svg
from citizen_api.mobility.map_sheet import scale_bar_m
from citizen_api.mobility.map_style import STEPS, STYLE, TONES, UNKNOWN
from citizen_api.mobility.map_view import View
from citizen_api.mobility.maps import CONTENT_SECURITY_POLICY, Area, Line, Marker, Picture, draw_map
from citizen_api.mobility.network import KINDS, Flag
from tests.mobility.makers import changed, make_grid

SVG = "{http://www.w3.org/2000/svg}"
GRID = make_grid(12, 12)
DENSE = make_grid(110, 110, block_m=60.0, seed=1)
NO_STREETS = "Ici, nous n'avons pas encore le plan des rues."
ANY_TEXT = st.text(st.characters(codec=None))


def points_at(*junctions, network=GRID):
    chosen = list(junctions)
    return np.column_stack((network.lats[chosen], network.lons[chosen]))


def make_line(*junctions, values=(0.7, 1.0, 1.3, 1.8), chosen=True, title="Le moins pollué : 5 min"):
    junctions = junctions or (0, 1, 2, 3, 4)
    return Line(points=points_at(*junctions), values=np.array(values), chosen=chosen, title=title)


def make_marker(junction, kind="place", text="Pharmacie du Village"):
    (lat, lon) = points_at(junction)[0]
    return Marker(lat=float(lat), lon=float(lon), kind=kind, text=text)


def make_picture(**given):
    usual = {
        "title": "Votre trajet à pied",
        "description": "5 min, 400 m, à pied.",
        "lines": [make_line()],
        "markers": [make_marker(0, "start", "Départ"), make_marker(4, "goal", "Arrivée")],
    }
    return Picture(**usual | given)


def make_drawing(picture=None, networks=(GRID,), lang="fr"):
    return draw_map(networks, picture or make_picture(), lang=lang)


def parse(drawing):
    return ET.fromstring(drawing)  # noqa: S314 - our own document


def texts(root):
    return ["".join(found.itertext()).replace("\xa0", " ") for found in root.iter(f"{SVG}text")]


def described(drawing):
    root = parse(drawing)
    named = {found.get("id"): "".join(found.itertext()) for found in root if found.get("id")}
    return [named[name].replace("\xa0", " ") for name in root.get("aria-labelledby").split()]


def zipped(drawing):
    return len(zlib.compress(drawing.encode()))


# --- What it says ------------------------------------------------------------------------------------------


def test_those_who_do_not_see_it_are_told_the_same():
    drawing = make_drawing()
    assert parse(drawing).get("role") == "img"
    title, description = described(drawing)
    assert title == "Votre trajet à pied"
    for part in ("5 min, 400 m, à pied.", "A : Départ.", "B : Arrivée.", "Plus propre : 25 % du trajet.", "synthetic."):
        assert part in description


@pytest.mark.parametrize(
    ("lang", "word"), [("fr", "Nettement plus chargé : 25 % du trajet"), ("en", "Much more polluted: 25% of the way")]
)
def test_the_legend_says_each_colour_in_words_with_its_share(lang, word):
    assert word in texts(parse(make_drawing(lang=lang)))


def test_each_class_of_exposure_has_its_own_width_as_well_as_its_colour():
    drawing = make_drawing()
    widths = {
        step.name: set(re.findall(rf'stroke="{step.colour}" stroke-width="(\d+\.?\d*)"', drawing)) for step in STEPS
    }
    assert all(len(found) == 1 for found in widths.values())
    assert len(set.union(*widths.values())) == len(STEPS)


def test_a_way_of_which_the_air_is_not_known_takes_no_colour_of_the_scale_and_says_so():
    drawing = make_drawing(make_picture(lines=[make_line(values=[np.nan] * 4)]))
    assert not [step for step in STEPS if step.colour in drawing]
    assert "L'air de ces rues n'est pas connu" in texts(parse(drawing))


def test_a_way_of_which_streets_are_not_compared_is_neither_clean_nor_polluted():
    drawing = make_drawing(make_picture(lines=[replace(make_line(), values=None)]))
    assert not [step for step in STEPS if step.colour in drawing]
    assert not [text for text in texts(parse(drawing)) if "l'air" in text.lower()]


def test_part_of_a_way_of_which_the_air_is_not_known_is_told_apart():
    assert shares(make_line(values=[1.0, np.nan, 1.0, 1.0]))[UNKNOWN.name] == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize(("value", "name"), [(0.0, 0), (0.84, 0), (0.85, 1), (1.0, 1), (1.15, 2), (1.5, 3), (9.0, 3)])
def test_classes_begin_where_they_say(value, name):
    assert step_of(value) is STEPS[name]


def test_other_ways_are_dashed_each_in_its_own_manner():
    others = [make_line(0, 12, 24, 36, 48, chosen=False, title=f"Autre {n}") for n in range(2)]
    root = parse(make_drawing(make_picture(lines=[make_line(), *others])))
    dashes = [found.get("stroke-dasharray") for found in root.iter(f"{SVG}path") if found.get("stroke-dasharray")]
    assert len(set(dashes)) == 2
    assert {"Autre 0", "Autre 1"} <= set(texts(root))


def test_markers_have_a_letter_or_a_number_and_each_kind_its_shape():
    markers = [make_marker(n * 13, kind, kind) for n, kind in enumerate(("start", "goal", "station", "place", "place"))]
    root = parse(make_drawing(make_picture(lines=[], markers=markers)))
    assert {"A", "B", "1", "2"} <= set(texts(root))
    groups = [found for found in root.iter(f"{SVG}g") if found.get("transform", "").startswith("translate")]
    shapes = {(found[0].tag, found[0].get("class")) for found in groups}
    assert len(shapes) == 4


def test_markers_at_one_place_do_not_hide_each_other():
    markers = [make_marker(40) for _ in range(8)] + [make_marker(0), make_marker(143)]
    root = parse(make_drawing(make_picture(markers=markers)))
    pane = next(found for found in root if found.tag == f"{SVG}svg")
    groups = [found.get("transform") for found in pane.iter(f"{SVG}g")]
    places = [tuple(map(float, re.findall(r"-?[\d.]+", group))) for group in groups]
    assert len(places) == 10
    apart = [np.hypot(a[0] - b[0], a[1] - b[1]) for n, a in enumerate(places) for b in places[:n]]
    assert min(apart) >= 22


def test_areas_say_their_minutes_on_the_map_and_in_the_legend():
    rings = [[points_at(*(65 + m * d for d in (-13, -11, 13, 11, -13)))] for m in (1, 2)]
    areas = [Area(minutes=5 * (n + 1), rings=found) for n, found in enumerate(rings)]
    said = texts(parse(make_drawing(make_picture(lines=[], areas=areas))))
    assert {"5 min", "10 min", "Atteint en 5 min ou moins", "Atteint en 10 min ou moins"} <= set(said)


def test_a_map_is_as_wide_as_a_telephone_and_by_itself_in_a_wide_window_larger_and_in_the_middle():
    root = parse(make_drawing())
    assert (root.get("width"), root.get("class")) == ("390", "m")
    assert STYLE.startswith(".m{display:block;width:100%;max-width:560px;height:auto;margin:auto}")


def test_parks_are_drawn_only_where_they_are_known():
    flags = GRID.flags.copy()
    flags[:5] |= np.uint16(Flag.GREEN)
    words = "Le long d'un parc ou d'un jardin"
    assert words in texts(parse(make_drawing(networks=[changed(GRID, flags=flags)])))
    assert words not in texts(parse(make_drawing()))


def test_where_no_street_is_known_it_says_so_and_still_draws_the_way():
    drawing = make_drawing(networks=[])
    assert NO_STREETS in " ".join(texts(parse(drawing)))
    assert STEPS[0].colour in drawing


def test_the_owners_of_the_streets_are_named_once_on_the_map_itself():
    here = changed(GRID, attribution="© OpenStreetMap contributors")
    said = texts(parse(make_drawing(networks=[here, here])))
    assert said.count("© OpenStreetMap contributors") == 1
    elsewhere = changed(make_grid(3, 3), attribution="Another")
    moved = replace(elsewhere, origin=(45.0, 3.0))
    assert "Another" not in make_drawing(networks=[here, moved])


def test_the_scale_bar_is_as_long_as_it_says():
    picture = make_picture()
    view = View.around(picture)
    root = parse(make_drawing(picture))
    metres = next(float(text.removesuffix(" m")) for text in texts(root) if re.fullmatch(r"\d+ m", text))
    bars = [found.get("d") for found in root.iter(f"{SVG}path") if "v-6" in found.get("d")]
    (length,) = re.findall(r"v6h([\d.]+)v-6", bars[0])
    assert float(length) * view.m_per_px == pytest.approx(metres, rel=0.005)


@given(st.floats(1, 1e7))
def test_a_scale_bar_is_round_and_the_longest_that_fits(most_m):
    bar = scale_bar_m(most_m)
    assert str(int(bar)).rstrip("0") in {"1", "2", "5"}
    assert bar <= most_m < 2.5 * bar


def test_a_name_stands_along_its_street_unless_something_is_in_its_way():
    view = View.around(make_picture())
    street = Named("Rue du Test", np.array([(20.0, 90.0), (320.0, 90.0)]), 0)
    (free,) = names_svg([street, street], view, kept_free=[(170.0, 130.0)])
    assert "Rue du Test" in free
    assert names_svg([street], view, kept_free=[(170.0, 95.0)]) == []


def test_a_street_that_is_too_short_for_its_name_has_none():
    view = View.around(make_picture())
    assert names_svg([Named("Rue du Test", np.array([(20.0, 90.0), (60.0, 90.0)]), 0)], view, kept_free=[]) == []


def test_a_street_is_named_once_over_all_its_junctions():
    named = changed(GRID, names=np.where(np.arange(len(GRID.names)) < 11, 0, -1).astype(np.int32))
    ends = [make_marker(0, text=""), make_marker(143, text="")]
    said = texts(parse(make_drawing(make_picture(lines=[], markers=ends), [named])))
    assert said.count("Rue synthétique 0") == 1


def test_nothing_without_a_position_is_drawn():
    with pytest.raises(ValueError, match="nothing to draw"):
        make_drawing(Picture(title="t", description="d"))


def test_a_way_of_no_length_is_drawn_as_its_markers():
    line = Line(points=points_at(0), values=np.empty(0), chosen=True, title="Sur place")
    assert "Départ" in texts(parse(make_drawing(make_picture(lines=[line]))))


# --- Who can read it ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("time", ["day", "night"])
@pytest.mark.parametrize("ink", ["i", "s"])
@pytest.mark.parametrize("ground", ["p", "g"])
def test_words_stand_out_on_paper_and_map_by_day_and_by_night(time, ink, ground):
    assert contrast(getattr(TONES[ink], time), getattr(TONES[ground], time)) >= 4.5


@pytest.mark.parametrize("time", ["day", "night"])
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_a_way_stands_out_on_the_map_by_its_colour_or_its_outline(time, step):
    ground = getattr(TONES["g"], time)
    assert max(contrast(step.colour, ground), contrast(getattr(TONES[step.casing], time), ground)) >= 3


def test_classes_of_exposure_differ_in_grey_too_and_grow_darker_and_wider():
    for less, more in pairwise(STEPS):
        assert contrast(less.colour, "#000000") > 1.4 * contrast(more.colour, "#000000")
        assert more.width >= less.width + 1.5


@pytest.mark.parametrize("time", ["day", "night"])
@pytest.mark.parametrize("tone", ["a", "w"])
def test_areas_and_plain_ways_stand_out_on_the_map(time, tone):
    assert contrast(getattr(TONES[tone], time), getattr(TONES["g"], time)) >= 3


def test_every_colour_of_the_day_has_one_for_the_night():
    used = {name for found in re.findall(r'class="([^"]*)"', make_drawing()) for name in found.split()} - {"m"}
    assert used <= set(re.findall(r"\.(\w+)\{(?:fill|stroke):#\w{6}\}", STYLE))


def test_nothing_reaches_over_the_edge_at_390_px():
    markers = [make_marker(n, text=f"Pharmacie {'de la Grande Rue ' * 5}{n}") for n in (0, 11, 143)]
    root = parse(make_drawing(make_picture(title="Le trajet le moins pollué " * 3, markers=markers)))
    assert root.get("viewBox").startswith("0 0 390 ")
    pane = next(found for found in root if found.tag == f"{SVG}svg")
    inside = set(pane.iter())
    for found in root.iter(f"{SVG}text"):
        if found in inside:
            continue
        wide = float(found.get("font-size")) * (0.6 if found.get("font-weight") else 0.54) * len(found.text or "")
        start = float(found.get("x")) - wide * {"middle": 0.5, "end": 1}.get(found.get("text-anchor"), 0)
        assert -12 <= start <= start + wide <= 390, found.text


@pytest.mark.parametrize("far", [(0, 1), (0, 11), (0, 132), (0, 143), (143,)])
def test_all_that_is_shown_is_in_view_whatever_its_shape(far):
    picture = make_picture(lines=[], markers=[make_marker(each) for each in far])
    view = View.around(picture)
    pixels = view.pixels(points_at(*far))
    assert (pixels >= 30).all()
    assert (pixels <= [view.width - 30, view.height - 30]).all()


# --- How large it is ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["primary", "residential", "footway"])
@pytest.mark.parametrize("blocks", [3, 12, 40, 109])
def test_it_is_small_however_dense_the_streets_are(kind, blocks):
    network = changed(DENSE, kinds=[kind] * len(DENSE.tails))
    way = [*range(blocks)] + [blocks + 110 * row for row in range(blocks)]
    values = np.resize([0.7, 1.0, 1.3, 1.8], len(way) - 1)
    line = Line(points=points_at(*way, network=network), values=values, chosen=True, title="x")
    assert zipped(make_drawing(make_picture(lines=[line], markers=[]), [network])) < 30_000


def test_a_crowd_of_crooked_streets_of_every_class_stays_small():
    rng = np.random.default_rng(2)
    lats = DENSE.shape_lat_e7 + rng.integers(-900, 900, len(DENSE.shape_lat_e7), dtype=np.int32)
    kinds = rng.integers(0, len(KINDS), len(DENSE.kinds)).astype(np.uint8)
    flags = rng.choice([0, int(Flag.GREEN)], len(DENSE.flags)).astype(np.uint16)
    network = replace(DENSE, shape_lat_e7=lats, kinds=kinds, flags=flags)
    markers = [
        Marker(lat=float(DENSE.lats[n]), lon=float(DENSE.lons[n]), kind="place", text="x") for n in (0, 40 * 111)
    ]
    assert zipped(make_drawing(make_picture(lines=[], markers=markers), [network])) < 30_000


def test_small_streets_are_left_out_before_large_ones():
    rng = np.random.default_rng(4)
    kinds = [["primary", "footway"][n] for n in rng.integers(0, 2, len(DENSE.tails))]
    network = changed(DENSE, kinds=kinds)
    ends = [
        Marker(lat=float(DENSE.lats[n]), lon=float(DENSE.lons[n]), kind="place", text="") for n in (0, 110 * 110 - 1)
    ]
    drawing = make_drawing(make_picture(lines=[], markers=ends), [network])
    assert ('class="sm"' in drawing, 'class="sf"' in drawing) == (True, False)


def test_of_a_wide_view_no_street_is_built_that_is_too_small_to_be_drawn(monkeypatch):
    picture = make_picture(lines=[], markers=[Marker(lat=n, lon=2.35, kind="place", text="") for n in (47.0, 49.0)])
    network = changed(GRID, kinds=["primary", *["residential"] * (len(GRID.tails) - 1)])
    built, build = [], shapely.linestrings
    monkeypatch.setattr(shapely, "linestrings", lambda points, **how: built.append(len(points)) or build(points, **how))
    assert "synthetic" in texts(parse(make_drawing(picture, [network])))
    assert built == [2]


def test_what_lies_under_the_ground_is_not_drawn():
    network = changed(GRID, flags=np.full_like(GRID.flags, Flag.TUNNEL))
    assert NO_STREETS in " ".join(texts(parse(make_drawing(networks=[network]))))


# --- That nothing gets into it -----------------------------------------------------------------------------


@settings(max_examples=25)
@given(ANY_TEXT, ANY_TEXT)
def test_whatever_a_name_holds_the_drawing_is_one_document_with_the_same_elements(name, word):
    names = name.encode(errors="ignore") or b"x"
    network = changed(
        GRID,
        names=np.zeros_like(GRID.names),
        name_offsets=np.array([0, len(names)], np.int32),
        name_bytes=np.frombuffer(names, np.uint8),
        attribution=word,
    )
    picture = make_picture(
        title=name,
        description=word,
        lines=[make_line(title=name)],
        markers=[make_marker(0, text=word), make_marker(4, text=name)],
        notices=[name],
        remarks=[word],
    )
    allowed = {SVG + tag for tag in ("svg", "title", "desc", "style", "g", "rect", "path", "text", "circle")}
    root = parse(draw_map([network], picture, lang="fr"))
    assert {found.tag for found in root.iter()} <= allowed
    assert [found.text for found in root.iter(f"{SVG}style")] == [STYLE]
    assert not [key for found in root.iter() for key in found.attrib if key.startswith("on") or "href" in key]


def test_a_name_that_looks_like_markup_stays_a_name():
    root = parse(make_drawing(make_picture(notices=["</text><script>alert(1)</script>"])))
    assert "</text><script>alert(1)</script>" in " ".join(texts(root))


def test_a_name_does_not_turn_around_the_words_beside_it():
    controls = "".join(map(chr, (0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))))
    drawing = make_drawing(make_picture(title=f"Rue {controls}neuve"))
    assert not set(controls) & set(drawing)
    assert ">Rue neuve<" in drawing


def test_nothing_is_loaded_from_elsewhere():
    drawing = make_drawing().replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "http" not in drawing
    assert "url(" not in drawing


def test_the_policy_names_the_style_sheet_by_its_hash_and_allows_nothing_else():
    (style,) = re.findall(r"<style>(.*)</style>", make_drawing())
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in CONTENT_SECURITY_POLICY
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none'; ")
    assert "unsafe" not in CONTENT_SECURITY_POLICY
