"""Providers and the city see what became of handoffs, each its own, and never of a few."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from citizen_api.people import queries as people_queries
from citizen_api.teleconsult.handoff_models import HandoffCount
from citizen_api.teleconsult.insight_queries import update_gone_rates
from citizen_api.teleconsult.models import Feed, Provider
from tests.conftest import SUNDAY_NIGHT
from tests.teleconsult.provider_makers import make_staff
from tests.teleconsult.slot_makers import make_feed, make_provider
from tests.web.makers import read_problem

INSIGHT = "/v1/teleconsultations/insight"
WEEK = date(2026, 11, 9)
"""A week that is over on Sunday 22 November."""
PARIS, LYON = ("departement", "75"), ("commune", "69123")


def store_count(session, provider_id="synthetic-clinic", code="75104", week=WEEK, feed_id=0, **counts) -> None:
    """Make a row of counts."""
    values = dict.fromkeys(("made", "opened", "gone", "too_late", "failed", "booked", "cancelled", "completed"), 0)
    session.add(
        HandoffCount(provider_id=provider_id, feed_id=feed_id, territory_code=code, week=week, **(values | counts))
    )
    session.commit()


@pytest.fixture
def counts(session):
    """Two clinics in Paris, Lyon and nowhere; one week before and one that runs as noise."""
    make_provider(session)
    make_provider(session, "other-clinic")
    store_count(session, made=30, opened=24, gone=6, booked=12)
    store_count(session, "other-clinic", made=10, opened=6, gone=4, booked=3)
    store_count(session, code="75105", made=7, opened=7)
    store_count(session, code="75106", feed_id=1, made=6, opened=6)
    store_count(session, code="69381", made=20, opened=20, booked=20)
    store_count(session, code="", made=15)
    store_count(session, week=WEEK - timedelta(weeks=20), made=99)
    store_count(session, week=date(2026, 11, 16), made=99)


def ask(client, headers, **args):
    return client.get(INSIGHT, query_string=args, headers=headers)


def rows_of(client, headers, **args):
    response = ask(client, headers, **args)
    assert response.status_code == 200, response.get_json()
    return [
        (row["week"], row["territory"]["level"], row["territory"]["code"], row["handoffs"])
        for row in response.get_json()["items"]
    ]


@pytest.mark.usefixtures("counts")
def test_a_city_sees_all_providers_together_in_its_territory(client, session):
    reader = make_staff(session, "reader")
    response = ask(client, reader).get_json()
    assert [row["territory"] for row in response["items"]] == [
        {"level": "departement", "code": "75", "name": "Paris"},
        {"level": "commune", "code": "75104", "name": "Paris 4e Arrondissement"},
    ]
    total, commune = response["items"]
    assert (total["handoffs"], commune["handoffs"]) == (53, 40)
    assert (commune["week"], commune["monday"]) == ("2026-W46", "2026-11-09")
    assert (commune["gone_rate"], commune["booked_rate"]) == (0.25, 0.5)
    assert response["least"] == 11
    assert [notice["code"] for notice in response["notices"]] == ["insight_hidden"]


@pytest.mark.usefixtures("counts")
def test_a_question_about_a_commune_shows_what_one_about_its_departement_or_more_weeks_shows(client, session):
    reader = make_staff(session, "reader")
    whole = rows_of(client, reader, territory="departement:75")
    assert len(whole) == 2
    for code in ("75104", "75105", "75106"):
        asked = {"territory": f"commune:{code}", "from": "2026-11-09", "until": "2026-11-15"}
        assert rows_of(client, reader, **asked) == [row for row in whole if row[2] == code]
    city = rows_of(client, reader, territory="commune:75056")
    assert city == [row for row in whole if row[1] == "commune"]
    longer = rows_of(client, reader, **{"from": "2026-03-02"})
    assert [row for row in longer if row[0] == "2026-W46"] == whole


@pytest.mark.usefixtures("counts")
def test_a_total_that_would_give_one_commune_away_is_withheld(client, session):
    store_count(session, "other-clinic", code="75105", made=5)
    reader = make_staff(session, "reader")
    assert [row[1:] for row in rows_of(client, reader)] == [("commune", "75104", 40), ("commune", "75105", 12)]


@pytest.mark.usefixtures("counts")
def test_the_whole_country_has_no_sum_above_its_departements(client, session):
    reader = make_staff(session, "reader", name="Pays", territory=("country", None))
    assert [row[1:] for row in rows_of(client, reader)] == [
        ("departement", "69", 20),
        ("departement", "75", 53),
        ("commune", "69381", 20),
        ("commune", "75104", 40),
        ("no_place", None, 15),
    ]


@pytest.mark.usefixtures("counts")
def test_a_commune_does_not_see_its_departement(client, session):
    reader = make_staff(session, "communication", name="Lyon", territory=LYON)
    assert [row[1:] for row in rows_of(client, reader)] == [("commune", "69381", 20)]
    assert ask(client, reader, territory="departement:69").status_code == 403


@pytest.mark.usefixtures("counts")
@pytest.mark.parametrize("role", ["reader", "communication", "administrator"])
def test_a_city_sees_nothing_outside_its_territory(client, session, role):
    response = ask(client, make_staff(session, role), territory="departement:69")
    assert (response.status_code, read_problem(response)["type"]) == (403, "/problems/outside-territory")


@pytest.mark.usefixtures("counts")
def test_a_city_cannot_ask_for_one_provider_beside_all(client, session):
    response = ask(client, make_staff(session, "administrator"), provider="synthetic-clinic")
    assert response.status_code == 422
    assert [error["field"] for error in response.get_json()["errors"]] == ["provider"]


@pytest.fixture
def clinic(session, counts):  # noqa: ARG001 - what it counted
    """The key of the clinic's own staff."""
    headers = make_staff(session)
    organisation = people_queries.organisation_named(session, "Clinique d'essai")
    session.get_one(Provider, "synthetic-clinic").organisation_id = organisation.id
    session.commit()
    return headers


