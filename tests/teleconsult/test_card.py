"""The card before a handoff: the same signs for everybody, no question, no trace, words with a source."""

import re
from datetime import date

import pytest

from citizen_api.sources.slot_records import MODALITIES
from citizen_api.sources.specialties import SPECIALTIES
from citizen_api.teleconsult import card_rules
from citizen_api.teleconsult.card_rules import NETWORKS, SIGNS, card_for, card_version
from citizen_api.teleconsult.provider_rules import HAVE_READY
from content.card import read_card_facts
from content.catalogue import LANGUAGES, Words, catalogue
from content.words import ContentError
from tests.web.makers import read_problem

PATH = "/v1/teleconsultations/card"
LABELS = catalogue().booking["card"]
MOST = 140
CARDS = [
    card_for(specialty=specialty, modality=modality, network=network)
    for specialty in (None, *SPECIALTIES)
    for modality in (None, *MODALITIES)
    for network in NETWORKS
]


def get(client, query=""):
    response = client.get(f"{PATH}?{query}")
    assert response.status_code == 200
    return response.get_json()


def codes(lines):
    return [line["code"] for line in lines]


def numbers(text):
    return sorted(re.sub(r"\s", "", number) for number in re.findall(r"\d[\d\s]*", text))


def test_every_sign_stands_on_every_card_whatever_is_asked():
    assert {tuple(sorted(card.signs)) for card in CARDS} == {tuple(sorted(SIGNS))}


def test_a_specialty_only_brings_its_signs_first():
    usual = card_for(specialty=None, modality="video", network="good").signs
    psychiatry = card_for(specialty="psychiatry", modality="video", network="good").signs
    assert usual == SIGNS
    assert psychiatry[0] == "suicidal"
    assert [sign for sign in psychiatry if sign != "suicidal"] == [sign for sign in SIGNS if sign != "suicidal"]


def test_where_no_modality_is_said_the_card_of_a_video_is_shown():
    shown, video = (card_for(specialty=None, modality=modality, network="good") for modality in (None, "video"))
    assert shown == video


@pytest.mark.parametrize("modality", ["practice", "home"])
def test_in_person_the_card_is_shorter(modality):
    card = card_for(specialty=None, modality=modality, network="none")
    assert (card.can, card.cannot, card.offers) == ((), ("emergency",), ())
    assert "camera" not in card.have_ready


def test_a_booth_adds_devices_and_help_and_needs_no_camera_or_network_of_ones_own():
    booth = card_for(specialty=None, modality="assisted", network="none")
    video = card_for(specialty=None, modality="video", network="good")
    assert set(booth.can) - set(video.can) == {"measure", "be_helped"}
    assert set(video.have_ready) - set(booth.have_ready) == {"camera", "quiet_place"}
    assert booth.offers == ()


@pytest.mark.parametrize(
    ("network", "offers"), [("good", ()), ("weak", ("assisted", "phone")), ("none", ("assisted", "phone"))]
)
def test_a_bad_network_is_offered_a_booth_or_a_phone(network, offers):
    assert card_for(specialty=None, modality="video", network=network).offers == offers


def test_everything_on_a_card_has_words_and_every_word_is_on_a_card():
    said = {
        f"{kind}_{code}"
        for card in CARDS
        for kind, some in (("sign", card.signs), ("can", card.can), ("cannot", card.cannot), ("offer", card.offers))
        for code in some
    }
    assert said == set(LABELS)
    assert {code for card in CARDS for code in card.have_ready} <= set(HAVE_READY)


@pytest.mark.parametrize("code", sorted(LABELS))
def test_a_sentence_fits_a_phone_and_gives_the_same_numbers_in_both_languages(code):
    french, english = (LABELS[code].say(language) for language in LANGUAGES)
    assert max(len(french), len(english)) <= MOST
    assert numbers(french) == numbers(english)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sign", SIGNS)
def test_a_sign_leads_to_15_and_112_in_the_same_sentence(sign, language):
    sentences = re.split(r"(?<=\.)\s", LABELS[f"sign_{sign}"].say(language))
    assert any(re.search(r"\b15\b.*\b112\b", sentence) for sentence in sentences)


@pytest.mark.parametrize("language", LANGUAGES)
def test_suicidal_thoughts_lead_to_3114(language):
    assert "3114" in LABELS["sign_suicidal"].say(language)


