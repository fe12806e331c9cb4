"""What departures are worth telling: bounds, what is compared, the frontier, the recommendation."""

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citizen_api.mobility.daylight import sun
from citizen_api.mobility.departure_rules import (
    MOST_ITEMS,
    STAY,
    Bounds,
    best,
    compare,
    dominated,
    frontier,
    guide_of,
    hot_spans,
    moments,
    night_spans,
    open_spans,
    saved_of_a_day,
    sunny_spans,
    until_of,
    worth_waiting,
)
from tests.mobility.departure_makers import EVENING, HOUR, PARIS, always, make_opening, make_option

MINUTE = timedelta(minutes=1)


def reasons(bounds, *, minutes_later=0, minutes=10, unlit=False):
    depart_at = EVENING + minutes_later * MINUTE
    return bounds.reasons(depart_at, depart_at + minutes * MINUTE, unlit=unlit)


# --- Moments -----------------------------------------------------------------------------------------------


def test_departures_are_the_asked_one_then_each_round_twenty_minutes():
    after = EVENING + 7 * MINUTE
    found = moments(after, after + HOUR, zone="Europe/Paris")
    assert [(at - EVENING) // MINUTE for at in found] == [7, 20, 40, 60]


def test_departures_are_round_by_the_clock_of_the_place():
    found = moments(EVENING, EVENING + HOUR, zone="Asia/Kathmandu")
    assert [(at - EVENING) // MINUTE for at in found] == [0, 15, 35, 55]


def test_a_departure_that_matters_is_looked_at_too_unless_it_is_outside():
    also = [EVENING + 13 * MINUTE, EVENING - MINUTE, EVENING + HOUR]
    found = moments(EVENING, EVENING + 30 * MINUTE, zone="Europe/Paris", also=also)
    assert [(at - EVENING) // MINUTE for at in found] == [0, 13, 20]


@pytest.mark.parametrize("day", [date(2026, 3, 28), date(2026, 10, 24)])
def test_a_clock_change_neither_skips_nor_doubles_a_departure(day):
    after = datetime(day.year, day.month, day.day, 20, tzinfo=UTC)
    found = moments(after, after + 24 * HOUR, zone="Europe/Paris")
    assert {later - sooner for sooner, later in itertools.pairwise(found)} == {20 * MINUTE}
    assert len(found) == 73


@pytest.mark.parametrize(
    ("hours", "compared", "cut"), [(None, 24, False), (3, 3, False), (24, 24, False), (30, 24, True)]
)
def test_at_most_a_day_is_compared(hours, compared, cut):
    before = None if hours is None else EVENING + hours * HOUR
    assert until_of(EVENING, before) == (EVENING + compared * HOUR, cut)


# --- Bounds ------------------------------------------------------------------------------------------------


def test_without_bounds_nothing_speaks_against_an_hour():
    assert reasons(Bounds()) == ()


def test_who_would_arrive_after_the_wished_moment_is_too_late():
    bounds = Bounds(until=EVENING + 10 * MINUTE)
    assert reasons(bounds) == ()
    assert reasons(bounds, minutes_later=1) == ("too_late",)


def test_what_counts_is_whether_it_is_open_on_arrival():
    bounds = Bounds(opening=make_opening("Mo-Fr 18:05-20:00"))
    assert reasons(bounds, minutes=4) == ("closed",)
    assert reasons(bounds, minutes=5) == ()


def test_who_arrives_at_the_last_minute_arrives_for_nothing():
    bounds = Bounds(opening=make_opening("Mo-Fr 09:00-18:20"))
    assert reasons(bounds, minutes=20 - STAY // MINUTE) == ()
    assert reasons(bounds, minutes=21 - STAY // MINUTE) == ("closes",)


def test_hours_that_nobody_knows_speak_against_nothing():
    assert reasons(Bounds(opening=always("unknown"))) == ()


def test_a_place_without_an_end_of_its_hours_does_not_close():
    assert reasons(Bounds(opening=always("open"))) == ()


def test_a_way_that_only_touches_the_heat_is_out_of_it():
    hot = [(EVENING + 10 * MINUTE, EVENING + HOUR)]
    assert reasons(Bounds(hot=hot), minutes=10) == ()
    assert reasons(Bounds(hot=hot), minutes=11) == ("heat",)


def test_sun_and_darkness_are_told_beside_heat():
    span = [(EVENING, EVENING + HOUR)]
    assert reasons(Bounds(hot=span, sunny=span), unlit=True) == ("heat", "uv", "dark")


def test_nobody_is_told_to_leave_at_night_who_did_not_ask_at_night():
    nights = night_spans(EVENING, EVENING + 24 * HOUR, zone="Europe/Paris")
    eleven = EVENING + 5 * HOUR
    assert nights[0] == (eleven, eleven + 7 * HOUR)
    bounds = Bounds(nights=nights)
    assert reasons(bounds, minutes_later=299, minutes=60) == ()
    assert reasons(bounds, minutes_later=300) == reasons(bounds, minutes_later=719) == ("night",)
    assert reasons(bounds, minutes_later=720) == ()


@pytest.mark.parametrize("hours", [6, 11])
def test_who_asks_at_night_is_up_that_night_and_asleep_the_next(hours):
    after = EVENING + hours * HOUR
    nights = night_spans(after, after + 24 * HOUR, zone="Europe/Paris")
    assert nights[0] == (EVENING + 29 * HOUR, EVENING + 36 * HOUR)


def test_only_a_closed_door_and_a_missed_hour_make_a_departure_useless():
    assert make_option(reasons=("heat", "uv", "dark", "night")).useful
    assert not any(make_option(reasons=(reason,)).useful for reason in ("closed", "closes", "too_late"))
    assert not make_option(reasons=("heat",)).free
    assert make_option().free


@pytest.mark.parametrize(("level", "hours"), [(None, []), (2, []), (3, [(11, 21)]), (4, [(10, 24)])])
def test_the_hot_hours_of_a_warning_are_those_of_the_day_by_the_clock(level, hours):
    midnight = datetime(2026, 7, 14, 22, tzinfo=UTC)
    spans = hot_spans([(level, midnight, midnight + 24 * HOUR)], zone="Europe/Paris")
    assert spans == [(midnight + first * HOUR, midnight + last * HOUR) for first, last in hours]


def test_a_warning_that_begins_in_the_afternoon_leaves_the_morning_free():
    spans = hot_spans(
        [(3, datetime(2026, 7, 15, 14, tzinfo=UTC), datetime(2026, 7, 15, 22, tzinfo=UTC))], zone="Europe/Paris"
    )
    assert spans == [(datetime(2026, 7, 15, 14, tzinfo=UTC), datetime(2026, 7, 15, 19, tzinfo=UTC))]


def test_a_very_high_uv_index_is_avoided_around_the_highest_sun():
    day = sun(date(2026, 7, 15), "Europe/Paris", **PARIS)
    ((first, last),) = sunny_spans([(8, day)])
    assert last - first == 4 * HOUR
    assert abs(first - datetime(2026, 7, 15, 9, 57, tzinfo=UTC)) < 5 * MINUTE


@pytest.mark.parametrize("level", [None, 7])
def test_a_lower_or_unknown_uv_index_bounds_nothing(level):
    assert sunny_spans([(level, (EVENING, EVENING + HOUR))]) == []


def test_a_day_without_sunrise_has_no_midday_sun():
    assert sunny_spans([(9, None)]) == []


def test_one_arrives_when_the_way_is_done_and_no_way_takes_no_minute():
    assert make_option(minutes=14).arrive_at == EVENING + 14 * MINUTE
    assert make_option(minutes=0.1).minutes == 1


# --- Opening hours -----------------------------------------------------------------------------------------


def test_a_place_that_is_open_now_and_again_tomorrow_has_two_openings():
    found = open_spans(make_opening("Mo-Fr 09:00-19:30"), EVENING, EVENING + 24 * HOUR)
    tomorrow = EVENING + 15 * HOUR
    assert found == [(EVENING, EVENING + 1.5 * HOUR), (tomorrow, tomorrow + 10.5 * HOUR)]


def test_a_place_that_never_closes_has_one_opening_without_an_end():
    assert open_spans(make_opening("24/7"), EVENING, EVENING + 24 * HOUR) == [(EVENING, None)]


def test_a_place_that_is_closed_for_good_has_none():
    assert open_spans(make_opening("off"), EVENING, EVENING + 24 * HOUR) == []


def test_hours_that_nobody_knows_are_no_opening():
    assert open_spans(always("unknown"), EVENING, EVENING + 24 * HOUR) == []


# --- What is compared --------------------------------------------------------------------------------------


def test_nothing_known_compares_nothing():
    assert guide_of({"no2": [False, False], "o3": [False, False]}, {}) is None


def test_nitrogen_dioxide_is_compared_before_particles_that_are_dirtier():
    known = {name: [True, True] for name in ("pm25", "no2", "o3")}
    assert guide_of(known, {"no2": 0.5, "pm25": 0.9, "o3": 3.0}) == "no2"


def test_of_two_particles_the_dirtier_is_compared():
    known = {name: [True, True] for name in ("pm25", "pm10")}
    assert guide_of(known, {"pm10": 0.5, "pm25": 0.9}) == "pm25"
    assert guide_of(known, {"pm10": 0.9, "pm25": 0.5}) == "pm10"


def test_what_is_known_longest_is_compared():
    known = {"no2": [True, False, False], "pm25": [True, True, True]}
    assert guide_of(known, {"no2": 2.0, "pm25": 0.1}) == "pm25"


def test_what_is_known_at_the_first_departure_is_compared_even_if_more_is_known_of_another():
    assert guide_of({"no2": [True, False, False], "pm25": [False, True, True]}, {"no2": 1.0}) == "no2"


def test_without_anything_at_the_first_departure_later_ones_are_compared_with_each_other():
    assert guide_of({"no2": [False, True]}, {"no2": None}) == "no2"


def test_ozone_is_compared_only_where_nothing_else_is_known():
    assert guide_of({"no2": [False, True], "o3": [True, True]}, {"o3": 2.0}) == "no2"
    assert guide_of({"no2": [False, False], "o3": [True, True]}, {"o3": 2.0}) == "o3"


@pytest.mark.parametrize(
    ("burden", "against", "percent"),
    [
        (0.65, 1.0, -35),
        (1.2, 1.0, 20),
        (0.951, 1.0, 0),
        (1.049, 1.0, 0),
        (0.94, 1.0, -6),
        (None, 1.0, None),
        (1.0, None, None),
        (0.0, 0.0, 0),
        (1.0, 0.0, None),
    ],
)
def test_less_than_five_per_cent_is_no_difference_and_the_unknown_is_not_told(burden, against, percent):
    assert compare(make_option(burden=burden), make_option(burden=against)).percent == percent


def test_a_gain_tells_how_much_later_and_how_much_longer():
    gain = compare(make_option(40, minutes=17), make_option(minutes=14))
    assert (gain.later, gain.more_minutes) == (40 * MINUTE, 3)


# --- The frontier ------------------------------------------------------------------------------------------


def test_a_later_departure_must_be_cleaner_or_shorter():
    now, cleaner, shorter = make_option(), make_option(40, burden=0.65), make_option(60, minutes=12)
    assert frontier([shorter, make_option(20), cleaner, now]) == [now, cleaner, shorter]


def test_a_later_departure_that_is_cleaner_by_less_than_five_per_cent_is_not_told():
    assert len(frontier([make_option(), make_option(20, burden=0.951)])) == 1


def test_a_longer_way_at_the_same_time_is_told_when_it_is_cleaner():
    assert len(frontier([make_option(), make_option(minutes=17, burden=0.8)])) == 2


def test_of_two_ways_of_the_same_minutes_the_cleaner_is_told():
    assert frontier([make_option(burden=1.0), make_option(burden=0.8)]) == [make_option(burden=0.8)]


def test_where_nothing_is_known_only_the_earliest_is_told():
    assert frontier([make_option(20, burden=None), make_option(burden=None)]) == [make_option(burden=None)]


def test_an_hour_of_unknown_air_is_told_only_when_nothing_known_is_as_early():
    unknown, later = make_option(burden=None), make_option(20, burden=0.9)
    assert frontier([later, unknown]) == [unknown, later]
    assert frontier([make_option(), make_option(20, burden=None)]) == [make_option()]


def test_when_there_would_be_too_many_only_the_larger_steps_are_told():
    falling = [make_option(20 * n, burden=0.94**n) for n in range(30)]
    kept = frontier(falling)
    assert len(kept) <= MOST_ITEMS
    assert kept[0] == falling[0]
    assert kept[-1].burden < 0.3


OPTIONS = st.lists(
    st.builds(
        make_option,
        st.integers(0, 70).map(lambda n: 20 * n),
        minutes=st.integers(5, 30),
        burden=st.one_of(st.none(), st.floats(0, 5)),
    ),
    min_size=1,
    max_size=40,
)


@given(OPTIONS)
@settings(max_examples=60)
def test_no_departure_that_is_told_is_dominated_by_another(options):
    kept = frontier(options)
    assert kept
    assert not any(dominated(one, kept) for one in kept)


@given(OPTIONS)
@settings(max_examples=40)
def test_the_order_in_which_options_come_changes_nothing(options):
    assert frontier(options[::-1]) == frontier(options)


def test_what_is_unknown_dominates_nothing_and_is_dominated_by_nothing():
    assert not dominated(make_option(20, burden=None), [make_option()])
    assert not dominated(make_option(20), [make_option(burden=None)])
    assert dominated(make_option(20), [make_option()])
    assert not dominated(make_option(), [make_option()])


# --- The recommendation ------------------------------------------------------------------------------------


def test_a_third_less_is_worth_forty_minutes():
    assert best([make_option(), make_option(40, burden=0.65)], make_option()).burden == 0.65


def test_a_tenth_less_is_not_worth_a_night():
    assert best([make_option(), make_option(840, burden=0.9)], make_option()) == make_option()


def test_a_tenth_less_is_not_worth_a_quarter_of_an_hour_on_foot():
    assert best([make_option(), make_option(minutes=29, burden=0.9)], make_option()) == make_option()


def test_of_departures_worth_the_same_the_earlier_is_recommended():
    assert best([make_option(20, burden=0.99), make_option()], make_option()) == make_option()


@pytest.mark.parametrize("burden", [None, 0.0])
def test_where_there_is_nothing_to_gain_the_earliest_is_recommended(burden):
    options = [make_option(20, burden=0.5), make_option(burden=burden)]
    assert best(options, make_option(burden=burden)) == make_option(burden=burden)


def test_an_hour_of_unknown_air_is_not_recommended_where_another_is_known():
    options = [make_option(burden=None), make_option(20)]
    assert best(options, make_option()) == make_option(20)


def test_where_no_departure_is_known_the_earliest_is_recommended():
    options = [make_option(20, burden=None), make_option(burden=None)]
    assert best(options, make_option()) == make_option(burden=None)


def test_of_none_none_is_recommended():
    assert best([], make_option()) is None


def test_what_is_saved_is_told_of_the_air_of_a_whole_day():
    # A quarter of an hour on foot is 1.1 x 1.37 / 4 of 11.9 m3 breathed in a day anyway: 3.2 %, a half of it 1.6 %.
    saved = saved_of_a_day(make_option(60, minutes=15, burden=0.5), make_option(minutes=15))
    assert saved == pytest.approx(0.5 * 1.1 * 1.37 / 4 / (8 * 0.27 + 16 * 0.609))


@pytest.mark.parametrize(("minutes", "burden", "worth"), [(2, 0.0, False), (5, 0.6, False), (5, 0.4, True)])
def test_waiting_must_save_half_a_percent_of_the_air_of_a_day(minutes, burden, worth):
    option, now = make_option(60, minutes=minutes, burden=burden), make_option(minutes=minutes)
    assert worth_waiting(option, now) is worth


def test_nobody_waits_for_a_walk_of_two_minutes():
    options = [make_option(minutes=2), make_option(60, minutes=2, burden=0.1)]
    assert best(options, options[0]) == options[0]


def test_a_cleaner_way_at_once_needs_no_waiting_and_is_recommended_however_short():
    options = [make_option(minutes=2), make_option(minutes=2, burden=0.5, way=1)]
    assert best(options, options[0]) == options[1]


def test_unknown_air_is_not_worth_waiting_for():
    assert not worth_waiting(make_option(60, burden=None), make_option())
    assert not worth_waiting(make_option(60, burden=0.1), make_option(burden=None))


@given(st.floats(1, 9_999))
@settings(max_examples=20)
def test_one_arrives_as_many_whole_seconds_later_as_are_told(duration_s):
    option = make_option(minutes=duration_s / 60)
    assert option.arrive_at == option.depart_at + timedelta(seconds=round(option.duration_s))
