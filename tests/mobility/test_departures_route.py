"""`GET /v1/mobility/departures`: what a resident is told about when to leave, and the strip."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from sqlalchemy import select

from app import create_app
from citizen_api.care.models import Facility
from citizen_api.mobility.departure_drawing import CONTENT_SECURITY_POLICY
from citizen_api.mobility.departure_schemas import DeparturesView
from citizen_api.mobility.networks import Networks
from tests.air.makers import NOON, make_fact, say
from tests.care.makers import import_records, make_record
from tests.mobility.departure_makers import make_forecast
from tests.mobility.makers import changed, make_grid
from tests.mobility.trip_makers import FakeNetworks

ROUTE = "/v1/mobility/departures"
GRID = make_grid(12, 12, block_m=100, seed=2)
CITY = changed(GRID, factors={name: np.where(np.arange(len(GRID.tails)) % 3, 0.7, 2.0) for name in ("no2", "pm25")})
"""A good kilometre from one corner to the other, by streets of different air."""
TUESDAY = NOON.date()
MINUTE = timedelta(minutes=1)


def corner(number):
    return f"{CITY.lats[number]:.6f},{CITY.lons[number]:.6f}"


@pytest.fixture
def networks(request):
    """The city, or what a test marks."""
    return FakeNetworks(*getattr(request, "param", [CITY]))


plain = pytest.mark.parametrize("networks", [[GRID]], indirect=True, ids=["plain"])
unknown_streets = pytest.mark.parametrize("networks", [[]], indirect=True, ids=["no streets"])


@pytest.fixture
def client(services, networks, clock):
    clock.moment = NOON
    services.ports[Networks] = networks
    return create_app(services=services).test_client()


@pytest.fixture
def air(database):
    """A model's NO2 of the hours from now on; the last goes on."""

    return lambda *no2, **told: make_forecast(database, *no2, **told)


@pytest.fixture
def ask(client):
    def run(accept=None, route=ROUTE, **given):
        query = {"from": corner(0), "to": corner(-1), "lang": "en", "modes": "walk"}
        query |= {name.rstrip("_"): value for name, value in given.items()}
        query = {name: value for name, value in query.items() if value is not None}
        headers = {} if accept is None else {"Accept": accept}
        response = client.get(f"{route}?{urlencode(query)}", headers=headers)
        assert response.status_code == 200, response.json
        if not response.is_json:
            return response
        assert not DeparturesView().validate(response.json)
        return response.json

    return run


@pytest.fixture
def pharmacy(database, tmp_path):
    """A pharmacy at the far corner; gives its id."""

    def run(opening_hours, **facts):
        lat, lon = float(CITY.lats[-1]), float(CITY.lons[-1])
        record = make_record("p", name="Pharmacie du Test", lat=lat, lon=lon, opening_hours=opening_hours, **facts)
        import_records(database, tmp_path, [record])
        with database.session(write=False) as session:
            return session.scalars(select(Facility.id)).one()

    return run


def codes(answer):
    return {entry["code"] for entry in answer["notices"]}


def moment(text):
    return datetime.fromisoformat(text)


# --- The hour ----------------------------------------------------------------------------------------------


@plain
@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", "Leave at 13:00 instead of 12:00: 50% less NO2, same time (on foot)."),
        ("fr", "Partez à 13 h 00 au lieu de 12 h 00 : 50 % de NO2 en moins, même durée (à pied)."),
    ],
)
def test_the_better_hour_is_told_against_leaving_at_once_in_plain_words(ask, air, lang, words):
    air(40, 20, 30)
    best = ask(lang=lang)["best"]
    assert best["words"].replace("\N{NO-BREAK SPACE}", " ") == words
    against = best["against_now"]
    assert (against["percent"], against["later_s"], against["longer_s"]) == (-50, 3600, 0)
    assert (best["depart_at"], against["depart_at"]) == ("2026-01-06T13:00:00+01:00", "2026-01-06T12:00:00+01:00")


@plain
def test_the_percentage_is_that_of_the_doses(ask, air):
    air(40, 33, 20, 30)
    answer = ask()
    now, best = answer["items"][0], answer["best"]
    ratio = best["dose_ug"]["no2"] / now["dose_ug"]["no2"]
    assert now["against_now"]["percent"] == 0
    assert best["against_now"]["percent"] == pytest.approx((ratio - 1) * 100, abs=1)
    assert best["guide"] == "no2"


