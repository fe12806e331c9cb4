"""Several processes on one wave: each message goes out once, and whoever leaves is replaced."""

from __future__ import annotations

import signal
import time

import pytest

from notifications.outbox import LEASE

SLOW = {"ALENTOURS_PUSH_RATE_PER_S": "300"}
"""So that a wave takes some seconds."""
pytestmark = pytest.mark.faults


def assert_each_once(town, *, waves):
    town.assert_kept(waves=waves)
    assert set(town.double.shown.values()) == {waves}
    assert town.double.count == waves * len(town.ids)


@pytest.mark.parametrize("count", [2, 5])
@pytest.mark.usefixtures("small_chunks")
def test_processes_that_plan_and_send_together_send_each_message_once(make_town, count):
    town = make_town("postgresql", **SLOW)
    for _ in range(count):
        town.run("background")
    town.wait_for_readiness(count)
    town.pollute(4)
    town.wait_until_settled()
    town.plan(5)
    town.wait_until_settled(2)
    assert_each_once(town, waves=2)
    assert len(town.watcher.owners) == count


@pytest.mark.parametrize("count", [2, 5])
@pytest.mark.usefixtures("small_chunks")
def test_celery_workers_on_one_wave_send_each_message_once(make_celery_town, count):
    town = make_celery_town(ALENTOURS_LOG_LEVEL="INFO", **SLOW)
    for _ in range(count):
        town.run("worker", "--concurrency", "1")
    town.wait_for_workers(count)
    town.plan()
    town.run("background")
    town.wait_until_settled()
    assert_each_once(town, waves=1)
    assert len(town.watcher.owners) >= count


@pytest.mark.usefixtures("small_chunks")
def test_two_of_five_celery_workers_are_killed_in_the_middle_of_a_wave(make_celery_town, record_property):
    town = make_celery_town(**SLOW)
    workers = [town.run("worker", "--concurrency", "1") for _ in range(5)]
    town.plan()
    town.run("background")
    town.wait_for_arrivals(200)
    for worker in workers[:2]:
        worker.kill()
    killed_at_s = time.monotonic()
    town.wait_until_settled()
    record_property("settled_after_s", round(time.monotonic() - killed_at_s, 1))
    town.assert_kept()


def test_a_process_that_was_frozen_wakes_up_and_harms_nothing(make_town):
    town = make_town("postgresql")
    town.plan()
    frozen = town.run("background", fate=town.fate("send.first_answer", number=signal.SIGSTOP))
    town.wait_for_death()
    town.run("background")
    time.sleep(LEASE.total_seconds() + 2)
    frozen.send_signal(signal.SIGCONT)
    town.wait_until_settled()
    town.assert_kept()
