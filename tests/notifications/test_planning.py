"""From facts to messages: noticed once, planned in slices, held and released."""

from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import func, select, update

from citizen_api.people.device_models import Device
from citizen_api.people.wishes import DEFAULT_PROFILE
from notifications import ledger, planning
from notifications.models import Chunk, Mark, Message, Outcome, Part, Slice, Wave
from notifications.planning import EVERYBODY, Scope, open_wave
from notifications.triggers.noticing import is_quiet, newest_fact, notice
from tests.notifications.city import quiet_night, watcher
from tests.notifications.makers import DAY, PARIS, at, make_profile
from tests.notifications.test_triggers_air import make_fact, store


def test_a_fact_becomes_a_message_for_each_device_that_it_concerns(city, session):
    watcher(session, "synthetic-told")
    watcher(session, "synthetic-calm", level=5)
    watcher(session, "synthetic-elsewhere", communes=("69383",))
    store(session, make_fact(4, details={"levels": {"pm25": 4}}))
    session.commit()
    assert city.tick() == 1
    assert city.messages() == [("synthetic-told", "pending", "alert", 4)]
    part = session.scalars(select(Part).join(Message, Message.air == Part.id)).one()
    assert (part.commune_code, part.hazard, part.cause, part.is_demo) == (PARIS, "air", "pm25", False)
    wave = session.scalars(select(Wave)).one()
    assert (wave.day, wave.tag, wave.lane, wave.settled_at) == (DAY, "alert-2026-11-26", "alerts", None)
    outcome = session.scalars(select(Outcome)).one()
    assert (outcome.reason, outcome.counts, outcome.expires_at) == ("above_wish", True, at("27 00:00"))


def test_the_same_facts_are_noticed_once(city, session):
    watcher(session, "synthetic-told")
    store(session, make_fact(4))
    session.commit()
    assert [city.tick(), city.tick(), city.tick("25 18:01")] == [1, 0, 0]
    assert len(city.messages()) == 1


def test_a_fact_that_becomes_visible_after_a_newer_one_is_noticed_too(city, session):
    watcher(session, "synthetic-told")
    store(session, make_fact(1, zone=("commune", "69383")), make_fact(4))
    late = newest_fact(session)
    mark = Mark(subject="air", upto=0, beyond=[late], looked_at=at("25 18:00"))
    session.add(mark)
    session.commit()
    city.tick()
    session.refresh(mark)
    assert (mark.upto, mark.beyond) == (late, [])
    store(session, make_fact(5), known_at=at("25 18:00"))
    session.commit()
    city.tick()
    session.refresh(mark)
    assert mark.beyond == [newest_fact(session)]


def test_a_wave_that_concerns_nobody_leaves_nothing(city, session):
    watcher(session, "synthetic-calm", level=6)
    store(session, make_fact(4))
    session.commit()
    assert city.tick() == 1
    assert session.scalar(select(func.count()).select_from(Wave)) == 0
    assert session.scalar(select(func.count()).select_from(Slice)) == 0


def test_whoever_does_not_consent_is_counted_and_named_nowhere(city, session):
    watcher(session, "synthetic-silent", consents=False)
    watcher(session, "synthetic-told")
    store(session, make_fact(4))
    session.commit()
    city.tick()
    assert [device for device, *_ in city.messages()] == ["synthetic-told"]
    planned = session.scalars(select(Slice)).one()
    assert (planned.eligible, planned.no_consent) == (2, 1)


def test_a_device_that_nobody_can_reach_is_counted_and_not_taken_for_told(city, session):
    watcher(session, "synthetic-mute", reachable=False)
    store(session, make_fact(4))
    session.commit()
    city.tick()
    assert city.messages() == [("synthetic-mute", "no_registration", "alert", 4)]
    assert session.scalar(select(Message.counted_at)) is None
    assert session.scalar(select(Wave.settled_at)) == city.clock()


def test_a_cap_that_is_reached_drops_the_message_and_says_so(city, session):
    watcher(session, "synthetic-capped", profile=make_profile(quiet=None, cap_per_day=1))
    store(session, make_fact(4))
    session.commit()
    city.tick()
    store(session, make_fact(5), known_at=at("25 18:30"))
    session.commit()
    city.tick("25 18:30")
    assert city.messages() == [
        ("synthetic-capped", "pending", "alert", 4),
        ("synthetic-capped", "capped", "raised", 5),
    ]