def test_a_cleaner_way_at_the_same_hour_is_told_too(ask, air):
    air(40)
    ways = {item["label"]: item for item in ask()["items"]}
    assert ways["cleaner"]["depart_at"] == ways["fastest"]["depart_at"]
    assert ways["cleaner"]["dose_ug"]["no2"] < ways["fastest"]["dose_ug"]["no2"]
    assert ways["cleaner"]["words"].startswith("Leave at 12:00 by another way: ")


@plain
def test_air_that_stays_the_same_is_no_gain_and_a_notice_says_so(ask, air):
    air(40)
    answer = ask()
    assert [item["words"] for item in answer["items"]] == [answer["best"]["words"]]
    assert answer["best"]["words"].startswith("Leave at 12:00: ")
    assert "departure_no_better" in codes(answer)


def test_each_mode_has_its_departures_and_the_way_of_each_is_one_link_away(ask, air):
    air(40, 20, 30)
    answer = ask(modes="walk,bike,ebike", profile="avoid_hills")
    assert {item["mode"] for item in answer["items"]} == {"walk", "bike", "ebike"}
    link = answer["best"]["trip"]
    assert link.startswith("/v1/mobility/trips?from=")
    assert f"&depart_at={answer['best']['depart_at'].replace('+', '%2B')}" in link
    assert "profile=avoid_hills" in link


@plain
def test_an_item_that_another_mode_beats_in_all_says_so(ask, air):
    air(40)
    items = ask(modes="bike,ebike")["items"]
    assert {item["mode"]: item["on_frontier"] for item in items if item["label"] == "fastest"} == {
        "bike": False,
        "ebike": True,
    }


def test_hours_of_which_nothing_is_known_are_said_and_not_compared(ask, air):
    air(40, 40, hours=2)
    answer = ask()
    assert {item["depart_at"] for item in answer["items"]} == {"2026-01-06T12:00:00+01:00"}
    assert "departure_air_known_partly" in codes(answer)
    assert [hour["band"] for hour in answer["hours"][:4]] == ["same", "same", "unknown", "unknown"]


def test_an_index_alone_chooses_the_day_and_gives_no_dose(ask, database):
    city = {"zone_kind": "departement", "zone_code": "75"}
    say(database, make_fact(level=5, **city), make_fact(level=2, day=TUESDAY + timedelta(days=1), **city))
    answer = ask(after="today 22:00")
    assert "departure_index_only" in codes(answer)
    first, second = answer["items"]
    assert second["words"] == (
        "Leave at 06:00 tomorrow instead of 22:00: air index 2 (Fair) instead of 5 (Very poor), same time (on foot)."
    )
    assert (second["against_now"]["percent"], second["level"]) == (None, 2)
    assert set(first["dose_ug"].values()) == {None}


def test_when_nothing_is_known_there_is_no_comparison(ask):
    answer = ask()
    assert "departure_air_unknown" in codes(answer)
    assert answer["best"]["words"] == answer["items"][0]["words"] == f"Leave at 12:00: {minutes(answer)} min on foot."
    assert answer["best"]["against_now"]["percent"] is None
    assert answer["daylight"][0]["sunrise"].startswith("2026-01-06T08:4")


def minutes(answer):
    return round(answer["best"]["duration_s"] / 60)


@unknown_streets
def test_off_the_network_the_hour_is_still_chosen(ask, air):
    air(40, 20, 30)
    answer = ask()
    assert answer["best"]["against_now"]["percent"] == -50
    assert answer["best"]["approximate"]
    assert {"departure_streets_unknown"} <= codes(answer)
    assert answer["networks"] == []


def test_a_wheelchair_is_not_offered_a_bike(ask, air):
    air(40)
    answer = ask(modes="walk,bike", profile="wheelchair")
    assert [(entry["mode"], entry["reason"]) for entry in answer["missing"]] == [("bike", "profile")]
    assert {"trip_modes_missing", "trip_kerbs_unknown"} <= codes(answer)


def test_moving_wins_in_usual_air_and_a_shorter_way_in_very_bad_air(ask, air):
    air(10, name="pm25")
    assert "trip_encourage" in codes(ask())
    air(800, name="pm25")
    assert {"trip_shorter", "trip_indoors"} & codes(ask())


