"""What OpenStreetMap's tags become, on synthetic places; the two forms of file have tests of their own."""

import io
from datetime import date

import pytest

from citizen_api.care.categories import category_of
from citizen_api.care.records import fault_of, is_left_out
from citizen_api.sources import osm
from citizen_api.sources.records import FacilityRecord, SourceFormatError
from tests.shared_data import shared_file
from tests.sources.osm_makers import (
    make_feature,
    make_geojson,
    make_node,
    make_relation,
    make_way,
    read_geojson,
    read_pbf,
    read_tags,
)

PHARMACY = {
    "amenity": "pharmacy",
    "healthcare": "pharmacy",
    "name": "Pharmacie Synthétique",
    "addr__housenumber": "12;14",
    "addr__street": "Rue du Test",
    "addr__postcode": "75004",
    "addr__city": "Paris",
    "phone": "+33 1 99 00 12 34; +33 6 39 98 00 01",
    "contact__website": "www.example.org",
    "opening_hours": "Mo-Fr 09:00-19:30; PH off",
    "wheelchair": "designated",
    "ref__FR__FINESS": "750010597",
    "ref__FR__SIRET": "12345678900011",
    "language__fr": "yes",
    "language__en": "yes",
    "language__de": "no",
    "vaccination": "influenza;covid19",
}


def categories(record):
    return [category for code in record.category_codes if (category := category_of(*code))]


def test_a_pharmacy_is_read_whole():
    assert read_tags(**PHARMACY) == FacilityRecord(
        key="node/1",
        identifiers=(("finess", "750010597"), ("siret", "12345678900011")),
        category_codes=(("osm", "amenity=pharmacy"), ("osm", "healthcare=pharmacy")),
        name="Pharmacie Synthétique",
        name_verbatim="Pharmacie Synthétique",
        street="12,14 Rue du Test",
        postcode="75004",
        city="Paris",
        phone="+33199001234",
        phone_verbatim="+33 1 99 00 12 34; +33 6 39 98 00 01",
        lat=48.8573751,
        lon=2.3524425,
        opening_hours="Mo-Fr 09:00-19:30; PH off",
        wheelchair="yes",
        website="https://www.example.org",
        services=("vaccination",),
        languages=("en", "fr"),
        updated_on=date(2026, 3, 4),
    )


