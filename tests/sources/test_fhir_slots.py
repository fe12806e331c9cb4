"""Slots of FHIR bundles, in the shape of the SAS guide: who may see them, how one meets, where, and by whom."""

from datetime import datetime

import pytest

from citizen_api.sources.fhir_bundles import read_bundle
from citizen_api.sources.fhir_slots import SlotReader
from citizen_api.sources.records import RejectedRow
from citizen_api.sources.slot_records import PlaceRecord, ScheduleRecord, SlotRecord
from citizen_api.sources.slot_source import UnreadablePublisherError
from tests.sources.fhir_makers import (
    LINK,
    ORDINAL,
    SERVER,
    coded,
    make_bundle,
    make_location,
    make_practitioner,
    make_role,
    make_schedule,
    make_slot,
)

START_S = int(datetime.fromisoformat("2026-11-23T09:40+01:00").timestamp())
CONTRACTED = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-practitionerrole-contracted"
HAS_CAS = "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-ext-practitionerrole-hascas"


def items(*pages):
    reader = SlotReader()
    return [item for page in pages for item in reader.read(read_bundle(page))]


def of(kind, *pages):
    return [item for item in items(*pages) if isinstance(item, kind)]


def read_one(kind, *resources):
    (item,) = of(kind, make_bundle(*resources))
    return item


def with_slot(**changes):
    return make_slot(**changes), make_schedule(), make_practitioner(), make_role()


def with_role(**changes):
    return make_slot(), make_schedule(), make_practitioner(), make_role(**changes)


def codes(*resources):
    return [item.code for item in of(RejectedRow, make_bundle(*resources))]


def test_a_public_slot_is_read_with_its_calendar_and_its_place():
    assert items(make_bundle()) == [
        PlaceRecord(
            source_id="PractitionerRole/r1#l1",
            name="Dr Camille ESSAI",
            address="25 chemin de l'Essai",
            postcode="31840",
            city="Aussonne",
            finess="810004421",
        ),
        ScheduleRecord(
            source_id="c1|practice",
            modality="practice",
            specialties=("general-practice",),
            place_id="PractitionerRole/r1#l1",
        ),
        SlotRecord(
            source_id="s1",
            schedule_id="c1|practice",
            is_free=True,
            start_s=START_S,
            end_s=START_S + 1_800,
            capacity=None,
            link=LINK,
            phone=None,
        ),
    ]


@pytest.mark.parametrize("kinds", [("PRO",), ("SNP", "CPTS"), ()])
def test_a_slot_that_is_not_public_is_no_record(kinds):
    assert [type(item) for item in items(make_bundle(*with_slot(kinds=kinds)))] == [RejectedRow]
    assert codes(*with_slot(kinds=kinds)) == ["not_public"]


def test_a_slot_without_any_word_on_who_may_see_it_is_no_record():
    assert codes(*with_slot(meta={})) == ["not_public"]


def test_a_slot_for_the_public_and_others_is_for_the_public():
    assert read_one(SlotRecord, *with_slot(kinds=("PUBLIC", "CPTS"))).source_id == "s1"


def test_hours_without_appointment_are_no_slots():
    assert codes(*with_slot(appointmentType=coded("WALKIN"))) == ["walk_in"]


def test_hours_with_and_without_appointment_are_slots():
    both = {"coding": [{"code": "WALKIN"}, {"code": "ROUTINE"}]}
    assert read_one(SlotRecord, *with_slot(appointmentType=both)).source_id == "s1"


@pytest.mark.parametrize(
    ("code", "modality", "place_id"),
    [
        ("AMB", "practice", "PractitionerRole/r1#l1"),
        ("HH", "home", "PractitionerRole/r1#l1"),
        ("VR", "video", None),
    ],
)
def test_a_calendar_is_one_for_each_way_of_meeting(code, modality, place_id):
    schedule = read_one(ScheduleRecord, *with_slot(modalities=(code,)))
    assert (schedule.source_id, schedule.modality, schedule.place_id) == (f"c1|{modality}", modality, place_id)