# --- The goal ----------------------------------------------------------------------------------------------


def test_tomorrow_one_arrives_at_a_pharmacy_while_it_is_open_and_knows_the_last_departure(ask, air, pharmacy):
    air(*[30] * 22, 30, 20, 10)
    answer = ask(to=None, to_facility=pharmacy("Mo-Fr 09:00-12:30"), after="tomorrow 08:00")
    best = answer["best"]
    opens, closes = moment("2026-01-07T09:00:00+01:00"), moment("2026-01-07T12:30:00+01:00")
    assert opens <= moment(best["arrive_at"]) <= closes - 5 * MINUTE
    assert best["words"].endswith("Open when you arrive, until 12:30.")
    assert best["opening"]["text"].endswith("until 12:30 tomorrow.")
    assert moment(best["depart_at"]) >= moment("2026-01-07T11:00:00+01:00")
    (leave_by,) = answer["openings"][0]["leave_by"]
    assert moment(leave_by["at"]) + timedelta(seconds=best["duration_s"]) <= closes - 5 * MINUTE
    assert "departure_last_useful" in codes(answer)
    assert {entry["reason"] for entry in answer["left_out"]} == {"closed", "closes", "night"}


def test_what_is_compared_with_is_the_first_departure_that_finds_it_open(ask, air, pharmacy):
    air(30)
    answer = ask(to=None, to_facility=pharmacy("Mo-Fr 14:00-19:00"))
    first = moment(answer["items"][0]["against_now"]["depart_at"])
    arrives = first + timedelta(seconds=answer["best"]["duration_s"])
    assert moment("2026-01-06T14:00:00+01:00") <= arrives < moment("2026-01-06T14:20:00+01:00")


def test_a_goal_that_is_never_open_in_these_hours_is_said_to_be_closed(ask, air, pharmacy):
    air(30)
    answer = ask(to=None, to_facility=pharmacy("Su 09:00-12:00"))
    assert (answer["best"], answer["items"], answer["openings"]) == (None, [], [])
    assert "departure_closed_throughout" in codes(answer)
    assert "departure_none_in_time" not in codes(answer)


def test_a_goal_whose_hours_nobody_knows_asks_for_a_call_first(ask, air, pharmacy):
    air(40, 20, 30)
    answer = ask(to=None, to_facility=pharmacy(None))
    assert "departure_hours_unknown" in codes(answer)
    assert answer["best"]["opening"]["state"] == "unknown"
    assert answer["best"]["words"].endswith("Opening hours on arrival not known: call first.")


def test_a_place_that_closed_for_good_is_no_goal(ask, air, pharmacy, database):
    air(30)
    facility = pharmacy("24/7")
    with database.session() as session:
        session.get(Facility, facility).closed_at = NOON
    answer = ask(to=None, to_facility=facility)
    assert answer["best"] is None
    assert "closed_for_good" in codes(answer)
    assert answer["goal"]["facility"]["closed_for_good"]


@pytest.mark.parametrize(
    ("seconds", "first"), [(0, "12:00"), (0.001, "12:01"), (40, "12:01"), (59.999, "12:01"), (60, "12:01")]
)
def test_nobody_is_told_to_leave_in_a_minute_that_is_over(ask, air, clock, seconds, first):
    clock.moment = NOON + timedelta(seconds=seconds)
    air(40)
    answer = ask()
    assert answer["after"] == answer["items"][0]["depart_at"] == f"2026-01-06T{first}:00+01:00"
    assert answer["best"]["words"].startswith(f"Leave at {first} ")


# --- Heat, sun, darkness, other bounds ---------------------------------------------------------------------


def test_the_hot_hours_of_an_orange_day_are_left_out(ask, air, database):
    air(10, 10, 40)
    say(database, make_fact(hazard="heat", kind="vigilance", zone_kind="departement", zone_code="75", level=3))
    answer = ask()
    assert moment(answer["best"]["depart_at"]).hour >= 21 or moment(answer["best"]["depart_at"]).date() > TUESDAY
    assert "departure_heat" in codes(answer)
    assert answer["hours"][0]["reasons"] == ["heat"]


