"""Places, schedules and manifests of SMART Scheduling Links."""

import json
from datetime import UTC, datetime

import pytest

from citizen_api.sources.records import SourceFormatError
from citizen_api.sources.scheduling_links import MAX_FILES, read_lines, read_manifest
from citizen_api.sources.slot_records import PlaceRecord, ScheduleRecord
from tests.sources.scheduling_makers import (
    LINK,
    PHONE,
    concept,
    extension,
    lines,
    make_location,
    make_manifest,
    make_schedule,
    make_slot,
    read_one,
    refused_code,
)

SERVICE_TYPE = "http://terminology.hl7.org/CodeSystem/service-type"


def test_a_place_is_read_whole():
    assert read_one(make_location()) == PlaceRecord(
        source_id="l1",
        name="Cabinet d'essai",
        address="2 rue de l'Essai, Bâtiment B",
        postcode="75016",
        city="Paris",
        lat=48.863_412_345_678_9,
        lon=2.274_6,
        phone=PHONE,
        finess="750000018",
    )


def test_a_place_needs_no_more_than_a_name():
    place = {"resourceType": "Location", "id": "l1", "name": "Cabinet d'essai"}
    assert read_one(place) == PlaceRecord(source_id="l1", name="Cabinet d'essai")


@pytest.mark.parametrize("name", [None, "", "  ", "---", ["a"], {"a": 1}])
def test_a_place_without_a_name_is_rejected(name):
    assert refused_code(make_location(name=name)) == "no_name"


def test_a_place_that_nothing_identifies_is_rejected():
    assert refused_code(make_location(None)) == "bad_identifier"


@pytest.mark.parametrize(
    "position",
    [
        None,
        [],
        {},
        {"latitude": 48.8},
        {"latitude": 0, "longitude": 0},
        {"latitude": 91, "longitude": 2},
        {"latitude": "north", "longitude": 2},
        {"latitude": [48.8], "longitude": 2},
        {"latitude": 10**18, "longitude": 2},
        {"latitude": True, "longitude": 2},
    ],
)
def test_a_position_that_cannot_be_is_unknown(position):
    place = read_one(make_location(position=position))
    assert (place.lat, place.lon) == (None, None)


def test_a_position_may_be_written_as_text():
    assert read_one(make_location(position={"latitude": "48,86", "longitude": "2.27"})).lat == 48.86


@pytest.mark.parametrize("field", ["name", "address", "position", "telecom", "identifier"])
def test_a_place_of_values_that_nest_deep_is_read_or_rejected(field):
    body = lines(make_location(**{field: [{"latitude": "HERE", "longitude": 2, "value": "HERE", "line": "HERE"}]}))
    deep = body.replace(b'"HERE"', b"[" * 900 + b"]" * 900)
    assert len(list(read_lines([deep, lines(make_slot())]))) == 2


def test_texts_of_a_place_are_cut_to_what_is_kept():
    address = {"line": ["a" * 999], "city": "b" * 999, "postalCode": "c" * 999}
    place = read_one(make_location(name="d" * 999, address=address))
    assert [len(text) for text in (place.name, place.address, place.city, place.postcode)] == [200, 300, 100, 10]


def test_control_characters_are_dropped_from_texts():
    assert read_one(make_location(name="Cabinet\x00 \r\nd'essai")).name == "Cabinet d'essai"


@pytest.mark.parametrize(
    "identifiers",
    [
        [{"system": "http://finess.sante.gouv.fr", "value": "750000018"}],
        {"system": "urn:FINESS", "value": "75 000 001 8"},
        [
            {"system": "https://stores.example", "value": "123456789"},
            {"system": "finess", "value": "no number"},
            {"system": "finess", "value": 750000018},
        ],
    ],
)
def test_the_finess_number_is_found_among_identifiers(identifiers):
    assert read_one(make_location(identifier=identifiers)).finess == "750000018"


