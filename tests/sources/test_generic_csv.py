import dataclasses
import io
from datetime import date

import pytest
import yaml

from citizen_api.sources.generic_csv import IDENTIFIER_FIELDS, OWN_COLUMNS, OWN_FIELDS, parse_mapping, read
from citizen_api.sources.records import FacilityRecord, RejectedRow, SourceFormatError

SOURCE = {
    "id": "ville-dae",
    "title": "Défibrillateurs",
    "producer": "Ville",
    "licence": "Licence Ouverte",
    "date": date(2026, 10, 1),
}
MAPPING = {
    "source": SOURCE,
    "complete": True,
    "columns": {"Id": "key", "Nom": "name", "Point": "position"},
    "category": "defibrillator",
}


def make_mapping(**changes):
    tree = {key: value for key, value in (MAPPING | changes).items() if value is not ...}
    return parse_mapping(yaml.safe_dump(tree, allow_unicode=True))


def rows(text, **changes):
    return list(read(io.BytesIO(text.encode()), make_mapping(**changes)))


def test_a_city_list_is_read_with_one_category_and_one_column_of_positions():
    assert rows('Id;Nom;Point\n7;Mairie;"48.85, 2.35"\n') == [
        FacilityRecord(
            key="7",
            category_codes=(("alentours", "defibrillator"),),
            name="Mairie",
            name_verbatim="Mairie",
            lat=48.85,
            lon=2.35,
        )
    ]


@pytest.mark.parametrize("written", ["48.85,2.35", "[48.85, 2.35]", "48,85; 2,35", "48.85 2.35", "(48.85 ; 2.35)"])
def test_a_position_in_one_column_may_be_written_in_many_ways(written):
    (record,) = rows(f'Id|Nom|Point\n7|Mairie|"{written}"\n')
    assert (record.lat, record.lon) == (48.85, 2.35)


@pytest.mark.parametrize("written", ["POINT (2.35 48.85)", "48.85", "1;2;3", "0, 0", "652469, 6862035"])
def test_a_position_that_is_not_wgs84_is_rejected(written):
    (rejected,) = rows(f'Id|Nom|Point\n7|Mairie|"{written}"\n')
    assert rejected.code == "bad_position"


def test_values_of_a_column_give_the_category_or_leave_the_row_out():
    categories = {
        "column": "Type",
        "values": {"DAE": "defibrillator", "CMP": "finess:156 rpps:10:SM26", "Autre": None},
    }
    found = rows(
        "Id;Nom;Point;Type\n1;A;;DAE\n2;B;;CMP\n3;C;;Autre\n4;D;;Inconnu\n",
        category=...,
        categories=categories,
    )
    assert [record.category_codes for record in found[:2]] == [
        (("alentours", "defibrillator"),),
        (("finess", "156"), ("rpps", "10:SM26")),
    ]
    assert [(row.row, row.code) for row in found[2:]] == [(5, "unknown_category")]


def test_a_list_without_identifiers_is_told_apart_by_several_columns():
    found = rows(
        "Nom;Adresse\nFontaine;1 rue A\nFontaine;2 rue A\nfontaine;2 RUE A\n",
        columns={"Nom": "name", "Adresse": "street"},
        key_from=["Nom", "Adresse"],
    )
    assert [record.key for record in found[:2]] == ["fontaine|1 rue a", "fontaine|2 rue a"]
    assert found[2].code == "duplicate"


def test_a_row_without_its_key_is_rejected():
    assert rows("Id;Nom;Point\n;Mairie;\n") == [
        RejectedRow(2, "no_identifier: The row has nothing to tell it apart from the others.", ";Mairie;")
    ]


def test_details_are_read_leniently():
    header = "Id,Nom,Tel,Site,PMR,Horaires,Commune"
    text = f"{header}\n1,POSTE,0596 55 20 00,www.ville.fr,Oui,Mo-Fr 09:00-17:00,97209\n"
    columns = {
        "Id": "key",
        "Nom": "name",
        "Tel": "phone",
        "Site": "website",
        "PMR": "wheelchair",
        "Horaires": "opening_hours",
        "Commune": "commune_code",
    }
    (record,) = rows(text, columns=columns)
    assert (record.name, record.website, record.wheelchair) == ("Poste", "https://www.ville.fr", "yes")
    assert (record.opening_hours, record.commune_code) == ("Mo-Fr 09:00-17:00", "97209")


