"""What outside systems call care is named by our own codes: by system and code, by code, by words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.sources.specialties import OTHER, SPECIALTIES, specialties_of

SERVICE_TYPE = "http://terminology.hl7.org/CodeSystem/service-type"
ORDINAL = "https://mos.esante.gouv.fr/NOS/TRE_R38-SpecialiteOrdinale/FHIR/TRE-R38-SpecialiteOrdinale"
PROFESSION = "https://mos.esante.gouv.fr/NOS/TRE_G15-ProfessionSante/FHIR/TRE-G15-ProfessionSante"


@pytest.mark.parametrize(
    ("system", "code", "named"),
    [
        (SERVICE_TYPE, "57", "vaccination"),
        (SERVICE_TYPE, "124", "general-practice"),
        (SERVICE_TYPE, "60", "dietetics"),
        ("http://hl7.org/fhir/service-type", "88", "dentistry"),
        (ORDINAL, "SM26", "general-practice"),
        (ORDINAL, "SM54", "general-practice"),
        (ORDINAL, "SM40", "paediatrics"),
        (ORDINAL, "SM15", "dermatology"),
        (PROFESSION, "60", "nursing"),
        (PROFESSION, "50", "midwifery"),
        ("https://mos.esante.gouv.fr/NOS/TRE_G15-ProfessionSante", "40", "dentistry"),
    ],
)
def test_a_code_is_named_by_its_system(system, code, named):
    assert specialties_of([(system, code, "")]) == (named,)


@pytest.mark.parametrize("code", ["SM54", " sm54 ", "G15_10/SM54"])
def test_the_code_of_an_ordinal_specialty_needs_no_system(code):
    assert specialties_of([("", code, "")]) == ("general-practice",)


@pytest.mark.parametrize("code", ["57", "60", "124"])
def test_a_number_says_nothing_without_its_system(code):
    assert specialties_of([("", code, "")]) == (OTHER,)


def test_a_known_code_is_believed_before_its_text():
    assert specialties_of([(SERVICE_TYPE, "124", "Vaccination")]) == ("general-practice",)


def test_a_doctor_is_of_no_specialty():
    assert specialties_of([(PROFESSION, "10", "Médecin")]) == (OTHER,)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Médecin généraliste", ("general-practice",)),
        ("GP", ("general-practice",)),
        ("Pédiatrie", ("paediatrics",)),
        ("Pediatrician", ("paediatrics",)),
        ("Paediatric Dentistry", ("dentistry",)),
        ("Gynécologie-obstétrique", ("gynaecology",)),
        ("Sage-femme", ("midwifery",)),
        ("midwife", ("midwifery",)),
        ("Dermatologue", ("dermatology",)),
        ("Ophtalmologie", ("ophthalmology",)),
        ("Ophthalmologist", ("ophthalmology",)),
        ("Chirurgien-dentiste", ("dentistry",)),
        ("Pédopsychiatre", ("psychiatry",)),
        ("Psychologue clinicienne", ("psychology",)),
        ("Cardiologist", ("cardiology",)),
        ("ORL", ("ear-nose-throat",)),
        ("Oto-rhino-laryngologie", ("ear-nose-throat",)),
        ("Allergologue", ("allergology",)),
        ("Endocrinologie, diabétologie", ("endocrinology",)),
        ("Gastro-entérologie", ("gastroenterology",)),
        ("Neurologist", ("neurology",)),
        ("Rhumatologue", ("rheumatology",)),
        ("Rheumatology", ("rheumatology",)),
        ("Pneumologue", ("pulmonology",)),
        ("Infirmière", ("nursing",)),
        ("Nurse", ("nursing",)),
        ("Masseur-kinésithérapeute", ("physiotherapy",)),
        ("Kiné", ("physiotherapy",)),
        ("Orthophoniste", ("speech-therapy",)),
        ("Speech therapist", ("speech-therapy",)),
        ("Diététicienne", ("dietetics",)),
        ("Dietitian", ("dietetics",)),
        ("Pharmacien", ("pharmacy",)),
        ("Moderna COVID-19 Vaccine", ("vaccination",)),
        ("Vaccination par un médecin généraliste", ("general-practice", "vaccination")),
        ("Accidental injuries", (OTHER,)),
        ("Nursery", (OTHER,)),
        ("Visite urgente", (OTHER,)),
        ("ambulatory", (OTHER,)),
    ],
)
def test_words_are_understood_in_french_and_english(text, named):
    assert specialties_of([("", "", text)]) == named


def test_several_codings_name_several_specialties_once_each_in_our_order():
    codings = [(PROFESSION, "60", ""), (ORDINAL, "SM54", ""), ("", "", "médecine générale")]
    assert specialties_of(codings) == ("general-practice", "nursing")


def test_nothing_said_is_other():
    assert specialties_of([]) == (OTHER,)


@given(st.lists(st.tuples(st.text(), st.text(), st.text())))
def test_whatever_is_said_has_a_name_of_ours(codings):
    named = specialties_of(codings)
    assert named
    assert set(named) <= set(SPECIALTIES)
