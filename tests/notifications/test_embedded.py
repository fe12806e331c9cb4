"""The embedded engine: real threads, real transactions, on both databases."""

import logging
import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from citizen_api.background import Queueing
from citizen_api.core.clock import system_clock
from citizen_api.core.db import Database
from notifications import delivery, leases, outbox
from notifications.engines.embedded import EmbeddedEngine, for_threads
from notifications.models import Chunk, Wave
from notifications.outbox import claim
from notifications.sending import Sender
from tests.doubles import scripted
from tests.doubles.scripted import ScriptedTransport, as_many
from tests.notifications.ledger_makers import empty, make_wave, states_of

PATIENCE_S = 20
EVERYBODY = [f"wave-{number:07d}/log" for number in range(20)]


@pytest.fixture
def own(prepared_database):
    """A database in which tests commit; they leave it as it was."""
    yield for_threads(prepared_database)
    with prepared_database.session() as session:
        empty(session)


@pytest.fixture
def short_leases(monkeypatch):
    monkeypatch.setattr(outbox, "LEASE", timedelta(seconds=0.5))
    monkeypatch.setattr(leases, "BEAT_S", 0.1)


@contextmanager
def running(database, *services, threads=6):
    engine = EmbeddedEngine(database, services, rate_per_s=1_000_000, clock=system_clock, threads=threads)
    engine.start()
    try:
        yield engine
    finally:
        for service in services:
            service.goes_on.set()
        engine.stop()


def plan(database, key="wave", **said):
    now = system_clock()
    with database.session() as session:
        wave = make_wave(session, key, now=now, expires_at=now + timedelta(hours=1), noise=key == "wave", **said)
        session.flush()
        return wave


def wait_until(condition):
    ends_at = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < ends_at
        time.sleep(0.02)


def settled(database, wave):
    def ask():
        with database.session(write=False) as session:
            return session.scalar(select(Wave.settled_at).where(Wave.id == wave.id)) is not None

    return ask


def states(database, wave):
    with database.session(write=False) as session:
        return states_of(session, wave)


def test_writers_of_one_process_wait_for_each_other_only_where_they_must(prepared_database):
    on_sqlite = prepared_database.engine.dialect.name == "sqlite"
    assert isinstance(for_threads(Queueing(prepared_database.engine)), Queueing) == on_sqlite
    assert isinstance(for_threads(prepared_database), Queueing) == on_sqlite


def test_what_is_planned_is_sent_once_and_settled(own):
    service = ScriptedTransport()
    with running(own, service) as engine:
        wave = plan(own, devices=20, chunk=3)
        engine.notify()
        wait_until(settled(own, wave))
    assert states(own, wave) == {"accepted": 20}
    assert as_many(service, EVERYBODY)
    assert service.is_closed


def test_two_processes_on_one_wave_send_nothing_twice(own):
    service = ScriptedTransport(before_answers=lambda _: time.sleep(0.01))
    wave = plan(own, devices=20, chunk=1)
    with running(own, service), running(Database(own.engine), service):
        wait_until(settled(own, wave))
    assert states(own, wave) == {"accepted": 20}
    assert as_many(service, EVERYBODY)


@pytest.mark.usefixtures("short_leases")
def test_a_lease_is_renewed_while_a_push_service_hangs(own):
    service = ScriptedTransport()
    service.goes_on.clear()
    wave = plan(own, devices=20)
    with running(own, service), running(Database(own.engine), service):
        assert service.is_sending.wait(PATIENCE_S)
        time.sleep(1.5)
        with own.session(write=False) as session:
            (until,) = session.scalars(select(Chunk.lease_until).where(Chunk.wave_id == wave.id))
            assert until > system_clock()
        service.goes_on.set()
        wait_until(settled(own, wave))
    assert as_many(service, EVERYBODY)


