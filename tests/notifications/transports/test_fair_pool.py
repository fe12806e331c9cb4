"""A slow service cannot take all threads, and a call is answered whatever its threads do."""

import threading

import pytest

from notifications.transports.base import ACCEPTED, Answer
from notifications.transports.fair_pool import FairPool
from notifications.transports.webpush_call import Call


@pytest.fixture
def pool():
    pool = FairPool(threads=4, name="test")
    yield pool
    pool.close(timeout_s=5)


@pytest.fixture
def release():
    release = threading.Event()
    yield release
    release.set()


def done_by(pool, service) -> threading.Event:
    done = threading.Event()
    pool.submit(service, done.set)
    return done


def test_services_that_hang_leave_threads_to_one_that_is_known_to_answer(pool, release):
    pool.judge("good", quick=True)
    for number in range(20):
        pool.submit(f"slow {number}", release.wait)
    assert done_by(pool, "good").wait(5)
    release.set()


def test_a_proven_service_leaves_threads_to_new_ones(pool, release):
    pool.judge("good", quick=True)
    for _ in range(20):
        pool.submit("good", release.wait)
    assert done_by(pool, "new").wait(5)
    release.set()


def test_what_waits_moves_when_its_service_proves_itself(pool, release):
    pool.submit("slow", release.wait)
    waiting = done_by(pool, "good")
    pool.judge("good", quick=True)
    assert waiting.wait(5)
    release.set()


def test_a_slow_answer_takes_the_proof_back(pool, release):
    pool.judge("turned", quick=True)
    pool.judge("turned", quick=False)
    begun = threading.Semaphore(0)

    def hang() -> None:
        begun.release()
        release.wait()

    for _ in range(4):
        pool.submit("turned", hang)
    assert begun.acquire(timeout=5)
    pool.judge("good", quick=True)
    assert done_by(pool, "good").wait(5)
    assert not begun.acquire(blocking=False)
    release.set()


def test_services_take_turns(release):
    pool = FairPool(threads=1, name="turns")
    order: list[str] = []
    pool.submit("first", release.wait)
    for service in ("a", "a", "a", "b"):
        pool.submit(service, lambda service=service: order.append(service))
    release.set()
    pool.close(timeout_s=5)
    assert order == ["a", "b", "a", "a"]


def test_many_services_are_forgotten_rather_than_kept(pool, monkeypatch):
    monkeypatch.setattr("notifications.transports.fair_pool._MOST_PROVEN", 2)
    for number in range(5):
        pool.judge(f"service {number}", quick=True)
    assert len(pool._proven) == 2
    assert done_by(pool, "service 0").wait(5)


def test_what_had_no_turn_in_time_is_answered_unsent():
    call = Call(patience_s=0, grace_s=5)
    call.expect(0)
    assert not call.begin(0)
    assert list(call.batches()) == [[(0, Answer("again", "no_turn"))]]


def test_what_never_answers_is_given_up_and_its_late_answer_counts_for_nothing():
    call = Call(patience_s=0.01, grace_s=0)
    call.expect(0)
    call.expect(1)
    assert call.begin(0)
    reading = call.batches()
    assert next(reading) == [
        (0, Answer("again", "timeout", maybe_delivered=True)),
        (1, Answer("again", "no_turn")),
    ]
    call.answer(0, ACCEPTED)
    assert not call.begin(1)
    assert list(reading) == []


def test_a_second_answer_counts_for_nothing():
    call = Call(patience_s=5, grace_s=5)
    call.expect(0)
    call.answer(0, ACCEPTED)
    call.answer(0, Answer("retire", "410"))
    assert list(call.batches()) == [[(0, ACCEPTED)]]


def test_nothing_begins_once_the_reader_is_gone():
    call = Call(patience_s=5, grace_s=5)
    call.expect(0)
    call.close()
    assert not call.begin(0)
