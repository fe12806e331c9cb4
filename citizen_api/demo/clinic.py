"""The demo city's clinics: made-up practices, booths and video doctors, published over loopback.

`serve --demo` chooses one port for them and tells it to its workers and to the background process, which serves there
and reads them with the usual reader; only at that origin may a demo provider's slots be booked.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

import httpx
from flask import Flask
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session
from werkzeug.serving import WSGIRequestHandler, make_server

from citizen_api.care.models import Facility, FacilityCategory, FacilityIdentifier
from citizen_api.core.clock import Clock
from citizen_api.core.db import Database, changed_rows
from citizen_api.core.outgoing import allow_origin, forget_origin, make_client
from citizen_api.core.settings import Settings
from citizen_api.demo.clinic_feed import DemoCalendar, DemoPlace
from citizen_api.demo.clinic_pages import MANIFEST, Clinics, make_site
from citizen_api.demo.clinic_state import TakenSlots
from citizen_api.demo.clinic_webhooks import teller
from citizen_api.demo.publishers import HOST, LoopbackServer
from citizen_api.teleconsult.feed_sync import Turn, keeper_of
from citizen_api.teleconsult.links import allow_demo_origin, forget_demo_origin
from citizen_api.teleconsult.models import Feed, Provider
from citizen_api.teleconsult.provider_actions import add_webhook_secret
from citizen_api.teleconsult.provider_rules import DEMO
from citizen_api.teleconsult.slot_ids import read_slot_code
from citizen_api.teleconsult.slot_offers import offer_of

PORT_VARIABLE: Final = "_DEMO_CLINIC_PORT"
"""Not a setting: `serve --demo` tells its own processes."""
PRACTICES, BOOTHS, VIDEO = "demo-practices", "demo-booths", "demo-video"
SOURCE: Final = "Ville de démonstration (rendez-vous fictifs)"
_BOOTH_COMMUNES: Final = ("75101", "75102", "75103", "75104")
_SQUARES: Final = (
    DemoPlace(
        code="marais",
        name="Démo : cabinet fictif du Marais",
        street="Place des Vosges",
        postcode="75004",
        lat=48.8556,
        lon=2.3655,
    ),
    DemoPlace(
        code="halles",
        name="Démo : maison de santé fictive des Halles",
        street="Place Joachim du Bellay",
        postcode="75001",
        lat=48.8606,
        lon=2.3480,
    ),
    DemoPlace(
        code="chatelet",
        name="Démo : centre de vaccination fictif du Châtelet",
        street="Place du Châtelet",
        postcode="75001",
        lat=48.8575,
        lon=2.3473,
    ),
)
_AT_SQUARES: Final = (
    ("marais", "general-practice"),
    ("marais", "paediatrics"),
    ("halles", "general-practice"),
    ("halles", "dermatology"),
    ("halles", "midwifery"),
    ("chatelet", "vaccination"),
)
_BY_VIDEO: Final = ("general-practice", "paediatrics", "dermatology", "midwifery")
_SAID: Final[dict[str, Any]] = {
    "origin": DEMO,
    "organisation_id": None,
    "audience": "everybody",
    "allowed_domains": [],
    "granularity": "slot",
    "phone": None,
    "territory_kind": "country",
    "territory_code": None,
    "source": SOURCE,
    "retired_at": None,
}
_PROVIDERS: Final[dict[str, dict[str, Any]]] = {
    PRACTICES: {
        "kind": "practice",
        "name": "Démo : cabinets fictifs du centre de Paris",
        "modalities": ["practice"],
        "specialties": ["general-practice", "paediatrics", "dermatology", "midwifery", "vaccination"],
        "languages": ["fr", "en"],
        "sector": "1",
        "third_party": True,
        "have_ready": ["carte_vitale", "prescriptions"],
    },
    BOOTHS: {
        "kind": "booth",
        "name": "Démo : cabines fictives en pharmacie",
        "modalities": ["assisted"],
        "specialties": ["general-practice", "dermatology"],
        "languages": ["fr"],
        "sector": "1",
        "third_party": True,
        "have_ready": ["carte_vitale"],
    },
    VIDEO: {
        "kind": "platform",
        "name": "Démo : téléconsultations fictives",
        "modalities": ["video"],
        "specialties": list(_BY_VIDEO),
        "languages": ["fr", "en", "es"],
        "sector": "2_optam",
        "third_party": False,
        "have_ready": ["carte_vitale", "payment_card", "camera", "quiet_place"],
    },
}


def choose_clinic_port() -> int:
    """Choose a free port for the demo clinics, and tell it to every process that this one starts."""
    with socket.create_server((HOST, 0)) as found:
        port: int = found.getsockname()[1]
    os.environ[PORT_VARIABLE] = str(port)
    return port


def clinic_port() -> int | None:
    """The port that was chosen; None without --demo."""
    said = os.environ.get(PORT_VARIABLE, "")
    return int(said) if said.isascii() and said.isdigit() else None


def allow_clinic_from_environment() -> None:
    """Let this process hand over to the demo clinics, and ask them again at a click, if there are any."""
    if (port := clinic_port()) is not None:
        allow_demo_origin(_origin(port))
        allow_origin(HOST, port)


def forget_clinic_from_environment() -> None:
    """Take `choose_clinic_port` and `allow_clinic_from_environment` back."""
    if (port := clinic_port()) is not None:
        forget_demo_origin(_origin(port))
        forget_origin(HOST, port)
        del os.environ[PORT_VARIABLE]


def demo_calendars(session: Session) -> list[DemoCalendar]:
    """Every calendar of the demo clinics: booths only where the sample has pharmacies."""
    squares = {place.code: place for place in _SQUARES}
    return [
        *(
            DemoCalendar(
                code=f"{code}-{specialty}",
                provider_id=PRACTICES,
                specialty=specialty,
                modality="practice",
                place=squares[code],
            )
            for code, specialty in _AT_SQUARES
        ),
        *(
            DemoCalendar(
                code=f"{place.code}-{specialty}",
                provider_id=BOOTHS,
                specialty=specialty,
                modality="assisted",
                place=place,
            )
            for place in _booths(session)
            for specialty in ("general-practice", "dermatology")
        ),
        *(
            DemoCalendar(
                code=f"video-{specialty}", provider_id=VIDEO, specialty=specialty, modality="video", is_late=True
            )
            for specialty in _BY_VIDEO
        ),
    ]


def keep_demo_providers(session: Session, calendars: Sequence[DemoCalendar], *, port: int, now: datetime) -> None:
    """Have the providers of calendars in the tables, their feeds at this port and due now, with a secret each."""
    for provider_id in sorted({calendar.provider_id for calendar in calendars}):
        facts = _PROVIDERS[provider_id]
        row = session.get(Provider, provider_id) or Provider(id=provider_id, webhook_secrets=[])
        said = _SAID | facts | {"as_of": now.date(), "updated_at": now}
        said["link_template"] = f"{_origin(port)}/booking?slot={{slot}}"
        for name, value in said.items():
            setattr(row, name, value)
        session.add(row)
        session.flush()
        if not row.webhook_secrets:
            add_webhook_secret(session, row)
        known = session.scalar(select(Feed).where(Feed.name == provider_id))
        kept = known or Feed(name=provider_id, provider_id=provider_id, kind="smart")
        kept.url = f"{_origin(port)}/{provider_id}/{MANIFEST}"
        kept.next_try_at = None  # whatever an earlier run waits for
        session.add(kept)


def forget_demo_clinic(database: Database, settings: Settings) -> None:
    """Without --demo nothing of it exists: providers go with all that hangs on them, and what was taken by hand."""
    with database.session() as session:
        session.execute(delete(Provider).where(Provider.origin == DEMO))
    TakenSlots(settings.data_dir).clear()


class ClinicServer(LoopbackServer):
    """Loopback HTTP server of the demo clinics."""

    def __init__(self, site: Flask, port: int = 0) -> None:
        # Bound here: werkzeug would end the program if the port is taken.
        with socket.create_server((HOST, port)) as bound:
            taken: int = bound.getsockname()[1]
            server = make_server(HOST, taken, site, threaded=True, request_handler=_Silent, fd=bound.fileno())
        super().__init__(server, port=taken)


class _Silent(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """Say nothing: the server's log has one format."""