def test_a_phone_is_read_with_the_postcode_of_its_row():
    text = "Id,Nom,Tel,CP\n1,Poste,0596 55 20 00,97200\n"
    (record,) = rows(text, columns={"Id": "key", "Nom": "name", "Tel": "phone", "CP": "postcode"})
    assert (record.phone, record.phone_verbatim) == ("+596596552000", "0596 55 20 00")


@pytest.mark.parametrize("written", ["javascript:alert(1)", "voir mairie", "ftp://ville.fr"])
def test_a_website_that_is_no_web_address_is_unknown(written):
    (record,) = rows(f"Id,Nom,Site\n1,Poste,{written}\n", columns={"Id": "key", "Nom": "name", "Site": "website"})
    assert record.website is None


def test_the_projects_own_columns_need_no_mapping():
    header = "finess,category_codes,name,lat,lon,source_id,source_date"
    text = f"{header}\n750010597,finess:620,Village,48.8,2.3,old,2013-10-24\n"
    (record,) = read(io.BytesIO(text.encode()), OWN_COLUMNS)
    assert (record.key, record.identifiers) == ("750010597", (("finess", "750010597"),))
    assert (record.source_id, record.source_date) == ("old", date(2013, 10, 24))


def test_the_projects_own_columns_are_the_fields_of_a_record():
    fields = {field.name for field in dataclasses.fields(FacilityRecord)} - {"identifiers", "origin"}
    assert set(OWN_FIELDS) - set(IDENTIFIER_FIELDS) == fields


@pytest.mark.parametrize("header", ["name,lat,lon", "name,category_codes"])
def test_own_columns_that_do_not_suffice_are_refused(header):
    with pytest.raises(SourceFormatError, match="missing column"):
        read(io.BytesIO(header.encode()), OWN_COLUMNS)


def test_a_file_without_a_mapped_column_is_refused():
    with pytest.raises(SourceFormatError, match="missing columns Point"):
        rows("Id;Nom\n7;Mairie\n")


def test_a_mapping_keeps_what_is_said_of_the_source():
    mapping = make_mapping(complete=False, encoding="latin-1", delimiter=";")
    assert mapping.source.date == date(2026, 10, 1)
    assert (mapping.complete, mapping.encoding, mapping.delimiter) == (False, "iso8859-1", ";")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source": ...}, "`source` is missing"),
        ({"source": SOURCE | {"licence": ""}}, "`source` lacks licence"),
        ({"source": SOURCE | {"id": "Ville DAE"}}, "must be lower-case"),
        ({"source": SOURCE | {"date": "hier"}}, "must be a date"),
        ({"source": "ville"}, "`source` must hold keys"),
        ({"complete": ...}, "`complete` must be true or false"),
        ({"complete": "oui"}, "`complete` must be true or false"),
        ({"colums": {}}, "unknown keys: colums"),
        ({"columns": ...}, "`columns` must hold keys"),
        ({"columns": {"Id": "key", "Nom": "nom"}}, "unknown fields: nom"),
        ({"columns": {"Id": "key", "A": "name", "B": "name"}}, "two columns for name"),
        ({"columns": {"Id": "key"}}, "no column for name"),
        ({"columns": {"Nom": "name"}}, "give a column for key or finess"),
        ({"columns": {"Id": "key", "Nom": "name", "Y": "lat"}}, "give lat and lon"),
        ({"key_from": "Nom"}, "`key_from` must be a list"),
        ({"category": ...}, "say the category once"),
        ({"category": "a b; c"}, "is not a category"),
        ({"categories": {"column": "T", "values": {"a": "pmi"}}}, "say the category once"),
        ({"category": ..., "categories": {"column": "T"}}, "must hold `column` and `values`"),
        ({"category": ..., "categories": {"column": "T", "values": {1: "pmi"}}}, "in quotation marks: 1"),
        ({"delimiter": "tab"}, "must be one character"),
        ({"encoding": "utf-99"}, "unknown encoding"),
        ({"encoding": "base64"}, "unknown encoding"),
        ({"encoding": "utf-16"}, "save the file as UTF-8"),
    ],
)
def test_a_wrong_mapping_is_refused_in_one_precise_line(changes, message):
    with pytest.raises(SourceFormatError, match=f"^Mapping: .*{message}") as raised:
        make_mapping(**changes)
    assert "\n" not in str(raised.value)


def test_a_mapping_that_is_not_yaml_is_refused_in_one_line():
    with pytest.raises(SourceFormatError, match=r"^Mapping: not YAML") as raised:
        parse_mapping("a: [1\nb: }")
    assert "\n" not in str(raised.value)
