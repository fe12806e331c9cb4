"""One place by its id, the categories, the map, the emergency numbers."""

from urllib.parse import quote

import pytest

from citizen_api.care.categories import CATEGORIES
from citizen_api.care.views import MAX_ON_MAP
from tests.care.makers import SYNTHETIC, make_record
from tests.care.test_nearest import GEOJSON, check_feature_collection
from tests.web.makers import read_problem

SIX_NUMBERS = ["15", "112", "114", "116 117", "3114", "119", "3919"]


def the_id(client, category="pharmacy") -> str:
    answer = client.get(f"/v1/care/nearest?lat=48.85&lon=2.35&category={category}")
    return answer.json["items"][0]["id"]


def test_a_place_is_shown_by_its_id_and_kept_by_caches_until_it_changes(client, imported):
    imported(make_record("a", identifiers=(("finess", "750010597"),)))
    url = f"/v1/care/{the_id(client)}"
    page = client.get(url)
    assert (page.status_code, page.json["name"], page.json["notices"]) == (200, "Synthetic a", [])
    assert page.json["identifiers"] == {"finess": "750010597"}
    assert client.get(url, headers={"If-None-Match": page.headers["ETag"]}).status_code == 304
    imported(make_record("a", identifiers=(("finess", "750010597"),), phone="+33142726071"))
    assert client.get(url, headers={"If-None-Match": page.headers["ETag"]}).json["phone"] == "+33142726071"


def test_a_place_that_closed_for_good_keeps_answering_and_says_so(client, imported):
    imported(make_record("a", opening_hours="24/7"))
    place_id = the_id(client)
    imported(make_record("b"), force=True)
    page = client.get(f"/v1/care/{place_id}?lang=en")
    assert (page.status_code, page.json["name"]) == (200, "Synthetic a")
    assert [notice["code"] for notice in page.json["notices"]] == ["closed_for_good"]
    assert page.json["opening"]["state"] == "closed"
    assert page.json["closed_on"] == SYNTHETIC.date.isoformat()
    assert page.json["sources"]


def test_a_hospital_says_15_first(client, imported):
    imported(make_record("h", category_codes=(("finess", "355"),)))
    page = client.get(f"/v1/care/{the_id(client, 'hospital')}").json
    assert [notice["code"] for notice in page["notices"]] == ["call_15_first"]


@pytest.mark.parametrize(
    "place_id", ["aaaaaaaaaaaaa", "a", "é☃", "a\x00aaaaaaaaaaa", "'; drop table", "\udcff", "A" * 16, "A" * 17, "%2f"]
)
def test_an_id_that_nothing_has_is_a_clear_problem(client, place_id):
    problem = read_problem(client.get(f"/v1/care/{quote(place_id, errors='surrogatepass')}"))
    assert problem["status"] == 404


def test_every_category_is_listed_in_both_languages_with_how_many_are_known(client, imported):
    imported(make_record("a"), make_record("b"))
    french, english = (client.get(f"/v1/care/categories?lang={lang}").json["items"] for lang in ("fr", "en"))
    assert [item["id"] for item in french] == list(CATEGORIES)
    assert {item["id"]: item["places"] for item in english if item["places"]} == {"pharmacy": 2}
    assert (french[0]["label"], english[0]["label"]) == ("Pharmacie", "Pharmacy")
    assert "620" in french[0]["codes"]["finess"]


def make_grid(side):
    return [
        make_record(f"g{row:02}-{column:02}", lat=48.8 + row / 100, lon=2.3 + column / 100)
        for row in range(side)
        for column in range(side)
    ]


def test_the_map_shows_the_places_in_the_box(client, imported):
    imported(*make_grid(3), make_record("d", category_codes=(("alentours", "dentist"),)))
    answer = client.get("/v1/care/within?bbox=2.305,48.795,2.33,48.825&category=pharmacy")
    assert sorted(item["name"] for item in answer.json["items"]) == [
        f"Synthetic g{row:02}-{column:02}" for row in range(3) for column in (1, 2)
    ]
    assert (answer.json["clusters"], answer.json["notices"]) == ([], [])


def test_a_crowded_map_is_grouped_and_the_groups_count_everyone(client, imported):
    imported(*make_grid(15))
    answer = client.get("/v1/care/within?bbox=2.2,48.7,2.6,49.1&category=pharmacy").json
    assert answer["items"] == []
    assert sum(group["count"] for group in answer["clusters"]) == 225 > MAX_ON_MAP
    assert 1 < len(answer["clusters"]) < 225
    assert [notice["code"] for notice in answer["notices"]] == ["clustered"]


