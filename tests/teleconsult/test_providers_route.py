"""What residents see of providers: which, in what order, in which words."""

from datetime import timedelta

import pytest

from tests.conftest import SUNDAY_NIGHT
from tests.teleconsult.provider_makers import IN_PARIS, PROVIDERS
from tests.teleconsult.slot_makers import make_feed, make_provider
from tests.web.makers import read_problem

HERE = {"lat": 48.8573751, "lon": 2.3524425}
NEAR = {"lat": 48.8600, "lon": 2.3600}
MARSEILLE = {"lat": 43.2965, "lon": 5.3698}
HOSTILE = "<script>{count}</script> %s {0} ${x} « ; DROP TABLE"


def listed(client, **query):
    answer = client.get(PROVIDERS, query_string=query)
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def ids(client, **query):
    return [item["id"] for item in listed(client, **query)["items"]]


@pytest.fixture
def some(session):
    """A public service, a remote practice, two with a place, one elsewhere, and one that is retired."""
    make_provider(session, "samu", kind="public_service", phone="15", modalities=[], specialties=[], allowed_domains=[])
    make_provider(session, "a-remote", languages=["fr", "en"])
    make_provider(session, "near", kind="booth", modalities=["assisted"], specialties=["dermatology"], **NEAR)
    make_provider(session, "here", modalities=["practice"], **HERE)
    make_provider(session, "marseille", territory_kind="departement", territory_code="13", **MARSEILLE)
    make_provider(session, "gone", retired_at=SUNDAY_NIGHT)
    session.commit()


@pytest.mark.usefixtures("some")
def test_public_services_come_first_then_the_rest_by_id_and_nobody_who_is_retired(client):
    assert ids(client) == ["samu", "a-remote", "here", "marseille", "near"]


@pytest.mark.usefixtures("some")
def test_from_a_position_the_nearest_come_first_and_only_what_is_offered_there(client):
    found = listed(client, **IN_PARIS)["items"]
    assert [item["id"] for item in found] == ["samu", "here", "near", "a-remote"]
    assert found[1]["distance_m"] == 0
    assert found[2]["distance_m"] == pytest.approx(626.0, abs=2)
    assert found[3]["distance_m"] is None


@pytest.mark.usefixtures("some")
def test_what_has_a_place_is_left_out_beyond_the_radius(client, session):
    make_provider(session, "far", lat=49.2, lon=2.35)  # 38 km to the north
    session.commit()
    assert "far" not in ids(client, **IN_PARIS)
    assert ids(client, within_km=50, **IN_PARIS)[3] == "far"


@pytest.mark.usefixtures("some")
def test_from_a_commune_distances_are_from_its_centre_and_it_says_so(client):
    found = listed(client, commune="75104")
    assert [item["id"] for item in found["items"]] == ["samu", "here", "near", "a-remote"]
    assert [notice["code"] for notice in found["notices"]] == ["approximate_centroid"]


@pytest.mark.parametrize(
    ("kind", "code"), [("commune", "75104"), ("commune", "75056"), ("departement", "75"), ("region", "11")]
)
def test_a_provider_is_offered_in_every_commune_of_its_territory(client, session, kind, code):
    make_provider(session, "here", territory_kind=kind, territory_code=code)
    make_provider(session, "elsewhere", territory_kind=kind, territory_code="13055" if kind == "commune" else "93")
    session.commit()
    assert ids(client, commune="75104") == ["here"]


@pytest.mark.usefixtures("some")
def test_far_from_every_commune_only_what_is_offered_in_the_whole_country_is_left(client):
    assert ids(client, lat=0, lon=-30) == ["samu", "a-remote"]


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"kind": "booth"}, ["near"]),
        ({"modality": "assisted"}, ["near"]),
        ({"specialty": "dermatology"}, ["near"]),
        ({"language": "en"}, ["a-remote"]),
        ({"modality": "video", "language": "en"}, ["a-remote"]),
        ({"modality": "home"}, []),
    ],
)
def test_a_filter_leaves_only_what_is_known_to_fit(client, query, expected):
    assert ids(client, **query) == expected


