"""What a resident asks of a practice: said as far as it is known, and asked for over HTTP."""

import pytest

from tests.care.makers import make_record
from tests.web.makers import read_problem

NEAREST = "/v1/care/nearest?lat=48.8573751&lon=2.3524425&category=general_practitioner"
DOCTOR = {"category_codes": (("alentours", "general_practitioner"),)}
NOTHING_SAID = {
    "new_patients": "unknown",
    "sector": "unknown",
    "third_party_payment": "unknown",
    "home_visits": "unknown",
    "languages": None,
}


def found(client, wish="") -> set[str]:
    return {item["name"].removeprefix("Synthetic ") for item in client.get(NEAREST + wish).json["items"]}


def test_what_no_source_says_of_a_practice_is_said_to_be_unknown_in_nearest_and_by_itself(client, imported):
    imported(make_record("a", **DOCTOR))
    (item,) = client.get(NEAREST).json["items"]
    assert item["practice"] == client.get(f"/v1/care/{item['id']}").json["practice"] == NOTHING_SAID


def test_what_a_source_says_of_a_practice_is_said_in_nearest_and_by_itself(client, imported):
    said = {
        "accepts_new_patients": False,
        "payment_sector": "2-optam",
        "third_party_payment": "partial",
        "home_visits": True,
        "languages": ("en", "fr"),
    }
    imported(make_record("a", **DOCTOR, **said))
    (item,) = client.get(NEAREST).json["items"]
    assert item["practice"] == client.get(f"/v1/care/{item['id']}").json["practice"]
    assert item["practice"] == {
        "new_patients": "no",
        "sector": "2-optam",
        "third_party_payment": "partial",
        "home_visits": "yes",
        "languages": ["en", "fr"],
    }


def test_a_place_that_is_no_practice_has_no_facts_of_one(client, imported):
    imported(make_record("a"))
    (item,) = client.get(NEAREST.replace("general_practitioner", "pharmacy")).json["items"]
    assert item["practice"] is None
    assert client.get(f"/v1/care/{item['id']}").json["practice"] is None


@pytest.mark.parametrize(
    ("wish", "fitting", "other"),
    [
        ("new_patients=yes", {"accepts_new_patients": True}, {"accepts_new_patients": False}),
        ("home_visits=yes", {"home_visits": True}, {"home_visits": False}),
        ("third_party_payment=yes", {"third_party_payment": "full"}, {"third_party_payment": "no"}),
        ("third_party_payment=yes", {"third_party_payment": "partial"}, {"third_party_payment": "no"}),
        ("sector=1", {"payment_sector": "1"}, {"payment_sector": "2"}),
        ("sector=2-optam", {"payment_sector": "2-optam"}, {"payment_sector": "2"}),
        ("spoken=en", {"languages": ("en", "fr")}, {"languages": ("fr",)}),
        ("spoken=EN", {"languages": ("en",)}, {"languages": ("de",)}),
        ("service=teleconsultation", {"services": ("teleconsultation",)}, {"services": ("imaging",)}),
        ("service=imaging,vaccination", {"services": ("imaging", "vaccination")}, {"services": ("imaging",)}),
    ],
)
def test_a_wish_keeps_only_practices_known_to_meet_it(client, imported, wish, fitting, other):
    imported(
        make_record("fitting", **DOCTOR, **fitting),
        make_record("other", **DOCTOR, **other),
        make_record("unknown", **DOCTOR),
    )
    assert found(client, f"&{wish}") == {"fitting"}
    assert found(client) == {"fitting", "other", "unknown"}


def test_several_wishes_have_all_to_be_met(client, imported):
    imported(
        make_record("a", **DOCTOR, accepts_new_patients=True, payment_sector="1", languages=("en",)),
        make_record("b", **DOCTOR, accepts_new_patients=True, payment_sector="1"),
        make_record("c", **DOCTOR, payment_sector="1", languages=("en",)),
    )
    assert found(client, "&new_patients=yes&sector=1&spoken=en") == {"a"}


def test_a_wish_says_that_many_others_have_declared_nothing(client, imported):
    imported(make_record("a", **DOCTOR))
    answer = client.get(f"{NEAREST}&new_patients=yes&lang=en").json
    assert answer["items"] == []
    assert [notice["code"] for notice in answer["notices"]] == ["nothing_fits", "wishes_filter"]


@pytest.mark.parametrize("wish", ["sector=3", "sector=unknown", "spoken=english", "new_patients=maybe"])
def test_a_wish_that_means_nothing_is_a_problem(client, wish):
    assert read_problem(client.get(f"{NEAREST}&{wish}"))["type"] == "/problems/invalid-arguments"
