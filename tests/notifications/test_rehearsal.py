"""The replay: what is known is told when the rules say so, and nothing is known before its hour."""

import random
from datetime import date, timedelta

import pytest

from notifications.measurements import bundled_week, from_files
from notifications.rehearsal import FORECAST_REACH, TICK, _Record
from notifications.rehearsal_facts import ALERT, HIGH, LESSER
from notifications.residents import make_synthetic_residents, read_places
from tests.notifications.rehearsal_makers import (
    COMMON,
    HOUR,
    NINTH,
    make_group,
    make_values,
    paris,
    replayed,
    tellings,
    week_values,
)
from tests.shared_data import shared_file

NIGHT = ("08 23:00", "09 10:00", 250.0)


@pytest.fixture(params=["bundled week", "shared file"])
def february(request):
    """Hours of February 2023, from the bundled week and from the whole file."""
    if request.param == "bundled week":
        return bundled_week()
    return from_files([shared_file("air/airparif/2023_NOX.csv")])


def test_residents_with_quiet_hours_are_told_once_when_they_end_three_hours_before_the_peak(february):
    events = replayed(week_values(february), make_group(COMMON))
    [(at, kind)] = tellings(events, day=NINTH, kinds=("alert", "raised"))
    assert (at, kind) == ("09 07:00", "alert")
    assert max(week_values(february), key=week_values(february).get) - paris(at) == 3 * HOUR


def test_with_a_perfect_forecast_they_are_told_on_the_evening_before_and_once(february):
    events = replayed(week_values(february, ahead=FORECAST_REACH), make_group(COMMON), ahead=FORECAST_REACH)
    assert tellings(events, day=NINTH) == [("08 17:00", "alert")]


def test_residents_without_quiet_hours_are_told_when_the_hour_is_over(february):
    events = replayed(week_values(february), make_group(None))
    assert tellings(events, day=NINTH, kinds=("alert", "raised")) == [("08 23:00", "alert")]


def test_until_their_quiet_hours_end_the_word_is_held(february):
    events = replayed(week_values(february), make_group(COMMON))
    [held] = [event for event in events if event.day == NINTH and event.decision.reason == "quiet"]
    assert (held.at, held.decision.again_at) == (paris("08 23:00"), paris("09 07:00"))


def test_what_is_over_when_quiet_hours_end_is_not_told():
    events = replayed(make_values(("09 00:00", "09 03:00", 250.0)), make_group(COMMON))
    assert [event.decision.action for event in events] == ["hold"]


def test_once_the_air_has_stayed_better_the_all_clear_is_told():
    events = replayed(make_values(NIGHT), make_group(COMMON))
    # Three hours below the bound, then one in which it stands.
    assert tellings(events) == [("09 07:00", "alert"), ("09 14:00", "all_clear")]


def test_a_perfect_forecast_tells_when_it_ends_so_nobody_needs_an_all_clear():
    events = replayed(make_values(NIGHT), make_group(COMMON), ahead=FORECAST_REACH)
    assert tellings(events) == [("08 17:00", "alert")]
    assert events[0].decision.expires_at == paris("09 13:00")


def test_without_a_forecast_the_word_holds_to_the_end_of_its_day():
    events = replayed(make_values(NIGHT), make_group(None))
    assert events[0].decision.expires_at == paris("10 00:00")


def test_each_day_of_a_long_spell_is_told_once():
    events = replayed(make_values(("08 23:00", "11 12:00", 250.0)), make_group(COMMON))
    assert tellings(events, kinds=("alert", "raised")) == [
        ("09 07:00", "alert"),
        ("10 07:00", "alert"),
        ("11 07:00", "alert"),
    ]


def test_a_day_on_which_a_long_spell_ends_before_the_morning_is_not_told():
    events = replayed(make_values(("08 23:00", "10 02:00", 250.0)), make_group(COMMON))
    assert tellings(events, kinds=("alert",)) == [("09 07:00", "alert")]


