"""Calls to a publisher of appointments, over loopback: what is asked, and how a hostile one is contained."""

import gzip
import random
import threading
import time

import httpx
import pytest

from citizen_api.sources.slot_fetch import MEMBERS_MOST, Limits, fetch_changed
from citizen_api.sources.slot_source import (
    BusyPublisherError,
    FileState,
    RefusedPublisherError,
    SlotSourceError,
    TooLargeError,
    TooSlowError,
    UnreadablePublisherError,
)
from tests.sources.air_makers import Answer
from tests.sources.scheduling_makers import make_raw_server, peak_bytes

SECRET = "s3cret-key"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+ndjson\r\n"


@pytest.fixture
def get(client):
    def fetch(url, known=None, *, max_bytes=1_000, wait_s=5.0):
        limits = Limits(max_bytes, wait_s)
        body = fetch_changed(client, f"{url}?key={SECRET}", known, accept="application/json", limits=limits)
        if body is None:
            return None
        with body:
            return b"".join(body.pieces()), body

    return fetch


def zipped(content):
    return Answer(gzip.compress(content), headers={"Content-Encoding": "gzip"})


def test_a_file_is_given_with_what_tells_whether_it_changed(get, publisher):
    publisher.answers["/a"] = [Answer(b"one", headers={"ETag": '"1"', "Last-Modified": "then"})]
    content, body = get(f"{publisher.url}/a")
    digest = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    assert (content, body.size, body.state) == (b"one", 3, FileState('"1"', "then", digest))


def test_it_says_who_asks_and_for_what(get, publisher):
    publisher.answers["/a"] = [Answer(b"one")]
    get(f"{publisher.url}/a")
    headers = publisher.calls[0].headers
    assert headers["User-Agent"].startswith("Alentours")
    assert (headers["Accept"], headers["Accept-Encoding"]) == ("application/json", "gzip")


def test_what_did_not_change_is_not_sent_again(get, publisher):
    publisher.answers["/a"] = [Answer(b"", 304)]
    assert get(f"{publisher.url}/a", FileState('"1"', "then")) is None
    headers = publisher.calls[0].headers
    assert (headers["If-None-Match"], headers["If-Modified-Since"]) == ('"1"', "then")


@pytest.mark.parametrize("known", [None, FileState(), FileState(digest="abc")])
def test_not_modified_without_having_asked_is_a_failure(get, publisher, known):
    publisher.answers["/a"] = [Answer(b"", 304)]
    with pytest.raises(SlotSourceError):
        get(f"{publisher.url}/a", known)


@pytest.mark.parametrize("etag", ['"' + "a" * 500 + '"', '"\u00e9"'])
def test_a_validator_that_cannot_be_sent_back_is_not_kept(get, publisher, etag):
    publisher.answers["/a"] = [Answer(b"one", headers={"ETag": etag})]
    _, body = get(f"{publisher.url}/a")
    assert body.state.etag is None


def test_a_redirect_is_followed_and_named(get, publisher):
    publisher.answers |= {"/a": [Answer(b"", 302, {"Location": "/b"})], "/b": [Answer(b"there")]}
    content, body = get(f"{publisher.url}/a")
    assert (content, body.url) == (b"there", f"{publisher.url}/b")


def test_the_body_of_a_redirect_is_not_read(get, publisher):
    bomb = gzip.compress(bytes(64_000_000))
    away = {"Location": "/b", "Content-Encoding": "gzip"}
    publisher.answers |= {"/a": [Answer(bomb, 302, away)], "/b": [Answer(b"there")]}
    get(f"{publisher.url}/b")
    assert peak_bytes(lambda: get(f"{publisher.url}/a")) < 2_000_000


@pytest.mark.parametrize("content", [b"", b"one", b"one" * 100])
def test_what_is_compressed_is_expanded(get, publisher, content):
    publisher.answers["/a"] = [zipped(content)]
    assert get(f"{publisher.url}/a")[0] == content


def test_a_compressed_file_may_have_several_members(get, publisher):
    both = gzip.compress(b"one") + gzip.compress(b"two")
    publisher.answers["/a"] = [Answer(both, headers={"Content-Encoding": "gzip"})]
    assert get(f"{publisher.url}/a")[0] == b"onetwo"


