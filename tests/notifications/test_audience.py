"""Deciding for all devices at once decides what the rule decides for each."""

from datetime import date, time, timedelta
from random import Random

import pytest
from sqlalchemy import func, inspect, select

from citizen_api.people.device_models import Consent, Device, Preferences, Watch
from citizen_api.people.wishes import Profile, QuietHours, day_bounds, local_day
from content.hazards import SCALES, WATCHED
from notifications import rules
from notifications.audience import decided
from notifications.models import Message, Outcome, Part, Wave
from notifications.rules import Standing, Told, decide, look
from tests.notifications.makers import DAY, PARIS, at, make_standing

COMMUNES = ("75104", "69383", "97411", "97302", "98735", "34172")
ZONES = ("Europe/Paris", "Indian/Reunion", "America/Cayenne", "Pacific/Tahiti", "America/Miquelon")
DAYS = (DAY, date(2026, 3, 29), date(2026, 10, 25), date(2026, 12, 31))


class Configuration:
    """Synthetic devices with their wishes and past, and what is known of the places: all drawn from one seed."""

    def __init__(self, seed: int, *, devices: int) -> None:
        draw = self.draw = Random(seed)
        self.day = draw.choice(DAYS)
        starts_at, self.ends_at = day_bounds(self.day, zone="Europe/Paris")
        # Whole and half hours, so that bounds are met exactly.
        self.now = starts_at + timedelta(minutes=30) * draw.randrange(-24, 46)
        self.standings = {
            (commune, hazard): self.make_standing(hazard)
            for commune in COMMUNES
            for hazard in WATCHED
            if draw.random() < 0.7
        }
        self.devices = [self.make_device() for _ in range(devices)]

    def make_standing(self, hazard: str) -> Standing:
        draw = self.draw
        starts_at, ends_at = day_bounds(self.day, zone=draw.choice(ZONES))
        return Standing(
            hazard=hazard,
            level=draw.choice(SCALES[hazard].levels),
            tier=draw.choice((None, None, "information", "alert")),
            since=self.now - timedelta(minutes=30) * draw.randrange(8),
            starts_at=starts_at + timedelta(hours=draw.choice((0, 0, 0, 9, 18, 23))),
            ends_at=max(ends_at, self.now + timedelta(minutes=30)),
        )

    def make_device(self) -> dict:
        draw = self.draw
        profile = Profile(
            zone=draw.choice(ZONES),
            quiet=draw.choice((None, QuietHours(time(22), time(7)), QuietHours(time(13), time(15, 30)))),
            brief_at=draw.choice((time(6), time(7, 15))),
            cap_per_day=draw.choice((1, 3)),
            cap_per_week=draw.choice((2, 10)),
            alerts_pass_quiet=draw.random() < 0.5,
        )
        wished = {
            (draw.choice(COMMUNES), draw.choice(WATCHED), draw.choice(("today", "evening_before")))
            for _ in range(draw.randrange(1, 6))
        }
        watches = [
            rules.Watch(commune=commune, hazard=hazard, when=when, level=draw.choice(SCALES[hazard].levels))
            for commune, hazard, when in sorted(wished)
        ]
        told = None
        if draw.random() < 0.5:
            levels = {hazard: draw.choice(SCALES[hazard].levels) for hazard in WATCHED if draw.random() < 0.4}
            told = Told(levels=levels, expires_at=self.now + timedelta(hours=draw.choice((-1, 0, 6))))
        sent = [self.now - timedelta(hours=draw.choice((1, 5, 20, 30, 168, 200))) for _ in range(draw.randrange(4))]
        return {
            "profile": profile,
            "watches": watches,
            "told": told,
            "sent": sent,
            "consents": draw.choice((True, True, True, False, None)),
        }

    def store(self, session) -> None:
        for number, device in enumerate(self.devices):
            identity = f"synthetic-{number:04d}"
            make_device(session, identity, device["profile"], device["watches"], self.now, consents=device["consents"])
            if device["told"] is not None:
                told = device["told"]
                # An earlier word about the day, another day's word, and one that never went out: none is the last.
                make_told(
                    session, identity, self.day, self.now, Told(levels={"air": 1, "uv": 1}, expires_at=told.expires_at)
                )
                make_told(session, identity, self.day, self.now, told)
                make_told(
                    session,
                    identity,
                    self.day,
                    self.now,
                    Told(levels={"heat": 4}, expires_at=told.expires_at),
                    state="dead",
                )
                make_told(session, identity, date(2020, 1, 1), self.now, Told(levels={"air": 6}, expires_at=self.now))
            for told_at in device["sent"]:
                make_told(session, identity, None, self.now, Told(levels={}, expires_at=self.now), counted_at=told_at)
        session.flush()

    def one_by_one(self) -> dict:
        found = {}
        for number, device in enumerate(self.devices):
            profile = device["profile"]
            today, _ = day_bounds(local_day(self.now, zone=profile.zone), zone=profile.zone)
            found[f"synthetic-{number:04d}"] = decide(
                look(device["watches"], self.standings, profile, self.now),
                told=device["told"],
                profile=profile,
                consents=bool(device["consents"]),
                sent_today=sum(told_at >= today for told_at in device["sent"]),
                sent_in_week=sum(told_at > self.now - rules.WEEK for told_at in device["sent"]),
                now=self.now,
            )
        return found


