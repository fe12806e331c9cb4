"""Whatever the bytes, lines give records and rejected rows, and at worst a SourceFormatError at the end."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.sources.records import RejectedRow, SourceFormatError
from citizen_api.sources.scheduling_links import read_lines, read_manifest
from citizen_api.sources.slot_records import PlaceRecord, ScheduleRecord, SlotRecord
from tests.sources.scheduling_makers import lines, make_location, make_manifest, make_schedule, make_slot
from tests.sources.test_air_any_bytes import changed, damaged

ONE_OF_EACH = {"slot": make_slot(), "schedule": make_schedule(), "location": make_location()}
BODY = lines(*ONE_OF_EACH.values())


def read(body):
    """Give what was read, and how many lines the refusal at its end has (0: none)."""
    items, refused = [], 0
    try:
        items.extend(read_lines([body]))
    except SourceFormatError as error:
        refused = len(str(error).splitlines())
    return items, refused


def are_ours(items):
    return all(isinstance(item, (SlotRecord, ScheduleRecord, PlaceRecord, RejectedRow)) for item in items)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(body):
    items, refused = read(body)
    assert refused <= 1
    assert are_ours(items)


@given(damaged(BODY))
def test_a_damaged_file_is_read_or_refused(body):
    items, refused = read(body)
    assert refused <= 1
    assert are_ours(items)


@pytest.mark.parametrize("kind", ONE_OF_EACH)
@given(st.data())
def test_with_any_value_anywhere_the_next_line_is_read(kind, data):
    line = data.draw(changed(json.dumps(ONE_OF_EACH[kind]).encode()))
    items = list(read_lines([line + b"\n" + lines(make_slot("beside"))]))
    assert are_ours(items)
    assert items[-1].source_id == "beside"


@given(st.datetimes().map(str) | st.text(max_size=30) | st.from_regex(r"20\d\d-[01]\d-[0-3]\dT[0-2]\d:\d\d.{0,12}"))
def test_any_text_is_a_moment_of_this_century_or_a_rejected_row(start):
    items = list(read_lines([lines(make_slot(start=start), make_slot("beside"))]))
    assert all(isinstance(item, RejectedRow) or 0 < item.end_s - item.start_s <= 31 * 86_400 for item in items)


@given(st.text(max_size=60).map("https://".__add__))
def test_whatever_link_is_kept_is_one_word_of_https(url):
    said = [{"url": "booking-deep-link", "valueUrl": url}]
    (slot,) = read_lines([lines(make_slot(extension=said))])
    assert slot.link is None or (slot.link.startswith("https://") and slot.link.split() == [slot.link])


@given(st.binary(max_size=200) | changed(make_manifest()) | damaged(make_manifest()))
def test_any_manifest_is_read_or_refused(body):
    try:
        outputs = read_manifest(body).outputs
    except SourceFormatError:
        return
    assert all(url.strip() for _, url in outputs)
