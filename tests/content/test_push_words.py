"""Push messages: they fit, whatever they are filled with, and no tip comes back within 30 days."""

import csv
import gzip
import re
from datetime import date, timedelta
from itertools import combinations, product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import citizen_api.territory
from content.catalogue import ContentError, catalogue, load_catalogue
from content.hazards import SCALES, WATCHED
from content.push import BODY_MOST, COMMUNE_LEAST, KINDS, TIP_MOST, TITLE_MOST, WHENS, Part, _shortened
from content.words import LANGUAGES
from tests.content.makers import make_spoilt

DAY = date(2026, 11, 26)
COMMUNES = Path(citizen_api.territory.__file__).parent / "data" / "communes.csv.gz"
PUSH = catalogue().push
LEVELS = [(hazard, level) for hazard in WATCHED for level in SCALES[hazard].levels]


def make_message(kind="alert", *parts, language="fr", when="tomorrow", day=DAY):
    return PUSH.compose(kind, language=language, parts=parts, when=when, day=day)


def band(data):
    return data["tips"][0]


@given(st.sampled_from(LEVELS), st.dates(max_value=date(9999, 11, 1)))
def test_in_any_31_days_in_a_row_no_tip_comes_twice(level, day):
    tips = [PUSH.tip(*level, day + timedelta(days=after)).say("fr") for after in range(31)]
    assert len(set(tips)) == 31


@given(st.lists(st.sampled_from(LEVELS), min_size=31, max_size=31), st.dates(max_value=date(9999, 11, 1)))
def test_whatever_levels_follow_each_other_no_tip_comes_twice_in_31_days(levels, day):
    tips = [PUSH.tip(*level, day + timedelta(days=after)).say("en") for after, level in enumerate(levels)]
    assert len(set(tips)) == 31


def test_a_tip_fits_in_each_language_and_says_no_day():
    for (where, tip), language in product(PUSH.texts(), LANGUAGES):
        said = tip.say(language)
        assert len(said) <= TIP_MOST, where
        assert not re.search(r"\b(demain|aujourd'hui|ce soir|tomorrow|today|tonight)\b", said, re.IGNORECASE), where
        assert re.search(r"[.?!]$|\)\.$", said), where


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_message_about_any_commune_of_france_fits(kind, language):
    with gzip.open(COMMUNES, "rt", encoding="utf-8") as file:
        names = [row["name"] for row in csv.DictReader(file)]
    assert len(names) == 35_014
    for name in set(names):
        body = make_message(kind, Part("air", 6, name, "o3", "information"), language=language, when="today").body
        assert len(body) <= BODY_MOST
        assert name[:5] in body


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_message_about_any_level_fits_with_a_long_name(language):
    for kind, when, (hazard, level) in product(KINDS, WHENS, LEVELS):
        causes = {"air": catalogue().names.pollutants, "pollen": catalogue().names.taxa}.get(hazard, (None,))
        for cause in causes:
            part = Part(hazard, level, "Saint-Remy-en-Bouzemont-Saint-Genest-et-Isson", cause)
            message = make_message(kind, part, language=language, when=when)
            assert len(message.title) <= TITLE_MOST
            assert len(message.body) <= BODY_MOST
            assert "{" not in message.title + message.body


@pytest.mark.parametrize("size", [2, 3, 4])
def test_several_hazards_in_several_communes_are_one_message_that_fits(size):
    for kind, when, language, hazards in product(KINDS, WHENS, LANGUAGES, combinations(WATCHED, size)):
        parts = [Part(hazard, SCALES[hazard].most, f"{hazard} sur-Mer-et-Saint-Jean-du-Bois") for hazard in hazards]
        message = make_message(kind, *parts, language=language, when=when)
        assert len(message.title) <= TITLE_MOST
        assert len(message.body) <= BODY_MOST
        assert all(f"{hazard} sur" in message.body for hazard in hazards)


