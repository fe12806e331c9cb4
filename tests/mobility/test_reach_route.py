"""`GET /v1/care/reachable`: care in the order of the time over the streets, open when one arrives."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit

import numpy as np
import pytest

from app import create_app
from citizen_api.mobility import reach
from citizen_api.mobility.networks import Networks
from citizen_api.mobility.reach_schemas import ReachableView
from citizen_api.mobility.rules import WALK_SPEED_M_S
from citizen_api.mobility.trip_schemas import TripsArgs
from tests.care.makers import import_records, make_record
from tests.mobility.makers import changed, make_graph
from tests.mobility.reach_makers import GRID, SomeNetworks, place_at
from tests.web.makers import read_problem

URL = "/v1/care/reachable"
HERE = 5 * 12 + 5
MONDAY_NOON = datetime(2026, 11, 23, 11, tzinfo=UTC)
"""12:00 in Paris."""
ALWAYS = {"opening_hours": "24/7"}


@pytest.fixture
def imported(database, tmp_path):
    return lambda *records: import_records(database, tmp_path, records)


@pytest.fixture
def networks():
    return SomeNetworks(GRID)


@pytest.fixture
def client(services, networks, clock):
    clock.moment = MONDAY_NOON
    services.ports[Networks] = networks
    return create_app(services=services).test_client()


@pytest.fixture
def ask(client):
    def run(junction=HERE, **more):
        given = {"category": "pharmacy", "lang": "en", "within_min": 30, **place_at(GRID, junction), **more}
        return client.get(URL, query_string=given)

    return run


def make_place(key, junction, **facts):
    return make_record(key, **{**ALWAYS, **place_at(GRID, junction), **facts})


def keys(items):
    return [item["name"].removeprefix("Synthetic ") for item in items]


def codes(answer):
    return [notice["code"] for notice in answer.json["notices"]]


def test_an_item_says_how_long_it_takes_along_the_streets_and_when_one_is_there(ask, imported):
    imported(make_place("a", HERE + 3))
    answer = ask()
    (item,) = answer.json["items"]
    assert (item["duration_s"], item["distance_m"]) == (round(300 / WALK_SPEED_M_S), pytest.approx(300, abs=0.5))
    assert (item["approximate"], item["arrives_at"]) == (False, "2026-11-23T12:03:45+01:00")
    assert item["why"] == "No. 1 by travel time. Neutral ranking: nobody pays for a place."
    assert not ReachableView().validate(answer.json)
    assert answer.headers["Cache-Control"] == "no-store"


def test_time_over_the_streets_decides_the_order_not_the_straight_line(ask, imported, networks):
    # Of the streets that lead north from the row of the question only the first, far to the west, is gone in time.
    slow = [s for s in range(len(GRID.tails)) if GRID.heads[s] - GRID.tails[s] == 12 and GRID.tails[s] // 12 == 5][1:]
    time_s = np.full(len(GRID.tails), 100 / WALK_SPEED_M_S)
    time_s[slow] = 10_000
    graph = make_graph(len(GRID.lats), GRID.tails, GRID.heads, time_s)
    networks.networks = [changed(GRID, graphs={**GRID.graphs, "walk": graph})]
    imported(make_place("north", HERE + 12), make_place("east", HERE + 4))
    assert keys(ask().json["items"]) == ["east", "north"]


def test_what_takes_longer_than_asked_is_left_out(ask, imported):
    imported(make_place("near", HERE + 3), make_place("far", HERE + 6))
    assert keys(ask(within_min=5).json["items"]) == ["near"]


TOP = 11 * 12 + 5
"""Of the northern row, north of which no street is."""


def test_the_metres_from_door_to_door_count(ask, imported):
    imported(make_place("a", TOP + 3, **place_at(GRID, TOP + 3, north_m=40)))
    (item,) = ask(TOP, **place_at(GRID, TOP, north_m=100)).json["items"]
    # 300 m of street, and 1.3 times 140 m: 482 m at 4.8 km/h.
    assert (item["duration_s"], item["distance_m"]) == (pytest.approx(361.5, abs=1), pytest.approx(482, abs=1))


@pytest.mark.parametrize(("within_min", "found"), [(6, []), (7, ["a"])])
def test_what_is_out_of_reach_only_because_of_the_metres_to_a_door_is_left_out(ask, imported, within_min, found):
    imported(make_place("a", TOP + 3, **place_at(GRID, TOP + 3, north_m=40)))
    answer = ask(TOP, within_min=within_min, **place_at(GRID, TOP, north_m=100))
    assert keys(answer.json["items"]) == found


def test_a_place_that_closes_while_one_walks_from_the_street_to_its_door_is_not_open(ask, imported):
    # At the street at 12:03:45, at the door at 12:04:24.
    imported(make_place("a", TOP + 3, opening_hours="Mo 09:00-12:04", **place_at(GRID, TOP + 3, north_m=40)))
    assert ask(TOP).json["items"] == []


def test_of_two_places_on_a_street_the_farther_one_is_soonest_reached_where_its_door_is_nearer(ask, imported):
    imported(
        make_place("deep", TOP + 2, **place_at(GRID, TOP + 2, north_m=120)),
        make_place("near the street", TOP + 3),
    )
    assert keys(ask(TOP).json["items"]) == ["near the street", "deep"]


def test_a_place_that_closes_before_one_arrives_is_not_open(ask, imported):
    imported(
        make_place("shut", HERE + 3, opening_hours="Mo 09:00-12:03"),
        make_place("open", HERE + 4, opening_hours="Mo 09:00-19:00"),
    )
    assert keys(ask().json["items"]) == ["open"]


def test_a_place_that_opens_before_one_arrives_is_open(ask, imported):
    imported(make_place("soon", HERE + 3, opening_hours="Mo 12:03-19:00"))
    (item,) = ask().json["items"]
    assert (item["opening"]["state"], item["opening"]["until"]) == ("open", "2026-11-23T19:00:00+01:00")


def test_closing_soon_after_one_arrives_is_said(ask, imported):
    imported(
        make_place("soon", HERE + 3, opening_hours="Mo 09:00-12:15"),
        make_place("later", HERE + 4, opening_hours="Mo 09:00-12:30"),
    )
    answer = ask()
    assert [item["closing_soon"] for item in answer.json["items"]] == [True, False]
    assert "reach_closing_soon" in codes(answer)


def test_places_of_unknown_hours_stand_apart_the_five_soonest_reached(ask, imported):
    unknown = [make_place(f"u{n}", HERE - 12 * 5 + 12 * n, opening_hours=None) for n in range(6)]
    imported(make_place("open", HERE + 3), *unknown)
    answer = ask().json
    assert keys(answer["items"]) == ["open"]
    assert keys(answer["hours_unknown"]) == ["u5", "u4", "u3", "u2", "u1"]
    assert answer["hours_unknown"][0]["why"].endswith("phone before you leave.")


def test_any_takes_whatever_the_hours_and_has_no_list_apart(ask, imported):
    imported(
        make_place("shut", HERE + 1, opening_hours="Su 09:00-12:00"), make_place("u", HERE + 2, opening_hours=None)
    )
    answer = ask(open="any").json
    assert keys(answer["items"]) == ["shut", "u"]
    assert "hours_unknown" not in answer


def test_one_may_leave_later(ask, imported):
    imported(make_place("evening", HERE + 3, opening_hours="Mo 20:00-22:00"))
    assert ask().json["items"] == []
    (item,) = ask(open="2026-11-23T19:58:00+01:00").json["items"]
    assert item["arrives_at"] == "2026-11-23T20:01:45+01:00"


def test_each_place_offers_its_trip_without_telling_where_one_is(ask, imported):
    imported(make_place("a", HERE + 3))
    (item,) = ask(profile="pushchair,avoid_hills", open="2026-11-23T15:00:00+01:00").json["items"]
    link = urlsplit(item["trip"])
    assert (link.scheme, link.netloc, link.path) == ("", "", "/v1/mobility/trips")
    assert parse_qs(link.query) == {
        "to_facility": [item["id"]],
        "modes": ["walk"],
        "profile": ["avoid_hills,pushchair"],
        "depart_at": ["2026-11-23T15:00:00+01:00"],
    }


def test_the_route_of_trips_understands_what_a_place_offers(ask, imported):
    imported(make_place("a", HERE + 3))
    (item,) = ask(profile="pushchair,avoid_hills", open="2026-11-23T15:00:00+01:00").json["items"]
    given = dict(parse_qsl(urlsplit(item["trip"]).query)) | {"from": "48.86,2.35"}
    assert not TripsArgs().validate(given)


def test_a_bicycle_reaches_more(ask, imported):
    imported(make_place("far", 11 * 12 + 11))
    assert [len(ask(by=by, within_min=6).json["items"]) for by in ("walk", "bike")] == [0, 1]


def test_a_place_off_the_known_streets_is_estimated_and_says_so(ask, imported):
    imported(make_record("hill", **ALWAYS, **place_at(GRID, 11 * 12 + 5, north_m=400)))
    answer = ask(11 * 12 + 5)
    (item,) = answer.json["items"]
    assert item["approximate"]
    assert item["distance_m"] == pytest.approx(400 * 1.3, rel=0.01)
    assert item["duration_s"] == pytest.approx(400 * 1.3 / WALK_SPEED_M_S, rel=0.01)
    assert "reach_approximate" in codes(answer)


def test_where_no_street_is_known_everything_is_estimated(ask, imported, networks):
    networks.networks = []
    imported(make_place("a", HERE + 3))
    answer = ask()
    assert ([item["approximate"] for item in answer.json["items"]], answer.json["snap_m"]) == ([True], None)


def test_nothing_open_in_time_says_so_and_gives_the_number_for_a_pharmacy_on_duty(ask, imported):
    imported(make_place("shut", HERE + 3, opening_hours="Su 09:00-12:00"))
    assert {"reach_none_open", "pharmacy_on_duty"} <= set(codes(ask()))


def test_where_no_place_stands_none_is_said_to_be_closed(ask, imported):
    imported(make_place("elsewhere", HERE, lat=45.76, lon=4.83))
    assert {"reach_none", "pharmacy_on_duty"} <= set(codes(ask()))
    assert "reach_none_open" not in codes(ask())


def test_places_of_unknown_hours_are_not_said_to_be_closed(ask, imported):
    imported(
        make_place("u", HERE + 3, opening_hours=None), make_place("shut", HERE + 2, opening_hours="Su 09:00-12:00")
    )
    (told,) = [notice for notice in ask().json["notices"] if notice["code"].startswith("reach_none")]
    assert (told["code"], "whose hours we do not know" in told["text"]) == ("reach_none_known_open", True)


def test_a_place_that_closes_before_one_arrives_is_known_and_not_open(ask, imported):
    imported(make_place("shut", HERE + 3, opening_hours="Mo 09:00-12:03"))
    assert "reach_none_open" in codes(ask())


def test_a_closed_place_beyond_reach_is_not_told_of(ask, imported):
    imported(make_place("shut", HERE + 6, opening_hours="Su 09:00-12:00"))
    assert [("reach_none" in codes(ask(within_min=minutes))) for minutes in (5, 15)] == [True, False]


def test_arrival_is_told_to_the_second_by_the_clock_of_the_place(ask, imported, clock):
    imported(make_place("a", HERE + 3, commune_code=None))
    clock.moment = MONDAY_NOON + timedelta(microseconds=999_999)
    (item,) = ask().json["items"]
    assert item["arrives_at"] == "2026-11-23T12:03:46+01:00"


def test_a_category_of_which_nothing_is_known_says_so(ask, imported):
    imported(make_place("a", HERE + 3))
    assert "nothing_known" in codes(ask(category="dentist"))


def test_whoever_looks_for_emergencies_is_told_to_call_first_and_the_numbers_are_always_there(ask, imported):
    imported(make_place("a", HERE + 3, category_codes=(("alentours", "emergency_department"),)))
    answer = ask(category="emergency_department")
    assert codes(answer)[0] == "call_15_first"
    assert answer.json["items"][0]["call_first"] == "15"
    assert [entry["number"] for entry in ask(category="dentist").json["emergency"]][:2] == ["15", "112"]


def test_a_nearer_place_is_found_behind_many_that_are_nearer_in_a_straight_line(ask, imported, monkeypatch):
    monkeypatch.setattr(reach, "_BATCH", 4)
    imported(
        *[make_place(f"n{n:02}", HERE + 2 + 12 * (n % 2), opening_hours="Su") for n in range(30)],
        make_place("open", HERE + 5),
    )
    assert keys(ask().json["items"]) == ["open"]


@pytest.mark.parametrize("limit", [1, 3])
def test_small_batches_find_what_one_large_batch_finds(ask, imported, monkeypatch, limit):
    rng = np.random.default_rng(5)
    imported(*[make_place(f"p{n:02}", int(junction)) for n, junction in enumerate(rng.permutation(144)[:40])])
    whole = keys(ask(limit=limit).json["items"])
    monkeypatch.setattr(reach, "_BATCH", 2)
    assert keys(ask(limit=limit).json["items"]) == whole


def test_it_is_said_when_not_every_place_was_looked_at(ask, imported, monkeypatch):
    monkeypatch.setattr(reach, "_BATCH", 2)
    monkeypatch.setattr(reach, "MOST_LOOKED_AT", 4)
    imported(*[make_place(f"p{n}", HERE + n) for n in range(6)])
    assert "reach_not_all" in codes(ask(limit=20))


def test_a_wheelchair_is_told_what_is_not_known(ask, imported):
    imported(make_place("a", HERE + 3))
    assert "trip_kerbs_unknown" in codes(ask(profile="wheelchair"))


@pytest.mark.parametrize("accept", ["image/svg+xml", None])
def test_it_is_drawn_when_asked(client, imported, accept):
    imported(make_place("a", HERE + 3, name="Pharmacie <du Village>"))
    place = place_at(GRID, HERE)
    url = f"{URL}{'' if accept else '.svg'}?category=pharmacy&lang=en&lat={place['lat']}&lon={place['lon']}"
    answer = client.get(url, headers={"Accept": accept} if accept else {})
    assert answer.content_type == "image/svg+xml; charset=utf-8"
    assert "Pharmacie &lt;du Village&gt;" in answer.text
    assert "4 min away (300 m). Open." in answer.text


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"category": "cinema"}, "category-unknown"),
        ({"lat": 2.35, "lon": 48.86}, "position-swapped"),
        ({"by": "bike", "profile": "wheelchair"}, "profile-not-by-bike"),
        ({"within_min": 61}, "invalid-arguments"),
        ({"open": "tomorrow"}, "invalid-arguments"),
        ({"open": "1901-01-01T12:00:00Z"}, "reachable-in-the-past"),
        ({"open": "2026-11-23T11:49:00+01:00"}, "reachable-in-the-past"),
        ({"category": ""}, "invalid-arguments"),
    ],
)
def test_what_cannot_be_answered_is_a_problem_with_a_name(ask, given, problem):
    assert read_problem(ask(**given))["type"] == f"/problems/{problem}"


def test_closing_soon_holds_through_the_night_on_which_clocks_go_back(ask, imported, clock):
    clock.moment = datetime(2026, 10, 25, 0, 10, tzinfo=UTC)  # 02:10, summer time; at 03:00 it is 02:00 again
    imported(make_place("night", HERE + 3, opening_hours="Mo-Su 00:00-02:30"))
    (item,) = ask().json["items"]
    assert datetime.fromisoformat(item["opening"]["until"]) - clock.moment == timedelta(minutes=20)
