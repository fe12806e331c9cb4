import csv
from pathlib import Path

import pytest

from citizen_api.care import categories
from citizen_api.care.categories import (
    CATEGORIES,
    LEFT_OUT,
    category_of,
    category_of_finess,
    category_of_rpps,
)
from tests.shared_data import shared_file

SAMPLE = Path(categories.__file__).with_name("sample") / "facilities.csv"

ASKED = """
    pharmacy general_practitioner dentist nurse midwife physiotherapist laboratory hospital
    emergency_department maternity health_centre mental_health rehabilitation pmi elderly_care
    disability defibrillator cool_place drinking_fountain
"""


def test_every_category_that_residents_were_promised_is_there_in_order():
    assert list(CATEGORIES) == ASKED.split()


def test_every_category_is_named_and_hinted_in_both_languages():
    assert all(c.fr and c.en and c.hint_fr and c.hint_en for c in CATEGORIES.values())


@pytest.mark.parametrize("scheme", ["finess", "rpps", "osm"])
def test_a_code_leads_to_one_category_only(scheme):
    codes = [code for category in CATEGORIES.values() for code in getattr(category, scheme)]
    assert len(codes) == len(set(codes))


def test_a_code_that_is_left_out_leads_to_no_category():
    assert not [code for code in LEFT_OUT if category_of_finess(code)]
    assert all(reason.fr and reason.en for reason in LEFT_OUT.values())


@pytest.mark.parametrize("category", ["emergency_department", "maternity"])
def test_no_finess_code_claims_an_emergency_department_or_a_maternity(category):
    assert CATEGORIES[category].finess == ()


@pytest.mark.parametrize(
    ("code", "category"),
    [
        ("620", "pharmacy"),
        ("156", "mental_health"),
        ("355", "hospital"),
        ("362", "elderly_care"),
        ("135", "rehabilitation"),
        ("223", "pmi"),
        ("255", "disability"),
        ("412", None),
        ("354", None),
        ("000", None),
    ],
)
def test_a_finess_code_leads_to_its_category(code, category):
    assert category_of_finess(code) == category


@pytest.mark.parametrize(
    ("profession", "specialty", "category"),
    [
        ("10", "SM26", "general_practitioner"),
        ("10", "SM54", "general_practitioner"),
        ("10", "SM04", None),
        ("10", None, None),
        ("40", "SCD01", "dentist"),
        ("60", None, "nurse"),
        ("21", None, None),
    ],
)
def test_a_professional_leads_to_a_category_by_profession_and_specialty(profession, specialty, category):
    assert category_of_rpps(profession, specialty) == category


@pytest.mark.parametrize(
    ("scheme", "code", "category"),
    [
        ("alentours", "cool_place", "cool_place"),
        ("alentours", "sauna", None),
        ("finess", "620", "pharmacy"),
        ("rpps", "10:SM26", "general_practitioner"),
        ("rpps", "50", "midwife"),
        ("osm", "amenity=pharmacy", "pharmacy"),
        ("other", "620", None),
    ],
)
def test_the_pair_of_a_source_leads_to_a_category(scheme, code, category):
    assert category_of(scheme, code) == category


@pytest.mark.parametrize(
    ("code", "category"),
    [
        ("amenity=hospital", "hospital"),
        ("amenity=hospital&emergency=yes", "emergency_department"),
        ("emergency=yes&healthcare=hospital&amenity=hospital", "emergency_department"),
        ("amenity=hospital&emergency=no", "hospital"),
        ("emergency=yes", None),
        ("amenity=doctors", None),
        ("amenity=doctors&healthcare:speciality=general", "general_practitioner"),
        ("amenity=fountain", None),
        ("drinking_water=yes&amenity=fountain", "drinking_fountain"),
        ("healthcare:speciality=psychiatry", "mental_health"),
        ("amenity=pharmacy_of_the_past", None),
        ("", None),
    ],
)
def test_tags_lead_to_the_category_that_asks_for_most_of_them(code, category):
    assert category_of("osm", code) == category


def test_every_entry_of_tags_leads_to_its_category_in_any_order():
    entries = [(category.id, code) for category in CATEGORIES.values() for code in category.osm]
    reversed_entries = [(category, "&".join(reversed(code.split("&")))) for category, code in entries]
    assert not [code for category, code in entries + reversed_entries if category_of("osm", code) != category]


def test_every_code_of_the_bundled_sample_has_a_category():
    with SAMPLE.open(encoding="utf-8", newline="") as stream:
        codes = {row["category_codes"] for row in csv.DictReader(stream)}
    assert not [code for code in codes if category_of(*code.split(":")) is None]


@pytest.mark.parametrize("name", ["etablissements_hospitaliers_idf.csv", "etab_adultes_handicapes_idf.csv"])
def test_every_code_of_the_real_files_has_a_category_or_a_reason(name):
    with shared_file(f"finess/{name}").open(encoding="utf-8-sig", newline="") as stream:
        codes = {row["NUM_CAT"] for row in csv.DictReader(stream, delimiter=";")}
    assert len(codes) > 10
    assert not [code for code in codes if (category_of_finess(code) is None) == (code not in LEFT_OUT)]
