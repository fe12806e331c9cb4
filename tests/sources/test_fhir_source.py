"""A FHIR server as a publisher, over loopback: its pages, what did not change, and what goes wrong."""

import gzip
from datetime import date

import pytest

from citizen_api.sources import fhir_source
from citizen_api.sources.fhir_source import FhirSearch, search_url
from citizen_api.sources.slot_records import SlotRecord
from citizen_api.sources.slot_source import (
    BusyPublisherError,
    RefusedPublisherError,
    SlotSourceError,
    TooLargeError,
    TooSlowError,
    UnreadablePublisherError,
)
from tests.conftest import SUNDAY_NIGHT
from tests.sources.air_makers import Answer, make_air_publisher
from tests.sources.fhir_makers import make_bundle, make_practitioner, make_role, make_schedule, make_slot

SECRET = "s3cret-key"
TODAY = date(2026, 11, 23)
ADDRESS = "https://agenda.example/fhir"


@pytest.fixture
def publisher():
    with make_air_publisher() as running:
        running.answers["/Slot"] = [Answer(make_bundle())]
        yield running


def source(client, publisher, query="", **limits):
    limits = {"max_bytes": 1_000_000, "clock": lambda: SUNDAY_NIGHT} | limits
    return FhirSearch(client, f"{publisher.url}/Slot{query}", **limits)


def reading_of(search, known=None):
    (file,) = search.look(None, since=None).files
    return file.read(known)


def slots_of(search):
    with reading_of(search) as reading:
        return [item.source_id for item in reading if isinstance(item, SlotRecord)]


def state_of(search):
    with reading_of(search) as reading:
        return reading.state


def paged(publisher, *pages):
    """Publish pages that each name the one that follows."""
    for number, slot_ids in enumerate(pages):
        following = f"{publisher.url}/page{number + 1}?_getpages=a&key={SECRET}" if number + 1 < len(pages) else None
        resources = [*map(make_slot, slot_ids), make_schedule(), make_practitioner(), make_role()]
        path = f"/page{number}" if number else "/Slot"
        publisher.answers[path] = [Answer(make_bundle(*resources, next_url=following))]


def test_a_search_is_read_with_all_its_pages(client, publisher):
    paged(publisher, ["s1", "s2"], ["s3"], ["s4"])
    assert slots_of(source(client, publisher)) == ["s1", "s2", "s3", "s4"]
    assert publisher.paths() == ["/Slot", "/page1", "/page2"]


def test_a_search_says_how_large_it_was(client, publisher):
    with reading_of(source(client, publisher)) as reading:
        assert reading.size == len(publisher.answers["/Slot"][0].body)


def test_pages_that_are_kept_on_disk_are_read_all_the_same(client, publisher, monkeypatch):
    monkeypatch.setattr(fhir_source, "_IN_MEMORY_BYTES", 10)
    paged(publisher, ["s1"], ["s2"])
    assert slots_of(source(client, publisher)) == ["s1", "s2"]


def test_an_address_without_a_query_is_asked_as_the_guide_does(client, publisher):
    slots_of(source(client, publisher))
    assert publisher.calls[0].query == {
        "status": ["free"],
        "_include": ["Slot:schedule"],
        "_include:iterate": ["Schedule:actor"],
        "_count": ["1000"],
        "start": ["ge2026-11-22", "le2026-12-23"],
    }


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        (
            f"{ADDRESS}/Slot?status=free&x=a%7Cb",
            f"{ADDRESS}/Slot?status=free&x=a%7Cb&start=ge2026-11-23&start=le2026-12-24",
        ),
        (f"{ADDRESS}/Slot?start=ge2026-01-01", f"{ADDRESS}/Slot?start=ge2026-01-01"),
        (
            f"{ADDRESS}/Schedule?x=1",
            f"{ADDRESS}/Schedule?x=1&_has:Slot:schedule:start=ge2026-11-23&_has:Slot:schedule:start=le2026-12-24",
        ),
    ],
    ids=["days are added", "days are said", "calendars with their slots"],
)
def test_a_query_of_its_own_is_left_as_it_is(url, asked):
    assert search_url(url, TODAY) == asked


@pytest.mark.parametrize("severity", ["error", "fatal"])
def test_a_search_of_which_a_part_failed_is_not_whole_though_its_rows_are_given(client, publisher, severity):
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning"}, {"severity": severity}]}
    following = f"{publisher.url}/page1"
    publisher.answers["/Slot"] = [Answer(make_bundle(outcome, next_url=following))]
    publisher.answers["/page1"] = [Answer(make_bundle())]
    given = []
    with (
        reading_of(source(client, publisher)) as reading,
        pytest.raises(UnreadablePublisherError, match="part of its search"),
    ):
        given.extend(reading)
    assert "s1" in [item.source_id for item in given if isinstance(item, SlotRecord)]


