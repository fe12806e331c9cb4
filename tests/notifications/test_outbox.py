"""Who has a chunk: claims, leases, and what is known of a sender that died."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from notifications.leases import Leases
from notifications.models import Chunk, Message, Wave
from notifications.outbox import LEASE, anything_due, claim, renew, settle_wave
from notifications.sending import Sender
from notifications.settling import Again, Results, settle
from tests.doubles import scripted
from tests.doubles.scripted import ScriptedTransport
from tests.notifications.ledger_makers import NOW, make_wave, states_of

SECOND = timedelta(seconds=1)
FIRST = "wave-0000000"


def chunks(session):
    session.expire_all()
    return session.scalars(select(Chunk).where(Chunk.next_at.is_not(None)).order_by(Chunk.id)).all()


@pytest.fixture
def wave(session):
    made = make_wave(session, devices=3)
    session.commit()
    return made


@pytest.fixture
def service():
    return ScriptedTransport()


@pytest.fixture
def sender(database, clock, service):
    clock.moment = NOW
    return Sender(database, [service], rate_per_s=1_000_000, clock=clock)


def test_a_claim_is_written_before_anything_is_sent(database, session, wave):
    claimed = claim(database, owner="one", now=NOW)
    (found,) = chunks(session)
    assert (found.lease_until, found.owner, found.unsettled) == (NOW + LEASE, "one", True)
    assert (claimed.wave_id, claimed.tag, claimed.code) == (wave.id, wave.tag, wave.code)


@pytest.mark.usefixtures("wave")
def test_nobody_else_has_a_chunk_while_its_lease_runs(database):
    claim(database, owner="one", now=NOW)
    assert not anything_due(database, NOW + LEASE - SECOND)
    assert claim(database, owner="two", now=NOW + LEASE - SECOND) is None


@pytest.mark.usefixtures("wave")
def test_a_lease_that_is_over_is_taken_by_the_next(database, session):
    claim(database, owner="one", now=NOW)
    assert claim(database, owner="two", now=NOW + LEASE).owner == "two"
    assert chunks(session)[0].owner == "two"


def test_alerts_overtake_campaigns(database, session):
    make_wave(session, "campaign", lane="campaigns", noise=False)
    make_wave(session, "second", noise=False)
    make_wave(session, "third", noise=False)
    session.commit()
    assert not anything_due(database, NOW - SECOND)
    lanes = [claim(database, owner=str(turn), now=NOW).lane for turn in range(3)]
    assert lanes == ["alerts", "alerts", "campaigns"]


def test_whoever_is_there_for_alerts_leaves_campaigns_alone(database, session):
    make_wave(session, "campaign", lane="campaigns")
    session.commit()
    assert not anything_due(database, NOW, campaigns=False)
    assert claim(database, owner="one", now=NOW, campaigns=False) is None


def test_one_chunk_can_be_asked_for_by_its_id(database, session):
    make_wave(session, devices=4, chunk=2)
    session.commit()
    second = chunks(session)[1].id
    assert claim(database, owner="one", now=NOW, chunk_id=second).chunk_id == second
    assert claim(database, owner="two", now=NOW, chunk_id=second) is None


def test_what_is_due_later_is_not_claimed_yet(database, session, wave):
    session.execute(update(Chunk).where(Chunk.wave_id == wave.id).values(next_at=NOW + SECOND))
    session.commit()
    assert claim(database, owner="one", now=NOW) is None
    assert claim(database, owner="one", now=NOW + SECOND)


@pytest.mark.usefixtures("wave")
def test_a_lease_from_before_the_clock_jumped_back_holds_up_nobody(database):
    claim(database, owner="one", now=NOW + timedelta(days=1))
    assert claim(database, owner="two", now=NOW).owner == "two"


def test_a_moment_from_before_the_clock_jumped_back_is_due(session, wave, sender):
    tomorrow = NOW + timedelta(days=1)
    session.execute(update(Chunk).where(Chunk.wave_id == wave.id).values(next_at=tomorrow))
    session.execute(update(Message).where(Message.wave_id == wave.id).values(again_at=tomorrow))
    session.commit()
    assert sender.send_next()
    assert states_of(session, wave) == {"accepted": 3}


def test_a_clock_that_jumps_ahead_ends_leases_and_the_first_sender_notices(database, session, wave, sender, service):
    def jump(_):
        service.before_answers = lambda _: None
        sender._office.clock.moment = NOW + timedelta(hours=1)
        assert claim(database, owner="other", now=sender._office.clock())
        sender.leases.beat()

    service.before_answers = jump
    service.at_once = 1
    sender.send_next()
    # The first answer is a fact; of the others nothing is known, and the chunk is another's.
    assert states_of(session, wave) == {"accepted": 1, "pending": 2}
    assert chunks(session)[0].owner == "other"


def test_renewing_keeps_a_lease_and_says_which_are_lost(database, session):
    make_wave(session, devices=4, chunk=2)
    session.commit()
    ours, lost = (claim(database, owner=name, now=NOW) for name in ("ours", "lost"))
    claim(database, owner="thief", now=NOW + LEASE, chunk_id=lost.chunk_id)
    assert renew(database, [ours, lost], now=NOW + SECOND) == {"ours"}
    assert chunks(session)[0].lease_until == NOW + SECOND + LEASE
    assert chunks(session)[1].owner == "thief"


@pytest.mark.usefixtures("wave")
def test_a_beat_renews_what_is_held_and_nothing_else(database, session, clock):
    leases = Leases(database, clock=clock)
    clock.moment = NOW
    claimed = claim(database, owner="one", now=NOW)
    leases.beat()
    with leases.hold(claimed) as lease:
        clock.moment += 4 * SECOND
        leases.beat()
        assert not lease.lost
        assert chunks(session)[0].lease_until == clock() + LEASE
    leases.beat()


def test_what_a_dead_sender_left_is_sent_again_and_may_have_been_sent_before(database, session, wave, sender, service):
    service.otherwise = scripted.AGAIN
    claim(database, owner="dead", now=NOW)
    sender._office.clock.moment += LEASE
    assert sender.send_next()
    maybe = select(Message.maybe_delivered).where(Message.wave_id == wave.id)
    assert session.scalars(maybe).all() == [True, True, True]
    assert len(service.sent) == 3
    sender._office.clock.moment = NOW + timedelta(days=3)
    sender.send_next()
    assert states_of(session, wave) == {"uncertain": 3}


def test_a_sender_that_lost_its_lease_writes_only_facts(database, session, wave):
    old = claim(database, owner="old", now=NOW)
    claim(database, owner="new", now=NOW + LEASE)
    results = Results()
    results.finish("accepted", FIRST)
    results.finish("expired", "wave-0000001")
    results.retry(Again(NOW, went_out=True, maybe_delivered=False), "wave-0000002")
    settled = settle(database, old, results, now=NOW + LEASE, last=True)
    assert not settled.is_ours
    assert states_of(session, wave) == {"accepted": 1, "pending": 2}
    assert chunks(session)[0].owner == "new"


def test_a_final_state_is_never_overwritten(database, session, wave):
    claimed = claim(database, owner="one", now=NOW)
    session.execute(update(Message).where(Message.device_id == FIRST).values(state="stopped"))
    session.commit()
    results = Results()
    for number in range(3):
        results.finish("accepted", f"wave-000000{number}")
    settle(database, claimed, results, now=NOW, last=True)
    assert states_of(session, wave) == {"accepted": 2, "stopped": 1}


def test_a_chunk_of_a_stopped_wave_is_closed_instead_of_sent(session, wave, sender, service):
    session.execute(update(Message).where(Message.device_id == FIRST).values(maybe_delivered=True))
    session.execute(update(Wave).where(Wave.id == wave.id).values(stopped_at=NOW))
    session.commit()
    assert sender.send_next()
    assert states_of(session, wave) == {"stopped": 2, "uncertain": 1}
    assert service.sent == []
    assert wave.settled_at == NOW


def test_what_a_dead_sender_left_of_a_stopped_wave_is_uncertain(database, session, wave, sender):
    claim(database, owner="dead", now=NOW)
    session.execute(update(Wave).where(Wave.id == wave.id).values(stopped_at=NOW))
    session.commit()
    sender._office.clock.moment += LEASE
    assert sender.send_next()
    assert states_of(session, wave) == {"uncertain": 3}


def test_a_wave_is_sent_before_it_is_planned_and_settled_after(database, session, sender):
    wave = make_wave(session, planned_at=None)
    session.commit()
    assert sender.send_next()
    assert states_of(session, wave) == {"accepted": 3}
    assert not settle_wave(database, wave.id, now=NOW)
    session.execute(update(Wave).where(Wave.id == wave.id).values(planned_at=NOW))
    session.commit()
    assert settle_wave(database, wave.id, now=NOW)


@pytest.mark.parametrize("state", ["held", "pending"])
def test_a_wave_with_something_open_is_not_settled(database, session, wave, state):
    session.execute(update(Chunk).values(next_at=None if state == "held" else NOW))
    session.execute(update(Message).where(Message.wave_id == wave.id).values(state=state))
    session.commit()
    assert not settle_wave(database, wave.id, now=NOW)


def test_held_messages_of_a_chunk_are_left_to_whoever_holds_them(session, wave, sender):
    session.execute(update(Message).where(Message.device_id == FIRST).values(state="held", again_at=NOW))
    session.commit()
    assert sender.send_next()
    assert states_of(session, wave) == {"accepted": 2, "held": 1}
    assert wave.settled_at is None
    assert chunks(session) == []
