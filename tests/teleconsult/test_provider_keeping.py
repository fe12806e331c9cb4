"""How staff keeps providers: by role, inside a territory, and with every change audited."""

import base64

import pytest
from sqlalchemy import func, select

from citizen_api.core.settings import Settings
from citizen_api.people.models import AuditEntry
from citizen_api.teleconsult.models import Provider
from citizen_api.teleconsult.provider_file import load_registry
from citizen_api.web.system import OpenApi
from tests.conftest import SUNDAY_NIGHT
from tests.people.makers import make_key
from tests.teleconsult.provider_makers import IN_PARIS, PROVIDERS, audited, make_body, make_staff
from tests.teleconsult.provider_writes import PROVIDER_WRITES
from tests.teleconsult.slot_makers import make_provider
from tests.web.makers import read_problem

ONE = f"{PROVIDERS}/synthetic-centre"
SECRETS = f"{ONE}/webhook-secrets"
COUNTRY = ("country", None)
REFUSED = {
    "name": ("a\nb", "name"),
    "kind": ("shop", "kind"),
    "modalities": ([], "modalities"),
    "languages": (["xx"], "languages.0"),
    "link_template": ("https://evil.example/", "link_template"),
    "allowed_domains": (["10.0.0.1"], "allowed_domains.0"),
    "phone": ("nobody", "phone"),
    "territory": ("departement:99", "territory"),
    "commune": ("99999", "commune"),
    "lat": (None, "lat"),
    "as_of": ("2026-12-24", "as_of"),
    "third_party": ("yes", "third_party"),
}


@pytest.fixture
def clinic(session):
    return make_staff(session)


def put(client, headers, url=ONE, **changed):
    return client.put(url, json=make_body(**changed), headers=headers)


def problem(answer):
    return read_problem(answer)["type"].removeprefix("/problems/")


def test_a_clinic_adds_its_provider_which_residents_see_at_once(client, session, clinic):
    answer = put(client, clinic)
    assert answer.status_code == 200, answer.get_json()
    body = answer.get_json()
    assert (body["origin"], body["webhook_secrets"]) == ("staff", 0)
    assert body["link_template"] == "https://synthetic-clinic.example/book/{slot}"
    assert body["allowed_domains"] == ["synthetic-clinic.example"]
    assert [item["id"] for item in client.get(PROVIDERS, query_string=IN_PARIS).get_json()["items"]] == [
        "synthetic-centre"
    ]
    assert audited(session) == [
        (
            "provider.create",
            {"kind": "practice", "name": "Centre de santé d'essai", "territory": "departement:75"},
        )
    ]


def test_what_changed_is_audited_with_what_it_was(client, session, clinic):
    put(client, clinic)
    assert put(client, clinic, name="Nouveau", languages=["fr", "en"], as_of="2026-11-21").status_code == 200
    assert audited(session)[1:] == [
        (
            "provider.replace",
            {
                "changed": {
                    "name": ["Centre de santé d'essai", "Nouveau"],
                    "languages": [["fr"], ["fr", "en"]],
                    "as_of": ["2026-11-20", "2026-11-21"],
                }
            },
        )
    ]


def test_the_same_again_changes_and_audits_nothing(client, session, clinic):
    first = put(client, clinic).get_json()
    assert put(client, clinic).get_json() == first
    assert len(audited(session)) == 1


def test_what_is_left_out_takes_its_default(client, session, clinic):
    put(client, clinic)
    body = {
        name: value
        for name, value in make_body().items()
        if name not in {"sector", "third_party", "phone", "link_template", "allowed_domains", "languages"}
    }
    assert client.put(ONE, json=body, headers=clinic).status_code == 200
    session.expire_all()
    row = session.get(Provider, "synthetic-centre")
    assert (row.sector, row.third_party, row.phone, row.link_template) == (None, None, None, None)
    assert (row.allowed_domains, row.languages) == ([], [])


@pytest.mark.parametrize(("name", "value", "field"), [(name, *said) for name, said in REFUSED.items()], ids=REFUSED)
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_what_cannot_be_is_refused_by_its_field_in_plain_words(client, session, clinic, name, value, field, lang):
    answer = client.put(ONE, json=make_body(**{name: value}), headers=clinic | {"Accept-Language": lang})
    body = read_problem(answer)
    assert (body["type"], [error["field"] for error in body["errors"]]) == ("/problems/invalid-arguments", [field])
    assert session.get(Provider, "synthetic-centre") is None


