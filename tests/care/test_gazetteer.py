"""Facilities found by name and address in /v1/places."""

import pytest

from tests.care.makers import import_records, make_record


@pytest.fixture
def named_pharmacies(database, tmp_path):
    import_records(
        database,
        tmp_path,
        [
            make_record("a", name="Pharmacie du Village", street="26 rue du Temple"),
            make_record("b", name="Pharmacie du Villageois", street="1 rue de Rivoli"),
            make_record("c", name="Croix Bleue", street="3 place du Village"),
        ],
    )


def found(client, text):
    answer = client.get("/v1/places", query_string={"q": text, "limit": 10})
    return [item["label"] for item in answer.json["items"] if item["kind"] == "facility"]


@pytest.mark.usefixtures("named_pharmacies")
def test_a_whole_name_comes_before_what_begins_so(client):
    labels = found(client, "pharmacie du village")
    assert [label.split(" (")[0] for label in labels] == ["Pharmacie du Village", "Pharmacie du Villageois"]


@pytest.mark.usefixtures("named_pharmacies")
@pytest.mark.parametrize("text", ["26 rue du temple paris", "PHARMACIE VILLAGE TEMPLE", "75004 croix", "crôix-bleue"])
def test_words_of_name_and_address_find_a_facility_whatever_their_case_and_accents(client, text):
    assert len(found(client, text)) == 1


@pytest.mark.usefixtures("named_pharmacies")
def test_a_word_that_no_place_has_finds_none(client):
    assert found(client, "pharmacie xylophone") == []


@pytest.mark.usefixtures("named_pharmacies")
def test_a_facility_found_by_name_can_be_opened_by_its_id(client):
    item = client.get("/v1/places", query_string={"q": "croix bleue"}).json["items"][0]
    assert client.get(f"/v1/care/{item['facility_id']}").json["name"] == "Croix Bleue"


def test_a_place_imported_later_is_found_too(client, database, tmp_path):
    assert found(client, "croix bleue") == []
    import_records(database, tmp_path, [make_record("c", name="Croix Bleue")])
    assert found(client, "croix bleue") != []