def test_a_day_of_a_long_spell_that_is_forecast_is_told_on_the_evening_before():
    values = make_values(("08 12:00", "10 12:00", 250.0))
    events = replayed(values, make_group(COMMON), ahead=FORECAST_REACH)
    assert tellings(events) == [("07 17:00", "alert"), ("08 17:00", "alert"), ("09 17:00", "alert")]


def test_those_who_wish_it_earlier_are_told_of_the_lesser_level_and_again_when_it_worsens():
    values = make_values(("09 08:00", "09 09:00", 160.0), ("09 10:00", "09 12:00", 250.0))
    events = replayed(values, make_group(COMMON, level=LESSER))
    assert tellings(events, kinds=("alert", "raised")) == [("09 08:00", "alert"), ("09 10:00", "raised")]


def test_those_who_wish_alerts_only_are_told_at_twice_the_bound():
    values = make_values(("09 08:00", "09 09:00", 399.0), ("09 10:00", "09 10:00", 400.0))
    events = replayed(values, make_group(COMMON, level=ALERT))
    assert tellings(events, kinds=("alert",)) == [("09 10:00", "alert")]


def test_of_an_alert_that_fades_to_the_lower_level_residents_are_told_when_it_has_stood():
    values = make_values(("09 08:00", "09 09:00", 450.0), ("09 10:00", "09 20:00", 250.0))
    events = replayed(values, make_group(COMMON))
    assert tellings(events)[:2] == [("09 08:00", "alert"), ("09 13:00", "lowered")]


def test_those_who_wish_the_morning_are_told_at_their_brief_of_the_day():
    values = make_values(("09 15:00", "09 20:00", 250.0))
    events = replayed(values, make_group(COMMON, when="today"), ahead=FORECAST_REACH)
    assert tellings(events) == [("09 07:15", "alert")]


def test_caps_hold_over_the_days():
    values = make_values(("07 08:00", "11 12:00", 250.0))
    events = replayed(values, make_group(COMMON, cap_per_week=2))
    assert tellings(events, kinds=("alert",)) == [("07 08:00", "alert"), ("08 07:00", "alert")]
    assert {event.decision.reason for event in events if event.decision.action == "drop"} == {"capped"}


def test_a_second_spell_of_the_same_day_is_told_after_the_all_clear():
    values = make_values(("09 08:00", "09 08:00", 250.0), ("09 14:00", "09 15:00", 250.0))
    kinds = [kind for _, kind in tellings(replayed(values, make_group(COMMON)))]
    assert kinds == ["alert", "all_clear", "alert", "all_clear"]


def test_what_is_not_known_any_more_is_neither_told_nor_taken_back():
    values = make_values(("09 08:00", "09 10:00", 250.0))
    values = {at: value for at, value in values.items() if not paris("09 10:00") < at < paris("10 12:00")}
    assert tellings(replayed(values, make_group(COMMON))) == [("09 08:00", "alert")]


def test_what_lasts_over_a_few_unknown_hours_is_not_told_twice():
    values = make_values(("09 08:00", "09 20:00", 250.0))
    values = {at: value for at, value in values.items() if not paris("09 10:00") < at < paris("09 14:00")}
    assert tellings(replayed(values, make_group(COMMON)), kinds=("alert",)) == [("09 08:00", "alert")]


def test_what_is_still_so_after_a_day_that_nobody_knows_is_told_of_the_new_day():
    values = make_values(("09 08:00", "10 13:00", 250.0))
    values = {at: value for at, value in values.items() if not paris("09 10:00") < at < paris("10 12:00")}
    assert tellings(replayed(values, make_group(COMMON)), kinds=("alert",)) == [
        ("09 08:00", "alert"),
        ("10 12:00", "alert"),
    ]


def test_without_a_known_hour_nothing_is_decided():
    assert replayed({}, make_group(COMMON), make_group(None)) == []


def test_clean_air_disturbs_nobody():
    assert replayed(make_values(), make_group(COMMON), make_group(None, level=LESSER)) == []