def test_a_provider_sees_its_own_handoffs_wherever_their_places_are(client, clinic):
    assert [row[1:] for row in rows_of(client, clinic, provider="synthetic-clinic")] == [
        ("departement", "69", 20),
        ("departement", "75", 43),
        ("commune", "69381", 20),
        ("commune", "75104", 30),
        ("no_place", None, 15),
    ]
    assert [row[2] for row in rows_of(client, clinic, provider="synthetic-clinic", territory="commune:69381")] == [
        "69381"
    ]


@pytest.mark.parametrize(
    ("args", "answer"),
    [
        ({}, (422, "/problems/invalid-arguments")),
        ({"provider": "other-clinic"}, (403, "/problems/provider-of-another")),
        ({"provider": "unknown-clinic"}, (404, "/problems/provider-unknown")),
    ],
)
def test_a_provider_sees_no_other(client, clinic, args, answer):
    response = ask(client, clinic, **args)
    assert (response.status_code, read_problem(response)["type"]) == answer


@pytest.mark.usefixtures("counts")
@pytest.mark.parametrize("role", ["moderator", "pharmacy", "organiser"])
def test_who_has_nothing_to_do_with_it_does_not_see_it(client, session, role):
    assert ask(client, make_staff(session, role)).status_code == 403


def test_without_a_key_nothing_is_told(client):
    assert ask(client, {}).status_code == 401


@pytest.mark.parametrize(
    ("args", "field"),
    [
        ({"territory": "region:11"}, "territory"),
        ({"territory": "75"}, "territory"),
        ({"territory": "commune:75999"}, "territory"),
        ({"from": "2026-11-23", "until": "2026-11-16"}, "until"),
        ({"from": "2020-01-01"}, "until"),
        ({"from": "yesterday"}, "from"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_in_both_languages(client, session, args, field):
    reader = make_staff(session, "reader", name="Pays", territory=("country", None))
    told = [ask(client, reader, lang=lang, **args) for lang in ("fr", "en")]
    assert {response.status_code for response in told} == {422}
    words = [[(one["field"], one["message"]) for one in response.get_json()["errors"]] for response in told]
    assert [[name for name, _ in one] for one in words] == [[field], [field]]
    assert words[0] != words[1]


def test_a_feed_is_told_how_often_its_slots_were_gone_of_late(session):
    provider = make_provider(session)
    often = make_feed(session, provider, "often", gone_rate=0.5)
    few = make_feed(session, provider, "few", gone_rate=0.5)
    long_ago = make_feed(session, provider, "long-ago", gone_rate=0.5)
    others = make_feed(session, make_provider(session, "other-clinic"), "others", gone_rate=None)
    kept = make_feed(session, provider, "kept", gone_rate=0.25)
    store_count(session, week=date(2026, 11, 16), feed_id=often.id, opened=6, gone=3)
    store_count(session, week=date(2026, 11, 2), feed_id=often.id, opened=3)
    store_count(session, week=date(2026, 10, 26), feed_id=often.id, opened=900)
    store_count(session, code="75105", feed_id=few.id, opened=8, gone=2)
    store_count(session, week=date(2026, 10, 26), feed_id=long_ago.id, opened=20, gone=20)
    store_count(session, feed_id=others.id, opened=20, gone=20)
    store_count(session, feed_id=kept.id, opened=12, gone=4)
    changed = update_gone_rates(session, SUNDAY_NIGHT)
    session.expire_all()
    rates = {row.name: row.gone_rate for row in session.execute(select(Feed.name, Feed.gone_rate))}
    assert rates == {
        "often": 0.25,
        "few": None,
        "long-ago": None,
        "others": None,
        "kept": 0.25,
    }
    assert changed == 3
