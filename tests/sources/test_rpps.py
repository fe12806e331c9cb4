"""The RPPS open extract: synthetic files in its documented form."""

import io
import tracemalloc

import pytest

from citizen_api.sources import rpps
from citizen_api.sources.records import FacilityRecord, RejectedRow, SourceFormatError
from tests.sources.rpps_makers import COLUMNS, GP, make_extract, make_line


def read(*rows, **form) -> list[FacilityRecord | RejectedRow]:
    return list(rpps.read(io.BytesIO(make_extract(*rows, **form))))


def one(*rows, **form) -> FacilityRecord:
    (record,) = read(*rows, **form)
    assert isinstance(record, FacilityRecord), record
    return record


def why(row) -> tuple[tuple[str, str], ...]:
    return one(row).category_codes


def test_a_doctor_at_a_practice_becomes_a_record():
    record = one(GP)
    assert record == FacilityRecord(
        key="10000000001@siret:12345678900011",
        name="Dr Marie Curie",
        name_verbatim="Dr MARIE CURIE",
        identifiers=(("rpps", "10000000001"), ("rpps_site", "10000000001@siret:12345678900011")),
        category_codes=(("rpps", "10:SM54"), ("rpps", "10")),
        street="12 bis rue de la Paix",
        postcode="75002",
        city="Paris",
        commune_code="75102",
        phone="+33142726070",
        phone_verbatim="0142726070",
    )


def test_nothing_of_a_person_but_name_number_profession_and_practice_is_handed_over():
    record = one(
        GP | {"Adresse e-mail (coord. structure)": "marie@example.org", "Télécopie (coord. structure)": "0142"}
    )
    assert "example.org" not in repr(record)
    assert record.origin.raw == "10000000001"


def test_what_a_person_can_do_at_one_place_is_gathered_though_its_rows_stand_apart():
    other = GP | {"Identifiant PP": "10000000002"}
    geriatrics = GP | {"Code savoir-faire": "CAPA04"}
    first, second = read(geriatrics, other, GP, GP)
    assert first.category_codes == (("rpps", "10:CAPA04"), ("rpps", "10:SM54"), ("rpps", "10"))
    assert second.key.startswith("10000000002@")


def test_the_order_of_rows_does_not_change_what_is_said_of_a_person():
    geriatrics = GP | {"Code savoir-faire": "CAPA04"}
    assert one(geriatrics, GP) == one(GP, geriatrics)


def test_a_person_at_two_places_is_two_records_with_one_number():
    here, there = read(GP, GP | {"Numéro SIRET site": "12345678900029"})
    assert here.identifiers[0] == there.identifiers[0] == ("rpps", "10000000001")
    assert here.key != there.key
    assert here.identifiers[1] != there.identifiers[1]


def test_two_persons_of_one_health_centre_share_no_identifier():
    centre = {"Numéro SIRET site": "", "Numéro FINESS site": "750000001"}
    one_doctor, other = read(GP | centre, GP | centre | {"Identifiant PP": "10000000002"})
    assert not set(one_doctor.identifiers) & set(other.identifiers)
    assert one_doctor.key == "10000000001@finess:750000001"


@pytest.mark.parametrize(
    ("site", "key"),
    [
        ({"Identifiant technique de la structure": "C10000012345"}, "10000000001@structure:C10000012345"),
        ({}, "10000000001@address:"),
        ({"Numéro FINESS site": "nonsense"}, "10000000001@address:"),
    ],
)
def test_a_place_without_numbers_is_told_by_what_is_left(site, key):
    assert one(GP | {"Numéro SIRET site": ""} | site).key.startswith(key)


def test_an_address_that_tells_a_place_is_the_same_in_other_capitals():
    without = GP | {"Numéro SIRET site": ""}
    assert one(without).key == one(without | {"Libellé Voie (coord. structure)": "de la paix"}).key
    assert one(without).key != one(without | {"Numéro Voie (coord. structure)": "14"}).key


@pytest.mark.parametrize(
    ("changed", "codes"),
    [
        ({"Code mode exercice": "S"}, "10:S"),
        ({"Code mode exercice": "B"}, "10:B"),
        ({"Code mode exercice": ""}, "10:no_mode"),
        ({"Code catégorie professionnelle": "E"}, "10:student"),
        ({"Code postal (coord. structure)": "", "Code commune (coord. structure)": ""}, "10:no_address"),
        ({"Libellé Voie (coord. structure)": ""}, "10:no_address"),
        ({"Code mode exercice": "S", "Code profession": ""}, "?:S"),
    ],
)
def test_a_row_that_is_no_place_to_go_to_is_handed_over_as_such(changed, codes):
    assert why(GP | changed) == (("rpps_no_place", codes),)


def test_a_mixed_practice_is_a_place():
    assert why(GP | {"Code mode exercice": "M"})[0] == ("rpps", "10:SM54")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"Identifiant PP": "", "Identification nationale PP": ""}, "no_identifier"),
        ({"Identifiant PP": "12"}, "bad_identifier"),
        ({"Nom d'exercice": " "}, "no_name"),
        ({"Code profession": ""}, "no_category"),
    ],
)
def test_what_is_unreadable_is_rejected_with_no_more_than_the_persons_number(changed, reason):
    (rejected,) = read(GP | changed)
    assert isinstance(rejected, RejectedRow)
    assert (rejected.row, rejected.code) == (2, reason)
    assert rejected.raw in {"10000000001", ""}


