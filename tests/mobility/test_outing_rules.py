"""The best hours of a day to be active outdoors: what decides, what is said, and that moving is not discouraged."""

from dataclasses import replace
from datetime import timedelta

import pytest

from citizen_api.mobility.outing_rules import best_window, better_day
from citizen_api.mobility.rules import REFERENCES_UG_M3
from tests.mobility.outing_makers import SUMMER, WINTER, local, make_day

MORNING = local(SUMMER, 5)
STEADY = dict.fromkeys(range(24), 0.6)


def find(day, *, at=None, minutes=45):
    return best_window(day, at=at or local(day.day, 5), minutes=minutes)


def hours(window):
    return window.starts_at.hour, window.ends_at.hour


def codes(said):
    return [each.code for each in said]


# --- The air ---------------------------------------------------------------------------------------------------


def test_the_cleanest_hours_that_follow_each_other_make_the_window():
    window = find(make_day(air=STEADY | {9: 0.2, 10: 0.25, 11: 0.2}))
    assert hours(window) == (9, 12)


def test_a_window_has_at_most_three_hours():
    window = find(make_day(air=STEADY))
    assert window.ends_at - window.starts_at == timedelta(hours=3)


def test_an_hour_that_is_clearly_dirtier_ends_the_window():
    window = find(make_day(air=dict.fromkeys(range(24), 1.5) | {13: 0.2, 14: 0.6}))
    assert hours(window) == (13, 14)


def test_how_much_cleaner_it_is_is_told_against_the_hours_to_come():
    window = find(make_day(air=dict.fromkeys(range(24), 1.0) | {13: 0.5, 14: 0.5, 15: 0.5}))
    # 16 hours from 6 to 22 o'clock: 13 of 1.0 and 3 of 0.5 have a mean of 0.906.
    assert window.reasons[0].values == {"percent": 45, "pollutant": "no2"}


def air_of(**values):
    """A summer day whose pollutants are told as {hour: µg/m³}; the worst ratio counts, as in `outing_days`."""
    plain = make_day()
    told = []
    for hour in plain.hours:
        here = {name: line[hour.starts_at.hour] for name, line in values.items() if hour.starts_at.hour in line}
        ratio = max((value / REFERENCES_UG_M3[name] for name, value in here.items()), default=None)
        told.append(replace(hour, ratio=ratio, values_ug_m3=here))
    return replace(plain, hours=told)


def through_the_day(morning, midday, evening):
    return {hour: morning if hour < 10 else midday if hour < 17 else evening for hour in range(24)}


def test_a_gain_is_of_one_pollutant_and_what_rises_meanwhile_is_told_beside_it():
    # Of the highest ratio, 2.0 of NO2 at 8:00 and 0.9 of ozone at 12:00, no gain is told: it is of neither.
    no2, o3 = through_the_day(50, 10, 50), through_the_day(20, 90, 60)
    window = find(air_of(no2=no2, o3=o3))
    assert 10 <= window.starts_at.hour < window.ends_at.hour <= 17
    means = {name: sum(line[hour] for hour in range(6, 22)) / 16 for name, line in (("no2", no2), ("o3", o3))}
    said = [each for each in window.reasons if each.code in {"cleaner", "but_more"}]
    assert [(each.code, each.values["pollutant"]) for each in said] == [("cleaner", "no2"), ("but_more", "o3")]
    assert said[0].values["percent"] == round(100 * (1 - 10 / means["no2"]))
    assert said[1].values["percent"] == round(100 * (90 / means["o3"] - 1))


def test_where_one_pollutant_rises_and_none_falls_the_air_is_neither_cleaner_nor_steady():
    # A red heat warning leaves the morning, and the morning has more NO2.
    day = air_of(no2=through_the_day(30, 20, 20), pm25=dict.fromkeys(range(24), 5.0))
    window = find(replace(day, hazards=make_day(heat=4).hazards), at=local(SUMMER, 5))
    assert window.ends_at.hour <= 10
    assert not {"cleaner", "but_more", "air_steady"} & set(codes(window.reasons))


def test_where_nitrogen_dioxide_is_steady_the_particles_that_fall_are_named():
    day = air_of(no2=dict.fromkeys(range(24), 5.0), pm25=through_the_day(30, 10, 30))
    assert find(day).reasons[0].values["pollutant"] == "pm25"


def test_a_pollutant_that_is_known_for_a_part_of_the_window_is_not_named():
    pm25 = dict.fromkeys(range(24), 30.0) | {12: 10.0, 13: 10.0, 14: 10.0}
    day = air_of(pm25=pm25, no2=dict.fromkeys((8, 12, 13), 1.0))
    window = find(day)
    assert hours(window) == (12, 15)
    assert [each.values.get("pollutant") for each in window.reasons if each.code == "cleaner"] == ["pm25"]


