"""The fields that publications of the Atmo federation share: zones, classes, pollutants, states of an episode.

A code of 0 says "unavailable", in the ATMO index and in the pollen index (whose lowest class is 1, "très faible"; so
read, too, by sebcaps/atmofrance, a reader of the same API). 7 or 8 says "événement".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from citizen_api.sources.air_records import AirIndexRecord, PollenRecord, Zone
from citizen_api.sources.air_values import day_of, moment, plain, text_of, whole
from citizen_api.sources.records import BadRowError, clean, parse_commune_code

MOST: Final = 6
"""Highest class of both indices."""
EVENTS: Final = frozenset({7, 8})

POLLUTANT_FIELDS: Final = {
    "code_pm25": "pm25",
    "code_pm10": "pm10",
    "code_no2": "no2",
    "code_o3": "o3",
    "code_so2": "so2",
}
TAXON_FIELDS: Final = {
    "code_aul": "alder",
    "code_boul": "birch",
    "code_oliv": "olive",
    "code_gram": "grass",
    "code_arm": "mugwort",
    "code_ambr": "ragweed",
}
_TAXON_STEMS: Final = {
    **dict.fromkeys(("aul", "aln"), "alder"),
    **dict.fromkeys(("boul", "betul"), "birch"),
    **dict.fromkeys(("oliv", "olea"), "olive"),
    **dict.fromkeys(("gram", "poac"), "grass"),
    **dict.fromkeys(("arm", "artem"), "mugwort"),
    **dict.fromkeys(("ambr",), "ragweed"),
}
"""How French and Latin names of taxa begin: "BETULA GRAMINEE"."""

REGIONS: Final = {
    "01": "guadeloupe",
    "02": "martinique",
    "03": "guyane",
    "04": "la reunion",
    "06": "mayotte",
    "11": "ile de france",
    "24": "centre val de loire",
    "27": "bourgogne franche comte",
    "28": "normandie",
    "32": "hauts de france",
    "44": "grand est",
    "52": "pays de la loire",
    "53": "bretagne",
    "75": "nouvelle aquitaine",
    "76": "occitanie",
    "84": "auvergne rhone alpes",
    "93": "provence alpes cote d azur",
    "94": "corse",
}
"""Codes of regions, each that of a département elsewhere, too: episodes of Île-de-France are published for zone "11",
which is the Aude without its label."""

POLLUTANTS_BY_CODE: Final = {
    **dict.fromkeys(("1", "01"), "so2"),
    **dict.fromkeys(("3", "03", "8"), "no2"),
    **dict.fromkeys(("5", "24"), "pm10"),
    **dict.fromkeys(("7", "08"), "o3"),
    **dict.fromkeys(("39", "6001"), "pm25"),
}
"""Two nomenclatures stand beside each other: in the European one 8 is NO2, in the older French one 08 is O3."""

_SIREN: Final = re.compile(r"\d{9}", re.ASCII)
_DEPARTEMENT: Final = re.compile(r"(?:0[1-9]|[1-8]\d|9[0-5]|2[AB]|97[1-8])", re.ASCII)


def index_record(properties: Mapping[str, Any]) -> AirIndexRecord:
    """Read the ATMO index of a zone on a day. Raises BadRowError."""
    level, event = _class(properties)
    return AirIndexRecord(
        zone=zone(properties),
        day=day_of(properties.get("date_ech")),
        level=level,
        levels=_classes(properties, POLLUTANT_FIELDS, level),
        event=event,
        producer=clean(text_of(properties.get("source"))) or None,
        published_at=moment(properties.get("date_maj")) or moment(properties.get("date_dif")),
    )


def pollen_record(properties: Mapping[str, Any]) -> PollenRecord:
    """Read the pollen index of a zone on a day. Raises BadRowError."""
    level, event = _class(properties)
    if event:
        raise BadRowError("bad_level", "The pollen index knows no event.")
    return PollenRecord(
        zone=zone(properties),
        day=day_of(properties.get("date_ech")),
        level=level,
        levels=_classes(properties, TAXON_FIELDS, level),
        responsible=_taxa(properties.get("pollen_resp")),
        alert=_truth(properties.get("alerte")),
        producer=clean(text_of(properties.get("source"))) or None,
        published_at=moment(properties.get("date_maj")) or moment(properties.get("date_dif")),
    )


def zone(properties: Mapping[str, Any]) -> Zone:
    """Read `code_zone`, whose form says what it is; `type_zone` and `lib_zone` tell a région from a département.

    Raises BadRowError.
    """
    code = text_of(properties.get("code_zone")).upper()
    kind = plain(properties.get("type_zone"))
    if _SIREN.fullmatch(code):
        return Zone(kind="epci", code=code)
    if kind == "commune" and code.isdigit():
        code = code.zfill(5)  # once read as a number, 01004 lost its zero
    if parse_commune_code(code) is not None:
        return Zone(kind="commune", code=code)
    if code in REGIONS and _is_region(code, kind, properties):
        return Zone(kind="region", code=code)
    if _DEPARTEMENT.fullmatch(code):
        return Zone(kind="departement", code=code)
    raise BadRowError("bad_zone", f"{code[:20]!r} is neither a commune, an EPCI, a département nor a région.")


def _is_region(code: str, kind: str, properties: Mapping[str, Any]) -> bool:
    # No département has the code of its own région, which is its association's number.
    return (
        kind == "region"
        or plain(properties.get("lib_zone")) == REGIONS[code]
        or text_of(properties.get("aasqa")).zfill(2) == code
    )


def check_classes(levels: Mapping[str, int], level: int | None) -> None:
    """Raise BadRowError where a part is worse than the whole, which is the worst of its parts."""
    if level is not None and (worse := [name for name, part in levels.items() if part > level]):
        raise BadRowError("inconsistent", f"{worse[0]} is in class {levels[worse[0]]}, the whole in {level}.")


def _class(properties: Mapping[str, Any]) -> tuple[int | None, bool]:
    """Give the class (None: unavailable) and whether it is an event."""
    if "code_qual" not in properties:
        raise BadRowError("no_level", "The row has no code_qual.")
    code = _code(properties["code_qual"])
    return (None, True) if code in EVENTS else (code or None, False)


def _classes(properties: Mapping[str, Any], fields: Mapping[str, str], level: int | None) -> dict[str, int]:
    codes = {name: _code(properties.get(field)) for field, name in fields.items()}
    levels = {name: code for name, code in codes.items() if code and code not in EVENTS}
    check_classes(levels, level)
    return levels


def _code(value: Any) -> int:
    code = whole(value) or 0
    if not 0 <= code <= max(EVENTS):
        raise BadRowError("bad_level", f"{code} is not on the scale of 0 to {MOST}.")
    return code


def _taxa(value: Any) -> tuple[str, ...]:
    found = (taxon for word in plain(value).split() for stem, taxon in _TAXON_STEMS.items() if word.startswith(stem))
    return tuple(dict.fromkeys(found))


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    word = plain(value)
    if word in {"true", "t", "oui", "1"}:
        return True
    return False if word in {"false", "f", "non", "0"} else None


def pollutant(properties: Mapping[str, Any]) -> str:
    """Read the pollutant of an episode from its label, else from its code. Raises BadRowError."""
    label = plain(properties.get("lib_pol"))
    squeezed = label.replace(" ", "")
    found = None
    if "ozone" in label or squeezed == "o3":
        found = "o3"
    elif ("dioxyde" in label and "azote" in label) or squeezed == "no2":
        found = "no2"
    elif "soufre" in label or squeezed == "so2":
        found = "so2"
    elif "pm25" in squeezed or re.search(r"\b2 5 (?:um|m|microns?)\b", label):
        found = "pm25"
    elif "pm10" in squeezed or re.search(r"\b10 (?:um|m|microns?)\b", label):
        found = "pm10"
    found = found or POLLUTANTS_BY_CODE.get(text_of(properties.get("code_pol")))
    if found is None:
        raise BadRowError("pollutant", f"{label[:40]!r} is no pollutant of the index.")
    return found


def tier(value: Any) -> tuple[str, bool] | None:
    """Read the state of an episode: (tier, whether it is declared because it lasts); None where there is none.

    Associations word it differently ("PROCEDURE D'INFORMATION-RECOMMANDATION"). Raises BadRowError for words that say
    neither: an unknown state opens nothing.
    """
    words = plain(value)
    if re.match(r"(?:pas d|aucun|absence|sans|fin d|levee d|rien|neant)", words):
        return None
    if "alerte" in words:
        return "alert", "persistance" in words
    if "information" in words or "recommandation" in words:
        return "information", "persistance" in words
    raise BadRowError("state", f"{words[:40]!r} is no known state of an episode.")
