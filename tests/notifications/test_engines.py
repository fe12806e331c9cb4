"""What every engine must do: the embedded one, and Celery on Redis and on RabbitMQ. Senders are processes."""

from collections import Counter

import pytest

from citizen_api.core.clock import system_clock
from notifications.wave_actions import stop_messages, stop_wave
from tests.doubles.fcm import FcmDouble
from tests.notifications.engine_rig import ENGINES, end, kill, ready_database_url, running_rig, wait_until

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


def test_two_senders_share_a_wave(rig):
    rig.double.latency_s = 0.3
    wave = rig.plan("shared", devices=40, chunk=1)
    names = set()
    wait_until(lambda: names.update(rig.owners()) or len(names) > rig.names_of_one)
    rig.double.latency_s = 0.0
    rig.wait_until_settled(wave)
    assert rig.shown(wave) == [1] * 40


def test_what_a_killed_sender_had_is_finished_by_another(rig):
    rig.double.latency_s = 1.0
    wave = rig.plan("killed", devices=40, chunk=2)
    wait_until(lambda: len(rig.owners()) > rig.names_of_one)
    kill(rig.senders[0])
    rig.double.latency_s = 0.0
    rig.wait_until_settled(wave)
    assert rig.states(wave) == {"accepted": 40}
    # What had gone out when it died goes out again, to the same place on the screen.
    assert len(rig.shown(wave)) == 40


def test_an_alert_overtakes_a_campaign_that_can_still_be_stopped(rig):
    rig.double.latency_s = 0.5
    campaign = rig.plan("campaign", devices=200, chunk=1, lane="campaigns")
    wait_until(rig.owners)
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
    wave = rig.plan("ended", devices=60, chunk=1)
    wait_until(lambda: rig.shown(wave))
    assert end(rig.senders) == [0, 0]
    assert set(rig.leases(wave)) == {None}
    states = rig.states(wave)
    assert set(states) == {"accepted", "pending"}
    assert Counter(rig.shown(wave)) == {1: states["accepted"]}
