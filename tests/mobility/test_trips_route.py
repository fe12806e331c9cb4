"""`GET /v1/mobility/trips`: what a resident is told of a trip, and its map."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import polyline
import pytest
from sqlalchemy import select

from app import create_app
from citizen_api.air import actions as air_actions
from citizen_api.care.models import Facility
from citizen_api.mobility import rules
from citizen_api.mobility.exposure import read_background
from citizen_api.mobility.maps import CONTENT_SECURITY_POLICY
from citizen_api.mobility.network import Flag
from citizen_api.mobility.networks import Networks
from citizen_api.mobility.trip_parts import Question
from citizen_api.mobility.trip_schemas import TripsView
from citizen_api.mobility.trips import find_trips
from tests.air.makers import HOUR, NOON, SYNTHETIC, make_episode, make_fact, say
from tests.care.makers import import_records, make_record
from tests.mobility.makers import changed
from tests.mobility.trip_makers import FakeNetworks, make_dirty_row
from tests.web.makers import read_problem

ROUTE = "/v1/mobility/trips"
CITY = make_dirty_row(30, 9, row=4, dirt=3.0, block_m=80.0)
"""Streets of 80 m; the straight one from west to east is the dirtiest."""
WEST, EAST = 4 * 30, 4 * 30 + 29


def place(number, *, network=CITY):
    return f"{network.lats[number]:.6f},{network.lons[number]:.6f}"


@pytest.fixture
def networks():
    return FakeNetworks(CITY)


@pytest.fixture
def client(services, networks, clock):
    clock.moment = NOON
    services.ports[Networks] = networks
    return create_app(services=services).test_client()


@pytest.fixture
def air(database):
    """A model's NO2 and PM2.5 of the next hours in the communes around."""

    def run(no2=40.0, pm25=12.0, hours=range(30)):
        rows = [
            {"pollutant": name, "ends_at": NOON + hour * HOUR, "value_ug_m3": value}
            for hour in hours
            for name, value in (("no2", no2), ("pm25", pm25))
        ]
        with database.session() as session:
            air_actions.keep_source(session, SYNTHETIC)
            for number in range(1, 21):
                air_actions.store_forecast(session, SYNTHETIC.id, f"751{number:02}", rows, known_at=NOON)

    return run


@pytest.fixture
def ask(client):
    def run(status=200, accept=None, route=ROUTE, **given):
        query = {"from": place(WEST), "to": place(EAST), "lang": "en"} | {k.rstrip("_"): v for k, v in given.items()}
        query = {name: value for name, value in query.items() if value is not None}
        headers = {} if accept is None else {"Accept": accept}
        response = client.get(f"{route}?{urlencode(query)}", headers=headers)
        assert response.status_code == status, response.json
        if status == 200 and response.is_json:
            assert not TripsView().validate(response.json)
            return response.json
        return response if status == 200 else read_problem(response)

    return run


def codes(answer):
    return {entry["code"] for entry in answer["notices"]}


def one(answer, label, mode="walk"):
    return next(item for item in answer["items"] if item["mode"] == mode and label in item["labels"])


def test_a_walk_and_a_ride_are_offered_each_with_its_fastest_first(ask, air):
    air()
    answer = ask()
    assert [item["mode"] for item in answer["items"]] == sorted((i["mode"] for i in answer["items"]), reverse=True)
    assert "fastest" in answer["items"][0]["labels"]
    assert one(answer, "fastest", "bike")["duration_s"] < one(answer, "fastest")["duration_s"]


def test_the_cleanest_walk_takes_longer_and_says_how_much_less_is_breathed(ask, air):
    air()
    answer = ask(modes="walk")
    fastest, cleanest = one(answer, "fastest"), one(answer, "cleanest")
    less = cleanest["against_fastest"]
    assert less["pollutant"] == "no2"
    assert less["ratio"] == pytest.approx(cleanest["dose_ug"]["no2"] / fastest["dose_ug"]["no2"], abs=1e-3)
    assert less["percent"] < -30
    assert less["slower_s"] == cleanest["duration_s"] - fastest["duration_s"] > 0


def test_the_fastest_is_compared_with_itself(ask, air):
    air()
    assert one(ask(), "fastest")["against_fastest"] == {"pollutant": "no2", "ratio": 1.0, "percent": 0, "slower_s": 0}


