"""Departures over a network: what is searched, what each costs, what is recommended and left out."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from citizen_api.mobility import departure_ways
from citizen_api.mobility.departure_rules import Bounds, dominated, hot_spans, night_spans
from citizen_api.mobility.departure_ways import WEIGHTS, all_ways, doses_of, find_ways, straight_way
from citizen_api.mobility.departures import plan
from citizen_api.mobility.exposure import doses_ug
from citizen_api.mobility.network import Flag
from citizen_api.mobility.rules import MODES
from citizen_api.mobility.search import snap
from citizen_api.mobility.trips import Question as TripQuestion
from citizen_api.mobility.trips import flat_doses_ug
from tests.mobility.departure_makers import EVENING, HOUR, make_air, make_opening, make_question
from tests.mobility.makers import changed, make_grid

MINUTE = timedelta(minutes=1)
GRID = make_grid(6, 6, block_m=150, seed=2)
"""From one corner to the other: some 1.6 km, 20 minutes on foot."""
DIRTY = np.where(np.arange(len(GRID.tails)) % 3 == 0, 3.0, 0.6)
MIXED = changed(GRID, factors=dict.fromkeys(("no2", "pm25", "pm10"), DIRTY))


def ways_on(network, question, air):
    found = []
    for mode in question.modes:
        start, goal = (
            snap(network, mode.graph, lat=float(network.lats[n]), lon=float(network.lons[n]))[0]
            for n in (0, len(network.lats) - 1)
        )
        found += find_ways(network, mode, start, goal, question, air)
    return found


def plan_on(network, question, air):
    return plan(ways_on(network, question, air), question, air)


def later(option):
    return (option.depart_at - EVENING) / HOUR


# --- What each departure costs -----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["walk", "bike", "ebike"])
def test_doses_of_many_departures_are_those_of_each(mode):
    air = make_air(no2=[10, 20, 40, 10, 5], pm25=[8, 9, None, 12], o3=50.0)
    question = make_question(mode)
    departures = [EVENING + n * 17 * MINUTE for n in range(9)]
    for way in ways_on(MIXED, question, air):
        told = doses_of(way, air, departures)
        for rank, at in enumerate(departures):
            single = doses_ug(MIXED, way.route, mode=way.mode, background=air, depart_at=at)
            for name, dose in single.items():
                assert told[name][rank] == pytest.approx(np.nan if dose is None else dose, nan_ok=True)


def test_a_straight_line_costs_what_the_air_of_the_city_costs():
    air = make_air(no2=[10, 20, 40, 10], pm25=8.0)
    way = straight_way(MODES["walk"], distance_m=3000, question=make_question())
    departures = [EVENING + n * 17 * MINUTE for n in range(5)]
    told = doses_of(way, air, departures)
    for rank, at in enumerate(departures):
        flat = flat_doses_ug(air, mode=MODES["walk"], depart_at=at, duration_s=way.duration_s)
        assert told["no2"][rank] == pytest.approx(flat["no2"], rel=0.02)
        assert told["pm25"][rank] == pytest.approx(flat["pm25"])


def test_hours_outside_of_what_is_known_cost_nobody_knows_what():
    air = make_air(no2=20.0, hours=3)
    way = straight_way(MODES["walk"], distance_m=1000, question=make_question())
    departures = [EVENING - 2 * HOUR, EVENING, EVENING + 110 * MINUTE, EVENING + 9 * HOUR]
    assert np.isnan(doses_of(way, air, departures)["no2"]).tolist() == [True, False, True, True]


# --- What is searched --------------------------------------------------------------------------------------


def test_the_fastest_way_comes_first_and_cleaner_ones_are_slower_and_cleaner():
    question, air = make_question(), make_air(no2=30.0)
    fastest, *others = ways_on(MIXED, question, air)
    assert fastest.weight == 0
    assert others
    for way in others:
        assert way.duration_s >= fastest.duration_s
        assert doses_of(way, air, [EVENING])["no2"][0] < doses_of(fastest, air, [EVENING])["no2"][0]


def test_where_streets_do_not_differ_there_is_one_way():
    assert len(ways_on(GRID, make_question(), make_air(no2=30.0))) == 1


@pytest.mark.parametrize("basis", ["index", "unknown"])
def test_without_concentrations_no_street_is_cleaner(basis):
    assert len(ways_on(MIXED, make_question(), make_air(basis=basis, levels=[3]))) == 1


def searches(monkeypatch, question, air):
    asked = []

    def counted(*args):
        asked.append(args)
        return search(*args)

    search = departure_ways.find_route
    monkeypatch.setattr(departure_ways, "find_route", counted)
    ways_on(MIXED, question, air)
    return len(asked)


def test_air_that_stays_the_same_is_searched_once_for_each_weight(monkeypatch):
    assert searches(monkeypatch, make_question(), make_air(no2=30.0)) == len(WEIGHTS)


def test_air_that_changes_is_searched_at_most_once_for_each_hour_and_weight(monkeypatch):
    air = make_air(no2=[10 * 1.05**n for n in range(48)])
    # 25 hours of the clock begin in a day, the first and the last of them asked for.
    assert searches(monkeypatch, make_question(), air) == 1 + 25 * (len(WEIGHTS) - 1)


def test_who_minds_the_dark_has_ways_for_the_dark_and_for_the_light():
    lit = make_grid(6, 6, block_m=150, seed=2)
    flags = np.where(np.arange(len(lit.tails)) % 2 == 0, int(Flag.UNLIT), int(Flag.LIT)).astype(np.uint16)
    found = ways_on(replace(lit, flags=flags), make_question(wishes=["avoid_unlit"]), make_air(no2=30.0))
    assert {way.dark for way in found} == {True, False}
    assert {way.dark for way in ways_on(lit, make_question(), make_air(no2=30.0))} == {None}


def test_where_no_way_leads_there_is_none():
    stairs = replace(GRID, flags=np.full_like(GRID.flags, int(Flag.STEPS)))
    assert ways_on(stairs, make_question(wishes=["wheelchair"]), make_air(no2=30.0)) == []


class SomeNetworks:
    def __init__(self, *networks):
        self.networks = list(networks)

    def around(self, *, lat, lon):
        assert lat
        assert lon
        return self.networks


def ask_all(networks, *modes, wishes=()):
    lats, lons = GRID.lats, GRID.lons
    trip = TripQuestion(
        from_lat=float(lats[0]),
        from_lon=float(lons[0]),
        to_lat=float(lats[-1]),
        to_lon=float(lons[-1]),
        modes=modes,
        wishes=wishes,
        depart_at=EVENING,
    )
    question = make_question(*modes, wishes=wishes)
    return all_ways(networks, trip, question, make_air(no2=30.0)), trip


def test_off_the_network_the_way_is_a_longer_straight_line_by_each_mode():
    (found, missing, snap_m), trip = ask_all(SomeNetworks(), "walk", "ebike")
    assert ([way.network for way in found], missing, snap_m) == ([None, None], {}, None)
    assert [way.distance_m for way in found] == [pytest.approx(1.3 * trip.straight_m)] * 2
    walk, ebike = found
    assert walk.duration_s / ebike.duration_s == pytest.approx(19 / 4.8)


def test_on_the_network_the_ends_are_said_to_be_so_far_from_it():
    (found, _, snap_m), _ = ask_all(SomeNetworks(GRID), "walk", "bike")
    assert {way.mode.name for way in found} == {"walk", "bike"}
    assert snap_m == (pytest.approx(0, abs=1), pytest.approx(0, abs=1))


def test_nobody_rolls_a_wheelchair_on_a_bike():
    (found, missing, _), _ = ask_all(SomeNetworks(GRID), "walk", "bike", wishes=("wheelchair",))
    assert {way.mode.name for way in found} == {"walk"}
    assert missing == {"bike": "profile"}


def test_a_mode_without_a_way_that_fits_is_missing(monkeypatch):
    monkeypatch.setattr(departure_ways, "find_ways", lambda *_: [])
    (found, missing, snap_m), _ = ask_all(SomeNetworks(GRID), "walk")
    assert (found, missing, snap_m) == ([], {"walk": "no_way"}, None)


def test_a_child_rides_slowly_on_a_straight_line_too():
    (slow,), (usual,) = (
        [straight_way(MODES["bike"], distance_m=1000, question=make_question(wishes=wishes))]
        for wishes in (("child_bike",), ())
    )
    assert slow.duration_s == pytest.approx(1.5 * usual.duration_s)


# --- What is recommended -----------------------------------------------------------------------------------


def test_a_cleaner_hour_soon_is_recommended_by_the_same_way():
    plain = plan_on(GRID, make_question(), make_air(no2=[40, 40, 24, 30]))
    assert later(plain.best) == 1
    assert plain.best.burden / plain.references["walk"].burden == pytest.approx(0.6, abs=0.01)
    assert plain.best.minutes == plain.references["walk"].minutes


def test_air_that_stays_the_same_recommends_leaving_at_once():
    found = plan_on(GRID, make_question("walk", "bike"), make_air(no2=30.0))
    assert later(found.best) == 0
    assert {later(option) for option in found.items} == {0}


def test_nothing_that_is_told_is_dominated_by_another_of_its_mode():
    rng = np.random.default_rng(3)
    air = make_air(no2=list(rng.uniform(10, 50, 48)), pm25=list(rng.uniform(5, 20, 48)))
    found = plan_on(MIXED, make_question("walk", "bike"), air)
    assert len(found.items) > 4
    for name in ("walk", "bike"):
        mine = [option for option in found.items if option.mode == name]
        assert not any(dominated(option, mine) for option in mine)


def test_an_evening_of_ozone_is_not_better_because_its_nitrogen_dioxide_is_lower():
    air = make_air(no2=[30, 30, 20, 20], o3=[50, 50, 160, 160])
    assert later(plan_on(GRID, make_question(), air).best) == 0


def test_an_hour_of_which_less_is_known_is_not_better():
    air = make_air(no2=20.0, pm25=[30, 30, 30, None])
    found = plan_on(GRID, make_question(until=EVENING + 3 * HOUR), air)
    assert found.guide == "no2"
    assert later(found.best) == 0
    assert {later(option) for option in found.items} == {0}


def test_with_an_index_alone_the_day_is_chosen_and_no_dose_is_compared():
    levels = [5] * 7 + [2] * 41
    found = plan_on(MIXED, make_question(), make_air(basis="index", levels=levels))
    assert [(later(option), option.burden, option.guide) for option in found.items] == [(0, 5, None), (6, 2, None)]
    assert found.guide is None


def test_when_nothing_is_known_one_leaves_at_once():
    found = plan_on(MIXED, make_question("walk", "bike"), make_air(basis="unknown"))
    assert {(later(option), option.burden) for option in found.items} == {(0, None)}
    assert found.best.mode == "bike"


# --- What is left out --------------------------------------------------------------------------------------


def test_tomorrow_one_leaves_at_the_best_hour_of_those_in_which_it_is_open():
    tomorrow = EVENING + 14 * HOUR
    air = make_air(no2=[10] * 15 + [50, 50, 40, 20, 5])
    bounds = Bounds(opening=make_opening("Mo-Fr 09:00-12:00"))
    found = plan_on(GRID, make_question(after=tomorrow, bounds=bounds), air)
    # Before 9:00 and from 12:00 on the air is best, and nobody is there.
    assert later(found.best) == 17
    assert EVENING + 15 * HOUR <= found.references["walk"].arrive_at < EVENING + 15 * HOUR + 20 * MINUTE
    assert all(option.arrive_at <= EVENING + 18 * HOUR - 5 * MINUTE for option in found.items)
    assert "closed" in found.reasons


def test_the_last_useful_departure_is_looked_at_to_the_minute():
    bounds = Bounds(opening=make_opening("Mo-Fr 09:00-19:30"))
    found = plan_on(GRID, make_question("walk", "bike", bounds=bounds), make_air(no2=[50, 50, 20]))
    for name, last in found.spans[0].leave_by.items():
        seconds = next(way for way in found.ways if way.mode.name == name).duration_s
        slack = EVENING + 1.5 * HOUR - 5 * MINUTE - last - timedelta(seconds=seconds)
        assert timedelta(0) <= slack < MINUTE
        # The air is better from 19:00 on: who walks 20 minutes leaves after it, and not at the closed door.
    assert max(option.depart_at for option in found.items if option.mode == "walk") >= EVENING + HOUR


def test_a_goal_that_is_closed_all_the_time_leaves_no_departure():
    found = plan_on(GRID, make_question(bounds=Bounds(opening=make_opening("off"))), make_air(no2=30.0))
    assert (found.items, found.best, found.references) == ([], None, {})
    assert found.reasons == ("closed",)
    assert all(hour.reasons == ("closed",) for hour in found.hours)


def test_a_goal_that_never_closes_has_no_last_departure():
    found = plan_on(GRID, make_question(bounds=Bounds(opening=make_opening("24/7"))), make_air(no2=30.0))
    assert [(span.closes_at, span.leave_by) for span in found.spans] == [(None, {})]


def test_without_a_way_there_is_no_departure_and_no_strip():
    found = plan([], make_question(bounds=Bounds(opening=make_opening("24/7"))), make_air(no2=30.0))
    assert (found.items, found.best, found.hours, found.spans) == ([], None, [], [])


def test_the_hot_hours_are_left_out_even_if_their_air_is_best():
    noon = EVENING - 6 * HOUR
    bounds = Bounds(hot=hot_spans([(3, noon - 12 * HOUR, noon + 12 * HOUR)], zone="Europe/Paris"))
    air = make_air(starts_at=noon - HOUR, no2=[30] * 4 + [10] * 5 + [30])
    found = plan_on(GRID, make_question(after=noon, bounds=bounds), air)
    assert min(option.depart_at for option in found.items) >= EVENING + 3 * HOUR
    assert not found.only_advised_against
    assert "heat" in found.reasons


def test_when_all_hours_are_hot_they_are_told_with_what_speaks_against_them():
    bounds = Bounds(hot=[(EVENING - HOUR, EVENING + 30 * HOUR)])
    found = plan_on(GRID, make_question(bounds=bounds), make_air(no2=[30, 30, 20]))
    assert found.only_advised_against
    assert found.best.reasons == ("heat",)


def test_nobody_is_told_to_leave_at_three_in_the_morning():
    air = make_air(no2=[40] * 8 + [5] * 4 + [40])
    question = make_question(bounds=Bounds(nights=night_spans(EVENING, EVENING + 24 * HOUR, zone="Europe/Paris")))
    assert later(plan_on(GRID, question, air).best) == 0


def test_the_dark_is_left_out_only_where_the_way_is_not_lit():
    unlit = replace(GRID, flags=np.zeros_like(GRID.flags))
    question = make_question(wishes=["avoid_unlit"])
    assert later(plan_on(GRID, question, make_air(no2=30.0)).best) == 0
    found = plan_on(unlit, question, make_air(no2=30.0))
    assert 13 < later(found.best) < 15
    assert "dark" in found.reasons


def test_who_must_be_there_in_an_hour_has_no_later_departure():
    bounds = Bounds(until=EVENING + HOUR)
    found = plan_on(GRID, make_question(until=EVENING + HOUR, bounds=bounds), make_air(no2=[40, 40, 10]))
    assert all(option.arrive_at <= EVENING + HOUR for option in found.items)
    assert found.reasons == ("too_late",)


# --- The strip ---------------------------------------------------------------------------------------------


def test_the_strip_has_every_hour_of_the_clock_once():
    found = plan_on(GRID, make_question(after=EVENING + 7 * MINUTE), make_air(no2=30.0))
    assert [hour.starts_at for hour in found.hours] == [EVENING + n * HOUR for n in range(25)]
    assert [hour.dark for hour in found.hours[:15]] == [True] * 14 + [False]


def test_an_hour_tells_its_cleanest_departure_and_the_index_of_its_day():
    found = plan_on(GRID, make_question(), make_air(no2=[30, 30, 20], levels=[4] * 7 + [2]))
    first, second = found.hours[:2]
    # Who leaves at 18:40 walks into the cleaner hour.
    assert first.least.burden > second.least.burden
    assert (first.level, found.hours[6].level) == (4, 2)


def test_an_hour_of_unknown_air_has_no_departure_to_show():
    found = plan_on(GRID, make_question(), make_air(no2=[30, 30, 30, None]))
    assert [hour.least is None for hour in found.hours[:4]] == [False, False, True, True]
    assert found.hours[3].reasons == ()


def test_the_hour_in_which_it_closes_tells_its_last_useful_departure():
    bounds = Bounds(opening=make_opening("Mo-Fr 09:00-19:40"))
    found = plan_on(GRID, make_question(bounds=bounds), make_air(no2=30.0))
    last = found.spans[0].leave_by["walk"]
    closing = found.hours[1]
    assert (closing.starts_at, closing.not_before, closing.not_after) == (EVENING + HOUR, None, last)
    assert closing.starts_at < last < closing.starts_at + HOUR
    assert set(closing.hindered) == {"closed"}
    assert [hour.not_after for hour in found.hours[:1]] == [None]


def test_the_hour_in_which_it_opens_tells_its_first_useful_departure():
    bounds = Bounds(opening=make_opening("Mo-Fr 18:50-22:00"))
    opening = plan_on(GRID, make_question(bounds=bounds), make_air(no2=30.0)).hours[0]
    assert (opening.not_before, opening.not_after) == (EVENING + 40 * MINUTE, None)


def test_who_must_be_there_is_told_the_last_departure_to_the_minute():
    bounds = Bounds(until=EVENING + HOUR)
    found = plan_on(GRID, make_question(until=EVENING + HOUR, bounds=bounds), make_air(no2=30.0))
    slack = EVENING + HOUR - found.hours[0].not_after - timedelta(seconds=found.ways[0].duration_s)
    assert timedelta(0) <= slack < MINUTE
    assert found.hours[0].hindered == ("too_late",)


@pytest.mark.parametrize("air", [{"no2": [40, 40, 10]}, {"basis": "index", "levels": [5] * 7 + [1] * 41}])
def test_for_a_walk_of_two_minutes_one_leaves_when_one_likes(air):
    near = plan(
        [straight_way(MODES["walk"], distance_m=160, question=make_question())], make_question(), make_air(**air)
    )
    assert later(near.best) == 0
    assert len(near.items) > 1


def test_air_that_is_known_before_the_window_only_is_not_known():
    question = make_question(after=EVENING + 96 * HOUR)
    assert not plan_on(GRID, question, make_air(no2=30.0)).air_known
    assert plan_on(GRID, make_question(), make_air(no2=30.0)).air_known