@contextmanager
def serving_demo_clinic(
    settings: Settings, database: Database, client: httpx.Client, clock: Clock
) -> Iterator[list[Callable[[], list[Turn]]]]:
    """Publish while a block runs, and give the turns that read it."""
    with database.session(write=False) as session:
        calendars = demo_calendars(session)
    clinics = Clinics(
        calendars=calendars,
        taken=TakenSlots(settings.data_dir),
        clock=clock,
        tell=teller(database, clock, port=settings.port),
    )
    with ClinicServer(make_site(clinics), clinic_port() or 0) as server:
        with database.session() as session:
            keep_demo_providers(session, calendars, port=server.port, now=clock())
        keeper = keeper_of(settings, database, client, clock)

        def turn() -> list[Turn]:
            with database.session(write=False) as session:
                due = _due_feeds(session, clock())
            turns = (keeper.read_feed(feed_id) for feed_id in due)
            return [each for each in turns if each is not None]

        yield [turn]


def read_demo_clinic(settings: Settings, database: Database, clock: Clock) -> list[Turn]:
    """Publish and read once, so that a start finds slots of the coming week."""
    with (
        make_client(settings) as client,
        serving_demo_clinic(settings, database, client, clock) as (turn,),
    ):
        return turn()


def count_demo_slots(session: Session) -> int:
    """How many slots of the demo clinics are known."""
    demo = select(func.sum(Feed.slots)).join(Provider, Provider.id == Feed.provider_id)
    return session.scalar(demo.where(Provider.origin == DEMO)) or 0


