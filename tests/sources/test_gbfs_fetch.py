"""Calls to a bike share system, against a publisher on loopback: whole readings, conditions, and what goes wrong."""

from datetime import timedelta

import pytest

from citizen_api.sources.air_fetch import BusyError, CredentialsError, DownError, UnreadableError
from citizen_api.sources.gbfs import Gbfs
from citizen_api.sources.gbfs_fetch import Fetcher
from tests.conftest import SUNDAY_NIGHT
from tests.sources.air_makers import Answer
from tests.sources.gbfs_makers import (
    TYPES,
    feed,
    information,
    listed,
    make_discovery,
    make_place,
    make_status,
    make_status_2,
    status,
    system,
    vehicle_types,
)

SECRET = "s3cret-key"


@pytest.fixture
def published(publisher):
    """A whole system of version 1, with one station."""
    publisher.answers |= {
        "/gbfs.json": [Answer(make_discovery(url=publisher.url))],
        "/system_information.json": [Answer(system())],
        "/station_information.json": [Answer(information(make_place()))],
        "/station_status.json": [Answer(status(make_status()))],
    }
    return publisher


def source(client, publisher):
    return Gbfs(client, f"{publisher.url}/gbfs.json?key={SECRET}")


def test_a_system_is_read_from_its_discovery_on(client, published):
    reading = source(client, published).read(SUNDAY_NIGHT)
    (station,) = reading.items
    assert (station.code, station.bikes, station.ebikes) == ("1", 5, None)
    assert (reading.system.title, reading.ttl_s) == ("Synthetic bikes", 60)


def test_vehicle_types_are_asked_where_they_are_published(client, published):
    names = ("vehicle_types", "station_information", "station_status")
    published.answers |= {
        "/gbfs.json": [Answer(make_discovery(*names, url=published.url))],
        "/vehicle_types.json": [Answer(vehicle_types(*TYPES))],
        "/station_status.json": [Answer(status(make_status_2()))],
    }
    reading = source(client, published).read(SUNDAY_NIGHT)
    assert reading.items[0].ebikes == 3
    assert reading.system.title is None


def test_only_the_status_is_asked_again_until_names_are_due(client, published):
    reader = source(client, published)
    for minutes in (0, 1, 4):
        reader.read(SUNDAY_NIGHT + timedelta(minutes=minutes))
    assert published.paths()[4:] == ["/station_status.json"] * 2
    reader.read(SUNDAY_NIGHT + timedelta(minutes=5))
    assert len(published.paths()) == 6 + 4


def test_a_failure_has_the_feeds_looked_for_anew(client, published):
    reader = source(client, published)
    reader.read(SUNDAY_NIGHT)
    published.answers["/station_status.json"] = [Answer(status=404), Answer(status(make_status()))]
    with pytest.raises(DownError):
        reader.read(SUNDAY_NIGHT)
    published.calls.clear()
    assert reader.read(SUNDAY_NIGHT).items
    assert published.paths()[0] == "/gbfs.json"


@pytest.mark.parametrize(("name", "asked"), [("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since")])
def test_what_did_not_change_is_not_sent_again(client, publisher, name, asked):
    publisher.answers["/a"] = [Answer(b"first", 200, {name: "mark"}), Answer(b"", 304), Answer(b"second")]
    fetcher = Fetcher(client)
    assert [fetcher.get(f"{publisher.url}/a") for _ in range(3)] == [b"first", b"first", b"second"]
    assert [call.headers.get(asked) for call in publisher.calls] == [None, "mark", "mark"]


def test_not_modified_without_having_asked_is_a_failure(client, publisher):
    publisher.answers["/a"] = [Answer(b"", 304)]
    with pytest.raises(DownError):
        Fetcher(client).get(f"{publisher.url}/a")


def test_only_the_last_answers_are_kept(client, publisher):
    fetcher = Fetcher(client)
    for number in range(12):
        publisher.answers[f"/{number}"] = [Answer(b"x", 200, {"ETag": "mark"})]
        fetcher.get(f"{publisher.url}/{number}")
    for number in (0, 11):
        fetcher.get(f"{publisher.url}/{number}")
    assert [call.headers.get("If-None-Match") for call in publisher.calls[-2:]] == [None, "mark"]


def test_a_redirect_is_followed(client, publisher):
    publisher.answers |= {"/a": [Answer(b"", 301, {"Location": "/b"})], "/b": [Answer(b"there")]}
    assert Fetcher(client).get(f"{publisher.url}/a") == b"there"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(status=500), DownError),
        (Answer(status=401), CredentialsError),
        (Answer(status=429, headers={"Retry-After": "120"}), BusyError),
        (Answer(b"x" * 2_000), DownError),
        (Answer(b"", 301, {"Location": "http://127.0.0.1:1/"}), DownError),
        (Answer(b"", 301, {"Location": "https://["}), DownError),
    ],
    ids=["failing", "forbidden", "busy", "too large", "to a private address", "to no address"],
)
def test_what_goes_wrong_is_said_without_the_key(client, publisher, answer, expected):
    publisher.answers["/a"] = [answer]
    with pytest.raises(expected) as raised:
        Fetcher(client, max_bytes=1_000).get(f"{publisher.url}/a?key={SECRET}")
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_server_that_does_not_answer_is_left(client, publisher):
    publisher.answers["/a"] = [Answer()]
    publisher.released.clear()
    with pytest.raises(DownError, match=r"took longer than 0\.05 s"):
        Fetcher(client, timeout_s=0.05).get(f"{publisher.url}/a")
    publisher.released.set()


@pytest.mark.parametrize(
    "path", ["/gbfs.json", "/system_information.json", "/station_information.json", "/station_status.json"]
)
def test_another_form_than_the_documented_one_is_unreadable_and_says_where(client, published, path):
    published.answers[path] = [Answer(b"<html>")]
    with pytest.raises(UnreadableError, match=path) as raised:
        source(client, published).read(SUNDAY_NIGHT)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/a.json", "file:///etc/passwd", "https://[", "not an address", "http://10.0.0.1/"]
)
def test_a_feed_cannot_send_us_elsewhere(client, published, url):
    feeds = [*listed("station_information", url=published.url), {"name": "station_status", "url": url}]
    published.answers["/gbfs.json"] = [Answer(feed({"fr": {"feeds": feeds}}))]
    with pytest.raises(DownError):
        source(client, published).read(SUNDAY_NIGHT)
