"""`GET /v1/mobility/suggestions`: what a resident is told of the best hours and of walks, and their picture."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import polyline
import pytest

from app import create_app
from citizen_api.mobility.networks import Networks
from citizen_api.mobility.outing_schemas import SuggestionsView
from tests.air.makers import HOUR, expect, make_episode, make_fact, say
from tests.mobility.makers import changed
from tests.mobility.outing_makers import make_line, make_park
from tests.web.makers import read_problem

NOON = datetime(2026, 1, 6, 11, tzinfo=UTC)
"""12:00 in Paris."""
PARIS_3 = "75103"
TODAY = NOON.date()
TOMORROW = TODAY + timedelta(days=1)
PARK = make_park()
MIDDLE = 15 * 30 + 15
HERE = f"lat={PARK.lats[MIDDLE]:.6f}&lon={PARK.lons[MIDDLE]:.6f}"


class SomeNetworks:
    """The networks of a test, wherever one asks."""

    def __init__(self) -> None:
        self.found = [PARK]

    def all(self):
        return self.found

    def around(self, *, lat, lon):
        assert -90 <= lat <= 90
        assert -180 <= lon <= 180
        return self.found


@pytest.fixture
def networks():
    return SomeNetworks()


@pytest.fixture
def client(services, networks, clock):
    clock.moment = NOON
    services.ports[Networks] = networks
    return create_app(services=services).test_client()


@pytest.fixture
def ask(client):
    def run(query=HERE, **headers):
        response = client.get(f"/v1/mobility/suggestions?{query}", headers=headers)
        assert response.status_code == 200, response.json
        assert not SuggestionsView().validate(response.json)
        return response.json

    return run


@pytest.fixture
def picture(client):
    def run(query=HERE, path="/v1/mobility/suggestions.svg", **headers):
        response = client.get(f"{path}?{query}", headers=headers)
        assert response.status_code == 200, response.json
        return response

    return run


def codes(answer):
    return [notice["code"] for notice in answer["notices"]]


def know_the_air(database, no2=40.0, *, at=NOON, hours=range(1, 37)):
    expect(database, no2, at=at, code=PARIS_3, hours=hours)


# --- Windows ----------------------------------------------------------------------------------------------------


def test_the_window_of_tomorrow_lies_in_its_clean_hours(database, ask, clock):
    know_the_air(database)
    clock.moment = NOON + timedelta(minutes=2)
    know_the_air(database, 10.0, at=clock.moment, hours=(23, 24, 25))
    tomorrow = ask(f"{HERE}&lang=fr")["tomorrow"]
    assert tomorrow["text"] == "Demain, le meilleur moment pour bouger dehors\xa0: de 10\xa0h à 13\xa0h."


def test_the_window_of_today_lies_in_its_clean_hours(database, ask, clock):
    know_the_air(database)
    clock.moment = NOON + timedelta(minutes=2)
    know_the_air(database, 8.0, at=clock.moment, hours=(3, 4))
    today = ask(f"{HERE}&lang=en")["today"]
    assert (today["starts_at"], today["ends_at"]) == ("2026-01-06T14:00:00+01:00", "2026-01-06T16:00:00+01:00")
    assert today["text"] == "Today, the best time to be active outdoors: from 14:00 to 16:00."
    assert [reason["code"] for reason in today["reasons"]] == ["cleaner", "daylight"]


def test_a_storm_warning_today_makes_tomorrow_the_day_of_the_walks(database, ask):
    know_the_air(database)
    storms = {"hazard": "storms", "kind": "vigilance", "zone_kind": "departement", "zone_code": "75", "day": TODAY}
    say(database, make_fact(**storms, level=3), at=NOON - HOUR)
    answer = ask()
    assert answer["today"]["choice"] == "indoors"
    assert (answer["better_day"], answer["walk_day"]) == ("tomorrow", "tomorrow")
    assert answer["walk_at"] == answer["tomorrow"]["starts_at"]


def test_the_levels_of_the_day_come_with_their_source_and_age(database, ask):
    levels = {"levels": {"birch": 5}}
    pollen = {"hazard": "pollen", "zone_code": PARIS_3, "day": TOMORROW, "details": levels}
    say(database, make_fact(**pollen, level=5), at=NOON - HOUR)
    tomorrow = ask()["tomorrow"]
    assert (tomorrow["pollen"]["level"], tomorrow["pollen"]["age_s"]) == (5, 3600)
    assert "mind_pollen" in [mind["code"] for mind in tomorrow["minds"]]
    assert tomorrow["uv"] is None


def test_in_the_evening_the_day_is_over_and_tomorrow_is_told(ask, clock):
    clock.moment = datetime(2026, 1, 6, 21, 40, tzinfo=UTC)
    answer = ask()
    assert (answer["today"]["choice"], answer["today"]["starts_at"]) == ("over", None)
    assert answer["walk_day"] == "tomorrow"


def test_what_is_not_known_is_said_once(ask):
    answer = ask()
    assert {"outing_air_unknown", "outing_rain_unknown"} <= set(codes(answer))
    assert len(codes(answer)) == len(set(codes(answer)))
    assert answer["today"]["air"]["level"] is None


def test_with_an_index_alone_it_is_said_that_it_cannot_choose_hour_or_street(database, ask):
    days = ((TODAY, 2), (TOMORROW, 4))
    say(database, *(make_fact(zone_code=PARIS_3, day=day, level=level) for day, level in days), at=NOON - HOUR)
    answer = ask()
    assert "outing_air_by_day" in codes(answer)
    assert answer["better_day"] == "today"
    assert {walk["dose_against_mean"] for walk in answer["walks"]} == {None}


@pytest.mark.parametrize(
    ("level", "mind", "choice"),
    [
        (3, None, "go"),
        (4, "mind_air_poor", "go"),
        (5, "mind_air_very_poor", "shorter"),
        (6, "mind_air_extremely_poor", "shorter"),
    ],
)
def test_each_bad_level_of_the_air_has_a_sentence_of_its_own(database, ask, level, mind, choice):
    say(database, make_fact(zone_code=PARIS_3, day=TOMORROW, level=level), at=NOON - HOUR)
    tomorrow = ask()["tomorrow"]
    found = [said["code"] for said in tomorrow["minds"] if said["code"].startswith("mind_air_")]
    assert (found, tomorrow["choice"]) == ([mind] if mind else [], choice)


@pytest.mark.parametrize(("tier", "mind"), [("information", "mind_air_episode"), ("alert", "mind_air_very_poor")])
@pytest.mark.parametrize("day", [TODAY, TOMORROW])
def test_an_episode_of_either_day_is_told_and_its_outing_is_short(database, ask, picture, day, tier, mind):
    say(database, make_episode(tier, day=day), make_fact(zone_code=PARIS_3, day=day, level=4), at=NOON - HOUR)
    answer = ask(f"{HERE}&lang=en")
    assert codes(answer)[0] == "air_episode"
    told = answer["today" if day == TODAY else "tomorrow"]
    assert told["choice"] == "shorter"
    assert mind in [said["code"] for said in told["minds"]]
    assert "A pollution episode" in picture(f"{HERE}&lang=en").text


def test_without_an_episode_none_is_told(database, ask):
    say(database, make_fact(zone_code=PARIS_3, day=TODAY, level=6), at=NOON - HOUR)
    assert "air_episode" not in codes(ask())


# --- Walks ------------------------------------------------------------------------------------------------------


def test_three_round_walks_are_told_with_all_that_is_known_of_them(database, ask):
    know_the_air(database)
    walks = ask(f"{HERE}&lang=en")["walks"]
    assert [(walk["number"], walk["wished_min"], walk["kind"]) for walk in walks] == [
        (1, 20, "round"),
        (2, 30, "round"),
        (3, 45, "round"),
    ]
    first = walks[0]
    assert abs(first["duration_s"] - 1200) <= 180
    assert first["distance_m"] == pytest.approx(first["duration_s"] * 4 / 3, rel=0.01)
    assert first["dose_ug"]["no2"] > 0
    assert first["dose_ug"]["pm25"] is None
    assert first["activity"]["met_min"] == pytest.approx(3.5 * first["duration_s"] / 60, abs=1)
    assert first["activity"]["who_week_percent"] == pytest.approx(first["duration_s"] / 90, abs=1)
    assert first["activity"]["kcal_least"] < first["activity"]["kcal_most"]
    assert first["text"].startswith(f"Round walk of {round(first['duration_s'] / 60)} min, ")
    assert first["steps"][-1]["text"]


def test_a_walk_is_said_in_words_with_its_share_of_green_and_of_calm(ask):
    in_the_park = f"lat={PARK.lats[20 * 30 + 25]}&lon={PARK.lons[20 * 30 + 25]}&minutes=10&lang=en"
    walk = ask(in_the_park)["walks"][0]
    assert (walk["green_share"], walk["away_from_main_roads_share"]) == (1, 1)
    assert "Along greenery all the way. Away from main roads all the way." in walk["text"]


def test_in_the_air_of_a_main_road_it_is_said_that_more_is_breathed_in(database, ask, networks):
    know_the_air(database)
    networks.found = [changed(PARK, factors={"no2": [1.5] * len(PARK.tails)})]
    text = ask(f"{HERE}&lang=en")["walks"][0]["text"]
    assert "About 50% more NO2 breathed in than on an average street" in text


def test_the_polyline_and_the_geometry_of_a_walk_are_one_line(ask):
    walk = ask()["walks"][0]
    line = [[lon, lat] for lat, lon in polyline.decode(walk["polyline"])]
    assert [pytest.approx(point, abs=2e-5) for point in walk["geometry"]["coordinates"]] == line
    assert walk["geometry"]["coordinates"][0] == walk["geometry"]["coordinates"][-1]


def test_the_dose_of_a_walk_follows_the_air_that_is_expected(database, ask, clock):
    know_the_air(database, 20.0)
    before = ask()["walks"]
    clock.moment = NOON + timedelta(minutes=2)
    know_the_air(database, 40.0, at=clock.moment)
    after = ask()["walks"]
    assert [walk["polyline"] for walk in after] == [walk["polyline"] for walk in before]
    assert after[0]["dose_ug"]["no2"] == pytest.approx(2 * before[0]["dose_ug"]["no2"], abs=0.02)
    assert after[0]["dose_against_mean"] == before[0]["dose_against_mean"]


def test_the_walks_of_tomorrow_are_others(ask, clock):
    today = [walk["polyline"] for walk in ask()["walks"]]
    clock.moment = NOON + timedelta(hours=5)
    assert [walk["polyline"] for walk in ask()["walks"]] == today
    clock.moment = NOON + timedelta(days=1)
    assert [walk["polyline"] for walk in ask()["walks"]] != today


def test_the_minutes_asked_for_are_those_of_the_walks(ask):
    assert [walk["wished_min"] for walk in ask(f"{HERE}&minutes=25,60")["walks"]] == [25, 60, 25]


def test_the_network_is_named_with_its_attribution(ask):
    network = ask()["network"]
    assert (network["attribution"], network["street_air_method"]) == ("synthetic", "table")


def test_the_age_of_the_map_is_that_of_its_extract_and_unknown_without_one(ask, networks):
    networks.found = [changed(PARK, extract_date=TODAY - timedelta(days=400), built_on=TODAY)]
    answer = ask()
    assert (answer["network"]["age_days"], answer["network"]["extract_date"]) == (400, "2024-12-02")
    assert "outing_map_age_unknown" not in codes(answer)
    networks.found = [changed(PARK, extract_date=None, built_on=TODAY)]
    answer = ask()
    assert (answer["network"]["age_days"], answer["network"]["extract_date"]) == (None, None)
    assert "outing_map_age_unknown" in codes(answer)


def test_where_no_street_is_known_the_windows_are_told_all_the_same(ask, networks):
    networks.found = []
    answer = ask()
    assert (answer["walks"], answer["network"], answer["start"]) == ([], None, None)
    assert "outing_outside" in codes(answer)
    assert answer["tomorrow"]["choice"] == "go"


def test_a_walk_there_and_back_is_said_to_be_one(ask, networks):
    line = make_line()
    networks.found = [line]
    answer = ask(f"lat={line.lats[0]}&lon={line.lons[0]}")
    assert {"outing_there_and_back", "outing_fewer_walks"} <= set(codes(answer))
    assert answer["walks"][0]["kind"] == "there_and_back"


def test_where_too_few_streets_are_known_it_is_said_kindly(ask, networks):
    networks.found = [make_line(2)]
    answer = ask(f"lat={PARK.lats[0]}&lon={PARK.lons[0]}")
    assert answer["walks"] == []
    assert "outing_no_walk" in codes(answer)


def test_a_start_that_is_a_way_off_is_said_with_its_distance(ask):
    north = PARK.lats[-1] + 0.001
    answer = ask(f"lat={north}&lon={PARK.lons[MIDDLE]}&lang=en")
    (told,) = [notice["text"] for notice in answer["notices"] if notice["code"] == "outing_starts_away"]
    assert f"{answer['start']['distance_m']} m" in told
    assert 100 < answer["start"]["distance_m"] < 125


# --- The picture ------------------------------------------------------------------------------------------------


def test_a_walk_is_drawn_where_a_picture_is_asked_for(database, picture):
    know_the_air(database)
    response = picture(path="/v1/mobility/suggestions", Accept="image/svg+xml")
    assert response.content_type.startswith("image/svg+xml")
    assert ET.fromstring(response.text).tag.endswith("svg")  # noqa: S314 - our own drawing
    assert "script" not in response.headers["Content-Security-Policy"]


def test_the_address_with_svg_draws_the_same_picture(picture):
    header = picture(path="/v1/mobility/suggestions", Accept="image/svg+xml")
    assert picture().text == header.text


def test_another_number_draws_another_walk(picture):
    assert picture(f"{HERE}&walk=2").text != picture(f"{HERE}&walk=1").text


def test_the_picture_of_a_walk_that_there_is_not_is_a_problem(client, networks):
    networks.found = []
    problem = read_problem(client.get(f"/v1/mobility/suggestions.svg?{HERE}&walk=2"))
    assert (problem["status"], problem["type"]) == (404, "/problems/walk-unknown")


# --- Bad questions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "status", "name"),
    [
        ("lat=48.85", 422, "invalid-arguments"),
        (f"{HERE}&minutes=5", 422, "invalid-arguments"),
        (f"{HERE}&minutes=20,20,20,20", 422, "invalid-arguments"),
        (f"{HERE}&minutes=", 422, "invalid-arguments"),
        (f"{HERE}&profile=child_bike", 422, "invalid-arguments"),
        (f"{HERE}&walk=4", 422, "invalid-arguments"),
        ("lat=2.35&lon=48.85", 422, "position-swapped"),
        ("lat=95&lon=2.35", 422, "position-out-of-range"),
        ("lat=40.4&lon=-3.7", 404, "far-from-communes"),
    ],
)
def test_a_bad_question_is_told_what_is_wrong(client, query, status, name):
    problem = read_problem(client.get(f"/v1/mobility/suggestions?{query}"))
    assert (problem["status"], problem["type"]) == (status, f"/problems/{name}")


def test_an_answer_to_a_position_is_kept_by_nobody(client):
    assert client.get(f"/v1/mobility/suggestions?{HERE}").headers["Cache-Control"] == "no-store"
