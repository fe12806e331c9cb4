"""What an answer to "nearest" says where nothing fits, or where seconds count."""

from tests.care.makers import make_record
from tests.care.test_nearest import URL, codes, names


def make_emergency_department(**facts):
    return make_record("ed", category_codes=(("alentours", "emergency_department"),), **facts)


def test_a_known_emergency_department_beyond_a_small_radius_is_given_all_the_same(client, imported):
    imported(
        make_emergency_department(lat=48.8617, lon=2.3524),
        make_record("h", category_codes=(("finess", "355"),), lat=48.8580),
    )
    answer = client.get("/v1/care/nearest?lat=48.8573751&lon=2.3524425&category=emergency_department&radius_m=200")
    assert names(answer.json["instead"]) == ["Synthetic ed"]
    assert codes(answer) == ["call_15_first", "nothing_near"]


def test_where_no_access_is_known_the_nearest_that_told_nothing_are_offered(client, imported):
    imported(make_record("untold"), make_record("steps", wheelchair="no"))
    answer = client.get(URL + "&wheelchair=true&lang=en")
    assert answer.json["items"] == []
    assert names(answer.json["instead"]) == ["Synthetic untold"]
    assert "call first" in answer.json["instead"][0]["why"]
    assert codes(answer) == ["nothing_fits", "wheelchair_filter"]


def test_far_places_of_unknown_hours_are_not_called_near(client, imported):
    imported(make_record("far", lat=43.3, lon=5.4))
    [item] = client.get(URL + "&open=now&lang=en").json["hours_unknown"]
    assert item["why"].startswith("Far away")


def test_who_looks_for_a_defibrillator_is_told_what_to_do_at_once(client):
    answer = client.get("/v1/care/nearest?lat=48.85&lon=2.35&category=defibrillator&lang=en")
    assert codes(answer)[0] == "cardiac_arrest"
    assert "15 or 112 at once" in answer.json["notices"][0]["text"]


def test_only_who_looks_for_a_pharmacy_is_told_of_pharmacies_on_duty(client, imported):
    imported(make_record("h", category_codes=(("finess", "355"),), opening_hours="Mo 09:00-10:00"))
    answer = client.get("/v1/care/nearest?lat=48.85&lon=2.35&category=hospital&open=now")
    assert "pharmacy_on_duty" not in codes(answer)
    assert "none_open" in codes(answer)


def test_where_neither_access_nor_hours_are_known_the_place_is_offered_all_the_same(client, imported):
    imported(make_record("untold"), make_record("shut", opening_hours="Mo 09:00-10:00"))
    answer = client.get(URL + "&wheelchair=true&open=now")
    assert names(answer.json["instead"]) == ["Synthetic untold"]


def test_a_category_of_which_nothing_is_known_among_others_is_said(client, imported):
    imported(make_record("a"))
    answer = client.get("/v1/care/nearest?lat=48.8573751&lon=2.3524425&category=maternity,pharmacy")
    assert names(answer.json["items"]) == ["Synthetic a"]
    assert codes(answer) == ["some_categories_unknown"]


def test_a_small_radius_is_told_in_metres(client, imported):
    imported(make_record("far", lat=48.9))
    answer = client.get(URL + "&radius_m=200&lang=en")
    assert "within 200 m." in answer.json["notices"][0]["text"].lower()
