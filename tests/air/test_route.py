"""`GET /v1/air`: what a resident is told, at which moment, where, and as a picture."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from citizen_api.air import sync
from citizen_api.air.models import AirSource
from citizen_api.air.page import air_page
from citizen_api.air.present import Presenter
from citizen_api.air.schemas import AirView
from citizen_api.territory.models import FormerCommune
from tests.air.makers import (
    DAY,
    HOUR,
    NOON,
    expect,
    hours_of,
    make_episode,
    make_fact,
    make_reading,
    measure,
    say,
)
from tests.shared_data import shared_file
from tests.web.makers import read_problem

PARIS_MIDNIGHT = datetime(2026, 1, 5, 23, tzinfo=UTC)
IN_PARIS_4 = "lat=48.8573751&lon=2.3524425"
TOMORROW = DAY + timedelta(days=1)


@pytest.fixture
def ask(client, clock):
    """Ask for the air of Paris 4e, the clock standing at a moment."""
    clock.moment = NOON

    def run(query="commune=75104", **headers):
        response = client.get(f"/v1/air?{query}", headers=headers)
        assert response.status_code == 200, response.json
        return response.json

    return run


def codes(answer):
    return {notice["code"] for notice in answer["notices"]}


# --- What is known -----------------------------------------------------------------------------------------


def test_the_recorded_answer_of_airparif_is_told_with_its_age_and_its_end(database, ask, clock, tmp_path):
    path = shared_file("air/airparif/airparif_raw_2026-01-06.json")
    sync.load_file(database, path, as_of=NOON, commune=None, reports_dir=tmp_path)
    clock.moment = NOON + 6 * HOUR
    today = ask()["today"]
    assert (today["name"], today["pollutant"], today["colour"]) == ("Dégradé", "pm25", "#F0E641")
    assert (today["source"], today["resolution"], today["age_s"]) == ("airparif", "commune", 6 * 3_600)
    assert today["valid_until"] == "2026-01-07T00:00:00+01:00"
    assert ask("commune=75104&lang=en")["today"]["pollutant_name"] == "Fine particles (PM2.5)"


def test_montpellier_on_18_september_2023_is_told_as_measured(database, ask, tmp_path):
    path = shared_file("air/atmo_occitanie/montpellier_hourly_2023-09-09_2023-10-09.csv")
    sync.load_file(database, path, as_of=datetime(2023, 9, 19, tzinfo=UTC), commune=None, reports_dir=tmp_path)
    answer = ask("commune=34172&at=2023-09-19T00:00:00Z&lang=en")
    day = answer["yesterday"]["measured"]
    pm10 = next(value for value in day["values"] if value["pollutant"] == "pm10")
    assert (pm10["value_ug_m3"], pm10["level"], pm10["hours"]) == (42.1, 3, 24)
    assert pm10["where"] == "2.3 km away, background station"
    assert (day["utc_day"], day["complete"], day["above_threshold"]) == ("2023-09-18", True, None)
    assert (answer["yesterday"]["method"], answer["now"]["basis"]) == ("measured", "measured")


def test_a_day_is_told_as_it_was_known_at_its_end_in_utc_too(database, ask, tmp_path):
    path = shared_file("air/atmo_occitanie/montpellier_hourly_2023-09-09_2023-10-09.csv")
    sync.load_file(database, path, as_of=datetime(2023, 9, 19, tzinfo=UTC), commune=None, reports_dir=tmp_path)
    answer = ask("commune=34172&at=2023-09-18")
    assert (answer["at"], answer["today"]["day"]) == ("2023-09-19T02:00:00+02:00", "2023-09-18")
    assert (answer["today"]["level"], answer["today"]["pollutant"]) == (3, "pm10")
    values = {value["pollutant"]: value["value_ug_m3"] for value in answer["today"]["measured"]["values"]}
    assert values["pm10"] == 42.1
    assert {hour["resolution"] for hour in answer["hourly"]} == {"station"}


@pytest.mark.parametrize("day", ["2023-02-30", "1800-01-01", "2023-09-18T"])
def test_what_is_no_day_and_no_moment_is_refused(client, day):
    assert client.get(f"/v1/air?commune=34172&at={day}").status_code == 422


def test_what_is_measured_without_making_an_index_leaves_the_air_unknown(database, ask, tmp_path):
    path = shared_file("air/airparif/2023_NOX.csv")
    at = datetime(2023, 2, 9, 9, 30, tzinfo=UTC)
    sync.load_file(database, path, as_of=at, commune=None, reports_dir=tmp_path)
    answer = ask("commune=75104&at=2023-02-09T10:30:00%2B01:00")
    assert (answer["now"]["level"], answer["now"]["values"][0]["pollutant"]) == (None, "nox")
    assert "air_unknown" in codes(answer)


def test_where_nothing_is_known_everything_is_null_and_a_notice_says_so(ask):
    answer = ask()
    assert (answer["now"], answer["hourly"], answer["episodes"], answer["sources"]) == (None, [], [], [])
    assert [answer[day]["level"] for day in ("yesterday", "today", "tomorrow")] == [None] * 3
    assert [answer[hazard]["today"] for hazard in ("pollen", "uv", "heat", "cold", "storms")] == [None] * 5
    assert codes(answer) == {"air_unknown", "air_tomorrow_unknown"}


def test_what_is_published_as_unavailable_is_unknown_and_never_the_lowest(database, ask):
    say(database, make_fact(level=None))
    answer = ask("commune=75104&lang=en")
    assert (answer["today"]["level"], answer["today"]["name"]) == (None, "Not available")
    assert answer["today"]["source"] == "synthetic"
    assert "air_unknown" in codes(answer)


def test_a_sub_index_that_is_not_known_is_left_out_and_not_zero(database, ask):
    say(database, make_fact(details={"levels": {"o3": 3}}))
    assert {name: each["level"] for name, each in ask()["today"]["levels"].items()} == {"o3": 3}


def test_every_source_that_is_named_is_described(database, ask):
    say(database, make_fact(), source_id="airparif")
    say(database, make_fact(hazard="uv"), source_id="uv")
    say(database, make_fact(hazard="pollen", level=None), source_id="atmo-data")
    say(database, make_fact(day=DAY + timedelta(days=3)), source_id="meteo-france")
    described = ask()["sources"]
    assert {each["id"]: each["licence"] for each in described} == {
        "airparif": "ODbL",
        "atmo-data": "ODbL",
        "uv": "Apache-2.0",
    }


# --- When --------------------------------------------------------------------------------------------------


def test_after_midnight_yesterdays_index_is_not_todays(database, ask, clock):
    say(database, make_fact(level=5), at=PARIS_MIDNIGHT + HOUR)
    clock.moment = PARIS_MIDNIGHT + timedelta(days=1) - timedelta(seconds=1)
    assert ask()["today"]["level"] == ask()["now"]["level"] == 5
    clock.moment += timedelta(seconds=1)
    answer = ask()
    assert (answer["now"], answer["today"]["level"], answer["yesterday"]["level"]) == (None, None, 5)
    assert "air_unknown" in codes(answer)


def test_of_a_past_moment_only_what_was_known_then_is_told(database, ask, clock):
    say(database, make_fact(level=2, published_at=NOON - HOUR))
    say(database, make_fact(level=2, published_at=NOON + HOUR), at=NOON + HOUR)
    say(database, make_fact(level=5), at=NOON + 3 * HOUR)
    clock.moment = NOON + 6 * HOUR
    then = ask("commune=75104&at=2026-01-06T12:30:00%2B01:00")["today"]
    assert (then["level"], then["published_at"]) == (2, "2026-01-06T12:00:00+01:00")
    assert ask()["today"]["level"] == 5
    assert ask("commune=75104&at=2026-01-06T11:00:00%2B01:00")["today"]["level"] is None


def test_hours_that_were_not_over_then_are_not_told(database, ask):
    measure(database, [make_reading(20.0, NOON + number * HOUR, "no2") for number in (-1, 0, 1)])
    assert ask("commune=75104&at=2026-01-06T11:30:00Z")["now"]["ends_at"] == "2026-01-06T12:00:00+01:00"


def test_of_a_coming_moment_what_is_known_now_is_told_and_its_age_is_judged_then(database, ask):
    say(database, make_fact(level=2, day=TOMORROW, published_at=NOON))
    answer = ask("commune=75104&at=2026-01-07T12:00:00%2B01:00")
    assert (answer["today"]["day"], answer["today"]["level"], answer["today"]["age_s"]) == ("2026-01-07", 2, 86_400)
    assert answer["now"]["basis"] == "index"


def test_what_was_measured_long_ago_is_not_now(database, ask, clock):
    say(database, make_fact(level=4))
    measure(database, [make_reading(20.0, NOON, "no2")])
    assert (ask()["now"]["basis"], ask()["now"]["level"]) == ("measured", 1)
    clock.moment = NOON + 4 * HOUR
    answer = ask()
    assert (answer["now"]["basis"], answer["now"]["level"], answer["now"]["source"]) == ("index", 4, "synthetic")
    assert "air_not_measured_now" in codes(answer)


def test_now_as_a_model_expects_it_tells_the_age_of_its_run(database, ask):

    expect(database, 95.0, at=NOON - 2 * HOUR, hours=(1,))
    now = ask()["now"]
    assert (now["basis"], now["level"], now["source"], now["resolution"]) == ("modelled", 3, "synthetic", "model")
    assert now["age_s"] == 2 * 3_600
    (hour,) = ask()["hourly"]
    assert (hour["method"], hour["sources"], hour["age_s"]) == ("modelled", ["synthetic"], 2 * 3_600)


def test_what_makes_no_index_is_shown_in_the_city_without_a_class(database, ask):
    unplaced = {"lat": None, "lon": None, "influence": None, "commune_code": "75118"}
    measure(database, [make_reading(value, NOON, "nox", code=str(value), **unplaced) for value in (10.0, 40.0, 90.0)])
    answer = ask("commune=75104&lang=en")
    (value,) = answer["now"]["values"]
    assert (answer["now"]["basis"], answer["now"]["level"], answer["now"]["age_s"]) == ("measured", None, None)
    assert (value["value_ug_m3"], value["stations"], value["where"], value["distance_m"]) == (
        40.0,
        3,
        "in the city",
        None,
    )
    assert "air_in_the_city" in codes(answer)


def test_a_land_without_a_clock_of_its_own_is_told_by_that_of_paris(ask):
    assert ask("commune=98901")["at"] == "2026-01-06T12:00:00+01:00"


def test_overseas_a_day_is_that_of_its_own_clock(database, ask, clock):
    starts_at = datetime(2026, 1, 6, 20, tzinfo=UTC)
    say(database, make_fact(zone_code="97411", day=TOMORROW, starts_at=starts_at, ends_at=starts_at + 24 * HOUR))
    clock.moment = starts_at
    answer = ask("commune=97411")
    assert (answer["today"]["day"], answer["today"]["level"]) == ("2026-01-07", 3)
    assert answer["today"]["valid_from"] == answer["at"] == "2026-01-07T00:00:00+04:00"


# --- Episodes, larger areas, made-up facts -----------------------------------------------------------------


def test_an_open_episode_raises_the_day_and_is_told(database, ask):
    say(database, make_fact(level=2, details={"levels": {"no2": 2}}), make_episode("alert"))
    answer = ask("commune=75104&lang=en")
    assert (answer["today"]["level"], answer["today"]["raised_by"], answer["today"]["pollutant"]) == (
        5,
        "alert",
        "pm10",
    )
    assert [(each["pollutant"], each["tier"], each["resolution"]) for each in answer["episodes"]] == [
        ("pm10", "alert", "departement")
    ]
    assert "air_episode" in codes(answer)


@pytest.mark.parametrize("level", [None, 2])
def test_an_episode_tells_the_level_where_no_index_does(database, ask, level):
    index = [] if level else [make_fact(level=None)]
    say(database, make_episode(), *index)
    today = ask()["today"]
    assert (today["level"], today["method"], today["pollutant"]) == (4, "episode", "pm10")


def test_an_index_of_a_group_of_communes_says_so(database, ask):
    say(database, make_fact(zone_kind="epci", zone_code="200054781"))
    answer = ask()
    assert answer["today"]["resolution"] == "epci"
    assert "air_of_a_larger_area" in codes(answer)


def test_whatever_is_made_up_is_said_to_be_even_where_only_a_station_is(database, ask):
    measure(database, [make_reading(20.0, NOON, "no2")], "demo")
    assert "demo_air" in codes(ask())
    assert "demo_air" not in codes(ask("commune=13055"))


def test_a_background_station_above_the_official_threshold_is_told(database, ask, clock):
    measure(database, [make_reading(value, ends_at, "pm10") for ends_at, value in hours_of(DAY, [55.0] * 24)])
    clock.moment = datetime(2026, 1, 7, 8, tzinfo=UTC)
    answer = ask()
    assert answer["yesterday"]["measured"]["above_threshold"] == "information"
    assert "air_above_threshold" in codes(answer)
    assert answer["episodes"] == []


def test_a_source_that_is_late_is_said_to_be(database, ask):

    say(database, make_fact())
    with database.session() as session:
        session.get(AirSource, "synthetic").failures = 3
    assert "air_source_late" in codes(ask())
    assert "air_source_late" not in codes(ask("commune=13055"))


# --- Where, and what caches may keep -----------------------------------------------------------------------


def test_a_position_is_that_of_the_nearest_centre_and_is_never_stored(database, client, clock):
    clock.moment = NOON
    say(database, make_fact())
    response = client.get(f"/v1/air?{IN_PARIS_4}")
    assert (response.json["commune"]["code"], response.json["today"]["level"]) == ("75104", 3)
    assert "nearest_centre" in codes(response.json)
    assert response.headers["Cache-Control"] == "no-store"
    assert "ETag" not in response.headers


def test_the_answer_about_a_commune_may_be_kept_and_asked_for_again(client):
    response = client.get("/v1/air?commune=75104")
    assert response.headers["Cache-Control"] == "public, max-age=60"
    assert {"Accept", "Accept-Language"} <= set(response.vary)
    again = client.get("/v1/air?commune=75104", headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304


def test_an_old_code_leads_to_the_present_commune(session, ask):
    old = session.scalars(select(FormerCommune).where(FormerCommune.code != FormerCommune.commune_code)).first()
    assert ask(f"commune={old.code}")["commune"]["code"] == old.commune_code


@pytest.mark.parametrize(
    ("query", "status", "problem"),
    [
        ("", 422, "position-missing"),
        ("lat=48.85", 422, "position-missing"),
        (f"{IN_PARIS_4}&commune=75104", 422, "position-missing"),
        ("lat=2.3524425&lon=48.8573751", 422, "position-swapped"),
        ("lat=91&lon=2", 422, "position-out-of-range"),
        ("lat=0&lon=-30", 404, "far-from-communes"),
        ("commune=99999", 404, "commune-unknown"),
        ("commune=75104&at=yesterday", 422, "invalid-arguments"),
        ("commune=75104&at=2026-01-06T12:00:00", 422, "invalid-arguments"),
        ("commune=75104&hazard=air", 422, "invalid-arguments"),
    ],
)
def test_a_question_that_cannot_be_answered_is_a_problem(client, query, status, problem):
    response = client.get(f"/v1/air?{query}")
    assert (response.status_code, read_problem(response)["type"]) == (status, f"/problems/{problem}")


def test_a_type_that_is_not_offered_is_a_problem(client):
    response = client.get("/v1/air?commune=75104", headers={"Accept": "text/csv"})
    assert (response.status_code, read_problem(response)["type"]) == (406, "/problems/not-acceptable")


# --- As a picture ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "word", "title"), [("fr", "Dégradé", "Qualité de l"), ("en", "Moderate", "Air quality")]
)
def test_the_picture_says_the_same_in_both_languages(database, client, clock, language, word, title):
    clock.moment = NOON
    say(database, make_fact())
    response = client.get(f"/v1/air?commune=75104&lang={language}", headers={"Accept": "image/svg+xml"})
    assert response.content_type == "image/svg+xml; charset=utf-8"
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    text = response.get_data(as_text=True)
    assert text.startswith("<svg")
    assert word in text
    assert title in text
    assert "prefers-color-scheme:dark" in text


def test_the_picture_draws_the_hours_of_the_worst_pollutant_with_the_age_of_their_source(database, client, clock):
    midnight = datetime(2026, 1, 6, tzinfo=UTC)
    made = [(ends_at, number) for number, (ends_at, _) in enumerate(hours_of(DAY, [0.0] * 24))]
    measure(database, [make_reading(95.0 + number, ends_at, "no2") for ends_at, number in made])
    measure(database, [make_reading(10.0, ends_at, "o3") for ends_at, _ in made])
    clock.moment = midnight + 13 * HOUR + timedelta(minutes=30)
    response = client.get("/v1/air?commune=75104&lang=en", headers={"Accept": "image/svg+xml"})
    text = response.get_data(as_text=True)
    assert "NO2, hour by hour" in text.replace("NO₂", "NO2")
    assert "Source: The tests, 30 min ago." in text


def test_the_picture_of_the_unknown_says_so(client):
    response = client.get("/v1/air?commune=75104&lang=en", headers={"Accept": "image/svg+xml"})
    assert "No valid information about the air" in response.get_data(as_text=True).replace("\n", " ")


# --- The form of the answer --------------------------------------------------------------------------------


def keys(value):
    """Every key of nested data, by its path; the elements of a list share one."""
    if isinstance(value, dict):
        return {f"{name}{rest}" for name, inner in value.items() for rest in ("", *(f".{key}" for key in keys(inner)))}
    return {key for inner in value for key in keys(inner)} if isinstance(value, list) else set()


def test_nothing_that_is_said_is_lost_on_the_wire(database, session):
    say(
        database,
        make_fact(details={"levels": {"no2": 3}}, published_at=NOON),
        make_episode(),
        make_fact(hazard="pollen", level=3, details={"levels": {"birch": 3}, "responsible": ["birch"]}),
        make_fact(hazard="uv", level=6, details={"value": 6.4}),
        make_fact(hazard="heat", kind="vigilance", zone_kind="departement", zone_code="75", published_at=NOON - HOUR),
    )
    measure(database, [make_reading(20.0, NOON + number * HOUR, "no2") for number in range(-20, 1)])
    view = Presenter(air_page(session, "75104", at=NOON), "en").view()
    assert keys(AirView().dump(view)) == keys(view)


def test_readiness_tells_how_old_each_source_is_and_does_not_depend_on_it(database, client, clock):

    say(database, make_fact())
    with database.session() as session:
        row = session.get(AirSource, "synthetic")
        row.fetched_at, row.failures, row.problem = clock() - HOUR, 4, "down"
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json["checks"]["air"] == {
        "ok": True,
        "sources": {"synthetic": {"age_s": 3_600, "failures": 4, "problem": "down"}},
    }