def test_nothing_that_fits_is_said_with_what_to_do_instead(client):
    found = listed(client, lang="en")
    assert (found["items"], found["next"]) == ([], None)
    assert [notice["code"] for notice in found["notices"]] == ["no_provider"]
    assert "116 117" in found["notices"][0]["text"]
    assert [number["number"] for number in found["emergency"]][:2] == ["15", "112"]


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize("place", [{}, IN_PARIS], ids=["anywhere", "from a position"])
def test_the_pages_make_the_whole_list_each_once(client, place):
    whole, found, cursor = ids(client, **place), [], {}
    while cursor is not None:
        page = listed(client, limit=2, **place, **cursor)
        found += [item["id"] for item in page["items"]]
        cursor = {"cursor": page["next"]} if page["next"] else None
    assert found == whole
    assert len(whole) >= 4


@pytest.mark.usefixtures("some")
def test_the_cursor_of_another_search_is_refused(client):
    cursor = listed(client, limit=1)["next"]
    answer = client.get(PROVIDERS, query_string={"cursor": cursor, "kind": "practice"})
    assert read_problem(answer)["type"] == "/problems/cursor-invalid"


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"lat": 48.8}, "position-missing"),
        ({"within_km": 5}, "position-missing"),
        ({"commune": "75104", **IN_PARIS}, "position-missing"),
        ({"lat": 2.35, "lon": 48.85}, "position-swapped"),
        ({"commune": "99999"}, "commune-unknown"),
        ({"kind": "shop"}, "invalid-arguments"),
        ({"language": "fra"}, "invalid-arguments"),
        ({"within_km": 101, **IN_PARIS}, "invalid-arguments"),
    ],
)
def test_a_question_that_cannot_be_answered_is_a_problem(client, query, problem):
    assert read_problem(client.get(PROVIDERS, query_string=query))["type"] == f"/problems/{problem}"


def test_the_answer_to_a_position_is_kept_by_nobody(client):
    assert client.get(PROVIDERS, query_string=IN_PARIS).headers["Cache-Control"] == "no-store"


def test_a_provider_is_shown_whole_but_without_a_link(client, session):
    row = make_provider(
        session,
        "centre",
        link_template="https://synthetic-clinic.example/secret-path/{slot}",
        phone="+33145425959",
        third_party=True,
        webhook_secrets=["whsec_synthetic"],
        territory_kind="departement",
        territory_code="75",
        commune_code="75104",
        **HERE,
    )
    make_feed(session, row, slots=12, checked_at=SUNDAY_NIGHT - timedelta(minutes=3))
    make_feed(session, make_provider(session, "other"), "other", slots=99)
    session.commit()
    answer = client.get(f"{PROVIDERS}/centre", query_string={"lang": "en"})
    body = answer.get_json()
    assert {name: body[name] for name in set(body) - {"emergency", "what", "have_ready", "source"}} == {
        "id": "centre",
        "kind": {"code": "practice", "text": "practice or health centre"},
        "name": "Cabinet d'essai",
        "modalities": [{"code": "video", "text": "by video"}],
        "specialties": [{"code": "general-practice", "text": "general practice"}],
        "languages": ["fr"],
        "payment": {
            "sector": "1",
            "third_party": True,
            "text": "Fees: sector 1 (no extra fees), nothing to pay in advance (tiers payant).",
        },
        "audience": {"code": "everybody", "text": "for everybody"},
        "granularity": {"code": "slot", "text": "The link opens the slot you chose."},
        "phone": {"number": "01 45 42 59 59", "tel": "+33145425959", "channel": "voice"},
        "territory": "departement:75",
        "address": None,
        "commune": "75104",
        **HERE,
        "distance_m": None,
        "as_of": "2026-11-20",
        "slots": {
            "known": True,
            "count": 12,
            "confirmed_at": "2026-11-22T21:37:00+00:00",
            "age_s": 180,
            "text": "Its slots are known here, confirmed 3 min ago.",
        },
        "is_demo": False,
        "notices": [],
    }
    assert "secret" not in answer.get_data(as_text=True)


