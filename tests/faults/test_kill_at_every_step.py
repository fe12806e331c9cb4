"""A process is killed at each step between a fact and a settled wave; another one goes on."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from notifications.steps import STEPS
from tests.faults.town import PROMISE_S, SLACK_S

ROOT = Path(__file__).parent.parent.parent
BEFORE_SENDING = (
    "plan.noticed",
    "plan.opened",
    "plan.slice_written",
    "hold.released",
    "claim.written",
    "claim.committed",
)
"""The first time that these are reached nothing has gone out, and so nothing goes out twice."""
OF_THE_TICKING_PROCESS = ("plan.", "hold.")
"""Celery's workers reach the others."""
ONE = ("--concurrency", "1")

pytestmark = pytest.mark.faults


def begin(town, step):
    """Give the processes something to do in which the step occurs."""
    if step == "hold.released":
        town.hold()
    else:
        town.pollute()


def assert_went_on(town, died_at_s, record_property, *, once=False):
    """Everything is accepted soon after the kill, and nothing is wrong."""
    last_s = max(arrived_s for arrived_s, _ in town.arrivals)
    if last_s > died_at_s:
        record_property("went_on_after_s", round(last_s - died_at_s, 1))
        assert last_s - died_at_s < PROMISE_S + SLACK_S
    record_property("settled_after_s", round(time.monotonic() - died_at_s, 1))
    town.assert_kept()
    assert max(town.double.shown.values()) <= (1 if once else 2)


@pytest.mark.parametrize("step", STEPS)
def test_killed_on_sqlite_the_next_process_goes_on(make_town, record_property, step):
    town = make_town()
    begin(town, step)
    victim = town.run("background", fate=town.fate(step))
    died_at_s = town.wait_for_death(victim)
    assert not victim.is_alive
    town.run("background")
    town.wait_until_settled()
    assert_went_on(town, died_at_s, record_property, once=step in BEFORE_SENDING)


@pytest.mark.parametrize("step", STEPS)
def test_killed_on_postgresql_with_celery_the_others_go_on(make_celery_town, record_property, step):
    town = make_celery_town()
    begin(town, step)
    if step.startswith(OF_THE_TICKING_PROCESS):
        town.run("worker", *ONE)
        died_at_s = town.wait_for_death(town.run("background", fate=town.fate(step)))
        town.run("background")
    else:
        # One of the worker's children: it gets another.
        town.run("worker", *ONE, fate=town.fate(step, takes_all=False))
        town.run("background")
        died_at_s = town.wait_for_death()
    town.wait_until_settled()
    assert_went_on(town, died_at_s, record_property, once=step in BEFORE_SENDING)


@pytest.mark.parametrize("step", ["plan.slice_committed", "claim.committed", "settle.written", "settle.committed"])
def test_killed_the_second_time_the_next_process_goes_on(make_town, record_property, step):
    town = make_town()
    begin(town, step)
    died_at_s = town.wait_for_death(town.run("background", fate=town.fate(step, nth=2)))
    town.run("background")
    town.wait_until_settled()
    assert_went_on(town, died_at_s, record_property)


@pytest.mark.parametrize(
    "test",
    [test_killed_on_sqlite_the_next_process_goes_on, test_killed_on_postgresql_with_celery_the_others_go_on],
)
def test_every_step_has_a_test_that_kills_there(test):
    (mark,) = (mark for mark in test.pytestmark if mark.name == "parametrize")
    assert mark.args == ("step", STEPS)


def test_every_step_is_reached_somewhere_in_the_code():
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "notifications").rglob("*.py"))
    assert sorted(set(re.findall(r'reached\("([a-z_.]+)"\)', code))) == sorted(STEPS)
