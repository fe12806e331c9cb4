"""Staff keys: who holds one, what it opens, and how it ends."""

import pytest
from sqlalchemy import text

from citizen_api.people import actions
from citizen_api.people.models import StaffKey
from tests.people.makers import NOW, bearer, make_key
from tests.web.makers import read_problem


def test_a_key_tells_whose_it_is_and_where_it_acts(client, session):
    row, key = make_key(session, "moderator", name="Ville de Paris", territory=("departement", "75"))
    session.commit()
    assert client.get("/v1/staff/me", headers=bearer(key)).get_json() == {
        "key_id": row.id,
        "role": "moderator",
        "organisation": "Ville de Paris",
        "territory_kind": "departement",
        "territory_code": "75",
    }


def test_the_key_itself_is_stored_nowhere(session):
    _, key = make_key(session)
    session.flush()
    secret = key.removeprefix("als_")
    for table in ("people_staff_key", "people_organisation", "people_audit_entry"):
        rows = session.execute(text(f"SELECT * FROM {table}")).all()  # noqa: S608 - names of ours
        assert rows
        assert secret not in repr(rows)


def test_two_keys_are_never_alike_and_are_long(session):
    keys = {make_key(session)[1] for _ in range(3)}
    assert len(keys) == 3
    assert all(key.startswith("als_") and len(key) == 47 for key in keys)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "als_something"},
    ],
)
def test_a_request_without_a_key_is_told_how_to_send_one(client, headers):
    response = client.get("/v1/staff/me", headers=headers)
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert read_problem(response)["type"] == "/problems/unauthorised"


@pytest.mark.parametrize("key", ["als_unknown", "als_" + "é" * 20, "x" * 5000, "alr_a-residents-device", "a b c"])
def test_an_unknown_key_opens_nothing(client, key):
    response = client.get("/v1/staff/me", headers={"Authorization": f"Bearer {key}".encode().decode("latin-1")})
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')
    assert read_problem(response)["type"] == "/problems/unauthorised"


def test_a_key_in_the_address_is_not_taken(client, session):
    _, key = make_key(session)
    session.commit()
    assert client.get(f"/v1/staff/me?key={key}").status_code == 401


def test_the_name_of_the_scheme_may_be_written_in_any_case(client, session):
    _, key = make_key(session)
    session.commit()
    assert client.get("/v1/staff/me", headers={"Authorization": f"bearer {key}"}).status_code == 200


def test_a_revoked_key_is_refused_from_the_next_request_on(client, session):
    row, key = make_key(session)
    session.commit()
    before = client.get("/v1/staff/me", headers=bearer(key)).status_code
    actions.revoke_key(session, row, now=NOW)
    session.commit()
    assert (before, client.get("/v1/staff/me", headers=bearer(key)).status_code) == (200, 401)


def test_revoking_a_key_leaves_the_others_of_its_organisation(client, session):
    row, _ = make_key(session)
    _, other = make_key(session)
    actions.revoke_key(session, row, now=NOW)
    session.commit()
    assert client.get("/v1/staff/me", headers=bearer(other)).status_code == 200


@pytest.mark.parametrize("role", ["moderator", "communication", "organiser", "pharmacy", "provider", "reader"])
def test_only_an_administrator_reads_the_audit_log(client, session, role):
    _, key = make_key(session, role)
    session.commit()
    response = client.get("/v1/staff/audit", headers=bearer(key))
    assert (response.status_code, read_problem(response)["type"]) == (403, "/problems/forbidden")


def test_the_key_is_looked_at_before_anything_else_of_the_request(client):
    assert client.get("/v1/staff/audit?limit=many").status_code == 401
    assert client.post("/v1/care/reports/1/settlement", data="{", content_type="application/json").status_code == 401


def test_an_administrator_reads_what_was_changed_in_its_organisation_only(client, session):
    _, key = make_key(session, "administrator", name="Ici")
    make_key(session, "reader", name="Ailleurs")
    session.commit()
    entries = client.get("/v1/staff/audit", headers=bearer(key)).get_json()["items"]
    assert {entry["organisation"] for entry in entries} == {"Ici"}
    assert entries[0]["action"] == "staff_key.issue"
    assert entries[0]["actor"] == "command line"


def test_an_administrator_sees_that_and_where_its_organisation_was_made(client, session):
    _, key = make_key(session, "administrator", name="Ici", territory=("departement", "75"))
    session.commit()
    entries = client.get("/v1/staff/audit", headers=bearer(key)).get_json()["items"]
    (made,) = (entry for entry in entries if entry["action"] == "organisation.create")
    assert (made["organisation"], made["details"]) == ("Ici", {"name": "Ici", "territory": "departement:75"})


def test_an_administrator_of_the_whole_country_reads_everything(client, session):
    _, key = make_key(session, "administrator", name="Pays", territory=("country", None))
    make_key(session, "reader", name="Ailleurs")
    session.commit()
    entries = client.get("/v1/staff/audit", headers=bearer(key)).get_json()["items"]
    assert {entry["organisation"] for entry in entries} >= {"Pays", "Ailleurs"}


def test_the_audit_log_turns_its_pages_without_losing_or_repeating_a_line(client, session):
    _, key = make_key(session, "administrator")
    for _ in range(4):
        make_key(session)
    session.commit()
    ids, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/v1/staff/audit?limit=2{cursor}", headers=bearer(key)).get_json()
        ids += [entry["id"] for entry in page["items"]]
        cursor = None if page["next"] is None else f"&cursor={page['next']}"
    assert len(ids) >= 5
    assert ids == sorted(set(ids), reverse=True)


def test_issuing_and_revoking_each_leave_a_line_in_the_audit_log(session):
    row, _ = make_key(session, name="Neuve")
    actions.revoke_key(session, row, now=NOW)
    actions.revoke_key(session, row, now=NOW)
    session.flush()
    done = session.execute(
        text("SELECT action FROM people_audit_entry WHERE organisation = 'Neuve' ORDER BY id")
    ).scalars()
    assert list(done) == ["organisation.create", "staff_key.issue", "staff_key.revoke"]


def test_an_unknown_role_is_refused(session):
    with pytest.raises(ValueError, match="unknown role 'king'"):
        make_key(session, "king")
    assert session.query(StaffKey).filter_by(role="king").count() == 0
