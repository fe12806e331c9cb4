"""Makes organisations and their keys."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from citizen_api.core.db import Database
from citizen_api.core.problems import Problem
from citizen_api.people import actions, device_actions, queries
from citizen_api.people.models import StaffKey
from citizen_api.people.wishes import DEFAULT_PROFILE

NOW = datetime(2026, 11, 22, 21, 40, tzinfo=UTC)


def make_key(
    session: Session, role: str = "moderator", *, name: str = "Ville d'essai", territory: tuple = ("departement", "75")
) -> tuple[StaffKey, str]:
    """Make a key of an organisation, made when it is new; give its row and the key itself."""
    organisation = queries.organisation_named(session, name) or actions.create_organisation(
        session, name=name, territory=territory, now=NOW
    )
    return actions.issue_key(session, organisation=organisation, role=role, label="", now=NOW)


def bearer(key: str) -> dict[str, str]:
    """Make the header that carries a key."""
    return {"Authorization": f"Bearer {key}"}


POINT = "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"
"""The base point of P-256: a public key that is valid and nobody's."""
SECRET = "c3ludGhldGljLWF1dGgtMQ"


def make_device(client, **body) -> tuple[str, dict[str, str]]:
    """Make a device over HTTP; give its id and the header that carries its token."""
    made = client.post("/v1/devices", json=body).get_json()
    return made["id"], bearer(made["token"])


def make_webpush(**changed) -> dict:
    """Make a Web Push registration of a synthetic browser."""
    keys = {"p256dh": POINT, "auth": SECRET}
    return {"kind": "webpush", "endpoint": "https://push.example/synthetic-subscription", "keys": keys} | changed


def make_watch(**changed) -> dict:
    """Make a wish to be told of bad air in Paris 4e the evening before."""
    return {"commune": "75104", "hazard": "air", "level": 3, "when": "evening_before"} | changed


def store_device(database: Database) -> str:
    """Make a device without HTTP; give its id."""
    with database.session() as session:
        return device_actions.create_device(session, language="fr", profile=DEFAULT_PROFILE, now=NOW)[0]


def do_at_once(database: Database, *actions_: Callable[[Session], object]) -> list[object]:
    """Run each in a transaction of its own, all at the same time; give what each gave, or the problem's name."""
    start, got = threading.Barrier(len(actions_)), []

    def run(action):
        start.wait()
        try:
            with database.session() as session:
                got.append(action(session))
        except Problem as problem:
            got.append(problem.name)

    threads = [threading.Thread(target=run, args=[action]) for action in actions_]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got
