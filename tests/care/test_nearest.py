"""`GET /v1/care/nearest`, over HTTP."""

from datetime import UTC, date, datetime
from urllib.parse import quote

import pytest

from citizen_api.care.rules import DEMO_SOURCE
from citizen_api.sources.generic_csv import SourceInfo
from tests.care.makers import SYNTHETIC, make_record
from tests.web.makers import read_problem

HERE = "lat=48.8573751&lon=2.3524425"
URL = f"/v1/care/nearest?{HERE}&category=pharmacy"
GEOJSON = {"Accept": "application/geo+json"}
METRES = 1 / 111_200  # degrees of latitude


def north(metres) -> dict[str, float]:
    return {"lat": 48.8573751 + metres * METRES, "lon": 2.3524425}


def make_ladder(count, **facts):
    """Places 100 m apart, going north."""
    return [make_record(f"k{rank:02}", **north(100 * rank), **facts) for rank in range(count)]


def names(items) -> list[str]:
    return [item["name"] for item in items]


def codes(answer) -> list[str]:
    return [notice["code"] for notice in answer.json["notices"]]


def test_an_item_says_all_that_a_reader_needs(client, imported):
    imported(make_record("a", phone="+33142726071", identifiers=(("finess", "750010597"),), opening_hours="24/7"))
    (item,) = client.get(URL + "&lang=en").json["items"]
    assert item["name"] == "Synthetic a"
    assert (item["category"], item["category_label"]) == ("pharmacy", "Pharmacy")
    assert item["address"] == {"street": "1 rue du Test", "postcode": "75004", "city": "Paris", "commune": "75104"}
    assert (item["phone"], item["lat"], item["lon"]) == ("+33142726071", 48.8573751, 2.3524425)
    assert (item["distance_m"], item["call_first"]) == (0.0, None)
    assert item["opening"]["state"] == "open"
    assert item["why"] == "No. 1 by distance. Neutral ranking: nobody pays for a place."
    assert item["identifiers"] == {"finess": "750010597"}
    assert item["sources"] == [{"id": "synthetic", "title": "Synthetic list", "date": "2026-11-01"}]


def test_pages_go_through_everything_once_in_order(client, imported):
    imported(*make_ladder(7))
    seen, url = [], f"{URL}&limit=3"
    cursor = ""
    while cursor is not None:
        page = client.get(f"{url}{cursor and '&cursor='}{cursor}").json
        seen += page["items"]
        cursor = page["next"]
    assert names(seen) == [f"Synthetic k{rank:02}" for rank in range(7)]
    assert [item["why"][:4] for item in seen] == [f"N° {rank}" for rank in range(1, 8)]


def test_open_now_shows_the_open_and_apart_five_of_unknown_hours(client, imported):
    imported(
        make_record("closed", opening_hours="Mo-Fr 09:00-18:00", **north(1)),
        make_record("night", opening_hours="Mo-Su 20:00-23:30", **north(500)),
        *make_ladder(7),
    )
    answer = client.get(URL + "&open=now")
    (item,) = answer.json["items"]
    assert item["name"] == "Synthetic night"
    assert (item["opening"]["state"], item["opening"]["until"]) == ("open", "2026-11-22T23:30:00+01:00")
    assert names(answer.json["hours_unknown"]) == [f"Synthetic k{rank:02}" for rank in range(5)]
    assert {item["opening"]["state"] for item in answer.json["hours_unknown"]} == {"unknown"}
    assert "appelez d'abord" in answer.json["hours_unknown"][0]["why"]


@pytest.mark.parametrize("moment", ["2026-11-23T10:00:00%2B01:00", "2026-11-23T10:00:00+01:00", "2026-11-23T09:00:00Z"])
def test_open_at_a_moment_even_with_its_plus_turned_into_a_space(client, imported, moment):
    imported(make_record("day", opening_hours="Mo-Fr 09:00-18:00"), make_record("sun", opening_hours="Su"))
    assert names(client.get(f"{URL}&open={moment}").json["items"]) == ["Synthetic day"]


