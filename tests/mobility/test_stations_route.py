"""`GET /v1/mobility/stations/nearest`: what a resident is told of shared bicycles, and in which form."""

from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest

from citizen_api.core.problems import PositionOutOfRange, PositionSwapped
from citizen_api.mobility import station_actions as actions
from citizen_api.mobility.station_schemas import StationsView
from tests.mobility.station_makers import NOW, make_record, store

HERE = "lat=48.86&lon=2.35"


@pytest.fixture
def ask(client):
    def run(query="", lang="en"):
        response = client.get(f"/v1/mobility/stations/nearest?{HERE}&lang={lang}{query}")
        assert response.status_code == 200, response.json
        return response.json

    return run


def codes(answer):
    return [notice["code"] for notice in answer["notices"]]


def test_a_station_is_told_with_its_counts_its_age_and_its_chance(database, ask):
    store(database, make_record(lat=48.861), title="Vélos", producer="Ville", licence="ODbL", url="https://b.example")
    answer = ask()
    (item,) = answer["items"]
    assert (item["id"], item["name"], item["distance_m"]) == ("synthetic:1", "Synthetic 1", 111)
    assert (item["bikes"], item["ordinary_bikes"], item["ebikes"], item["docks"]) == (5, 3, 2, 15)
    assert (item["capacity"], item["wanted"], item["age_s"]) == (20, 5, 30)
    assert item["last_reported"] == "2026-11-22T22:39:30+01:00"
    assert item["chance"] == {"code": "good", "text": "very likely"}
    assert answer["sources"] == [
        {
            "id": "synthetic",
            "title": "Vélos",
            "producer": "Ville",
            "licence": "ODbL",
            "url": "https://b.example",
            "fetched_at": "2026-11-22T22:40:00+01:00",
            "age_s": 0,
        }
    ]
    assert (answer["next"], answer["notices"]) == (None, [])


def test_the_answer_is_as_its_schema_says(database, ask):
    store(database, make_record(), make_record("2", ebikes=None, docks=None, capacity=None))
    assert StationsView().validate(ask()) == {}


def test_how_the_chance_is_estimated_is_said_in_both_languages(database, ask):
    store(database, make_record())
    assert "one less every 5 minutes" in ask()["chance_basis"]
    assert "un de moins toutes les 5 minutes" in ask(lang="fr")["chance_basis"]


@pytest.mark.parametrize(("want", "code", "wanted"), [("bike", "1", 5), ("ebike", "2", 4), ("dock", "3", 7)])
def test_what_is_wanted_decides_which_station(database, ask, want, code, wanted):
    store(
        database,
        make_record("1", ebikes=0, docks=0),
        make_record("2", lat=48.861, bikes=4, ebikes=4, docks=0),
        make_record("3", lat=48.862, bikes=0, ebikes=0, docks=7),
    )
    answer = ask(f"&want={want}&limit=1")
    assert [(item["id"], item["wanted"]) for item in answer["items"]] == [(f"synthetic:{code}", wanted)]


def test_silent_stations_are_counted_in_a_notice(database, ask):
    store(database, make_record(), make_record("2", age_s=601), make_record("3", age_s=9_000))
    answer = ask()
    assert (len(answer["items"]), codes(answer)) == (1, ["bike_stations_silent"])
    assert answer["notices"][0]["text"].endswith(": 2.")


def test_a_system_that_did_not_answer_is_named_as_late(database, ask):
    store(database, make_record(), title="Vélos")
    with database.session() as session:
        actions.keep_system(session, "synthetic").failures = 1
    (notice,) = ask()["notices"]
    assert (notice["code"], "“Vélos”" in notice["text"]) == ("bike_share_late", True)


@pytest.mark.parametrize(("seconds", "expected"), [(120, []), (121, ["bike_share_late"])])
def test_a_system_that_nobody_reads_any_more_is_late(database, ask, seconds, expected):
    store(database, make_record())
    with database.session() as session:
        actions.keep_system(session, "synthetic").next_try_at = NOW - timedelta(seconds=seconds)
    assert codes(ask()) == expected


def test_demo_stations_are_said_to_be_made_up(database, ask):
    store(database, make_record(), system_id="demo")
    answer = ask()
    assert (codes(answer), answer["items"][0]["source"]) == (["demo_bikes"], "demo")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"bikes": 0, "ebikes": 0}, ["no_bike_near"]),
        ({"age_s": 9_000}, ["bike_stations_all_silent", "bike_stations_silent"]),
        ({"lat": 49.5}, ["bike_share_unknown"]),
    ],
    ids=["empty", "silent", "far"],
)
def test_why_there_is_nothing_is_said(database, ask, facts, expected):
    store(database, make_record(**facts))
    answer = ask()
    assert (answer["items"], codes(answer)) == ([], expected)


@pytest.mark.parametrize("want", ["bike", "ebike", "dock"])
def test_what_is_missing_is_named(database, ask, want):
    store(database, make_record(bikes=0, ebikes=0, docks=0))
    assert codes(ask(f"&want={want}")) == [f"no_{want}_near"]


def test_the_answer_is_kept_by_nobody(client):
    response = client.get(f"/v1/mobility/stations/nearest?{HERE}")
    assert response.headers["Cache-Control"] == "no-store"


def test_it_is_a_feature_collection_for_who_asks_for_one(database, client):
    store(database, make_record())
    answer = client.get(f"/v1/mobility/stations/nearest?{HERE}", headers={"Accept": "application/geo+json"})
    assert answer.content_type == "application/geo+json"
    (feature,) = answer.json["features"]
    assert feature["geometry"] == {"type": "Point", "coordinates": [2.35, 48.86]}
    assert (feature["id"], feature["properties"]["bikes"]) == ("synthetic:1", 5)


@pytest.mark.parametrize(("suffix", "headers"), [("", {"Accept": "image/svg+xml"}), (".svg", {})])
def test_it_is_a_map_for_who_asks_for_one(database, client, suffix, headers):
    store(database, make_record(), producer="Ville")
    answer = client.get(f"/v1/mobility/stations/nearest{suffix}?{HERE}&lang=en", headers=headers)
    assert answer.content_type == "image/svg+xml; charset=utf-8"
    text = " ".join(ET.fromstring(answer.text).itertext())  # noqa: S314 - our own drawing
    assert "Shared bikes near here" in text
    assert "Synthetic 1: 5 to take" in text
    assert "Stations: Ville" in text


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("lat=2.35&lon=48.86", PositionSwapped),
        ("lat=91&lon=2.35", PositionOutOfRange),
        ("lat=nan&lon=2.35", None),
        ("lat=48.86", None),
        (f"{HERE}&want=car", None),
        (f"{HERE}&limit=0", None),
        (f"{HERE}&limit=21", None),
        (f"{HERE}&radius=5", None),
    ],
)
def test_a_wrong_question_is_refused_with_its_reason(client, query, problem):
    response = client.get(f"/v1/mobility/stations/nearest?{query}&lang=fr")
    assert response.status_code == 422
    assert response.json["type"] == f"/problems/{problem.name if problem else 'invalid-arguments'}"


def test_readiness_tells_how_old_each_system_is(database, client, clock):
    store(database, make_record())
    clock.moment += timedelta(seconds=90)
    checks = client.get("/readyz").json["checks"]
    assert checks["bikes"]["systems"] == {"synthetic": {"age_s": 90, "failures": 0, "problem": None}}
