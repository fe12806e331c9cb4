"""Maps of the nearest places of care: `/v1/care/nearest.svg`, and `/v1/care/nearest` for who asks for a picture."""

import xml.etree.ElementTree as ET

import pytest

from app import create_app
from citizen_api.mobility.networks import Networks
from tests.care.makers import import_records, make_record
from tests.mobility.reach_makers import GRID, SomeNetworks, place_at
from tests.web.makers import read_problem

SVG = {"Accept": "image/svg+xml"}
HERE = 5 * 12 + 5
PLACE = place_at(GRID, HERE)
QUERY = f"?lat={PLACE['lat']}&lon={PLACE['lon']}&category=pharmacy&lang=fr"
TAG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def imported(database, tmp_path):
    return lambda *records: import_records(database, tmp_path, records)


@pytest.fixture
def client(services):
    services.ports[Networks] = SomeNetworks(GRID)
    return create_app(services=services).test_client()


def make_place(key, junction, **facts):
    return make_record(key, **{**place_at(GRID, junction), **facts})


def said(answer):
    root = ET.fromstring(answer.text)  # noqa: S314 - our own document
    return " ".join("".join(found.itertext()) for found in root.iter(f"{TAG}text")).replace("\xa0", " ")


def test_a_client_that_wants_a_picture_gets_a_map_and_others_get_what_they_got(client, imported):
    imported(make_place("a", HERE + 2))
    drawn = client.get(f"/v1/care/nearest{QUERY}", headers=SVG)
    assert drawn.content_type == "image/svg+xml; charset=utf-8"
    assert client.get(f"/v1/care/nearest{QUERY}").content_type == "application/json"
    geojson = client.get(f"/v1/care/nearest{QUERY}", headers={"Accept": "application/geo+json"})
    assert geojson.content_type == "application/geo+json"


def test_both_addresses_draw_the_same(client, imported):
    imported(make_place("a", HERE + 2))
    assert client.get(f"/v1/care/nearest.svg{QUERY}").data == client.get(f"/v1/care/nearest{QUERY}", headers=SVG).data


def test_a_map_is_kept_by_nobody_and_loads_nothing(client, imported):
    imported(make_place("a", HERE + 2))
    answer = client.get(f"/v1/care/nearest.svg{QUERY}")
    assert answer.headers["Cache-Control"] == "no-store"
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "http" not in answer.text.replace('xmlns="http://www.w3.org/2000/svg"', "")


def test_places_are_numbered_with_their_name_distance_and_hours(client, imported):
    imported(
        make_place("day", HERE + 1, opening_hours="Mo-Fr 09:00-18:00"),
        make_place("night", HERE + 2, opening_hours="Mo-Su 20:00-23:30"),
        make_place("always", HERE + 3, opening_hours="24/7"),
        make_place("unknown", HERE + 4),
        make_place("late", HERE + 5, opening_hours="Mo-Su 08:00-24:00"),
    )
    text = said(client.get(f"/v1/care/nearest.svg{QUERY}"))
    assert "5 Synthetic late, à 500 m. Ouvert jusqu'à minuit." in text
    assert "1 Synthetic day, à 100 m. Fermé jusqu'à lundi 9 h." in text
    assert "2 Synthetic night, à 200 m. Ouvert jusqu'à 23 h 30." in text
    assert "3 Synthetic always, à 300 m. Ouvert." in text
    assert "4 Synthetic unknown, à 400 m. Horaires inconnus : appelez d'abord." in text


def test_open_now_draws_the_open_first_and_then_those_of_unknown_hours(client, imported):
    imported(
        make_place("shut", HERE + 1, opening_hours="Su 09:00-12:00"),
        make_place("open", HERE + 3, opening_hours="24/7"),
        make_place("unknown", HERE + 2),
    )
    text = said(client.get(f"/v1/care/nearest.svg{QUERY}&open=now"))
    assert "shut" not in text
    assert text.index("Synthetic open") < text.index("Synthetic unknown")


def test_a_place_that_is_far_away_does_not_shrink_the_streets_to_nothing(client, imported):
    imported(make_place("near", HERE + 1), make_record("far", lat=48.95, lon=2.35))
    answer = client.get(f"/v1/care/nearest.svg{QUERY}")
    assert "Plus loin, hors de cette carte : 1." in said(answer)
    assert "Synthetic far" not in answer.text


def test_what_must_be_known_first_stands_above_the_map_and_the_numbers_to_call_below(client, imported):
    imported(make_place("er", HERE + 2, category_codes=(("alentours", "emergency_department"),)))
    text = said(client.get(f"/v1/care/nearest.svg{QUERY.replace('pharmacy', 'emergency_department')}"))
    assert text.index("appelez d'abord le 15") < text.index("Synthetic er") < text.index("En cas d'urgence")


def test_where_nothing_is_known_the_map_shows_where_one_is_and_says_so(client, imported):
    imported(make_place("a", HERE + 2))
    text = said(client.get(f"/v1/care/nearest.svg{QUERY.replace('pharmacy', 'dentist')}"))
    assert "Aucun lieu à montrer ici." in text


def test_a_name_from_a_source_stays_a_name(client, imported):
    imported(make_place("x", HERE + 2, name='"><script>alert(1)</script>'))
    answer = client.get(f"/v1/care/nearest.svg{QUERY}")
    assert '"><script>alert(1)</script>' in said(answer)
    assert "<script" not in answer.text


def test_problems_are_those_of_nearest(client):
    answer = client.get(f"/v1/care/nearest.svg{QUERY.replace('pharmacy', 'cinema')}")
    assert read_problem(answer)["type"] == "/problems/category-unknown"


def test_a_place_by_its_id_still_answers_beside_these_addresses(client):
    assert read_problem(client.get("/v1/care/nearest.png"))["type"] == "/problems/facility-unknown"
