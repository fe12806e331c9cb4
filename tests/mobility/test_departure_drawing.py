"""The strip of the coming hours: what it says, for whom it can be read, and that nothing gets into it."""

import base64
import hashlib
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citizen_api.air.drawing import contrast
from citizen_api.mobility.departure_drawing import CONTENT_SECURITY_POLICY, OWN, STYLE, Bar, Strip, draw
from citizen_api.mobility.map_style import TONES

SVG = "{http://www.w3.org/2000/svg}"
LOOKS = ("less", "same", "more", "unknown", "closed", "late", "left_out")
LEGEND = {look: f"words of {look}" for look in (*LOOKS, "night")}
ANY_TEXT = st.text(st.characters(codec=None), max_size=60)
COLOURS = {**TONES, **OWN}


def make_bar(look="less", share=0.5, **given):
    return Bar(**{"look": look, "share": share, "dark": False} | given)


def make_strip(*bars, **given):
    usual = {
        "language": "fr",
        "title": "Quand partir à pied ?",
        "goal": "Vers Pharmacie du Test",
        "best": "Conseillé : 18 h 40",
        "advice": "Partez à 18 h 40 au lieu de 18 h 00 : 35 % de pollution en moins, même durée (à pied).",
        "bars_title": "Pollution respirée selon l'heure de départ",
        "bars": bars or [make_bar()] * 25,
        "legend": LEGEND,
        "night": "nuit",
        "sources": ["Air : Airparif", "© OpenStreetMap contributors"],
    }
    return Strip(**usual | given)


def parse(strip):
    return ET.fromstring(draw(strip))  # noqa: S314 - our own document


def texts(root):
    return [found.text for found in root.iter(f"{SVG}text")]


def painted(root, fill):
    """Rectangles of the picture, not of its patterns, with a fill or of a class."""
    rects = [found for found in root.findall(f".//{SVG}rect") if fill in (found.get("fill"), found.get("class"))]
    return [found for found in rects if found.get("x") is not None and float(found.get("x")) >= 0]


# --- What it says ------------------------------------------------------------------------------------------


def test_the_recommended_hour_has_its_time_a_frame_and_an_arrow():
    root = parse(make_strip(make_bar(), make_bar(best=True), make_bar()))
    assert "Conseillé : 18 h 40" in texts(root)
    frames = [found for found in root.iter(f"{SVG}rect") if found.get("stroke-width") == "2.5"]
    assert len(frames) == 1
    assert [found for found in root.iter(f"{SVG}path") if (found.get("d") or "").endswith("l-7-11h14z")]


def test_a_bar_is_as_high_as_what_is_breathed_in():
    root = parse(make_strip(make_bar(share=1.0), make_bar(share=0.5), make_bar(share=0.0), legend={}))
    heights = [float(found.get("height")) for found in root.iter(f"{SVG}rect") if found.get("class") == "b bl"]
    assert heights[1] == pytest.approx(heights[0] / 2, abs=0.1)
    assert 0 < heights[2] < heights[1]


def test_less_as_much_and_more_differ_without_colours():
    drawn = draw(make_strip(make_bar("less"), make_bar("same"), make_bar("more"), legend={}))
    assert [drawn.count(f'fill="{fill}"') for fill in ("url(#same)", "url(#more)")] == [1, 1]
    assert drawn.count('class="b bl"') == 1


@pytest.mark.parametrize(("look", "sign"), [("unknown", "?"), ("left_out", "!")])
def test_an_unknown_hour_and_one_left_out_have_a_sign(look, sign):
    assert texts(parse(make_strip(make_bar(look, None), legend={}))).count(sign) == 1


@pytest.mark.parametrize("look", ["closed", "late"])
def test_an_hour_that_is_of_no_use_is_hatched_from_top_to_bottom_and_has_no_bar(look):
    root = parse(make_strip(make_bar(look), legend={}))
    (hatched,) = painted(root, "url(#closed)")
    assert float(hatched.get("height")) > 100


