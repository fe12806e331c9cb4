"""A publisher of SMART Scheduling Links over loopback: what is asked, in which order, and when nothing changed."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from citizen_api.sources.records import RejectedRow
from citizen_api.sources.scheduling_source import SchedulingLinks
from citizen_api.sources.slot_records import PlaceRecord, ScheduleRecord, SlotRecord
from citizen_api.sources.slot_source import (
    FileState,
    RefusedPublisherError,
    SlotSourceError,
    TooLargeError,
    UnreadablePublisherError,
)
from tests.sources.air_makers import Answer, make_air_publisher
from tests.sources.scheduling_makers import (
    lines,
    make_location,
    make_manifest,
    make_publication,
    make_schedule,
    make_slot,
)

SECRET = "s3cret-key"
SINCE = datetime(2026, 11, 25, 8, 0, 0, 123_000, tzinfo=UTC)


@pytest.fixture
def publisher():
    with make_air_publisher() as running:
        running.answers |= make_publication()
        yield running


@pytest.fixture
def source(client, publisher):
    return SchedulingLinks(client, f"{publisher.url}/$bulk-publish?key={SECRET}", max_bytes=100_000)


def read_all(publication):
    items = []
    for file in publication.files:
        with file.read(None) as reading:
            items.extend(reading)
    return items


def test_a_publication_is_read_places_first(source):
    publication = source.look(None, since=None)
    items = read_all(publication)
    assert [type(item) for item in items] == [PlaceRecord, ScheduleRecord, SlotRecord, SlotRecord]
    assert [item.is_free for item in items[2:]] == [True, False]
    assert (publication.is_whole, publication.published_at) == (True, SINCE)
    assert [file.holds_slots for file in publication.files] == [False, False, True]


def test_it_asks_for_the_forms_that_the_guide_names(source, publisher):
    read_all(source.look(None, since=None))
    assert [call.headers["Accept"] for call in publisher.calls] == [
        "application/json",
        *["application/fhir+ndjson"] * 3,
    ]


def test_one_connection_at_a_time_is_enough(source, client):
    publication = source.look(None, since=None)
    open_at_once = []
    for file in publication.files:
        with file.read(None) as reading:
            open_at_once.append(len(client._transport._pool.connections))
            list(reading)
    assert open_at_once == [1, 1, 1]


def test_a_reading_that_is_left_closes_its_connection(source, client):
    with source.look(None, since=None).files[2].read(None) as reading:
        next(iter(reading))
    assert client._transport._pool.connections == []


@pytest.mark.parametrize(("name", "asked"), [("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since")])
def test_a_manifest_that_did_not_change_gives_nothing(source, publisher, name, asked):
    publisher.answers["/$bulk-publish"] = [Answer(make_manifest(), headers={name: "mark"}), Answer(b"", 304)]
    known = source.look(None, since=None).state
    assert source.look(known, since=None) is None
    assert publisher.calls[1].headers[asked] == "mark"


def test_without_validators_the_same_files_of_the_same_moment_are_unchanged(source, publisher):
    written_otherwise = json.dumps(json.loads(make_manifest(request="elsewhere")), indent=2).encode()
    publisher.answers["/$bulk-publish"] = [Answer(make_manifest()), Answer(written_otherwise)]
    assert source.look(source.look(None, since=None).state, since=None) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"transactionTime": "2026-11-25T08:00:00.124Z"},
        {"output": [{"type": "Slot", "url": "slots.ndjson"}]},
    ],
    ids=["a later moment", "other files"],
)
def test_another_moment_or_other_files_are_a_change(source, publisher, changes):
    publisher.answers["/$bulk-publish"] = [Answer(make_manifest()), Answer(make_manifest(**changes))]
    assert source.look(source.look(None, since=None).state, since=None) is not None


def test_a_manifest_without_a_moment_tells_nothing_about_its_files(source, publisher):
    publisher.answers["/$bulk-publish"] = [Answer(make_manifest(transactionTime=None), headers={"ETag": "mark"})]
    known = source.look(None, since=None).state
    assert known == FileState()
    assert source.look(known, since=None) is not None


@pytest.mark.parametrize("since", [SINCE, SINCE.astimezone(timezone(timedelta(hours=1)))])
def test_changes_are_asked_for_beside_other_parameters_and_are_not_the_whole(source, publisher, since):
    publication = source.look(None, since=since)
    assert publisher.calls[0].query == {"key": [SECRET], "_since": ["2026-11-25T08:00:00.123Z"]}
    assert not publication.is_whole


def test_changes_are_asked_for_where_there_are_no_other_parameters(client, publisher):
    SchedulingLinks(client, f"{publisher.url}/$bulk-publish", max_bytes=1_000).look(None, since=SINCE)
    assert publisher.calls[0].query == {"_since": ["2026-11-25T08:00:00.123Z"]}


def test_a_file_that_did_not_change_is_not_sent_again(source, publisher):
    slots = Answer(lines(make_slot()), headers={"ETag": "mark"})
    publisher.answers["/slots.ndjson"] = [slots, Answer(b"", 304)]
    file = source.look(None, since=None).files[2]
    with file.read(None) as reading:
        list(reading)
        assert reading.size == len(slots.body)
    assert file.read(reading.state) is None
    assert publisher.calls[-1].headers["If-None-Match"] == "mark"


def test_the_digest_of_a_file_tells_its_content(source, publisher):
    publisher.answers["/slots.ndjson"] = [Answer(lines(make_slot())), Answer(lines(make_slot())), Answer(lines())]
    file = source.look(None, since=None).files[2]

    def digest():
        with file.read(None) as reading:
            list(reading)
        return reading.state.digest

    first, second, third = digest(), digest(), digest()
    assert first == second != third


def test_addresses_of_files_may_be_absolute_or_relative_to_where_the_manifest_was_found(source, publisher):
    output = [{"type": "Slot", "url": "s.ndjson"}, {"type": "Slot", "url": f"{publisher.url}/t.ndjson?a=1"}]
    publisher.answers["/$bulk-publish"] = [Answer(b"", 302, {"Location": "/moved/$bulk-publish"})]
    publisher.answers["/moved/$bulk-publish"] = [Answer(make_manifest(output=output))]
    files = source.look(None, since=None).files
    assert [file.url for file in files] == [f"{publisher.url}/moved/s.ndjson", f"{publisher.url}/t.ndjson?a=1"]


def test_one_file_of_all_kinds_is_read_once_and_holds_slots(source, publisher):
    output = [{"type": kind, "url": "all.ndjson"} for kind in ("Slot", "Location", "Schedule")]
    publisher.answers["/$bulk-publish"] = [Answer(make_manifest(output=output))]
    publisher.answers["/all.ndjson"] = [Answer(lines(make_location(), make_schedule(), make_slot()))]
    publication = source.look(None, since=None)
    assert [file.holds_slots for file in publication.files] == [True]
    assert len(read_all(publication)) == 3


@pytest.mark.parametrize(
    "url",
    [
        "http://synthetic-clinic.example/slots.ndjson",
        "http://127.0.0.1:1/slots.ndjson",
        "//127.0.0.1:1/slots.ndjson",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https:///slots.ndjson",
        "https://synthetic-clinic.example:65536/",
        "http://xn--/",
        "https://xn--/",
        "https://synthetic-clinic.example/\x00",
    ],
)
def test_a_manifest_that_leads_elsewhere_is_refused_whole(source, publisher, url):
    publisher.answers["/$bulk-publish"] = [Answer(make_manifest(output=[{"type": "Slot", "url": url}]))]
    with pytest.raises(RefusedPublisherError) as raised:
        source.look(None, since=None)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("url", ["https://127.0.0.1/a", "https://10.0.0.1/a", "https://[::1]/a"])
def test_a_file_at_a_private_address_is_refused_when_it_is_read(source, publisher, url):
    publisher.answers["/$bulk-publish"] = [Answer(make_manifest(output=[{"type": "Slot", "url": url}]))]
    (file,) = source.look(None, since=None).files
    with pytest.raises(RefusedPublisherError):
        file.read(None)


def test_a_manifest_is_capped_whatever_the_setting(client, publisher):
    publisher.answers["/$bulk-publish"] = [Answer(b" " * 5_000_001)]
    with pytest.raises(TooLargeError):
        SchedulingLinks(client, f"{publisher.url}/$bulk-publish", max_bytes=10**9).look(None, since=None)


def test_a_file_is_capped_by_the_setting(client, publisher):
    publication = SchedulingLinks(client, f"{publisher.url}/$bulk-publish", max_bytes=100).look(None, since=None)
    with pytest.raises(TooLargeError):
        publication.files[2].read(None)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b""])
def test_what_is_no_manifest_is_unreadable(source, publisher, body):
    publisher.answers["/$bulk-publish"] = [Answer(body)]
    with pytest.raises(UnreadablePublisherError, match="bulk-publish") as raised:
        source.look(None, since=None)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    "body", [b"<html>\n", b"[" + lines(make_slot()).strip() + b"]", lines(make_slot()) + lines(make_slot("s2"))[:50]]
)
def test_a_file_that_is_none_or_breaks_off_fails_after_its_rows(source, publisher, body):
    publisher.answers["/slots.ndjson"] = [Answer(body)]
    items = []
    with (
        source.look(None, since=None).files[2].read(None) as reading,
        pytest.raises(UnreadablePublisherError, match=r"/slots\.ndjson"),
    ):
        items.extend(iter(reading))
    assert isinstance(items[-1], RejectedRow)


def test_a_publisher_that_is_down_is_said_to_be(source, publisher):
    publisher.answers["/$bulk-publish"] = [Answer(status=500)]
    with pytest.raises(SlotSourceError) as raised:
        source.look(None, since=None)
    assert (raised.value.code, SECRET in str(raised.value)) == ("down", False)
