"""Handoffs as plain data for the wire and for the pages, in the language of the request."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Response, json, request
from sqlalchemy.orm import Session

from citizen_api.air.hours import clock_of_commune
from citizen_api.care.present import emergency_view
from citizen_api.core.settings import Settings
from citizen_api.teleconsult import handoff_queries as queries
from citizen_api.teleconsult import handoff_rules as rules
from citizen_api.teleconsult.handoff_models import Handoff
from citizen_api.teleconsult.handoff_problems import SlotGone
from citizen_api.teleconsult.models import Provider
from citizen_api.teleconsult.slot_present import SlotPresenter
from citizen_api.teleconsult.slot_schemas import SlotView
from citizen_api.teleconsult.slot_search import specialties_of
from citizen_api.web.language import language
from citizen_api.web.notices import notice
from citizen_api.web.problems import problem_response
from content.catalogue import catalogue

DEMO: Final = "demo"
_SLOT: Final = SlotView()
_FRENCH: Final = "+33"
_FRENCH_LENGTH: Final = 12


def handoff_view(
    session: Session, handoff: Handoff, token: str, *, now: datetime, asked: bool = False
) -> dict[str, Any]:
    """All that its holder may know of a handoff. `asked`: reminders were asked for, so say why there are none."""
    provider = session.get_one(Provider, handoff.provider_id)
    state = rules.state_at(handoff.state, handoff.expires_at, now)
    link, spoken = f"{request.url_root}h/{token}", f"?lang={language()}"
    return {
        "id": handoff.id,
        "link": f"{link}{spoken}",
        "calendar": None if handoff.starts_s is None else f"{link}.ics{spoken}",
        "state": {"code": state, "text": say(f"state_{state}")},
        "history": queries.history(session, handoff),
        "expires_at": None if state in rules.ENDS else handoff.expires_at,
        "referral": handoff.referral,
        "provider": provider,
        "granularity": handoff.link and {"code": handoff.granularity, "text": say(f"opens_{handoff.granularity}")},
        "has_link": handoff.link is not None,
        "phone": phone_of(session, handoff, provider),
        "start": local(handoff.starts_s, handoff.territory_code),
        "end": local(handoff.ends_s, handoff.territory_code),
        "remind": handoff.remind,
        "notices": _notices(handoff, provider, state, asked=asked),
        "emergency": emergency_view(language(), short=True),
    }


def _notices(handoff: Handoff, provider: Provider, state: str, *, asked: bool) -> list[dict[str, str]]:
    said = []
    if provider.origin == DEMO:
        said.append(notice("handoff_demo"))
    if state in rules.ENDS:
        return [*said, notice("handoff_ended")]
    if state == rules.GONE:
        return [*said, notice("handoff_gone")]
    if handoff.link is None:
        said.append(notice("handoff_by_phone"))
    if asked and not handoff.remind:
        said.append(notice("handoff_no_reminders" if handoff.device_id else "handoff_no_device"))
    return said


def phone_of(session: Session, handoff: Handoff, provider: Provider) -> str | None:
    """The phone on which one may book what a handoff is for, as it is published now."""
    offer = queries.present_offer(session, handoff)
    return provider.phone if offer is None else offer.phone


def local(moment_s: int | None, territory_code: str) -> datetime | None:
    """A moment by the clock of its place."""
    if moment_s is None:
        return None
    return datetime.fromtimestamp(moment_s, UTC).astimezone(ZoneInfo(clock_of_commune(territory_code)))


def say(code: str, **values: object) -> str:
    """Say a label of handoffs."""
    return catalogue().booking["handoffs"][code].say(language(), **values)


def say_time(at: datetime) -> str:
    """Say a moment to a resident: “Monday 23 November, 9:40”."""
    day = say(f"day_{at.isoweekday()}")
    return say("moment", day=day, date=at.day, month=say(f"month_{at.month}"), hour=at.hour, minute=f"{at.minute:02d}")


def gone_response(session: Session, sought: queries.Sought, *, now: datetime, settings: Settings) -> Response:
    """The problem of a slot that is gone, with others as a search shows them (RFC 9457 lets a problem say more)."""
    offers = queries.instead(session, sought, now, settings)
    presenter = SlotPresenter(question=queries.question_of(sought, now), now=now, settings=settings, lang=language())
    why = {"code": "soonest", "text": say("why_instead")}
    items = [item | {"why": why} for item in presenter.items(offers, specialties_of(session, offers))]
    response = problem_response(SlotGone())
    body = response.get_json() | {"alternatives": _SLOT.dump(items, many=True)}
    response.set_data(json.dumps(body, ensure_ascii=False))
    return response


def say_phone(phone: str) -> str:
    """A phone as one reads it: French numbers in pairs."""
    if not phone.startswith(_FRENCH) or len(phone) != _FRENCH_LENGTH:
        return phone
    national = f"0{phone.removeprefix(_FRENCH)}"
    return " ".join(national[at : at + 2] for at in range(0, len(national), 2))