@pytest.mark.parametrize(("useful", "left", "wide"), [((0.0, 0.4), 0.4, 0.6), ((0.75, 1.0), 0.0, 0.75)])
def test_an_hour_that_is_partly_of_use_is_hatched_where_it_is_not(useful, left, wide):
    pitch = 358 / 2
    root = parse(make_strip(make_bar(useful=useful), make_bar()))
    (hatched,) = [one for one in painted(root, "url(#closed)") if float(one.get("height")) > 100]
    assert float(hatched.get("x")) == pytest.approx(16 + left * pitch, abs=0.1)
    assert float(hatched.get("width")) == pytest.approx(wide * pitch, abs=0.1)
    assert "words of closed" in texts(root)
    part, whole = [float(one.get("width")) for one in painted(root, "b bl") if float(one.get("x")) > 0]
    assert part == pytest.approx(whole * (useful[1] - useful[0]), abs=0.1)


def test_notes_stand_below_the_advice_and_are_heard_after_it():
    root = parse(make_strip(notes=["Dernier départ utile : 19 h 23."]))
    said = texts(root)
    assert said.index("Dernier départ utile : 19 h 23.") > said.index("Conseillé : 18 h 40")
    heard = root.find(f"{SVG}desc").text
    assert heard.index("Dernier départ utile : 19 h 23. ") > heard.index("même durée (à pied).")


def test_what_ends_with_a_mark_is_heard_without_another_one():
    heard = parse(make_strip(advice="Bon trajet !", notes=["Vraiment ?", "Oui"])).find(f"{SVG}desc").text
    assert "Bon trajet ! Vraiment ? Oui. " in heard


def test_the_night_is_shaded_once_for_its_hours_with_its_word():
    bars = [make_bar(dark=n < 8) for n in range(24)]
    root = parse(make_strip(*bars, legend={}))
    (shade,) = painted(root, "n")
    assert float(shade.get("width")) == pytest.approx(358 / 3, abs=0.2)
    assert texts(root).count("nuit") == 1


def test_an_hour_of_night_has_no_room_for_the_word():
    root = parse(make_strip(*[make_bar(dark=n == 0) for n in range(24)], legend={}))
    assert "nuit" not in texts(root)


def test_the_legend_has_what_is_in_the_picture_and_nothing_else():
    said = texts(parse(make_strip(make_bar("less"), make_bar("closed", None), make_bar("left_out", dark=True))))
    shown = {text.removeprefix("words of ") for text in said if text.startswith("words of")}
    assert shown == {"less", "closed", "left_out", "night"}


def test_those_who_hear_it_are_told_the_same():
    root = parse(make_strip(make_bar(said="18 h 00 : pas de différence."), notices=["Ville de démonstration."]))
    named = {found.get("id"): "".join(found.itertext()) for found in root if found.get("id")}
    title, description = (named[name] for name in root.get("aria-labelledby").split())
    assert root.get("role") == "img"
    assert title == "Quand partir à pied ? · Vers Pharmacie du Test"
    for part in (
        "Ville de démonstration.",
        "Conseillé : 18 h 40.",
        "35 % de",
        "18 h 00 : pas de différence.",
        "Airparif.",
    ):
        assert part in description


def test_without_a_recommendation_or_hours_it_says_so_and_is_a_picture():
    root = parse(make_strip(best="", goal="", advice="Aucun départ utile.", bars=[]))
    assert "Aucun départ utile." in texts(root)
    assert root.get("viewBox").startswith("0 0 390 ")


# --- Who can read it ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("time", ["day", "night"])
@pytest.mark.parametrize("ground", ["p", "n"])
@pytest.mark.parametrize(("ink", "least"), [("i", 4.5), ("b", 3), ("c", 3), ("d", 3)])
def test_words_and_bars_stand_out_on_paper_and_on_the_night(time, ground, ink, least):
    assert contrast(getattr(COLOURS[ink], time), getattr(COLOURS[ground], time)) >= least


