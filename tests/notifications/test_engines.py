"""What every engine must do: the embedded one, and Celery on Redis and on RabbitMQ. Senders are processes."""

import sys
from collections import Counter

import pytest

from citizen_api.core.clock import system_clock
from notifications.wave_actions import stop_messages, stop_wave
from tests.doubles.fcm import FcmDouble
from tests.notifications.engine_rig import CELERY, ENGINES, end, kill, ready_database_url, running_rig, wait_until

pytestmark = pytest.mark.whole


@pytest.fixture(scope="module")
def ground(worker, tmp_path_factory):
    """A database and a push service, which all rigs use in turn."""
    folder = tmp_path_factory.mktemp("ground")
    with ready_database_url(f"alentours_engines_{worker}", folder) as url, FcmDouble(folder=folder) as double:
        yield url, double


@pytest.fixture(scope="module", params=ENGINES)
def started_rig(request, ground, tmp_path_factory):
    url, double = ground
    with running_rig(request.param, url, tmp_path_factory.mktemp("rig"), double) as rig:
        yield rig


@pytest.fixture
def rig(started_rig):
    """An installation with two senders and a push service that is well."""
    started_rig.ensure(2)
    yield started_rig
    sys.stdout.write(started_rig.log()[-2_000:])  # shown with a test that fails
    started_rig.double.heal()
    started_rig.double.latency_s = 0.0


def test_every_message_is_sent_once_and_the_wave_balances_and_settles(rig):
    wave = rig.plan("once", devices=200, chunk=7)
    rig.wait_until_settled(wave)
    assert rig.states(wave) == {"accepted": 200}
    assert rig.shown(wave) == [1] * 200


def test_what_the_push_service_does_not_take_now_is_tried_again_until_it_does(rig):
    rig.double.fail("unavailable", times=15)
    wave = rig.plan("again", devices=40, chunk=7)
    rig.wait_until_settled(wave)
    assert rig.states(wave) == {"accepted": 40}
    assert rig.shown(wave) == [1] * 40


def test_two_senders_share_what_is_planned(rig):
    rig.double.latency_s = 0.3
    waves = rig.occupy_all("shared")
    rig.double.latency_s = 0.0
    for wave in waves:
        rig.wait_until_settled(wave)
        assert rig.shown(wave) == [1] * 40


def test_what_a_killed_sender_had_is_finished_by_another(rig):
    rig.double.latency_s = 1.0
    waves = rig.occupy_all("killed")
    kill(rig.senders[0])
    rig.double.latency_s = 0.0
    for wave in waves:
        rig.wait_until_settled(wave)
        assert rig.states(wave) == {"accepted": 40}
        # What had gone out when it died goes out again, to the same place on the screen.
        assert len(rig.shown(wave)) == 40


def test_an_alert_overtakes_a_campaign_that_can_still_be_stopped(rig):
    rig.double.latency_s = 0.5
    campaign = rig.plan("campaign", devices=200, chunk=1, lane="campaigns")
    wait_until(lambda: rig.shown(campaign))
    alert = rig.plan("alert", devices=10, chunk=2)
    rig.wait_until_settled(alert)
    assert rig.states(alert) == {"accepted": 10}
    assert rig.states(campaign)["pending"] > 100
    now = system_clock()
    with rig.database.session() as session:
        stop_wave(session, session.merge(campaign, load=False), reason=None, now=now)
    stop_messages(rig.database, campaign.id, now=now)
    rig.wait_until_settled(campaign)
    states = rig.states(campaign)
    assert sum(states.values()) == 200
    assert states["stopped"] > 100
    assert Counter(rig.shown(campaign)) == {1: states["accepted"]}


def test_senders_that_are_told_to_end_finish_what_they_have_in_hand(rig):
    rig.double.latency_s = 1.0
    waves = rig.occupy_all("ended")
    assert end(rig.senders) == [0, 0]
    for wave in waves:
        assert set(rig.leases(wave)) <= {None}
        accepted = rig.states(wave).get("accepted", 0)
        assert rig.shown(wave) == [1] * accepted


@pytest.mark.parametrize("started_rig", CELERY, indirect=True, scope="module")
def test_ids_that_are_lost_are_handed_over_again(rig):
    rig.double.latency_s = 0.5
    wave = rig.plan("lost", devices=40, chunk=1)
    wait_until(lambda: rig.lose_ids() > 10)
    rig.double.latency_s = 0.0
    rig.wait_until_settled(wave)
    assert rig.states(wave) == {"accepted": 40}
    assert rig.shown(wave) == [1] * 40


@pytest.mark.parametrize("started_rig", CELERY, indirect=True, scope="module")
def test_ids_that_come_many_times_send_nothing_twice(rig):
    rig.double.latency_s = 0.2
    wave = rig.plan("doubled", devices=20, chunk=1)
    rig.hand_over(rig.chunks(wave) * 5)
    rig.wait_until_settled(wave)
    rig.hand_over(rig.chunks(wave))
    wait_until(lambda: not rig.waiting())
    assert rig.states(wave) == {"accepted": 20}
    assert rig.shown(wave) == [1] * 20
