"""Whatever the bytes, the readers of bike share give stations and rejected rows, or raise SourceFormatError."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.sources import gbfs
from citizen_api.sources.records import RejectedRow, SourceFormatError
from tests.sources.gbfs_makers import (
    TYPES,
    information,
    make_discovery,
    make_place,
    make_status_3,
    make_velib_status,
    status,
    system,
    vehicle_types,
)
from tests.sources.test_air_any_bytes import VALUES, changed, damaged

PLACES = gbfs.read_information(information(make_place(), make_place("2")))
KINDS = gbfs.read_vehicle_types(vehicle_types(*TYPES))
READERS = {
    "discovery": (gbfs.read_discovery, make_discovery()),
    "system": (gbfs.read_system, system()),
    "types": (gbfs.read_vehicle_types, vehicle_types(*TYPES)),
    "information": (gbfs.read_information, information(make_place(), make_place("2"))),
    "status": (
        lambda body: list(gbfs.read_stations(body, PLACES, KINDS)),
        status(make_status_3(), make_velib_status("2")),
    ),
}


def lines_of_refusal(kind, body):
    try:
        READERS[kind][0](body)
    except SourceFormatError as error:
        return len(str(error).splitlines())
    return 0


@pytest.mark.parametrize("kind", READERS)
@given(st.data())
def test_any_bytes_are_read_or_refused(kind, data):
    assert lines_of_refusal(kind, data.draw(st.binary(max_size=200))) <= 1


@pytest.mark.parametrize("kind", READERS)
@given(st.data())
def test_a_damaged_feed_is_read_or_refused(kind, data):
    assert lines_of_refusal(kind, data.draw(damaged(READERS[kind][1]))) <= 1


@pytest.mark.parametrize("kind", READERS)
@given(st.data())
def test_any_value_anywhere_is_read_or_refused(kind, data):
    assert lines_of_refusal(kind, data.draw(changed(READERS[kind][1]))) <= 1


@given(st.dictionaries(st.sampled_from(sorted(make_status_3() | make_velib_status())), VALUES))
def test_whatever_a_row_says_the_next_one_is_read(changes):
    items = list(gbfs.read_stations(status(make_velib_status() | changes, make_velib_status("2")), PLACES))
    told = [item for item in items if not isinstance(item, RejectedRow)]
    assert "2" in {station.code for station in told}
    assert all(0 <= (station.ebikes or 0) <= station.bikes for station in told)


def test_halves_of_characters_are_stored_as_a_question_mark():
    body = json.dumps({"data": {"stations": [make_place(name="Rivoli \ud800")]}}).encode()
    assert gbfs.read_information(body).by_code["1"]["name"] == "Rivoli ?"
