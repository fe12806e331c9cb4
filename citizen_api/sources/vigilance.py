"""Météo-France's vigilance map (DPVigilance): colours by département for the rest of today and for tomorrow.

`product.periods[]` ("J", "J1") → `timelaps.domain_ids[]` → `phenomenon_items[]`; a recorded file may wrap it in
`carte`. Domains of two characters are départements; "FRA", the coasts ("7610") and Andorra ("99") are left out. A
phenomenon that a département does not list is unknown; one that it lists in green is level 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO, Final

import httpx

from citizen_api.sources.air_fetch import fetch, read_whole
from citizen_api.sources.air_records import PHENOMENA, VigilanceRecord, Zone
from citizen_api.sources.air_values import (
    day_in_france,
    moment,
    read_json,
    rejected,
    required_moment,
    text_of,
    whole,
)
from citizen_api.sources.records import BadRowError, RejectedRow, SourceFormatError

API_URL: Final = "https://public-api.meteofrance.fr/public/DPVigilance/v1"
MAP_PATH: Final = "/cartevigilance/encours"
ANSWER_MAX_BYTES: Final = 10_000_000
"""A whole map is 0.3 MB."""

WHAT: Final = "a vigilance map"
PERIODS: Final = ("J", "J1")
WORST: Final = 4

_DEPARTEMENT: Final = re.compile(r"0[1-9]|[13-8]\d|2[1-9]|9[0-5]|2[AB]|97[1-8]", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Period:
    starts_at: datetime
    ends_at: datetime
    published_at: datetime


def read_vigilance(data: BinaryIO | bytes) -> Iterator[VigilanceRecord | RejectedRow]:
    """Storms, heat and cold in each département on each day. A row's number is the rank of its domain, from 1.

    Raises SourceFormatError when it is no vigilance map.
    """
    product = _product(read_json(data, what=WHAT))
    published_at = moment(product.get("update_time"))
    periods = product.get("periods")
    if published_at is None or not isinstance(periods, list) or not periods:
        raise SourceFormatError(f"Not {WHAT}: it has no `update_time` or no `periods`.")
    rank = 0
    for given in periods:
        if not isinstance(given, dict) or given.get("echeance") not in PERIODS:
            continue
        try:
            period = _Period(*_window(given, "begin_validity_time", "end_validity_time"), published_at)
        except BadRowError as error:
            yield rejected(rank + 1, error, {"echeance": given["echeance"]})
            continue
        for domain in _objects(_object(given.get("timelaps")).get("domain_ids")):
            rank += 1
            yield from _of_domain(rank, domain, period)


def _product(document: Any) -> Mapping[str, Any]:
    outer = _object(document)
    product = _object(_object(outer.get("carte")).get("product")) or _object(outer.get("product"))
    if not product:
        raise SourceFormatError(f"Not {WHAT}: it has no `product`.")
    return product


def _of_domain(rank: int, domain: Mapping[str, Any], period: _Period) -> Iterator[VigilanceRecord | RejectedRow]:
    code = text_of(domain.get("domain_id")).upper()
    if not _DEPARTEMENT.fullmatch(code):
        return
    zone = Zone(kind="departement", code=code)
    worst: dict[str, VigilanceRecord] = {}
    for item in _objects(domain.get("phenomenon_items")):
        hazard = PHENOMENA.get(text_of(item.get("phenomenon_id")))
        if hazard is None:
            continue
        try:
            record = _record(zone, hazard, item, period)
        except BadRowError as error:
            yield rejected(rank, error, {"domain_id": code, **item})
            continue
        other = worst.setdefault(hazard, record)
        if other is not record:
            worst[hazard] = max(other, record, key=lambda one: one.level)
            twice = BadRowError("duplicate", f"{hazard} is listed twice for {code}: the worse counts.")
            yield rejected(rank, twice, {"domain_id": code, **item})
    yield from worst.values()


def _record(zone: Zone, hazard: str, item: Mapping[str, Any], period: _Period) -> VigilanceRecord:
    parts = [(_level(part.get("color_id")), part) for part in _objects(item.get("timelaps_items"))]
    level = max([_level(item.get("phenomenon_max_color_id")), *(level for level, _ in parts)])
    windows = [_window(part, "begin_time", "end_time") for of_part, part in parts if of_part == level]
    if not windows:  # no hours are told: the whole period
        windows = [(period.starts_at, period.ends_at)]
    return VigilanceRecord(
        zone=zone,
        day=day_in_france(period.starts_at),
        hazard=hazard,
        level=level,
        starts_at=min(starts_at for starts_at, _ in windows),
        ends_at=max(ends_at for _, ends_at in windows),
        published_at=period.published_at,
    )


def _level(value: Any) -> int:
    level = whole(value)
    if level is None or not 1 <= level <= WORST:
        raise BadRowError("bad_level", f"{text_of(value)[:20]!r} is no colour of the map (1 to {WORST}).")
    return level


def _window(given: Mapping[str, Any], begin: str, end: str) -> tuple[datetime, datetime]:
    starts_at, ends_at = required_moment(given.get(begin)), required_moment(given.get(end))
    if not starts_at < ends_at:
        raise BadRowError("bad_time", f"{ends_at:%Y-%m-%d %H:%M} does not come after {starts_at:%Y-%m-%d %H:%M}.")
    return starts_at, ends_at


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


class Vigilance:
    """The API of Météo-France's portal, with an API key."""

    def __init__(self, client: httpx.Client, *, key: str, url: str = API_URL) -> None:
        self._client = client
        self._key = key
        self._url = url.rstrip("/")

    def current(self) -> list[VigilanceRecord | RejectedRow]:
        """The map in force. Raises DownError, BusyError, CredentialsError, UnreadableError."""
        url = self._url + MAP_PATH
        headers = {"apikey": self._key, "Accept": "application/json"}
        return read_whole(url, read_vigilance, fetch(self._client, url, headers=headers, max_bytes=ANSWER_MAX_BYTES))