def test_both_forms_of_the_same_places_give_equal_records(tmp_path):
    ring = [(2.1, 48.1), (2.3000001, 48.1), (2.3000001, 48.2000002), (2.1, 48.2000002)]
    corners = [make_node(10 + at, lat=lat, lon=lon) for at, (lon, lat) in enumerate(ring)]
    hospital = {"amenity": "hospital", "emergency": "yes", "name": "Hôpital Synthétique", "addr__city": "Paris"}
    clinic = {"healthcare": "clinic", "type": "multipolygon", "name": "Clinique Synthétique"}
    pbf = read_pbf(
        tmp_path,
        make_node(1, **PHARMACY),
        *corners,
        make_way(5, [10, 11, 12, 13, 10], **hospital),
        make_way(6, [10, 11, 12, 13, 10]),
        make_relation(7, [("w", 6, "outer")], **clinic),
    )
    closed = [[*ring, ring[0]]]
    assert pbf == read_geojson(
        make_feature("node/1", **PHARMACY),
        make_feature("way/5", closed, kind="Polygon", **hospital),
        make_feature("relation/7", [closed], kind="MultiPolygon", **clinic),
    )
    assert [record.key for record in pbf] == ["node/1", "way/5", "relation/7"]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"amenity": "hospital"}, ["hospital"]),
        ({"amenity": "hospital", "emergency": "yes"}, ["hospital", "emergency_department"]),
        ({"amenity": "hospital", "emergency": "no"}, ["hospital"]),
        ({"amenity": "doctors", "healthcare:speciality": "general;paediatrics"}, ["general_practitioner"]),
        ({"healthcare": "doctor", "healthcare:speciality": "general"}, ["general_practitioner"]),
        ({"amenity": "clinic", "healthcare:speciality": "psychiatry"}, ["health_centre", "mental_health"]),
        ({"amenity": "clinic", "type:FR:FINESS": "156"}, ["health_centre", "mental_health"]),
        ({"amenity": "social_facility", "social_facility:for": "senior"}, ["elderly_care"]),
        ({"amenity": "social_facility", "type:FR:FINESS": "500"}, ["elderly_care"]),
        ({"emergency": "defibrillator", "access": "yes"}, ["defibrillator"]),
        ({"amenity": "fountain", "drinking_water": "yes"}, ["drinking_fountain"]),
        ({"man_made": "water_tap", "drinking_water": "yes"}, ["drinking_fountain"]),
        ({"amenity": "hospital", "access": "private"}, ["hospital"]),
    ],
)
def test_tags_lead_to_categories_what_the_place_is_first_of_all_first(tags, expected):
    assert list(dict.fromkeys(categories(read_tags(**tags)))) == expected


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ({"amenity": "doctors"}, "amenity=doctors"),
        ({"amenity": "doctors", "healthcare:speciality": "dermatology"}, "amenity=doctors"),
        ({"healthcare": "alternative"}, "healthcare=alternative"),
        ({"amenity": "social_facility", "social_facility:for": "homeless"}, "amenity=social_facility"),
        ({"emergency": "defibrillator", "access": "private"}, "access=private"),
        ({"amenity": "drinking_water", "access": "customers"}, "access=customers"),
        ({"emergency": "defibrillator", "operational_status": "broken"}, "operational_status=broken"),
        ({"amenity": "drinking_water", "drinking_water": "no"}, "drinking_water=no"),
        ({"amenity": "pharmacy", "dispensing": "no"}, "dispensing=no"),
        ({"amenity": "pharmacy", "disused": "yes"}, "disused=yes"),
    ],
)
def test_a_place_that_no_resident_is_sent_to_is_left_out_and_not_rejected(tags, code):
    record = read_tags(**tags)
    assert (is_left_out(record), fault_of(record, ()), record.category_codes[0]) == (True, None, ("osm", code))


@pytest.mark.parametrize(
    "tags",
    [
        {"amenity": "bench"},
        {"amenity": "fountain"},
        {"disused:amenity": "pharmacy"},
        {"was:healthcare": "doctor"},
        {"emergency": "fire_hydrant"},
        {"healthcare": "no"},
    ],
)
def test_what_is_no_place_of_care_is_passed_over(tags):
    assert read_geojson(make_feature("node/1", **tags)) == []


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        ({"emergency": "defibrillator"}, "Défibrillateur"),
        ({"emergency": "defibrillator", "brand": "A maker", "operator": "A town"}, "Défibrillateur"),
        ({"amenity": "drinking_water"}, "Fontaine"),
        ({"amenity": "pharmacy", "brand": "Chaîne Synthétique"}, "Chaîne Synthétique"),
        ({"amenity": "pharmacy", "name": "?"}, "Pharmacie"),
        ({"amenity": "pharmacy", "name": "PHARMACIE DU TEST"}, "Pharmacie du Test"),
        ({"healthcare": "unheard_of"}, "Lieu de soins"),
    ],
)
def test_a_place_without_a_name_is_called_by_who_runs_it_or_what_it_is(tags, name):
    assert read_tags(**tags).name == name


@pytest.mark.parametrize(
    ("written", "identifiers"),
    [
        ("750010597;750010605", (("finess", "750010597"), ("finess", "750010605"))),
        ("750 010 597 ; see sign", (("finess", "750010597"),)),
        ("unknown", ()),
    ],
)
def test_of_several_finess_numbers_the_valid_ones_are_kept(written, identifiers):
    assert read_tags(amenity="pharmacy", ref__FR__FINESS=written).identifiers == identifiers


