"""Communes and places over HTTP."""

import logging

import pytest

from citizen_api.sources.ban import FoundAddress, GeocoderDownError
from citizen_api.territory.geocoding import GuardedGeocoder
from citizen_api.territory.places import Places
from citizen_api.web.services import Services

pytestmark = pytest.mark.usefixtures("territory")
TEMPLE = FoundAddress(
    kind="address", label="26 Rue du Temple 75004 Paris", lat=48.8589, lon=2.3539, postcode="75004",
    city="Paris", commune_code="75104", score=0.97,
)  # fmt: skip


class Outside:
    def __init__(self):
        self.fails_with = None
        self.asked = []
        self.before = lambda: None

    def search(self, text):
        self.asked.append(text)
        self.before()
        if self.fails_with:
            raise self.fails_with
        return [TEMPLE]


@pytest.fixture
def outside(app):
    geocoder = Outside()
    services: Services = app.extensions["alentours"]
    services.port(Places).geocoder = GuardedGeocoder(geocoder)
    return geocoder


def codes(answer):
    return [notice["code"] for notice in answer.json["notices"]]


def test_communes_are_found_best_first_with_a_next_page(client):
    first = client.get("/v1/communes?q=saint-denis&limit=2")
    assert first.status_code == 200
    assert [item["code"] for item in first.json["items"]] == ["97411", "93066"]
    assert first.json["items"][1] == {
        "code": "93066",
        "name": "Saint-Denis",
        "kind": "commune",
        "departement": {"code": "93", "name": "Seine-Saint-Denis"},
        "population": 149_077,
        "postcodes": ["93200", "93210", "93380"],
        "lat": 48.9378,
        "lon": 2.3657,
        "centre_approximate": False,
    }
    second = client.get("/v1/communes", query_string={"q": "st denis", "limit": 2, "cursor": first.json["next"]})
    assert [item["code"] for item in second.json["items"]] == ["11339", "30247"]


def test_an_overseas_commune_says_that_its_centre_is_not_known(client):
    reunion = client.get("/v1/communes/97411").json
    assert (reunion["lat"], reunion["lon"], reunion["centre_approximate"]) == (None, None, False)
    assert reunion["ancestors"]["region"] == {"code": "04", "name": "La Réunion"}


@pytest.mark.parametrize(("path", "name"), [("/v1/communes", "centre_approximate"), ("/v1/places", "approximate")])
def test_no_position_is_never_called_approximate(client, path, name):
    items = client.get(f"{path}?q=saint denis").json["items"]
    assert {item["lat"] is None for item in items} == {True, False}
    assert not any(item[name] for item in items if item["lat"] is None)


def test_distances_are_told_to_the_millimetre_as_everywhere(client):
    here = "lat=48.8573751&lon=2.3524425"
    distances = [client.get(f"/v1/communes/at?{here}").json["distance_m"]]
    distances += [item["distance_m"] for item in client.get(f"/v1/places?q=paris&{here}").json["items"]]
    told = [distance for distance in distances if distance is not None]
    assert len(told) > 1
    assert told == [round(distance, 3) for distance in told]


def test_a_commune_shows_its_ancestors(client):
    fourth = client.get("/v1/communes/75104").json
    assert fourth["ancestors"] == {
        "commune": {"code": "75056", "name": "Paris"},
        "ept": None,
        "epci": {"code": "200054781", "name": "Métropole du Grand Paris", "kind": "METRO"},
        "departement": {"code": "75", "name": "Paris"},
        "region": {"code": "11", "name": "Île-de-France"},
    }
    assert fourth["arrondissements"] == []
    assert len(client.get("/v1/communes/75056").json["arrondissements"]) == 20


def test_an_old_code_answers_with_the_present_commune_and_says_so(client):
    answer = client.get("/v1/communes/93059?lang=en")
    assert answer.json["code"] == "93066"
    assert answer.json["notices"] == [
        {"code": "old_code", "text": "Code 93059 is that of a former commune: here is the commune of today."}
    ]


