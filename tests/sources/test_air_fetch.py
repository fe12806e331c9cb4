"""Calls to sources of air facts, against a publisher on loopback."""

import gzip

import httpx
import pytest

from citizen_api.sources.air_fetch import (
    AirSourceError,
    BusyError,
    CredentialsError,
    DownError,
    UnreadableError,
    fetch,
    read_body,
    read_whole,
    retry_after_s,
)
from citizen_api.sources.records import SourceFormatError
from tests.sources.air_makers import Answer

SECRET = "s3cret-key"


def ask(client, publisher, **options):
    return fetch(
        client,
        f"{publisher.url}/air",
        **{"params": {"key": SECRET}, "headers": {"X-Api-Key": SECRET}, "max_bytes": 1_000, **options},
    )


def refusal(client, publisher, expected, **options):
    with pytest.raises(expected) as raised:
        ask(client, publisher, **options)
    return raised.value


def test_the_body_comes_back(client, publisher):
    publisher.answers["/air"] = [Answer(b"some bytes")]
    assert ask(client, publisher) == b"some bytes"


def test_a_list_is_sent_as_the_same_name_several_times(client, publisher):
    publisher.answers["/air"] = [Answer()]
    ask(client, publisher, params={"insee": ["75104", "75056"]})
    assert publisher.calls[0].query == {"insee": ["75104", "75056"]}


@pytest.mark.parametrize("status", [500, 503, 404, 204, 302])
def test_any_other_status_is_down(client, publisher, status):
    publisher.answers["/air"] = [Answer(b"", status, {"Location": "/elsewhere"})]
    assert str(refusal(client, publisher, DownError)) == f"{publisher.url}/air answered {status}"


def test_a_redirect_does_not_carry_the_key_on(client, publisher):
    publisher.answers["/air"] = [Answer(b"", 302, {"Location": "/elsewhere"})]
    refusal(client, publisher, DownError)
    assert publisher.paths() == ["/air"]


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_told_with_their_status(client, publisher, status):
    publisher.answers["/air"] = [Answer(b"", status)]
    assert refusal(client, publisher, CredentialsError).status == status


def test_a_busy_source_says_for_how_long(client, publisher):
    publisher.answers["/air"] = [Answer(b"", 429, {"Retry-After": "120"})]
    assert refusal(client, publisher, BusyError).retry_after_s == 120.0


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry-After": "30"}, 30.0),
        ({"Retry-After": "9" * 400}, 86_400.0),
        ({"Retry-After": "Tue, 06 Oct 2026 10:05:00 GMT", "Date": "Tue, 06 Oct 2026 10:00:00 GMT"}, 300.0),
        ({"Retry-After": "Tue, 06 Oct 2026 09:00:00 GMT", "Date": "Tue, 06 Oct 2026 10:00:00 GMT"}, 0.0),
        ({"Retry-After": "Tue, 06 Oct 2026 10:05:00 GMT"}, None),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers, wait_s):
    assert retry_after_s(headers) == wait_s


def test_an_answer_that_is_too_large_is_down(client, publisher):
    publisher.answers["/air"] = [Answer(b"x" * 1_001)]
    assert "more than 1000 bytes" in str(refusal(client, publisher, DownError))


def test_an_answer_that_unpacks_to_too_much_is_down(client, publisher):
    publisher.answers["/air"] = [Answer(gzip.compress(b"x" * 100_000), headers={"Content-Encoding": "gzip"})]
    refusal(client, publisher, DownError)


def test_a_source_that_says_nothing_in_time_is_down(client, publisher):
    publisher.released.clear()
    assert "took longer than 0.1 s" in str(refusal(client, publisher, DownError, timeout_s=0.1))


def test_an_unreachable_source_is_down(client):
    with pytest.raises(DownError):
        fetch(client, "http://127.0.0.1:9/air", max_bytes=10)


def test_a_source_that_drips_its_answer_is_down():
    with pytest.raises(DownError, match="takes too long"):
        read_body(httpx.Response(200, content=b"x"), "https://example.org", max_bytes=10, deadline=float("-inf"))


def test_what_is_no_address_is_down(client):
    with pytest.raises(DownError, match="not an address"):
        fetch(client, "https://example.org:port/", max_bytes=10)


def test_a_key_that_no_header_takes_is_a_matter_of_credentials(client, publisher):
    refusal(client, publisher, CredentialsError, headers={"X-Api-Key": "clé"})


@pytest.mark.parametrize(
    "answer", [Answer(b"", 500), Answer(b"", 401), Answer(b"", 429), Answer(b"x" * 2_000), Answer(b"", 302)]
)
def test_messages_name_host_and_path_and_no_secret(client, publisher, answer):
    publisher.answers["/air"] = [answer]
    error = refusal(client, publisher, AirSourceError)
    assert f"{publisher.url}/air" in str(error)
    assert SECRET not in repr(error) + str(error.__cause__)


def test_an_answer_of_another_form_is_unreadable():
    def read(_body):
        raise SourceFormatError("Not a map.")

    with pytest.raises(UnreadableError, match=r"example\.org/map: Not a map"):
        read_whole("https://example.org/map?key=1", read, b"<html>")