def test_the_next_page_keeps_the_moment_of_now(client, imported, clock):
    imported(*make_ladder(3, opening_hours="Su 22:00-23:00"))
    first = client.get(URL + "&open=now&limit=2").json
    clock.moment = datetime(2026, 11, 22, 22, 30, tzinfo=UTC)  # 23:30 in Paris: all closed by now
    assert client.get(URL + "&open=now").json["items"] == []
    second = client.get(f"{URL}&open=now&limit=2&cursor={first['next']}").json
    assert names(second["items"]) == ["Synthetic k02"]
    assert "hours_unknown" not in second


def test_wheelchair_shows_only_what_is_known_to_be_accessible(client, imported):
    imported(make_record("a", wheelchair="yes", **north(300)), make_record("b", wheelchair="limited"), make_record("c"))
    answer = client.get(URL + "&wheelchair=true")
    assert names(answer.json["items"]) == ["Synthetic a"]
    assert "wheelchair_filter" in codes(answer)


def test_several_categories_are_one_list_and_a_place_of_both_stands_once(client, imported):
    imported(
        make_record("both", category_codes=(("alentours", "pharmacy"), ("alentours", "dentist"))),
        make_record("b", category_codes=(("alentours", "dentist"),), **north(10)),
        make_record("c", category_codes=(("alentours", "midwife"),), **north(20)),
    )
    answer = client.get(f"/v1/care/nearest?{HERE}&category=pharmacy,dentist")
    assert names(answer.json["items"]) == ["Synthetic both", "Synthetic b"]


def test_a_radius_bounds_the_items_and_what_is_nearest_is_said_anyway(client, imported):
    imported(make_record("a", **north(900)), make_record("b", **north(1200)))
    assert names(client.get(URL + "&radius_m=1000").json["items"]) == ["Synthetic a"]

    answer = client.get(URL + "&radius_m=500&lang=en")
    assert answer.json["items"] == []
    assert names(answer.json["instead"]) == ["Synthetic a", "Synthetic b"]
    assert answer.json["instead"][0]["why"] == "The nearest, beyond the radius you asked for."
    assert answer.json["notices"][0]["text"].startswith("Nothing within 500 m. Here is the nearest beyond.")
    assert "instead" not in client.get(URL + "&radius_m=1000").json


def test_with_nothing_near_and_no_radius_the_nearest_comes_with_a_warning(client, imported):
    imported(make_record("far", lat=43.3, lon=5.4))
    answer = client.get(URL)
    assert names(answer.json["items"]) == ["Synthetic far"]
    assert codes(answer) == ["nothing_near"]
    assert "20 km" in answer.json["notices"][0]["text"]
    assert "15" in answer.json["notices"][0]["text"]


def test_nothing_open_near_says_so_and_shows_what_is_open_beyond(client, imported):
    imported(
        make_record("shut", opening_hours="Mo 09:00-10:00"), make_record("far", lat=43.3, lon=5.4, opening_hours="24/7")
    )
    answer = client.get(URL + "&open=now")
    assert names(answer.json["items"]) == ["Synthetic far"]
    assert codes(answer) == ["none_open_near", "pharmacy_on_duty"]


def test_nothing_open_at_all_says_whom_to_call(client, imported):
    imported(make_record("shut", opening_hours="Mo 09:00-10:00"))
    answer = client.get(URL + "&open=now")
    assert (answer.json["items"], codes(answer)) == ([], ["none_open", "pharmacy_on_duty"])
    assert "3237" in answer.json["notices"][1]["text"]


def test_wishes_that_nothing_meets_are_told_from_a_category_that_nobody_knows(client, imported):
    imported(make_record("a"))
    assert codes(client.get(URL + "&wheelchair=true")) == ["nothing_fits", "wheelchair_filter"]
    assert codes(client.get(f"/v1/care/nearest?{HERE}&category=midwife")) == ["nothing_known"]


def make_hospital(key, **facts):
    return make_record(key, **{"category_codes": (("finess", "355"),)} | facts)


