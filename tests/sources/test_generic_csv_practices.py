"""What a resident asks of a practice, as cities write it: understood, or unknown, and never a rejected row."""

import io

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.sources import practices
from citizen_api.sources.generic_csv import OWN_COLUMNS, parse_mapping, read
from citizen_api.sources.records import PAYMENT_SECTORS, THIRD_PARTY_PAYMENTS, FacilityRecord

COLUMNS = {
    "Id": "key",
    "Nom": "name",
    "Services": "services",
    "Nouveaux patients": "accepts_new_patients",
    "Secteur": "payment_sector",
    "Tiers payant": "third_party_payment",
    "Domicile": "home_visits",
    "Langues": "languages",
    "Régulé": "call_15_first",
    "Approximatif": "position_approximate",
}
ASKED = [name for name in COLUMNS.values() if name not in {"key", "name"}]
MAPPING = parse_mapping(
    yaml.safe_dump(
        {
            "source": {
                "id": "synthetic-practices",
                "title": "Synthetic practices",
                "producer": "The tests",
                "licence": "none, synthetic",
                "date": "2026-11-01",
            },
            "complete": True,
            "columns": COLUMNS,
            "category": "general_practitioner",
        },
        allow_unicode=True,
    )
)


def practice(**cells):
    """Read a synthetic practice whose cells are given by field of ours."""
    given = {"key": "1", "name": "Cabinet synthétique"} | cells
    row = "\t".join(given.get(name, "") for name in COLUMNS.values())
    header = "\t".join(COLUMNS)
    return next(read(io.BytesIO(f"{header}\n{row}\n".encode()), MAPPING))


def test_a_practice_is_read_whole():
    record = practice(
        services="Vaccination ; Téléconsultation",
        accepts_new_patients="Oui",
        payment_sector="Secteur 2 OPTAM",
        third_party_payment="Tiers payant intégral",
        home_visits="non",
        languages="français, anglais, ar",
        call_15_first="0",
        position_approximate="vrai",
    )
    assert {name: getattr(record, name) for name in ASKED} == {
        "services": ("vaccination", "teleconsultation"),
        "accepts_new_patients": True,
        "payment_sector": "2-optam",
        "third_party_payment": "full",
        "home_visits": False,
        "languages": ("fr", "en", "ar"),
        "call_15_first": False,
        "position_approximate": True,
    }


def test_a_list_in_the_projects_own_columns_may_say_it_or_not():
    header = "finess,category_codes,name"
    said = read(io.BytesIO(f"{header},languages,services\n750010597,pharmacy,A,fr en,naloxone\n".encode()), OWN_COLUMNS)
    unsaid = read(io.BytesIO(f"{header}\n750010597,pharmacy,A\n".encode()), OWN_COLUMNS)
    assert [(record.languages, record.services) for record in (*said, *unsaid)] == [
        (("fr", "en"), ("naloxone",)),
        ((), ()),
    ]


@pytest.mark.parametrize("name", ["accepts_new_patients", "home_visits", "call_15_first", "position_approximate"])
@pytest.mark.parametrize(
    ("written", "value"),
    [
        *((word, True) for word in ("oui", "OUI", "yes", "1", "vrai", "true", "o")),
        *((word, False) for word in ("non", "No", "0", "faux", "false", "n")),
        *((word, None) for word in ("", "?", "sur rendez-vous", "2", "non précisé", "oui/non")),
    ],
)
def test_yes_and_no_are_understood_and_anything_else_is_unknown(name, written, value):
    assert getattr(practice(**{name: written}), name) is value


@pytest.mark.parametrize(
    ("written", "sector"),
    [
        *((text, "1") for text in ("1", "Secteur 1", "S1", "secteur I", "Conventionné secteur 1")),
        *((text, "2") for text in ("2", "sector 2", "2 sans OPTAM", "Conventionnée secteur II")),
        *((text, "2-optam") for text in ("2 OPTAM", "2-optam", "Secteur 2 (OPTAM-CO)", "secteur 2 avec OPTAM")),
        *((text, "none") for text in ("non conventionné", "Non-conventionnée", "hors convention", "secteur 3", "none")),
        *((text, None) for text in ("", "1 et 2", "OPTAM", "conventionné", "oui", "4", "12", "2 médecins", "1 OPTAM")),
    ],
)
def test_a_payment_sector_is_understood_or_unknown(written, sector):
    assert practice(payment_sector=written).payment_sector == sector


@pytest.mark.parametrize(
    ("written", "payment"),
    [
        *((text, "full") for text in ("total", "Intégral", "full", "tiers payant intégral")),
        *((text, "partial") for text in ("partiel", "Partielle", "partial", "part obligatoire", "oui")),
        *((text, "no") for text in ("non", "no", "0", "aucun", "pas de tiers payant")),
        *((text, None) for text in ("", "tiers payant", "selon mutuelle", "total ou partiel")),
    ],
)
def test_third_party_payment_is_understood_or_unknown(written, payment):
    assert practice(third_party_payment=written).third_party_payment == payment


@pytest.mark.parametrize(
    ("written", "codes"),
    [
        ("français, anglais, ar", ("fr", "en", "ar")),
        ("Français / English / العربية", ("fr", "en")),
        ("Anglais et espagnol", ("en", "es")),
        ("FR;EN|pt-BR", ("fr", "en", "pt")),
        ("français anglais", ("fr", "en")),
        ("LSF, langue des signes française", ("fsl",)),
        ("fr, fr, français", ("fr",)),
        ("klingon, turc", ("tr",)),
        ("kabyle + soninké", ("kab", "snk")),
        ("no, sv", ("no", "sv")),
        ("pas d'anglais", ()),
        ("arabe littéraire", ()),
        ("no", ()),
        ("oui", ()),
        ("", ()),
    ],
)
def test_languages_become_codes_and_what_names_none_is_left_out(written, codes):
    assert practice(languages=written).languages == codes


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("vaccination;trod_angina", ("vaccination", "trod_angina")),
        ("Vaccination, Dépistage de l'angine | Vaccination", ("vaccination", "depistage_de_l_angine")),
        ("Cœur; ; ;", ("coeur",)),
        ("", ()),
    ],
)
def test_services_are_told_as_plain_words_whoever_knows_them(written, words):
    assert practice(services=written).services == words


@given(st.sampled_from(ASKED), st.text(st.characters(exclude_characters='"\t\r\n', exclude_categories=["Cs"])))
def test_no_cell_of_these_rejects_a_row_or_says_what_is_not_in_the_vocabulary(name, written):
    record = practice(**{name: written})
    assert isinstance(record, FacilityRecord)
    assert record.payment_sector in {None, *PAYMENT_SECTORS}
    assert record.third_party_payment in {None, *THIRD_PARTY_PAYMENTS}
    assert all(code.isascii() and code.islower() and len(code) in {2, 3} for code in record.languages)


@pytest.mark.parametrize("code", sorted(set(practices._LANGUAGES.values())))
def test_every_language_that_has_a_name_may_also_be_written_as_its_code(code):
    assert practices.parse_languages(f"{code},{code}") == (code,)