def test_an_alert_says_where_what_when_how_bad_and_what_to_do():
    message = make_message("alert", Part("air", 3, "Paris", "pm25"))
    nbsp = "\N{NO-BREAK SPACE}"
    assert message.title == "Air dégradé demain"
    assert message.body.startswith(f"Paris{nbsp}: air dégradé demain (3 sur 6), surtout PM2.5. ")
    assert message.body.endswith(PUSH.tip("air", 3, DAY).say("fr"))


def test_a_long_message_loses_its_tip_before_a_letter_of_its_commune():
    name = "Saint-Remy-en-Bouzemont-Saint-Genest-et-Isson-sur-Synthetique-et-sur-Inventee"
    body = make_message("alert", Part("air", 6, name, "pm25")).body
    assert name in body
    assert body.endswith("surtout PM2.5.")


def test_a_message_that_is_still_too_long_shortens_the_commune_at_a_word():
    name = "Synthetic-en-Montagne-" * 6 + "Fin"
    body = make_message("alert", Part("heat", 3, name)).body
    assert len(body) <= BODY_MOST
    assert re.match(r"(Synthetic-en-Montagne-)+(Synthetic-en|Synthetic|Synthetic-en-Montagne)?…", body)


@pytest.mark.parametrize(
    ("name", "most", "shortened"),
    [
        ("Paris", 5, "Paris"),
        ("Bourg-en-Bresse", 12, "Bourg-en…"),
        ("Bourg-en-Bresse", 9, "Bourg-en…"),
        ("La Roche-sur-Yon", 9, "La Roche…"),
        ("Saint-Denis", 4, "Sai…"),
        ("Paris", 0, ""),
    ],
)
def test_a_name_is_shortened_at_a_word_where_it_has_one(name, most, shortened):
    assert _shortened(name, most) == shortened
    assert len(shortened) <= most


def test_an_official_episode_is_named_with_its_tier():
    message = make_message("alert", Part("air", 5, "Lyon", "o3", "alert"), language="en", when="today")
    assert message.title == "Pollution alert today"
    assert message.body.startswith("Lyon: pollution episode today, alert level, mostly ozone. ")


def test_a_tier_says_nothing_of_pollen():
    assert make_message("alert", Part("pollen", 4, "Lyon", "birch", "alert")).title == "Pollens élevés demain"


def test_hazards_of_one_commune_share_its_name():
    message = make_message("alert", Part("air", 4, "Lyon"), Part("pollen", 4, "Lyon"), language="en")
    assert message.title == "To know tomorrow: air and pollen"
    assert message.body.startswith("Lyon: poor air quality, high pollen. ")


def test_the_tip_of_several_hazards_is_that_of_the_worst_which_comes_first():
    message = make_message("alert", Part("uv", 8, "Lyon"), Part("air", 3, "Lyon"))
    assert message.body.endswith(PUSH.tip("uv", 8, DAY).say("fr"))


def test_the_last_uv_level_stands_for_all_above_it():
    assert "(index 11 or more)" in make_message("alert", Part("uv", 11, "Lyon"), language="en").body


def test_an_all_clear_may_know_no_level():
    message = make_message("all_clear", Part("air", None, "Lyon"), language="en")
    assert message.title == "Air: below your level"
    assert message.body == "Lyon: back below your level."


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_all_clear_promises_no_calm_while_a_high_level_goes_on(language):
    for parts in ([Part("heat", 3, "Lyon")], [Part("heat", 3, "Lyon"), Part("air", 4, "Lyon")]):
        message = make_message("all_clear", *parts, language=language)
        assert not re.search(r"calm|over|fini|terminé", message.title + message.body)
        assert PUSH.names.hazards["heat"].levels[3].phrase.say(language) in message.body


