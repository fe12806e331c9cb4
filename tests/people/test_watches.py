"""What a device watches: communes that exist, levels of the hazard's own scale, ten at most."""

import pytest
from sqlalchemy import text

from citizen_api.people import wish_actions
from citizen_api.people.wish_actions import Wish
from citizen_api.territory import queries as territory_queries
from content.hazards import SCALES, WATCHED
from tests.people.makers import do_at_once, make_device, make_watch, store_device
from tests.web.makers import read_problem

ELEVEN_COMMUNES = [f"751{number:02}" for number in range(1, 12)]


def post(client, headers, **changed):
    return client.post("/v1/me/watches", json=make_watch(**changed), headers=headers)


def put(client, headers, *items):
    return client.put("/v1/me/watches", json={"items": items}, headers=headers)


def listed(client, headers):
    return client.get("/v1/me/watches", headers=headers).get_json()["items"]


def refused(response):
    assert response.status_code == 422
    return {error["field"]: error["message"] for error in read_problem(response)["errors"]}


def test_a_watch_is_made_listed_and_removed(client):
    _, headers = make_device(client)
    response = post(client, headers)
    made = response.get_json()
    assert response.status_code == 201
    assert made == make_watch(id=made["id"])
    assert client.get("/v1/me/watches", headers=headers).get_json() == {"items": [made], "next": None, "notices": []}
    removed = client.delete(f"/v1/me/watches/{made['id']}", headers=headers)
    assert (removed.status_code, removed.data) == (204, b"")
    assert listed(client, headers) == []


@pytest.mark.parametrize("hazard", WATCHED)
def test_a_level_is_one_of_the_hazards_own_scale(client, hazard):
    _, headers = make_device(client)
    scale = SCALES[hazard]
    taken = [post(client, headers, hazard=hazard, level=level).status_code for level in (scale.least, scale.most)]
    assert taken == [201, 201]
    for level in {scale.most + 1, scale.least - 1}:
        assert set(refused(post(client, headers, hazard=hazard, level=level))) == {"level"}


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("fr", "L'échelle de «\N{NO-BREAK SPACE}heat\N{NO-BREAK SPACE}» va de 1 à 4."),
        ("en", "The scale of “heat” goes from 1 to 4."),
    ],
)
def test_a_level_outside_the_scale_is_told_the_scale(client, lang, said):
    _, headers = make_device(client)
    response = client.post(f"/v1/me/watches?lang={lang}", json=make_watch(hazard="heat", level=5), headers=headers)
    assert refused(response) == {"level": said}


@pytest.mark.parametrize("level", ["3", 3.5, True, None])
def test_a_level_is_a_whole_number(client, level):
    _, headers = make_device(client)
    assert set(refused(post(client, headers, level=level))) == {"level"}


@pytest.mark.parametrize("changed", [{"hazard": "cold"}, {"when": "tomorrow"}, {"diagnosis": "asthma"}])
def test_nothing_else_can_be_watched(client, changed):
    _, headers = make_device(client)
    assert set(refused(post(client, headers, **changed))) == set(changed)


@pytest.mark.parametrize("commune", ["99999", "zzzzz", "75", "é" * 5])
def test_a_commune_has_to_exist(client, commune):
    _, headers = make_device(client)
    assert set(refused(post(client, headers, commune=commune))) == {"commune"}


def test_an_old_code_is_kept_as_that_of_the_commune_of_today(client, session):
    _, headers = make_device(client)
    old, present = session.execute(text("SELECT code, commune_code FROM territory_former ORDER BY code")).first()
    assert post(client, headers, commune=old).get_json()["commune"] == present


def test_the_same_commune_hazard_and_time_again_change_the_level(client):
    _, headers = make_device(client)
    first = post(client, headers, level=3).get_json()
    second = post(client, headers, level=5).get_json()
    assert second == first | {"level": 5}
    assert listed(client, headers) == [second]


def test_today_and_the_evening_before_are_two_watches(client):
    _, headers = make_device(client)
    post(client, headers, when="today")
    post(client, headers, when="evening_before")
    assert [watch["when"] for watch in listed(client, headers)] == ["today", "evening_before"]


def test_an_eleventh_watch_is_refused_and_a_changed_one_is_not(client):
    _, headers = make_device(client)
    *ten, eleventh = ELEVEN_COMMUNES
    for commune in ten:
        assert post(client, headers, commune=commune).status_code == 201
    response = post(client, headers, commune=eleventh)
    assert (response.status_code, read_problem(response)["type"]) == (409, "/problems/watch-limit-reached")
    assert "10" in read_problem(response)["detail"]
    assert post(client, headers, commune=ten[0], level=6).status_code == 201
    assert len(listed(client, headers)) == 10


def test_the_whole_list_is_replaced_and_what_stays_keeps_its_id(client):
    _, headers = make_device(client)
    kept, gone = post(client, headers).get_json(), post(client, headers, hazard="uv").get_json()
    response = put(client, headers, make_watch(level=6), make_watch(hazard="pollen"))
    after = {watch["hazard"]: watch for watch in response.get_json()["items"]}
    assert response.status_code == 200
    assert after["air"] == kept | {"level": 6}
    assert set(after) == {"air", "pollen"}
    assert gone["id"] not in {watch["id"] for watch in listed(client, headers)}


def test_a_list_with_one_wrong_item_changes_nothing(client):
    _, headers = make_device(client)
    post(client, headers)
    assert set(refused(put(client, headers, make_watch(hazard="uv"), make_watch(commune="99999")))) == {
        "items.1.commune"
    }
    assert [watch["hazard"] for watch in listed(client, headers)] == ["air"]


def test_a_list_of_eleven_is_refused(client):
    _, headers = make_device(client)
    assert set(refused(put(client, headers, *(make_watch(commune=code) for code in ELEVEN_COMMUNES)))) == {"items"}


def test_a_list_that_says_two_levels_for_the_same_is_refused(client):
    _, headers = make_device(client)
    assert set(refused(put(client, headers, make_watch(level=2), make_watch(level=4)))) == {"items.1.commune"}


def test_a_device_removes_no_watch_of_another(client):
    _, ours = make_device(client)
    _, theirs = make_device(client)
    watch = post(client, theirs).get_json()
    response = client.delete(f"/v1/me/watches/{watch['id']}", headers=ours)
    assert (response.status_code, read_problem(response)["type"]) == (404, "/problems/watch-unknown")
    assert listed(client, theirs) == [watch]
    assert listed(client, ours) == []


def test_ten_is_the_limit_for_requests_at_the_same_time_too(own_database):
    device_id = store_device(own_database)

    def watch(commune, hazard):
        wish = Wish(commune, hazard, 3, "today")
        return lambda session: wish_actions.add_watch(session, device_id, wish, territory_queries).hazard

    with own_database.session() as session:
        for commune in ELEVEN_COMMUNES[:9]:
            watch(commune, "air")(session)
    got = do_at_once(own_database, *(watch("75120", hazard) for hazard in WATCHED))
    with own_database.session(write=False) as session:
        assert session.scalar(text("SELECT count(*) FROM people_watch")) == 10
    assert got.count("watch-limit-reached") == 3