@pytest.mark.parametrize(
    "members",
    [[b"one", b""], [b"", b"one"], [b"", b""], [b"one", b"", b"two"], [b"x"] * (MEMBERS_MOST + 1)],
    ids=["empty last", "empty first", "all empty", "empty between", "too many"],
)
def test_a_compressed_file_in_empty_members_or_in_too_many_is_refused(get, publisher, members):
    content = b"".join(gzip.compress(member) for member in members)
    publisher.answers["/a"] = [Answer(content, headers={"Content-Encoding": "gzip"})]
    with pytest.raises(UnreadablePublisherError, match="members"):
        get(f"{publisher.url}/a", max_bytes=10**6)


def test_a_compressed_file_may_have_as_many_members_as_are_allowed(get, publisher):
    content = gzip.compress(b"x") * MEMBERS_MOST
    publisher.answers["/a"] = [Answer(content, headers={"Content-Encoding": "gzip"})]
    assert get(f"{publisher.url}/a")[0] == b"x" * MEMBERS_MOST


@pytest.mark.parametrize("size", [1_000, 1_000_000])
def test_what_cannot_be_compressed_may_be_as_large_as_the_cap(client, size):
    content = random.Random(8).randbytes(size)
    head = HEAD + b"Content-Encoding: gzip\r\n\r\n"
    with make_raw_server(lambda connection: connection.sendall(head + gzip.compress(content, 0))) as url:
        body = fetch_changed(client, url, None, accept="*/*", limits=Limits(size))
        with body:
            assert b"".join(body.pieces()) == content


def test_a_large_compressed_file_is_expanded_whole(get, publisher):
    content = bytes(range(256)) * 20_000
    publisher.answers["/a"] = [zipped(content)]
    assert get(f"{publisher.url}/a", max_bytes=len(content))[0] == content


def test_a_bomb_is_left_once_expanded_to_the_cap(get, publisher):
    publisher.answers["/a"] = [zipped(bytes(64_000_000))]
    publisher.answers["/b"] = [Answer(b"small")]
    get(f"{publisher.url}/b")

    def fall():
        with pytest.raises(TooLargeError):
            get(f"{publisher.url}/a", max_bytes=100_000)

    assert peak_bytes(fall) < 2_000_000


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(status=500), SlotSourceError),
        (Answer(status=404), SlotSourceError),
        (Answer(status=206), SlotSourceError),
        (Answer(status=401), RefusedPublisherError),
        (Answer(status=403), RefusedPublisherError),
        (Answer(b"x" * 1_001), TooLargeError),
        (Answer(b"not gzip", headers={"Content-Encoding": "gzip"}), UnreadablePublisherError),
        (Answer(gzip.compress(b"one")[:-4], headers={"Content-Encoding": "gzip"}), SlotSourceError),
        (Answer(b"x", headers={"Content-Encoding": "gzip, gzip"}), UnreadablePublisherError),
        (Answer(b"x", headers={"Content-Encoding": "br"}), UnreadablePublisherError),
        (Answer(b"", 302, {"Location": "http://127.0.0.1:1/"}), RefusedPublisherError),
        (Answer(b"", 302, {"Location": "https://127.0.0.1:1/"}), RefusedPublisherError),
        (Answer(b"", 302, {"Location": "https://[::1]/"}), RefusedPublisherError),
        (Answer(b"", 302, {"Location": "https://169.254.169.254/latest/"}), RefusedPublisherError),
        (Answer(b"", 302, {"Location": "ftp://synthetic-clinic.example/"}), RefusedPublisherError),
        (Answer(b"", 302, {"Location": "https://["}), SlotSourceError),
        (Answer(b"", 302, {"Location": "/a"}), SlotSourceError),
        (Answer(b"", 302, {"Location": "https://8.8.8.8:" + "9" * 30}), RefusedPublisherError),
    ],
    ids=range(18),
)
def test_what_goes_wrong_is_said_without_the_key(get, publisher, answer, expected):
    publisher.answers["/a"] = [answer]
    with pytest.raises(expected) as raised:
        get(f"{publisher.url}/a")
    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None
    assert len(publisher.calls) <= 6


