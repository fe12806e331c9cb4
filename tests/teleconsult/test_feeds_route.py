"""How staff keeps the feeds of a provider, whose addresses may hold a key."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from citizen_api.core import outgoing
from citizen_api.sources import slot_source
from citizen_api.teleconsult import feed_rules
from citizen_api.teleconsult.feed_schemas import STATES, problem_said
from citizen_api.teleconsult.models import Feed, Slot
from citizen_api.teleconsult.provider_present import provider_label
from content.catalogue import LANGUAGES
from tests.conftest import SUNDAY_NIGHT
from tests.teleconsult.provider_makers import PROVIDERS, audited, make_body, make_staff
from tests.teleconsult.slot_makers import make_feed, make_provider, make_schedule, make_slot
from tests.web.makers import read_problem

ONE = f"{PROVIDERS}/synthetic-centre"
FEEDS = f"{ONE}/feeds"
URL = "https://clinic.example/$bulk-publish?key=synthetic-key"
REFUSED_ADDRESSES = [
    "http://clinic.example/",
    "ftp://clinic.example/",
    "file:///etc/passwd",
    "https://127.0.0.1/",
    "https://10.0.0.1/x",
    "https://169.254.169.254/latest/meta-data",
    "https://[::1]/",
    "https://2130706433/",
    "https://0x7f.1/",
    "https://localhost/",
    "https://localhost:8000/",
    "https://db/",
    "https://router.lan/",
    "https://metadata.google.internal/",
    "https://user:word@clinic.example/",
    "https://user@clinic.example/",
    "https://clinic.example\\@127.0.0.1/",
    "https://clinic.example:99999/",
    "https://clinic.example:x/",
    "https://[/",
    "https:///x",
    "https://clínica.example/",
    "https://clinic.example/ x",
    "https://clinic.example/\n",
    "clinic.example",
    "",
]


@pytest.fixture
def clinic(client, session):
    headers = make_staff(session)
    assert client.put(ONE, json=make_body(), headers=headers).status_code == 200
    return headers


def put(client, headers, name="clinic", **changed):
    body = {"kind": "smart", "url": URL} | changed
    return client.put(f"{FEEDS}/{name}", json=body, headers=headers)


def stored(session, name="clinic"):
    session.expire_all()
    return session.scalar(select(Feed).where(Feed.name == name))


def make_known(session):
    """Make the feed one that was read, with a slot."""
    row = stored(session)
    row.checked_at = row.read_at = SUNDAY_NIGHT
    row.next_try_at, row.slots, row.state = SUNDAY_NIGHT + timedelta(seconds=60), 1, {"manifest": "known"}
    make_slot(session, make_schedule(session, row))
    session.commit()
    return row.id


def slots(session):
    return [row.feed_id for row in session.scalars(select(Slot))]


def problem(answer):
    return read_problem(answer)["type"].removeprefix("/problems/")


def test_a_feed_is_added_and_only_the_host_of_its_address_is_shown(client, session, clinic):
    answer = put(client, clinic, poll_s=300, asks_since=True)
    assert answer.status_code == 200, answer.get_json()
    assert answer.get_json() == {
        "name": "clinic",
        "kind": "smart",
        "host": "clinic.example",
        "poll_s": 300,
        "asks_since": True,
        "state": {"code": "waiting", "text": "pas encore lu"},
        "problem": None,
        "failures": 0,
        "read_at": None,
        "age_s": None,
        "next_try_at": None,
        "slots": 0,
        "gone_rate": None,
    }
    assert stored(session).url == URL


def test_every_change_is_audited_without_the_address(client, session, clinic):
    put(client, clinic)
    put(client, clinic, poll_s=120)
    put(client, clinic, poll_s=120, url="https://elsewhere.example/?key=other-key")
    client.delete(f"{FEEDS}/clinic", headers=clinic)
    assert audited(session)[1:] == [
        (
            "feed.put",
            {
                "feed": "clinic",
                "changed": {
                    "kind": [None, "smart"],
                    "poll_s": [None, 60],
                    "asks_since": [None, False],
                    "host": [None, "clinic.example"],
                },
            },
        ),
        ("feed.put", {"feed": "clinic", "changed": {"poll_s": [60, 120]}}),
        ("feed.put", {"feed": "clinic", "changed": {"host": ["clinic.example", "elsewhere.example"]}}),
        ("feed.remove", {"feed": "clinic", "host": "elsewhere.example", "slots": 0}),
    ]


def test_the_same_again_changes_nothing_and_does_not_hurry_the_reading(client, session, clinic):
    put(client, clinic)
    make_known(session)
    put(client, clinic)
    assert stored(session).next_try_at == SUNDAY_NIGHT + timedelta(seconds=60)
    assert len(audited(session)) == 2


def test_another_key_in_the_query_keeps_what_is_known_and_is_tried_soon(client, session, clinic):
    put(client, clinic)
    feed_id = make_known(session)
    put(client, clinic, url=URL.replace("synthetic-key", "new-key"))
    row = stored(session)
    assert (row.id, row.next_try_at, row.state) == (feed_id, None, {"manifest": "known"})
    assert slots(session) == [feed_id]


@pytest.mark.parametrize("changed", [{"url": "https://elsewhere.example/"}, {"kind": "fhir"}], ids=str)
def test_at_another_address_or_in_another_format_what_the_old_one_said_is_forgotten(client, session, clinic, changed):
    other = make_feed(session, make_provider(session), "noise")
    make_slot(session, make_schedule(session, other))
    put(client, clinic)
    make_known(session)
    assert put(client, clinic, **changed).status_code == 200
    row = stored(session)
    assert (row.state, row.checked_at, row.slots) == ({}, None, 0)
    assert slots(session) == [other.id]


@pytest.mark.parametrize("url", REFUSED_ADDRESSES)
def test_an_address_that_is_not_public_is_refused(client, session, clinic, url):
    answer = read_problem(put(client, clinic, url=url))
    assert {error["field"] for error in answer["errors"]} == {"url"}
    assert stored(session) is None


@pytest.mark.parametrize(
    "url", ["https://clinic.example", "https://clinic.example:8443/a?b=c", "https://CLINIC.example/"]
)
def test_an_https_address_of_a_public_name_is_taken(client, clinic, url):
    assert put(client, clinic, url=url).get_json()["host"] == "clinic.example"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_origin_that_this_process_allows_is_refused_too(client, session, clinic, scheme):
    outgoing.allow_origin("127.0.0.1", 8123)
    try:
        answer = read_problem(put(client, clinic, url=f"{scheme}://127.0.0.1:8123/$bulk-publish"))
    finally:
        outgoing.forget_origin("127.0.0.1", 8123)
    assert [error["field"] for error in answer["errors"]] == ["url"]
    assert stored(session) is None


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"poll_s": 59}, "poll_s"), ({"kind": "rss"}, "kind"), ({"asks_since": "yes"}, "asks_since"), ({"x": 1}, "x")],
)
def test_what_a_feed_cannot_be_is_refused_by_its_field(client, clinic, changed, field):
    assert [error["field"] for error in read_problem(put(client, clinic, **changed))["errors"]] == [field]


def test_a_name_that_is_no_slug_is_refused(client, clinic):
    assert [error["field"] for error in read_problem(put(client, clinic, "Not_A_Slug"))["errors"]] == ["name"]


def test_the_name_of_another_providers_feed_is_taken(client, session, clinic):
    make_feed(session, make_provider(session), "clinic")
    session.commit()
    assert problem(put(client, clinic)) == "feed-name-taken"


def test_another_providers_feed_is_unknown_here(client, session, clinic):
    make_feed(session, make_provider(session), "theirs")
    session.commit()
    assert problem(client.delete(f"{FEEDS}/theirs", headers=clinic)) == "feed-unknown"
    assert stored(session, "theirs") is not None
    assert client.get(FEEDS, headers=clinic).get_json()["items"] == []


def test_a_removed_feed_takes_its_slots_along_and_nobody_elses(client, session, clinic):
    other = make_feed(session, make_provider(session), "noise")
    make_slot(session, make_schedule(session, other))
    put(client, clinic)
    make_known(session)
    assert client.delete(f"{FEEDS}/clinic", headers=clinic).status_code == 204
    session.expire_all()
    assert slots(session) == [other.id]


def test_a_retired_providers_feeds_are_not_kept(client, clinic):
    put(client, clinic)
    client.delete(ONE, headers=clinic)
    assert problem(put(client, clinic)) == "provider-unknown"
    assert problem(client.get(FEEDS, headers=clinic)) == "provider-unknown"


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({"checked_at": None, "read_at": None}, "waiting"),
        ({}, "good"),
        ({"failures": 1, "problem": "down"}, "failing"),
        ({"failures": feed_rules.BROKEN_AFTER, "problem": "down"}, "broken"),
        ({"held_since": SUNDAY_NIGHT, "problem": "shrunk"}, "held"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_feed_shows_how_it_is(client, session, clinic, changed, state):
    put(client, clinic)
    row = stored(session)
    for name, value in ({"checked_at": SUNDAY_NIGHT, "read_at": SUNDAY_NIGHT} | changed).items():
        setattr(row, name, value)
    session.commit()
    (item,) = client.get(FEEDS, headers=clinic | {"Accept-Language": "en"}).get_json()["items"]
    assert item["state"]["code"] == state
    assert (item["problem"] or {}).get("code") == changed.get("problem")


def test_a_feed_shows_its_age_its_slots_and_how_often_they_were_gone(client, session, clinic):
    put(client, clinic)
    row = stored(session)
    row.checked_at, row.slots, row.gone_rate = SUNDAY_NIGHT - timedelta(minutes=2), 17, 0.25
    session.commit()
    (item,) = client.get(FEEDS, headers=clinic).get_json()["items"]
    assert (item["age_s"], item["slots"], item["gone_rate"]) == (120, 17, 0.25)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_state_and_every_problem_of_a_source_has_words_of_its_own(lang):
    kinds = [slot_source.SlotSourceError, *slot_source.SlotSourceError.__subclasses__()]
    codes = [*(kind.code for kind in kinds), "shrunk", "failed", "removed", "never heard of"]
    said = [problem_said(code, lang) for code in codes]
    assert len(set(said)) == len(said) == 10
    assert len({provider_label(f"feed_{state}", lang) for state in STATES}) == len(STATES)
