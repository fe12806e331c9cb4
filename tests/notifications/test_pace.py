"""One rate for everything together, whoever sends."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from notifications.models import Pace
from notifications.pace import Pacer
from tests.notifications.ledger_makers import NOW

SECOND = timedelta(seconds=1)


@pytest.fixture
def pacer(database, clock):
    clock.moment = NOW
    return Pacer(database, rate_per_s=1_000, clock=clock)


def sent_in(clock, span, *takers, lane="alerts"):
    """How many messages a loop sends in some time that takes its turns as they come, by several takers in turn."""
    end, sent, number = clock() + span, 0, 0
    while True:
        turn = takers[number % len(takers)].take(10_000, lane=lane)
        number += 1
        clock.moment += timedelta(seconds=turn.wait_s)
        if clock() >= end:
            return sent
        sent += turn.count


def test_the_rate_is_kept(pacer, clock):
    assert sent_in(clock, 10 * SECOND, pacer) == pytest.approx(10_000, rel=0.02)


def test_two_processes_share_it(pacer, database, clock):
    other = Pacer(database, rate_per_s=1_000, clock=clock)
    assert sent_in(clock, 10 * SECOND, pacer, other) == pytest.approx(10_000, rel=0.02)


def test_campaigns_use_a_part_of_it_and_leave_the_rest_to_alerts(pacer, clock):
    assert sent_in(clock, 10 * SECOND, pacer, lane="campaigns") == pytest.approx(7_000, rel=0.03)
    for _ in range(3):
        pacer.take(100, lane="campaigns")
    assert pacer.take(100, lane="alerts").wait_s <= 0.3
    assert pacer.take(100, lane="campaigns").wait_s > 0.4


def test_what_was_not_used_is_made_up_for_only_shortly(pacer, clock):
    pacer.take(1, lane="alerts")
    clock.moment += timedelta(hours=1)
    turns = [pacer.take(100, lane="alerts") for _ in range(3)]
    assert [turn.wait_s for turn in turns] == [0, 0, pytest.approx(0.1)]


def test_a_turn_is_never_far_ahead(pacer):
    turns = [pacer.take(100, lane="alerts") for _ in range(40)]
    assert turns[-1].count == 0
    assert max(turn.wait_s for turn in turns) <= 2


def test_the_rate_is_halved_once_however_many_refusals_come_together(pacer, clock):
    for _ in range(50):
        pacer.slow_down(None)
    assert sent_in(clock, 5 * SECOND, pacer) == pytest.approx(2_500, rel=0.05)


def test_it_is_not_lowered_without_end(pacer, clock):
    for _ in range(30):
        clock.moment += 2 * SECOND
        pacer.slow_down(None)
    assert sent_in(clock, 5 * SECOND, pacer) == pytest.approx(50, rel=0.1)


def test_it_is_raised_again_slowly_and_never_above_the_setting(pacer, clock):
    pacer.slow_down(None)
    clock.moment += 10 * SECOND
    assert sent_in(clock, 5 * SECOND, pacer) == pytest.approx(3_000, rel=0.05)
    clock.moment += timedelta(minutes=5)
    assert sent_in(clock, 5 * SECOND, pacer) == pytest.approx(5_000, rel=0.05)


def test_a_pause_that_was_asked_for_is_kept(pacer, clock):
    pacer.slow_down(60)
    pacer.slow_down(30)
    clock.moment += 59 * SECOND
    assert pacer.take(10, lane="alerts").count == 0
    clock.moment += SECOND
    assert pacer.take(10, lane="alerts").count == 10


def test_the_setting_decides_when_it_was_lowered(pacer, database, clock):
    pacer.take(1, lane="alerts")
    assert sent_in(clock, 5 * SECOND, Pacer(database, rate_per_s=100, clock=clock)) == pytest.approx(500, rel=0.1)


@pytest.mark.parametrize("column", ["free_at", "campaigns_free_at", "paused_until", "changed_at"])
def test_a_clock_that_jumped_back_holds_up_nothing(pacer, session, column):
    pacer.take(10, lane="campaigns")
    session.execute(update(Pace).values({column: NOW + timedelta(days=1)}))
    session.commit()
    turn = pacer.take(10, lane="campaigns")
    assert turn.count == 10
    assert turn.wait_s < 1
    pacer.slow_down(None)


def test_a_clock_that_jumped_ahead_gives_no_more_than_a_burst(pacer, clock):
    pacer.take(10, lane="alerts")
    clock.moment += timedelta(days=1)
    assert sent_in(clock, SECOND, pacer) <= 1_200