@pytest.mark.parametrize("identifiers", [None, [], [5], [{"system": "https://stores.example", "value": "750000018"}]])
def test_another_number_is_no_finess_number(identifiers):
    assert read_one(make_location(identifier=identifiers)).finess is None


def test_the_commune_is_read_where_the_french_profile_has_it():
    said = [extension("fr-core-address-insee-code", valueCoding={"code": "75116"})]
    assert read_one(make_location(address={"extension": said})).commune_code == "75116"


def test_only_the_phone_is_taken_of_the_contacts():
    telecom = [
        {"system": "fax", "value": "0123456700"},
        {"system": "phone", "value": "?"},
        {"system": "phone", "value": "0123456789"},
    ]
    assert read_one(make_location(telecom=telecom)).phone == PHONE


@pytest.mark.parametrize(
    "said",
    [
        {"physicalType": concept("vi", "http://terminology.hl7.org/CodeSystem/location-physical-type")},
        {"physicalType": concept("VI")},
        {"form": concept("vi", "http://hl7.org/fhir/location-form")},
        {"type": [concept("HOSP"), concept("virtual")]},
        {"mode": "virtual"},
    ],
    ids=str,
)
def test_a_place_to_which_nobody_goes_is_virtual(said):
    assert read_one(make_location(**said)).is_virtual


@pytest.mark.parametrize("said", [{"physicalType": concept("bu")}, {"mode": "instance"}, {"type": 5}], ids=str)
def test_another_place_is_not_virtual(said):
    assert not read_one(make_location(**said)).is_virtual


def test_a_way_of_meeting_that_is_said_is_told_from_one_that_is_usual():
    assert read_one(make_schedule(serviceType=[concept("AMB")])).is_modality_said
    assert not read_one(make_schedule()).is_modality_said


def test_a_schedule_is_read_whole():
    said = [
        extension("booking-phone", valueString=PHONE),
        extension("has-availability", valueCode="some"),
        extension("booking-deep-link", valueUrl=LINK),
    ]
    meta = {"extension": [extension("lastSourceSync", valueDateTime="2026-11-25T09:00:00.5+01:00")]}
    assert read_one(make_schedule(extension=said, meta=meta)) == ScheduleRecord(
        source_id="c1",
        modality="practice",
        specialties=("general-practice",),
        place_id="l1",
        link=LINK,
        phone=PHONE,
        availability="some",
        synced_at=datetime(2026, 11, 25, 8, 0, 0, 500_000, tzinfo=UTC),
        is_modality_said=False,
    )


@pytest.mark.parametrize("said", ["some", "none", "unknown"])
def test_an_aggregator_says_what_it_knows_of_availability(said):
    assert read_one(make_schedule(extension=[extension("has-availability", valueCode=said)])).availability == said


@pytest.mark.parametrize("said", ["plenty", "", None, 1, ["some"]])
def test_another_word_for_availability_says_nothing(said):
    assert read_one(make_schedule(extension=[extension("has-availability", valueCode=said)])).availability is None


@pytest.mark.parametrize("moment", ["2026-11-25T09:00:00", "yesterday", None, 5, "9999-12-31T00:00:00Z"])
def test_an_unreadable_moment_of_the_last_reading_is_not_known(moment):
    meta = {"extension": [extension("lastSourceSync", valueDateTime=moment)]}
    assert read_one(make_schedule(meta=meta)).synced_at is None


@pytest.mark.parametrize(
    "service_type",
    [
        [concept("57", SERVICE_TYPE)],
        [concept("covid19-immunization", "http://fhir-registry.smarthealthit.org/CodeSystem/service-type")],
        [{"system": SERVICE_TYPE, "code": "57"}],
        {"system": SERVICE_TYPE, "code": 57},
        [{"text": "Vaccination"}],
    ],
    ids=["of HL7", "of SMART", "codings alone", "one coding", "text"],
)
def test_a_vaccination_is_known_by_its_codes(service_type):
    assert read_one(make_schedule(serviceType=service_type)).specialties == ("vaccination",)


