"""The picture of the air: what it says in words, for whom it can be read, and that nothing gets into it."""

import base64
import hashlib
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.air.drawing import CONTENT_SECURITY_POLICY, STYLE, AirCard, Cell, Hour, contrast, draw, text_on
from content.catalogue import catalogue

SVG = "{http://www.w3.org/2000/svg}"
WORDS = dict(enumerate(("Bon", "Moyen", "Dégradé", "Mauvais", "Très mauvais", "Extrêmement mauvais"), 1))
HAZARDS = catalogue().names.hazards
COLOURS = {level: names.colour for level, names in HAZARDS["air"].levels.items()}
EVERY_COLOUR = sorted({names.colour for hazard in HAZARDS.values() for names in hazard.levels.values()})
UNKNOWN = Cell(label="En ce moment", level=None, most=6, word="Non connu")
AFTER_A_RULE = re.compile(r"\.(\w+)\{(?:fill|stroke):(#\w{6})\}")
ANY_TEXT = st.text(st.characters(codec=None))


def make_cell(level=3, **given):
    return Cell(
        **{"label": "Demain", "level": level, "most": 6, "word": WORDS[level], "colour": COLOURS[level]} | given
    )


def make_hours(*levels):
    return [
        Hour(label="" if n % 6 else f"{n} h", value_ug_m3=30.0 * level, level=level, colour=COLOURS[level])
        if level
        else Hour()
        for n, level in enumerate(levels)
    ]


def make_card(**given):
    usual = {
        "language": "fr",
        "commune": "Paris 4e Arrondissement",
        "heading": "Qualité de l'air, mardi 6 janvier",
        "now": make_cell(label="En ce moment", detail="Particules fines (PM2.5)"),
        "days": [make_cell(label="Aujourd'hui"), make_cell(6)],
        "hours_title": "Dioxyde d'azote, heure par heure",
        "hours": make_hours(*[1, 2, 3, 2] * 6),
        "rows": [
            make_cell(2, label="Pollens", detail="Aulne, noisetier"),
            Cell(label="UV", level=0, most=11, word="Nul", colour="#50F0E6"),
            Cell(label="Chaleur", level=None, most=4, word="Non connu"),
        ],
        "sources": ["Indice : Airparif, publié il y a 3 h.", "Mesures : station de fond, à 1,2 km, il y a 1 h."],
        "notices": ["Ville de démonstration : ces chiffres sont inventés."],
    }
    return AirCard(**usual | given)


def parse(card):
    return ET.fromstring(draw(card))  # noqa: S314 - our own document


def texts(root):
    return ["".join(found.itertext()) for found in root.iter(f"{SVG}text")]


def dark_colours():
    return dict(AFTER_A_RULE.findall(STYLE))


# --- What it says ------------------------------------------------------------------------------------------


def test_a_level_is_told_by_figure_and_word_and_not_by_colour_alone():
    said = texts(parse(make_card(days=[], hours=[], rows=[])))
    assert {"3", "Dégradé", "Particules fines (PM2.5)"} <= set(said)


def test_each_level_has_its_own_number_of_filled_steps():
    drawn = [draw(make_card(now=make_cell(level), days=[], hours=[], rows=[])) for level in WORDS]
    full = [re.findall(r'<path d="([^"]*)" fill="#(?:000000|FFFFFF)"', svg) for svg in drawn]
    assert [path.count("M") for (path,) in full] == list(WORDS)


def test_an_unknown_level_is_hatched_with_a_question_mark_and_says_so_in_words():
    root = parse(make_card(now=UNKNOWN, days=[], hours=[], rows=[]))
    assert {"?", "Non connu"} <= set(texts(root))
    assert [found for found in root.iter(f"{SVG}rect") if found.get("fill") == "url(#hatch)"]


def test_an_unknown_level_takes_no_colour_even_if_one_is_given():
    assert COLOURS[1] not in draw(make_card(now=replace(UNKNOWN, colour=COLOURS[1]), days=[], hours=[], rows=[]))


def test_hours_of_one_level_share_a_figure_and_unknown_hours_have_no_bar():
    root = parse(make_card(hours=make_hours(1, 1, None, None, 4, 4), days=[], rows=[], now=UNKNOWN, notices=[]))
    assert [said for said in texts(root) if said in {"1", "?", "4"}] == ["?", "1", "?", "4"]
    paths = [found.get("d") for found in root.iter(f"{SVG}path") if "H" in found.get("d")]
    assert [path.count("M") - 1 for path in paths] == [2, 0, 2]


def test_the_peak_has_its_value():
    assert "120 µg/m³" in texts(parse(make_card(hours=make_hours(1, 4, 2))))


@pytest.mark.parametrize("hours", [[Hour()], [Hour(value_ug_m3=0.0, level=1, colour="#50F0E6")]])
def test_a_curve_of_nothing_or_of_zero_is_drawn(hours):
    assert parse(make_card(hours=hours)) is not None


