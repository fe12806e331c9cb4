"""The clock jumps in the middle of a wave, and a process comes back when the alert is over."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from tests.faults.town import OVER, START

SLOW = {"ALENTOURS_PUSH_RATE_PER_S": "200"}

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("hours", [1, -1])
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_clock_that_jumps_by_an_hour_loses_nothing(make_town, record_property, kind, hours):
    town = make_town(kind, **SLOW)
    town.pollute()
    town.run("background")
    town.wait_for_arrivals(150)
    town.clock.jump(timedelta(hours=hours))
    jumped_at_s = time.monotonic()
    town.wait_until_settled()
    record_property("settled_after_s", round(time.monotonic() - jumped_at_s, 1))
    town.assert_kept()


def test_nothing_is_sent_once_the_alert_is_over(make_town):
    town = make_town(ALENTOURS_PUSH_RATE_PER_S="100")
    town.be_awake()
    town.run("background")
    town.wait_for_readiness(1)
    town.clock.jump(OVER - timedelta(seconds=3) - town.clock())
    town.plan(at=START)
    town.wait_until_settled()
    states = town.states()
    assert states["expired"] > 0, states
    assert states["accepted"] == town.double.accepted == len(town.arrivals) > 0
    town.assert_kept(states={state: states[state] for state in ("accepted", "expired")})


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("step", ["claim.committed", "send.first_answer"])
def test_a_process_that_comes_back_too_late_sends_nothing(make_town, step):
    town = make_town(ALENTOURS_PUSH_RATE_PER_S="200")
    town.plan()
    town.wait_for_death(town.run("background", fate=town.fate(step)))
    sent = len(town.arrivals)
    town.clock.jump(OVER + timedelta(seconds=1) - town.clock())
    town.run("background")
    town.wait_until_settled()
    assert len(town.arrivals) == sent
    states = town.states()
    # What its sender may have sent is not said to be expired.
    assert states["uncertain"] >= max(1, sent - states["accepted"])
    assert states["expired"] > 0, states
    town.assert_kept(states={state: states[state] for state in ("accepted", "expired", "uncertain") if states[state]})
