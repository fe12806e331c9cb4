"""What every publisher of appointments says, whatever its format: places, schedules, slots. Plain records, no rules.

A reader is lenient with what comes in and strict with what it gives: times are aware, texts are trimmed and of bounded
length, links are https addresses or None. What cannot be used is a `RejectedRow` with its reason, and the rest goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple

Modality = Literal["practice", "home", "video", "assisted"]
"""At the practice (AMB), at home (HH), by video (VR), by video with help, in a pharmacy's booth."""
MODALITIES: Final[tuple[Modality, ...]] = ("practice", "home", "video", "assisted")
Sector = Literal["1", "2_optam", "2", "none"]
"""Convention with the statutory health insurance: sector 1, sector 2 with agreed fees, sector 2, none."""
SECTORS: Final[tuple[Sector, ...]] = ("1", "2_optam", "2", "none")
Audience = Literal["everybody", "adults", "children", "known_patients"]
AUDIENCES: Final[tuple[Audience, ...]] = ("everybody", "adults", "children", "known_patients")
Availability = Literal["some", "none", "unknown"]
ID_LENGTH: Final = 200
"""Of an identifier: longer than the 64 characters that FHIR allows, since not everybody keeps to it."""
LINK_LENGTH: Final = 1_000
CAPACITY_MOST: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRecord:
    """Where appointments take place. `lat`, `lon`: both or neither. `commune_code`: INSEE, where the publisher says it.

    `finess`: number of the establishment, which ties it to a place of care. `phone`: as published for the public.
    `is_virtual`: nobody goes there, one meets by video.
    """

    source_id: str
    name: str
    address: str | None = None
    postcode: str | None = None
    city: str | None = None
    commune_code: str | None = None
    lat: float | None = None
    lon: float | None = None
    phone: str | None = None
    finess: str | None = None
    is_virtual: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRecord:
    """One calendar: who offers what, how, and where. `place_id`: `PlaceRecord.source_id`; None: nowhere (by video).

    `is_modality_said` False: the publisher does not say how one meets, and `modality` is what is usual at a place.
    `specialties`: our codes (`specialties.SPECIALTIES`), never empty. `languages`: ISO 639-1, lower case. None where
    nothing is said. `availability`: what an aggregator knows where it knows no slots. `synced_at`: when an aggregator
    last read its own source.
    """

    source_id: str
    modality: Modality
    specialties: tuple[str, ...]
    place_id: str | None = None
    languages: tuple[str, ...] = ()
    sector: Sector | None = None
    third_party: bool | None = None
    audience: Audience | None = None
    link: str | None = None
    phone: str | None = None
    availability: Availability | None = None
    synced_at: datetime | None = None
    is_modality_said: bool = True


class SlotRecord(NamedTuple):
    """One appointment, or several at the same time (`capacity`, which may be an estimate; None: not said).

    `start_s`, `end_s`: seconds since 1970 (UTC), end after start. `is_free` False: it was free, or could have been;
    whoever knew it forgets it. A tuple, for a million of them are made in a minute.
    """

    source_id: str
    schedule_id: str
    is_free: bool
    start_s: int
    end_s: int
    capacity: int | None
    link: str | None
    phone: str | None