def test_twice_the_pollution_is_twice_the_dose(ask, air):
    air(no2=20.0)
    clean = one(ask(), "fastest")["dose_ug"]["no2"]
    air(no2=40.0)
    assert one(ask(), "fastest")["dose_ug"]["no2"] == pytest.approx(2 * clean, abs=0.02)


def test_a_dose_names_its_background_and_how_it_is_known(ask, air):
    air(no2=40.0)
    entries = {entry["pollutant"]: entry for entry in ask()["items"][0]["air"]}
    assert (entries["no2"]["background_ug_m3"], entries["no2"]["method"]) == (40.0, "modelled")
    assert (entries["o3"]["background_ug_m3"], entries["o3"]["method"]) == (None, None)


def test_the_source_of_the_air_and_its_age_are_told(ask, air, clock):
    air()
    clock.moment = NOON + timedelta(minutes=20)
    told = ask()["air"]
    assert (told["basis"], told["age_s"]) == ("hours", 1200)
    assert [source["id"] for source in told["sources"]] == ["synthetic"]


def test_where_only_an_index_is_known_no_dose_and_no_cleaner_street_is_told(ask, database):
    say(
        database,
        make_fact(zone_kind="departement", zone_code="75"),
        *(make_fact(zone_code=f"751{n:02}") for n in range(1, 21)),
    )
    answer = ask(modes="walk")
    assert answer["air"]["basis"] == "index"
    assert "trip_air_index_only" in codes(answer)
    assert all(item["against_fastest"] is None for item in answer["items"])
    assert {value for item in answer["items"] for value in item["dose_ug"].values()} == {None}
    assert {label for item in answer["items"] for label in item["labels"]} == {"fastest", "calm"}


def test_where_no_air_is_known_the_way_is_told_all_the_same(ask):
    answer = ask()
    assert "trip_air_unknown" in codes(answer)
    assert one(answer, "fastest")["duration_s"] > 0


def test_the_steps_say_where_to_go_in_the_language_of_the_request(ask):
    english, french = ask(modes="walk"), ask(modes="walk", lang="fr")
    texts = [one(answer, "fastest")["legs"][0]["steps"] for answer in (english, french)]
    assert texts[0][0]["text"].startswith("Head east: Rue synthétique")
    assert texts[1][0]["text"].startswith("Partez vers l'est\N{NO-BREAK SPACE}: Rue synthétique")
    assert [steps[-1]["text"] for steps in texts] == ["You have arrived.", "Vous êtes arrivé."]


def test_the_polyline_and_the_geojson_draw_the_same_line(ask):
    item = one(ask(), "fastest")
    decoded = polyline.decode(item["polyline"])
    turned = [(lat, lon) for lon, lat in item["geometry"]["coordinates"]]
    assert len(decoded) == len(turned)
    assert all(a == pytest.approx(b, abs=1.1e-5) for a, b in zip(decoded, turned, strict=True))


def test_the_worth_of_a_walk_follows_the_formulas(ask):
    item = one(ask(), "fastest")
    minutes = item["duration_s"] / 60
    low, high = rules.kcal_range(rules.MODES["walk"], hours=minutes / 60)
    assert item["activity"]["active_min"] == round(minutes)
    assert item["activity"]["who_week_percent"] == pytest.approx(100 * minutes / 150, abs=1)
    assert (item["activity"]["kcal_least"], item["activity"]["kcal_most"]) == (round(low), round(high))
    assert item["co2e_saved_g"] == pytest.approx(142.3 * item["distance_m"] / 1000, abs=1)


def test_times_are_by_the_clock_of_the_place(ask):
    item = one(ask(), "fastest")
    assert item["depart_at"] == "2026-01-06T12:00:00+01:00"
    assert datetime.fromisoformat(item["arrive_at"]) == NOON + timedelta(seconds=item["duration_s"])


def test_who_has_to_be_there_at_a_time_leaves_as_late_as_each_way_allows(ask, air):
    air()
    wanted = NOON + timedelta(hours=3)
    answer = ask(arrive_by=wanted.isoformat())
    assert {datetime.fromisoformat(item["arrive_at"]) for item in answer["items"]} == {wanted}
    assert one(answer, "cleanest")["depart_at"] < one(answer, "fastest")["depart_at"]


def test_one_may_leave_at_a_time_of_tomorrow_by_the_clock_of_the_place(ask):
    assert ask(depart_at="tomorrow 22:00")["items"][0]["depart_at"] == "2026-01-07T22:00:00+01:00"
    assert ask(arrive_by="tomorrow 09:00")["items"][0]["arrive_at"] == "2026-01-07T09:00:00+01:00"


