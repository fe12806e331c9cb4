"""Slots as plain data for the wire, in one language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from citizen_api.core.geo import distance_m
from citizen_api.core.settings import Settings
from citizen_api.sources.specialties import OTHER
from citizen_api.teleconsult.apl import SHORT_BELOW, Access
from citizen_api.teleconsult.feed_rules import Freshness, freshness
from citizen_api.teleconsult.provider_present import age_said, provider_label
from citizen_api.teleconsult.provider_rules import DEMO
from citizen_api.teleconsult.slot_offers import Offer
from citizen_api.teleconsult.slot_rules import ANYWHERE, Question, granularity_of
from citizen_api.territory.clocks import zone_of
from content.catalogue import catalogue

_PARIS: Final = ZoneInfo("Europe/Paris")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
Notice = tuple[str, dict[str, object]]
"""A key of the words, and what fills its placeholders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotPresenter:
    """Says slots in answer to one question. `access`, `commune_name`: of where it stands, as far as it is known."""

    question: Question
    now: datetime
    settings: Settings
    lang: str
    access: Access | None = None
    commune_name: str = ""

    def items(self, offers: Sequence[Offer], specialties: Mapping[int, Sequence[str]]) -> list[dict[str, Any]]:
        """Give what SlotView dumps, for each; `specialties` of each calendar, by its id."""
        return [self._item(offer, specialties[offer.schedule.id], rank) for rank, offer in enumerate(offers, start=1)]

    def notices(self, offers: Sequence[Offer], *, hidden: int, cut: bool) -> list[Notice]:
        """What must be said beside the slots. `hidden`: publishers left out; `cut`: the end was put earlier."""
        question = self.question
        notices: list[Notice] = []
        if any(offer.provider.origin == DEMO for offer in offers):
            notices.append(("demo_slots", {}))
        if question.remote_first and self.access is not None:
            threshold = self._number(SHORT_BELOW, 1)
            notices.append(
                ("slots_few_doctors", {"commune": self.commune_name, "threshold": threshold, **self._figure()})
            )
        if question.weak_network:
            notices.append((self._weak_notice(offers), {}))
        if offers:
            notices.append(("slots_may_be_gone", {}))
        elif question.has_place:
            notices.append(("slots_none_near", {"distance": f"{question.within_m / 1_000:g}"}))
        else:
            notices.append(("slots_none", {}))
        if any(self._freshness(offer).state != "fresh" for offer in offers):
            notices.append(("slots_stale", {}))
        if hidden:
            hours = self._number(self.settings.teleconsult_hidden_s / 3_600, 0)
            notices.append(("slots_hidden", {"hours": hours, "count": hidden}))
        if question.language or question.sectors or question.third_party:
            notices.append(("slots_known_wishes", {}))
        if cut:
            notices.append(("slots_cut", {}))
        return notices

    def _weak_notice(self, offers: Sequence[Offer]) -> str:
        """The words for a weak network. A booth stands before video: where the answer shows none, none is known."""
        is_all_video = bool(offers) and all(offer.schedule.modality == ANYWHERE for offer in offers)
        looked_for_booths = "assisted" in self.question.modalities
        return "slots_weak_no_booth" if is_all_video and looked_for_booths else "slots_weak_network"

    def _item(self, offer: Offer, specialties: Sequence[str], rank: int) -> dict[str, Any]:
        slot, provider, zone = offer.slot, offer.provider, _zone(offer)
        specialty = self.question.specialty or next(iter(specialties), OTHER)
        return {
            "id": offer.code,
            "start": _moment(slot.start_s, zone),
            "end": _moment(slot.end_s, zone),
            "duration_s": slot.end_s - slot.start_s,
            "specialty": self._named(specialty),
            "modality": self._named(offer.schedule.modality),
            "provider": {"id": provider.id, "name": provider.name, "kind": provider.kind},
            "place": self._place(offer),
            "languages": offer.languages,
            "payment": self._payment(offer),
            "audience": self._named(offer.audience),
            "capacity": slot.capacity,
            "granularity": self._granularity(offer),
            "phone": offer.phone,
            "freshness": self._said_freshness(offer),
            "is_demo": provider.origin == DEMO,
            "why": self._why(offer, rank),
        }

    def _place(self, offer: Offer) -> dict[str, Any] | None:
        place = offer.place
        if place is None:
            return None
        return {
            "name": place.name,
            "address": place.address,
            "city": place.city,
            "commune": place.commune_code,
            "lat": place.lat,
            "lon": place.lon,
            "distance_m": self._distance_m(offer),
        }

    def _distance_m(self, offer: Offer) -> float | None:
        lat, lon, place = self.question.lat, self.question.lon, offer.place
        if lat is None or lon is None or place is None or place.lat is None or place.lon is None:
            return None
        if offer.schedule.modality == ANYWHERE:
            return None
        return round(distance_m(lat=lat, lon=lon, to_lat=place.lat, to_lon=place.lon), 1)

    def _payment(self, offer: Offer) -> dict[str, Any]:
        said = []
        if offer.sector is not None:
            said.append(self._named(f"sector_{offer.sector}")["text"])
        if offer.third_party is not None:
            said.append(provider_label("pay_nothing_ahead" if offer.third_party else "pay_ahead", self.lang))
        words = provider_label("pay_known", self.lang, said=", ".join(said))
        return {
            "sector": offer.sector,
            "third_party": offer.third_party,
            "text": words if said else provider_label("pay_unknown", self.lang),
        }

    def _granularity(self, offer: Offer) -> dict[str, str] | None:
        if offer.link is None:
            return None
        code = granularity_of(
            offer.provider.granularity,
            own_link=offer.slot.link is not None,
            calendar_link=offer.schedule.link is not None,
            names_slot="{slot}" in (offer.provider.link_template or ""),
        )
        return {"code": code, "text": provider_label(f"granularity_{code}", self.lang)}

    def _freshness(self, offer: Offer) -> Freshness:
        return freshness(
            offer.feed.checked_at,
            offer.schedule.synced_at,
            self.now,
            stale_s=self.settings.teleconsult_stale_s,
            hidden_s=self.settings.teleconsult_hidden_s,
            gone_rate=offer.feed.gone_rate,
        )

    def _said_freshness(self, offer: Offer) -> dict[str, Any]:
        found = self._freshness(offer)
        code = {"old": "confirmed_old", "often_gone": "confirmed_often_gone"}.get(found.reason or "", "confirmed")
        age_s = found.age_s or 0
        return {
            "confirmed_at": offer.confirmed_at,
            "age_s": age_s,
            "state": found.state,
            "text": self.label(code, age=age_said(timedelta(seconds=age_s), self.lang)),
        }

    def _why(self, offer: Offer, rank: int) -> dict[str, str]:
        question = self.question
        code, values = "soonest", {}
        if question.order == "nearest":
            code = "nearest"
        elif question.weak_network and (offer.schedule.modality == ANYWHERE or not question.remote_first):
            code = "weak_network"
        elif question.remote_first:
            code, values = "few_doctors", self._figure()
        return {"code": code, "text": self.label(f"why_{code}", rank=rank, **values)}

    def _figure(self) -> dict[str, object]:
        """The access to general practitioners, to the digit that keeps it on its side of the threshold; what rises."""
        if self.access is None:
            return {}
        return {
            "consultations": self._number(self.access.consultations, 2),
            "year": self.access.year,
            "first": self.label("first_booths" if self.question.weak_network else "first_booths_and_video"),
        }

    def _number(self, value: float, digits: int) -> str:
        written = f"{value:.{digits}f}"
        return written.replace(".", ",") if self.lang == "fr" else written

    def _named(self, code: str) -> dict[str, str]:
        return {"code": code, "text": catalogue().booking["names"][code].say(self.lang)}

    def label(self, code: str, **values: object) -> str:
        """Say a label of `slots.yaml`."""
        return catalogue().booking["slots"][code].say(self.lang, **values)


def _zone(offer: Offer) -> ZoneInfo:
    """The clock of the commune of the place; that of Paris where it is not known, and by video."""
    try:
        return zone_of(offer.territory_code)
    except ValueError:
        return _PARIS


def _moment(at_s: int, zone: ZoneInfo) -> datetime:
    return (_EPOCH + timedelta(seconds=at_s)).astimezone(zone)