def test_a_message_that_went_nowhere_counts_towards_no_cap_and_was_not_told(city, session):
    watcher(session, "synthetic-capped", profile=make_profile(quiet=None, cap_per_day=1))
    store(session, make_fact(4))
    session.commit()
    city.tick()
    session.execute(update(Message).values(state="dead"))
    store(session, make_fact(5), known_at=at("25 18:30"))
    session.commit()
    city.tick("25 18:30")
    assert city.messages()[1] == ("synthetic-capped", "pending", "alert", 5)


def test_an_update_a_downgrade_and_the_all_clear_follow_each_other_on_one_tag(city, session):
    watcher(session, "synthetic-told")
    told = []
    for level, moment in ((4, "25 18:00"), (5, "25 19:00"), (3, "25 20:00"), (1, "25 21:30")):
        store(session, make_fact(level), known_at=at(moment))
        session.commit()
        city.tick(moment)
        hour = at(moment) + timedelta(hours=1)
        city.clock.moment = hour
        city.tick()
        city.accept_all()
        told = [(kind, said) for _, _, kind, said in city.messages()]
    # What is better was told an hour after it was known; of the all-clear stands what it ends.
    assert told == [("alert", 4), ("raised", 5), ("lowered", 3), ("all_clear", 3)]
    assert len(set(session.scalars(select(Wave.tag)))) == 1


def test_a_watch_that_falls_due_is_told_then_and_once(city, session):
    watcher(session, "synthetic-told")
    store(session, make_fact(4), known_at=at("25 12:00"))
    session.commit()
    city.tick("25 12:00")
    assert city.messages() == []
    city.tick("25 16:59")
    assert city.messages() == []
    assert [city.tick("25 17:00"), city.tick("25 17:01")] == [1, 0]
    assert [state for _, state, *_ in city.messages()] == ["pending"]


def test_a_worker_that_starts_hours_late_still_tells_what_is_true(city, session):
    watcher(session, "synthetic-told")
    store(session, make_fact(4), known_at=at("25 12:00"))
    session.commit()
    city.tick("25 12:00")
    city.tick("25 23:30")
    assert [state for _, state, *_ in city.messages()] == ["pending"]


@pytest.mark.parametrize(("jump", "back"), [("26 18:00", "25 16:00"), ("25 12:00", "25 16:00")])
def test_a_clock_that_jumps_makes_nobody_miss_what_falls_due(city, session, jump, back):
    watcher(session, "synthetic-told")
    city.tick("25 15:00")
    city.tick(jump)
    city.tick(back)
    store(session, make_fact(4), known_at=at("25 16:00"))
    session.commit()
    city.tick("25 16:01")
    city.tick("25 17:00")
    city.tick("25 18:00")
    assert len(city.messages()) <= 1
    with city.database.session() as fresh:
        looked_at = fresh.scalar(select(Mark.looked_at))
    assert looked_at >= at("25 17:00")


def test_nothing_is_looked_for_while_nothing_can_be_new(session):
    store(session, make_fact(4))
    seen = {"last_fact_id": newest_fact(session), "looked_at": at("25 18:00")}
    assert is_quiet(session, **seen, now=at("25 18:00") + timedelta(seconds=59))
    assert not is_quiet(session, **seen, now=at("25 18:01"))
    store(session, make_fact(5), known_at=at("25 18:00"))
    assert not is_quiet(session, **seen, now=at("25 18:00"))


def test_a_device_that_erases_itself_is_counted_on_its_wave_in_the_same_transaction(city, session):
    for name in ("a", "b"):
        watcher(session, f"synthetic-{name}")
    store(session, make_fact(4))
    session.commit()
    city.tick()
    session.execute(Device.__table__.delete().where(Device.id == "synthetic-a"))
    session.commit()
    assert session.scalar(select(Wave.erased)) == 1
    assert [device for device, *_ in city.messages()] == ["synthetic-b"]