@pytest.mark.parametrize(
    ("tags", "street"),
    [
        ({"addr:housenumber": "3 bis", "addr:street": "Rue du Test"}, "3 bis Rue du Test"),
        ({"contact:housenumber": "3", "contact:street": "Rue du Test"}, "3 Rue du Test"),
        ({"addr:housenumber": "3", "addr:place": "Le Hameau"}, "3 Le Hameau"),
        ({"addr:housenumber": "3"}, None),
    ],
)
def test_an_address_is_put_together(tags, street):
    assert read_tags(amenity="pharmacy", **tags).street == street


def test_a_mobile_number_is_given_where_the_first_is_none_to_dial():
    record = read_tags(amenity="pharmacy", phone="15", contact__mobile="06 12 34 56 78")
    assert (record.phone, record.phone_verbatim) == ("+33612345678", "06 12 34 56 78")


@pytest.mark.parametrize(
    ("written", "website"),
    [
        ("https://example.org/a;https://example.org/b", "https://example.org/a"),
        ("javascript:alert(1)", None),
        ("see the door", None),
    ],
)
def test_a_website_is_one_that_a_browser_opens(written, website):
    assert read_tags(amenity="pharmacy", website=written).website == website


@pytest.mark.parametrize(
    ("checked", "of_file", "updated_on"),
    [
        ("2026-05-06", None, date(2026, 5, 6)),
        ("2025-05-06", None, date(2026, 3, 4)),
        ("2206-05-06", "2026-06-01T00:00:00Z", date(2026, 3, 4)),
        ("recently", None, date(2026, 3, 4)),
    ],
)
def test_a_place_is_as_old_as_its_last_edit_or_check_whichever_is_later_and_possible(checked, of_file, updated_on):
    top = {"timestamp": of_file} if of_file else {}
    (record,) = read_geojson(make_feature("node/1", amenity="pharmacy", check_date=checked), **top)
    assert record.updated_on == updated_on


def test_a_place_that_nothing_locates_is_rejected():
    (rejected,) = read_geojson(make_feature("way/1", None, amenity="pharmacy"))
    assert (rejected.code, "way/1" in rejected.raw) == ("no_position", True)


def test_a_place_without_a_position_is_kept_for_its_identifier_or_its_town():
    features = [
        make_feature("way/1", None, amenity="pharmacy", ref__FR__FINESS="750010597"),
        make_feature("way/2", None, amenity="pharmacy", addr__city="Paris"),
    ]
    assert [(record.key, record.lat) for record in read_geojson(*features)] == [("way/1", None), ("way/2", None)]


@pytest.mark.parametrize(("lon", "lat"), [(0, 0), (0, 91), (1e308, 48)])
def test_a_position_that_cannot_be_is_rejected(lon, lat):
    (rejected,) = read_geojson(make_feature("node/1", (lon, lat), amenity="pharmacy"))
    assert rejected.code == "bad_position"


def test_a_place_that_comes_twice_is_rejected_the_second_time():
    twice = [make_feature("node/1", amenity="pharmacy"), make_feature("node/1", amenity="pharmacy")]
    first, second = read_geojson(*twice)
    assert (first.key, second.code) == ("node/1", "duplicate")


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"", ""),
        (b"\x00" * 100, ""),
        (b"<?xml version='1.0'?><osm/>", "XML"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"name;address\n", ""),
    ],
)
def test_a_file_of_another_form_is_refused_in_one_line(content, hint):
    with pytest.raises(SourceFormatError, match=f"^Not OpenStreetMap data in PBF or GeoJSON.*{hint}.*$"):
        list(osm.read(io.BytesIO(content)))


def test_the_day_of_the_data_is_told_without_moving_in_the_stream():
    stream = io.BytesIO(make_geojson(timestamp="2026-06-01T01:02:03Z"))
    assert (osm.dated(stream), stream.tell()) == (date(2026, 6, 1), 0)


def test_the_real_extract_of_central_paris_holds_one_fountain():
    with shared_file("osm/paris_bss.osm.pbf").open("rb") as stream:
        (fountain,) = osm.read(stream)
    assert (fountain.name, categories(fountain)[0], fountain.updated_on) == (
        "Fontaine Wallace",
        "drinking_fountain",
        None,
    )
