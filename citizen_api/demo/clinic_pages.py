"""The web site of the demo clinics, a Flask app of its own: what they publish, and a page where nothing is booked.

It plays an outside service: its words are its own, and stand here rather than in `content`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from flask import Flask, Response, abort, render_template, request
from markupsafe import Markup

from citizen_api.core.clock import Clock
from citizen_api.demo import clinic_feed as feed
from citizen_api.demo.clinic_feed import LENGTH, PARIS, DemoCalendar, DemoSlot
from citizen_api.demo.clinic_state import TakenSlots, holder_of
from citizen_api.demo.clinic_webhooks import News, Tell, Told
from citizen_api.teleconsult.handoff_pages import STYLE
from citizen_api.teleconsult.webhook_schemas import CONFIRMED, MOVED
from content.catalogue import LANGUAGES, catalogue

MANIFEST: Final = "$bulk-publish"
KINDS: Final = ("Location", "Schedule", "Slot")
ACTIONS: Final[Mapping[str, str]] = {
    "confirm": CONFIRMED,
    "move": MOVED,
    "cancel": "booking.cancelled",
    "complete": "booking.completed",
}
ENDINGS: Final = ("cancel", "complete")
"""Actions after which there is nothing more to tell."""
HOURS_MOST: Final = 23
_HOURS: Final = re.compile(r"[0-9]{1,2}")
"""So many times an appointment may be moved by an hour."""
_LENGTH_MOST: Final = 200
_FORM_BYTES: Final = 4_096
_STYLE: Final = STYLE + (
    "button{margin:.75rem 0}button.second{background:transparent;color:inherit;border:2px solid currentColor}"
    ".answer{border:2px solid currentColor;border-radius:.75rem;padding:.5rem 1rem;margin:1rem 0}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "fr": {
        "title": "Réservation de démonstration",
        "demo": "DÉMO : rien n'est réservé ici et personne ne vous attend. Ce prestataire est fictif.",
        "gone": "Ce créneau n'est plus libre",
        "unknown": "Ce créneau n'existe pas",
        "no_referral": "Vous êtes venu sans passer par Alentours : il n'y a personne à prévenir.",
        "buttons": "Chaque bouton envoie à Alentours un message signé, comme ferait un vrai prestataire.",
        "confirm": "Confirmer le rendez-vous",
        "move": "Déplacer d'une heure",
        "cancel": "Annuler le rendez-vous",
        "complete": "Le rendez-vous a eu lieu",
        "cancel_done": "Le rendez-vous est annulé : il n'y a plus rien à faire ici.",
        "complete_done": "Le rendez-vous a eu lieu : il n'y a plus rien à faire ici.",
        "sent": "Message envoyé :",
        "silent": "Alentours n'a pas répondu.",
        "accepted": "Alentours a pris note.",
        "refused": "Alentours a refusé :",
        "other": "English",
    },
    "en": {
        "title": "Demo booking",
        "demo": "DEMO: nothing is booked here and nobody expects you. This provider is made up.",
        "gone": "This slot is no longer free",
        "unknown": "There is no such slot",
        "no_referral": "You did not come by way of Alentours: there is nobody to tell.",
        "buttons": "Each button sends Alentours a signed message, as a real provider would.",
        "confirm": "Confirm the appointment",
        "move": "Move it by one hour",
        "cancel": "Cancel the appointment",
        "complete": "The appointment took place",
        "cancel_done": "The appointment is cancelled: there is nothing more to do here.",
        "complete_done": "The appointment took place: there is nothing more to do here.",
        "sent": "Message sent:",
        "silent": "Alentours did not answer.",
        "accepted": "Alentours took note.",
        "refused": "Alentours refused:",
        "other": "Français",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinics:
    """All that the site needs: its calendars, which slots were taken by hand, the clock, and how Alentours is told."""

    calendars: Sequence[DemoCalendar]
    taken: TakenSlots
    clock: Clock
    tell: Tell

    def of(self, provider_id: str) -> list[DemoCalendar]:
        """The calendars of a provider."""
        return [calendar for calendar in self.calendars if calendar.provider_id == provider_id]

    def act(self, slot: DemoSlot, referral: str, action: str, *, start: datetime, language: str) -> Told:
        """Tell Alentours what became of a booking; what it accepts is so."""
        says_when = action in ("confirm", "move")
        news = News(ACTIONS[action], referral, *((start, start + LENGTH) if says_when else ()))
        told = self.tell(slot.calendar.provider_id, news, language)
        if told.is_taken and says_when:
            self.taken.take(slot.id, referral)
        elif told.is_taken and action == "cancel" and self.taken.holders().get(slot.id) == holder_of(referral):
            self.taken.free(slot.id)
        return told


def make_site(clinics: Clinics) -> Flask:
    """Make the site."""
    site = Flask(__name__, static_folder=None)
    site.config["MAX_CONTENT_LENGTH"] = _FORM_BYTES

    @site.get(f"/<provider_id>/{MANIFEST}")
    def manifest(provider_id: str) -> Response:
        now = clinics.clock()
        if not clinics.of(provider_id):
            abort(404)
        addresses = {kind: f"{request.url_root}{provider_id}/{kind}.ndjson" for kind in KINDS}
        body = feed.manifest(addresses, f"{request.url_root}{provider_id}/{MANIFEST}", now)
        # It says when it was made: what it stands for changes by the minute, and with what is taken by hand.
        stands_for = f"{now:%Y-%m-%dT%H:%M} {sorted(clinics.taken.holders())}"
        return _published(body, "application/json", stands_for.encode())

    @site.get(f"/<provider_id>/<any({','.join(KINDS)}):kind>.ndjson")
    def file(provider_id: str, kind: str) -> Response:
        calendars = clinics.of(provider_id)
        if not calendars:
            abort(404)
        if kind == "Slot":
            body = feed.slots(calendars, clinics.clock(), taken=clinics.taken.holders())
        else:
            body = {"Location": feed.locations, "Schedule": feed.schedules}[kind](calendars)
        return _published(body, "application/fhir+ndjson", body)

    @site.route("/booking", methods=["GET", "POST"])
    def booking() -> Response:
        return _booking(clinics, request.values.to_dict(), is_post=request.method == "POST")

    return site


def _published(body: bytes, kind: str, stands_for: bytes) -> Response:
    response = Response(body, mimetype=kind)
    response.set_etag(hashlib.blake2b(stands_for, digest_size=16).hexdigest())
    response.make_conditional(request)
    return response


def _booking(clinics: Clinics, asked: Mapping[str, str], *, is_post: bool) -> Response:
    language = _language(asked.get("lang"))
    referral = _referral(asked.get("booking-referral", ""))
    slot = feed.find_slot(clinics.calendars, asked.get("slot", "")[:_LENGTH_MOST], clinics.clock())
    if slot is None:
        return _page(language, status=404, heading="unknown")
    holder = clinics.taken.holders().get(slot.id)
    if (holder is None and not slot.is_free) or (holder is not None and holder != holder_of(referral)):
        return _page(language, status=410, heading="gone", slot=slot)
    hours, told, action = _hours(asked.get("hours", "")), None, asked.get("action", "")
    ending = asked.get("ending", "")
    if is_post and referral and action in ACTIONS:
        moved = min(hours + 1, HOURS_MOST) if action == "move" else hours
        start = slot.start + timedelta(hours=moved)
        told = clinics.act(slot, referral, action, start=start, language=language)
        if told.is_taken:
            hours, ending = moved, action
    return _page(language, slot=slot, referral=referral, hours=hours, told=told, action=action, ending=ending)


def _page(
    language: str,
    *,
    status: int = 200,
    heading: str = "title",
    slot: DemoSlot | None = None,
    referral: str = "",
    hours: int = 0,
    told: Told | None = None,
    action: str = "",
    ending: str = "",
) -> Response:
    words = _WORDS[language]
    is_over = ending in ENDINGS
    body = render_template(
        "demo_booking.html",
        lang=language,
        style=Markup(_STYLE),  # noqa: S704 - a constant
        words=words,
        heading=words[heading],
        about=None if slot is None else _about(slot, hours, language),
        slot_id=slot.id if slot else "",
        referral=referral,
        has_form=slot is not None and status == HTTPStatus.OK,
        hours=hours,
        actions=[(name, words[name]) for name in ACTIONS],
        told=told,
        message=ACTIONS.get(action, ""),
        ending=ending if is_over else "",
        over=words[f"{ending}_done"] if is_over else "",
        other=next(each for each in LANGUAGES if each != language),
    )
    response = Response(body, status=status)
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _about(slot: DemoSlot, hours: int, language: str) -> dict[str, Any]:
    """What is said of an appointment, moved by so many hours."""
    start, place, names = slot.start + timedelta(hours=hours), slot.calendar.place, catalogue().booking["names"]
    at = start.astimezone(PARIS)
    return {
        "when": _say_time(at, language),
        "what": names[slot.calendar.specialty].say(language),
        "where": None if place is None else f"{place.name}, {place.street}, {place.postcode} Paris",
    }


def _say_time(at: datetime, language: str) -> str:
    labels = catalogue().booking["handoffs"]
    day, month = (labels[code].say(language) for code in (f"day_{at.isoweekday()}", f"month_{at.month}"))
    return labels["moment"].say(language, day=day, date=at.day, month=month, hour=at.hour, minute=f"{at.minute:02d}")


def _language(asked: str | None) -> str:
    return asked if asked in LANGUAGES else request.accept_languages.best_match(LANGUAGES, LANGUAGES[0])


def _referral(said: str) -> str:
    try:
        return str(UUID(said))
    except ValueError:
        return ""


def _hours(said: str) -> int:
    return min(int(said), HOURS_MOST) if _HOURS.fullmatch(said) else 0