def test_a_slot_that_may_be_met_in_two_ways_is_two():
    slots = of(SlotRecord, make_bundle(*with_slot(modalities=("AMB", "VR"))))
    assert [(slot.source_id, slot.schedule_id) for slot in slots] == [
        ("s1|practice", "c1|practice"),
        ("s1|video", "c1|video"),
    ]


def test_a_place_is_said_once():
    slots = (make_slot("s1"), make_slot("s2", modalities=("HH",)))
    assert len(of(PlaceRecord, make_bundle(*slots, make_schedule(), make_practitioner(), make_role()))) == 1


def test_a_slot_that_says_no_way_is_at_the_practice():
    assert read_one(ScheduleRecord, *with_slot(modalities=())).modality == "practice"


def test_a_slot_at_a_practice_that_nobody_places_is_rejected():
    assert codes(make_slot(), make_schedule(), make_practitioner()) == ["no_place"]


def test_a_video_slot_needs_no_place():
    resources = (make_slot(modalities=("AMB", "VR")), make_schedule(), make_practitioner())
    assert [slot.schedule_id for slot in of(SlotRecord, make_bundle(*resources))] == ["c1|video"]


@pytest.mark.parametrize(
    "reference", ["Schedule/c1", f"{SERVER}/Schedule/c1", "Schedule/c1/_history/3", "https://other.example/Schedule/c1"]
)
def test_a_reference_is_followed_however_it_is_written(reference):
    assert read_one(SlotRecord, *with_slot(schedule={"reference": reference})).schedule_id == "c1|practice"


@pytest.mark.parametrize("schedule", [{"reference": "Schedule/none"}, {"reference": "Practitioner/p1"}, {}, None, []])
def test_a_slot_of_an_unknown_calendar_is_rejected(schedule):
    assert codes(*with_slot(schedule=schedule)) == ["no_schedule"]


def test_a_place_is_found_where_the_calendar_has_it_itself():
    held = make_location("pfg", name="Centre de consultation Essai")
    place = read_one(PlaceRecord, make_slot(), make_schedule("c1", "Location/pfg"), held)
    assert (place.source_id, place.name) == ("Location/pfg", "Centre de consultation Essai")


def test_a_place_is_found_behind_a_service():
    service = {"resourceType": "HealthcareService", "id": "h1", "location": [{"reference": "Location/l1"}]}
    place = read_one(PlaceRecord, make_slot(), make_schedule("c1", "HealthcareService/h1"), service, make_location())
    assert place.source_id == "Location/l1"


def test_an_organisation_with_an_address_is_a_place():
    held = make_location() | {"resourceType": "Organization", "name": "Maison de santé Essai"}
    place = read_one(PlaceRecord, make_slot(), make_schedule("c1", "Organization/l1"), held)
    assert (place.source_id, place.name) == ("Organization/l1", "Maison de santé Essai")


def test_a_position_an_insee_code_and_a_telephone_are_read():
    address = {
        "line": ["1 rue d'Essai"],
        "extension": [
            {
                "url": "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-address-insee-code",
                "valueCoding": {"code": "31032"},
            }
        ],
    }
    telecom = [{"system": "fax", "value": "0193246700"}, {"system": "phone", "value": "01 93 24 67 89"}]
    held = make_location(address=address, position={"longitude": 1.32, "latitude": 43.68}, telecom=telecom)
    place = read_one(PlaceRecord, *with_role(location=held))
    assert (place.lat, place.lon, place.commune_code, place.phone) == (43.68, 1.32, "31032", "+33193246789")


@pytest.mark.parametrize("use", ["home", "mobile", "old"])
def test_a_telephone_that_is_somebodys_own_is_not_shown(use):
    held = make_location(telecom=[{"system": "phone", "use": use, "value": "0612345678"}])
    assert read_one(PlaceRecord, *with_role(location=held)).phone is None


def test_the_telephone_of_a_person_is_not_that_of_the_place():
    person = make_practitioner(telecom=[{"system": "phone", "value": "0193246789"}])
    assert read_one(PlaceRecord, make_slot(), make_schedule(), person, make_role()).phone is None