EMERGENCY = f"/v1/care/nearest?{HERE}&category=emergency_department"


def test_the_nearest_hospital_comes_with_15_first(client, imported):
    imported(make_hospital("h", **north(300)))
    answer = client.get(f"/v1/care/nearest?{HERE}&category=hospital&lang=en")
    assert answer.json["notices"][0]["code"] == "call_15_first"
    assert "15" in answer.json["notices"][0]["text"]
    assert [(item["name"], item["call_first"]) for item in answer.json["items"]] == [("Synthetic h", "15")]
    assert answer.json["emergency"][0]["number"] == "15"


def test_no_emergency_department_is_made_up_from_a_hospital(client, imported):
    imported(*(make_hospital(f"h{rank}", **north(300 * rank)) for rank in range(7)))
    answer = client.get(EMERGENCY)
    assert answer.json["items"] == []
    assert names(answer.json["instead"]) == [f"Synthetic h{rank}" for rank in range(5)]
    assert {item["call_first"] for item in answer.json["instead"]} == {"15"}
    assert codes(answer) == ["call_15_first", "no_emergency_department_known", "hospitals_instead"]


def test_an_emergency_department_that_a_source_names_is_found(client, imported):
    imported(make_hospital("h"))
    city = SourceInfo(id="city", title="City", producer="City", licence="none", date=date(2026, 11, 1))
    imported(
        make_record("er", name="Urgences", category_codes=(("alentours", "emergency_department"),), **north(2000)),
        source=city,
    )
    answer = client.get(EMERGENCY)
    assert [(item["name"], item["call_first"]) for item in answer.json["items"]] == [("Urgences", "15")]
    assert codes(answer) == ["call_15_first"]
    assert "instead" not in answer.json


def test_one_that_is_known_only_far_away_does_not_hide_the_hospitals_near(client, imported):
    imported(
        make_hospital("h", **north(500)),
        make_record("far", category_codes=(("alentours", "emergency_department"),), lat=43.3, lon=5.4),
    )
    answer = client.get(EMERGENCY)
    assert names(answer.json["items"]) == ["Synthetic far"]
    assert names(answer.json["instead"]) == ["Synthetic h"]
    assert codes(answer)[:2] == ["call_15_first", "no_emergency_department_known"]


def test_asked_beside_another_category_the_missing_emergency_department_is_still_told(client, imported):
    imported(make_hospital("h"), make_record("p"))
    answer = client.get(f"/v1/care/nearest?{HERE}&category=pharmacy,emergency_department")
    assert names(answer.json["items"]) == ["Synthetic p"]
    assert names(answer.json["instead"]) == ["Synthetic h"]
    assert codes(answer)[:2] == ["call_15_first", "no_emergency_department_known"]


def test_without_any_hospital_none_is_promised(client, imported):
    imported(make_record("p"))
    answer = client.get(EMERGENCY)
    assert codes(answer) == ["call_15_first", "no_emergency_department_known"]
    assert "instead" not in answer.json


def test_from_a_commune_distances_are_from_its_centre_and_15_is_still_first(client, imported):
    imported(make_hospital("h"))
    answer = client.get("/v1/care/nearest?commune=75104&category=hospital")
    assert codes(answer) == ["call_15_first", "approximate_centroid"]
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_place_that_closed_for_good_is_in_no_answer(client, imported):
    imported(make_record("a"), make_record("gone", closed=True))
    assert names(client.get(URL).json["items"]) == ["Synthetic a"]


def test_old_facts_and_demo_facts_are_announced(client, imported):
    old = SourceInfo(id="old", title="Old", producer="T", licence="none", date=date(2013, 10, 24))
    demo = SourceInfo(id=DEMO_SOURCE, title="Demo", producer="T", licence="none", date=date(2026, 11, 22))
    imported(make_record("a"), source=old)
    assert codes(client.get(URL)) == ["old_source"]
    imported(make_record("b"), source=demo)
    assert codes(client.get(URL)) == ["demo_data", "old_source"]


