"""One pollutant for a whole answer of departures: named, and not silent about another that rises."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from citizen_api.mobility.departure_rules import (
    MOST_ITEMS,
    STAY,
    Bounds,
    best,
    dominated,
    frontier,
    is_worse,
    rising,
    until_of,
)
from citizen_api.mobility.departure_ways import straight_way
from citizen_api.mobility.departures import plan
from citizen_api.mobility.rules import REFERENCES_UG_M3
from tests.mobility.departure_makers import EVENING, HOUR, make_air, make_opening, make_option, make_question

MINUTE = timedelta(minutes=1)


def plan_in(air, *modes, metres=600, **given):
    """A trip straight on, on foot unless told otherwise: some eight minutes."""
    question = make_question(*modes, **given)
    ways = [straight_way(mode, distance_m=metres, question=question) for mode in question.modes]
    return plan(ways, question, air)


def later(option):
    return (option.depart_at - EVENING) / HOUR


def option_of(minutes_later=0, *, guide="no2", **ratios):
    return make_option(minutes_later, burden=ratios[guide], guide=guide, ratios=ratios)


# --- One pollutant on both sides ---------------------------------------------------------------------------


def test_a_percentage_compares_one_pollutant_with_itself():
    # Ozone is highest against its reference at first, nitrogen dioxide later: no ratio of the two is told.
    found = plan_in(make_air(no2=[20, 20, 10], o3=[150, 150, 30]))
    now, better = found.references["walk"], found.best
    assert found.guide == now.guide == better.guide == "no2"
    assert now.burden == pytest.approx(now.ratios["no2"])
    assert better.burden / now.burden == pytest.approx(0.5)


def test_every_hour_and_item_of_a_plan_has_the_same_guide():
    rng = np.random.default_rng(7)
    values = {name: list(rng.uniform(0.2, 2, 48) * REFERENCES_UG_M3[name]) for name in ("no2", "pm25", "pm10", "o3")}
    found = plan_in(make_air(**values), "walk", "bike")
    told = [*found.items, *(hour.least for hour in found.hours), *found.references.values()]
    assert len(found.items) > 2
    assert {option.guide for option in told} == {"no2"}


def test_where_no_nitrogen_dioxide_is_known_the_worse_particles_are_compared():
    assert plan_in(make_air(pm25=5.0, pm10=60.0, o3=300.0)).guide == "pm10"


# --- What rises while it falls -----------------------------------------------------------------------------


def test_a_pollutant_that_rises_by_a_tenth_is_told_and_one_that_rises_by_less_is_not():
    now = option_of(no2=1.0, pm25=0.5, o3=0.30, pm10=0.5)
    assert rising(option_of(60, no2=0.8, pm25=0.55, o3=0.43, pm10=0.54), now) == {"pm25": 10, "o3": 43}


def test_what_is_not_known_on_both_sides_does_not_rise():
    assert rising(option_of(60, no2=0.8, o3=0.9), option_of(no2=1.0, pm25=0.2)) == {}


def test_the_guide_itself_is_not_told_twice():
    assert rising(option_of(60, no2=1.5), option_of(no2=1.0)) == {}


def test_nothing_rises_where_only_an_index_is_known():
    assert rising(make_option(60, burden=5.0), make_option(burden=3.0)) == {}


def test_more_ozone_that_stays_low_is_no_worse_air():
    assert not is_worse(option_of(60, no2=0.8, o3=0.44), option_of(no2=1.0, o3=0.30))


def test_more_fine_particles_are_worse_air_even_while_they_are_low():
    assert is_worse(option_of(60, no2=0.5, pm25=0.36), option_of(no2=1.0, pm25=0.30))


def test_air_is_worse_where_another_pollutant_becomes_the_highest():
    assert is_worse(option_of(60, no2=0.6, o3=1.6), option_of(no2=1.2, o3=0.5))


def test_an_hour_in_which_fine_particles_rise_is_not_recommended_but_told():
    found = plan_in(make_air(no2=[40, 40, 10], pm25=[10, 10, 13]))
    assert later(found.best) == 0
    assert max(found.items, key=later).burden < 0.5 * found.best.burden


def test_a_cleaner_hour_is_recommended_even_after_a_cleaner_one_in_which_particles_rise():
    found = plan_in(make_air(no2=[40, 40, 18, 20, 40], pm25=[10, 10, 14, 10]))
    assert later(found.best) == 2
    assert found.best in found.items


def test_where_every_hour_has_more_particles_one_is_recommended_all_the_same():
    # Leaving at once is in the heat, and everything else has more fine particles.
    bounds = Bounds(hot=[(EVENING - HOUR, EVENING + HOUR)])
    found = plan_in(make_air(no2=20.0, pm25=[5, 5, 9]), bounds=bounds, until=EVENING + 3 * HOUR)
    assert found.best.worse
    assert rising(found.best, found.references["walk"]) == {"pm25": 80}


def test_what_is_worse_is_not_in_the_way_of_what_is_not():
    worse, clean = make_option(20, burden=0.5, worse=True), make_option(40, burden=0.5)
    assert frontier([make_option(), worse, clean]) == [make_option(), worse, clean]
    assert not dominated(clean, [worse])
    assert dominated(make_option(60, burden=0.5, worse=True), [worse])


# --- Not too many ------------------------------------------------------------------------------------------


def test_where_there_are_too_many_the_cleanest_is_still_told():
    falling = [make_option(20 * n, burden=0.9**n) for n in range(12)]
    cleanest = make_option(240, burden=0.93 * falling[-1].burden)
    kept = frontier([*falling, cleanest])
    assert len(kept) <= MOST_ITEMS
    assert kept[0] == falling[0]
    assert kept[-1] == cleanest


def test_where_there_are_too_many_the_recommended_one_is_still_told():
    falling = [make_option(20 * n, burden=0.94**n) for n in range(30)]
    for chosen in falling:
        front = frontier(falling, most=None)
        if chosen in front:
            kept = frontier(front, keep=[chosen])
            assert chosen in kept
            assert len(kept) <= MOST_ITEMS


def test_the_recommended_departure_is_the_best_of_all_and_not_of_the_few_that_are_told():
    air = make_air(no2=[40 * 0.93**n for n in range(48)])
    found = plan_in(air, until=EVENING + 12 * HOUR)
    front = frontier(
        [plan_in(air, after=EVENING + n * 20 * MINUTE, until=EVENING + n * 20 * MINUTE).items[0] for n in range(37)],
        most=None,
    )
    assert len(front) > MOST_ITEMS
    assert found.best.depart_at == best(front, front[0]).depart_at


# --- In time, and the clock --------------------------------------------------------------------------------


def leave_by(hours, **given):
    found = plan_in(make_air(no2=20.0), **given, bounds=Bounds(opening=make_opening(hours), until=given.get("until")))
    return found, [at for span in found.spans for at in span.leave_by.values()]


def test_the_last_useful_departure_arrives_by_when_one_must_be_there():
    until = EVENING + HOUR
    found, (last,) = leave_by("Mo-Fr 09:00-19:10", until=until)
    arrives = last + timedelta(seconds=found.ways[0].duration_s)
    assert until - MINUTE < arrives <= until


def test_the_last_useful_departure_is_set_by_the_closing_where_that_is_sooner():
    found, (last,) = leave_by("Mo-Fr 09:00-18:40", until=EVENING + HOUR)
    arrives = last + timedelta(seconds=found.ways[0].duration_s)
    assert EVENING + 39 * MINUTE - STAY < arrives <= EVENING + 40 * MINUTE - STAY


def test_a_place_that_is_open_for_less_than_a_stay_has_no_last_useful_departure():
    assert leave_by("Mo 19:00-19:04")[1] == []


def test_who_must_be_there_before_it_opens_has_no_last_useful_departure():
    assert leave_by("Mo 19:00-20:00", until=EVENING + 30 * MINUTE)[1] == []


@pytest.mark.parametrize("day", [datetime(2026, 10, 24, 20, tzinfo=UTC), datetime(2027, 3, 27, 20, tzinfo=UTC)])
def test_a_day_of_departures_has_24_hours_when_the_clock_changes(day):
    after = day.replace(tzinfo=ZoneInfo("Europe/Paris"))
    until, cut = until_of(after, None)
    assert until.astimezone(UTC) - after.astimezone(UTC) == 24 * HOUR
    assert not cut
