"""Every write by staff of providers and feeds, done once: for the test that each leaves one line in the audit log."""

from __future__ import annotations

from sqlalchemy.orm import Session

from citizen_api.people.queries import organisation_named
from citizen_api.teleconsult.models import Provider
from tests.people.makers import bearer
from tests.teleconsult.provider_makers import PROVIDERS, make_body
from tests.teleconsult.slot_makers import make_feed, make_provider

ONE = f"{PROVIDERS}/synthetic-centre"
_PATH = f"{PROVIDERS}/{{provider_id}}"


def make_own(session: Session, **changed) -> Provider:
    """Make a provider of the organisation "Pays"."""
    organisation = organisation_named(session, "Pays")
    row = make_provider(session, "synthetic-centre", organisation_id=organisation.id, **changed)
    session.commit()
    return row


def put_provider(client, _session, key):
    return client.put(ONE, json=make_body(), headers=bearer(key))


def retire_provider(client, session, key):
    make_own(session)
    return client.delete(ONE, headers=bearer(key))


def add_secret(client, session, key):
    make_own(session)
    return client.post(f"{ONE}/webhook-secrets", headers=bearer(key))


def revoke_secret(client, session, key):
    make_own(session, webhook_secrets=["whsec_b", "whsec_a"])
    return client.delete(f"{ONE}/webhook-secrets", headers=bearer(key))


def put_feed(client, session, key):
    make_own(session)
    body = {"kind": "smart", "url": "https://clinic.example/$bulk-publish"}
    return client.put(f"{ONE}/feeds/clinic", json=body, headers=bearer(key))


def remove_feed(client, session, key):
    make_feed(session, make_own(session), "clinic")
    session.commit()
    return client.delete(f"{ONE}/feeds/clinic", headers=bearer(key))


PROVIDER_WRITES = {
    ("put", _PATH): ("provider", put_provider),
    ("delete", _PATH): ("provider", retire_provider),
    ("post", f"{_PATH}/webhook-secrets"): ("provider", add_secret),
    ("delete", f"{_PATH}/webhook-secrets"): ("provider", revoke_secret),
    ("put", f"{_PATH}/feeds/{{name}}"): ("provider", put_feed),
    ("delete", f"{_PATH}/feeds/{{name}}"): ("provider", remove_feed),
}