@pytest.mark.parametrize("severity", ["warning", "information", None, ["error"]])
def test_a_search_with_a_mere_remark_is_whole(client, publisher, severity):
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": severity}]}
    resources = [outcome, make_slot(), make_schedule(), make_practitioner(), make_role()]
    publisher.answers["/Slot"] = [Answer(make_bundle(*resources))]
    assert slots_of(source(client, publisher)) == ["s1"]


def test_what_did_not_change_is_not_read_again(client, publisher):
    search = source(client, publisher)
    assert reading_of(search, state_of(search)) is None


def test_a_search_that_is_only_numbered_anew_did_not_change(client, publisher):
    search = source(client, publisher)
    known = state_of(search)
    publisher.answers["/Slot"] = [Answer(make_bundle(id="another", meta={"lastUpdated": "2026-11-23T00:00:00Z"}))]
    assert reading_of(search, known) is None


def test_what_changed_on_a_later_page_is_read(client, publisher):
    paged(publisher, ["s1"], ["s2"])
    search = source(client, publisher)
    known = state_of(search)
    paged(publisher, ["s1"], ["s3"])
    with reading_of(search, known) as reading:
        assert reading.state != known


def test_a_next_page_on_another_server_is_not_asked(client, publisher):
    with make_air_publisher() as other:
        publisher.answers["/Slot"] = [Answer(make_bundle(next_url=f"{other.url}/Slot"))]
        with pytest.raises(RefusedPublisherError, match="another server"):
            slots_of(source(client, publisher))
        assert other.calls == []


@pytest.mark.parametrize(
    "url", ["https://[", "https://a.example:x/", "file:///etc/passwd", "http://169.254.169.254/latest", "//10.0.0.1/"]
)
def test_a_next_page_cannot_send_us_elsewhere(client, publisher, url):
    publisher.answers["/Slot"] = [Answer(make_bundle(next_url=url))]
    with pytest.raises(RefusedPublisherError):
        slots_of(source(client, publisher))


def test_a_next_page_cannot_make_us_show_a_password(client, publisher):
    there = publisher.url.replace("//", "//somebody:password@")
    publisher.answers["/Slot"] = [Answer(make_bundle(next_url=f"{there}/page1"))]
    with pytest.raises(RefusedPublisherError):
        slots_of(source(client, publisher))
    assert publisher.paths() == ["/Slot"]


def test_pages_in_a_circle_are_unreadable(client, publisher):
    first = source(client, publisher).look(None, since=None).files[0].url
    publisher.answers["/Slot"] = [Answer(make_bundle(next_url=first))]
    with pytest.raises(UnreadablePublisherError, match="circle"):
        slots_of(source(client, publisher))


def test_more_pages_than_a_search_has_are_too_many(client, publisher, monkeypatch):
    monkeypatch.setattr(fhir_source, "PAGES_MOST", 2)
    paged(publisher, ["s1"], ["s2"], ["s3"])
    with pytest.raises(TooLargeError, match="more than 2 pages"):
        slots_of(source(client, publisher))


def test_all_pages_together_are_capped(client, publisher):
    paged(publisher, ["s1"], ["s2"])
    size = len(publisher.answers["/Slot"][0].body)
    with pytest.raises(TooLargeError):
        slots_of(source(client, publisher, max_bytes=size + 10))


def test_a_page_that_expands_without_end_is_too_large(client, publisher):
    bomb = Answer(gzip.compress(b" " * 5_000_000), headers={"Content-Encoding": "gzip"})
    publisher.answers["/Slot"] = [bomb]
    with pytest.raises(TooLargeError):
        slots_of(source(client, publisher))


def test_all_pages_together_are_waited_for_only_so_long(client, publisher):
    publisher.released.clear()
    with pytest.raises(TooSlowError):
        slots_of(source(client, publisher, wait_s=0.05))
    publisher.released.set()


def test_no_page_is_asked_for_when_the_time_is_over(client, publisher):
    with pytest.raises(TooSlowError):
        slots_of(source(client, publisher, wait_s=0.0))
    assert publisher.calls == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(b"<html>"), UnreadablePublisherError),
        (Answer(b'{"resourceType": "OperationOutcome"}'), UnreadablePublisherError),
        (Answer(make_bundle().replace(b'"free"', b"[" * 500 + b"]" * 500)), UnreadablePublisherError),
        (Answer(status=500), SlotSourceError),
        (Answer(status=401), RefusedPublisherError),
        (Answer(status=429, headers={"Retry-After": "120"}), BusyPublisherError),
    ],
    ids=["no JSON", "no bundle", "too deep", "failing", "forbidden", "busy"],
)
def test_what_goes_wrong_is_said_with_its_address_and_without_the_key(client, publisher, answer, expected):
    publisher.answers["/Slot"] = [answer]
    with pytest.raises(SlotSourceError, match="/Slot") as raised:
        slots_of(source(client, publisher, f"?key={SECRET}"))
    assert type(raised.value) is expected
    assert SECRET not in str(raised.value)


def test_a_search_is_whole(client, publisher):
    publication = source(client, publisher).look(None, since=SUNDAY_NIGHT)
    assert publication.is_whole
    assert publication.files[0].holds_slots