def test_in_an_alert_episode_a_trip_is_not_cheered(ask, air, database):
    air()
    say(database, make_fact(zone_kind="departement", zone_code="75", level=6), make_episode(tier="alert"))
    answer = ask(modes="walk")
    assert {"air_episode", "trip_ease"} <= codes(answer)
    assert {item["advice"]["code"] for item in answer["items"]} == {"ease"}


def test_who_should_have_left_already_is_told(ask):
    assert "trip_too_late" in codes(ask(arrive_by=(NOON + timedelta(minutes=1)).isoformat(), modes="walk"))


def test_the_attribution_and_the_age_of_the_streets_are_told(ask):
    (network,) = ask()["networks"]
    assert network["attribution"] == CITY.attribution
    assert network["built_on"] == CITY.built_on.isoformat()


def test_an_unknown_slope_is_null_and_said_to_who_avoids_hills(ask):
    answer = ask(profile="avoid_hills")
    assert one(answer, "fastest")["ascent_m"] is None
    assert "trip_slopes_unknown" in codes(answer)


def test_with_a_wheelchair_there_is_no_ride_and_kerbs_are_said_to_be_unknown(ask):
    answer = ask(profile="wheelchair")
    assert [(entry["mode"], entry["reason"]) for entry in answer["missing"]] == [("bike", "profile")]
    assert {"trip_kerbs_unknown", "trip_modes_missing"} <= codes(answer)


def test_where_all_is_steps_public_transport_is_offered_to_a_wheelchair(ask, networks):
    networks.__init__(changed(CITY, flags=CITY.flags | int(Flag.STEPS)))
    answer = ask(profile="wheelchair", modes="walk")
    assert answer["items"] == []
    assert answer["missing"][0]["reason"] == "no_way"
    assert answer["transit"]["reason"] == "no_way"


def test_a_short_walk_by_day_offers_no_public_transport(ask):
    assert ask()["transit"] is None


def test_fresh_air_and_a_walk_are_encouraged_and_no_figure_of_risk_is_said(ask, air):
    air(pm25=10.0)
    answer = ask()
    assert one(answer, "fastest")["advice"]["code"] == "encourage"
    assert "risk" not in json.dumps(answer)


def test_off_the_network_the_line_is_straight_and_said_to_be_approximate(ask, air):
    air()
    answer = ask(from_="48.8350,2.3300", to="48.8450,2.3300", modes="walk")
    (item,) = answer["items"]
    assert item["approximate"]
    assert item["distance_m"] == pytest.approx(1112 * 1.3, abs=5)
    assert item["legs"][0]["steps"] == []
    assert item["confidence"]["level"] == "low"
    assert "trip_approximate" in codes(answer)


def test_on_a_straight_line_the_dose_is_that_of_the_city_s_air(ask, air):
    air(no2=40.0)
    (item,) = ask(from_="48.8350,2.3300", to="48.8450,2.3300", modes="walk")["items"]
    expected = rules.dose_ug(40.0, mode=rules.MODES["walk"], hours=item["duration_s"] / 3600)
    assert item["dose_ug"]["no2"] == pytest.approx(expected, abs=0.02)


def test_off_the_coast_nothing_is_claimed_and_nothing_offered(ask):
    answer = ask(from_="43.0,6.0", to="43.1,6.1", modes="walk")
    assert (answer["items"][0]["activity"], answer["items"][0]["co2e_saved_g"], answer["transit"]) == (None, None, None)
    assert "trip_land_unknown" in codes(answer)


def test_two_cities_side_by_side_are_not_joined_by_a_way_that_nobody_knows(ask, networks):
    far = changed(CITY, lats=CITY.lats + 0.05, box=(CITY.box[0] + 0.05, CITY.box[1], CITY.box[2] + 0.05, CITY.box[3]))
    networks.__init__(CITY, far)
    (item,) = ask(to=f"{CITY.lats[EAST] + 0.05:.6f},{CITY.lons[EAST]:.6f}", modes="walk")["items"]
    assert item["approximate"]


def test_more_than_an_hour_offers_the_region_s_planner_without_a_position(ask):
    answer = ask(from_="48.70,2.30", to="48.88,2.35")
    transit = answer["transit"]
    assert (transit["reason"], transit["operator"]) == ("far", "Île-de-France Mobilités")
    assert transit["tells_position"] is False
    assert "48.7" not in transit["url"]


