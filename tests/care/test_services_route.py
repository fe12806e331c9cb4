"""What a place may be asked to offer: the list, and the wish in "nearest"."""

import pytest

from citizen_api.care.services import SERVICES
from tests.care.makers import make_record
from tests.web.makers import read_problem

NEAREST = "/v1/care/nearest?lat=48.8573751&lon=2.3524425&category=pharmacy"


def names(answer):
    return [item["name"] for item in answer.json["items"]]


def test_every_service_is_listed_in_the_words_of_the_asked_language(client):
    french, english = (client.get(f"/v1/care/services?lang={lang}").json["items"] for lang in ("fr", "en"))
    assert [item["id"] for item in french] == [item["id"] for item in english] == list(SERVICES)
    angina = SERVICES["trod_angina"]
    assert {"id": "trod_angina", "label": angina.fr, "hint": angina.hint_fr} in french
    assert {"id": "trod_angina", "label": angina.en, "hint": angina.hint_en} in english


def test_the_list_is_kept_by_caches_and_known_again(client):
    first = client.get("/v1/care/services")
    assert "max-age=300" in first.headers["Cache-Control"]
    again = client.get("/v1/care/services", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


def test_only_places_known_to_offer_all_that_is_asked_are_shown(client, imported):
    imported(
        make_record("both", services=("vaccination", "naloxone")),
        make_record("one", services=("vaccination",)),
        make_record("unknown"),
    )
    assert sorted(names(client.get(f"{NEAREST}&service=vaccination"))) == ["Synthetic both", "Synthetic one"]
    answer = client.get(f"{NEAREST}&service=vaccination,naloxone")
    assert names(answer) == ["Synthetic both"]
    assert "wishes_filter" in [notice["code"] for notice in answer.json["notices"]]


@pytest.mark.parametrize("wish", ["massages", "vaccination,massages", "Vaccination", "pharmacy", "%20"])
def test_a_service_that_nobody_knows_is_a_problem_of_its_own(client, wish):
    problem = read_problem(client.get(f"{NEAREST}&service={wish}&lang=en"))
    assert (problem["type"], problem["status"]) == ("/problems/service-unknown", 422)
    assert "/v1/care/services" in problem["detail"]


def test_a_service_that_no_place_offers_is_no_problem(client, imported):
    imported(make_record("a"))
    answer = client.get(f"{NEAREST}&service=imaging")
    assert (answer.status_code, names(answer)) == (200, [])


def test_the_specification_names_every_service(client):
    path = client.get("/openapi.json").json["paths"]["/v1/care/nearest"]["get"]
    (wish,) = (each for each in path["parameters"] if each["name"] == "service")
    assert wish["schema"]["items"]["enum"] == list(SERVICES)


def test_services_in_a_sources_words_are_shown_by_their_ids_and_others_are_counted(client, imported):
    written = ("depistage_de_l_angine", "massages", "vaccinations", "vaccin", "massages_2")
    report = imported(make_record("a", services=written), make_record("b", services=("massages",)))
    assert report.services_unknown == {"massages": 2, "massages_2": 1}
    shown = {item["name"]: item["services"] for item in client.get(NEAREST).json["items"]}
    assert shown == {"Synthetic a": ["trod_angina", "vaccination"], "Synthetic b": None}