def test_specialties_are_read_wherever_they_are_said():
    said = extension("schedule-specialty", valueCodeableConcept={"text": "Dermatologie"})
    schedule = make_schedule(serviceType=[], specialty=[{"text": "Cardiologie"}], extension=[said])
    assert set(read_one(schedule).specialties) == {"cardiology", "dermatology"}


@pytest.mark.parametrize("service_type", [None, [], "?", 5, [None], [{"coding": [5, {"code": {}}]}]])
def test_what_nobody_can_name_is_something_else(service_type):
    assert read_one(make_schedule(serviceType=service_type)).specialties == ("other",)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, "practice"),
        ({"actor": [{"reference": "Practitioner/p1"}]}, "video"),
        ({"actor": None}, "video"),
        ({"serviceType": [concept("AMB")]}, "practice"),
        ({"serviceType": [concept("HH")]}, "home"),
        ({"serviceType": [concept("124"), concept("VR")]}, "video"),
        ({"serviceCategory": concept("virtual-service")}, "video"),
        ({"appointmentType": concept("VR")}, "video"),
        ({"extension": [extension("virtual-service", valueBoolean=True)]}, "video"),
        ({"extension": [extension("virtual-service", valueBoolean=False)]}, "practice"),
        ({"extension": [extension("channel", valueCode="video")]}, "video"),
        ({"extension": [extension("service-channel", valueCoding={"code": "telehealth"})]}, "video"),
        ({"virtualService": [{"addressUrl": LINK}]}, "video"),
    ],
)
def test_how_one_is_seen_is_read_wherever_it_is_said(said, expected):
    assert read_one(make_schedule(**said)).modality == expected


@pytest.mark.parametrize(
    "changes",
    [{"id": ""}, {"actor": [{"reference": "Location/" + "a" * 201}]}, {"actor": [{"reference": "Location/a\x00b"}]}],
    ids=["no identifier", "a place of a long one", "a place of control characters"],
)
def test_a_schedule_that_nothing_identifies_is_rejected(changes):
    assert refused_code(make_schedule(**changes)) == "bad_identifier"


def test_a_manifest_names_files_of_our_kinds_each_once():
    files = [("Slot", "b"), ("Practitioner", "p"), ("Location", " a "), ("Slot", "b"), (5, "c"), (None, None)]
    output = [{"type": kind, "url": url} for kind, url in files]
    manifest = read_manifest(b"\xef\xbb\xbf" + make_manifest(output=[*output, None, 5]))
    assert manifest.outputs == (("Slot", "b"), ("Location", "a"))
    assert manifest.published_at == datetime(2026, 11, 25, 8, 0, 0, 123_000, tzinfo=UTC)


@pytest.mark.parametrize("moment", [None, "yesterday", "2026-11-25T08:00:00", 5])
def test_a_manifest_may_not_know_when_it_was_published(moment):
    assert read_manifest(make_manifest(transactionTime=moment)).published_at is None


def make_output(number):
    return [{"type": "Slot", "url": f"{rank}.ndjson"} for rank in range(number)]


def test_a_manifest_may_name_two_thousand_files():
    assert len(read_manifest(make_manifest(output=make_output(MAX_FILES))).outputs) == 2_000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"output": "\xff"}',
        json.dumps({"output": {"type": "Slot"}}).encode(),
        make_manifest(output=make_output(MAX_FILES + 1)),
        make_manifest(output=[{"type": "Slot"}]),
        make_manifest(output=[{"type": "Slot", "url": " "}]),
        make_manifest(output=[{"type": "Slot", "url": ["a"]}]),
    ],
    ids=range(11),
)
def test_what_is_no_manifest_is_refused_in_one_line(body):
    with pytest.raises(SourceFormatError) as raised:
        read_manifest(body)
    assert len(str(raised.value).splitlines()) == 1