@pytest.mark.parametrize("day", [date(2023, 3, 26), date(2023, 10, 29)], ids=str)
def test_a_night_on_which_the_clock_changes_is_told_when_quiet_hours_end(day):
    before, after = day - timedelta(days=1), day + timedelta(days=1)
    values = dict.fromkeys(make_values(first=before, last=after + timedelta(days=1)), 250.0)
    [first, *_] = [
        event
        for event in replayed(values, make_group(COMMON), first=before, last=after)
        if event.decision.action == "tell" and event.day == day
    ]
    assert first.at.astimezone(paris("09 00:00").tzinfo).date() == day
    assert first.at.hour == (5 if day.month == 3 else 6)


def decided_by(events, moment):
    return [event for event in events if event.at <= moment]


@pytest.mark.parametrize("ahead", [timedelta(), FORECAST_REACH], ids=["no forecast", "perfect forecast"])
@pytest.mark.parametrize("seed", range(6))
def test_whatever_the_future_brings_what_was_decided_before_stays_the_same(seed, ahead):
    chance = random.Random(seed)
    groups = make_synthetic_residents(2_000, places=read_places(), today_share=0.3, seed=seed).groups
    values = week_values(ahead=ahead)
    until = paris("08 22:00") + chance.randrange(3 * 24 * 4) * TICK
    changed = {
        at: value if at <= until + ahead else chance.uniform(0, 600)
        for at, value in values.items()
        if at <= until + ahead or chance.random() < 0.9
    }
    before = decided_by(replayed(values, *groups, ahead=ahead), until)
    assert before
    assert decided_by(replayed(changed, *groups, ahead=ahead), until) == before


def test_the_perturbed_future_would_have_been_told():
    # The test above means something: a change before the moment does change what is decided.
    values = week_values()
    changed = {at: value if at <= paris("07 12:00") else 500.0 for at, value in values.items()}
    events, others = (replayed(hours, make_group(None)) for hours in (values, changed))
    assert events != others


def test_groups_do_not_disturb_each_other():
    groups = [make_group(COMMON), make_group(None), make_group(COMMON, level=LESSER, when="today")]
    together = replayed(week_values(), *groups)
    for number, group in enumerate(groups):
        alone = replayed(week_values(), group)
        assert [(e.at, e.day, e.decision) for e in together if e.group == number] == [
            (e.at, e.day, e.decision) for e in alone
        ]


def test_nothing_is_decided_outside_the_days():
    events = replayed(week_values(), make_group(None, level=LESSER), first=NINTH, last=NINTH)
    assert {event.at.astimezone(paris("09 00:00").tzinfo).date() for event in events} <= {
        NINTH,
        NINTH - timedelta(days=1),
    }
    assert all(paris("09 00:00") <= event.at < paris("10 00:00") for event in events)


def test_the_levels_are_those_of_the_one_table():
    assert (LESSER, HIGH, ALERT) == (3, 4, 5)


def every_quarter(values, group, *, ahead):
    """What would be told if the rule were asked at every quarter of an hour, whether or not anything changed."""
    asking = pytest.MonkeyPatch()
    with asking.context() as patched:
        patched.setattr(_Record, "is_asked", lambda *_: True)
        return tellings(replayed(values, group, ahead=ahead))


@pytest.mark.parametrize("ahead", [timedelta(), FORECAST_REACH], ids=["no forecast", "perfect forecast"])
@pytest.mark.parametrize("quiet", [COMMON, "23:00-06:30", None])
@pytest.mark.parametrize(("level", "when"), [(HIGH, "evening_before"), (LESSER, "today")])
def test_asking_only_when_something_can_change_tells_the_same(quiet, level, when, ahead):
    group = make_group(quiet, level=level, when=when)
    values = week_values(ahead=ahead)
    assert tellings(replayed(values, group, ahead=ahead)) == every_quarter(values, group, ahead=ahead)
