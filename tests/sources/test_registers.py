import io
from datetime import date

import pytest

from citizen_api.sources import finess_idf, paris_pharmacies
from citizen_api.sources.records import FacilityRecord, RejectedRow, SourceFormatError
from tests.shared_data import shared_file

PHARMACY_HEADER = (
    "nofinesset;nofinessej;rs;numvoie;compvoie;typvoie;voie;lieuditbp;cp;commune;telephone;dateouv;datemaj;lat;lng"
)
VILLAGE = (
    "750010597;750010571;PHARMACIE DU VILLAGE;26;;RUE;DU TEMPLE;;75004;PARIS;142726071;"
    "2003-01-21;2010-08-25;48.8573751;2.3524425"
)
REGION_HEADER = (
    "FINESS_ET;FINESS_EJ;RAISON_SOCIALE;ADRESSE_COMPLETE;CP_VILLE;NUM_TEL;NUM_CAT;NUM_SIRET;DATE_OUVERTURE;LAT;LNG"
)
RICHAUD = (
    "780000345;780110078;CH DE VERSAILLES-HOPITAL RICHAUD;1B R RICHAUD;78011 VERSAILLES CEDEX;"
    "01 39 63 91 33;355;26780271800010;1901-01-01;48.8074016;2.1337584"
)


def pharmacies(*lines):
    return list(paris_pharmacies.read(io.BytesIO("\n".join([PHARMACY_HEADER, *lines, ""]).encode())))


def facilities(*lines, header=REGION_HEADER):
    return list(finess_idf.read(io.BytesIO("\n".join([header, *lines, ""]).encode())))


def test_a_pharmacy_of_paris_is_read_whole():
    assert pharmacies(VILLAGE) == [
        FacilityRecord(
            key="750010597",
            identifiers=(("finess", "750010597"), ("finess_ej", "750010571")),
            category_codes=(("finess", "620"),),
            name="Pharmacie du Village",
            name_verbatim="PHARMACIE DU VILLAGE",
            street="26 rue du Temple",
            postcode="75004",
            city="Paris",
            commune_code="75104",
            phone="+33142726071",
            phone_verbatim="142726071",
            lat=48.8573751,
            lon=2.3524425,
            opened_on=date(2003, 1, 21),
            updated_on=date(2010, 8, 25),
        )
    ]


def test_the_repeat_of_a_house_number_is_written_out():
    (record,) = pharmacies(VILLAGE.replace(";26;;", ";26;B;"))
    assert record.street == "26 bis rue du Temple"


def test_the_legal_form_of_the_firm_is_not_on_the_sign():
    (record,) = pharmacies(VILLAGE.replace("PHARMACIE DU VILLAGE", "SELARL PHARMACIE  NOMBER"))
    assert (record.name, record.name_verbatim) == ("Pharmacie Nomber", "SELARL PHARMACIE NOMBER")


@pytest.mark.parametrize(
    ("postcode", "commune"),
    [
        ("75001", "75101"),
        ("75016", "75116"),
        ("75116", "75116"),
        ("75020", "75120"),
        ("75021", None),
        ("93200", None),
    ],
)
def test_the_postcode_tells_the_arrondissement_of_paris(postcode, commune):
    assert paris_pharmacies.paris_arrondissement(postcode) == commune


def test_a_key_seen_twice_is_rejected_the_second_time():
    first, second = pharmacies(VILLAGE, VILLAGE)
    assert isinstance(first, FacilityRecord)
    assert second == RejectedRow(3, "duplicate: 750010597 already stands in row 2 of this file.", VILLAGE)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("750010597;", ";", "no_identifier"),
        ("750010597;", "12;", "bad_identifier"),
        ("PHARMACIE DU VILLAGE", " ", "no_name"),
        ("48.8573751;2.3524425", "0;0", "bad_position"),
        ("48.8573751;2.3524425", "2.35;480", "bad_position"),
        (";48.8573751", "", "columns"),
    ],
)
def test_a_row_that_cannot_be_a_pharmacy_is_rejected_with_its_line(old, new, code):
    line = VILLAGE.replace(old, new, 1)
    (rejected,) = pharmacies(line)
    assert (rejected.row, rejected.code, rejected.raw) == (2, code, line)


def test_a_hospital_of_the_region_is_read_whole():
    assert facilities(RICHAUD) == [
        FacilityRecord(
            key="780000345",
            identifiers=(("finess", "780000345"), ("finess_ej", "780110078"), ("siret", "26780271800010")),
            category_codes=(("finess", "355"),),
            name="CH de Versailles-Hopital Richaud",
            name_verbatim="CH DE VERSAILLES-HOPITAL RICHAUD",
            street="1 bis rue Richaud",
            postcode="78011",
            city="Versailles",
            phone="+33139639133",
            phone_verbatim="01 39 63 91 33",
            lat=48.8074016,
            lon=2.1337584,
            opened_on=date(1901, 1, 1),
        )
    ]


def test_the_columns_may_be_in_any_case():
    (record,) = facilities(RICHAUD, header=REGION_HEADER.replace("LAT;LNG", "lat;lng"))
    assert (record.lat, record.lon) == (48.8074016, 2.1337584)


def test_a_facility_without_a_category_is_rejected():
    (rejected,) = facilities(RICHAUD.replace(";355;", ";;"))
    assert rejected.code == "no_category"


@pytest.mark.parametrize("reader", [paris_pharmacies, finess_idf])
def test_another_file_is_refused_before_any_row_is_read(reader):
    with pytest.raises(SourceFormatError, match="missing columns"):
        reader.read(io.BytesIO(b"<html>\n<body>"))


@pytest.mark.parametrize(
    ("reader", "path", "rows", "phones"),
    [
        (paris_pharmacies, "pharmacies/pharmacies_paris_finess.csv", 987, 986),
        (finess_idf, "finess/etablissements_hospitaliers_idf.csv", 1223, 1131),
        (finess_idf, "finess/etab_adultes_handicapes_idf.csv", 858, 841),
    ],
)
def test_the_real_files_are_read_without_a_rejection(reader, path, rows, phones):
    with shared_file(path).open("rb") as stream:
        records = list(reader.read(stream))
    assert len(records) == rows
    assert all(isinstance(record, FacilityRecord) for record in records)
    assert sum(record.phone is not None for record in records) == phones
    assert all(48 < record.lat < 49.3 and 1.4 < record.lon < 3.6 for record in records)
