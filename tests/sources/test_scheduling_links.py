"""Slots of SMART Scheduling Links, and lines as such: what is read, what is rejected, what is passed over."""

import pytest

from citizen_api.sources.records import RejectedRow, SourceFormatError
from citizen_api.sources.scheduling_links import LINE_MAX_BYTES, read_lines
from citizen_api.sources.slot_records import CAPACITY_MOST, ID_LENGTH, LINK_LENGTH, SlotRecord
from tests.sources.scheduling_makers import (
    LINK,
    PHONE,
    START_S,
    extension,
    lines,
    make_location,
    make_schedule,
    make_slot,
    peak_bytes,
    read,
    read_one,
    refused_code,
)

HL7 = "http://hl7.org/fhir/uv/smart-scheduling-links/StructureDefinition"


def test_a_slot_is_read_whole():
    assert read_one(make_slot()) == SlotRecord(
        source_id="s1",
        schedule_id="c1",
        is_free=True,
        start_s=START_S,
        end_s=START_S + 1_200,
        capacity=3,
        link=LINK,
        phone=PHONE,
    )


def test_extensions_are_known_in_any_order_and_under_the_addresses_of_hl7_too():
    known = [
        extension("slot-capacity", HL7, valueInteger=3),
        extension("something-else", valueString="?"),
        extension("booking-phone", HL7, valueString=PHONE),
        extension("booking-deep-link", HL7, valueUrl=LINK),
    ]
    assert read_one(make_slot(extension=known)) == read_one(make_slot())


def test_a_slot_without_extensions_has_no_link_phone_or_capacity():
    slot = make_slot()
    del slot["extension"]
    assert read_one(slot)[-3:] == (None, None, None)


@pytest.mark.parametrize(
    "start",
    [
        "2026-11-25T03:30:00-05",
        "2026-11-25T03:30:00-0500",
        "2026-11-25T03:30:00-05:00",
        "2026-11-25T08:30:00Z",
        "2026-11-25T08:30:00z",
        "2026-11-25T08:30:00.1Z",
        "2026-11-25T08:30:00.123456789123Z",
        "2026-11-25T08:30Z",
        " 2026-11-25T08:30:00+00:00 ",
        "2026-11-25T14:15:00+05:45",
    ],
)
def test_moments_are_read_with_offsets_of_any_form(start):
    assert read_one(make_slot(start=start)).start_s == START_S


@pytest.mark.parametrize(
    ("start", "code"),
    [
        ("2026-11-25T08:30:00", "no_offset"),
        ("2026-11-25", "no_offset"),
        ("2026-11-25T25:30:00Z", "bad_time"),
        ("2026-02-30T08:30:00Z", "bad_time"),
        ("tomorrow", "bad_time"),
        ("2026-11-25T08:30:00." + "1" * 100 + "Z", "bad_time"),
        (START_S, "bad_time"),
        (None, "bad_time"),
        ("1999-12-31T23:59:59Z", "absurd_time"),
        ("2101-01-01T00:00:00Z", "absurd_time"),
        ("0001-01-01T00:00:00+14:00", "absurd_time"),
        ("9999-12-31T23:59:59-14:00", "absurd_time"),
        ("2026-11-25T08:50:00Z", "bad_period"),
        ("2026-11-25T09:00:00Z", "bad_period"),
        ("2026-10-25T08:49:59Z", "bad_period"),
    ],
)
def test_a_time_that_cannot_be_is_rejected_with_its_reason(start, code):
    assert refused_code(make_slot(start=start)) == code


def test_a_slot_may_last_31_days():
    assert read_one(make_slot(start="2026-10-25T08:50:00Z")).end_s - START_S == 1_200


@pytest.mark.parametrize(
    "status", ["busy", "busy-unavailable", "busy-tentative", "entered-in-error", "", None, ["free"]]
)
def test_whatever_is_not_free_is_not_free(status):
    assert not read_one(make_slot(status=status)).is_free


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"valueInteger": 1}, 1),
        ({"valueInteger": CAPACITY_MOST}, CAPACITY_MOST),
        ({"valueDecimal": 20.0}, 20),
        ({"valueString": "20"}, 20),
        ({"valueInteger": CAPACITY_MOST + 1}, None),
        ({"valueInteger": -1}, None),
        ({"valueInteger": 10**18}, None),
        ({"valueInteger": 1e300}, None),
        ({"valueDecimal": 2.5}, None),
        ({"valueInteger": True}, None),
        ({"valueString": "many"}, None),
        ({"valueString": "1_0"}, None),
        ({"valueString": "٣"}, None),
        ({"valueString": "9" * 10_000}, None),
        ({"valueInteger": None}, None),
        ({"valueInteger": [3]}, None),
        ({}, None),
    ],
)
def test_a_capacity_that_is_no_number_of_appointments_is_not_known(value, expected):
    slot = read_one(make_slot(extension=[extension("slot-capacity", **value)]))
    assert (slot.capacity, slot.is_free) == (expected, True)