def test_a_row_without_a_name_does_not_hide_the_next_of_its_key():
    rejected, record = read(GP | {"Nom d'exercice": ""}, GP)
    assert isinstance(rejected, RejectedRow)
    assert record.name == "Dr Marie Curie"


def test_a_broken_row_keeps_only_the_persons_number():
    broken = b"8|10000000001|810000000001|DR|Docteur|M|CURIE\n"
    rejected, record = rpps.read(io.BytesIO(make_extract(extra=broken) + make_line(GP)))
    assert (rejected.code, rejected.raw) == ("columns", "10000000001")
    assert record.name == "Dr Marie Curie"


@pytest.mark.parametrize("line", [b"CURIE|MARIE\n", b'"8|x|y\n', b"\x00\x00|\xff\n"])
def test_a_broken_row_without_a_number_keeps_nothing(line):
    (rejected,) = rpps.read(io.BytesIO(make_extract(extra=line)))
    assert rejected.raw == ""


def test_a_number_may_be_given_by_the_national_identification_alone():
    assert one(GP | {"Identifiant PP": ""}).key == "10000000001@siret:12345678900011"


def test_an_adeli_number_is_told_apart():
    assert one(GP | {"Identifiant PP": "759300001"}).identifiers[0] == ("adeli", "759300001")


@pytest.mark.parametrize(
    "form",
    [
        {"columns": COLUMNS[::-1]},
        {"columns": [column.upper() for column in COLUMNS]},
        {"columns": [column.replace("é", "e").replace("É", "E") for column in COLUMNS]},
        {"columns": ["Nouvelle colonne", *COLUMNS]},
        {"encoding": "windows-1252"},
        {"encoding": "utf-8-sig"},
        {"trailing": "both"},
        {"trailing": "header"},
        {"trailing": "rows"},
    ],
    ids=str,
)
def test_the_header_is_read_by_name_whatever_its_form(form):
    assert one(GP | {"Prénom d'exercice": "HÉLÈNE"}, **form).name == "Dr Hélène Curie"


def test_another_file_is_refused_at_once_in_one_line():
    with pytest.raises(SourceFormatError, match="missing columns Identifiant PP") as refused:
        rpps.read(io.BytesIO(b"nom|prenom\nx|y\n"))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [b"", b"\n", b"x" * 70_000, b"\xff\xfe|", b"PK\x03\x04"])
def test_what_is_no_table_is_refused(content):
    with pytest.raises(SourceFormatError):
        rpps.read(io.BytesIO(content))


@pytest.mark.parametrize(
    ("title", "first_name", "name", "said"),
    [
        ("DR", "MARIE", "CURIE", "Dr Marie Curie"),
        ("PR", "MARIE", "CURIE", "Pr Marie Curie"),
        ("", "JEAN-MARIE", "LE GOFF", "Jean-Marie Le Goff"),
        ("M", "Jeanne", "D'ARC", "Jeanne d'Arc"),
        ("DR", "", "DE LA TOUR", "Dr de La Tour"),
        ("DR", "Yann", "MacAdam", "Dr Yann MacAdam"),
        ("DR", "ANNE", "XI", "Dr Anne Xi"),
    ],
)
def test_a_person_is_named_as_people_write_it(title, first_name, name, said):
    row = {"Code civilité d'exercice": title, "Prénom d'exercice": first_name, "Nom d'exercice": name}
    assert one(GP | row).name == said


@pytest.mark.parametrize(
    ("address", "street", "city"),
    [
        (
            {"Libellé type de voie (coord. structure)": "", "Code type de voie (coord. structure)": "AV"},
            "12 bis avenue de la Paix",
            "Paris",
        ),
        ({"Libellé Voie (coord. structure)": "de la Paix"}, "12 bis rue de la Paix", "Paris"),
        (
            {
                "Libellé Voie (coord. structure)": "",
                "Complément point géographique (coord. structure)": "LE BOURG",
                "Libellé commune (coord. structure)": "ST MANDE CEDEX",
            },
            "Le Bourg",
            "Saint Mande",
        ),
        ({"Libellé commune (coord. structure)": "Paris 2e Arrondissement"}, "12 bis rue de la Paix", "Paris"),
        (
            {"Libellé commune (coord. structure)": "", "Bureau cedex (coord. structure)": "PARIS CEDEX 02"},
            "12 bis rue de la Paix",
            "Paris",
        ),
    ],
)
def test_the_address_is_made_readable(address, street, city):
    record = one(GP | address)
    assert (record.street, record.city) == (street, city)


def test_the_second_telephone_stands_in_for_one_that_is_none():
    assert one(
        GP | {"Téléphone (coord. structure)": "sur rdv", "Téléphone 2 (coord. structure)": "0142726071"}
    ).phone == ("+33142726071")


def test_endless_qualifications_of_one_person_are_cut():
    record = one(*(GP | {"Code savoir-faire": f"SM{n}"} for n in range(1_000)))
    assert len(record.category_codes) <= rpps.CODES_MAX + 1


def test_memory_does_not_hold_the_rows_that_are_no_place():
    content = make_extract(*[GP | {"Code mode exercice": "S"}] * 4_000)
    stream = io.BytesIO(content)
    tracemalloc.start()
    for _ in rpps.read(stream):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < len(content) / 4
