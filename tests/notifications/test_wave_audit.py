"""Every wave balances at every instant, and one that does not is told of loudly."""

import logging
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

from citizen_api.people.device_models import Device
from notifications import ledger
from notifications.audit import audit, audit_open
from notifications.models import Message, Slice, Wave
from tests.notifications.makers import at
from tests.notifications.wave_makers import make_wave

NOW = at("25 19:00")


@pytest.fixture
def logged(caplog):
    caplog.set_level(logging.INFO, logger="alentours.audit")
    return lambda: [(record.levelname, record.getMessage()) for record in caplog.records]


def ailing_of(session, wave_id):
    return session.scalar(select(Wave.ailing).where(Wave.id == wave_id))


def test_a_wave_is_counted_by_category_and_balances(session):
    make_wave(session, {"accepted": 5, "held": 1}, no_consent=7)
    states = {state: number for number, state in enumerate(ledger.STATES, 1)}
    made = make_wave(session, states, no_consent=4)
    balance = audit(session, made.wave)
    assert balance.counts == states | {"no_consent": 4, "erased": 0}
    assert (balance.eligible, balance.missing) == (sum(states.values()) + 4, 0)
    assert balance.open == states["held"] + states["pending"]


def test_a_device_that_erases_itself_moves_to_erased(session):
    made = make_wave(session, {"accepted": 2})
    session.execute(delete(Device).where(Device.id == made.devices["accepted"][0]))
    session.refresh(made.wave)
    balance = audit(session, made.wave)
    assert (balance.counts["accepted"], balance.counts["erased"], balance.missing) == (1, 1, 0)


def test_a_wave_without_a_slice_yet_balances(session):
    made = make_wave(session, {})
    session.execute(delete(Slice))
    assert audit(session, made.wave).missing == 0


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (update(Slice).values(eligible=Slice.eligible + 2), "2 of 5 eligible devices are in no category"),
        (update(Slice).values(eligible=Slice.eligible - 1), "1 more than its 2 eligible devices are in a category"),
        (update(Message).values(state="mislaid"), "3 of 3 eligible devices are in no category"),
        (update(Wave).values(settled_at=NOW), "it is settled, and 1 of its messages are not"),
    ],
)
def test_a_wave_that_does_not_balance_says_so_on_itself_and_in_the_log(database, session, logged, spoil, says):
    made = make_wave(session, {"accepted": 2, "pending": 1})
    session.execute(spoil.execution_options(synchronize_session=False))
    session.commit()
    assert audit_open(database, now=NOW) == 1
    assert ailing_of(session, made.wave.id) == says
    assert logged() == [("ERROR", f"WAVE {made.wave.id} DOES NOT BALANCE: {says}")]


def test_an_ailment_is_logged_when_it_changes_and_not_at_every_audit(database, session, logged):
    make_wave(session)
    session.execute(update(Slice).values(eligible=3))
    session.commit()
    assert [audit_open(database, now=NOW), audit_open(database, now=NOW)] == [1, 1]
    assert len(logged()) == 1


def test_a_wave_that_balances_again_is_healed_also_after_it_settled(database, session, logged):
    made = make_wave(session, settled_at=NOW)
    session.execute(update(Slice).values(eligible=3))
    session.commit()
    audit_open(database, now=NOW)
    session.execute(update(Slice).values(eligible=2))
    session.commit()
    assert audit_open(database, now=NOW + timedelta(days=1)) == 0
    assert ailing_of(session, made.wave.id) is None
    assert logged()[-1] == ("WARNING", f"wave {made.wave.id} balances again")


def test_a_settled_wave_is_audited_once_more_and_then_left_alone(database, session):
    made = make_wave(session)
    session.commit()
    audit_open(database, now=NOW)
    session.execute(update(Wave).values(settled_at=NOW))
    session.commit()
    audit_open(database, now=NOW)
    assert session.scalar(select(Wave.audited_at)) == NOW
    session.execute(update(Slice).values(eligible=99))
    session.commit()
    assert audit_open(database, now=NOW) == 0
    assert ailing_of(session, made.wave.id) is None


def test_open_waves_are_audited_together_in_one_reading_and_nothing_is_written_while_all_is_well(database, session):
    for _ in range(3):
        make_wave(session, {"pending": 2})
    session.commit()
    assert audit_open(database, now=NOW) == 0
    assert session.scalars(select(Wave.audited_at)).all() == [None] * 3
