"""Slots in FHIR R4 bundles, as the French guide for the Service d'Accès aux Soins shapes them.

Written from the ANS's guide "Service d'Accès aux Soins" (repository ansforge/IG-fhir-service-acces-aux-soins: the pages
on searching slots of single practitioners, CPTS and SOS Médecins, the questions and answers, the profiles
FrSlotAgregateur, FrPractitionerRoleExerciceAgregateur and FrLocationAgregateurSOS, and their examples); no publisher's
answer was at hand.

Confirmed there: AMB, HH, VR in `serviceType` (several for one slot; reasons as free text beside them); ROUTINE and
WALKIN (without appointment) in `appointmentType`; PUBLIC, PRO, SNP, CPTS in `meta.security` (several too); in `comment`
the address of the practitioner's agenda, not of the slot; specialties by TRE_R38 or as free text; a Schedule for each
place, whose actors are a Practitioner and a PractitionerRole that contains its Location, or (SOS Médecins) a Location;
national numbers of places under urn:oid:1.2.250.1.71.4.2.2, where a leading 1 says that a FINESS number follows.

Not in that guide: the sector of convention. It is read as the ANS's guide "Annuaire Santé" has it on a PractitionerRole
(extensions as-ext-practitionerrole-contracted with codes of TRE_R282, and -hascas for OPTAM). Its "with excess fees" is
neither our sector 1 nor our sector 2, and says nothing. The guide's examples hold no positions, languages or INSEE
codes: these are read as FHIR R4 and FR Core have them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from citizen_api.sources.air_values import moment, text_of
from citizen_api.sources.fhir_bundles import (
    Bundle,
    Given,
    Resource,
    Shelf,
    codings,
    extensions,
    position,
    things,
)
from citizen_api.sources.phones import booking_phone
from citizen_api.sources.practices import parse_languages
from citizen_api.sources.readable import readable_city, readable_street
from citizen_api.sources.records import BadRowError, RejectedRow, parse_commune_code, required_finess
from citizen_api.sources.slot_links import link_in
from citizen_api.sources.slot_records import ID_LENGTH, Modality, PlaceRecord, ScheduleRecord, Sector, SlotRecord
from citizen_api.sources.slot_source import SlotItem, UnreadablePublisherError
from citizen_api.sources.specialties import OTHER, SPECIALTIES, specialties_of

PUBLIC: Final = "PUBLIC"
"""The only slots that are for residents: others are for doctors, regulators or a local group of them."""
WALK_IN: Final = "WALKIN"
ROUTINE: Final = "ROUTINE"
LONGEST_S: Final = 31 * 86_400
"""A longer slot is a fault."""
_MODALITIES: Final[dict[str, Modality]] = {"AMB": "practice", "HH": "home", "VR": "video"}
_SECTORS: Final[dict[str, Sector]] = {"c1": "1", "1": "1", "c3": "2", "3": "2", "nc": "none", "0": "none"}
"""TRE_R282-CNAMAmeliSecteurConventionnement: its codes until September 2026, and those since."""
_LEADS_TO: Final = {
    "Schedule": ("actor",),
    "PractitionerRole": ("practitioner", "location", "healthcareService", "organization"),
    "HealthcareService": ("location", "providedBy"),
    "Location": ("managingOrganization",),
}
_BELONGING_MOST: Final = 50
_STRUCTURE: Final = "urn:oid:1.2.250.1.71.4.2.2"
_FINESS_PREFIX: Final = "1"
_PLACES: Final = ("Location", "HealthcareService", "Organization")
_SAID_LENGTH: Final = 50
"""Of what is searched for a number or a language: longer texts are neither."""
_SEVERE: Final = frozenset({"error", "fatal"})
_NOT_FOR_THE_PUBLIC: Final = frozenset({"home", "mobile", "old"})


@dataclass(frozen=True, slots=True)
class _Draft:
    """A slot as it was written, before it is known what its calendar offers."""

    slot_id: str
    calendar: _Calendar
    modalities: tuple[Modality, ...]
    is_free: bool
    start_s: int
    end_s: int
    link: str | None


@dataclass(slots=True)
class _Calendar:
    """A Schedule with what belongs to it. `named`: specialties of its slots so far; `said`: its records so far."""

    source_id: str
    belonging: list[Resource]
    place: PlaceRecord | None
    own: set[str]
    named: dict[Modality, set[str]] = field(default_factory=dict)
    said: dict[Modality, ScheduleRecord] = field(default_factory=dict)


class SlotReader:
    """Reads the pages of one search in their order.

    A calendar is said once, and again when a later page shows that it offers more.
    """

    def __init__(self) -> None:
        self._shelf = Shelf()
        self._calendars: dict[str, _Calendar] = {}
        self._places: set[str] = set()
        self._row = 0
        self._is_broken = False

    def read(self, bundle: Bundle) -> Iterator[SlotItem]:
        """Give what a page says. Raises TooLargeError."""
        for full_url, data in bundle.entries:
            if text_of(data.get("resourceType")) not in {"Slot", "OperationOutcome"}:
                self._shelf.put(full_url, data)
        drafts: list[_Draft] = []
        for full_url, data in bundle.entries:
            self._row += 1
            try:
                drafts += self._drafts(full_url, data)
            except BadRowError as error:
                # Not the entry itself: it may name a person, or what they came for.
                yield RejectedRow(self._row, str(error), text_of(data.get("id"))[:ID_LENGTH])
        for draft in drafts:
            yield from self._records(draft)

    def check_whole(self) -> None:
        """Raise UnreadablePublisherError where a page said that something failed: what it lacks is not gone."""
        if self._is_broken:
            raise UnreadablePublisherError("the publisher says that a part of its search failed")

    def _drafts(self, full_url: str, data: Given) -> Iterator[_Draft]:
        kind = data.get("resourceType")
        if kind == "OperationOutcome":
            issues = things(data.get("issue"))
            self._is_broken |= any(text_of(issue.get("severity")).lower() in _SEVERE for issue in issues)
            raise BadRowError("outcome", "The publisher says that something went wrong.")
        if kind != "Slot":
            return
        _check_for_residents(data)
        slot_id = text_of(data.get("id")) or full_url
        if not 0 < len(slot_id) <= ID_LENGTH - len("|practice"):
            raise BadRowError("bad_id", "The slot has no id, or too long a one.")
        start_s, end_s = _span(data)
        calendar = self._calendar(data, slot_id)
        modalities = _modalities(data, calendar)
        link = link_in(text_of(data.get("comment")))
        named = set(specialties_of(_offered(data))) - {OTHER}
        for modality in modalities:
            calendar.named.setdefault(modality, set()).update(named)
        yield _Draft(slot_id, calendar, modalities, data.get("status") == "free", start_s, end_s, link)

    def _calendar(self, slot: Given, slot_id: str) -> _Calendar:
        schedule = self._shelf.find(slot.get("schedule"), slot, f"Slot/{slot_id}")
        if schedule is None or schedule.kind != "Schedule":
            raise BadRowError("no_schedule", "The calendar of the slot is not in the bundle.")
        if known := self._calendars.get(schedule.key):
            return known
        source_id = schedule.key.removeprefix("Schedule/")
        if len(source_id) > ID_LENGTH - len("|practice"):
            raise BadRowError("bad_id", "The calendar has too long an id.")
        belonging = self._shelf.belonging(schedule, _LEADS_TO, most=_BELONGING_MOST)
        own = set(specialties_of(_offered(schedule.data))) - {OTHER}
        calendar = _Calendar(source_id, belonging, _place(belonging), own)
        self._calendars[schedule.key] = calendar
        return calendar

    def _records(self, draft: _Draft) -> Iterator[SlotItem]:
        calendar = draft.calendar
        for modality in draft.modalities:
            schedule = _schedule(calendar, modality)
            if schedule.place_id and calendar.place and schedule.place_id not in self._places:
                self._places.add(schedule.place_id)
                yield calendar.place
            if calendar.said.get(modality) != schedule:
                calendar.said[modality] = schedule
                yield schedule
            slot_id = draft.slot_id if len(draft.modalities) == 1 else f"{draft.slot_id}|{modality}"
            yield SlotRecord(
                slot_id, schedule.source_id, draft.is_free, draft.start_s, draft.end_s, None, draft.link, None
            )


def _check_for_residents(slot: Given) -> None:
    """Raise BadRowError for a slot that is not declared public, or that one does not book."""
    meta = slot.get("meta")
    security = things(meta.get("security")) if isinstance(meta, dict) else ()
    if PUBLIC not in {text_of(coding.get("code")).upper() for coding in security}:
        raise BadRowError("not_public", "The slot is not for the public.")
    kinds = {code.upper() for _, code, _ in codings(slot.get("appointmentType"))}
    if WALK_IN in kinds and ROUTINE not in kinds:
        raise BadRowError("walk_in", "One comes without an appointment.")


def _span(slot: Given) -> tuple[int, int]:
    start, end = moment(slot.get("start")), moment(slot.get("end"))
    if start is None or end is None:
        raise BadRowError("bad_time", "The slot has no start or end with an offset.")
    if not 0 < (end - start).total_seconds() <= LONGEST_S:
        raise BadRowError("bad_time", "The slot ends before it starts, or lasts more than a month.")
    start_s = int(start.timestamp())
    return start_s, max(int(end.timestamp()), start_s + 1)


def _modalities(slot: Given, calendar: _Calendar) -> tuple[Modality, ...]:
    """By what the slot says; at the practice where it says nothing and there is one."""
    codes = {code.upper() for _, code, _ in codings(slot.get("serviceType"))}
    said = tuple(modality for code, modality in _MODALITIES.items() if code in codes) or ("practice",)
    possible = tuple(modality for modality in said if modality != "practice" or calendar.place)
    if not possible:
        raise BadRowError("no_place", "The slot is at a practice that the bundle does not place.")
    return possible


def _offered(data: Given) -> Iterator[tuple[str, str, str]]:
    """What a slot, a calendar or who keeps it says of the care: other codes than the ways of meeting."""
    for name in ("specialty", "serviceType", "serviceCategory", "type", "code"):
        yield from (each for each in codings(data.get(name)) if each[1].upper() not in _MODALITIES)


def _schedule(calendar: _Calendar, modality: Modality) -> ScheduleRecord:
    named = calendar.named[modality] | calendar.own
    by_rank = tuple(each for each in SPECIALTIES if each in named)
    return ScheduleRecord(
        source_id=f"{calendar.source_id}|{modality}",
        modality=modality,
        specialties=by_rank or specialties_of(_practised(calendar.belonging)),
        place_id=calendar.place.source_id if calendar.place and modality != "video" else None,
        languages=_languages(calendar.belonging),
        sector=_sector(calendar.belonging),
    )


def _practised(belonging: Iterable[Resource]) -> Iterator[tuple[str, str, str]]:
    for resource in belonging:
        if resource.kind in {"PractitionerRole", "HealthcareService"}:
            yield from _offered(resource.data)
        elif resource.kind == "Practitioner":
            told = extensions(resource.data, "fr-core-practitioner-specialty")
            yield from codings([{"coding": each.get("valueCoding")} for each in told])
            yield from codings([each.get("code") for each in things(resource.data.get("qualification"))])


def _languages(belonging: Iterable[Resource]) -> tuple[str, ...]:
    spoken: list[str] = []
    for resource in belonging:
        for _, code, text in codings(resource.data.get("communication")):
            spoken += parse_languages(code[:_SAID_LENGTH]) or parse_languages(text[:_SAID_LENGTH])
    return tuple(dict.fromkeys(code for code in spoken if len(code) == len("fr")))


def _sector(belonging: Iterable[Resource]) -> Sector | None:
    for resource in belonging:
        for told in extensions(resource.data, "as-ext-practitionerrole-contracted"):
            concepts = [told.get("valueCodeableConcept"), {"coding": told.get("valueCoding")}]
            sectors = [_SECTORS[code.lower()] for _, code, _ in codings(concepts) if code.lower() in _SECTORS]
            if sectors == ["2"] and _holds_fees_in(resource.data):
                return "2_optam"
            return sectors[0] if sectors else None
    return None


def _holds_fees_in(role: Given) -> bool:
    return any(told.get("valueBoolean") is True for told in extensions(role, "as-ext-practitionerrole-hascas"))


def _place(belonging: list[Resource]) -> PlaceRecord | None:
    """The first that has an address, a Location before others; None where nothing of it is known."""
    ranked = sorted((each for each in belonging if each.kind in _PLACES), key=lambda each: _PLACES.index(each.kind))
    for resource in ranked:
        address = next(things(resource.data.get("address")), {})
        lat, lon = position(resource.data.get("position"))
        if address or lat is not None:
            break
    else:
        return None
    line = address.get("line")
    lines = [text_of(each) for each in (line if isinstance(line, list) else [line])]
    street = (", ".join(filter(None, lines)) or text_of(address.get("text")))[:300]
    postcode = text_of(address.get("postalCode"))[:10]
    city = text_of(address.get("city"))[:100]
    name = _name([resource, *ranked, *belonging]) or street or city
    if not name or len(resource.key) > ID_LENGTH:
        return None
    return PlaceRecord(
        source_id=resource.key,
        name=name[:200],
        address=readable_street(street)[:300] or None,
        postcode=postcode or None,
        city=readable_city(city)[:100] or None,
        commune_code=_commune_code(address),
        lat=lat,
        lon=lon,
        phone=_phone(resource.data, postcode),
        finess=_finess(resource.data, belonging),
    )


def _name(resources: Iterable[Resource]) -> str:
    """The first name of a place, else of a person."""
    for each in resources:
        if name := _person(each.data) if each.kind == "Practitioner" else text_of(each.data.get("name")):
            return name
    return ""


def _person(data: Given) -> str:
    name = next(things(data.get("name")), {})
    parts: list[Any] = []
    for part in ("prefix", "given", "family"):
        written = name.get(part)
        parts += written if isinstance(written, list) else [written]
    return " ".join(filter(None, map(text_of, parts)))


def _commune_code(address: Given) -> str | None:
    for told in extensions(address, "fr-core-address-insee-code"):
        coding = next(things(told.get("valueCoding")), {})
        return parse_commune_code(text_of(coding.get("code")))
    return None


def _phone(data: Given, postcode: str) -> str | None:
    for contact in things(data.get("telecom")):
        if contact.get("system") == "phone" and text_of(contact.get("use")) not in _NOT_FOR_THE_PUBLIC:
            return booking_phone(text_of(contact.get("value"))[:_SAID_LENGTH], postcode=postcode)
    return None


def _finess(place: Given, belonging: Iterable[Resource]) -> str | None:
    organisations = (each.data.get("organization") for each in belonging if each.kind == "PractitionerRole")
    for holder in (place, *things(list(organisations))):
        for identifier in things(holder.get("identifier")):
            number = text_of(identifier.get("value"))
            if identifier.get("system") == _STRUCTURE:
                prefix, number = number[:1], number[1:]
                number = number if prefix == _FINESS_PREFIX else ""
            elif "finess" not in text_of(identifier.get("system")).lower():
                continue
            try:
                return required_finess(number)
            except BadRowError:
                continue
    return None
