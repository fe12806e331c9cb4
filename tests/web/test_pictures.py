"""What every picture has in common: texts of others in which nothing hides, and how wide it grows."""

import unicodedata
from html import unescape
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.air import drawing as air
from citizen_api.mobility import departure_drawing, map_style
from citizen_api.web.pictures import GROWS, legible, safe


@pytest.mark.parametrize(
    "hidden",
    [
        *map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))),
        "\u200e",
        "\u200f",
        "\u061c",
        "\u200b",
        "\u2060",
        "\ufeff",
        "\u00ad",
        "\U000e0041",
        "\x00",
        "\x1b",
        "\x7f",
        "\x85",
        "\ud800",
        "\ufffe",
        "\uffff",
    ],
    ids=ascii,
)
def test_what_is_not_seen_is_dropped_from_a_name(hidden):
    assert legible(f"Rue {hidden}neuve") == "Rue neuve"


@pytest.mark.parametrize("text", ["Œuvre de l'Île — 3 µg/m³", "a\tb\nc\rd", "12\N{NO-BREAK SPACE}h", "شارع", "🚲"])
def test_what_is_seen_stays(text):
    assert legible(text) == text


def test_a_name_that_looks_like_markup_is_one_in_xml():
    assert unescape(safe("<b>\u202e&'\"")) == "<b>&'\""


@given(st.text(st.characters(codec=None)))
def test_any_text_is_one_of_xml_with_nothing_hidden_in_it(text):
    read = ET.fromstring(f"<text>{safe(text)}</text>").text or ""  # noqa: S314 - our own document
    assert not [one for one in read if unicodedata.category(one) in {"Cf", "Cs"}]


@pytest.mark.parametrize(
    ("style", "name"),
    [(air.STYLE, "a"), (departure_drawing.STYLE, "w"), (map_style.STYLE, "m")],
    ids=["air", "strip", "map"],
)
def test_every_picture_grows_in_the_same_manner(style, name):
    assert style.startswith(f".{name}{{{GROWS}}}")