def test_a_slot_without_room_is_not_free():
    assert not read_one(make_slot(extension=[extension("slot-capacity", valueInteger=0)])).is_free


@pytest.mark.parametrize("key", ["valueUrl", "valueUri", "valueString"])
def test_a_link_is_read_under_each_type_of_address(key):
    assert read_one(make_slot(extension=[extension("booking-deep-link", **{key: f" {LINK} "})])).link == LINK


@pytest.mark.parametrize(
    "link",
    [
        "http://synthetic-clinic.example/",
        "javascript:alert(1)",
        "//synthetic-clinic.example/",
        "https:synthetic-clinic.example",
        "https://",
        "https:///path",
        "https://?query",
        "https://synthetic-clinic.example/a b",
        "https://synthetic-clinic.example\\@evil.example/",
        "https://synthetic-clinic.example/\r\nX: y",
        "https://synthetic-clinic.example/\x00",
        "https://synthetic-clinic.example/" + "a" * LINK_LENGTH,
        5,
        None,
        ["https://synthetic-clinic.example/"],
    ],
)
def test_a_link_that_is_no_https_address_is_none_and_the_slot_stays(link):
    assert read_one(make_slot(extension=[extension("booking-deep-link", valueUrl=link)])).link is None


def test_the_longest_link_is_kept():
    link = "HTTPS://synthetic-clinic.example/".ljust(LINK_LENGTH, "a")
    assert read_one(make_slot(extension=[extension("booking-deep-link", valueUrl=link)])).link == link


@pytest.mark.parametrize("phone", ["000-000-0000", "nobody", "", None, {"a": 1}, "0123456789" * 100])
def test_a_phone_that_nobody_can_dial_is_none(phone):
    assert read_one(make_slot(extension=[extension("booking-phone", valueString=phone)])).phone is None


@pytest.mark.parametrize("phone", ["01 23 45 67 89", "tel:+33-1-23-45-67-89", 33123456789, "123456789"])
def test_a_phone_is_made_international(phone):
    said = extension("booking-phone", valueString=f"+{phone}" if isinstance(phone, int) else phone)
    assert read_one(make_slot(extension=[said])).phone == PHONE


@pytest.mark.parametrize("given", [None, "", " ", "a\x00b", "a\nb", "a" * (ID_LENGTH + 1), 1.5, True, ["a"], {"a": 1}])
def test_a_slot_that_nothing_identifies_is_rejected(given):
    assert refused_code(make_slot(given)) == "bad_identifier"


@pytest.mark.parametrize(("given", "expected"), [("a" * ID_LENGTH, "a" * ID_LENGTH), (5, "5"), (" a ", "a")])
def test_identifiers_are_texts(given, expected):
    assert read_one(make_slot(given)).source_id == expected


@pytest.mark.parametrize(
    "reference",
    ["Schedule/c1", " Schedule/c1 ", "https://synthetic-clinic.example/fhir/Schedule/c1", "Schedule/c1/_history/2"],
)
def test_a_reference_may_be_absolute_or_name_a_version(reference):
    assert read_one(make_slot(schedule={"reference": reference})).schedule_id == "c1"


@pytest.mark.parametrize(
    "schedule",
    [
        None,
        "Schedule/c1",
        {},
        {"reference": None},
        {"reference": "Schedule/"},
        {"reference": "c1"},
        {"reference": "MySchedule/c1"},
        {"reference": "Location/c1"},
        {"reference": "Schedule/" + "a" * 10_000},
    ],
)
def test_a_slot_of_no_schedule_is_rejected(schedule):
    assert refused_code(make_slot(schedule=schedule)) == "no_reference"