def ask_clinics_again(database: Database, asked_at: datetime) -> bool:
    """Have the running demo city read its clinics at its next tick; False where none ran since it was forgotten."""
    demo = select(Provider.id).where(Provider.origin == DEMO)
    with database.session() as session:
        asked = update(Feed).where(Feed.provider_id.in_(demo)).values(next_try_at=asked_at)
        return changed_rows(session.execute(asked)) > 0


def clinics_were_read(database: Database, since: datetime) -> bool:
    """Whether every demo feed was read in a reading that began at `since` or later."""
    unread = (
        select(func.count())
        .select_from(Feed)
        .join(Provider, Provider.id == Feed.provider_id)
        .where(Provider.origin == DEMO, or_(Feed.checked_at.is_(None), Feed.checked_at < since))
    )
    with database.session(write=False) as session:
        return session.scalar(unread) == 0


def published_id(session: Session, code: str) -> str | None:
    """The name that a demo clinic gives to a slot, by its public name; None where it is none of theirs that is free."""
    ids = read_slot_code(code)
    offer = offer_of(session, *ids) if ids else None
    return None if offer is None or offer.provider.origin != DEMO else offer.slot.source_id


def _due_feeds(session: Session, now: datetime) -> Sequence[int]:
    due = or_(Feed.next_try_at.is_(None), Feed.next_try_at <= now)
    query = select(Feed.id).join(Provider, Provider.id == Feed.provider_id).where(Provider.origin == DEMO, due)
    return session.scalars(query.order_by(Feed.id)).all()


def _booths(session: Session) -> Iterator[DemoPlace]:
    """A pharmacy of each arrondissement in the middle of Paris: the one with the lowest FINESS number."""
    for commune in _BOOTH_COMMUNES:
        row = session.execute(
            select(
                Facility.name, Facility.street, Facility.postcode, Facility.lat, Facility.lon, FacilityIdentifier.value
            )
            .join(FacilityCategory, FacilityCategory.facility_id == Facility.id)
            .join(FacilityIdentifier, FacilityIdentifier.facility_id == Facility.id)
            .where(
                FacilityCategory.category == "pharmacy",
                FacilityIdentifier.scheme == "finess",
                Facility.commune_code == commune,
                Facility.closed_at.is_(None),
                Facility.lat.is_not(None),
            )
            .order_by(FacilityIdentifier.value)
            .limit(1)
        ).first()
        if row is not None:
            yield DemoPlace(
                code=f"booth-{commune}",
                name=f"Démo : cabine fictive, {row.name}",
                street=row.street or "",
                postcode=row.postcode or "",
                lat=row.lat,
                lon=row.lon,
                finess=row.value,
            )


def _origin(port: int) -> str:
    return f"http://{HOST}:{port}"
