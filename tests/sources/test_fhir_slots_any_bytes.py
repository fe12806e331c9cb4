"""Whatever a FHIR server sends, it is read or refused, and what is read can be kept."""

import json
from dataclasses import astuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.sources import fhir_bundles
from citizen_api.sources.fhir_bundles import read_bundle
from citizen_api.sources.fhir_slots import SlotReader
from citizen_api.sources.records import RejectedRow
from citizen_api.sources.slot_records import ID_LENGTH, ScheduleRecord, SlotRecord
from citizen_api.sources.slot_source import TooLargeError, UnreadablePublisherError
from citizen_api.sources.specialties import SPECIALTIES
from tests.sources.fhir_makers import (
    JSON_VALUES,
    make_bundle,
    make_location,
    make_practitioner,
    make_role,
    make_schedule,
    make_slot,
)
from tests.sources.test_air_any_bytes import changed, damaged

REST = (make_schedule(), make_practitioner(), make_role())


def read(body):
    """Items of a page; none where it is refused."""
    try:
        return list(SlotReader().read(read_bundle(body)))
    except UnreadablePublisherError:
        return []


def can_be_kept(item):
    if isinstance(item, RejectedRow):
        return len(item.raw) <= ID_LENGTH
    if isinstance(item, SlotRecord):
        return 0 < len(item.source_id) <= ID_LENGTH and item.start_s < item.end_s
    if isinstance(item, ScheduleRecord):
        return 0 < len(item.source_id) <= ID_LENGTH and set(item.specialties) <= set(SPECIALTIES)
    return "\x00" not in "".join(map(str, astuple(item))) and (item.lat is None) == (item.lon is None)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body):
    assert all(map(can_be_kept, read(body)))


@given(damaged(make_bundle()))
def test_a_damaged_page_is_read_or_refused(body):
    assert all(map(can_be_kept, read(body)))


@given(changed(make_bundle()))
def test_any_value_anywhere_is_read_or_refused(body):
    assert all(map(can_be_kept, read(body)))


@given(st.dictionaries(st.sampled_from(sorted(make_slot())), JSON_VALUES))
def test_whatever_a_slot_says_the_next_one_is_read(changes):
    resources = [make_slot() | changes, make_slot("s2", modalities=("VR",)), make_schedule("c1", "Location/none")]
    entries = [{"resource": each} for each in resources]
    items = read(json.dumps({"resourceType": "Bundle", "entry": entries}).encode())
    assert "s2" in {item.source_id for item in items if isinstance(item, SlotRecord)}


def test_a_page_that_nests_deep_is_read():
    body = make_bundle().replace(b'"free"', b"[" * 500 + b"]" * 500)
    assert [item.is_free for item in read(body) if isinstance(item, SlotRecord)] == [False]


def test_a_page_that_nests_without_end_is_refused():
    with pytest.raises(UnreadablePublisherError):
        read_bundle(make_bundle().replace(b'"free"', b"[" * 100_000 + b"]" * 100_000))


def test_a_number_of_thousands_of_digits_is_refused():
    with pytest.raises(UnreadablePublisherError):
        read_bundle(make_bundle(make_slot(start=12_345)).replace(b"12345", b"9" * 10_000))


def test_a_number_that_no_computer_counts_with_rejects_its_slot():
    assert [item.code for item in read(make_bundle(make_slot(start=10**30), *REST))] == ["bad_time"]


def test_more_places_than_anybody_has_are_refused(monkeypatch):
    monkeypatch.setattr(fhir_bundles, "SHELF_MOST", 3)
    with pytest.raises(TooLargeError):
        list(SlotReader().read(read_bundle(make_bundle(*(make_schedule(str(number)) for number in range(4))))))


def test_only_so_much_belongs_to_a_calendar():
    places = [make_location(f"l{number}", name=f"Lieu {number}") for number in range(200)]
    actors = [f"Location/{place['id']}" for place in places]
    named = make_location("named") | {"resourceType": "Practitioner", "communication": [{"text": "anglais"}]}
    bundle = make_bundle(make_slot(), make_schedule("c1", *actors, "Practitioner/named"), *places, named)
    assert [item.languages for item in read(bundle) if isinstance(item, ScheduleRecord)] == [()]


@pytest.mark.parametrize("name", ["comment", "id", "status", "start"])
def test_a_text_of_megabytes_ends_nothing(name):
    assert all(map(can_be_kept, read(make_bundle(make_slot(**{name: "https://a," * 300_000}), *REST))))
