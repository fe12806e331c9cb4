"""Signs of danger lead to 15 or 112 in the same breath, and both languages send to the same numbers."""

import re

import pytest

from content.catalogue import catalogue
from content.words import LANGUAGES

CATALOGUE = catalogue()
TEXTS = [
    *CATALOGUE.advice.texts(),
    *CATALOGUE.push.texts(),
    *((f"notices: {code}", words) for code, words in CATALOGUE.notices.items()),
]
SIGNS = {
    "fr": r"poitrine|fièvre|évanoui|malaise|confus|du mal à respirer|respirez? mal|souffle court|étouffe"
    r"|manquez d'air|convulse|lèvres (?:bleu|ou visage)|peau brûlante|titube",
    "en": r"\bchest\b|\bfever\b|\bfaint|collapse|confus|trouble breathing|struggle to breathe|breathes? badly"
    r"|short of (?:breath|air)|hard to breathe|fighting for air|\bhas a fit\b|bluish|blue lips|burning skin|stagger",
}
NUMBER = re.compile(r"\b(?:15|112)\b")
CLOCK = {
    "fr": r"\b(?:à|vers|heures de|soleil de|pause de) midi\b|milieu du jour",
    "en": r"\bnoon\b|\bmidday\b",
}


def sentences(text):
    return re.split(r"(?<=\.)\s", text)


def numbers(text):
    return sorted(re.sub(r"[\s,]", "", number) for number in re.findall(r"\d[\d\s,]*", text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sign_of_danger_leads_to_an_emergency_number_in_the_same_sentence(language):
    lost = [
        f"{where}: {sentence}"
        for where, words in TEXTS
        for sentence in sentences(words.say(language))
        if re.search(SIGNS[language], sentence, re.IGNORECASE) and not NUMBER.search(sentence)
    ]
    assert lost == []


@pytest.mark.parametrize("audience", ["exercising_outdoors", "working_outdoors"])
@pytest.mark.parametrize("level", [3, 4, 5, 6])
def test_chest_pain_in_bad_air_is_for_15(level, audience):
    said = CATALOGUE.advice.find("air", level, audience).long
    assert re.search(r"[Dd]ouleur dans la poitrine[^.]*le 15\.", said.say("fr"))
    assert re.search(r"[Cc]hest pain[^.]*call 15\.", said.say("en"))


@pytest.mark.parametrize("level", [1, 2, 3])
def test_chest_pain_at_sport_is_for_15_at_once_even_in_good_air(level):
    said = CATALOGUE.advice.find("air", level, "exercising_outdoors").long
    assert "Douleur dans la poitrine\N{NO-BREAK SPACE}: arrêtez-vous et appelez le 15." in said.say("fr")
    assert "Chest pain: stop and call 15." in said.say("en")


def test_both_languages_give_the_same_numbers():
    differ = [where for where, words in TEXTS if numbers(words.say("fr")) != numbers(words.say("en"))]
    assert differ == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_advice_about_uv_takes_noon_for_the_worst(language):
    told = [where for where, words in TEXTS if "/uv.yaml" in where and re.search(CLOCK[language], words.say(language))]
    assert told == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_advice_of_a_heatwave_about_children_spares_small_babies_water(language):
    for level in (2, 3, 4):
        advice = CATALOGUE.advice.find("heat", level, "young_children")
        assert re.search("six mois|six months", advice.long.say(language)), level
    assert re.search("six mois|six months", CATALOGUE.advice.find("heat", 3, "young_children").short.say(language))
