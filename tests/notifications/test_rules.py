"""Whom an alert is for, and when."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from citizen_api.people.wishes import day_bounds
from notifications.rules import alert_day, due_at
from tests.notifications.makers import (
    DAY,
    at,
    decided,
    make_profile,
    make_standing,
    make_told,
    make_watch,
)

LYON = "69383"
ENDS_AT = at("27 00:00")


def said(decision):
    return (decision.action, decision.kind, decision.reason)


def test_the_evening_before_a_bad_day_a_device_that_asked_for_it_is_told_until_the_day_ends():
    decision = decided(at("25 17:00"), make_standing(4))
    assert said(decision) == ("tell", "alert", "above_wish")
    assert (decision.levels, decision.expires_at) == ({"air": 4}, ENDS_AT)
    assert decision.counts


def test_before_the_evening_nobody_is_told():
    assert said(decided(at("25 16:59"), make_standing(4))) == ("none", None, "not_due")


def test_a_level_below_the_wish_disturbs_nobody():
    assert said(decided(at("25 18:00"), make_standing(2))) == ("none", None, "below_wish")


def test_a_device_that_watches_nothing_is_told_nothing():
    assert said(decided(at("25 18:00"), make_standing(6), watches=())) == ("none", None, "below_wish")


def test_without_consent_nothing_is_sent_however_bad_it_is():
    assert said(decided(at("25 18:00"), make_standing(6), consents=False)) == ("none", None, "no_consent")


def test_what_is_not_known_is_neither_good_nor_bad():
    assert said(decided(at("25 18:00"))) == ("none", None, "unknown")


def test_a_watch_of_the_day_itself_is_told_at_its_morning_brief():
    watch = make_watch(when="today")
    profile = make_profile(brief_at=time(8, 30))
    assert said(decided(at("26 08:29"), make_standing(), watches=(watch,), profile=profile))[2] == "not_due"
    assert said(decided(at("26 08:30"), make_standing(), watches=(watch,), profile=profile))[0] == "tell"


@pytest.mark.parametrize("when", ["today", "evening_before"])
def test_what_becomes_known_too_late_for_its_moment_is_told_when_it_is_known(when):
    decision = decided(at("26 11:00"), make_standing(since=at("26 10:55")), watches=(make_watch(when=when),))
    assert decision.action == "tell"


def test_quiet_hours_hold_a_message_until_they_end():
    decision = decided(at("25 22:00"), make_standing())
    assert (said(decision), decision.again_at) == (("hold", "alert", "quiet"), at("26 07:00"))
    assert said(decided(at("26 07:00"), make_standing()))[:2] == ("tell", "alert")


def test_a_held_message_that_is_not_true_any_more_when_they_end_is_not_sent():
    assert said(decided(at("26 07:00"), make_standing(2)))[0] == "none"


def test_quiet_hours_drop_a_message_that_will_be_over_when_they_end():
    tonight = make_standing(starts_at=at("25 23:00"), ends_at=at("26 06:00"))
    assert said(decided(at("25 23:00"), tonight)) == ("drop", "alert", "quiet_dropped")


@pytest.mark.parametrize(
    ("passes", "tier", "action"),
    [(True, "alert", "tell"), (True, "information", "hold"), (True, None, "hold"), (False, "alert", "hold")],
)
def test_only_an_alert_passes_quiet_hours_and_only_where_the_resident_wants_it(passes, tier, action):
    profile = make_profile(alerts_pass_quiet=passes)
    assert decided(at("25 23:00"), make_standing(5, tier=tier), profile=profile).action == action


def test_a_red_heat_warning_passes_as_an_alert_does():
    heat = make_standing(4, hazard="heat")
    watches = (make_watch(3, hazard="heat"),)
    assert decided(at("25 23:00"), heat, watches=watches, profile=make_profile(alerts_pass_quiet=True)).action == "tell"


def test_what_joins_an_alert_that_was_told_does_not_pass_on_its_account():
    watches = (make_watch(), make_watch(2, hazard="pollen"))
    told = make_told(air=5)
    alert = make_standing(5, tier="alert")
    profile = make_profile(alerts_pass_quiet=True)
    joined = decided(
        at("25 23:30"), alert, make_standing(4, hazard="pollen"), watches=watches, told=told, profile=profile
    )
    assert said(joined) == ("hold", "raised", "quiet")


def test_good_news_never_passes_quiet_hours():
    calm = make_standing(1, tier="alert")
    decision = decided(at("26 23:00"), calm, told=make_told(air=5), profile=make_profile(alerts_pass_quiet=True))
    assert decision.action in {"hold", "drop"}


def test_the_worst_of_a_devices_communes_speaks():
    watches = (make_watch(3), make_watch(3, commune=LYON))
    decision = decided(at("25 18:00"), make_standing(3), (LYON, make_standing(5)), watches=watches)
    assert decision.levels == {"air": 5}


def test_a_commune_below_its_own_watch_does_not_speak_beside_another():
    watches = (make_watch(3), make_watch(6, commune=LYON))
    decision = decided(at("25 18:00"), make_standing(3), (LYON, make_standing(5)), watches=watches)
    assert decision.levels == {"air": 3}


def test_several_hazards_become_one_message_and_air_goes_first():
    watches = (make_watch(2, hazard="pollen"), make_watch(3))
    decision = decided(at("25 18:00"), make_standing(3, hazard="pollen"), make_standing(4), watches=watches)
    assert list(decision.levels.items()) == [("air", 4), ("pollen", 3)]


def test_what_was_told_is_not_told_again():
    assert said(decided(at("25 19:00"), make_standing(4), told=make_told(air=4))) == ("none", None, "as_told")


def test_a_worse_revision_replaces_the_message_at_once():
    decision = decided(at("25 19:00"), make_standing(5, since=at("25 19:00")), told=make_told(air=4))
    assert (said(decision), decision.levels) == (("tell", "raised", "raised"), {"air": 5})


def test_a_further_hazard_replaces_the_message_and_names_both():
    watches = (make_watch(), make_watch(2, hazard="pollen"))
    told = make_told(air=4)
    decision = decided(at("25 19:00"), make_standing(4), make_standing(3, hazard="pollen"), watches=watches, told=told)
    assert (decision.kind, decision.levels) == ("raised", {"air": 4, "pollen": 3})


def test_a_better_revision_is_told_once_it_has_stood_for_an_hour():
    revised = make_standing(3, since=at("25 19:00"))
    waiting = decided(at("25 19:59"), revised, told=make_told(air=5))
    assert (said(waiting), waiting.again_at) == (("hold", None, "not_settled"), at("25 20:00"))
    decision = decided(at("25 20:00"), revised, told=make_told(air=5))
    assert (said(decision), decision.levels) == (("tell", "lowered", "lowered"), {"air": 3})
    assert not decision.counts


def test_a_level_that_swings_within_the_hour_disturbs_nobody_twice():
    assert said(decided(at("25 19:30"), make_standing(2, since=at("25 19:00")), told=make_told(air=3)))[0] == "hold"
    assert said(decided(at("25 19:45"), make_standing(3, since=at("25 19:40")), told=make_told(air=3)))[2] == "as_told"


def test_the_all_clear_goes_to_those_who_were_alerted_and_lasts_twelve_hours():
    calm = make_standing(2, since=at("26 09:00"))
    decision = decided(at("26 10:00"), calm, told=make_told(air=4))
    assert said(decision) == ("tell", "all_clear", "all_clear")
    assert (decision.levels, decision.expires_at) == ({}, at("26 22:00"))
    assert said(decided(at("26 10:00"), calm)) == ("none", None, "below_wish")


def test_the_all_clear_waits_for_the_end_of_quiet_hours_however_long_they_are():
    profile = make_profile(quiet="18:00-10:00")
    calm = make_standing(2, since=at("26 09:00"))
    decision = decided(at("26 18:30"), calm, told=make_told(at("28 00:00"), air=4), profile=profile)
    assert (said(decision), decision.again_at) == (("hold", "all_clear", "quiet"), at("27 10:00"))


def test_a_watch_at_the_least_level_is_told_every_day():
    watches = (make_watch(0, hazard="uv"),)
    decision = decided(at("25 18:00"), make_standing(0, hazard="uv"), watches=watches)
    assert (said(decision), decision.levels) == (("tell", "alert", "above_wish"), {"uv": 0})
    again = decided(at("25 19:00"), make_standing(0, hazard="uv"), watches=watches, told=make_told(uv=0))
    assert again.reason == "as_told"


def test_the_all_clear_is_said_once():
    assert said(decided(at("26 11:00"), make_standing(2), told=make_told())) == ("none", None, "below_wish")


def test_after_an_all_clear_a_bad_level_is_told_again():
    assert said(decided(at("26 12:00"), make_standing(4), told=make_told())) == ("tell", "alert", "above_wish")


def test_a_source_that_falls_silent_is_no_all_clear():
    assert said(decided(at("26 10:00"), told=make_told(air=4))) == ("none", None, "as_told")


def test_what_is_told_does_not_get_better_while_one_of_the_places_is_unknown():
    watches = (make_watch(3), make_watch(3, commune=LYON))
    assert said(decided(at("26 10:00"), make_standing(3), watches=watches, told=make_told(air=5)))[2] == "as_told"


def test_a_source_that_falls_silent_does_not_keep_back_the_good_news_of_another():
    watches = (make_watch(), make_watch(2, hazard="pollen"))
    told = make_told(air=4, pollen=3)
    decision = decided(at("26 10:00"), make_standing(1), watches=watches, told=told)
    assert (said(decision), decision.levels) == (("tell", "lowered", "lowered"), {"pollen": 3})
    assert decision.expires_at == ENDS_AT
    assert said(decided(at("26 10:00"), watches=watches, told=told)) == ("none", None, "as_told")


def test_what_is_unknown_stands_as_it_was_told_beside_a_hazard_that_joins():
    watches = (make_watch(), make_watch(2, hazard="pollen"), make_watch(6, hazard="uv"))
    told = make_told(air=4, pollen=3)
    sunny = make_standing(7, hazard="uv")
    decision = decided(at("26 10:00"), make_standing(1), sunny, watches=watches, told=told)
    assert (decision.kind, decision.levels) == ("raised", {"pollen": 3, "uv": 7})


def test_a_fall_that_has_not_stood_an_hour_stays_as_it_was_told_beside_a_hazard_that_joins():
    watches = (make_watch(), make_watch(2, hazard="pollen"))
    fallen = make_standing(4, since=at("25 18:55"))
    decision = decided(
        at("25 19:00"), fallen, make_standing(4, hazard="pollen"), watches=watches, told=make_told(air=5)
    )
    assert (decision.kind, decision.levels) == ("raised", {"air": 5, "pollen": 4})


def test_of_two_hazards_that_get_better_the_one_that_has_stood_an_hour_is_told_first():
    watches = (make_watch(), make_watch(2, hazard="pollen"))
    told = make_told(air=5, pollen=4)
    air = make_standing(1, since=at("26 08:00"))
    pollen = make_standing(0, hazard="pollen", since=at("26 09:30"))
    first = decided(at("26 10:00"), air, pollen, watches=watches, told=told)
    assert (first.kind, first.levels) == ("lowered", {"pollen": 4})
    then = decided(at("26 10:30"), air, pollen, watches=watches, told=make_told(pollen=4))
    assert then.kind == "all_clear"


def test_any_further_change_of_a_better_level_starts_its_hour_anew():
    fallen = make_standing(3, since=at("26 10:40"))
    assert decided(at("26 11:20"), fallen, told=make_told(air=5)).again_at == at("26 11:40")


def test_one_hazard_gone_and_one_left_lowers_the_message():
    watches = (make_watch(), make_watch(2, hazard="pollen"))
    told = make_told(air=4, pollen=3)
    decision = decided(at("26 10:00"), make_standing(1), make_standing(3, hazard="pollen"), watches=watches, told=told)
    assert (decision.kind, decision.levels) == ("lowered", {"pollen": 3})


def test_a_hazard_that_is_not_watched_any_more_is_not_mentioned_again():
    told = make_told(pollen=5)
    assert said(decided(at("26 10:00"), make_standing(2), told=told)) == ("none", None, "below_wish")


def test_when_the_day_is_over_nobody_hears_of_it_any_more():
    told = make_told(expires_at=at("26 09:00"), air=4)
    calm = make_standing(2, since=at("26 08:00"))
    assert said(decided(at("26 10:00"), calm, told=told)) == ("none", None, "over")
    assert decided(at("26 10:00"), make_standing(5), told=told).kind == "raised"


@pytest.mark.parametrize(("today", "week"), [(3, 3), (0, 10), (4, 11)])
def test_the_caps_of_the_day_and_of_the_week_hold(today, week):
    decision = decided(at("25 18:00"), make_standing(6), sent_today=today, sent_in_week=week)
    assert said(decision) == ("drop", "alert", "capped")


def test_just_below_both_caps_a_message_goes_out():
    assert decided(at("25 18:00"), make_standing(6), sent_today=2, sent_in_week=9).action == "tell"


def test_the_caps_never_keep_an_all_clear_back():
    decision = decided(at("26 10:00"), make_standing(2), told=make_told(air=4), sent_today=9, sent_in_week=99)
    assert decision.kind == "all_clear"


@pytest.mark.parametrize(
    ("starts_at", "day"),
    [
        (datetime(2026, 11, 25, 23, 0, tzinfo=UTC), date(2026, 11, 26)),  # midnight in Paris
        (datetime(2026, 11, 26, 15, 59, tzinfo=UTC), date(2026, 11, 26)),
        (datetime(2026, 11, 26, 16, 0, tzinfo=UTC), date(2026, 11, 27)),  # 17:00 in Paris
        (datetime(2023, 2, 8, 22, 0, tzinfo=UTC), date(2023, 2, 9)),
    ],
)
def test_what_begins_in_the_evening_belongs_to_the_next_day(starts_at, day):
    assert alert_day(starts_at, zone="Europe/Paris") == day


def test_midnight_overseas_is_the_places_own():
    assert alert_day(datetime(2026, 11, 25, 20, 0, tzinfo=UTC), zone="Indian/Reunion") == DAY
    assert alert_day(datetime(2026, 11, 26, 10, 0, tzinfo=UTC), zone="Pacific/Tahiti") == DAY


@pytest.mark.parametrize(
    ("zone", "day", "evening", "brief"),
    [
        # The night in which Paris changes to summer time, and the one in which it changes back.
        ("Europe/Paris", date(2026, 3, 29), "2026-03-28T16:00", "2026-03-29T05:15"),
        ("Europe/Paris", date(2026, 3, 30), "2026-03-29T15:00", "2026-03-30T05:15"),
        ("Europe/Paris", date(2026, 10, 25), "2026-10-24T15:00", "2026-10-25T06:15"),
        ("Europe/Paris", date(2026, 10, 26), "2026-10-25T16:00", "2026-10-26T06:15"),
        ("Indian/Reunion", DAY, "2026-11-25T13:00", "2026-11-26T03:15"),
        ("America/Guadeloupe", DAY, "2026-11-25T21:00", "2026-11-26T11:15"),
        ("America/Miquelon", date(2026, 3, 8), "2026-03-07T20:00", "2026-03-08T09:15"),
        ("Pacific/Tahiti", DAY, "2026-11-26T03:00", "2026-11-26T17:15"),
    ],
)
def test_watches_are_due_by_the_devices_own_clock_over_clock_changes_and_overseas(zone, day, evening, brief):
    profile = make_profile(zone=zone)
    starts_at, _ = day_bounds(day, zone=zone)
    due = [due_at(when, starts_at, profile).isoformat()[:16] for when in ("evening_before", "today")]
    assert due == [evening, brief]


def test_what_begins_tonight_is_due_this_evening():
    profile = make_profile()
    assert due_at("evening_before", at("25 23:00"), profile) == at("25 17:00")
    assert due_at("evening_before", at("25 17:00"), profile) == at("25 17:00")
    assert due_at("today", at("25 18:00"), profile) == at("25 07:15")
    assert due_at("today", at("25 23:00"), profile) == at("26 07:15")


def test_the_day_of_a_place_far_away_is_told_on_the_morning_nearest_to_its_beginning():
    profile = make_profile()
    reunion, tahiti = (day_bounds(DAY, zone=zone)[0] for zone in ("Indian/Reunion", "Pacific/Tahiti"))
    assert due_at("today", reunion, profile) == at("26 07:15")
    assert due_at("today", tahiti, profile) == at("26 07:15")
    from_tahiti = due_at("today", day_bounds(DAY, zone="Europe/Paris")[0], make_profile(zone="Pacific/Tahiti"))
    assert from_tahiti == datetime(2026, 11, 25, 17, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        (datetime(2026, 10, 24, 21, 0, tzinfo=UTC), datetime(2026, 10, 25, 6, 0, tzinfo=UTC)),
        (datetime(2026, 3, 28, 22, 0, tzinfo=UTC), datetime(2026, 3, 29, 5, 0, tzinfo=UTC)),
    ],
)
def test_a_message_held_over_a_clock_change_goes_out_at_seven_by_the_clock(now, until):
    day = (now + timedelta(days=1)).date()
    decision = decided(now, make_standing(day=day))
    assert (decision.action, decision.again_at) == ("hold", until)
    assert decided(until, make_standing(day=day)).action == "tell"


def test_a_watch_from_overseas_waits_for_the_evening_there():
    profile = make_profile(zone="America/Guadeloupe", quiet=None)
    guadeloupe = make_standing(starts_at=datetime(2026, 11, 26, 4, tzinfo=UTC))
    assert decided(datetime(2026, 11, 25, 20, 59, tzinfo=UTC), guadeloupe, profile=profile).reason == "not_due"
    assert decided(datetime(2026, 11, 25, 21, 0, tzinfo=UTC), guadeloupe, profile=profile).action == "tell"
