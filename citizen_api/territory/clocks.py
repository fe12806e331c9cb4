"""Which clock a place keeps."""

from __future__ import annotations

import re
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

_CODE: Final = re.compile(r"(97|98)\d(\d\d)?|(2[AB]|0[1-9]|[1-9]\d)(\d{3})?")

_ZONES: Final = {
    "971": "America/Guadeloupe",
    "972": "America/Martinique",
    "973": "America/Cayenne",
    "974": "Indian/Reunion",
    "975": "America/Miquelon",
    "976": "Indian/Mayotte",
    "977": "America/St_Barthelemy",
    "978": "America/Marigot",
    "986": "Pacific/Wallis",
    "987": "Pacific/Tahiti",
    "988": "Pacific/Noumea",
    # The two archipelagos of French Polynesia that keep another time than Tahiti, commune by commune.
    "98718": "Pacific/Marquesas",
    "98723": "Pacific/Marquesas",
    "98731": "Pacific/Marquesas",
    "98746": "Pacific/Marquesas",
    "98756": "Pacific/Marquesas",
    "98757": "Pacific/Marquesas",
    "98719": "Pacific/Gambier",
}


def departement_of(insee_code: str) -> str:
    """Département or territory of an INSEE code; ValueError when it has not the form of one."""
    if not _CODE.fullmatch(insee_code):
        raise ValueError(f"not the INSEE code of a commune or a département: {insee_code!r}")
    return insee_code[:3] if insee_code.startswith(("97", "98")) else insee_code[:2]


@cache
def zone_of(insee_code: str) -> ZoneInfo:
    """Time zone of a commune or a département, by its INSEE code; its IANA name is `.key`.

    ValueError for what is no such code and for the lands that keep several times or none (984, 989).
    """
    departement = departement_of(insee_code)
    name = _ZONES.get(insee_code) or _ZONES.get(departement)
    if name is None:
        if departement.startswith(("96", "97", "98", "99")):
            raise ValueError(f"no time zone is known for {insee_code}")
        name = "Europe/Paris"
    return ZoneInfo(name)