def test_those_who_hear_it_are_told_the_same():
    root = parse(
        make_card(now=make_cell(label="En ce moment", detail="PM2.5"), days=[replace(UNKNOWN, label="Demain")])
    )
    assert root.get("role") == "img"
    named = {found.get("id"): "".join(found.itertext()) for found in root if found.get("id")}
    title, description = (named[name] for name in root.get("aria-labelledby").split())
    assert title == "Paris 4e Arrondissement · Qualité de l'air, mardi 6 janvier"
    for part in ("démonstration", "En ce moment 3/6 Dégradé PM2.5", "Demain ?/6 Non connu", "UV 0/11 Nul", "Airparif"):
        assert part in description


# --- Who can read it ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", EVERY_COLOUR)
def test_text_stands_out_on_the_colour_of_every_level(colour):
    assert contrast(text_on(colour), colour) >= 4.5


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_text_stands_out_on_any_colour_that_a_city_may_choose(rgb):
    colour = "#{:02X}{:02x}{:02X}".format(*rgb)
    assert contrast(text_on(colour), colour) >= 4.5


def test_contrast_is_that_of_the_wcag():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("ink", ["i", "s"])
@pytest.mark.parametrize("ground", ["p", "q"])
def test_words_stand_out_on_paper_and_panel_by_day_and_by_night(dark, ink, ground):
    drawn = draw(make_card())
    light = dict(re.findall(r'class="(\w)" (?:fill|stroke)="(#\w{6})"', drawn))
    colours = dark_colours() if dark else light
    assert contrast(colours[ink], colours[ground]) >= 4.5


def test_every_colour_of_the_day_has_one_for_the_night():
    assert set(re.findall(r'class="(\w)"', draw(make_card()))) - {"a"} == set(dark_colours())


@pytest.mark.parametrize("level", WORDS)
def test_nothing_reaches_over_the_edge_at_390_px(level):
    card = make_card(commune="Saint-Remy-en-Bouzemont-Saint-Genest-et-Isson", days=[make_cell(level)] * 2)
    root = parse(card)
    assert root.get("viewBox").startswith("0 0 390 ")
    for found in root.iter(f"{SVG}text"):
        wide = float(found.get("font-size", 12)) * (0.66 if found.get("font-weight") else 0.54) * len(found.text or "")
        start = float(found.get("x")) - wide * {"middle": 0.5, "end": 1}.get(found.get("text-anchor"), 0)
        assert 0 <= start <= start + wide <= 390, found.text


# --- That nothing gets into it -----------------------------------------------------------------------------


@given(ANY_TEXT, ANY_TEXT)
def test_whatever_a_name_holds_the_drawing_is_one_document_with_the_same_elements(name, word):
    now = make_cell(word=word, detail=name, label=name)
    card = make_card(
        commune=name, heading=word, language=name, now=now, hours_title=name, sources=[word], notices=[name]
    )
    allowed = {SVG + tag for tag in ("svg", "title", "desc", "style", "defs", "pattern", "g", "rect", "path", "text")}
    root = parse(card)
    assert {found.tag for found in root.iter()} <= allowed
    assert [found.text for found in root.iter(f"{SVG}style")] == [STYLE]
    assert not [key for found in root.iter() for key in found.attrib if key.startswith("on") or "href" in key]


def test_a_name_that_looks_like_markup_stays_a_name():
    root = parse(make_card(commune="</text><script>alert(1)</script>"))
    assert "</text><script>alert(1)</script>" in "".join(texts(root))


@pytest.mark.parametrize("colour", ["red", "#fff", 'url(http://example.org)"', "#50F0E6;x:y", "#50F0E6\n"])
def test_what_is_no_colour_is_refused(colour):
    with pytest.raises(ValueError, match="not a colour"):
        draw(make_card(now=make_cell(colour=colour)))


def test_a_name_does_not_turn_around_the_words_beside_it():
    drawn = draw(make_card(commune="Paris \u202e\u200f4e"))
    assert not {"\u202e", "\u200f"} & set(drawn)
    assert ">Paris 4e<" in drawn


def test_by_itself_in_a_wide_window_it_is_larger_and_in_the_middle():
    assert parse(make_card()).get("class") == "a"
    assert STYLE.startswith(".a{display:block;width:100%;max-width:560px;height:auto;margin:auto}")


def test_nothing_is_loaded_from_elsewhere():
    drawn = draw(make_card()).replace('xmlns="http://www.w3.org/2000/svg"', "")
    assert "http" not in drawn
    assert set(re.findall(r"url\([^)]*\)", drawn)) == {"url(#hatch)"}


def test_the_policy_names_the_style_sheet_by_its_hash_and_allows_nothing_else():
    (style,) = re.findall(r"<style>(.*)</style>", draw(make_card()))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in CONTENT_SECURITY_POLICY
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none'; ")
    assert "unsafe" not in CONTENT_SECURITY_POLICY


def test_it_is_light_even_when_every_hour_differs():
    card = make_card(hours=make_hours(*[1, 6, None, 4] * 6), days=[make_cell(6, detail="Particules fines (PM2.5)")] * 2)
    assert len(draw(card).encode()) < 12_000
