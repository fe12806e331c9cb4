"""FCM refuses, fails, hangs or finds fault, and each time the right thing is done, and no more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from citizen_api.people.device_models import QUARANTINED, RETIRED, Registration
from notifications.models import Wave

RATE_PER_S = 500
SLOW = {"ALENTOURS_PUSH_RATE_PER_S": str(RATE_PER_S)}
MINUTES = timedelta(minutes=2)
"""In which a rate that was lowered is the first again."""

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("kind", ["quota", "quota_silent"])
def test_a_storm_of_refusals_slows_all_down_and_loses_nothing(make_town, kind):
    town = make_town(**SLOW)
    town.double.fail(kind, share=0.5)
    town.pollute(4)
    town.run("background")
    town.wait_for(lambda: town.double.refused[kind] > 20, "refusals")
    town.wait_for(lambda: (town.rate_per_s() or RATE_PER_S) < RATE_PER_S, "a lower rate")
    town.double.heal()
    if kind == "quota_silent":  # no Retry-After: everything waits for a minute
        town.wait_until_quiet()
        town.clock.jump(MINUTES)
    town.wait_until_settled()
    assert town.double.count <= 3 * len(town.ids)
    # It is raised again by the time that goes by.
    town.clock.jump(MINUTES)
    town.pollute(5)
    town.wait_until_settled(2)
    assert town.rate_per_s() == RATE_PER_S
    assert town.double.count <= 4 * len(town.ids)
    town.assert_kept(waves=2)
    if kind == "quota":  # a clock that jumps lets leases end, and what is not known to be refused goes out again
        assert set(town.double.shown.values()) == {2}


def test_errors_cuts_and_silence_are_tried_again(make_town):
    town = make_town(ALENTOURS_PUSH_TIMEOUT_S="2", **SLOW)
    for kind in ("internal", "unavailable", "html"):
        town.double.fail(kind, times=20)
        # It says that it failed, and shows the message all the same.
        town.double.fail(kind, times=20, delivered=True)
    town.double.fail("hang", times=20)
    town.double.fail("cut", times=2)
    town.pollute()
    town.run("background")
    town.wait_until_settled()
    town.assert_kept()
    assert town.double.count <= 3 * len(town.ids)
    # What was shown twice is one message on the screen: the same tag.
    assert sum(times > 1 for times in town.double.shown.values()) >= 60


def test_exactly_the_dead_and_the_foreign_registrations_are_not_used_any_more(make_town):
    town = make_town()
    dead, foreign = town.ids[::70], town.ids[35::70]
    for kind, ids in (("unregistered", dead), ("wrong_sender", foreign)):
        for one in ids:
            town.double.fail(kind, token=f"{one}/fcm_token")
    town.pollute()
    town.run("background")
    town.wait_until_settled()
    lost = len(dead) + len(foreign)
    town.assert_kept(
        states={"accepted": len(town.ids) - lost, "dead": lost},
        registrations={"alive": len(town.ids) + 3 - lost, RETIRED: len(dead), QUARANTINED: len(foreign)},
    )
    with town.database.session(write=False) as session:
        states = dict(session.execute(select(Registration.device_id, Registration.state)).all())
    assert {one for one, state in states.items() if state == RETIRED} == set(dead)
    assert {one for one, state in states.items() if state == QUARANTINED} == set(foreign)


def test_a_malformed_payload_stops_its_wave_and_touches_no_registration(make_town):
    town = make_town(ALENTOURS_PUSH_RATE_PER_S="200")
    town.double.fail("bad_argument", token=f"{town.ids[250]}/fcm_token")
    town.pollute()
    town.run("background")
    town.wait_until_settled()
    states = town.states()
    assert states["stopped"] > 0
    assert set(states) <= {"accepted", "stopped", "uncertain", "no_registration"}
    assert town.double.count < len(town.ids)
    # What was accepted was, and what was not sent is not said to have been.
    assert states["accepted"] + states["uncertain"] >= town.double.accepted
    del states["no_registration"]
    town.assert_kept(states=states)
    with town.database.session(write=False) as session:
        assert session.scalars(select(Wave.stop_reason)).all() == ["malformed: INVALID_ARGUMENT"]