def test_communes_may_be_kept_by_caches_and_answer_304(client):
    first = client.get("/v1/communes/75056")
    assert first.headers["Cache-Control"] == "public, max-age=3600"
    again = client.get("/v1/communes/75056", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert client.get("/v1/communes?q=paris").headers["Cache-Control"] == "public, max-age=3600"


def test_a_position_names_its_commune_approximately_and_nobody_keeps_it(client):
    answer = client.get("/v1/communes/at?lat=48.8573751&lon=2.3524425")
    assert answer.json["commune"]["code"] == "75104"
    assert answer.json["distance_m"] == pytest.approx(510, abs=1)
    assert codes(answer) == ["nearest_centre"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers


@pytest.mark.parametrize(
    ("address", "status", "problem"),
    [
        ("/v1/communes/99999", 404, "commune-unknown"),
        ("/v1/communes/%00", 404, "not-found"),
        ("/v1/communes", 422, "invalid-arguments"),
        ("/v1/communes?q=", 422, "invalid-arguments"),
        ("/v1/communes?q=paris&limit=51", 422, "invalid-arguments"),
        ("/v1/communes?q=paris&cursor=x", 400, "cursor-invalid"),
        ("/v1/communes?q=paris&other=x", 422, "invalid-arguments"),
        ("/v1/communes/at?lat=48.85", 422, "invalid-arguments"),
        ("/v1/communes/at?lat=nan&lon=2", 422, "invalid-arguments"),
        ("/v1/communes/at?lat=91&lon=181", 422, "position-out-of-range"),
        ("/v1/communes/at?lat=2.35&lon=48.85", 422, "position-swapped"),
        ("/v1/communes/at?lat=-20.9&lon=55.5", 404, "far-from-communes"),
        ("/v1/places", 422, "invalid-arguments"),
        ("/v1/places?q=temple&lat=48.85", 422, "invalid-arguments"),
        ("/v1/places?q=temple&lon=2.35", 422, "invalid-arguments"),
        ("/v1/places?q=temple&lat=2.35&lon=48.85", 422, "position-swapped"),
        ("/v1/places?q=temple&limit=21", 422, "invalid-arguments"),
    ],
)
def test_what_is_wrong_is_a_precise_problem(client, address, status, problem):
    answer = client.get(address)
    assert (answer.status_code, answer.json["type"]) == (status, f"/problems/{problem}")
    assert answer.content_type == "application/problem+json"


def test_by_default_places_come_from_the_gazetteer_which_says_so(client):
    answer = client.get("/v1/places?q=saint-denis&limit=2&lang=en")
    assert [item["commune_code"] for item in answer.json["items"]] == ["97411", "93066"]
    assert codes(answer) == ["geocoder_off"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_an_address_that_nobody_knows_gives_its_commune(client):
    answer = client.get("/v1/places?q=26 rue du temple 75004 paris")
    assert codes(answer) == ["geocoder_off", "commune_only"]
    assert answer.json["items"][0]["commune_code"] == "75104"
    assert answer.json["items"][0]["approximate"] is True


def test_the_outside_geocoder_completes_the_gazetteer(client, outside):
    answer = client.get("/v1/places?q=26 rue du temple&lat=48.86&lon=2.35")
    assert codes(answer) == []
    [item] = answer.json["items"]
    assert (item["label"], item["source"], item["score"]) == ("26 Rue du Temple 75004 Paris", "ban", 0.97)
    assert item["distance_m"] == pytest.approx(312, abs=3)
    assert outside.asked == ["26 rue du temple"]


def test_with_the_outside_geocoder_down_the_gazetteer_still_answers_and_says_so(client, outside):
    outside.fails_with = GeocoderDownError()
    answer = client.get("/v1/places?q=rue du temple rennes")
    assert answer.status_code == 200
    assert [item["commune_code"] for item in answer.json["items"]] == ["35238"]
    assert codes(answer) == ["geocoder_unavailable", "commune_only"]


def test_no_transaction_is_open_while_the_outside_geocoder_is_asked(client, outside, app):
    database = app.extensions["alentours"].database
    open_sessions = []
    opened = database.open

    def watched(*, write):
        session = opened(write=write)
        open_sessions.append(session)
        return session

    database.open = watched
    seen = []
    outside.before = lambda: seen.extend(session.in_transaction() for session in open_sessions)
    client.get("/v1/places?q=26 rue du temple")
    assert seen
    assert not any(seen)


def test_what_residents_type_is_not_logged(client, outside, caplog):
    caplog.set_level(logging.DEBUG)
    client.get("/v1/places?q=chez tante mathilde&lat=48.8612345&lon=2.3512345")
    outside.fails_with = GeocoderDownError("chez tante mathilde")
    client.get("/v1/places?q=chez tante mathilde 2")
    logged = "".join(str(vars(record)) for record in caplog.records if record.name != "sqlalchemy.engine.Engine")
    assert "mathilde" not in logged
    assert "48.86" not in logged