def test_every_fact_has_a_source_and_the_day_of_its_review():
    facts = catalogue().card_facts
    assert set(facts) == {code for code in LABELS if not code.startswith("offer_")}
    assert all(fact.url.startswith("https://") and fact.name for fact in facts.values())
    assert {type(fact.reviewed_on) for fact in facts.values()} == {date}


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ("{}", "lacks can_talk"),
        ("{can_talk: {source: other, reviewed_on: 2026-11-25}}", "needs a source"),
        ("{can_talk: {source: known}}", "needs the date"),
        ("{can_talk: {source: known, reviewed_on: 2026-11-25}, offer_x: {}}", "offer_x is too many"),
    ],
)
def test_a_sentence_without_source_or_date_is_refused(tmp_path, facts, said):
    folder = tmp_path / "teleconsult"
    folder.mkdir()
    folder.joinpath("card.yaml").write_text(
        "labels: {can_talk: {fr: a, en: b}, offer_x: {fr: c, en: d}}\n"
        'sources: {known: {name: Essai, url: "https://synthetic.example"}}\n'
        f"facts: {facts}\n",
        encoding="utf-8",
    )
    with pytest.raises(ContentError, match=said):
        read_card_facts(tmp_path)


@pytest.fixture
def changed_words(monkeypatch):
    """Lets a test change one text of the card."""

    def change(language, text):
        words = {**LABELS, "can_talk": Words({**LABELS["can_talk"].by_language, language: text})}
        monkeypatch.setattr(card_rules, "catalogue", lambda: type("Changed", (), {"booking": {"card": words}}))
        card_version.cache_clear()
        return card_version()

    yield change
    monkeypatch.undo()
    card_version.cache_clear()


@pytest.mark.parametrize("language", LANGUAGES)
def test_other_words_in_either_language_have_another_version(changed_words, language):
    known = card_version()
    assert changed_words(language, LABELS["can_talk"].say(language)) == known
    assert changed_words(language, "Autre chose.") != known


def test_the_card_is_public_cacheable_and_says_its_version(client):
    response = client.get(PATH)
    assert response.headers["Cache-Control"] == "public, max-age=3600"
    assert response.get_json()["version"] == card_version()
    again = client.get(PATH, headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304


def test_a_card_speaks_the_language_that_is_asked_for_under_one_version(client):
    french, english = get(client, "lang=fr"), get(client, "lang=en")
    assert french["version"] == english["version"]
    assert english["signs"][0]["text"] == "Pain or tightness in the chest: call 15 or 112."
    assert french["signs"][0]["text"].startswith("Douleur ou serrement dans la poitrine")


def test_a_line_says_its_source_and_the_day_of_its_review(client):
    stroke = next(line for line in get(client, "lang=en")["signs"] if line["code"] == "stroke")
    assert stroke["source"]["url"].startswith("https://www.somme.gouv.fr/")
    assert stroke["reviewed_on"] == "2026-11-25"


def test_the_numbers_for_emergencies_stand_on_every_card(client):
    for modality in MODALITIES:
        assert {"15", "112", "3114"} <= {entry["number"] for entry in get(client, f"modality={modality}")["emergency"]}


def test_what_to_have_at_hand_is_said_in_the_words_of_providers(client):
    ready = {line["code"]: line["text"] for line in get(client, "modality=video&lang=en")["have_ready"]}
    said = catalogue().booking["providers"]
    assert ready == {code: said[f"ready_{code}"].say("en") for code in ready}
    assert {"carte_vitale", "prescriptions", "camera"} <= set(ready)


def test_a_good_network_is_offered_nothing_else(client):
    card = get(client, "modality=video&network=good")
    assert card["offers"] == []
    assert codes(card["notices"]) == ["card_nothing_asked"]


@pytest.mark.parametrize(("network", "said"), [("weak", "card_weak_network"), ("none", "card_no_network")])
def test_a_bad_network_is_told_so_and_led_to_a_booth_or_a_public_number(client, network, said):
    card = get(client, f"modality=video&network={network}&specialty=dermatology")
    assert codes(card["notices"]) == ["card_nothing_asked", said]
    assert {offer["code"]: offer["href"] for offer in card["offers"]} == {
        "assisted": "/v1/teleconsultations/slots?modality=assisted&specialty=dermatology",
        "phone": "tel:116117",
    }
    assert "116117" in {entry["tel"] for entry in card["emergency"]}


@pytest.mark.parametrize("name", ["symptom", "symptoms", "reason", "age", "pain", "lat", "commune", "answer"])
def test_no_parameter_takes_a_symptom_or_anything_about_a_resident(client, name):
    response = client.get(f"{PATH}?{name}=1")
    assert response.status_code == 422
    assert [error["field"] for error in read_problem(response)["errors"]] == [name]


@pytest.mark.parametrize("query", ["specialty=headache", "modality=phone", "network=4g"])
def test_a_parameter_takes_only_what_the_appointment_is(client, query):
    assert client.get(f"{PATH}?{query}").status_code == 422


def test_showing_the_card_opens_no_session_and_keeps_nothing(client, services, monkeypatch):
    def refuse(**_):
        raise AssertionError("the card looked into the database")

    monkeypatch.setattr(services.database, "open", refuse)
    assert get(client, "modality=video&network=weak")["version"] == card_version()
