"""The state machine of a handoff: who may move it, and how long it lives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.teleconsult import handoff_rules as rules

NOW = datetime(2026, 11, 22, 21, 40, tzinfo=UTC)
NOW_S = int(NOW.timestamp())
WHO = (rules.RESIDENT, rules.PROVIDER, rules.SYSTEM)


def test_what_has_ended_never_moves_again():
    assert not [move for move in product(rules.ENDS, rules.STATES, WHO) if rules.may_move(*move)]


def test_every_state_can_be_reached_and_left_to_an_end():
    reached = {became for _, became in rules.MOVES} | {rules.MADE}
    assert reached == set(rules.STATES)
    assert {state for state in rules.STATES if not any(was == state for was, _ in rules.MOVES)} == rules.ENDS


def test_whatever_lives_expires_in_the_end():
    assert all(rules.may_move(state, rules.EXPIRED, rules.SYSTEM) for state in set(rules.STATES) - rules.ENDS)


@pytest.mark.parametrize(
    ("state", "became", "by"),
    [
        ("opened", "booked", "resident"),
        ("opened", "booked", "provider"),
        ("opened", "too_late", "resident"),
        ("opened", "failed", "resident"),
        ("made", "cancelled", "resident"),
        ("booked", "booked", "provider"),
        ("booked", "completed", "provider"),
        ("made", "gone", "system"),
        ("gone", "expired", "system"),
    ],
)
def test_a_move_is_whose_it_is(state, became, by):
    assert [who for who in WHO if rules.may_move(state, became, who)].count(by) == 1


@pytest.mark.parametrize(
    ("state", "became", "by"),
    [
        ("made", "booked", "provider"),
        ("made", "completed", "provider"),
        ("opened", "completed", "provider"),
        ("opened", "cancelled", "provider"),
        ("opened", "expired", "provider"),
        ("booked", "opened", "system"),
        ("booked", "booked", "resident"),
        ("booked", "too_late", "resident"),
        ("made", "made", "system"),
        ("opened", "opened", "system"),
        ("gone", "booked", "resident"),
        ("nowhere", "booked", "provider"),
    ],
)
def test_any_other_move_is_nobodys(state, became, by):
    assert not rules.may_move(state, became, by)


@pytest.mark.parametrize(
    ("state", "became", "same_times", "repeated"),
    [
        ("cancelled", "cancelled", True, True),
        ("booked", "booked", True, True),
        ("booked", "booked", False, False),
        ("opened", "opened", True, False),
        ("opened", "booked", True, False),
    ],
)
def test_only_what_says_the_same_again_is_a_repetition(state, became, same_times, repeated):
    assert rules.is_repeated(state, became, same_times=same_times) == repeated


@pytest.mark.parametrize(
    ("state", "left_s", "shown"),
    [
        ("made", 1, "made"),
        ("made", 0, "expired"),
        ("booked", -1, "expired"),
        ("gone", -1, "expired"),
        ("failed", -1, "failed"),
    ],
)
def test_what_is_over_its_time_counts_as_expired(state, left_s, shown):
    assert rules.state_at(state, NOW + timedelta(seconds=left_s), NOW) == shown


@pytest.mark.parametrize(
    ("state", "starts_s", "ends_s", "lasts"),
    [
        ("made", NOW_S + 9_000, NOW_S + 9_900, timedelta(hours=2)),
        ("opened", NOW_S + 9_000, NOW_S + 9_900, timedelta(hours=24)),
        ("booked", NOW_S + 9_000, NOW_S + 9_900, timedelta(days=1, seconds=9_900)),
        ("booked", NOW_S + 9_000, None, timedelta(days=1, seconds=9_000)),
        ("booked", None, None, timedelta(days=7)),
        ("booked", NOW_S - 90_000, NOW_S - 89_000, timedelta(days=1)),
        ("gone", None, None, timedelta(hours=2)),
        ("failed", None, None, timedelta(days=60)),
    ],
)
def test_each_state_has_its_time(state, starts_s, ends_s, lasts):
    assert rules.expires_at(state, NOW, starts_s=starts_s, ends_s=ends_s) == NOW + lasts


@pytest.mark.parametrize(
    ("became", "starts_s", "early"),
    [
        ("completed", NOW_S + 1, True),
        ("completed", NOW_S, False),
        ("completed", None, False),
        ("cancelled", NOW_S + 1, False),
    ],
)
def test_nothing_is_over_before_it_began(became, starts_s, early):
    assert rules.is_too_early(became, starts_s, NOW) == early


@pytest.mark.parametrize(
    ("state", "age_s", "repeats"),
    [("made", 600, True), ("opened", 600, True), ("made", 601, False), ("booked", 0, False), ("gone", 0, False)],
)
def test_a_link_is_given_again_only_soon_and_while_it_leads_on(state, age_s, repeats):
    assert rules.may_repeat(state, NOW - timedelta(seconds=age_s), NOW) == repeats


@pytest.mark.parametrize(
    ("in_s", "kinds"),
    [(86_401, {"day", "hour"}), (86_400, {"hour"}), (3_601, {"hour"}), (3_600, set()), (-10, set())],
)
def test_only_reminders_to_come_are_set(in_s, kinds):
    assert set(rules.reminders_due(NOW_S + in_s, NOW)) == kinds


def test_a_reminder_is_due_so_long_before():
    starts = NOW + timedelta(days=3)

    assert rules.reminders_due(int(starts.timestamp()), NOW) == {
        "day": starts - timedelta(hours=24),
        "hour": starts - timedelta(hours=1),
    }


@given(st.lists(st.tuples(st.sampled_from(rules.STATES), st.sampled_from(WHO)), max_size=30))
def test_no_way_leads_out_of_an_end(moves):
    state, ended = rules.MADE, None
    for became, by in moves:
        if rules.may_move(state, became, by):
            assert ended is None
            state = became
            ended = state if state in rules.ENDS else None