def test_every_refusal_is_said_in_french(client, clinic):
    for name, (value, _field) in REFUSED.items():
        changed = {name: value}
        said = {
            lang: client.put(ONE, json=make_body(**changed), headers=clinic | {"Accept-Language": lang}).get_json()
            for lang in ("fr", "en")
        }
        assert said["fr"]["errors"][0]["message"] != said["en"]["errors"][0]["message"]


def test_an_id_that_is_no_slug_is_refused(client, clinic):
    answer = put(client, clinic, f"{PROVIDERS}/Not_A_Slug")
    assert [error["field"] for error in read_problem(answer)["errors"]] == ["provider_id"]


@pytest.mark.parametrize("role", ["moderator", "communication", "organiser", "pharmacy", "reader"])
def test_no_other_role_keeps_providers(client, session, role):
    assert problem(put(client, make_staff(session, role))) == "forbidden"


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"territory": "country"},
        {"territory": "region:11"},
        {"territory": "departement:93"},
        {"territory": "commune:93066"},
        {"commune": "93066"},
        {"commune": None, "lat": 43.2965, "lon": 5.3698},
        {"lat": 43.2965, "lon": 5.3698},
    ],
    ids=str,
)
def test_nobody_adds_a_provider_outside_the_territory_of_his_organisation(client, session, clinic, elsewhere):
    assert problem(put(client, clinic, **elsewhere)) == "outside-territory"
    assert session.get(Provider, "synthetic-centre") is None


@pytest.mark.parametrize(
    ("territory", "inside"),
    [
        (("region", "11"), "departement:75"),
        (("region", "11"), "region:11"),
        (("departement", "93"), "epci:200057875"),
        (("region", "11"), "epci:200057875"),
        (("commune", "75056"), "commune:75104"),
        (COUNTRY, "country"),
    ],
    ids=str,
)
def test_a_wider_territory_holds_a_narrower_one(client, session, territory, inside):
    headers = make_staff(session, territory=territory)
    answer = put(client, headers, territory=inside, commune=None, lat=None, lon=None)
    assert answer.status_code == 200, answer.get_json()


def test_a_clinic_changes_no_provider_of_another_one(client, session, clinic):
    put(client, clinic)
    rival = make_staff(session, name="Autre clinique")
    assert problem(put(client, rival, name="Pris")) == "provider-of-another"
    for answer in (
        client.delete(ONE, headers=rival),
        client.post(SECRETS, headers=rival),
        client.delete(SECRETS, headers=rival),
        client.get(f"{ONE}/feeds", headers=rival),
    ):
        assert problem(answer) == "provider-of-another"
    assert len(audited(session)) == 1


def test_an_administrator_changes_any_provider_of_the_territory_and_it_stays_whose_it_was(client, session, clinic):
    put(client, clinic)
    owner = session.get(Provider, "synthetic-centre").organisation_id
    town_hall = make_staff(session, "administrator", name="Ville d'essai")
    assert put(client, town_hall, name="Corrigé").status_code == 200
    session.expire_all()
    assert session.get(Provider, "synthetic-centre").organisation_id == owner
    assert put(client, clinic, name="Repris").status_code == 200


def test_an_administrator_of_elsewhere_does_not_take_a_provider_over(client, session, clinic):
    put(client, clinic)
    town_hall = make_staff(session, "administrator", name="Saint-Denis", territory=("commune", "93066"))
    moved = {"territory": "commune:93066", "commune": "93066", "lat": None, "lon": None}
    assert problem(put(client, town_hall, **moved)) == "outside-territory"
    assert problem(client.delete(ONE, headers=town_hall)) == "outside-territory"


def test_a_provider_of_the_registrys_file_is_no_clinics(client, session, clinic):
    make_provider(session, "synthetic-centre", origin="file", territory_kind="departement", territory_code="75")
    session.commit()
    assert problem(put(client, clinic)) == "provider-of-another"


def test_what_an_administrator_takes_over_from_the_file_the_file_overwrites_no_more(
    client, session, database, tmp_path
):
    chosen = Settings(data_dir=tmp_path)
    load_registry(database, now=SUNDAY_NIGHT, settings=chosen)
    state = make_staff(session, "administrator", name="État", territory=COUNTRY)
    answer = put(client, state, f"{PROVIDERS}/doctolib", name="Doctolib, corrigé", territory="country")
    assert answer.status_code == 200
    assert audited(session, "provider doctolib")[0][1]["changed"]["origin"] == ["file", "staff"]
    load_registry(database, now=SUNDAY_NIGHT, settings=chosen)
    session.expire_all()
    assert session.get(Provider, "doctolib").name == "Doctolib, corrigé"


