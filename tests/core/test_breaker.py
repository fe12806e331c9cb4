from citizen_api.core.breaker import Breaker, TokenBucket


class Ticks:
    now = 100.0

    def __call__(self):
        return self.now


def make_open_breaker(ticks):
    breaker = Breaker(failures=2, open_s=30, monotonic=ticks)
    breaker.failed()
    breaker.failed()
    return breaker


def test_it_stays_closed_until_failures_follow_each_other():
    breaker = Breaker(failures=2, open_s=30, monotonic=Ticks())
    breaker.failed()
    breaker.succeeded()
    breaker.failed()
    assert breaker.allow()


def test_an_open_breaker_lets_nobody_through():
    assert not make_open_breaker(Ticks()).allow()


def test_after_a_while_it_lets_one_trial_through_and_only_one():
    ticks = Ticks()
    breaker = make_open_breaker(ticks)
    ticks.now += 30
    assert breaker.allow()
    assert not breaker.allow()


def test_a_trial_that_never_reports_is_followed_by_another():
    ticks = Ticks()
    breaker = make_open_breaker(ticks)
    ticks.now += 30
    breaker.allow()
    ticks.now += 30
    assert breaker.allow()


def test_a_trial_that_succeeds_closes_it():
    ticks = Ticks()
    breaker = make_open_breaker(ticks)
    ticks.now += 30
    breaker.allow()
    breaker.succeeded()
    assert breaker.allow()
    assert breaker.allow()


def test_a_trial_that_fails_opens_it_again():
    ticks = Ticks()
    breaker = make_open_breaker(ticks)
    ticks.now += 30
    breaker.allow()
    breaker.failed()
    ticks.now += 29
    assert not breaker.allow()
    ticks.now += 1
    assert breaker.allow()


def test_it_opens_at_once_for_as_long_as_the_outside_system_asks():
    ticks = Ticks()
    breaker = Breaker(failures=5, open_s=30, monotonic=ticks)
    breaker.failed(retry_after_s=120)
    ticks.now += 119
    assert not breaker.allow()
    ticks.now += 1
    assert breaker.allow()


def test_a_bucket_gives_its_burst_then_its_rate():
    ticks = Ticks()
    bucket = TokenBucket(rate_per_s=2, burst=3, monotonic=ticks)
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    ticks.now += 0.5
    assert [bucket.take() for _ in range(2)] == [True, False]
    ticks.now += 3600
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
