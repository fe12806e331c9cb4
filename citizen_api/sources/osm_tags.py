"""What the tags of a place in OpenStreetMap say, field by field. Plain functions."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from citizen_api.sources.osm_elements import WITHIN_REACH_OF_ALL, values_of
from citizen_api.sources.phones import normalise_phone
from citizen_api.sources.readable import readable_city, readable_street
from citizen_api.sources.records import BadRowError, clean, parse_commune_code, required_finess

NAME_KEYS: Final = ("name", "name:fr", "official_name")
OWNER_KEYS: Final = ("brand", "operator")
"""They name a practice that has no name of its own; a defibrillator's brand is its maker."""

PLAIN_NAMES: Final = {
    "amenity=pharmacy": "Pharmacie",
    "healthcare=pharmacy": "Pharmacie",
    "amenity=hospital": "Hôpital",
    "healthcare=hospital": "Hôpital",
    "amenity=clinic": "Centre médical",
    "healthcare=clinic": "Centre médical",
    "healthcare=centre": "Centre médical",
    "amenity=doctors": "Cabinet médical",
    "healthcare=doctor": "Cabinet médical",
    "amenity=dentist": "Dentiste",
    "healthcare=dentist": "Dentiste",
    "healthcare=nurse": "Cabinet infirmier",
    "healthcare=midwife": "Sage-femme",
    "healthcare=physiotherapist": "Kinésithérapeute",
    "healthcare=laboratory": "Laboratoire",
    "emergency=defibrillator": "Défibrillateur",
    "amenity=drinking_water": "Fontaine",
    "amenity=fountain": "Fontaine",
    "man_made=water_tap": "Eau potable",
}
"""What a place without a name is called: words that `care/spelling` knows to name no place in particular."""

NAMELESS: Final = "Lieu de soins"

PHONE_KEYS: Final = ("phone", "contact:phone", "mobile", "contact:mobile")
WEBSITE_KEYS: Final = ("website", "contact:website", "url")
WHEELCHAIR: Final = {"yes": "yes", "designated": "yes", "limited": "limited", "no": "no"}
SPOKEN: Final = frozenset({"yes", "main", "designated", "only", "official"})
NO_VACCINE: Final = frozenset({"no", "none"})

_LANGUAGE: Final = re.compile(r"language:([a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)")
_SIRET: Final = re.compile(r"[0-9]{14}")
_RPPS: Final = re.compile(r"[0-9]{11}")
_GEODAE: Final = re.compile(r"[0-9]{1,12}")
_IDENTIFIERS: Final = {
    "siret": ("ref:FR:SIRET", _SIRET),
    "rpps": ("ref:FR:RPPS", _RPPS),
    "geodae": ("ref:FR:GeoDAE", _GEODAE),
}
_POSTCODE_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class Address:
    """Street with its house number, postcode, town, INSEE code; None where the tags do not say."""

    street: str | None
    postcode: str | None
    city: str | None
    commune_code: str | None

    @property
    def names_a_town(self) -> bool:
        """Whether it says at all where to look."""
        return bool(self.postcode or self.city or self.commune_code)


def name_of(tags: Mapping[str, str], kinds: Collection[str]) -> str:
    """Name of a place: its own, that of who runs it, or what it is."""
    keys = NAME_KEYS if WITHIN_REACH_OF_ALL.issuperset(kinds) else (*NAME_KEYS, *OWNER_KEYS)
    for key in keys:
        name = clean(tags.get(key))
        if any(character.isalnum() for character in name):
            return name
    return next((PLAIN_NAMES[kind] for kind in kinds if kind in PLAIN_NAMES), NAMELESS)


def address(tags: Mapping[str, str]) -> Address:
    """Read addr:* (contact:* where the place has none); a hamlet's name (addr:place) stands for a street."""

    def part(name: str) -> str:
        return clean(tags.get(f"addr:{name}") or tags.get(f"contact:{name}"))

    street = part("street") or part("place")
    number = part("housenumber").replace(";", ",")
    postcode = part("postcode").partition(";")[0].strip()
    return Address(
        street=readable_street(f"{number} {street}") if street else None,
        postcode=postcode if 0 < len(postcode) <= _POSTCODE_MAX else None,
        city=readable_city(part("city")) or None,
        commune_code=parse_commune_code(tags.get("ref:INSEE")),
    )


def phone(tags: Mapping[str, str], postcode: str | None) -> tuple[str | None, str | None]:
    """First number that can be dialled, in E.164, with what was written; (None, what was written) without one."""
    written = [text for key in PHONE_KEYS if (text := clean(tags.get(key)))]
    for text in written:
        if number := normalise_phone(text, postcode=postcode):
            return number, text
    return None, written[0] if written else None


def website(tags: Mapping[str, str]) -> str | None:
    """Give the first address that a browser opens."""
    for key in WEBSITE_KEYS:
        for text in clean(tags.get(key)).split(";"):
            address = text.strip()
            if address.lower().startswith("www."):
                address = f"https://{address}"
            if address.lower().startswith(("https://", "http://")) and " " not in address:
                return address
    return None


def identifiers_of(tags: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Give the (scheme, value) pairs of the French registers; what is not of a register's form is dropped."""
    found = [("finess", number) for text in _parts(tags.get("ref:FR:FINESS")) if (number := _finess(text))]
    for scheme, (key, form) in _IDENTIFIERS.items():
        found += ((scheme, text) for text in _parts(tags.get(key)) if form.fullmatch(text))
    return tuple(dict.fromkeys(found))


def languages(tags: Mapping[str, str]) -> tuple[str, ...]:
    """Give the BCP 47 codes of `language:xx=yes`, sorted."""
    keys = (_LANGUAGE.fullmatch(key) for key, value in tags.items() if value in SPOKEN)
    return tuple(sorted(found[1] for found in keys if found))


def services(tags: Mapping[str, str]) -> tuple[str, ...]:
    """Give the ids of services that tags tell of."""
    vaccines = set(values_of(tags.get("vaccination"))) - NO_VACCINE
    specialities = values_of(tags.get("healthcare:speciality"))
    vaccinates = vaccines or "vaccination" in specialities or tags.get("healthcare") == "vaccination_centre"
    return ("vaccination",) if vaccinates else ()


def _parts(text: str | None) -> list[str]:
    return [part.replace(" ", "") for part in clean(text).split(";") if part.strip()]


def _finess(text: str) -> str | None:
    try:
        return required_finess(text)
    except BadRowError:
        return None