@pytest.mark.parametrize("position", [{"latitude": 0, "longitude": 0}, {"latitude": 91, "longitude": 2}, {}, "48,2"])
def test_a_position_that_cannot_be_leaves_the_place(position):
    assert read_one(PlaceRecord, *with_role(location=make_location(position=position))).lat is None


@pytest.mark.parametrize(
    ("system", "value", "finess"),
    [
        ("urn:oid:1.2.250.1.71.4.2.2", "1810004421", "810004421"),
        ("urn:oid:1.2.250.1.71.4.2.2", "334173748400020", None),
        ("http://finess.esante.gouv.fr", "810004421", "810004421"),
        ("https://editeur.example", "810004421", None),
    ],
)
def test_only_a_finess_number_is_one(system, value, finess):
    organisation = {"identifier": {"system": system, "value": value}}
    assert read_one(PlaceRecord, *with_role(organization=organisation)).finess == finess


@pytest.mark.parametrize(
    ("specialty", "named"),
    [
        ([coded("SM54", ORDINAL), {"text": "Pneumologie"}], ("general-practice", "pulmonology")),
        ([{"text": "ORL"}], ("ear-nose-throat",)),
        ([], ("dermatology",)),
    ],
)
def test_specialties_are_those_of_the_slot_else_of_who_practises(specialty, named):
    role = make_role(specialty=[coded("SM15", ORDINAL)])
    resources = (make_slot(specialty=specialty), make_schedule(), make_practitioner(), role)
    assert read_one(ScheduleRecord, *resources).specialties == named


def test_a_calendar_offers_what_all_its_slots_do():
    slots = (make_slot("s1"), make_slot("s2", specialty=[{"text": "Pédiatrie"}]))
    bundle = make_bundle(*slots, make_schedule(), make_practitioner(), make_role())
    (schedule,) = of(ScheduleRecord, bundle)
    assert schedule.specialties == ("general-practice", "paediatrics")


def test_a_calendar_is_said_again_when_a_later_page_shows_more():
    later = make_bundle(make_slot("s2", specialty=[{"text": "Pédiatrie"}]))
    said = of(ScheduleRecord, make_bundle(), later, later)
    assert [each.specialties for each in said] == [("general-practice",), ("general-practice", "paediatrics")]


def test_nobody_s_specialty_is_other():
    assert read_one(ScheduleRecord, *with_slot(specialty=[])).specialties == ("other",)


def test_languages_are_those_that_are_spoken_there():
    person = make_practitioner(communication=[coded("fr"), coded("en-GB"), {"text": "espagnol"}, coded("gsw")])
    assert read_one(ScheduleRecord, make_slot(), make_schedule(), person, make_role()).languages == ("fr", "en", "es")


@pytest.mark.parametrize(
    ("code", "has_cas", "sector"),
    [
        ("c1", False, "1"),
        ("1", True, "1"),
        ("c3", False, "2"),
        ("3", True, "2_optam"),
        ("0", False, "none"),
        ("c2", False, None),
        ("x", False, None),
    ],
)
def test_the_sector_is_that_of_the_annuaire_sante(code, has_cas, sector):
    told = [{"url": CONTRACTED, "valueCodeableConcept": coded(code)}, {"url": HAS_CAS, "valueBoolean": has_cas}]
    assert read_one(ScheduleRecord, *with_role(extension=told)).sector == sector


@pytest.mark.parametrize(
    ("comment", "link"),
    [
        (f"Réserver ici : {LINK}.", LINK),
        (f"<a href='{LINK}'>ici</a>", LINK),
        ("http://www.editeur.example/agenda", None),
        ("javascript:alert(1)", None),
        ("https://", None),
        ("https://[", None),
        ("https://a.example/" + "x" * 1_000, None),
        (None, None),
        (["https://a.example"], None),
    ],
)
def test_the_link_is_the_https_address_in_the_comment(comment, link):
    assert read_one(SlotRecord, *with_slot(comment=comment)).link == link