def test_an_all_clear_of_several_hazards_names_them_under_the_levels_of_the_reader():
    parts = [Part("air", 2, "Lyon"), Part("pollen", 1, "Lyon")]
    assert make_message("all_clear", *parts, language="en").title == "Below your levels: air and pollen"
    assert make_message("all_clear", *parts).title == "Sous vos niveaux\N{NO-BREAK SPACE}: air et pollens"


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([], "needs a part"),
        ([Part("air", 3, "Lyon"), Part("air", 3, "Bron")], "at most one of each hazard"),
        ([Part("air", None, "Lyon")], "only an all-clear may know no level"),
    ],
    ids=["no part", "one hazard twice", "no level"],
)
def test_parts_that_make_no_message_are_refused(parts, said):
    with pytest.raises(ValueError, match=said):
        make_message("alert", *parts)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("push/uv.yaml", lambda d: band(d).update(sentences=band(d)["sentences"][:30]), "30 tips, at least 31"),
        ("push/uv.yaml", lambda d: band(d)["sentences"][0].update(fr="x" * 76), "tip 1: 76 characters in fr, at most"),
        ("push/uv.yaml", lambda d: band(d)["sentences"][0].pop("en"), "tip 1: needs exactly the languages"),
        ("push/uv.yaml", lambda d: band(d)["sentences"][0].update(fr="{x}", en="{x}"), "{x} is no placeholder here"),
        ("push/uv.yaml", lambda d: band(d)["levels"].remove(0), "push/uv.yaml: level 0 stands in 0 bands"),
        ("push/uv.yaml", lambda d: band(d)["sentences"].append(band(d)["sentences"][3]), "level 0: tip 4 too"),
        ("push/uv.yaml", lambda d: band(d)["sentences"].append(d["tips"][1]["sentences"][0]), "stands at push/uv"),
        ("push/messages.yaml", lambda d: d["titles"].pop("alert"), "titles: lacks alert"),
        ("push/messages.yaml", lambda d: d["facts"].pop("uv"), "facts: lacks uv"),
        ("push/messages.yaml", lambda d: d["days"].pop("today"), "days: lacks today"),
        ("push/messages.yaml", lambda d: d["bodies"]["alert"].update(fr="{facts}"), "different placeholders"),
        ("push/messages.yaml", lambda d: d["bodies"]["alert"].update(fr="{z}", en="{z}"), "{z} is no placeholder"),
        ("push/messages.yaml", lambda d: d["titles"]["alert"].update(fr="Attention, voici : {phrase} {day}"),
         "alert, today, in fr: air: “Attention, voici"),
        ("push/messages.yaml", lambda d: d["bodies"]["alert"].update(fr="x" * 90 + "{facts}. {tip}"),
         "leaves fewer than 10 characters"),
        ("push/messages.yaml", lambda d: d.pop("cause"), "cause: needs exactly the languages"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_push_words_that_are_incomplete_or_too_long_are_refused_in_one_line(tmp_path, name, change, said):
    folder = make_spoilt(tmp_path, name, change)
    with pytest.raises(ContentError) as caught:
        load_catalogue(folder)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_commune_keeps_some_letters_in_the_longest_message():
    longest = [Part(hazard, SCALES[hazard].most, f"{hazard}-{'x' * 200}") for hazard in WATCHED]
    for kind, when, language in product(KINDS, WHENS, LANGUAGES):
        assert PUSH._room(kind, language, longest, when) >= COMMUNE_LEAST


def test_where_the_tip_of_the_day_is_too_long_the_next_that_fits_takes_its_place():
    name = "Saint-Remy-en-Bouzemont-Saint-Genest-et-Isson"
    sentences = [words.say("fr") for words in PUSH.tips["air", 6]]
    for number, tip in enumerate(sentences):
        day = DAY + timedelta(days=number - DAY.toordinal() % len(sentences))
        body = PUSH.compose("alert", language="fr", parts=[Part("air", 6, name, "pm25")], when="tomorrow", day=day).body
        said = next(one for one in sentences if body.endswith(one))
        room = BODY_MOST - len(body.removesuffix(said))
        assert (said == tip) == (len(tip) <= room)
