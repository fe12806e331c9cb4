"""A process is killed while it tells of appointments; the next one goes on, and everybody is reminded once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select

from citizen_api.people.device_models import Consent
from citizen_api.teleconsult.handoff_models import Handoff
from citizen_api.teleconsult.watch_models import Reminder
from notifications.audit import audits
from notifications.models import Message, Wave
from tests.faults.town import START
from tests.notifications.reminder_makers import make_handoff

STEPS = ("plan.slice_written", "plan.slice_committed", "claim.committed", "send.first_answer", "settle.committed")
ONCE = ("plan.slice_written", "plan.slice_committed", "claim.committed")
"""When these are reached nothing has gone out."""
APPOINTMENT = START + timedelta(hours=1)

pytestmark = pytest.mark.faults


def remind(town):
    """Let everybody who agreed to alerts have an appointment in an hour, and have agreed to be reminded of it."""
    with town.database.session() as session:
        ids = list(session.scalars(select(Consent.device_id).order_by(Consent.device_id)))
        agreed = {"purpose": "reminders", "version": "1", "given_at": START}
        session.execute(insert(Consent), [{"device_id": one, **agreed} for one in ids])
        first = make_handoff(session, ids[0])
        (like,) = session.execute(select(Handoff.__table__).where(Handoff.id == first)).mappings()
        names = ("id", "token_hash", "key_hash", "referral")
        session.execute(
            insert(Handoff.__table__),
            [{**like, **dict.fromkeys(names, one), "device_id": one} for one in ids],
        )
        due = {"kind": "hour", "due_at": START, "starts_s": int(APPOINTMENT.timestamp())}
        session.execute(insert(Reminder), [{"handoff_id": one, "device_id": one, **due} for one in ids])


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("step", STEPS)
def test_killed_while_it_reminds_the_next_process_goes_on(make_town, kind, step):
    town = make_town(kind, devices=600)
    remind(town)
    victim = town.run("background", fate=town.fate(step))
    town.wait_for_death(victim)
    town.run("background")
    town.wait_until_settled()
    town.watcher.stop()
    assert town.watcher.ailments == []
    with town.database.session(write=False) as session:
        assert session.scalar(select(func.count()).select_from(Reminder)) == 0
        (wave,) = session.scalars(select(Wave)).all()
        balance = audits(session, [wave.id])[wave.id].balance
        assert session.scalar(select(func.count()).select_from(Message)) == balance.eligible
    assert (balance.counts["accepted"], balance.counts["no_registration"], balance.missing) == (600, 2, 0)
    assert set(town.double.screens) == {f"{one}/fcm_token" for one in town.ids}
    assert all(set(screen) == {wave.tag} for screen in town.double.screens.values())
    assert max(town.double.shown.values()) <= (1 if step in ONCE else 2)