def test_only_an_administrator_keeps_a_public_service(client, session, clinic):
    service = {"kind": "public_service", "phone": "15", "modalities": [], "specialties": []}
    refused = read_problem(put(client, clinic, **service))
    assert [error["field"] for error in refused["errors"]] == ["kind"]
    assert put(client, make_staff(session, "administrator"), **service).status_code == 200


def test_a_retired_provider_is_shown_to_nobody_and_a_put_brings_it_back(client, session, clinic):
    put(client, clinic)
    assert client.delete(ONE, headers=clinic).status_code == 204
    assert client.get(ONE).status_code == 404
    assert problem(client.delete(ONE, headers=clinic)) == "provider-unknown"
    assert put(client, clinic).status_code == 200
    assert client.get(ONE).status_code == 200
    actions = [action for action, _ in audited(session)]
    assert actions == ["provider.create", "provider.retire", "provider.replace"]
    assert audited(session)[2][1] == {"changed": {"retired_at": [SUNDAY_NIGHT.isoformat(), None]}}


def test_a_secret_is_shown_once_and_the_two_newest_are_valid(client, session, clinic):
    put(client, clinic)
    answers = [client.post(SECRETS, headers=clinic) for _ in range(3)]
    secrets = [answer.get_json()["secret"] for answer in answers]
    assert [(answer.status_code, answer.get_json()["valid"]) for answer in answers] == [(201, 1), (201, 2), (201, 2)]
    assert len(set(secrets)) == 3
    assert all(len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32 for secret in secrets)
    session.expire_all()
    assert session.get(Provider, "synthetic-centre").webhook_secrets == [secrets[2], secrets[1]]
    assert answers[0].headers["Cache-Control"] == "no-store"
    said = str(audited(session)) + client.get(ONE).get_data(as_text=True) + put(client, clinic).get_data(as_text=True)
    assert not any(secret.removeprefix("whsec_") in said for secret in secrets)
    assert audited(session)[1:] == [("provider.webhook_secret.add", {"valid": valid}) for valid in (1, 2, 2)]


def test_the_older_secret_is_revoked_and_again_nothing_changes(client, session, clinic):
    put(client, clinic)
    newest = [client.post(SECRETS, headers=clinic).get_json()["secret"] for _ in range(2)][1]
    for _ in range(2):
        assert client.delete(SECRETS, headers=clinic).status_code == 204
        session.expire_all()
        assert session.get(Provider, "synthetic-centre").webhook_secrets == [newest]
    assert [action for action, _ in audited(session)][3:] == ["provider.webhook_secret.revoke"]


def test_a_put_leaves_the_secrets_as_they_are(client, session, clinic):
    put(client, clinic)
    secret = client.post(SECRETS, headers=clinic).get_json()["secret"]
    assert put(client, clinic, name="Nouveau").get_json()["webhook_secrets"] == 1
    session.expire_all()
    assert session.get(Provider, "synthetic-centre").webhook_secrets == [secret]


def test_without_a_key_nothing_is_changed_or_told(client, session):
    make_provider(session, "synthetic-centre")
    session.commit()
    for answer in (
        client.put(ONE, json=make_body()),
        client.delete(ONE),
        client.post(SECRETS),
        client.delete(SECRETS),
        client.get(f"{ONE}/feeds"),
        client.put(f"{ONE}/feeds/clinic", json={"kind": "smart", "url": "https://clinic.example/"}),
        client.delete(f"{ONE}/feeds/clinic"),
    ):
        assert problem(answer) == "unauthorised"


@pytest.mark.parametrize(("role", "write"), PROVIDER_WRITES.values(), ids=map(" ".join, PROVIDER_WRITES))
def test_every_write_leaves_one_line_in_the_audit_log_that_says_who(client, session, role, write):
    row, key = make_key(session, role, name="Pays", territory=COUNTRY)
    session.commit()
    before = session.scalar(select(func.count()).select_from(AuditEntry))
    assert write(client, session, key).status_code in {200, 201, 204}
    lines = session.execute(select(AuditEntry.actor, AuditEntry.organisation).order_by(AuditEntry.id)).all()[before:]
    assert lines == [(f"key {row.id} ({role})", "Pays")]


def test_every_write_of_a_provider_or_a_feed_is_tried_here(app):
    paths = app.extensions["alentours"].port(OpenApi).document()["paths"]
    written = {
        (method, path)
        for path, item in paths.items()
        for method in item
        if path.startswith(f"{PROVIDERS}/") and method in {"put", "post", "delete", "patch"}
    }
    assert written == set(PROVIDER_WRITES)
