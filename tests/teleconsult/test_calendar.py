"""An appointment as a calendar file, opened by another library; names cannot break out of their line."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import icalendar
import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.teleconsult.calendar import Appointment, calendar_file, has_file
from citizen_api.teleconsult.handoff_rules import STATES
from tests.conftest import SUNDAY_NIGHT

START = datetime(2026, 11, 25, 8, 40, tzinfo=UTC)
START_S = int(START.timestamp())
BOOKED = Appointment(
    uid="synthetic0000000000001",
    state="booked",
    sequence=2,
    starts_s=START_S,
    ends_s=START_S + 900,
    lang="fr",
    summary="Rendez-vous",
    address="1 rue d'Essai, 75004 Paris",
)
FORGOTTEN = replace(BOOKED, state="cancelled", starts_s=None, ends_s=None, address=None)
HOSTILE = [
    "a\r\nBEGIN:VALARM\r\nACTION:PROCEDURE",
    "a\nATTENDEE:mailto:synthetic@example.org",
    "END:VEVENT\r\nEND:VCALENDAR\r\nBEGIN:VCALENDAR",
    "a\\nEND:VEVENT",
    "a\x00b\x07c\x1bd\x7fe",
    "a\x85b\u2028c\u2029d\x0be\x0cf",
    "\u202egnp.exe",
    'a;X-A="b":c,d',
    "é" * 200,
    "😀" * 100,
    "\\" * 100,
    "\ud800",
]


def written(appointment=BOOKED, now=SUNDAY_NIGHT) -> str:
    return calendar_file(appointment, now=now).decode()


def read(appointment=BOOKED):
    """The event, as another library reads it."""
    return vobject.readOne(written(appointment)).vevent


def names_of(text: str) -> list[str]:
    """Names of the properties of a file, line by line as RFC 5545 unfolds them."""
    return [line.partition(":")[0].partition(";")[0] for line in text.replace("\r\n ", "").split("\r\n")]


def test_another_library_reads_the_appointment():
    calendar = vobject.readOne(written())
    event = calendar.vevent
    assert (calendar.method.value, len(list(calendar.components()))) == ("PUBLISH", 1)
    assert (event.dtstart.value, event.dtend.value) == (START, START + timedelta(minutes=15))
    assert (event.uid.value, event.sequence.value) == (BOOKED.uid, "2")
    assert (event.summary.value, event.location.value) == ("Rendez-vous", "1 rue d'Essai, 75004 Paris")
    assert (event.status.value, event.dtstamp.value) == ("CONFIRMED", SUNDAY_NIGHT)


def test_its_times_are_written_in_utc():
    assert "DTSTART:20261125T084000Z\r\nDTEND:20261125T085500Z\r\nDTSTAMP:20261122T214000Z\r\n" in written()


def test_it_rings_a_day_and_an_hour_before():
    alarms = [(alarm.trigger.value, alarm.action.value) for alarm in read().valarm_list]
    assert alarms == [(-timedelta(hours=24), "DISPLAY"), (-timedelta(hours=1), "DISPLAY")]


@pytest.mark.parametrize(
    ("ahead", "rings"),
    [(timedelta(hours=24, seconds=1), 2), (timedelta(hours=24), 1), (timedelta(hours=1), 0), (timedelta(0), 0)],
)
def test_no_alarm_is_set_for_what_is_past(ahead, rings):
    assert written(now=START - ahead).count("BEGIN:VALARM") == rings


@pytest.mark.parametrize(("lang", "product"), [("fr", "FR"), ("en", "EN")])
def test_its_product_names_its_language(lang, product):
    assert f"PRODID:-//Alentours//Appointments//{product}\r\n" in written(replace(BOOKED, lang=lang))


def test_both_libraries_have_every_property_that_the_standards_ask_for():
    (calendar,) = icalendar.Calendar.from_ical(written(), multiple=True)
    (event,) = calendar.events
    assert (calendar["VERSION"], event.errors, calendar.errors) == ("2.0", [], [])
    assert {"UID", "DTSTAMP", "DTSTART", "SUMMARY", "SEQUENCE"} <= set(event)
    assert [set(alarm) for alarm in event.walk("VALARM")] == [{"ACTION", "TRIGGER", "DESCRIPTION"}] * 2


def test_it_says_nothing_beside_when_and_where():
    assert set(names_of(written())) == {
        *("BEGIN", "END", "VERSION", "PRODID", "METHOD", "UID", "SEQUENCE", "CLASS", "STATUS"),
        *("DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "LOCATION", "ACTION", "TRIGGER", "DESCRIPTION", ""),
    }


def test_it_asks_shared_calendars_to_keep_it_private():
    assert read().contents["class"][0].value == "PRIVATE"


@pytest.mark.parametrize("state", ["made", "opened"])
def test_what_is_not_booked_yet_is_tentative(state):
    assert read(replace(BOOKED, state=state)).status.value == "TENTATIVE"


def test_a_cancelled_appointment_is_taken_out_by_the_same_name_and_a_higher_number():
    calendar = vobject.readOne(written(FORGOTTEN))
    event = calendar.vevent
    assert (calendar.method.value, event.status.value) == ("CANCEL", "CANCELLED")
    assert (event.uid.value, event.sequence.value) == (BOOKED.uid, "3")
    assert not hasattr(event, "valarm_list")


@pytest.mark.parametrize("ends_s", [None, START_S, START_S + 1])
def test_no_length_is_made_up_where_the_end_is_not_said(ends_s):
    assert not {"DTEND", "DURATION"} & set(names_of(written(replace(BOOKED, ends_s=ends_s))))


def test_without_an_address_there_is_no_location():
    assert not hasattr(read(replace(BOOKED, address=None)), "location")


@pytest.mark.parametrize("state", STATES)
def test_only_what_is_to_come_or_was_cancelled_has_a_file(state):
    assert has_file(state, START_S) == (state in {"made", "opened", "booked", "cancelled"})
    assert has_file(state, None) == (state == "cancelled")


def test_the_same_appointment_is_written_alike():
    assert written() == written()


def check_unbroken(text: str) -> None:
    """A file has the same lines, whatever its texts hold, and both libraries read it."""
    assert names_of(text) == names_of(written())
    assert not set(text) & {*map(chr, range(32)), "\x7f", "\x85", "\u2028", "\u2029", "\u202e"} - {"\r", "\n"}
    assert text.count("\r") == text.count("\n") == text.count("\r\n")
    assert max(len(line) for line in text.encode().split(b"\r\n")) <= 75
    event = vobject.readOne(text).vevent
    (again,) = icalendar.Calendar.from_ical(text).events
    assert event.location.value == str(again["LOCATION"])
    assert (event.uid.value, event.dtstart.value) == (BOOKED.uid, START)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_stays_in_its_line(text):
    check_unbroken(written(replace(BOOKED, address=f"x{text}", summary=f"x{text}")))


@given(st.text(st.characters(codec=None), max_size=400), st.text(max_size=100))
def test_any_text_stays_in_its_line(address, summary):
    check_unbroken(written(replace(BOOKED, address=f"x{address}", summary=f"x{summary}")))