def test_panning_keeps_the_groups(client, imported):
    imported(*make_grid(15))
    here = client.get("/v1/care/within?bbox=2.2,48.7,2.6,49.1&category=pharmacy").json["clusters"]
    beside = client.get("/v1/care/within?bbox=2.21,48.72,2.61,49.12&category=pharmacy").json["clusters"]
    assert here == beside


def test_the_map_in_geojson_holds_places_or_groups(client, imported):
    imported(*make_grid(3))
    box = "/v1/care/within?bbox=2.2,48.7,2.6,49.1&category=pharmacy"
    places = client.get(box, headers=GEOJSON).json
    check_feature_collection(places)
    assert len(places["features"]) == 9

    imported(*make_grid(15))
    groups = client.get(box, headers=GEOJSON).json
    assert groups["type"] == "FeatureCollection"
    assert sum(feature["properties"]["count"] for feature in groups["features"]) == 225
    for feature in groups["features"]:
        west, south, east, north = feature["bbox"]
        longitude, latitude = feature["geometry"]["coordinates"]
        assert west <= longitude <= east
        assert south <= latitude <= north


@pytest.mark.parametrize(
    ("box", "name"),
    [
        ("179,-20,-179,-10", "bbox-invalid"),
        ("2.3,48.9,2.4,48.8", "bbox-invalid"),
        ("2.3,48.8,2.3,48.8", "bbox-invalid"),
        ("2.3,48.8,2.4,91", "bbox-invalid"),
        ("nan,48.8,2.4,48.9", "invalid-arguments"),
        ("2.3,48.8,inf,48.9", "invalid-arguments"),
        ("2.3,48.8,2.4", "invalid-arguments"),
        ("2.3,48.8,2.4,48.9,1", "invalid-arguments"),
        ("a,b,c,d", "invalid-arguments"),
        ("", "invalid-arguments"),
        ("1e400,0,1,1", "invalid-arguments"),
    ],
)
def test_a_box_that_is_none_is_a_precise_problem(client, box, name):
    problem = read_problem(client.get(f"/v1/care/within?bbox={box}&category=pharmacy"))
    assert (problem["status"], problem["type"]) == (422, f"/problems/{name}")


def test_the_smallest_box_that_a_float_can_say_answers(client, imported):
    imported(*(make_record(f"k{rank}", lat=0.0, lon=0.0) for rank in range(MAX_ON_MAP + 1)))
    answer = client.get("/v1/care/within?bbox=0,0,5e-324,5e-324&category=pharmacy")
    assert [group["count"] for group in answer.json["clusters"]] == [MAX_ON_MAP + 1]


def test_a_map_of_an_unknown_category_is_a_problem(client):
    problem = read_problem(client.get("/v1/care/within?bbox=2,48,3,49&category=pharmacie"))
    assert problem["type"] == "/problems/category-unknown"


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_every_emergency_number_names_its_source(client, lang):
    items = client.get(f"/v1/emergency?lang={lang}").json["items"]
    assert [item["number"] for item in items[:7]] == SIX_NUMBERS
    assert {item["channel"] for item in items[7:]} == {"poison_centre"}
    assert len(items) == 16
    for item in items:
        assert item["source"]
        assert item["checked_on"] <= "2026-12-31"
        assert item["tel"].lstrip("+").isdigit()
        assert item["name"]
        assert item["text"]
    assert {item["number"]: item["channel"] for item in items}["114"] == "text"


@pytest.mark.parametrize(
    "url",
    ["/v1/care/nearest?lat=48.85&lon=2.35&category=pharmacy", "/v1/care/within?bbox=2,48,3,49&category=pharmacy", ""],
)
def test_every_answer_about_places_carries_the_numbers(client, imported, url):
    imported(make_record("a"))
    emergency = client.get(url or f"/v1/care/{the_id(client)}").json["emergency"]
    assert [item["number"] for item in emergency] == [*SIX_NUMBERS, "01 45 42 59 59"]


def test_a_map_of_hospitals_says_15_first(client, imported):
    imported(make_record("h", category_codes=(("finess", "355"),)))
    answer = client.get("/v1/care/within?bbox=2,48,3,49&category=hospital").json
    assert answer["notices"][0]["code"] == "call_15_first"
