"""GET /v1/advice: what to do, in both languages."""

from datetime import UTC, date, datetime

import pytest

from app import create_app
from content.catalogue import catalogue
from content.hazards import AUDIENCES, SCALES, WATCHED
from tests.web.makers import make_client, make_services, read_problem


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    return make_client(tmp_path_factory.mktemp("advice"))


def ask(client, **query):
    return client.get("/v1/advice", query_string=query)


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_advice_says_what_to_do_for_whom_and_where_it_comes_from(client, lang):
    response = ask(client, hazard="air", level=3, audience="exercising_outdoors", on="2026-11-26", lang=lang)
    words = catalogue()
    advice = words.advice.find("air", 3, "exercising_outdoors")
    assert response.status_code == 200
    assert response.get_json() == {
        "notices": [{"code": "general_advice", "text": words.notices["general_advice"].say(lang)}],
        "hazard": "air",
        "hazard_name": "Air",
        "level": 3,
        "level_name": {"fr": "Dégradé", "en": "Moderate"}[lang],
        "level_colour": "#F0E641",
        "audience": "exercising_outdoors",
        "audience_name": {"fr": "Sport en plein air", "en": "Exercising outdoors"}[lang],
        "short": advice.short.say(lang),
        "long": advice.long.say(lang),
        "easy_read": advice.easy.say(lang),
        "tip": words.push.tip("air", 3, date(2026, 11, 26)).say(lang),
        "source": {"name": advice.source_name, "url": advice.source_url},
        "reviewed_on": "2026-11-25",
        "emergency": [
            {"number": "15", "tel": "15", "channel": "voice",
             "name": {"fr": "SAMU", "en": "SAMU (medical emergencies)"}[lang]},
            {"number": "112", "tel": "112", "channel": "voice",
             "name": {"fr": "Urgences en Europe", "en": "Emergencies in Europe"}[lang]},
            {"number": "114", "tel": "114", "channel": "text",
             "name": {"fr": "Urgences par SMS", "en": "Emergencies by text message"}[lang]},
        ],
    }  # fmt: skip


def test_advice_is_for_everyone_unless_asked(client):
    assert ask(client, hazard="uv", level=0).get_json()["audience"] == "everyone"


def test_the_tip_is_that_of_the_day_in_paris(tmp_path):
    services = make_services(tmp_path)
    services.clock = lambda: datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    client = create_app(services=services).test_client()
    tip = catalogue().push.tip("heat", 2, date(2026, 7, 2)).say("fr")
    assert ask(client, hazard="heat", level=2).get_json()["tip"] == tip


@pytest.mark.parametrize("hazard", WATCHED)
def test_every_level_and_audience_is_answered(client, hazard):
    for level in SCALES[hazard].levels:
        for audience in AUDIENCES:
            assert ask(client, hazard=hazard, level=level, audience=audience).status_code == 200


@pytest.mark.parametrize(("hazard", "level"), [("air", 0), ("air", 7), ("pollen", -1), ("heat", 5), ("uv", 12)])
def test_a_level_outside_the_scale_is_refused_and_the_scale_is_named(client, hazard, level):
    problem = read_problem(ask(client, hazard=hazard, level=level, lang="en"))
    assert (problem["type"], problem["status"]) == ("/problems/level-outside-scale", 422)
    scale = SCALES[hazard]
    assert problem["detail"] == f"The scale of “{hazard}” goes from {scale.least} to {scale.most}."


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"level": 1}, "hazard"),
        ({"hazard": "air"}, "level"),
        ({"hazard": "storms", "level": 1}, "hazard"),
        ({"hazard": "air", "level": "bad"}, "level"),
        ({"hazard": "air", "level": 1, "audience": "cats"}, "audience"),
        ({"hazard": "air", "level": 1, "on": "soon"}, "on"),
    ],
)
def test_arguments_that_do_not_fit_are_named(client, query, field):
    problem = read_problem(ask(client, **query))
    assert problem["type"] == "/problems/invalid-arguments"
    assert [error["field"] for error in problem["errors"]] == [field]


def test_caches_may_keep_advice_for_an_hour_and_ask_again_cheaply(client):
    response = ask(client, hazard="air", level=3, on="2026-11-26")
    assert "max-age=3600" in response.headers["Cache-Control"]
    again = client.get(
        "/v1/advice?hazard=air&level=3&on=2026-11-26", headers={"If-None-Match": response.headers["ETag"]}
    )
    assert again.status_code == 304