def make_device(session, identity, profile, watches, now, *, consents=True):
    session.add(Device(id=identity, token_hash=identity, created_on=now.date(), seen_on=now.date()))
    session.flush()
    session.add(Preferences(device_id=identity, language="fr", profile_key=profile.key))
    if consents is not None:
        withdrawn_at = None if consents else now
        session.add(Consent(device_id=identity, purpose="alerts", version="1", given_at=now, withdrawn_at=withdrawn_at))
    session.add(Consent(device_id=identity, purpose="campaigns", version="1", given_at=now))
    for number, watch in enumerate(watches):
        session.add(
            Watch(
                id=f"{identity}-{number}",
                device_id=identity,
                commune_code=watch.commune,
                hazard=watch.hazard,
                level=watch.level,
                told_when=watch.when,
            )
        )


def make_told(session, identity, day, now, told, *, state="accepted", counted_at=None):
    """Insert a wave with one message, newer than all before."""
    number = (session.scalar(select(func.max(Wave.id))) or 0) + 1
    wave = Wave(id=number, code=f"w{number}", key=f"{number}", lane="alerts", day=day, tag="t", scope={}, opened_at=now)
    kind = "alert" if told.levels else "all_clear"
    outcome = Outcome(wave_id=number, kind=kind, reason="above_wish", counts=False, expires_at=told.expires_at)
    session.add(wave)
    session.flush()
    session.add(outcome)
    session.flush()
    parts = {hazard: part_of(session, hazard, level) for hazard, level in told.levels.items()}
    session.add(
        Message(
            wave_id=number,
            device_id=identity,
            state=state,
            outcome_id=outcome.id,
            counted_at=counted_at,
            **parts,
        )
    )
    session.flush()


def part_of(session, hazard, level):
    same = {"commune_code": PARIS, "hazard": hazard, "level": level}
    found = session.scalar(select(Part).filter_by(**same, cause="", tier="", is_demo=False))
    if found is None:
        found = Part(**same)
        session.add(found)
        session.flush()
    return found.id


@pytest.mark.parametrize("seed", range(20))
def test_of_a_thousand_random_configurations_each_is_decided_as_the_rule_decides_it_alone(session, seed):
    configuration = Configuration(seed, devices=50)
    configuration.store(session)
    with decided(session, day=configuration.day, standings=configuration.standings, now=configuration.now) as audience:
        together = dict(audience.decisions(session))
        assert sum(audience.tally(session).values()) == len(together)
    assert together == configuration.one_by_one()
    assert audience.cases <= len(together)


def test_the_random_configurations_meet_every_kind_of_outcome():
    reasons = set()
    for seed in range(20):
        reasons |= {decision.reason for decision in Configuration(seed, devices=50).one_by_one().values()}
    assert reasons == {
        *("no_consent", "not_due", "unknown", "below_wish", "as_told", "over", "not_settled", "quiet", "quiet_dropped"),
        *("capped", "above_wish", "raised", "lowered", "all_clear"),
    }


def test_devices_that_are_alike_are_one_case(session):
    profile = Profile(
        zone="Europe/Paris", quiet=None, brief_at=time(7), cap_per_day=3, cap_per_week=9, alerts_pass_quiet=False
    )
    watch = rules.Watch(commune=PARIS, hazard="air", level=3, when="evening_before")
    for number in range(40):
        make_device(session, f"synthetic-{number}", profile, [watch], at("20 12:00"))
    session.flush()
    with decided(session, day=DAY, standings={(PARIS, "air"): make_standing(4)}, now=at("25 18:00")) as audience:
        assert audience.tally(session) == {("tell", "alert", "above_wish"): 40}
    assert audience.cases == 1


def test_one_day_after_another_can_be_decided_in_one_transaction(session):
    for day in (DAY, DAY + timedelta(days=1)):
        with decided(session, day=day, standings={}, now=at("25 18:00")) as audience:
            assert (audience.cases, audience.tally(session)) == (0, {})


def test_nothing_that_names_devices_stays_behind_a_decision(session):
    with decided(session, day=DAY, standings={}, now=at("25 18:00")):
        pass
    here = inspect(session.connection())
    assert [name for name in here.get_temp_table_names() if name.startswith("audience")] == []
