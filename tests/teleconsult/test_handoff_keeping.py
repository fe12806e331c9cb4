"""Handoffs expire by themselves, and nothing of them is kept for long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from citizen_api.teleconsult import handoff_keeping
from citizen_api.teleconsult.handoff_keeping import keep_handoffs
from citizen_api.teleconsult.handoff_models import Handoff, HandoffEvent, WebhookSeen
from citizen_api.teleconsult.watch_models import Reminder
from tests.conftest import SUNDAY_NIGHT
from tests.people.makers import store_device
from tests.teleconsult.handoff_makers import make_offer, moves_of, open_and_book, store_handoff

NOW = SUNDAY_NIGHT


@pytest.fixture
def slot(session):
    return make_offer(session)


def states(session):
    session.expire_all()
    return sorted(row.state for row in session.query(Handoff))


@pytest.mark.parametrize("state", ["made", "opened", "gone", "booked"])
def test_what_is_over_its_time_expires_and_nothing_else(database, session, slot, state):
    over = store_handoff(session, slot, state=state, expires_at=NOW)
    store_handoff(session, slot, state=state, expires_at=NOW + timedelta(seconds=1))
    session.commit()

    keep_handoffs(database, NOW)

    assert states(session) == sorted(["expired", state])
    assert moves_of(session, over) == [(state, "expired", "system")]
    assert over.slot_key is None


def test_a_booked_one_that_nobody_completed_expires_a_day_after_its_end(database, session, slot):
    handoff = store_handoff(session, slot, store_device(database))
    open_and_book(session, handoff)
    session.commit()
    end = NOW + timedelta(hours=11, minutes=15)

    keep_handoffs(database, end + timedelta(hours=23))
    assert states(session) == ["booked"]
    keep_handoffs(database, end + timedelta(hours=24))

    assert states(session) == ["expired"]
    assert session.query(Reminder).count() == 0


def test_more_than_a_portion_expires_at_once(database, session, slot, monkeypatch):
    monkeypatch.setattr(handoff_keeping, "PORTION", 2)
    for _ in range(5):
        store_handoff(session, slot, expires_at=NOW)
    session.commit()

    assert keep_handoffs(database, NOW) == 5
    assert states(session) == ["expired"] * 5


def test_what_ended_60_days_ago_goes_with_its_history(database, session, slot):
    gone, kept = (store_handoff(session, slot, expires_at=NOW) for _ in range(2))
    gone_id = gone.id
    session.commit()
    keep_handoffs(database, NOW)
    session.expire_all()
    kept.expires_at += timedelta(seconds=1)
    session.commit()

    keep_handoffs(database, NOW + timedelta(days=60))

    assert [row.id for row in session.query(Handoff)] == [kept.id]
    assert gone_id not in {row.handoff_id for row in session.query(HandoffEvent)}


@pytest.mark.usefixtures("slot")
def test_seen_messages_are_forgotten_after_a_week(database, session):
    for digest, age in (("old", timedelta(days=7)), ("new", timedelta(days=6))):
        session.add(WebhookSeen(provider_id="synthetic-clinic", digest=digest, received_at=NOW - age))
    session.commit()

    keep_handoffs(database, NOW)

    assert [row.digest for row in session.query(WebhookSeen)] == ["new"]