def test_air_that_hardly_changes_is_said_to_be_steady():
    assert codes(find(make_day(air=STEADY)).reasons)[0] == "air_steady"


def test_an_hour_of_unknown_air_is_never_preferred_to_a_known_one():
    known = {hour: 2.0 if hour < 18 else 0.9 for hour in range(24) if hour not in {10, 11}}
    assert hours(find(make_day(air=known)))[0] >= 18


def test_no_gain_is_told_of_hours_of_which_some_are_unknown():
    day = make_day(WINTER, air={11: 0.6, 12: 0.6, 20: 0.7})
    window = best_window(day, at=local(WINTER, 12, 40), minutes=30)
    assert codes(window.reasons)[0] == "air_partly_known"


def test_with_the_index_of_the_day_alone_no_hour_is_called_cleaner():
    window = find(make_day(level=3))
    assert window.basis == "index"
    assert codes(window.reasons)[0] == "air_by_day"


def test_without_any_news_of_the_air_the_daylight_decides_and_it_is_said():
    window = find(make_day(WINTER))
    assert (window.basis, window.light) == ("unknown", True)
    assert codes(window.reasons) == ["air_unknown", "daylight"]


# --- Moving wins ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pm25", [5.0, 25.0, 50.0])
def test_at_french_levels_the_air_keeps_nobody_in(pm25):
    assert find(make_day(air=STEADY, pm25=pm25, level=4)).choice == "go"


def test_in_air_beyond_the_tipping_point_a_shorter_outing_is_offered():
    window = find(make_day(air=STEADY, pm25=250.0, level=6), minutes=90)
    assert window.choice == "shorter"
    assert "mind_air_shorter" in codes(window.minds)


def test_in_air_in_which_even_ten_minutes_are_too_many_one_moves_indoors():
    window = find(make_day(air=STEADY, pm25=900.0, level=6))
    assert window.choice == "indoors"
    assert "mind_air_indoors" in codes(window.minds)


def test_a_poor_index_asks_for_an_easy_pace_and_not_for_staying_in():
    window = find(make_day(level=4))
    assert window.choice == "go"
    assert "mind_air_poor" in codes(window.minds)


@pytest.mark.parametrize(("level", "said"), [(5, "mind_air_very_poor"), (6, "mind_air_extremely_poor")])
def test_a_very_poor_index_asks_for_a_short_outing_in_words_of_its_own(level, said):
    window = find(make_day(level=level))
    assert window.choice == "shorter"
    assert [code for code in codes(window.minds) if code.startswith("mind_air_")] == [said]


def test_an_episode_asks_for_a_short_outing_whatever_the_index():
    day = make_day(level=3)
    window = find(replace(day, hours=[replace(hour, episode=True) for hour in day.hours]))
    assert window.choice == "shorter"
    assert "mind_air_episode" in codes(window.minds)


# --- Light, sun, heat, cold, storms -----------------------------------------------------------------------------


def test_daylight_is_preferred_to_somewhat_cleaner_air_in_the_dark():
    window = find(make_day(WINTER, air=dict.fromkeys(range(24), 0.9) | {20: 0.2, 21: 0.2}))
    assert window.light


def test_in_the_evening_the_dark_hours_are_still_offered_and_it_is_said_that_it_is_dark():
    window = find(make_day(WINTER, air=STEADY), at=local(WINTER, 18, 10))
    assert window.light is False
    assert "dark" in codes(window.minds)


def test_a_window_does_not_go_on_into_the_dark():
    window = find(make_day(WINTER, air=dict.fromkeys(range(24), 2.0) | {15: 0.2, 16: 0.2, 17: 0.2}))
    assert window.ends_at <= local(WINTER, 17)


def test_where_the_sun_does_not_set_nothing_is_said_of_the_light():
    assert find(make_day(sun=None)).light is None


def test_strong_uv_moves_the_window_away_from_the_highest_sun():
    air = dict.fromkeys(range(24), 0.6) | {12: 0.4, 13: 0.4, 14: 0.4}
    window = find(make_day(air=air, uv=8))
    assert window.ends_at <= local(SUMMER, 12) or window.starts_at >= local(SUMMER, 16)
    assert {"sun_low"} <= set(codes(window.reasons))
    assert "mind_uv" in codes(window.minds)


def test_where_the_sun_does_not_set_strong_uv_weighs_on_every_hour_alike():
    window = find(make_day(air=dict.fromkeys(range(24), 0.6) | {12: 0.1, 13: 0.1, 14: 0.1}, uv=8, sun=None))
    assert hours(window) == (12, 15)


def test_weak_uv_changes_nothing():
    air = dict.fromkeys(range(24), 0.6) | {12: 0.1, 13: 0.1, 14: 0.1}
    window = find(make_day(air=air, uv=2))
    assert hours(window) == (12, 15)
    assert "mind_uv" not in codes(window.minds)


