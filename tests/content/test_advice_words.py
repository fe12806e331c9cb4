"""Advice: whole in both languages, sourced, dated, and said once."""

import re
from datetime import date
from itertools import product

import pytest

from citizen_api.sources.air_records import MEASURED, TAXA
from content import names
from content.advice import EASY_MOST, LONG_MOST, SHORT_MOST
from content.catalogue import ContentError, catalogue, load_catalogue
from content.hazards import AUDIENCES, SCALES, WATCHED
from content.words import LANGUAGES, Words, check_said_once, read_template
from tests.content.makers import make_spoilt

MOST = {"short": SHORT_MOST, "long": LONG_MOST, "easy": EASY_MOST}
ADVICE = [
    (hazard, level, audience) for hazard in WATCHED for level, audience in product(SCALES[hazard].levels, AUDIENCES)
]
EVERY_TEXT = [*catalogue().advice.texts(), *catalogue().push.texts()]


def first(data):
    return data["advice"][0]


def everyone(data):
    return data["advice"][0]["everyone"]


@pytest.mark.parametrize(("hazard", "level", "audience"), ADVICE)
def test_every_level_of_every_watched_hazard_has_advice_for_every_audience_in_both_languages(hazard, level, audience):
    advice = catalogue().advice.find(hazard, level, audience)
    for name, language in product(MOST, LANGUAGES):
        assert 10 <= len(getattr(advice, name).say(language)) <= MOST[name]
    assert advice.source_url.startswith("https://")
    assert date(2026, 1, 1) <= advice.reviewed_on


def test_a_level_outside_the_scale_has_no_advice():
    with pytest.raises(KeyError):
        catalogue().advice.find("air", 0, "everyone")


def test_no_text_stands_twice_in_any_language():
    for language in LANGUAGES:
        said = [" ".join(words.say(language).casefold().split()) for _, words in EVERY_TEXT]
        assert len(said) == len(set(said))


def test_a_text_that_stands_twice_is_refused_whatever_its_case_and_spaces():
    twice = [("here", Words({"fr": "Un", "en": "A  walk."})), ("there", Words({"fr": "Deux", "en": "a walk."}))]
    with pytest.raises(ContentError, match=r"^there: stands at here too, in en$"):
        check_said_once(twice)


def test_long_advice_about_the_worst_levels_names_an_emergency_number():
    worst = {hazard: SCALES[hazard].most for hazard in WATCHED}
    for (hazard, level), audience, language in product(worst.items(), AUDIENCES, LANGUAGES):
        said = catalogue().advice.find(hazard, level, audience).long.say(language)
        assert re.search(r"\b(15|112)\b", said), (hazard, audience, language)


def test_no_text_tells_of_deaths_and_none_scolds():
    for where, words in EVERY_TEXT:
        assert not re.search(
            r"\b(mort|décès|mortel|interdit de|dead|death|deadly)", words.say("fr") + words.say("en")
        ), where


def test_french_texts_say_vous():
    for where, words in EVERY_TEXT:
        assert not re.search(r"\b(tu|toi|tes|ton)\b", words.say("fr")), where


def test_every_hazard_and_level_has_a_name_a_phrase_and_a_colour():
    for hazard, scale in SCALES.items():
        levels = catalogue().names.hazards[hazard].levels
        assert set(levels) == set(scale.levels)
        assert all(re.fullmatch(r"#[0-9A-F]{6}", level.colour) for level in levels.values())


def test_every_pollutant_and_taxon_that_is_read_has_a_name():
    assert set(catalogue().names.pollutants) == set(names.POLLUTANTS) == set(MEASURED)
    assert set(catalogue().names.taxa) == set(names.TAXA) == set(TAXA)
    assert catalogue().names.cause("grass").say("fr") == "graminées"


def test_a_text_with_a_placeholder_that_nobody_fills_is_refused():
    with pytest.raises(ContentError, match=r"^here: \{name\} is no placeholder here$"):
        read_template({"fr": "{name}", "en": "{name}"}, "here", ("day",))


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (
            "advice/uv.yaml",
            lambda d: everyone(d)["short"].pop("en"),
            "levels [0, 1, 2]: everyone: short: needs exactly",
        ),
        ("advice/uv.yaml", lambda d: everyone(d)["easy"].update(fr=""), "everyone: easy: empty in fr"),
        ("advice/uv.yaml", lambda d: everyone(d)["short"].update(fr="x" * 141), "141 characters in fr, at most 140"),
        ("advice/uv.yaml", lambda d: everyone(d)["long"].update(fr="{a}", en="{a}"), "{a} is no placeholder here"),
        ("advice/uv.yaml", lambda d: everyone(d).pop("long"), "everyone: long: needs exactly"),
        ("advice/uv.yaml", lambda d: first(d).pop("pregnant"), "levels [0, 1, 2]: lacks pregnant"),
        ("advice/uv.yaml", lambda d: first(d).update(cats={}), "levels [0, 1, 2]: cats is too many"),
        ("advice/uv.yaml", lambda d: first(d)["levels"].remove(2), "level 2 stands in 0 bands"),
        ("advice/uv.yaml", lambda d: first(d)["levels"].append(3), "level 3 stands in 2 bands"),
        ("advice/uv.yaml", lambda d: d["advice"][-1]["levels"].append(12), "level 12 is not on the scale"),
        ("advice/uv.yaml", lambda d: everyone(d).pop("source"), "needs a source with a name"),
        ("advice/uv.yaml", lambda d: d["sources"]["oms_indice"].update(url="ftp://x"), "an https address"),
        ("advice/uv.yaml", lambda d: everyone(d).pop("reviewed_on"), "needs the date of its review"),
        ("advice/uv.yaml", lambda d: everyone(d).update(reviewed_on="soon"), "the date of its review (reviewed_on)"),
        ("advice/uv.yaml", lambda d: d.pop("advice"), "expected form"),
        ("hazards.yaml", lambda d: d["hazards"].pop("cold"), "hazards: lacks cold"),
        ("hazards.yaml", lambda d: d["hazards"]["air"]["levels"].pop(6), "air: levels: lacks 6"),
        ("hazards.yaml", lambda d: d["hazards"]["air"]["levels"][6].update(colour="red"), "needs a colour"),
        ("hazards.yaml", lambda d: d["hazards"]["air"].pop("unknown"), "air: unknown: needs exactly"),
        ("hazards.yaml", lambda d: d["tiers"].pop("alert"), "tiers: lacks alert"),
        ("hazards.yaml", lambda d: d["audiences"].pop("pregnant"), "audiences: lacks pregnant"),
        ("hazards.yaml", lambda d: d["pollutants"]["o3"].pop("short"), "pollutants: o3: short"),
        ("hazards.yaml", lambda d: d["pollutants"].pop("no2"), "pollutants: lacks no2"),
        ("hazards.yaml", lambda d: d["pollutants"].update(ch4=d["pollutants"]["co"]), "pollutants: ch4 is too many"),
        ("hazards.yaml", lambda d: d["taxa"].pop("birch"), "taxa: lacks birch"),
        ("hazards.yaml", lambda d: d["taxa"].update(oak=d["taxa"]["birch"]), "taxa: oak is too many"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_advice_and_names_that_are_incomplete_are_refused_in_one_line_that_says_where(tmp_path, name, change, said):
    folder = make_spoilt(tmp_path, name, change)
    with pytest.raises(ContentError) as caught:
        load_catalogue(folder)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
