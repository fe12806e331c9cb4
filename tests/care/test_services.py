import pytest

from citizen_api.care.categories import CATEGORIES
from citizen_api.care.services import SERVICES, service_of
from citizen_api.sources.practices import parse_services, slug

OFFERED_BY_PHARMACIES = """
    vaccination trod_angina trod_cystitis prevention_check medication_review interview_asthma
    interview_anticoagulants interview_oral_cancer_drugs interview_pregnancy colorectal_kit teleconsultation naloxone
    drug_return equipment_rental
"""
LONGEST_ID = 40  # what the API takes


def names_of(service):
    return (service.id, service.fr, service.en, *service.also)


def test_all_that_pharmacies_offer_is_there_first_and_in_order():
    promised = OFFERED_BY_PHARMACIES.split()
    assert list(SERVICES)[: len(promised)] == promised


def test_every_service_is_named_and_hinted_in_both_languages():
    assert all(s.fr and s.en and s.hint_fr and s.hint_en for s in SERVICES.values())


def test_an_id_is_a_slug_that_the_api_takes():
    assert all(id == slug(id) and len(id) <= LONGEST_ID for id in SERVICES)


def test_no_service_is_a_category():
    assert not SERVICES.keys() & CATEGORIES.keys()


@pytest.mark.parametrize(
    ("id", "limits"), [("vaccination", ["11"]), ("trod_angina", ["10"]), ("trod_cystitis", ["16", "65"])]
)
def test_the_hint_tells_the_limits_of_age_in_both_languages(id, limits):
    service = SERVICES[id]
    assert all(limit in service.hint_fr and limit in service.hint_en for limit in limits)


@pytest.mark.parametrize("service", SERVICES.values(), ids=lambda service: service.id)
def test_every_name_of_a_service_means_it_and_no_other(service):
    assert {service_of(name) for name in names_of(service)} == {service.id}


@pytest.mark.parametrize("service", SERVICES.values(), ids=lambda service: service.id)
def test_a_name_is_still_understood_as_a_source_hands_it_over(service):
    for name in names_of(service):
        pieces = parse_services(name)
        assert len(pieces) > 1 or service_of(pieces[0]) == service.id


@pytest.mark.parametrize(
    ("written", "id"),
    [
        ("VACCINATIONS", "vaccination"),
        ("Dépistage de l'angine", "trod_angina"),
        ("depistage_de_l_angine", "trod_angina"),
        ("  Locations de matériels médicaux ", None),
        ("Location du matériel médical", "equipment_rental"),
        ("Entretiens AVK / AOD", "interview_anticoagulants"),
        ("urgences", None),
        ("massages", None),
        ("non", None),
        ("", None),
    ],
)
def test_a_service_is_understood_whatever_its_case_accents_small_words_and_plural(written, id):
    assert service_of(written) == id
