"""What the processes lean on is gone in the middle of a wave, and comes back: the database, the broker, FCM."""

from __future__ import annotations

import time

import pytest

from tests.faults.private_services import PrivateRabbitmq

SLOW = {"ALENTOURS_PUSH_RATE_PER_S": "200"}
AWAY_S = 1.0
ONE = ("--concurrency", "1")

pytestmark = [pytest.mark.faults, pytest.mark.usefixtures("small_chunks")]


def see_through(town, restart, record_property):
    """Break something in the middle of the wave, and see it through."""
    town.wait_for_arrivals(150)
    assert len(town.arrivals) < len(town.ids)
    restart()
    back_at_s, count = time.monotonic(), len(town.arrivals)
    town.wait_until_settled()
    later = [arrived_s - back_at_s for arrived_s, _ in town.arrivals[count:]]
    if later:
        record_property("went_on_after_s", round(later[0], 1))
    record_property("settled_after_s", round(time.monotonic() - back_at_s, 1))


def see_through_without_broker(town, broker, record_property):
    """One id in the hands of a worker is enough for the rest of a wave; the next wave needs the broker again."""
    town.plan(4)
    town.run("background")
    town.run("worker", *ONE)
    see_through(town, lambda: broker.restart(away_s=AWAY_S), record_property)
    town.plan(5)
    planned_at_s, count = time.monotonic(), len(town.arrivals)
    town.wait_for_arrivals(count + 1)
    record_property("next_wave_after_s", round(time.monotonic() - planned_at_s, 1))
    town.wait_until_settled(2)
    town.assert_kept(waves=2)
    assert set(town.double.shown.values()) == {2}


def test_postgresql_crashes_and_the_embedded_engine_goes_on(make_town, postgresql, record_property):
    town = make_town("postgresql", **SLOW)
    town.plan()
    town.run("background")
    see_through(town, lambda: postgresql.restart(away_s=AWAY_S), record_property)
    town.assert_kept()


def test_postgresql_crashes_and_celery_goes_on(make_celery_town, postgresql, record_property):
    town = make_celery_town(**SLOW)
    town.plan()
    town.run("background")
    town.run("worker", *ONE)
    see_through(town, lambda: postgresql.restart(away_s=AWAY_S), record_property)
    town.assert_kept()


def test_redis_forgets_everything_and_celery_goes_on(make_celery_town, redis, record_property):
    see_through_without_broker(make_celery_town(**SLOW), redis, record_property)


def test_rabbitmq_crashes_and_celery_goes_on(make_celery_town, record_property):
    with PrivateRabbitmq() as rabbitmq:
        town = make_celery_town(broker=rabbitmq.url, **SLOW)
        see_through_without_broker(town, rabbitmq, record_property)
        town.close()


def test_fcm_is_away_and_everything_waits_for_it(make_town, record_property):
    town = make_town(**SLOW)
    town.plan()
    town.run("background")

    def restart():
        town.double.stop()
        time.sleep(AWAY_S)
        town.double.start()

    see_through(town, restart, record_property)
    town.assert_kept()
