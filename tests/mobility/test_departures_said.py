"""`GET /v1/mobility/departures`: what is said on bad days, far away, on the strip, and that nothing is said twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest
from sqlalchemy import select

from app import create_app
from citizen_api.air.outlook import DEMO_SOURCE
from citizen_api.care.models import Facility
from citizen_api.mobility.departure_schemas import DeparturesView
from citizen_api.mobility.networks import Networks
from tests.air.makers import DAY, NOON, make_episode, make_fact, say
from tests.care.makers import SYNTHETIC, import_records, make_record
from tests.mobility.departure_makers import make_forecast
from tests.mobility.makers import make_grid
from tests.mobility.trip_makers import FakeNetworks

ROUTE = "/v1/mobility/departures"
CITY = make_grid(12, 12, block_m=100, seed=2)
PARIS = {"zone_kind": "departement", "zone_code": "75"}
SECOND = timedelta(seconds=1)
CHEERING = "trip_encourage"


def corner(number):
    return f"{CITY.lats[number]:.6f},{CITY.lons[number]:.6f}"


@pytest.fixture
def client(services, clock):
    clock.moment = NOON
    services.ports[Networks] = FakeNetworks(CITY)
    return create_app(services=services).test_client()


@pytest.fixture
def ask(client):
    def run(**given):
        query = {"from": corner(0), "to": corner(-1), "lang": "en", "modes": "walk", **given}
        response = client.get(f"{ROUTE}?{urlencode({name: one for name, one in query.items() if one is not None})}")
        assert response.status_code == 200, response.json
        assert not DeparturesView().validate(response.json)
        return response.json

    return run


@pytest.fixture
def strip(client):
    """The strip, and what who hears it hears."""

    def run(**given):
        query = {"from": corner(0), "to": corner(-1), "lang": "en", "modes": "walk", **given}
        answer = client.get(f"{ROUTE}.svg?{urlencode({name: one for name, one in query.items() if one is not None})}")
        assert answer.status_code == 200, answer.json
        root = ET.fromstring(answer.data)  # noqa: S314 - our own document
        heard = next(found for found in root if found.get("id") == "when-desc")
        seen = " ".join(found.text or "" for found in root.iter("{http://www.w3.org/2000/svg}text"))
        return seen, heard.text

    return run


@pytest.fixture
def pharmacy(database, tmp_path):
    def run(opening_hours, **facts):
        place = {"lat": float(CITY.lats[-1]), "lon": float(CITY.lons[-1]), "opening_hours": opening_hours}
        import_records(database, tmp_path, [make_record("p", name="Pharmacie du Test", **place)], **facts)
        with database.session(write=False) as session:
            return session.scalars(select(Facility.id)).one()

    return run


def codes(answer):
    return [entry["code"] for entry in answer["notices"]]


def moment(text):
    return datetime.fromisoformat(text)


# --- Bad days ----------------------------------------------------------------------------------------------


def test_a_usual_day_cheers_and_warns_of_nothing(ask, database):
    make_forecast(database, 10, name="pm25")
    say(database, make_fact(level=4, **PARIS))
    found = codes(ask())
    assert CHEERING in found
    assert not [code for code in found if code.startswith("warning_") or code == "air_episode"]


@pytest.mark.parametrize("level", [5, 6])
def test_on_a_day_of_very_bad_air_nothing_cheers_and_the_advice_of_the_level_is_given(ask, database, level):
    make_forecast(database, 10, name="pm25")
    say(database, make_fact(level=level, **PARIS))
    answer = ask(before="today 18:00")
    assert CHEERING not in codes(answer)
    (told,) = [entry["text"] for entry in answer["notices"] if entry["code"] == "trip_ease"]
    assert "Brief outings" in told


def test_in_an_episode_the_episode_is_told_first(ask, database):
    make_forecast(database, 10, name="pm25")
    say(database, make_episode("alert"), make_fact(level=4, **PARIS))
    found = codes(ask(before="today 18:00"))
    assert found[0] == "air_episode"
    assert CHEERING not in found


def test_an_episode_in_which_another_departure_lies_is_told_too(ask, database):
    make_forecast(database, *[10] * 20, 9, name="pm25")
    say(database, make_fact(level=2, **PARIS), make_episode("alert", day=DAY + timedelta(days=1)))
    answer = ask()
    today = NOON.date().isoformat()
    assert answer["best"]["depart_at"].startswith(today)
    assert not all(item["depart_at"].startswith(today) for item in answer["items"])
    assert "air_episode" in codes(answer)
    assert CHEERING not in codes(answer)


def test_nobody_is_told_to_leave_when_it_suits_beside_the_advice_to_take_it_easy(ask, database):
    make_forecast(database, 10, name="pm25")
    say(database, make_episode("alert"), make_fact(level=6, **PARIS))
    found = codes(ask(before="today 18:00"))
    assert "trip_ease" in found
    assert not {"departure_no_better", "departure_little_gain"} & set(found)


@pytest.mark.parametrize("hazard", ["heat", "cold", "storms"])
def test_an_orange_warning_is_told_and_nothing_cheers(ask, database, hazard):
    make_forecast(database, 10, name="pm25")
    say(database, make_fact(hazard=hazard, kind="vigilance", level=3, **PARIS))
    found = codes(ask(before="today 18:00"))
    assert f"warning_{hazard}" in found
    assert CHEERING not in found


def test_the_strip_shows_the_episode_and_the_advice(strip, database):
    make_forecast(database, 10, name="pm25")
    say(database, make_episode("alert"), make_fact(level=6, **PARIS))
    for said in strip(before="today 18:00"):
        assert "A pollution episode" in said
        assert "Brief outings" in said
        assert "enjoy" not in said


# --- The air that is not known -----------------------------------------------------------------------------


def test_of_a_window_of_which_nothing_is_known_it_is_not_said_that_a_part_is(ask, database):
    make_forecast(database, 30)
    found = codes(ask(after=(NOON + timedelta(days=4)).isoformat()))
    assert "departure_air_unknown" in found
    assert not {"departure_air_known_partly", "departure_index_only"} & set(found)


def test_an_index_of_other_days_is_not_one_of_these_hours(ask, database):
    say(database, make_fact(level=4, **PARIS))
    found = codes(ask(after=(NOON + timedelta(days=4)).isoformat()))
    assert "departure_air_unknown" in found
    assert "departure_index_only" not in found


# --- What a short trip gains -------------------------------------------------------------------------------


def test_who_goes_two_minutes_is_not_told_to_wait_and_why_not(ask, database):
    make_forecast(database, 60, 60, 10)
    answer = ask(to=corner(1))
    assert answer["best"]["depart_at"] == "2026-01-06T12:00:00+01:00"
    assert min(item["against_now"]["percent"] for item in answer["items"]) < -50
    assert "departure_little_gain" in codes(answer)
    assert "departure_little_gain" not in codes(ask())


# --- Numbers and words -------------------------------------------------------------------------------------


def test_arrival_is_departure_plus_duration_to_the_second(ask, database):
    make_forecast(database, 40, 20, 30)
    for item in ask(modes="walk,bike,ebike")["items"]:
        assert moment(item["arrive_at"]) == moment(item["depart_at"]) + item["duration_s"] * SECOND


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("fr", "Partez à 10 h 00 demain au lieu de 8 h 00 : 75 % de NO2 en moins, même durée (à pied)."),
        ("en", "Leave at 10:00 tomorrow instead of 08:00: 75% less NO2, same time (on foot)."),
    ],
)
def test_a_day_is_told_once_in_a_sentence(ask, database, lang, words):
    make_forecast(database, *[40] * 22, 10)
    best = ask(after="tomorrow 08:00", lang=lang)["best"]
    assert best["words"].replace("\N{NO-BREAK SPACE}", " ") == words


def test_the_last_departure_tells_its_day_once(ask, database, pharmacy):
    make_forecast(database, 30)
    answer = ask(to=None, to_facility=pharmacy("Mo-Fr 09:00-12:30"), after="tomorrow 08:00")
    (told,) = [entry["text"] for entry in answer["notices"] if entry["code"] == "departure_last_useful"]
    assert told.startswith("Last useful departure before it closes (12:30 tomorrow): 11:5")
    assert told.count("tomorrow") == 1


def test_the_last_departure_is_before_the_evening_of_a_place_that_closes_for_lunch(ask, database, pharmacy):
    make_forecast(database, 30)
    answer = ask(to=None, to_facility=pharmacy("Mo-Fr 09:00-12:30,14:00-19:30"), after="tomorrow 08:00")
    (told,) = [entry["text"] for entry in answer["notices"] if entry["code"] == "departure_last_useful"]
    assert "(19:30 tomorrow)" in told


def test_who_has_more_than_an_hour_by_all_that_was_asked_is_offered_public_transport(ask, database):
    make_forecast(database, 30)
    far = ask(to="48.80,2.25")
    assert far["best"]["duration_s"] > 3600
    assert far["transit"]["reason"] == "far"
    assert far["transit"]["url"].startswith("https://")
    assert ask()["transit"] is None


def test_a_pollutant_that_rises_is_told_beside_the_one_that_falls(ask, strip, database):
    make_forecast(database, 40, 20, 30)
    make_forecast(database, 30, 45, name="o3")
    best = ask()["best"]
    assert best["words"] == "Leave at 13:00 instead of 12:00: 50% less NO2, but 50% more ozone, same time (on foot)."
    assert best["against_now"]["rises"] == [{"pollutant": "o3", "percent": 50}]
    for said in strip():
        assert "50% less NO2, but 50% more ozone" in said


def test_ozone_and_particles_are_told_in_good_french(ask, database):
    make_forecast(database, 40, 20, 30)
    make_forecast(database, 30, 45, name="o3")
    assert "50 % de NO2 en moins, mais 50 % d'ozone en plus, même durée" in ask(lang="fr")["best"]["words"].replace(
        "\N{NO-BREAK SPACE}", " "
    )


def test_an_hour_with_more_fine_particles_is_not_the_advised_one_and_says_why(ask, database):
    make_forecast(database, 40, 15, 40)
    make_forecast(database, 10, 20, 20, name="pm25")
    answer = ask()
    assert answer["best"]["words"].startswith("Leave at 12:00: ")
    later = next(item for item in answer["items"] if item["depart_at"].startswith("2026-01-06T13:00"))
    assert "% less NO2, but 100% more fine particles (PM2.5)" in later["words"]


def test_one_pollutant_is_compared_in_a_whole_answer_and_the_strip_names_it(ask, strip, database):
    make_forecast(database, 40, 20, 30)
    make_forecast(database, 150, 20, 60, name="o3")
    answer = ask()
    assert answer["air"]["compared_by"] == ["no2"]
    guides = {item["guide"] for item in answer["items"]} | {hour["guide"] for hour in answer["hours"]}
    assert guides - {None} == {"no2"}
    seen, _ = strip()
    assert "Amount of NO2 breathed in by hour of departure" in seen
    assert "less NO2 than leaving at 12:00" in seen


def test_an_index_names_no_pollutant(ask, database):
    say(database, make_fact(level=3, **PARIS))
    assert ask()["air"]["compared_by"] == []


@pytest.mark.parametrize(("days", "closed"), [(-1, True), (10, False)])
def test_a_place_is_closed_for_good_from_the_day_on_which_it_closes(ask, database, pharmacy, days, closed):
    facility = pharmacy("24/7")
    with database.session() as session:
        session.get(Facility, facility).closed_at = NOON + timedelta(days=days)
    answer = ask(to=None, to_facility=facility)
    assert answer["goal"]["facility"]["closed_for_good"] is closed
    assert ("closed_for_good" in codes(answer)) is closed
    assert (answer["best"] is None) is closed


def test_a_window_by_the_clock_has_24_hours_when_the_clock_changes(ask, clock):
    clock.moment = datetime.fromisoformat("2026-10-24T12:00:00+02:00")
    answer = ask(after="today 20:00")
    assert moment(answer["until"]) - moment(answer["after"]).astimezone(UTC) == timedelta(days=1)
    assert answer["until"] == "2026-10-25T19:00:00+01:00"


def test_a_far_walk_says_that_a_bicycle_takes_less_than_an_hour(ask, database):
    make_forecast(database, 30)
    assert "trip_try_bike" in codes(ask(to="48.80,2.30"))
    assert "trip_try_bike" not in codes(ask(to="48.80,2.30", modes="walk,bike"))
    assert "trip_try_bike" not in codes(ask())


# --- Where there may be no land ----------------------------------------------------------------------------

AT_SEA = {"from": "46.0,-1.6", "to": "46.01,-1.61"}
FAR_AT_SEA = {"from": "43.0,6.0", "to": "43.1,6.1"}


@pytest.mark.parametrize("ends", [AT_SEA, FAR_AT_SEA], ids=["near", "far"])
def test_where_there_may_be_sea_hours_are_told_and_nothing_is_recommended(ask, ends):
    answer = ask(**ends)
    assert (answer["best"], answer["items"], answer["transit"]) == (None, [], None)
    assert not any(hour["best"] for hour in answer["hours"])
    assert len(answer["hours"]) >= 24
    found = codes(answer)
    assert {"trip_land_unknown", "trip_approximate"} <= set(found)
    invented = {CHEERING, "trip_try_bike", "departure_streets_unknown", "departure_none_in_time"}
    assert not invented & set(found)


def test_the_hours_at_sea_are_those_of_the_first_way_that_there_is(ask):
    answer = ask(modes="bike,walk", profile="wheelchair", **AT_SEA)
    assert answer["hours_mode"] == "walk"
    assert answer["hours"]


def test_nobody_is_told_the_last_departure_for_a_place_that_may_be_at_sea(ask, database, tmp_path):
    place = {"lat": 46.01, "lon": -1.61, "opening_hours": "Mo-Fr 09:00-17:00"}
    import_records(database, tmp_path, [make_record("p", **place)])
    with database.session(write=False) as session:
        facility = session.scalars(select(Facility.id)).one()
    answer = ask(**AT_SEA | {"to": None, "to_facility": facility})
    assert answer["openings"][0]["leave_by"] == []
    assert not {"departure_last_useful", "departure_closed_throughout"} & set(codes(answer))


def test_the_strip_says_that_there_may_be_sea_and_advises_no_hour(strip):
    for said in strip(**AT_SEA):
        assert "we do not know whether one can walk or ride there" in said
        assert "Advised" not in said
        assert "No useful departure" not in said


# --- The strip ---------------------------------------------------------------------------------------------


def test_the_strip_shows_the_last_useful_departure_and_what_comes_after_it_as_of_no_use(strip, database, pharmacy):
    make_forecast(database, 30)
    seen, heard = strip(to=None, to_facility=pharmacy("Mo-Fr 08:30-15:00"), before="today 18:00")
    assert "Last useful departure before it closes (15:00): 14:2" in seen
    assert "Last useful departure before it closes (15:00): 14:2" in heard
    assert "14:00: no notable difference in NO2, at 14:2" in heard
    assert "closed on arrival" in seen


def test_the_strip_says_to_phone_first_where_the_directory_is_old(ask, strip, database, pharmacy):
    make_forecast(database, 30)
    facility = pharmacy("24/7", source=replace(SYNTHETIC, date=(NOON - timedelta(days=900)).date()))
    (old,) = [note["text"] for note in ask(to=None, to_facility=facility)["notices"] if note["code"] == "old_source"]
    for said in strip(to=None, to_facility=facility):
        assert old in said


def test_a_day_is_heard_once_for_all_its_hours(strip, database):
    make_forecast(database, 30)
    _, heard = strip()
    assert " 22:00: " in heard
    assert " 00:00 tomorrow: " in heard
    assert " 01:00: " in heard
    assert heard.count("tomorrow") == 1


@pytest.mark.parametrize(("lang", "words"), [("en", "facts made up"), ("fr", "faits inventés")])
def test_made_up_air_is_called_so_in_the_language_of_the_reader(strip, database, lang, words):
    say(database, make_fact(level=3, **PARIS), source_id=DEMO_SOURCE)
    seen, heard = strip(lang=lang)
    assert words in seen
    assert words in heard
    assert "Alentours, faits fictifs" not in heard
