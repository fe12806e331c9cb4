"""Slot watches over HTTP: what, where and until when; three at most; nothing about anybody's health."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from citizen_api.people.wish_actions import give_consent
from citizen_api.teleconsult.watch_models import SlotWatch
from tests.conftest import SUNDAY_NIGHT
from tests.people.makers import make_device
from tests.web.makers import read_problem

PATH = "/v1/me/slot-watches"
FOUR = ("75104", "75105", "75106", "75107")


def make_body(**changed):
    return {"specialty": "general-practice", "commune": "75104"} | changed


def post(client, headers, lang="en", **changed):
    return client.post(f"{PATH}?lang={lang}", json=make_body(**changed), headers=headers)


def listed(client, headers):
    return client.get(PATH, headers=headers).get_json()["items"]


def refused(response):
    assert response.status_code == 422
    return {error["field"]: error["message"] for error in read_problem(response)["errors"]}


def codes(answer):
    return [notice["code"] for notice in answer["notices"]]


@pytest.fixture
def device(client):
    """The device under test, beside another one that watches for something too."""
    _, noise = make_device(client)
    assert post(client, noise, specialty="dentistry", commune="75118").status_code == 201
    return make_device(client)


@pytest.fixture
def headers(device):
    return device[1]


def test_a_watch_is_made_listed_in_words_and_removed(client, headers):
    response = post(client, headers, modality="practice", within_km=5)
    made = response.get_json()
    assert response.status_code == 201
    assert made.pop("notices")
    assert made == {
        "id": made["id"],
        "text": "general practice, within 5 km of Paris 4e Arrondissement, at the practice",
        "specialty": {"code": "general-practice", "text": "general practice"},
        "modality": {"code": "practice", "text": "at the practice"},
        "commune": "75104",
        "within_km": 5,
        "created_at": "2026-11-22T21:40:00+00:00",
        "until": "2026-12-22T21:40:00+00:00",
    }
    assert client.get(f"{PATH}?lang=en", headers=headers).get_json()["items"] == [made]
    removed = client.delete(f"{PATH}/{made['id']}", headers=headers)
    assert (removed.status_code, removed.data) == (204, b"")
    assert listed(client, headers) == []


def test_a_watch_for_any_modality_looks_20_km_far_for_30_days(client, headers):
    made = post(client, headers, modality=None).get_json()
    assert (made["modality"], made["within_km"], made["until"]) == (None, 20, "2026-12-22T21:40:00+00:00")
    assert "or by video from anywhere" in made["text"]


def test_a_watch_for_a_video_names_no_distance(client, headers):
    assert post(client, headers, lang="fr", modality="video").get_json()["text"] == "médecine générale, en vidéo"


@pytest.mark.parametrize("within_km", [0, 50])
def test_a_distance_is_of_0_to_50_km(client, headers, within_km):
    assert post(client, headers, within_km=within_km).get_json()["within_km"] == within_km


@pytest.mark.parametrize("within_km", [-1, 51, 2.5, "20", True, None])
def test_another_distance_is_refused(client, headers, within_km):
    assert set(refused(post(client, headers, within_km=within_km))) == {"within_km"}


@pytest.mark.parametrize("until", ["2026-12-01T00:00:00+01:00", "2027-01-21T22:40:00+01:00"])
def test_a_watch_may_last_60_days(client, headers, session, until):
    assert post(client, headers, until=until).status_code == 201
    (kept,) = session.scalars(select(SlotWatch).where(SlotWatch.specialty == "general-practice"))
    assert kept.until.isoformat() in {"2026-11-30T23:00:00+00:00", "2027-01-21T21:40:00+00:00"}


@pytest.mark.parametrize(
    "until", ["2027-01-21T22:40:01+01:00", "2026-11-22T22:40:00+01:00", "2020-01-01T00:00:00Z", "now"]
)
def test_an_end_that_is_past_or_too_far_is_refused(client, headers, until):
    assert refused(post(client, headers, until=until)) == {"until": "Must lie within the coming 60 days."}
    assert refused(post(client, headers, "fr", until=until)) == {"until": "Doit être dans les 60 jours qui viennent."}


@pytest.mark.parametrize("until", ["2026-12-01T00:00:00", "2026-12-01", 1_796_000_000])
def test_an_end_has_an_offset(client, headers, until):
    assert set(refused(post(client, headers, until=until))) == {"until"}


@pytest.mark.parametrize("commune", ["99999", "zzzzz", "75", "é" * 5])
def test_a_commune_has_to_exist(client, headers, commune):
    assert set(refused(post(client, headers, commune=commune))) == {"commune"}


def test_a_commune_whose_position_nobody_knows_is_refused(client, headers, session):
    session.execute(text("UPDATE territory_commune SET lat = NULL, lon = NULL WHERE code = '75104'"))
    session.commit()
    assert refused(post(client, headers)) == {"commune": "The position of this commune is not known."}


def test_an_old_code_is_kept_as_that_of_the_commune_of_today(client, headers, session):
    old, present = session.execute(text("SELECT code, commune_code FROM territory_former ORDER BY code")).first()
    assert post(client, headers, commune=old).get_json()["commune"] == present


@pytest.mark.parametrize(
    "changed",
    [{"specialty": "other"}, {"specialty": "headache"}, {"modality": "phone"}, {"reason": "x"}, {"symptom": "x"}],
)
def test_neither_a_symptom_nor_a_reason_nor_the_unnamed_can_be_watched(client, headers, changed):
    assert set(refused(post(client, headers, **changed))) == set(changed)


def test_a_watch_knows_nothing_but_what_where_and_when():
    assert {column.name for column in SlotWatch.__table__.columns} == {
        "id",
        "device_id",
        "specialty",
        "modality",
        "commune_code",
        "within_km",
        "created_at",
        "until",
    }


def test_the_same_specialty_modality_and_commune_again_change_distance_and_end(client, headers, clock):
    first = post(client, headers).get_json()
    clock.moment += timedelta(days=1)
    second = post(client, headers, within_km=5, until="2026-12-01T00:00:00Z").get_json()
    assert second["id"] == first["id"]
    assert (second["within_km"], second["until"]) == (5, "2026-12-01T00:00:00+00:00")
    assert second["created_at"] == first["created_at"]
    assert len(listed(client, headers)) == 1


def test_a_modality_and_any_modality_are_two_watches(client, headers):
    post(client, headers)
    post(client, headers, modality="video")
    assert [watch["modality"] and watch["modality"]["code"] for watch in listed(client, headers)].count("video") == 1
    assert len(listed(client, headers)) == 2


@pytest.mark.parametrize(("lang", "said"), [("fr", "3 veilles de créneaux"), ("en", "3 slot watches")])
def test_a_fourth_watch_is_refused_and_a_changed_one_is_not(client, headers, lang, said):
    assert [post(client, headers, commune=commune).status_code for commune in FOUR[:3]] == [201, 201, 201]
    problem = read_problem(post(client, headers, lang, commune=FOUR[3]))
    assert (problem["status"], problem["type"]) == (409, "/problems/slot-watch-limit-reached")
    assert said in problem["detail"]
    assert post(client, headers, commune=FOUR[0], within_km=1).status_code == 201
    assert len(listed(client, headers)) == 3


def test_a_watch_that_is_over_is_not_listed_and_counts_no_more(client, headers, clock):
    for commune in FOUR[:3]:
        post(client, headers, commune=commune, until="2026-11-23T00:00:00Z")
    clock.moment = SUNDAY_NIGHT + timedelta(days=1)
    assert listed(client, headers) == []
    assert post(client, headers, commune=FOUR[0]).status_code == 201


def test_beside_a_watch_it_is_said_that_it_ends_and_that_it_is_silent_without_consent(client, device, session):
    device_id, headers = device
    assert client.get(PATH, headers=headers).get_json() == {"items": [], "next": None, "notices": []}
    both = ["slot_watch_ends", "slot_watch_needs_consent"]
    assert codes(post(client, headers).get_json()) == both
    assert codes(client.get(PATH, headers=headers).get_json()) == both
    give_consent(session, device_id, "alerts", version="1", now=SUNDAY_NIGHT)
    session.commit()
    assert codes(client.get(PATH, headers=headers).get_json()) == both


def test_with_the_consent_to_reminders_only_the_end_is_said_until_it_is_withdrawn(client, headers):
    consent = "/v1/me/consents/reminders"
    client.put(consent, json={"version": "1"}, headers=headers)
    assert codes(post(client, headers).get_json()) == ["slot_watch_ends"]
    client.delete(consent, headers=headers)
    assert codes(client.get(PATH, headers=headers).get_json()) == ["slot_watch_ends", "slot_watch_needs_consent"]


def test_a_device_removes_no_watch_of_another(client, headers):
    _, theirs = make_device(client)
    watch = post(client, theirs).get_json()
    response = client.delete(f"{PATH}/{watch['id']}", headers=headers)
    assert (response.status_code, read_problem(response)["type"]) == (404, "/problems/watch-unknown")
    assert [one["id"] for one in listed(client, theirs)] == [watch["id"]]


@pytest.mark.parametrize(("method", "path"), [("get", PATH), ("post", PATH), ("delete", f"{PATH}/x")])
def test_nobody_watches_without_a_device(client, method, path):
    assert getattr(client, method)(path, json=make_body()).status_code == 401


def test_an_export_shows_the_watches_of_the_device_and_no_others(client, headers):
    made = post(client, headers).get_json()
    rows = client.get("/v1/me/export", headers=headers).get_json()["tables"]["teleconsult_slot_watch"]
    assert [(row["id"], row["specialty"], row["commune_code"]) for row in rows] == [
        (made["id"], "general-practice", "75104")
    ]


def test_erasing_a_device_erases_its_watches_and_no_others(client, headers, session):
    post(client, headers)
    client.delete("/v1/me", headers=headers)
    assert [watch.specialty for watch in session.scalars(select(SlotWatch))] == ["dentistry"]