def test_several_feeds_are_as_old_as_the_oldest_and_one_never_read_says_nothing(client, session):
    row = make_provider(session)
    make_feed(session, row, "new", slots=1, checked_at=SUNDAY_NIGHT)
    make_feed(session, row, "old", slots=2, checked_at=SUNDAY_NIGHT - timedelta(hours=5))
    make_feed(session, row, "never", slots=0, checked_at=None, read_at=None)
    make_feed(session, make_provider(session, "unread"), "unread", checked_at=None, read_at=None)
    session.commit()
    known, unread = (item["slots"] for item in listed(client, lang="en")["items"])
    assert (known["count"], known["age_s"], known["text"]) == (
        3,
        18_000,
        "Its slots are known here, confirmed 5 h ago.",
    )
    assert (unread["known"], unread["count"], unread["age_s"]) == (False, None, None)


@pytest.mark.parametrize(
    ("lang", "name", "channel"),
    [("fr", "Urgences par SMS", "text"), ("en", "Emergencies by text message", "text")],
)
def test_a_public_service_has_the_words_of_the_emergency_block(client, session, lang, name, channel):
    make_provider(session, "sms", kind="public_service", name="x", phone="114", allowed_domains=[], modalities=[])
    session.commit()
    body = client.get(f"{PROVIDERS}/sms", query_string={"lang": lang}).get_json()
    assert (body["name"], body["phone"]) == (name, {"number": "114", "tel": "114", "channel": channel})
    assert (body["payment"], body["granularity"], body["slots"]) == (None, None, None)
    (beside,) = [number for number in body["emergency"] if number["number"] == "114"]
    assert body["what"] == beside["text"]


def test_a_practice_with_the_phone_of_the_samu_does_not_get_its_name(client, session):
    make_provider(session, "practice", name="Cabinet", phone="15")
    session.commit()
    assert client.get(f"{PROVIDERS}/practice").get_json()["name"] == "Cabinet"


def test_both_languages_give_the_same_facts(client, session):
    row = make_provider(session, sector="2_optam", third_party=False, have_ready=["id", "camera"], **HERE)
    make_feed(session, row, slots=7, checked_at=SUNDAY_NIGHT - timedelta(days=2))
    session.commit()

    def facts(node):
        if isinstance(node, dict):
            return {name: facts(value) for name, value in node.items() if name not in {"text", "what", "name"}}
        return [facts(one) for one in node] if isinstance(node, list) else node

    french, english = listed(client, lang="fr"), listed(client, lang="en")
    assert facts(french) == facts(english)
    assert french != english


def test_what_a_provider_is_called_is_shown_as_it_is_and_never_read_as_a_template(client, session):
    make_provider(session, "hostile", name=HOSTILE, source=HOSTILE, address=HOSTILE)
    session.commit()
    (item,) = listed(client)["items"]
    assert (item["name"], item["source"], item["address"]) == (HOSTILE, HOSTILE, HOSTILE)


def test_a_made_up_provider_says_so_itself_and_beside_the_answer(client, session):
    make_provider(session, "real")
    make_provider(session, "made-up", origin="demo")
    session.commit()
    found = listed(client)
    assert [(item["id"], item["is_demo"]) for item in found["items"]] == [("made-up", True), ("real", False)]
    assert [notice["code"] for notice in found["notices"]] == ["demo_providers"]
    page = client.get(f"{PROVIDERS}/made-up").get_json()
    assert [notice["code"] for notice in page["notices"]] == ["demo_providers"]


@pytest.mark.parametrize("provider_id", ["unknown", "gone", "a%00b", "..%2f"])
def test_an_unknown_and_a_retired_provider_are_not_told_apart(client, session, provider_id):
    make_provider(session, "gone", retired_at=SUNDAY_NIGHT)
    session.commit()
    answer = client.get(f"{PROVIDERS}/{provider_id}")
    assert answer.status_code == 404
    assert read_problem(answer)["type"] in {"/problems/provider-unknown", "/problems/not-found"}
