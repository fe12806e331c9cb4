"""Makes what staff or a file says of providers and feeds, and who says it."""

from __future__ import annotations

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from citizen_api.people.models import AuditEntry
from tests.people.makers import bearer, make_key

PROVIDERS = "/v1/teleconsultations/providers"
PARIS = ("departement", "75")
IN_PARIS = {"lat": 48.8573751, "lon": 2.3524425}


def make_body(**changed) -> dict:
    """Make what is said of a practice by video, offered in Paris."""
    return {
        "kind": "practice",
        "name": "Centre de santé d'essai",
        "modalities": ["video"],
        "specialties": ["general-practice"],
        "languages": ["fr"],
        "sector": "1",
        "third_party": True,
        "audience": "everybody",
        "link_template": "https://synthetic-clinic.example/book/{slot}",
        "allowed_domains": ["synthetic-clinic.example"],
        "granularity": "slot",
        "phone": "01 45 42 59 59",
        "have_ready": ["carte_vitale"],
        "territory": "departement:75",
        "address": "1 rue d'Essai, Paris",
        "commune": "75104",
        "lat": 48.8573751,
        "lon": 2.3524425,
        "source": "synthetic-clinic.example",
        "as_of": "2026-11-20",
    } | changed


def make_entry(provider_id: str = "synthetic-centre", **changed) -> dict:
    """Make an entry of a registry's file."""
    return {"id": provider_id} | make_body(**changed)


def write_registry(folder, *entries, name: str = "city.yaml"):
    """Write a registry's file; give its path."""
    file = folder / name
    file.write_text(yaml.safe_dump({"providers": list(entries)}, allow_unicode=True), encoding="utf-8")
    return file


def make_staff(session: Session, role: str = "provider", *, name: str = "Clinique d'essai", territory=PARIS) -> dict:
    """Make the header of a key."""
    headers = bearer(make_key(session, role, name=name, territory=territory)[1])
    session.commit()
    return headers


def audited(session: Session, subject: str = "provider synthetic-centre") -> list[tuple[str, dict]]:
    """Give (action, details) of what the audit log holds of a subject, in its order."""
    session.expire_all()
    rows = session.scalars(select(AuditEntry).where(AuditEntry.subject == subject).order_by(AuditEntry.id))
    return [(row.action, row.details) for row in rows]