@pytest.mark.usefixtures("short_leases")
def test_what_a_dead_sender_had_is_taken_over_and_stands_on_the_screen_once(own):
    service = ScriptedTransport()
    wave = plan(own, devices=20)
    dead = Sender(own, [service], rate_per_s=1_000_000, clock=system_clock)
    # It sent everything, and died before it wrote a word of that.
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(delivery, "settle", _die)
        with pytest.raises(SystemExit):
            dead.send_next()
    assert as_many(service, EVERYBODY)
    with running(own, service):
        wait_until(settled(own, wave))
    assert states(own, wave) == {"accepted": 20}
    assert all(list(screen) == [wave.tag] for screen in service.screens.values())


def _die(*_, **__):
    raise SystemExit


def test_an_alert_goes_out_while_every_campaign_hangs(own):
    goes_on = threading.Event()

    def hang(parcels):
        if parcels[0].note.tag == "campaign":
            goes_on.wait(PATIENCE_S)

    service = ScriptedTransport(before_answers=hang)
    plan(own, "campaign", devices=20, chunk=1, lane="campaigns", tag="campaign")
    with running(own, service, threads=3) as engine:
        wait_until(lambda: len(service.sent) == 2)
        wave = plan(own, devices=20)
        engine.notify()
        wait_until(settled(own, wave))
        assert states(own, wave) == {"accepted": 20}
        goes_on.set()


def test_what_is_under_way_is_finished_before_the_end(own):
    service = ScriptedTransport()
    service.goes_on.clear()
    wave = plan(own, devices=20)
    engine = EmbeddedEngine(own, [service], rate_per_s=1_000_000, clock=system_clock)
    engine.start()
    assert service.is_sending.wait(PATIENCE_S)
    threading.Timer(0.3, service.goes_on.set).start()
    engine.stop(patience_s=PATIENCE_S)
    assert states(own, wave) == {"accepted": 20}
    with own.session(write=False) as session:
        assert not session.scalar(select(Chunk.unsettled).where(Chunk.wave_id == wave.id))


def test_what_hangs_at_the_end_is_left_to_the_next_and_may_have_arrived(own):
    # The first answer comes, then the service hangs.
    service = ScriptedTransport(at_once=1)
    answer = service._answer

    def hang_after_the_first(parcel):
        service.goes_on.clear()
        return answer(parcel)

    service._answer = hang_after_the_first
    wave = plan(own, devices=20)
    engine = EmbeddedEngine(own, [service], rate_per_s=1_000_000, clock=system_clock)
    engine.start()
    wait_until(lambda: service.screens)
    threading.Timer(0.5, service.goes_on.set).start()
    engine.stop(patience_s=0)
    assert states(own, wave) == {"accepted": len(service.screens), "pending": 20 - len(service.screens)}
    with own.session(write=False) as session:
        found = session.scalars(select(Chunk).where(Chunk.wave_id == wave.id)).one()
        assert (found.unsettled, found.owner) == (True, None)
    assert claim(own, owner="next", now=system_clock())


def test_a_database_that_is_gone_for_a_while_ends_no_thread_and_is_told_once(own, monkeypatch, caplog):
    is_gone = threading.Event()
    is_gone.set()
    asked = []
    due = outbox.anything_due

    def ask(*args, **said):
        if is_gone.is_set():
            asked.append(1)
            raise OperationalError("SELECT", {}, Exception("gone"))
        return due(*args, **said)

    monkeypatch.setattr("notifications.engines.embedded.anything_due", ask)
    wave = plan(own, devices=20)
    with caplog.at_level(logging.ERROR), running(own, ScriptedTransport(), threads=2):
        wait_until(lambda: len(asked) >= 4)
        is_gone.clear()
        wait_until(settled(own, wave))
    assert len(caplog.records) == 1
    assert "OperationalError" in caplog.text


def test_known_answers_wait_for_a_database_that_is_gone(own, monkeypatch):
    settle, failures = delivery.settle, iter(range(2))

    def fail_twice(*args, **said):
        if next(failures, None) is not None:
            raise OperationalError("UPDATE", {}, Exception("gone"))
        return settle(*args, **said)

    monkeypatch.setattr(delivery, "settle", fail_twice)
    service = ScriptedTransport(otherwise=scripted.ACCEPTED)
    wave = plan(own, devices=20)
    with running(own, service):
        wait_until(settled(own, wave))
    assert as_many(service, EVERYBODY)