def test_very_high_uv_leaves_out_the_hours_around_the_highest_sun(ask, air, database):
    air(10, 10, 40)
    say(database, make_fact(hazard="uv", level=9, zone_kind="departement", zone_code="75"))
    answer = ask()
    assert "departure_uv" in codes(answer)
    assert moment(answer["best"]["depart_at"]) >= moment("2026-01-06T15:00:00+01:00")


def test_who_can_only_leave_in_the_heat_is_told_the_least_bad_hour(ask, air, database):
    air(40, 20, 30)
    say(database, make_fact(hazard="heat", kind="vigilance", zone_kind="departement", zone_code="75", level=4))
    answer = ask(before="today 15:00")
    assert "departure_only_advised_against" in codes(answer)
    assert [reason["reason"] for reason in answer["best"]["reasons"]] == ["heat"]


def test_who_must_be_there_soon_is_told_only_what_arrives_in_time(ask, air):
    air(40, 20, 10)
    answer = ask(before="2026-01-06T13:30:00+01:00")
    assert all(moment(item["arrive_at"]) <= moment("2026-01-06T13:30:00+01:00") for item in answer["items"])
    assert answer["until"] == "2026-01-06T13:30:00+01:00"


def test_who_leaves_too_little_time_is_told_so(ask, air):
    air(40)
    answer = ask(before="2026-01-06T12:05:00+01:00")
    assert answer["best"] is None
    assert "departure_none_in_time" in codes(answer)


def test_more_than_a_day_is_cut_and_a_notice_says_so(ask, air):
    air(40)
    answer = ask(before="2026-01-09T12:00:00+01:00")
    assert answer["until"] == "2026-01-07T12:00:00+01:00"
    assert "departure_cut_to_a_day" in codes(answer)


def test_a_later_day_is_named(ask):
    best = ask(after="2026-01-09T12:00:00+01:00")["best"]
    assert best["words"].startswith("Leave at 12:00 on 9/01: ")


def test_air_that_is_known_only_later_is_not_compared_with_now(ask, air):
    air(None, None, 20)
    words = [item["words"] for item in ask()["items"]]
    assert words[0].startswith("Leave at 12:00: ")
    assert words[-1].startswith("Leave at 14:00 instead of 12:00: air not comparable")


# --- The strip ---------------------------------------------------------------------------------------------


def test_the_strip_is_the_same_by_header_and_by_name(ask, air):
    air(40, 20, 30)
    by_header, by_name = ask(accept="image/svg+xml"), ask(route=f"{ROUTE}.svg")
    assert by_header.data == by_name.data
    assert by_name.content_type == "image/svg+xml; charset=utf-8"
    assert by_name.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert by_name.headers["Cache-Control"] == "no-store"
    said = "".join(ET.fromstring(by_name.data).itertext())  # noqa: S314 - our own document
    assert "Advised: 13:00" in said
    assert "50% less NO2" in said


def test_the_strip_of_a_closed_goal_is_hatched_and_says_so(ask, air, pharmacy):
    air(30)
    drawn = ask(to=None, to_facility=pharmacy("Su 09:00-12:00"), route=f"{ROUTE}.svg").text
    assert "No useful departure" in drawn
    assert "To Pharmacie du Test" in drawn
    assert 'fill="url(#closed)"' in drawn


def test_the_strip_of_an_index_tells_its_levels(ask, database):
    say(database, make_fact(level=4, zone_kind="departement", zone_code="75"))
    drawn = ask(route=f"{ROUTE}.svg").text
    assert "Air index (1 to 6) by departure" in drawn
    assert "14:00: 4." in drawn


def test_hours_from_which_one_arrives_too_late_are_hatched(ask, air):
    air(40)
    drawn = ask(route=f"{ROUTE}.svg", before="today 13:10").text
    assert "arriving too late" in drawn


def test_the_strip_of_unknown_air_is_drawn_without_bars(ask):
    drawn = ask(route=f"{ROUTE}.svg").text
    assert "air not known" in drawn
    assert ">?</text>" in drawn


def test_a_clock_change_leaves_a_day_of_departures(ask, clock):
    clock.moment = datetime(2026, 3, 28, 20, tzinfo=UTC)
    hours = ask()["hours"]
    assert len({hour["starts_at"] for hour in hours}) == len(hours) == 25
    assert "2026-03-29T03:00:00+02:00" in {hour["starts_at"] for hour in hours}
