"""Synthetic answers of a FHIR server, as the SAS guide shapes them."""

import json
import math

from tests.sources.test_air_any_bytes import VALUES

ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
ORDINAL = "https://mos.esante.gouv.fr/NOS/TRE_R38-SpecialiteOrdinale/FHIR/TRE-R38-SpecialiteOrdinale"
KIND = "https://mos.esante.gouv.fr/NOS/TRE_R314-TypeCreneau/FHIR/TRE-R314-TypeCreneau"
SERVER = "https://agenda.synthetic-editor.example/fhir"
LINK = "https://agenda.synthetic-editor.example/rdv/dr-essai"


def _is_json(value):
    if isinstance(value, float):
        return math.isfinite(value)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return all(map(_is_json, inner))


JSON_VALUES = VALUES.filter(_is_json)
"""Without NaN and infinities, which Python writes and JSON does not know."""


def coded(code, system="", **more):
    return {"coding": [{"system": system, "code": code} | more]}


def make_slot(slot_id="s1", *, modalities=("AMB",), kinds=("PUBLIC",), **changes):
    """Make a slot of half an hour, on the Monday that follows SUNDAY_NIGHT, at 9:40 in Paris."""
    return {
        "resourceType": "Slot",
        "id": slot_id,
        "meta": {"security": [{"system": KIND, "code": kind} for kind in kinds]},
        "serviceType": [*(coded(each, ACT) for each in modalities), {"text": "Visite de contrôle"}],
        "specialty": [coded("SM54", ORDINAL)],
        "appointmentType": coded("ROUTINE", "http://terminology.hl7.org/CodeSystem/v2-0276"),
        "schedule": {"reference": "Schedule/c1"},
        "status": "free",
        "start": "2026-11-23T09:40:00.000+01:00",
        "end": "2026-11-23T10:10:00.000+01:00",
        "comment": LINK,
    } | changes


def make_schedule(schedule_id="c1", *actors, **changes):
    references = [{"reference": each} for each in actors or ("Practitioner/p1", "PractitionerRole/r1")]
    return {"resourceType": "Schedule", "id": schedule_id, "actor": references} | changes


def make_practitioner(**changes):
    name = {"prefix": ["Dr"], "family": "ESSAI", "given": ["Camille"]}
    return {"resourceType": "Practitioner", "id": "p1", "name": [name]} | changes


def make_location(location_id="l1", **changes):
    address = {"line": ["25 CHEMIN DE L'ESSAI"], "postalCode": "31840", "city": "AUSSONNE"}
    return {"resourceType": "Location", "id": location_id, "address": address} | changes


def make_role(*, location=None, **changes):
    """Make a role that contains its place, whose national number is a FINESS."""
    held = make_location("l1") if location is None else location
    number = {"system": "urn:oid:1.2.250.1.71.4.2.2", "value": "1810004421"}
    return {
        "resourceType": "PractitionerRole",
        "id": "r1",
        "contained": [held],
        "practitioner": {"reference": "Practitioner/p1"},
        "organization": {"identifier": number},
        "location": [{"reference": f"#{held['id']}"}],
    } | changes


def make_bundle(*resources, next_url=None, **more):
    """Make a page; without resources, of one slot with its calendar, practitioner and role."""
    held = resources or (make_slot(), make_schedule(), make_practitioner(), make_role())
    links = [{"relation": "self", "url": f"{SERVER}/Slot"}]
    if next_url is not None:
        links.append({"relation": "next", "url": next_url})
    entries = [{"fullUrl": f"{SERVER}/{each['resourceType']}/{each.get('id')}", "resource": each} for each in held]
    bundle = {"resourceType": "Bundle", "type": "searchset", "total": 1, "link": links, "entry": entries} | more
    return json.dumps(bundle).encode()