def test_a_yellow_heat_warning_prefers_the_morning():
    window = find(make_day(air=dict.fromkeys(range(24), 0.6) | {15: 0.2}, heat=2))
    assert window.ends_at <= local(SUMMER, 12)
    assert "cooler" in codes(window.reasons)


@pytest.mark.parametrize(("heat", "latest"), [(3, 11), (4, 10)])
def test_an_orange_or_red_heat_warning_leaves_the_early_hours_for_a_short_outing(heat, latest):
    window = find(make_day(air=dict.fromkeys(range(24), 0.6) | {15: 0.1}, heat=heat))
    assert window.choice == "shorter"
    assert window.ends_at <= local(SUMMER, latest)


def test_when_the_cool_hours_of_a_red_heat_warning_are_over_one_stays_in():
    window = find(make_day(air=STEADY, heat=4), at=local(SUMMER, 13))
    assert (window.choice, window.starts_at) == ("indoors", None)
    assert codes(window.reasons) == ["heat_indoors"]


def test_severe_cold_prefers_the_least_cold_hours():
    window = find(make_day(WINTER, air=STEADY, cold=3))
    assert local(WINTER, 11) <= window.starts_at
    assert window.ends_at <= local(WINTER, 16)
    assert "milder" in codes(window.reasons)


def test_severe_storms_all_day_keep_one_in():
    window = find(make_day(air=STEADY, storms=3))
    assert (window.choice, codes(window.reasons)) == ("indoors", ["storms_indoors"])


def test_hours_outside_of_a_storm_warning_stay_open():
    window = find(make_day(air=STEADY, storms=(3, 13, 22)))
    assert window.choice == "go"
    assert window.ends_at <= local(SUMMER, 13)
    assert "mind_storms" in codes(window.minds)


def test_yellow_storms_are_to_be_minded_and_no_more():
    window = find(make_day(air=STEADY, storms=2))
    assert window.choice == "go"
    assert "mind_storms_yellow" in codes(window.minds)


def test_a_lot_of_pollen_is_to_be_minded_and_no_reason_to_stay_in():
    window = find(make_day(air=STEADY, pollen=5))
    assert window.choice == "go"
    assert "mind_pollen" in codes(window.minds)


# --- The hours that are left ------------------------------------------------------------------------------------


def test_hours_that_are_over_are_not_proposed():
    window = find(make_day(air=STEADY | {8: 0.1}), at=local(SUMMER, 15, 5))
    assert window.starts_at >= local(SUMMER, 15)


def test_a_running_hour_starts_at_the_next_quarter():
    window = find(make_day(air=STEADY | {15: 0.1, 16: 0.1}), at=local(SUMMER, 15, 5))
    assert window.starts_at == local(SUMMER, 15, 15)


def test_an_hour_of_which_less_than_half_is_left_is_over():
    window = find(make_day(air=STEADY | {15: 0.1}), at=local(SUMMER, 15, 31))
    assert window.starts_at == local(SUMMER, 16)


def test_late_in_the_evening_the_day_is_over():
    window = find(make_day(air=STEADY), at=local(SUMMER, 22, 40))
    assert (window.choice, window.starts_at) == ("over", None)


# --- Which day --------------------------------------------------------------------------------------------------


def compare(today, tomorrow):
    return better_day(*((day, find(day, at=MORNING)) for day in (today, tomorrow)))


def test_the_day_with_clearly_cleaner_hours_is_better():
    assert compare(make_day(air=dict.fromkeys(range(24), 1.4)), make_day(air=STEADY)) == "tomorrow"


def test_days_alike_are_equally_good():
    assert compare(make_day(air=STEADY), make_day(air=dict.fromkeys(range(24), 0.7))) is None


def test_between_days_of_hours_alike_the_worse_index_decides():
    assert compare(make_day(air=STEADY, level=3), make_day(air=STEADY, level=5)) == "today"


def test_hours_that_differ_clearly_go_before_the_index():
    dirty = make_day(air=dict.fromkeys(range(24), 1.4), level=3)
    assert compare(dirty, make_day(air=STEADY, level=4)) == "tomorrow"


def test_with_indices_alone_the_day_can_still_be_chosen():
    assert compare(make_day(level=2), make_day(level=4)) == "today"


def test_a_day_of_which_nothing_is_known_is_not_called_better():
    assert compare(make_day(level=4), make_day()) is None


def test_less_pollen_makes_a_day_better():
    assert compare(make_day(level=2, pollen=6), make_day(level=2, pollen=2)) == "tomorrow"


def test_a_day_spent_indoors_is_not_the_better_one():
    assert compare(make_day(air=STEADY, storms=4), make_day(air=dict.fromkeys(range(24), 1.4))) == "tomorrow"