@pytest.mark.parametrize("accept", ["image/svg+xml", None])
def test_a_trip_is_drawn_with_the_attribution_of_its_streets(ask, air, accept):
    air()
    response = ask(accept=accept, route=ROUTE if accept else f"{ROUTE}.svg", show="cleanest", modes="walk")
    assert response.content_type == "image/svg+xml; charset=utf-8"
    assert response.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert response.headers["Cache-Control"] == "no-store"
    drawn = ET.fromstring(response.text)  # noqa: S314 - our own
    texts = " ".join(drawn.itertext())
    assert "Your trip on foot" in texts
    assert "synthetic" in texts


def test_no_cache_keeps_the_answer_to_a_position(client):
    response = client.get(f"{ROUTE}?from={place(WEST)}&to={place(EAST)}")
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("given", "name", "field"),
    [
        ({"from_": "91,2.35"}, "position-out-of-range", "from"),
        ({"to": "2.35,48.85"}, "position-swapped", "to"),
        ({"from_": "47.0,-20.0"}, "far-from-communes", "from"),
        ({"to": "47.0,-20.0"}, "far-from-communes", "to"),
        ({"from_": "46.0,-1.6", "to": "46.05,-1.65"}, "far-from-communes", "to"),
    ],
)
def test_an_end_that_cannot_be_says_which_and_why(ask, given, name, field):
    problem = ask(404 if name == "far-from-communes" else 422, **given)
    assert problem["type"] == f"/problems/{name}"
    assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"to": place(WEST)}, "trip-same-point"),
        ({"to": "45.7640,4.8357"}, "trip-too-far"),
        ({"to": None}, "trip-goal-missing"),
        ({"to_facility": "x"}, "trip-goal-missing"),
        ({"depart_at": "now", "arrive_by": "2026-01-06T18:00:00Z"}, "trip-times-both"),
        ({"depart_at": "2026-01-06T08:00:00Z"}, "trip-in-the-past"),
        ({"modes": "car"}, "invalid-arguments"),
        ({"profile": "fast"}, "invalid-arguments"),
        ({"from_": "48.85"}, "invalid-arguments"),
        ({"from_": None}, "invalid-arguments"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_precisely(ask, given, name):
    assert ask(422, **given)["type"] == f"/problems/{name}"


def test_three_hundred_kilometres_are_said_to_be_too_far(ask):
    assert "391 km" in ask(422, to="45.7640,4.8357")["detail"]


def test_a_place_of_care_is_a_goal(ask, database, tmp_path):
    record = make_record("k1", lat=float(CITY.lats[EAST]), lon=float(CITY.lons[EAST]))
    import_records(database, tmp_path, [record])
    with database.session(write=False) as session:
        facility = session.scalars(select(Facility)).one()
    answer = ask(to=None, to_facility=facility.id)
    assert answer["goal"]["facility"] == {"id": facility.id, "name": "Synthetic k1", "closed_for_good": False}
    assert answer["goal"]["snap_m"] == 0


def test_an_unknown_place_of_care_is_no_goal(ask):
    assert ask(404, to=None, to_facility="f999999999999")["type"] == "/problems/facility-unknown"


def test_no_position_reaches_the_log(ask, caplog):
    ask()
    ask(422, to=place(WEST))
    logged = json.dumps([record.__dict__ for record in caplog.records], default=str)
    assert place(WEST).split(",")[0] not in logged


def test_sixteen_at_once_get_the_same_answer(air, database, networks):
    air()
    with database.session(write=False) as session:
        background = read_background(session, lat=float(CITY.lats[WEST]), lon=float(CITY.lons[WEST]), at=NOON)
    question = Question(
        from_lat=float(CITY.lats[WEST]),
        from_lon=float(CITY.lons[WEST]),
        to_lat=float(CITY.lats[EAST]),
        to_lon=float(CITY.lons[EAST]),
        modes=("walk", "bike", "ebike"),
        wishes=frozenset(),
        depart_at=NOON,
    )

    def ask_once(_):
        found = find_trips(networks, question, background=background, stations=list)
        return [(t.mode, t.labels, t.duration_s, t.dose_ug, t.legs[0].route.streets.tolist()) for t in found.trips]

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask_once, range(16)))
    assert all(answer == answers[0] for answer in answers)
