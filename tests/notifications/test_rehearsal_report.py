"""What a replay amounts to."""

from datetime import date, timedelta

import pytest

from notifications.measurements import bundled_week
from notifications.rehearsal import FORECAST_REACH
from notifications.rehearsal_facts import LESSER
from notifications.rehearsal_report import Notice, Replayed, report_of
from tests.notifications.rehearsal_makers import (
    COMMON,
    FIRST,
    HOUR,
    LAST,
    NINTH,
    ZONE,
    clock,
    make_group,
    make_values,
    paris,
    week_values,
)

MORNING = ("09 08:00", "09 12:00", 250.0)


def make_replayed(values, *groups, high=200.0, ahead=timedelta(), first=FIRST, last=LAST):
    return Replayed(
        values=values,
        groups=groups or (make_group(COMMON),),
        first=first,
        last=last,
        high=high,
        zone=ZONE,
        ahead=ahead,
    )


def report(values, *groups, **changed):
    return report_of(make_replayed(values, *groups, **changed))


def day_of(made, day=NINTH):
    [found] = [found for found in made.days if found.day == day]
    return found


def test_the_ninth_peaks_at_382_at_ten_in_paris():
    ninth = day_of(report(week_values()))
    assert (round(ninth.peak_ug_m3), clock(ninth.peak_at)) == (382, "09 10:00")


def test_a_day_has_the_evening_before_it():
    values = make_values(("08 17:00", "08 18:00", 90.0), ("09 16:00", "09 16:00", 80.0))
    assert day_of(report(values)).peak_ug_m3 == 90


def test_a_peak_that_returns_is_its_first_hour():
    assert clock(day_of(report(make_values(MORNING))).peak_at) == "09 08:00"


def test_residents_are_counted_by_moment_and_kind():
    made = report(make_values(MORNING), make_group(COMMON, residents=70), make_group(None, residents=30))
    moments = [(clock(moment.at), moment.kind, moment.residents) for moment in day_of(made).moments]
    assert moments == [("09 08:00", "alert", 100), ("09 16:00", "all_clear", 100)]
    assert (day_of(made).told, day_of(made).messages("alert"), made.told_once) == (100, 100, 100)


def test_those_who_were_held_and_then_had_nothing_to_be_told_are_counted():
    made = report(
        make_values(("09 00:00", "09 03:00", 250.0)), make_group(COMMON, residents=70), make_group(None, residents=30)
    )
    ninth = day_of(made)
    assert (ninth.held, ninth.spared, ninth.told) == (70, 70, 30)


def test_what_would_be_over_when_quiet_hours_end_is_counted_as_dropped():
    values = make_values(("09 00:00", "09 02:00", 250.0))
    made = report(values, make_group("16:00-07:00", residents=70), ahead=FORECAST_REACH)
    assert (day_of(made).dropped, day_of(made).held) == (70, 0)


def test_those_who_had_enough_are_counted_as_capped_not_as_spared():
    values = make_values(("08 08:00", "09 12:00", 250.0))
    ninth = day_of(report(values, make_group(COMMON, residents=70, cap_per_week=1)))
    assert (ninth.capped, ninth.spared, ninth.told) == (70, 0, 0)


def test_a_quiet_day_is_not_eventful():
    made = report(make_values(MORNING))
    assert [day.day for day in made.days if day.is_eventful] == [NINTH]


def test_the_last_evening_is_shown_only_if_it_brings_something():
    evening = make_values(("12 20:00", "12 22:00", 250.0))
    after = date(2023, 2, 13)
    assert [day.day for day in report(evening, make_group(None)).days][-1] == after
    assert [day.day for day in report(make_values(), make_group(None)).days][-1] == LAST


def test_an_hour_that_only_a_forecast_knows_is_no_peak():
    values = make_values(last=date(2023, 2, 13)) | {paris("13 01:00"): 500.0}
    assert max(peak for _, peak in make_replayed(values).peaks().values()) == 20


def test_messages_are_counted_per_resident_and_week():
    values = make_values(MORNING, ("10 08:00", "10 12:00", 250.0), last=date(2023, 2, 19))
    groups = make_group(COMMON, residents=70), make_group(COMMON, level=LESSER + 2, residents=30)
    made = report(values, *groups, last=date(2023, 2, 19))
    assert made.per_week == {0: 70 + 30 + 30, 2: 70}
    assert made.messages_per_week == pytest.approx(0.7)


def test_an_all_clear_is_no_message_that_disturbs():
    assert report(make_values(MORNING)).per_week == {1: 100}


def test_the_notice_is_from_the_first_message_to_the_peak():
    made = report(
        week_values(), make_group(COMMON, residents=60), make_group(None, residents=40), first=NINTH, last=NINTH
    )
    assert made.notice.residents[3 * HOUR] == 60


def test_notice_is_counted_for_each_resident_and_day():
    notice = Notice(residents={-HOUR: 10, 2 * HOUR: 25, 3 * HOUR: 40})
    assert (notice.shortest, notice.median, notice.longest) == (-HOUR, 3 * HOUR, 3 * HOUR)


def test_where_nobody_was_told_there_is_no_median():
    with pytest.raises(ValueError, match="nobody"):
        _ = Notice(residents={}).median


def test_the_bundled_week_gives_three_hours_of_notice_on_the_ninth():
    made = report(week_values(), make_group(COMMON))
    [alert] = [moment for moment in day_of(made).moments if moment.kind == "alert"]
    assert day_of(made).peak_at - alert.at == 3 * HOUR


def trial(made, high):
    [found] = [found for found in made.trials if found.high == high]
    return found


def test_a_lower_bound_brings_false_alarms_and_a_higher_one_misses_days():
    values = make_values(MORNING, ("11 08:00", "11 12:00", 160.0))
    made = report(values)
    low, own, high = (trial(made, bound) for bound in (150, 200, 300))
    assert made.reached == 1
    assert (low.days_told, low.caught, low.missed, low.false_alarms) == (2, 1, 0, 1)
    assert (own.days_told, own.caught, own.missed, own.false_alarms) == (1, 1, 0, 0)
    assert (high.days_told, high.caught, high.missed, high.false_alarms) == (0, 0, 1, 0)
    assert [found.messages_per_week for found in (low, own, high)] == [2, 1, 0]


def test_a_day_counts_as_told_when_half_of_those_who_wish_it_were():
    values = make_values(("09 00:00", "09 03:00", 250.0))
    told, held = make_group(None, residents=50), make_group(COMMON, residents=50)
    assert trial(report(values, told, held), 200).days_told == 1
    assert trial(report(values, told, held, make_group(COMMON, residents=1)), 200).days_told == 0


def test_those_who_wish_it_earlier_do_not_make_a_false_alarm():
    made = report(make_values(("09 08:00", "09 12:00", 160.0)), make_group(COMMON, level=LESSER), make_group(COMMON))
    assert day_of(made).told == 100
    assert trial(made, 200).false_alarms == 0


def test_bounds_are_tried_around_the_one_that_is_rehearsed():
    assert [found.high for found in report(make_values()).trials] == [120, 150, 180, 200, 220, 250, 300]


def test_weeks_are_counted_from_the_first_day_and_the_last_may_be_short():
    made = make_replayed(week_values(), last=date(2023, 2, 14))
    assert (made.weeks, made.week_of(paris("12 23:59")), made.week_of(paris("13 00:00"))) == (2, 0, 1)


def test_the_bundled_week_has_its_days():
    made = report(bundled_week().values(FIRST, LAST, zone=ZONE))
    assert [day.day.day for day in made.days] == [6, 7, 8, 9, 10, 11, 12]
