"""Trips as plain data: by shared bicycle, in time, at night, and on the sample of central Paris."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from citizen_api.mobility import departure_ways as departures
from citizen_api.mobility.network import Flag
from citizen_api.mobility.planning import DOSE_DIGITS
from citizen_api.mobility.rules import BIKE_SPEED_M_S, MODES, WALK_SPEED_M_S
from citizen_api.mobility.rules import dose_ug as dose_of
from citizen_api.mobility.trip_parts import Question
from citizen_api.mobility.trip_present import TripPresenter
from citizen_api.mobility.trips import find_trips, flat_doses_ug
from tests.mobility.makers import changed, make_grid
from tests.mobility.network_makers import FROM, TO, sample_networks
from tests.mobility.station_makers import make_station
from tests.mobility.trip_makers import NINE, FakeNetworks, later, make_air, make_dirty_row

LONG = make_grid(columns=31, rows=3)
"""3 km from west to east; junctions every 100 m."""
NIGHT = NINE.replace(hour=20)


def place(node, network=LONG, name="from"):
    return {f"{name}_lat": float(network.lats[node]), f"{name}_lon": float(network.lons[node])}


def off_street(node, north_m, name="from"):
    """So far north of a junction of the northern row, where no street is nearer."""
    at = place(node, name=name)
    return at | {f"{name}_lat": at[f"{name}_lat"] + north_m / 111_200}


def make_question(start=31, goal=61, *, network=LONG, **given) -> Question:
    ends = place(start, network) | place(goal, network, "to")
    return Question(**ends | {"modes": ("walk",), "wishes": frozenset(), "depart_at": NINE} | given)


def find(question, *, network=LONG, air=None, stations=()):
    return find_trips(FakeNetworks(network), question, background=air or make_air(), stations=lambda: list(stations))


def station(code, node, **facts):
    at = {"lat": float(LONG.lats[node]), "lon": float(LONG.lons[node])}
    return make_station(code, **at | {"age_s": 0, "bikes": 10, "ebikes": 0, "docks": 10} | facts)


BIKES = (station("take", 33), station("leave", 59))


def test_a_shared_bicycle_is_a_walk_a_ride_and_a_walk():
    (trip,) = find(make_question(modes=("bikeshare",)), stations=BIKES).trips
    assert [leg.mode.name for leg in trip.legs] == ["walk", "bike", "walk"]
    assert trip.distance_m == pytest.approx(3000, rel=1e-3)
    assert trip.duration_s == pytest.approx(trip.shared.duration_s)


def test_the_dose_of_a_shared_bicycle_is_that_of_its_three_legs():
    (trip,) = find(make_question(modes=("bikeshare",)), stations=BIKES).trips
    parts = [dose_of(40.0, mode=leg.mode, hours=leg.duration_s / 3600) for leg in trip.legs]
    assert trip.dose_ug["no2"] == pytest.approx(sum(parts), rel=1e-5)


def test_a_shared_bicycle_counts_the_metres_to_the_doors_once_at_both_ends():
    stations = station("take", 64), station("leave", 90)
    ends = off_street(62, 100) | off_street(92, 40, "to")
    near, far = (
        find(make_question(62, 92, modes=("bikeshare",), **given), stations=stations).trips[0] for given in ({}, ends)
    )
    metres = [other.distance_m - one.distance_m for one, other in zip(near.legs, far.legs, strict=True)]
    seconds = [other.duration_s - one.duration_s for one, other in zip(near.legs, far.legs, strict=True)]
    assert metres == pytest.approx([130, 0, 52], abs=1)
    assert seconds == pytest.approx([97.5, 0, 39], abs=1)
    assert far.duration_s - near.duration_s == pytest.approx(97.5 + 39, abs=1)
    assert far.snap_m == pytest.approx((100, 40), abs=0.5)


def test_without_a_station_there_is_no_shared_bicycle_and_it_is_said_why():
    assert find(make_question(modes=("bikeshare",))).missing == {"bikeshare": "no_station"}


def test_stations_are_not_asked_for_by_who_walks():
    def refuse():
        raise AssertionError("nobody asked for a shared bicycle")

    assert find_trips(FakeNetworks(LONG), make_question(), background=make_air(), stations=refuse).trips


def test_a_shared_bicycle_arrives_in_time():
    wanted = later(hours=2)
    (trip,) = find(make_question(modes=("bikeshare",), arrive_by=wanted), stations=BIKES).trips
    assert trip.arrive_at == wanted


def test_a_cleaner_ride_by_shared_bicycle_is_offered_where_less_is_breathed():
    network = make_dirty_row(31, 3, row=1, dirt=3.0, clean=0.4)
    fastest, cleanest = find(make_question(modes=("bikeshare",)), network=network, stations=BIKES).trips
    assert (fastest.labels, cleanest.labels) == (("fastest",), ("cleanest",))
    assert cleanest.guide_ug < fastest.guide_ug
    assert cleanest.duration_s > fastest.duration_s


def test_with_a_pushchair_nobody_rides():
    modes = ("walk", "bike", "ebike", "bikeshare")
    found = find(make_question(modes=modes, wishes=frozenset({"pushchair"})), stations=BIKES)
    assert {trip.mode for trip in found.trips} == {"walk"}
    assert found.missing == dict.fromkeys(("bike", "ebike", "bikeshare"), "profile")


def test_a_mode_asked_for_twice_is_answered_once():
    assert len(find(make_question(modes=("walk", "walk"))).trips) == 1


def test_every_alternative_arrives_when_it_is_wanted():
    network = make_dirty_row(31, 3, row=1, dirt=4.0)
    wanted = later(hours=3)
    found = find(make_question(arrive_by=wanted, modes=("walk", "bike"), network=network), network=network)
    assert {trip.arrive_at for trip in found.trips} == {wanted}
    assert len(found.trips) > 2


def test_who_must_be_at_a_door_off_the_streets_leaves_earlier():
    wanted = later(hours=2)
    at_street, at_door = (
        find(make_question(62, 72, arrive_by=wanted, **given)).trips[0] for given in ({}, off_street(72, 100, "to"))
    )
    assert at_door.arrive_at == wanted
    assert (at_street.depart_at - at_door.depart_at).total_seconds() == pytest.approx(97.5, abs=1)


@pytest.mark.parametrize("mode", ["walk", "bike"])
def test_trips_and_departures_tell_the_same_way_from_door_to_door(mode):
    question = make_question(modes=(mode,), **off_street(62, 100), **off_street(92, 40, "to"))
    (trip,) = find(question).trips
    asked = departures.Question(
        modes=[MODES[mode]], after=NINE, until=later(hours=1), zone="Europe/Paris", lat=48.85, lon=2.35
    )
    ((way,), _, snap_m) = departures.all_ways(FakeNetworks(LONG), question, asked, make_air())
    told = way.duration_s, way.distance_m, departures.doses_of(way, make_air(), [NINE])["no2"][0]
    assert told == pytest.approx((trip.duration_s, trip.distance_m, trip.dose_ug["no2"]))
    assert snap_m == trip.snap_m
    speed_m_s = {"walk": WALK_SPEED_M_S, "bike": BIKE_SPEED_M_S}[mode]
    assert way.duration_s == pytest.approx(3000 / speed_m_s + 97.5 + 39, rel=1e-3)


def test_unlit_streets_at_night_bring_public_transport_in_too():
    wishes = frozenset({"avoid_unlit"})
    assert find(make_question(wishes=wishes, depart_at=NIGHT)).transit_reason() == "night"
    assert find(make_question(wishes=wishes)).transit_reason() is None
    assert find(make_question(depart_at=NIGHT)).transit_reason() is None


def test_who_avoids_unlit_streets_goes_round_them_at_night_only():
    network = make_grid(columns=12, rows=3)
    flags = network.flags.copy()
    middle = list(range(11, 22))
    flags[middle] = int(Flag.UNLIT)
    network = changed(network, flags=flags)
    ask = {"network": network, "start": 12, "goal": 23, "wishes": frozenset({"avoid_unlit"})}

    def unlit_m(depart_at):
        (trip, *_) = find(make_question(**ask, depart_at=depart_at), network=network).trips
        (leg,) = trip.legs
        return float(leg.route.length_m(network)[np.isin(leg.route.streets, middle)].sum())

    assert unlit_m(NIGHT) < 150
    assert unlit_m(NINE) > 1000


def test_a_straight_line_of_two_hours_takes_the_air_of_each():
    air = make_air(no2=[30.0, 60.0], hours=2)
    doses = flat_doses_ug(air, mode=MODES["walk"], depart_at=NINE, duration_s=3600)
    expected = dose_of(30.0, mode=MODES["walk"], hours=50 / 60) + dose_of(60.0, mode=MODES["walk"], hours=10 / 60)
    assert doses["no2"] == pytest.approx(expected)


def test_a_straight_line_beyond_what_is_known_has_no_dose():
    doses = flat_doses_ug(make_air(hours=1), mode=MODES["walk"], depart_at=NINE, duration_s=3600)
    assert set(doses.values()) == {None}


@pytest.fixture(scope="module")
def in_paris():
    """A walk and a ride across the bundled sample."""
    question = Question(
        from_lat=FROM["lat"],
        from_lon=FROM["lon"],
        to_lat=TO["lat"],
        to_lon=TO["lon"],
        modes=("walk", "bike"),
        wishes=frozenset(),
        depart_at=NINE,
    )
    return find_trips(sample_networks(), question, background=make_air(), stations=list)


@pytest.mark.parametrize(("mode", "minutes"), [("walk", (25, 40)), ("bike", (8, 15))])
def test_across_central_paris_one_walks_and_rides_in_a_likely_time(in_paris, mode, minutes):
    fastest = next(trip for trip in in_paris.trips if trip.mode == mode)
    assert minutes[0] < fastest.duration_s / 60 < minutes[1]
    assert fastest.network is not None
    assert 2000 < fastest.distance_m < 3000


def test_in_paris_the_snap_is_told(in_paris):
    view = TripPresenter(in_paris, "en", at=NINE, sources={}).view(goal={"facility": None}, transit=None)
    assert view["start"]["snap_m"] <= 30
    assert view["goal"]["snap_m"] <= 5


def test_in_paris_the_steps_follow_streets_with_names(in_paris):
    view = TripPresenter(in_paris, "fr", at=NINE, sources={}).view(goal={"facility": None}, transit=None)
    texts = [step["text"] for step in view["items"][0]["legs"][0]["steps"]]
    assert sum("Rue" in text for text in texts) > 3
    assert len(texts) < 40


def test_in_paris_where_no_detour_gains_anything_it_is_said(in_paris):
    walks = [trip for trip in in_paris.trips if trip.mode == "walk"]
    codes = TripPresenter(in_paris, "fr", at=NINE, sources={}).notices()
    assert ("trip_one_way" in codes) == (len(walks) == 1 or sum(t.mode == "bike" for t in in_paris.trips) == 1)


def test_in_paris_a_cleaner_way_is_offered_where_there_is_one():
    # From the Marais to the Boulevard Voltaire: large streets lie between.
    question = Question(
        from_lat=48.8614368,
        from_lon=2.3526307,
        to_lat=48.8662104,
        to_lon=2.3695437,
        modes=("walk",),
        wishes=frozenset(),
        depart_at=NINE,
    )
    found = find_trips(sample_networks(), question, background=make_air(), stations=list)
    shown = [(round(trip.duration_s), round(trip.guide_ug, DOSE_DIGITS)) for trip in found.trips]
    assert len(shown) > 1
    assert shown[-1][1] < 0.9 * shown[0][1]


def test_the_hour_of_departure_is_that_of_the_dose():
    air = make_air(no2=[40.0, 40.0, 80.0])
    early, late = (find(make_question(depart_at=NINE + timedelta(hours=h)), air=air).trips[0] for h in (0, 2))
    assert late.dose_ug["no2"] == pytest.approx(2 * early.dose_ug["no2"])