@pytest.mark.parametrize("time", ["day", "night"])
def test_labels_of_hours_stand_out_on_paper(time):
    assert contrast(getattr(COLOURS["s"], time), getattr(COLOURS["p"], time)) >= 4.5


def test_every_colour_of_the_day_has_one_for_the_night():
    drawn = draw(make_strip(*[make_bar(look, dark=True, best=True, label="18 h") for look in LOOKS], notices=["x"]))
    used = {name for names in re.findall(r'class="([\w ]+)"', drawn) for name in names.split()}
    assert used - {"w"} <= set(re.findall(r"\.(\w+)\{(?:fill|stroke):#\w{6}\}", STYLE))


def test_nothing_reaches_over_the_edge_at_390_px():
    bars = [make_bar("left_out", share=1.0, label=f"{n % 24}:00", best=n == 24) for n in range(25)]
    root = parse(make_strip(*bars, goal="Vers Pharmacie de Saint-Remy-en-Bouzemont-Saint-Genest-et-Isson"))
    for found in root.iter(f"{SVG}text"):
        wide = float(found.get("font-size")) * (0.6 if found.get("font-weight") else 0.54) * len(found.text or "")
        start = float(found.get("x")) - wide * {"middle": 0.5, "end": 1}.get(found.get("text-anchor"), 0)
        assert start <= start + wide <= 390, found.text


def test_it_is_light_even_when_every_hour_differs():
    bars = [
        make_bar(LOOKS[n % 7], dark=n % 2 == 0, label=f"{n} h", said="18 h 00 : 35 % de pollution en moins")
        for n in range(25)
    ]
    assert len(draw(make_strip(*bars)).encode()) < 12_000


# --- That nothing gets into it -----------------------------------------------------------------------------


@given(ANY_TEXT, ANY_TEXT)
@settings(max_examples=40)
def test_whatever_a_name_holds_the_drawing_is_one_document_with_the_same_elements(name, word):
    root = parse(
        make_strip(
            make_bar("unknown", None, said=word, label=name),
            language=name, title=word, goal=name, best=word, advice=name, bars_title=word,
            legend=dict.fromkeys(LEGEND, word), night=name, notices=[word], sources=[name],
        )
    )  # fmt: skip
    allowed = {SVG + tag for tag in ("svg", "title", "desc", "style", "defs", "pattern", "g", "rect", "path", "text")}
    assert {found.tag for found in root.iter()} <= allowed
    assert [found.text for found in root.iter(f"{SVG}style")] == [STYLE]
    assert not [key for found in root.iter() for key in found.attrib if key.startswith("on") or "href" in key]


def test_a_name_that_looks_like_markup_stays_a_name():
    root = parse(make_strip(goal="</text><script>alert(1)</script>"))
    assert "</text><script>alert(1)</script>" in texts(root)


def test_a_name_does_not_turn_around_the_words_beside_it():
    drawn = draw(make_strip(goal="Vers \u202e\u200fPharmacie"))
    assert not {"\u202e", "\u200f"} & set(drawn)
    assert ">Vers Pharmacie<" in drawn


def test_by_itself_in_a_wide_window_it_is_larger_and_in_the_middle():
    assert parse(make_strip()).get("class") == "w"
    assert STYLE.startswith(".w{display:block;width:100%;max-width:560px;height:auto;margin:auto}")


def test_nothing_is_loaded_from_elsewhere():
    drawn = draw(make_strip(*[make_bar(look) for look in LOOKS])).replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "http" not in drawn
    assert set(re.findall(r"url\([^)]*\)", drawn)) == {"url(#same)", "url(#more)", "url(#closed)"}


def test_the_policy_names_the_style_sheet_by_its_hash_and_allows_nothing_else():
    (style,) = re.findall(r"<style>(.*)</style>", draw(make_strip()))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in CONTENT_SECURITY_POLICY
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none'; ")
    assert "unsafe" not in CONTENT_SECURITY_POLICY
