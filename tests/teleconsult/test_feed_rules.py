"""When a feed is asked again, whether it is believed, how old what it says is."""

from datetime import timedelta

import pytest

from citizen_api.teleconsult import feed_rules as rules
from citizen_api.teleconsult.feed_rules import Freshness, freshness
from tests.teleconsult.source_makers import HOUR, MINUTE, NOW


def fresh(age_s, *, synced_age_s=None, gone_rate=None):
    checked_at = None if age_s is None else NOW - timedelta(seconds=age_s)
    synced_at = None if synced_age_s is None else NOW - timedelta(seconds=synced_age_s)
    return freshness(checked_at, synced_at, NOW, stale_s=900, hidden_s=21_600, gone_rate=gone_rate)


@pytest.mark.parametrize(
    ("age_s", "state", "reason"),
    [
        (0, "fresh", None),
        (900, "fresh", None),
        (901, "stale", "old"),
        (21_600, "stale", "old"),
        (21_601, "hidden", "too_old"),
    ],
)
def test_what_was_confirmed_long_ago_is_stale_and_then_hidden(age_s, state, reason):
    assert fresh(age_s) == Freshness(age_s, state, reason)


def test_what_was_never_read_is_hidden():
    assert fresh(None) == Freshness(None, "hidden", "never_read")


def test_an_aggregator_is_as_old_as_its_own_source():
    assert fresh(10, synced_age_s=1_000) == Freshness(1_000, "stale", "old")


def test_a_source_that_is_younger_than_its_reading_makes_nothing_younger():
    assert fresh(1_000, synced_age_s=10) == Freshness(1_000, "stale", "old")


def test_a_clock_that_is_ahead_makes_nothing_younger_than_now():
    assert fresh(-30) == Freshness(0, "fresh", None)


@pytest.mark.parametrize(
    ("age_s", "gone_rate", "state", "reason"),
    [
        (180, 0.3, "fresh", None),
        (181, 0.3, "stale", "often_gone"),
        (181, 0.2, "fresh", None),
        (181, None, "fresh", None),
        (901, 0.3, "stale", "often_gone"),
        (21_601, 0.3, "hidden", "too_old"),
    ],
)
def test_a_feed_whose_slots_are_often_gone_is_stale_five_times_sooner_and_says_so(age_s, gone_rate, state, reason):
    assert fresh(age_s, gone_rate=gone_rate) == Freshness(age_s, state, reason)


@pytest.mark.parametrize(
    ("gone_rate", "known", "often"), [(None, False, False), (0.0, True, False), (0.21, True, True)]
)
def test_how_often_slots_are_gone_may_be_unknown(gone_rate, known, often):
    assert (rules.is_gone_rate_known(gone_rate), rules.is_often_gone(gone_rate)) == (known, often)


@pytest.mark.parametrize(("poll_s", "drawn", "wait_s"), [(60, 0, 60), (5, 0, 60), (300, 0, 300), (60, 1, 66)])
def test_a_feed_is_never_asked_more_often_than_once_a_minute(poll_s, drawn, wait_s):
    assert rules.wait_s(poll_s, drawn=drawn) == pytest.approx(wait_s)


@pytest.mark.parametrize(("failures", "wait_s"), [(1, 60), (2, 120), (3, 240), (4, 480), (5, 900), (9_999, 900)])
def test_a_feed_that_fails_is_asked_more_and_more_seldom(failures, wait_s):
    assert rules.wait_after_failure_s(failures, None, drawn=0) == wait_s


@pytest.mark.parametrize(("asked_s", "wait_s"), [(5, 60), (7_200, 7_200), (1e12, 86_400)])
def test_who_asks_to_be_left_alone_is_left_alone_but_not_for_ever(asked_s, wait_s):
    assert rules.wait_after_failure_s(1, asked_s, drawn=0) == wait_s


def test_five_failures_in_a_row_are_no_passing_trouble():
    assert [rules.is_broken(failures) for failures in (0, 4, 5)] == [False, False, True]


@pytest.mark.parametrize("poll_s", [60, 600, 86_400])
def test_a_feed_that_is_being_read_is_told_from_one_that_waits_for_its_turn(poll_s):
    longest = NOW + timedelta(seconds=rules.READING_S + rules.wait_s(poll_s, drawn=1.0))
    assert not rules.is_taken(None, NOW, poll_s)
    assert not rules.is_taken(longest, NOW, poll_s)
    assert rules.is_taken(rules.lease_until(NOW, poll_s), NOW, poll_s)


def test_a_feed_is_read_whole_once_an_hour():
    assert rules.is_whole_due(None, NOW)
    assert not rules.is_whole_due(NOW - HOUR + MINUTE, NOW)
    assert rules.is_whole_due(NOW - HOUR, NOW)


@pytest.mark.parametrize(
    ("known", "left", "shrunk"), [(20, 1, True), (20, 2, False), (19, 0, False), (1_000, 99, True), (1_000, 100, False)]
)
def test_less_than_a_tenth_of_twenty_slots_or_more_is_suspicious(known, left, shrunk):
    assert rules.is_shrunk(known=known, left=left) is shrunk


@pytest.mark.parametrize(
    ("held", "accepted", "believed"),
    [(None, False, False), (HOUR - MINUTE, False, False), (HOUR, False, True), (None, True, True)],
)
def test_what_is_suspicious_is_believed_after_an_hour_or_when_staff_accepts_it(held, accepted, believed):
    assert rules.is_believed(held and NOW - held, NOW, accepted=accepted) is believed


@pytest.mark.parametrize(
    ("read_s", "read_bytes", "cheap"),
    [(0.9, 1_999_999, True), (1.0, 10, False), (0.1, 2_000_000, False), (None, 10, False), (0.1, None, False)],
)
def test_only_what_is_read_in_a_moment_is_read_while_a_resident_waits(read_s, read_bytes, cheap):
    assert rules.is_cheap(read_s, read_bytes) is cheap


def test_what_was_said_less_than_a_minute_ago_is_not_asked_again():
    assert not rules.is_recheck_due(NOW - timedelta(seconds=59), NOW)
    assert rules.is_recheck_due(NOW - MINUTE, NOW)