@pytest.mark.parametrize("status", [429, 503])
def test_a_publisher_that_asks_to_wait_says_for_how_long(get, publisher, status):
    publisher.answers["/a"] = [Answer(status=status, headers={"Retry-After": "120"})]
    with pytest.raises(BusyPublisherError) as raised:
        get(f"{publisher.url}/a")
    assert raised.value.retry_after_s == 120


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/a",
        "https://10.0.0.1/a",
        "https://[::ffff:127.0.0.1]/a",
        "http://synthetic-clinic.example/a",
        "file:///etc/passwd",
        "https://xn--/a",
        "https://8.8.8.8:999999999999999999999999999999/",
        "not an address",
        "",
    ],
)
def test_an_address_that_may_not_be_called_is_not(get, url):
    with pytest.raises(SlotSourceError) as raised:
        get(url)
    assert raised.value.code == "refused"


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Content-Length: 100\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        HEAD + b"Content-Len",
        b"",
        b"\x00\xff garbage\r\n\r\n",
    ],
    ids=["within its length", "within its pieces", "within its headers", "before anything", "no HTTP"],
)
def test_a_cut_connection_is_a_failure(get, answer):
    with make_raw_server(lambda connection: connection.sendall(answer)) as url, pytest.raises(SlotSourceError):
        get(url)


def drip(connection):
    while True:
        connection.sendall(b"x")
        time.sleep(0.02)


def drip_body(connection):
    connection.sendall(HEAD + b"\r\n")
    drip(connection)


@pytest.mark.parametrize("answer", [drip, drip_body], ids=["headers", "a body"])
def test_a_trickle_is_left_when_the_time_for_a_file_is_over(get, answer):
    with make_raw_server(answer) as url, pytest.raises(TooSlowError):
        get(url, wait_s=0.3)


def test_a_body_without_end_is_left_at_the_cap(get):
    def pour(connection):
        connection.sendall(HEAD + b"\r\n")
        while True:
            connection.sendall(b"\n" * 65_536)

    with make_raw_server(pour) as url, pytest.raises(TooLargeError):
        get(url, max_bytes=1_000_000)


def test_empty_gzip_members_without_end_are_left_at_once(get):
    def pour(connection):
        connection.sendall(HEAD + b"Content-Encoding: gzip\r\n\r\n")
        while True:
            connection.sendall(gzip.compress(b"") * 3_000)

    with make_raw_server(pour) as url, pytest.raises(UnreadablePublisherError):
        get(url, max_bytes=1_000_000)


def test_what_expands_to_nothing_without_end_is_left_at_the_cap(get):
    name = b"\x1f\x8b\x08\x08" + bytes(6)  # the header of a gzip file whose own name never ends

    def pour(connection):
        connection.sendall(HEAD + b"Content-Encoding: gzip\r\n\r\n" + name)
        while True:
            connection.sendall(b"x" * 65_536)

    with make_raw_server(pour) as url, pytest.raises(TooLargeError):
        get(url, max_bytes=1_000_000)


def test_what_has_arrived_already_is_left_when_the_time_is_over_for_publisher_and_reader(client, publisher):
    publisher.answers["/a"] = [zipped(bytes(200_000))]
    body = fetch_changed(client, f"{publisher.url}/a", None, accept="*/*", limits=Limits(200_000, whole_s=1.0))
    with body:
        pieces = body.pieces()
        next(pieces)
        time.sleep(1.1)
        with pytest.raises(TooSlowError):
            next(pieces)


def test_the_time_that_the_reader_takes_is_not_the_publishers(client):
    reader_is_done = threading.Event()

    def answer(connection):
        connection.sendall(HEAD + b"Content-Length: 2\r\n\r\na")
        reader_is_done.wait(5)
        connection.sendall(b"b")

    with make_raw_server(answer) as url:
        body = fetch_changed(client, url, None, accept="*/*", limits=Limits(100, wait_s=0.5))
        with body:
            pieces = body.pieces()
            assert next(pieces) == b"a"
            time.sleep(0.6)
            reader_is_done.set()
            assert list(pieces) == [b"b"]


def test_a_publisher_that_does_not_let_us_connect_is_down():
    def answer(request):
        raise httpx.ConnectTimeout("nobody there", request=request)

    with httpx.Client(transport=httpx.MockTransport(answer)) as client, pytest.raises(SlotSourceError) as raised:
        fetch_changed(client, "https://synthetic-clinic.example/", None, accept="*/*", limits=Limits(100))
    assert raised.value.code == "down"


@pytest.mark.parametrize("size", [1, 10, 20, 1_000])
def test_a_compressed_file_that_is_cut_anywhere_is_a_failure(get, publisher, size):
    whole = gzip.compress(bytes(range(256)) * 2_000)
    publisher.answers["/a"] = [Answer(whole[:size], headers={"Content-Encoding": "gzip"})]
    with pytest.raises(SlotSourceError, match="breaks off"):
        get(f"{publisher.url}/a", max_bytes=10**6)
