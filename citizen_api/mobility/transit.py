"""Where neither foot nor bicycle is reasonable: the region's public transport planner, as a link to follow."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import httpx
import yaml

from citizen_api.core.outgoing import refusal
from citizen_api.core.settings import PLACES

_TABLE: Final = Path(__file__).parent / "data" / "transit.yaml"
_log = logging.getLogger("alentours.mobility")


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitLink:
    """A planner's address. `operator`: None where only a setting names it.

    `tells_position`: whether an end stands in the address, so that who follows it tells the planner where they go.
    """

    region_code: str
    operator: str | None
    url: str
    tells_position: bool


@dataclass(frozen=True, slots=True)
class Planner:
    """A template of addresses, with {from_lat}, {from_lon}, {to_lat}, {to_lon} or without."""

    operator: str | None
    template: str


@cache
def bundled_planners() -> Mapping[str, Planner]:
    """Planners that come with Alentours, by region."""
    raw = yaml.safe_load(_TABLE.read_text(encoding="utf-8"))
    return {code: Planner(entry["operator"], entry["url"]) for code, entry in raw["planners"].items()}


def planners_of(links: Sequence[str]) -> dict[str, Planner]:
    """Planners by region: those of the setting (`region=https://…`) in place of those that come with Alentours."""
    named = (link.partition("=") for link in links)
    return {**bundled_planners(), **{code: Planner(None, template) for code, _, template in named}}


def transit_link(
    planners: Mapping[str, Planner],
    region_code: str,
    *,
    from_lat: float,
    from_lon: float,
    to_lat: float,
    to_lon: float,
) -> TransitLink | None:
    """The planner of a region; None where none is known or its address is one that is never followed.

    Checked like any outgoing address (https only); positions, where the template asks for them, to some ten metres.
    """
    planner = planners.get(region_code)
    if planner is None:
        return None
    values = {"from_lat": from_lat, "from_lon": from_lon, "to_lat": to_lat, "to_lon": to_lon}
    url = PLACES.sub(lambda place: f"{values[place[1]]:.4f}", planner.template)
    if not _may_be_followed(url):
        _log.warning("transit planner refused", extra={"region": region_code})
        return None
    return TransitLink(
        region_code=region_code,
        operator=planner.operator,
        url=url,
        tells_position=PLACES.search(planner.template) is not None,
    )


def _may_be_followed(url: str) -> bool:
    try:
        parsed = httpx.URL(url)
        return refusal(url) is None and bool(parsed.host) and not parsed.userinfo
    except httpx.InvalidURL:
        return False