@pytest.mark.parametrize("status", ["busy", "busy-unavailable", "entered-in-error", None, 1])
def test_what_is_not_free_is_taken(status):
    assert not read_one(SlotRecord, *with_slot(status=status)).is_free


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-11-23T09:40:00", "2026-11-23T10:10:00+01:00"),
        ("2026-11-23T09:40:00+01:00", "2026-11-23T09:40:00+01:00"),
        ("2026-11-23T09:40:00+01:00", "2026-11-23T09:00:00+01:00"),
        ("2026-11-23T09:40:00+01:00", "2027-01-23T09:00:00+01:00"),
        ("9999-11-23T09:40:00+01:00", "9999-11-23T10:00:00+01:00"),
        (None, 1e300),
    ],
)
def test_a_time_that_cannot_be_rejects_the_slot(start, end):
    assert codes(*with_slot(start=start, end=end)) == ["bad_time"]


@pytest.mark.parametrize("slot_id", ["x" * 200, "\n", None])
def test_a_slot_needs_an_id_that_can_be_kept(slot_id):
    slot = make_slot(slot_id)
    entries = [{"resource": each} for each in (slot, make_schedule(), make_practitioner(), make_role())]
    assert codes_of_entries(entries) == ["bad_id"]


def codes_of_entries(entries):
    return [item.code for item in of(RejectedRow, make_bundle(entry=entries))]


def test_a_calendar_needs_an_id_that_can_be_kept():
    long = "x" * 200
    assert codes(make_slot(schedule={"reference": f"Schedule/{long}"}), make_schedule(long)) == ["bad_id"]


def test_a_place_without_any_name_is_none():
    nameless = make_location(address={"postalCode": "31840"})
    assert codes(make_slot(), make_schedule("c1", "Location/l1"), nameless) == ["no_place"]


def test_slots_that_hold_their_calendars_themselves_keep_them_apart():
    held = [make_schedule("own", f"Location/l{number}") for number in (1, 2)]
    slots = [make_slot(f"s{n}", schedule={"reference": "#own"}, contained=[each]) for n, each in enumerate(held)]
    places = [make_location("l1", name="Un"), make_location("l2", name="Deux")]
    said = of(ScheduleRecord, make_bundle(*slots, *places))
    assert [each.place_id for each in said] == ["Location/l1", "Location/l2"]


def test_an_outcome_among_the_entries_is_counted_and_the_rest_is_read():
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning"}]}
    kinds = [type(item) for item in items(make_bundle(outcome, *with_slot()))]
    assert kinds == [RejectedRow, PlaceRecord, ScheduleRecord, SlotRecord]


def test_what_is_rejected_is_kept_without_what_it_says():
    (rejected,) = of(RejectedRow, make_bundle(*with_slot(kinds=("PRO",))))
    assert (rejected.row, rejected.raw) == (1, "s1")


def test_a_later_page_may_refer_to_an_earlier_one():
    slots = of(SlotRecord, make_bundle(), make_bundle(make_slot("s2")))
    assert [slot.source_id for slot in slots] == ["s1", "s2"]


def test_resources_that_refer_to_each_other_in_a_circle_are_read():
    first = {"resourceType": "HealthcareService", "id": "a", "providedBy": {"reference": "HealthcareService/b"}}
    second = {"resourceType": "HealthcareService", "id": "b", "providedBy": {"reference": "HealthcareService/a"}}
    slot = make_slot(modalities=("VR",))
    assert read_one(SlotRecord, slot, make_schedule("c1", "HealthcareService/a"), first, second).source_id == "s1"


def test_an_empty_search_says_nothing():
    assert items(b'{"resourceType": "Bundle", "type": "searchset", "total": 0}') == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"resourceType": "OperationOutcome"}',
        b'{"resourceType": "Bundle", "entry": {}}',
        b"\xff",
    ],
)
def test_what_is_no_bundle_is_unreadable(body):
    with pytest.raises(UnreadablePublisherError):
        read_bundle(body)


def test_the_next_page_is_the_link_that_says_so():
    assert read_bundle(make_bundle(next_url=f"{SERVER}?page=2")).next_url == f"{SERVER}?page=2"
    assert read_bundle(make_bundle()).next_url is None
