"""The examples that the guide itself publishes."""

from collections import Counter

import pytest

from citizen_api.sources.records import RejectedRow
from citizen_api.sources.scheduling_links import read_lines, read_manifest
from tests.shared_data import shared_file


def read(name):
    return list(read_lines([shared_file(f"smart/examples/{name}").read_bytes()]))


def test_the_manifest_names_its_seven_files():
    manifest = read_manifest(shared_file("smart/examples/$bulk-publish").read_bytes())
    assert Counter(kind for kind, _ in manifest.outputs) == {"Location": 1, "Schedule": 1, "Slot": 5}
    assert manifest.published_at.isoformat() == "2021-04-22T14:28:21.582000+00:00"


def test_places_are_read():
    places = read("locations.ndjson")
    assert len(places) == 10
    assert (places[0].source_id, places[0].name) == ("0", "SMART Vaccine Clinic Boston")
    assert (places[0].address, places[0].city, places[0].postcode) == ("123 Summer St", "Boston", "02114")


def test_schedules_are_of_vaccination_at_their_places():
    schedules = read("schedules.ndjson")
    assert len(schedules) == 10
    assert {(schedule.modality, schedule.specialties) for schedule in schedules} == {("practice", ("vaccination",))}
    assert [schedule.place_id for schedule in schedules] == [str(number) for number in range(10)]


@pytest.mark.parametrize(("week", "count"), [("09", 70), ("10", 70), ("11", 70), ("12", 70), ("13", 20)])
def test_slots_are_read_with_their_capacity_and_link(week, count):
    slots = read(f"slots-2021-W{week}.ndjson")
    assert len(slots) == count
    assert {(slot.is_free, slot.capacity) for slot in slots} == {(True, 100)}
    assert all(slot.link.startswith("https://ehr-portal.example.org/bookings?slot=") for slot in slots)
    assert all(slot.end_s - slot.start_s in {9 * 3_600, 8 * 3_600, 10 * 3_600} for slot in slots)


def test_the_examples_of_a_conversion_are_read():
    text = shared_file("smart/examples/conversion-output.md").read_text()
    body = "\n".join(line for line in text.splitlines() if line.strip().startswith("{"))
    items = list(read_lines([body.encode()]))
    assert not [item for item in items if isinstance(item, RejectedRow)]
    assert {slot.is_free for slot in items[4:]} == {True, False}