def test_an_approximate_position_is_announced(client, imported):
    imported(make_record("a", lat=None, lon=None))
    answer = client.get(URL)
    assert answer.json["items"][0]["position_approximate"] is True
    assert codes(answer) == ["approximate"]


def check_feature_collection(collection):
    """The shape that RFC 7946 asks for."""
    assert collection["type"] == "FeatureCollection"
    assert not {"coordinates", "geometries", "geometry", "properties"} & collection.keys()
    for feature in collection["features"]:
        assert feature["type"] == "Feature"
        assert isinstance(feature["id"], str)
        assert isinstance(feature["properties"], dict)
        assert not {"coordinates", "geometries", "features"} & feature.keys()
        geometry = feature["geometry"]
        assert geometry["type"] == "Point"
        longitude, latitude = geometry["coordinates"]
        assert -180 <= longitude <= 180
        assert -90 <= latitude <= 90


def test_geojson_says_the_same_as_json(client, imported):
    imported(*make_ladder(3, opening_hours="24/7"), make_record("u", **north(10)))
    plain = client.get(URL + "&open=now&limit=2").json
    answer = client.get(URL + "&open=now&limit=2", headers=GEOJSON)
    assert answer.content_type == "application/geo+json"
    assert answer.headers["Cache-Control"] == "no-store"
    check_feature_collection(answer.json)
    check_feature_collection(answer.json["hours_unknown"])
    for collection, items in ((answer.json, plain["items"]), (answer.json["hours_unknown"], plain["hours_unknown"])):
        for feature, item in zip(collection["features"], items, strict=True):
            assert feature["geometry"]["coordinates"] == [item["lon"], item["lat"]]
            assert feature["id"] == item["id"]
            assert feature["properties"] == {k: v for k, v in item.items() if k not in ("lat", "lon")}
    assert [answer.json[name] for name in ("next", "notices", "emergency")] == [
        plain[name] for name in ("next", "notices", "emergency")
    ]


def test_geojson_holds_what_is_shown_instead(client, imported):
    imported(make_hospital("h"))
    collection = client.get(EMERGENCY, headers=GEOJSON).json
    check_feature_collection(collection)
    check_feature_collection(collection["instead"])
    assert [feature["properties"]["name"] for feature in collection["instead"]["features"]] == ["Synthetic h"]


def test_another_format_is_refused(client):
    problem = read_problem(client.get(URL, headers={"Accept": "text/csv"}))
    assert (problem["status"], problem["type"]) == (406, "/problems/not-acceptable")


def test_one_result_and_fifty_are_allowed(client, imported):
    imported(*make_ladder(52))
    assert len(client.get(URL + "&limit=1").json["items"]) == 1
    assert len(client.get(URL + "&limit=50").json["items"]) == 50


