"""An emergency department that takes in only whom the 15 sends says so, from the city's list to the answer."""

import pytest

from citizen_api.care import stocks, sync
from citizen_api.sources.generic_csv import parse_mapping
from content.catalogue import catalogue
from tests.care.makers import NOW, make_record

MAPPING = """
source: {id: city-emergencies, title: A synthetic list, producer: The tests, licence: none, date: 2026-11-01}
complete: true
columns: {Code: key, Nom: name, Lat: lat, Lon: lon, Régulé: call_15_first}
category: emergency_department
"""
NEAREST = "/v1/care/nearest?lat=48.8573751&lon=2.3524425&category=emergency_department"


@pytest.fixture
def listed(database, tmp_path):
    """Import a city's synthetic list of one emergency department, whose column `Régulé` says this."""

    def do(regulated):
        path = tmp_path / "urgences.csv"
        path.write_text(f"Code;Nom;Lat;Lon;Régulé\nu1;Urgences synthétiques;48.8573;2.3524;{regulated}\n", "utf-8")
        stock = stocks.mapped_stock(path, parse_mapping(MAPPING))
        return sync.run_import(database, stock, now=NOW, reports_dir=tmp_path)

    return do


def codes(answer) -> list[str]:
    return [notice["code"] for notice in answer.json["notices"]]


def said(answer, code) -> str:
    return next(notice["text"] for notice in answer.json["notices"] if notice["code"] == code)


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_nearest_says_to_call_15_before_going_to_a_regulated_one(client, listed, lang):
    listed("oui")
    answer = client.get(f"{NEAREST}&lang={lang}")
    (item,) = answer.json["items"]
    assert (item["name"], item["call_first"]) == ("Urgences synthétiques", "15")
    assert said(answer, "regulated_emergency") == catalogue().notices["regulated_emergency"].say(lang)
    assert "15" in said(answer, "regulated_emergency")


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_its_own_page_says_so_too(client, listed, lang):
    listed("oui")
    (item,) = client.get(NEAREST).json["items"]
    page = client.get(f"/v1/care/{item['id']}?lang={lang}")
    assert said(page, "regulated_emergency") == catalogue().notices["regulated_emergency"].say(lang)
    assert page.json["emergency"][0]["number"] == "15"


def test_the_map_says_so_too(client, listed):
    listed("oui")
    assert "regulated_emergency" in codes(
        client.get("/v1/care/within?bbox=2.3,48.8,2.4,48.9&category=emergency_department")
    )


@pytest.mark.parametrize("regulated", ["non", "", "peut-être"])
def test_one_that_is_not_known_to_be_regulated_is_not_said_to_be(client, listed, regulated):
    assert not listed(regulated).rejected
    answer = client.get(NEAREST)
    (item,) = answer.json["items"]
    assert codes(answer) == ["call_15_first"]
    assert codes(client.get(f"/v1/care/{item['id']}")) == ["call_15_first"]


def test_every_emergency_department_is_reached_through_15(client, listed):
    listed("non")
    (item,) = client.get(NEAREST).json["items"]
    assert item["call_first"] == "15"


def test_one_that_stops_being_regulated_is_not_said_to_be_any_more(client, listed):
    listed("oui")
    listed("non")
    assert "regulated_emergency" not in codes(client.get(NEAREST))


def test_a_regulated_one_that_is_not_shown_changes_nothing_for_the_others(client, imported):
    imported(
        make_record("near", category_codes=(("alentours", "emergency_department"),)),
        make_record("far", lat=48.9, category_codes=(("alentours", "emergency_department"),), call_15_first=True),
    )
    assert "regulated_emergency" not in codes(client.get(f"{NEAREST}&limit=1"))
    assert "regulated_emergency" in codes(client.get(NEAREST))


@pytest.mark.parametrize(("told", "said_of_it"), [("oui", "yes"), ("non", "no"), ("", "unknown")])
def test_each_emergency_department_says_whether_it_is_regulated(client, listed, told, said_of_it):
    listed(told)
    asked = "lat=48.8573&lon=2.3524&category=emergency_department"
    (place,) = client.get(f"/v1/care/nearest?{asked}").json["items"]
    assert place["regulated"] == said_of_it
    assert client.get(f"/v1/care/{place['id']}").json["regulated"] == said_of_it