def test_slices_cover_every_device_once_and_chunks_every_message(city, session, monkeypatch):
    monkeypatch.setattr(planning, "FIRST_SLICE", 3)
    monkeypatch.setattr(planning, "CHUNK", 2)
    draw = Random(7)
    for _ in range(25):
        watcher(session, draw.randbytes(9).hex(), consents=draw.random() < 0.8)
    store(session, make_fact(4))
    session.commit()
    city.tick()
    slices = session.scalars(select(Slice).order_by(Slice.number)).all()
    assert [planned.eligible for planned in slices][:2] == [3, 4]
    assert [planned.after for planned in slices[1:]] == [planned.until for planned in slices[:-1]]
    assert sum(planned.eligible for planned in slices) == 25
    covered = [
        (chunk.id, message.device_id)
        for chunk in session.scalars(select(Chunk))
        for message in session.scalars(select(Message))
        if chunk.first_device <= message.device_id <= chunk.last_device
    ]
    assert sorted(device for _, device in covered) == sorted(device for device, *_ in city.messages())


def test_a_planner_that_died_is_followed_by_another_which_plans_the_rest(city, session, monkeypatch):
    monkeypatch.setattr(planning, "FIRST_SLICE", 3)
    for number in range(12):
        watcher(session, f"synthetic-{number:02d}")
    store(session, make_fact(4))
    with city.database.session() as other:
        notice(other, now=city.clock())
    session.commit()

    def die():
        raise SystemExit

    with pytest.raises(SystemExit):
        city.planner.plan_next(planned=die)
    assert len(city.messages()) == 3
    assert not city.planner.plan_next()  # the lease of the first still runs
    city.clock.moment += timedelta(seconds=6)
    assert city.planner.plan_next()
    assert len({device for device, *_ in city.messages()}) == len(city.messages()) == 12


def test_a_lease_written_by_a_clock_that_was_ahead_holds_up_nobody(city, session):
    watcher(session, "synthetic-told")
    store(session, make_fact(4))
    with city.database.session() as other:
        notice(other, now=city.clock())
        other.execute(update(Wave).values(planning_until=city.clock() + timedelta(hours=3)))
    session.commit()
    assert city.planner.plan_next()


def test_a_wave_is_opened_once_for_each_key(session):
    same = {"key": "air synthetic", "day": DAY, "scope": EVERYBODY, "now": at("25 18:00")}
    assert [open_wave(session, **same), open_wave(session, **same)] == [True, False]


def test_a_scope_is_read_back_as_it_was_written():
    scope = Scope(communes=frozenset({"75104"}), profiles=frozenset({DEFAULT_PROFILE.key}), told=True)
    assert Scope.from_json(scope.to_json()) == scope
    assert Scope.from_json(EVERYBODY.to_json()) == EVERYBODY


def test_every_state_that_planning_writes_is_one_of_the_ledger(city, session):
    watcher(session, "synthetic-told")
    quiet_night(session)
    quiet_night(session, "synthetic-never", cap_per_day=1)
    store(session, make_fact(4))
    session.commit()
    city.tick()
    assert {state for _, state, *_ in city.messages()} <= set(ledger.STATES)


def test_a_fact_of_one_place_hides_no_watch_that_falls_due_in_another(city, session):
    watcher(session, "synthetic-paris")
    store(session, make_fact(4), known_at=at("25 12:00"))
    session.commit()
    city.tick("25 12:00")
    store(session, make_fact(2, zone=("commune", "69383")), known_at=at("25 16:59"))
    session.commit()
    city.tick("25 17:00")
    assert [state for _, state, *_ in city.messages()] == ["pending"]


def test_the_number_of_a_wave_that_concerned_nobody_is_never_anothers(city, session):
    watcher(session, "synthetic-told", level=5)
    store(session, make_fact(4))
    session.commit()
    city.tick()
    store(session, make_fact(5), known_at=at("25 18:30"))
    session.commit()
    city.tick("25 18:30")
    assert session.scalar(select(Wave.id)) > 1


def test_a_better_level_that_has_stood_concerns_only_who_was_told(city, session):
    watcher(session, "synthetic-told")
    watcher(session, "synthetic-silent", consents=False)
    store(session, make_fact(5))
    session.commit()
    city.tick()
    store(session, make_fact(4), known_at=at("25 19:00"))
    session.commit()
    city.tick("25 19:00")
    city.tick("25 20:00")
    settled = session.scalars(select(Wave).where(Wave.key.contains("settled"))).one()
    planned = session.scalars(select(Slice).where(Slice.wave_id == settled.id)).one()
    assert (planned.eligible, planned.no_consent) == (1, 0)
    assert city.messages()[-1] == ("synthetic-told", "pending", "lowered", 4)
