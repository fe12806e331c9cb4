"""Residents' reports: sent, limited, listed and settled inside a territory."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import select

from app import create_app
from citizen_api.care import queries
from citizen_api.care.actions import MAX_COMMENTS
from citizen_api.care.models import FacilityRecordRow, Report
from citizen_api.people.models import AuditEntry
from tests.care.makers import import_records, make_record
from tests.people.makers import bearer, make_key
from tests.web.makers import read_problem

REPORTS = "/v1/care/reports"


@pytest.fixture
def ids(database, tmp_path) -> dict[str, str]:
    """Ids of a place in Paris, one in Saint-Denis and one whose commune is not known, by their names."""
    records = [
        make_record("paris"),
        make_record("saint-denis", commune_code="93066"),
        make_record("nowhere", commune_code=None, postcode=None),
    ]
    import_records(database, tmp_path, records)
    with database.session(write=False) as session:
        return {row.key: row.facility_id for row in session.scalars(select(FacilityRecordRow))}


@pytest.fixture
def staff(database):
    def make(territory=("departement", "75"), role="moderator"):
        with database.session() as session:
            return bearer(make_key(session, role, name=f"{role} of {territory}", territory=territory)[1])

    return make


def send(client, facility_id, kind="wrong_phone", **body):
    return client.post(f"/v1/care/{facility_id}/reports", json={"kind": kind, **body})


def send_many(client, facility_id, number):
    """Send reports of every kind in turn: seven rows at most wait."""
    kinds = ["wrong_phone", "wrong_address", "wrong_hours", "moved", "closed_for_good", "not_accessible", "other"]
    for rank in range(number):
        assert send(client, facility_id, kinds[rank % 7]).status_code == 202


def test_a_report_waits_for_a_moderator_and_tells_nothing_of_its_author(client, ids, staff):
    answer = send(client, ids["paris"], comment="Le numéro a changé.")
    assert (answer.status_code, answer.json) == (202, {"status": "queued"})
    (item,) = client.get(REPORTS, headers=staff()).json["items"]
    assert item == {
        "id": item["id"],
        "facility_id": ids["paris"],
        "facility_name": "Synthetic paris",
        "commune": "75104",
        "kind": "wrong_phone",
        "times": 1,
        "comments": ["Le numéro a changé."],
        "created_at": "2026-11-22T21:40:00+00:00",
        "settled_at": None,
        "settlement": None,
        "settlement_note": None,
    }


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "spam"},
        {"kind": "other", "comment": ""},
        {"kind": "other", "comment": "x" * 501},
        {"kind": "other", "comment": "a\x00b"},
        {"kind": "other", "comment": "\ud800"},
        {"kind": "other", "name": "me"},
        {"kind": None},
    ],
)
def test_a_report_that_is_none_is_a_problem(client, ids, body):
    answer = client.post(f"/v1/care/{ids['paris']}/reports", data=json.dumps(body), content_type="application/json")
    assert read_problem(answer)["type"] == "/problems/invalid-arguments"


def test_control_characters_are_kept_harmless(client, ids, staff):
    assert send(client, ids["paris"], comment="a\tb\nc\x1b[31m\u202ed").status_code == 202
    assert client.get(REPORTS, headers=staff()).status_code == 200


@pytest.mark.parametrize("facility_id", ["aaaaaaaaaaaaa", "x", "%00", "%C3%A9"])
def test_a_report_on_no_place_is_a_problem(client, facility_id):
    assert read_problem(send(client, facility_id))["status"] == 404


def waiting(client, staff):
    return client.get(REPORTS, headers=staff(("country", None))).json["items"]


def test_every_report_counts_and_the_same_one_waits_once(client, ids, staff):
    for _ in range(12):
        assert send(client, ids["paris"]).status_code == 202
    send(client, ids["paris"], "moved")
    send(client, ids["saint-denis"])
    counted = [(item["facility_name"], item["kind"], item["times"]) for item in waiting(client, staff)]
    assert counted == [
        ("Synthetic paris", "wrong_phone", 12),
        ("Synthetic paris", "moved", 1),
        ("Synthetic saint-denis", "wrong_phone", 1),
    ]


def test_the_newest_comments_are_kept_newest_first(client, ids, staff):
    for number in range(MAX_COMMENTS + 2):
        send(client, ids["paris"], comment=f"number {number}")
    send(client, ids["paris"])
    (item,) = waiting(client, staff)
    assert item["times"] == MAX_COMMENTS + 3
    assert item["comments"] == [f"number {number}" for number in range(MAX_COMMENTS + 1, 1, -1)]


def test_repeating_a_comment_pushes_no_other_out(client, ids, staff):
    send(client, ids["paris"], comment="Le numéro a changé.")
    for _ in range(MAX_COMMENTS + 2):
        send(client, ids["paris"], comment="spam")
    (item,) = waiting(client, staff)
    assert item["comments"] == ["spam", "Le numéro a changé."]


def test_what_is_reported_again_after_it_was_settled_waits_anew(client, ids, staff):
    send(client, ids["paris"], comment="first")
    (first,) = waiting(client, staff)
    client.post(f"{REPORTS}/{first['id']}/settlement", json={"settlement": "rejected"}, headers=staff())
    send(client, ids["paris"], comment="again")
    (again,) = waiting(client, staff)
    assert (again["times"], again["comments"]) == (1, ["again"])
    assert again["id"] != first["id"]


def test_two_who_report_the_same_at_the_same_moment_are_both_counted(client, ids, staff, monkeypatch):
    send(client, ids["paris"])
    look, looks = queries.waiting_report, []

    def look_too_early(*asked):
        looks.append(asked)
        return None if len(looks) == 1 else look(*asked)

    monkeypatch.setattr(queries, "waiting_report", look_too_early)
    assert send(client, ids["paris"], comment="me too").status_code == 202
    (item,) = waiting(client, staff)
    assert (item["times"], item["comments"]) == (2, ["me too"])


def test_reports_from_one_address_are_limited(services, settings, ids):
    limited = replace(settings, rate_limit="1000 per minute", rate_limit_reports="2 per hour")
    client = create_app(services=replace(services, settings=limited, ports={}, readiness={})).test_client()
    assert [send(client, ids["paris"]).status_code for _ in range(3)] == [202, 202, 429]
    assert client.get(f"/v1/care/{ids['paris']}").status_code == 200


def test_a_moderator_sees_the_reports_of_the_territory_only(client, ids, staff):
    for facility_id in ids.values():
        send(client, facility_id)

    def seen(*territory):
        return {item["facility_name"] for item in client.get(REPORTS, headers=staff(territory)).json["items"]}

    assert seen("departement", "75") == {"Synthetic paris"}
    assert seen("commune", "75056") == {"Synthetic paris"}
    assert seen("commune", "93066") == seen("departement", "93") == {"Synthetic saint-denis"}
    assert seen("epci", "200054781") == {"Synthetic paris", "Synthetic saint-denis"}
    assert seen("region", "11") == {"Synthetic paris", "Synthetic saint-denis"}
    assert seen("departement", "69") == set()
    assert len(seen("country", None)) == 3


def test_no_page_is_empty_while_more_exist(client, ids, staff):
    send_many(client, ids["saint-denis"], 14)
    send_many(client, ids["paris"], 5)
    headers, pages, cursor = staff(), [], 0
    while cursor is not None:
        page = client.get(f"{REPORTS}?limit=2&cursor={cursor}", headers=headers).json
        pages.append([item["facility_name"] for item in page["items"]])
        cursor = page["next"]
    assert pages == [["Synthetic paris"] * 2, ["Synthetic paris"] * 2, ["Synthetic paris"]]


def test_a_report_is_settled_once_and_the_log_says_by_whom(client, ids, staff, database):
    send(client, ids["paris"])
    headers = staff()
    (item,) = client.get(REPORTS, headers=headers).json["items"]
    url = f"{REPORTS}/{item['id']}/settlement"

    settled = client.post(url, json={"settlement": "accepted", "note": "Vu."}, headers=headers)

    assert (settled.status_code, settled.json["settlement"], settled.json["settlement_note"]) == (
        200,
        "accepted",
        "Vu.",
    )
    assert client.get(REPORTS, headers=headers).json["items"] == []
    assert len(client.get(f"{REPORTS}?settled=true", headers=headers).json["items"]) == 1
    again = client.post(url, json={"settlement": "rejected"}, headers=headers)
    assert (again.status_code, read_problem(again)["type"]) == (409, "/problems/report-settled")
    with database.session(write=False) as session:
        (entry,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "care.report.settle"))
        assert (entry.subject, entry.details) == (
            f"report {item['id']}",
            {"facility": ids["paris"], "settlement": "accepted"},
        )
        assert session.get_one(Report, item["id"]).settlement == "accepted"


@pytest.mark.parametrize("where", ["saint-denis", "nowhere"])
def test_a_report_of_elsewhere_cannot_be_settled(client, ids, staff, database, where):
    send(client, ids[where])
    (item,) = client.get(REPORTS, headers=staff(("country", None))).json["items"]
    answer = client.post(f"{REPORTS}/{item['id']}/settlement", json={"settlement": "accepted"}, headers=staff())
    assert (answer.status_code, read_problem(answer)["type"]) == (403, "/problems/outside-territory")
    with database.session(write=False) as session:
        assert session.get_one(Report, item["id"]).settled_at is None


@pytest.mark.parametrize("number", [999_999, 2**31 - 1])
def test_a_report_that_nobody_sent_has_words_of_its_own(client, staff, number):
    answer = client.post(f"{REPORTS}/{number}/settlement", json={"settlement": "accepted"}, headers=staff())
    assert (answer.status_code, read_problem(answer)["type"]) == (404, "/problems/report-unknown")


@pytest.mark.parametrize("number", [2**31, 2**80, "abc", "-1"])
def test_a_number_that_no_report_can_have_is_not_found(client, staff, number):
    answer = client.post(f"{REPORTS}/{number}/settlement", json={"settlement": "accepted"}, headers=staff())
    assert read_problem(answer)["status"] == 404


@pytest.mark.parametrize(
    ("role", "status"),
    [("moderator", 200), ("administrator", 200), ("reader", 200), ("communication", 403), ("pharmacy", 403)],
)
def test_reports_are_listed_for_those_who_settle_or_may_read_all(client, staff, role, status):
    assert client.get(REPORTS, headers=staff(role=role)).status_code == status


def test_reports_are_not_for_everybody(client):
    assert client.get(REPORTS).status_code == 401


def test_a_reader_settles_nothing(client, ids, staff):
    send(client, ids["paris"])
    (item,) = client.get(REPORTS, headers=staff(role="reader")).json["items"]
    url = f"{REPORTS}/{item['id']}/settlement"
    assert client.post(url, json={"settlement": "accepted"}, headers=staff(role="reader")).status_code == 403
    assert len(waiting(client, staff)) == 1


@pytest.mark.parametrize("query", ["cursor=-1", "cursor=2147483648", "cursor=nan", "limit=0", "limit=201", "settled=x"])
def test_a_bad_page_is_a_problem(client, staff, query):
    assert read_problem(client.get(f"{REPORTS}?{query}", headers=staff()))["status"] == 422
