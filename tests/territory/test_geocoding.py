import pytest

from citizen_api.core.settings import Settings
from citizen_api.sources.ban import BanGeocoder, FoundAddress, GeocoderBusyError, GeocoderDownError
from citizen_api.territory.geocoding import (
    CACHED_S,
    FAILURES,
    MOST_PER_S,
    OPEN_S,
    GeocoderState,
    GuardedGeocoder,
    geocoder_from,
)

TEMPLE = FoundAddress(
    kind="address", label="26 Rue du Temple 75004 Paris", lat=48.8589, lon=2.3539, postcode="75004",
    city="Paris", commune_code="75104", score=0.97,
)  # fmt: skip


class Outside:
    def __init__(self):
        self.asked = []
        self.fails_with = None

    def search(self, text):
        self.asked.append(text)
        if self.fails_with:
            raise self.fails_with
        return [TEMPLE]


class Ticks:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def outside():
    return Outside()


@pytest.fixture
def ticks():
    return Ticks()


@pytest.fixture
def geocoder(outside, ticks):
    return GuardedGeocoder(outside, monotonic=ticks, cached_texts=2)


def test_without_an_outside_geocoder_it_says_off():
    assert GuardedGeocoder(None).search("temple").state is GeocoderState.OFF


def test_it_is_off_unless_the_setting_enables_it():
    assert geocoder_from(Settings()).off
    enabled = geocoder_from(Settings(geocoder_ban_enabled=True))
    assert isinstance(enabled._outside, BanGeocoder)
    assert enabled._outside._geopy.geocode_api == "https://data.geopf.fr/geocodage/search"


def test_what_is_found_is_answered(geocoder):
    answer = geocoder.search("temple")
    assert (answer.state, answer.addresses) == (GeocoderState.ANSWERED, (TEMPLE,))


def test_the_same_text_is_not_asked_twice(geocoder, outside):
    geocoder.search("26 Rue du  Temple")
    assert geocoder.search(" 26 rue du temple").addresses == (TEMPLE,)
    assert len(outside.asked) == 1


def test_an_answer_is_kept_for_a_day(geocoder, outside, ticks):
    geocoder.search("temple")
    ticks.now += CACHED_S
    geocoder.search("temple")
    assert len(outside.asked) == 2


def test_only_the_texts_used_last_are_kept(geocoder, outside):
    for text in ("a", "b", "a", "c", "a", "b"):
        geocoder.search(text)
    assert outside.asked == ["a", "b", "c", "b"]


def test_a_failure_is_not_kept(geocoder, outside):
    outside.fails_with = GeocoderDownError()
    assert geocoder.search("temple").state is GeocoderState.UNAVAILABLE
    outside.fails_with = None
    assert geocoder.search("temple").state is GeocoderState.ANSWERED


def test_one_that_is_down_is_left_alone_for_a_while(geocoder, outside, ticks):
    outside.fails_with = GeocoderDownError()
    for _ in range(FAILURES + 5):
        assert geocoder.search("temple").state is GeocoderState.UNAVAILABLE
    assert len(outside.asked) == FAILURES
    outside.fails_with = None
    ticks.now += OPEN_S
    assert geocoder.search("temple").state is GeocoderState.ANSWERED


def test_one_that_asks_to_slow_down_is_left_alone_for_as_long(geocoder, outside, ticks):
    outside.fails_with = GeocoderBusyError(120)
    geocoder.search("temple")
    outside.fails_with = None
    ticks.now += 119
    assert geocoder.search("temple").state is GeocoderState.UNAVAILABLE
    ticks.now += 1
    assert geocoder.search("temple").state is GeocoderState.ANSWERED


def test_what_is_kept_is_answered_even_while_it_is_down(geocoder, outside):
    geocoder.search("temple")
    outside.fails_with = GeocoderBusyError(None)
    geocoder.search("other")
    assert geocoder.search("temple").state is GeocoderState.ANSWERED


def test_it_is_not_asked_faster_than_agreed(geocoder, outside, ticks):
    states = [geocoder.search(f"text {number}").state for number in range(int(MOST_PER_S) + 1)]
    assert states[-1] is GeocoderState.UNAVAILABLE
    assert len(outside.asked) == int(MOST_PER_S)
    ticks.now += 1
    assert geocoder.search("again").state is GeocoderState.ANSWERED