@pytest.mark.parametrize("field", ["start", "id", "status", "schedule", "extension"])
def test_values_that_nest_deep_are_not_even_shown(field):
    deep = b"[" * 1_000 + b"]" * 1_000
    body = lines(make_slot(**{field: "HERE"})).replace(b'"HERE"', deep)
    assert len(list(read_lines([body, lines(make_slot("beside"))]))) == 2


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{", "not_json"),
        (b"[" * 60_000, "not_json"),
        (b'{"resourceType":"Slot","id":' + b"1" * 5_000 + b"}", "not_json"),
        (b'{"resourceType":"Slot","id":"\xff"}', "not_json"),
        (b'{"resourceType":"Slot","id":"a\x00b"}', "not_json"),
        (b'{"resourceType":"Slot","id":"\\ud800"}', "not_json"),
        (b"NaN", "not_json"),
        (b"[]", "no_kind"),
        (b'"Slot"', "no_kind"),
        (b"{}", "no_kind"),
        (b'{"resourceType":["Slot"]}', "no_kind"),
        (b" " * LINE_MAX_BYTES + b"{}", "line_too_long"),
    ],
    ids=range(12),
)
def test_a_line_that_is_no_object_of_a_kind_is_rejected_and_the_next_is_read(line, code):
    bad, good = read_lines([line + b"\n" + lines(make_slot())])
    assert (bad.row, bad.code, good) == (1, code, read_one(make_slot()))


def test_other_kinds_are_passed_over():
    assert read({"resourceType": "HealthcareService"}, make_slot()) == read(make_slot())


def test_a_file_of_other_kinds_only_is_no_fault():
    assert read({"resourceType": "Practitioner"}) == []


@pytest.mark.parametrize(
    "form",
    [
        lambda body: body.replace(b"\n", b"\r\n"),
        lambda body: b"\xef\xbb\xbf" + body,
        lambda body: body.replace(b"\n", b"\n\n \r\n"),
        lambda body: body.removesuffix(b"\n"),
        lambda body: b"\n" + body,
    ],
    ids=["CRLF", "byte order mark", "empty lines", "no last end of line", "empty first line"],
)
def test_lines_end_as_they_like(form):
    body = lines(make_location(), make_schedule(), make_slot())
    assert list(read_lines([form(body)])) == list(read_lines([body]))


@pytest.mark.parametrize("size", [1, 7, 64])
def test_lines_are_read_whatever_the_pieces_in_which_they_arrive(size):
    body = b"\xef\xbb\xbf" + lines(make_location(), make_slot(), {"resourceType": "Slot"}, make_slot("s2"))
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    assert list(read_lines(pieces)) == list(read_lines([body]))


def test_rows_are_counted_with_the_empty_ones():
    rows = list(read_lines([b"\n\n{\n", lines(make_slot()), b"\n{\n"]))
    assert [row.row for row in rows if isinstance(row, RejectedRow)] == [3, 6]


def test_a_file_that_ends_within_a_line_gives_what_came_before_and_fails():
    reading = read_lines([lines(make_slot()), lines(make_slot("s2"))[:40]])
    assert next(reading).source_id == "s1"
    assert next(reading).code == "not_json"
    with pytest.raises(SourceFormatError, match="breaks off"):
        next(reading)


@pytest.mark.parametrize(
    "body",
    [
        b"[" + lines(make_slot()).strip() + b"]\n",
        b"[\n  {\n},\n]\n",
        b"<html>\n<p>Maintenance</p>\n",
        b"\xff\xfe" + lines(make_slot()).decode().encode("utf-16-le"),
        b"x" * (LINE_MAX_BYTES + 5) + b"\n",
    ],
    ids=["an array", "an array over lines", "a page", "UTF-16", "one long line"],
)
def test_a_file_of_which_no_line_can_be_used_fails(body):
    with pytest.raises(SourceFormatError):
        list(read_lines([body]))


def test_an_empty_file_is_empty():
    assert list(read_lines([])) == list(read_lines([b"", b"\n"])) == []


def test_a_long_line_is_never_held_whole():
    def pieces():
        yield b'{"resourceType": "Slot", "id": "'
        for _ in range(1_000):
            yield b"a" * 65_536
        yield b'"}\n' + lines(make_slot())

    def items():
        return [type(item) for item in read_lines(pieces())]

    assert items() == [RejectedRow, SlotRecord]
    assert peak_bytes(items) < 2_000_000


def test_a_long_file_takes_no_more_memory_than_a_short_one():
    def count(number):
        slots = (lines(make_slot(f"s{rank}")) for rank in range(number))
        return sum(1 for _ in read_lines(slots))

    count(100)
    assert peak_bytes(lambda: count(8_000)) < 200_000
