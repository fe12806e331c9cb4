"""What the demo clinics publish: the coming week by the clock of Paris, the same for all in one minute."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from citizen_api.demo import clinic_feed as feed
from citizen_api.sources.records import RejectedRow
from citizen_api.sources.scheduling_links import read_lines, read_manifest
from tests.demo.clinic_makers import make_calendar

NOW = datetime(2026, 11, 22, 21, 40, 30, tzinfo=UTC)
CLOCK_CHANGE = datetime(2026, 10, 23, 12, tzinfo=UTC)
PLACE = feed.DemoPlace(code="place", name="Démo", street="1 rue d'Essai", postcode="75004", lat=48.855, lon=2.36)


def week(calendar, now=NOW):
    return list(feed.slots_between(calendar, now, now + feed.AHEAD, now))


@pytest.mark.parametrize("now", [NOW, CLOCK_CHANGE])
@pytest.mark.parametrize("is_late", [False, True])
def test_slots_are_quarters_of_an_hour_of_the_coming_week_in_opening_hours(now, is_late):
    slots = week(make_calendar(is_late=is_late), now)
    starts = [slot.start.astimezone(feed.PARIS) for slot in slots]
    hours = {start.hour for start in starts}
    assert len(starts) == len(set(starts)) > 80
    assert all(now <= start < now + feed.AHEAD and start.minute % 15 == 0 for start in starts)
    assert (min(hours), max(hours)) == ((8, 23) if is_late else (9, 18))
    assert (6 in {start.weekday() for start in starts}) == is_late


def test_some_are_free_some_are_busy_and_some_never_offered():
    shares = Counter(slot.is_free for slot in week(make_calendar(is_late=True)))
    assert shares[True] > 150
    assert shares[False] > 40
    assert shares.total() < 63 * 7


def test_the_same_calendar_has_the_same_slots_in_one_minute():
    calendar = make_calendar(is_late=True)
    noon = NOW.replace(second=0)
    at = noon + timedelta(minutes=5)
    assert {slot for second in (0, 59) for slot in feed.slots_between(calendar, at, at + feed.AHEAD, at)} == set(
        feed.slots_between(calendar, at, at + feed.AHEAD, at + timedelta(seconds=59))
    )


def test_slots_are_taken_as_time_goes_by_and_never_come_back():
    calendar = make_calendar(is_late=True)
    until = NOW + feed.AHEAD
    free = []
    for hours in range(0, 97, 24):
        now = NOW + timedelta(hours=hours)
        later = feed.slots_between(calendar, NOW + timedelta(days=5), until, now)
        free.append({slot.id for slot in later if slot.is_free})
    assert all(after <= before for before, after in pairwise(free))
    assert len(free[-1]) < len(free[0])


def test_a_slot_is_found_by_its_name_after_it_began_too():
    calendars = [make_calendar("other"), make_calendar(is_late=True)]
    for slot in week(calendars[1])[::20]:
        for now in (NOW, slot.start + timedelta(days=1)):
            assert (feed.find_slot(calendars, slot.id, now).start, slot.calendar) == (slot.start, calendars[1])


@pytest.mark.parametrize(
    "name",
    ["", "synthetic", "synthetic-", "synthetic-1795852801", "synthetic-²", "x-1795852800", "synthetic-99999999999"],
)
def test_what_names_no_slot_finds_none(name):
    assert feed.find_slot([make_calendar(is_late=True)], name, NOW) is None


def test_the_usual_reader_reads_all_of_it():
    calendars = [
        make_calendar("here", modality="practice", specialty="midwifery", place=PLACE),
        make_calendar("far", specialty="dermatology"),
    ]
    body = feed.locations(calendars) + feed.schedules(calendars) + feed.slots(calendars, NOW)
    items = list(read_lines([body]))
    assert not [item for item in items if isinstance(item, RejectedRow)]
    place, here, far, *slots = items
    assert (place.source_id, place.lat, place.postcode) == ("place", 48.855, "75004")
    assert (here.modality, here.specialties, here.place_id) == ("practice", ("midwifery",), "place")
    assert (far.modality, far.specialties, far.place_id) == ("video", ("dermatology",), None)
    assert {slot.is_free for slot in slots} == {True, False}
    assert {slot.end_s - slot.start_s for slot in slots} == {900}


def test_a_booth_is_read_as_assisted():
    booth = make_calendar("booth", modality="assisted", place=PLACE)
    (schedule,) = read_lines([feed.schedules([booth])])
    assert schedule.modality == "assisted"


def test_a_slot_that_was_taken_by_hand_is_not_published():
    calendar = make_calendar(is_late=True)
    said = {item.source_id for item in read_lines([feed.slots([calendar], NOW)])}
    taken = min(said)
    assert {item.source_id for item in read_lines([feed.slots([calendar], NOW, taken={taken})])} == said - {taken}


def test_the_manifest_names_its_files_and_when_it_was_made():
    made = read_manifest(feed.manifest({"Slot": "https://synthetic-clinic.example/Slot.ndjson"}, "", NOW))
    assert made.published_at == NOW
    assert made.outputs == (("Slot", "https://synthetic-clinic.example/Slot.ndjson"),)