BAD = [
    ("lat=91&lon=2.35&category=pharmacy", 422, "position-out-of-range", None),
    ("lat=48.85&lon=181&category=pharmacy", 422, "position-out-of-range", None),
    ("lat=2.35&lon=48.85&category=pharmacy", 422, "position-swapped", None),
    ("lat=55.5&lon=-21&category=pharmacy", 422, "position-swapped", None),
    ("lat=nan&lon=2.35&category=pharmacy", 422, "invalid-arguments", "lat"),
    ("lat=48.85&lon=inf&category=pharmacy", 422, "invalid-arguments", "lon"),
    ("lat=north&lon=2.35&category=pharmacy", 422, "invalid-arguments", "lat"),
    ("lat=48.85&category=pharmacy", 422, "position-missing", None),
    ("lon=2.35&category=pharmacy", 422, "position-missing", None),
    ("category=pharmacy", 422, "position-missing", None),
    (f"{HERE}&commune=75104&category=pharmacy", 422, "position-missing", None),
    ("lat=48.85&commune=75104&category=pharmacy", 422, "position-missing", None),
    (HERE, 422, "invalid-arguments", "category"),
    (f"{HERE}&category=", 422, "invalid-arguments", "category"),
    (f"{HERE}&category=pharmacie", 422, "category-unknown", None),
    (f"{HERE}&category=pharmacy,,dentist", 422, "invalid-arguments", "category"),
    (f"{HERE}&category={','.join(['pharmacy'] * 21)}", 422, "invalid-arguments", "category"),
    (f"{HERE}&category=pharmacy&limit=0", 422, "invalid-arguments", "limit"),
    (f"{HERE}&category=pharmacy&limit=51", 422, "invalid-arguments", "limit"),
    (f"{HERE}&category=pharmacy&radius_m=-1", 422, "invalid-arguments", "radius_m"),
    (f"{HERE}&category=pharmacy&radius_m=nan", 422, "invalid-arguments", "radius_m"),
    (f"{HERE}&category=pharmacy&open=soon", 422, "invalid-arguments", "open"),
    (f"{HERE}&category=pharmacy&open=2026-11-22T10:00:00", 422, "invalid-arguments", "open"),
    (f"{HERE}&category=pharmacy&open=9999-12-31T23:59:59Z", 422, "invalid-arguments", "open"),
    (f"{HERE}&category=pharmacy&wheelchair=perhaps", 422, "invalid-arguments", "wheelchair"),
    (f"{HERE}&category=pharmacy&lang=xx", 422, "invalid-arguments", "lang"),
    (f"{HERE}&category=pharmacy&latitude=1", 422, "invalid-arguments", "latitude"),
    ("commune=99999&category=pharmacy", 404, "commune-unknown", None),
    (f"commune={quote(chr(39))}--&category=pharmacy", 404, "commune-unknown", None),
    (f"commune={quote('7510４')}&category=pharmacy", 404, "commune-unknown", None),
    ("commune=97411&category=pharmacy", 422, "commune-without-position", None),
    (f"{HERE}&category=pharmacy&cursor=abc", 400, "cursor-invalid", None),
    (f"{HERE}&category=pharmacy&cursor={'A' * 300}", 400, "cursor-invalid", None),
    (f"{HERE}&category=pharmacy&cursor={'A' * 301}", 422, "invalid-arguments", "cursor"),
    (f"{HERE}&category=pharmacy&cursor={quote('é☃')}", 400, "cursor-invalid", None),
]


@pytest.mark.parametrize(("query", "status", "name", "field"), BAD, ids=range(len(BAD)))
def test_each_bad_question_is_a_precise_problem_in_both_languages(client, query, status, name, field):
    told = {}
    for lang in ("fr", "en"):
        answer = client.get(f"/v1/care/nearest?{query}", headers={"Accept-Language": lang})
        problem = read_problem(answer)
        assert (problem["status"], problem["type"]) == (status, f"/problems/{name}")
        told[lang] = problem["detail"]
        assert [error["field"].split(".")[0] for error in problem.get("errors", [])] == ([field] if field else [])
    assert told["fr"] != told["en"]


def test_a_category_given_many_times_counts_once(client, imported):
    imported(make_record("a"))
    answer = client.get(f"/v1/care/nearest?{HERE}&category={','.join(['pharmacy'] * 20)}")
    assert names(answer.json["items"]) == ["Synthetic a"]


def test_the_cursor_of_another_question_is_refused(client, imported):
    imported(*make_ladder(3))
    cursor = client.get(URL + "&limit=1").json["next"]
    other = client.get(f"/v1/care/nearest?{HERE}&category=hospital&cursor={cursor}")
    assert read_problem(other)["type"] == "/problems/cursor-invalid"


def test_an_empty_installation_answers(client):
    answer = client.get(URL)
    assert (answer.status_code, answer.json["items"], codes(answer)) == (200, [], ["nothing_known"])


def test_the_answer_follows_the_tables(client, imported):
    imported(make_record("a"))
    assert names(client.get(URL).json["items"]) == ["Synthetic a"]
    imported(make_record("a"), make_record("b", **north(-5)))
    assert names(client.get(URL).json["items"]) == ["Synthetic a", "Synthetic b"]
    assert SYNTHETIC.id in {source["id"] for item in client.get(URL).json["items"] for source in item["sources"]}
