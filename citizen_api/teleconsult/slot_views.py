"""The route of the search for slots."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from citizen_api.care.present import emergency_view
from citizen_api.care.views import current_directory
from citizen_api.core.geo import check_position
from citizen_api.core.problems import PositionMissing, PositionOutOfRange, PositionSwapped, Unavailable
from citizen_api.sources.slot_records import MODALITIES
from citizen_api.teleconsult.apl import access_in
from citizen_api.teleconsult.beside import BESIDE_M, places_beside
from citizen_api.teleconsult.provider_queries import commune_at
from citizen_api.teleconsult.slot_present import SlotPresenter
from citizen_api.teleconsult.slot_problems import SlotsWindow
from citizen_api.teleconsult.slot_rules import Question, wants_remote_first, window_of
from citizen_api.teleconsult.slot_schemas import SlotsArgs, SlotsView
from citizen_api.teleconsult.slot_search import find_with_hidden, specialties_of
from citizen_api.territory import queries as territory_queries
from citizen_api.territory.clocks import zone_of
from citizen_api.territory.problems import CommuneUnknown, CommuneWithoutPosition
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.fields import check_one_place
from citizen_api.web.language import language
from citizen_api.web.notices import notice
from citizen_api.web.services import end_session, now, services, session

blp = Blueprint("teleconsult-slots", __name__, description="Slots of appointments, in person or by video.")
_SECTORS: Final = {"sector_1": {"1"}, "sector_1_or_optam": {"1", "2_optam"}}
_PARIS: Final = ZoneInfo("Europe/Paris")


@dataclass(frozen=True, slots=True)
class _Here:
    """Where a question stands, and its commune as far as that is known."""

    lat: float
    lon: float
    commune_code: str | None

    @property
    def zone(self) -> ZoneInfo:
        """Whose days count."""
        with suppress(ValueError):
            return zone_of(self.commune_code or "")
        return _PARIS


@blp.get("/v1/teleconsultations/slots")
@blp.arguments(SlotsArgs, location="query")
@blp.response(200, SlotsView)
@blp.limited("rate_limit_slots")
@blp.problems(PositionMissing, PositionOutOfRange, PositionSwapped, CommuneUnknown, CommuneWithoutPosition, SlotsWindow)
def slots(args: dict[str, Any]) -> dict[str, Any]:
    """Find slots that are free as far as is known, the soonest first; with a place, those by video count everywhere.

    At most three slots of one calendar. Where general practitioners are known to be short, and one of them may be what
    is looked for, booths and video stand first within each day, and the answer says why. The order is neutral: nobody
    can pay for a place. A link is given only by a handoff.
    """
    here = _here(args)
    starts_at, ends_at, cut = _window(args)
    access = access_in(here.commune_code) if here and here.commune_code else None
    question = _question(args, here, starts_at, ends_at, is_short=access is not None and access.is_short)
    found = find_with_hidden(session(), question, now(), services().settings)
    presenter = SlotPresenter(
        question=question,
        now=now(),
        settings=services().settings,
        lang=language(),
        access=access,
        commune_name=_commune_name(here) if question.remote_first else "",
    )
    items = presenter.items(found.offers, specialties_of(session(), found.offers))
    end_session(success=True)
    notices = [notice(code, **values) for code, values in presenter.notices(found.offers, hidden=found.hidden, cut=cut)]
    if "commune" in args:
        notices.append(notice("approximate_centroid"))
    return {
        "notices": notices,
        "items": items,
        "next": None,
        "beside": _beside(here, args["specialty"], presenter),
        "emergency": emergency_view(language(), short=True),
    }


def _here(args: dict[str, Any]) -> _Here | None:
    """Where the question stands; None: nowhere. Raises what is wrong with a place, or that one is needed."""
    if not {"lat", "lon", "commune"} & set(args) and args["order"] != "nearest":
        return None
    check_one_place(args)
    if "commune" in args:
        centre = territory_queries.position_of_commune(session(), args["commune"])
        return _Here(centre.lat, centre.lon, centre.code)
    lat, lon = args["lat"], args["lon"]
    check_position(lat=lat, lon=lon)
    return _Here(lat, lon, commune_at(session(), lat, lon))


def _window(args: dict[str, Any]) -> tuple[datetime, datetime, bool]:
    """From when until when, and whether that is less than was asked. Raises SlotsWindow."""
    starts_at = None if args["from"] == "now" else args["from"]
    ends_at = now() if args["until"] == "now" else args["until"]
    window = window_of(starts_at, ends_at, now=now())
    if window is None:
        raise SlotsWindow
    return window


def _question(
    args: dict[str, Any], here: _Here | None, starts_at: datetime, ends_at: datetime, *, is_short: bool
) -> Question:
    asked = args["modality"]
    sectors = [_SECTORS[wish] for wish in args["payment"] if wish in _SECTORS]
    by_time = args["order"] == "soonest"
    return Question(
        starts_s=int(starts_at.timestamp()) + bool(starts_at.microsecond),
        ends_s=int(ends_at.timestamp()) + bool(ends_at.microsecond),
        specialty=args["specialty"],
        modalities=tuple(modality for modality in MODALITIES if not asked or modality in asked),
        lat=here.lat if here else None,
        lon=here.lon if here else None,
        within_m=args["within_km"] * 1_000,
        order=args["order"],
        language=args["language"] and args["language"].lower(),
        sectors=tuple(sorted(set.intersection(*sectors))) if sectors else (),
        third_party="third_party" in args["payment"],
        audience=args["audience"],
        territories=_territories(here),
        remote_first=by_time
        and wants_remote_first(is_short=is_short, specialty=args["specialty"], chose_modality=bool(asked)),
        weak_network=args["network"] == "weak",
        zone=here.zone if here else _PARIS,
        limit=args["limit"],
    )


def _territories(here: _Here | None) -> frozenset[tuple[str, str]] | None:
    if here is None or here.commune_code is None:
        return None
    return frozenset(territory_queries.lies_in(session(), here.commune_code))


def _commune_name(here: _Here | None) -> str:
    if here is None or here.commune_code is None:
        return ""
    return territory_queries.find_commune(session(), here.commune_code).commune.name


def _beside(here: _Here | None, specialty: str | None, presenter: SlotPresenter) -> dict[str, Any] | None:
    """Places of care in person; None: not known. Slots are found though the directory should not be there."""
    if here is None:
        return None
    with suppress(Unavailable):
        found = places_beside(
            current_directory(), lat=here.lat, lon=here.lon, specialty=specialty, at=now(), lang=language()
        )
        text = presenter.label("beside" if found else "beside_none", distance=f"{BESIDE_M / 1_000:g}")
        return {"text": text, "items": found}
    return None
