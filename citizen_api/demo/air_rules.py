"""What the demo city makes up about its air: plausible, the same at every start of a day, in the sources' formats."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import cos, pi
from typing import Any, Final

from content.hazards import SCALES, TIERS

CITY_LEVELS: Final = (3, 4, 3, 2, 3)
"""ATMO levels of the city, one day after another, so that something can be watched soon."""
_POLLUTANTS: Final = ("no2", "o3", "pm10", "pm25", "so2")
_STATES: Final = {
    None: "PAS DE DEPASSEMENT",
    "information": "INFORMATION ET RECOMMANDATION",
    "alert": "ALERTE",
}
"""By tier."""
_TAXA: Final = ("ambr", "arm", "aul", "boul", "gram", "oliv")
_STATION: Final = ("DEMO-1", "Station de démonstration", 48.8620, 2.3600)
_MIDDLES: Final = {"NO2": (65.0, 30.0), "O3": (45.0, 25.0), "PM10": (38.0, 9.0), "PM2.5": (22.0, 6.0)}
"""Mean and swing of a day's hours, in ug/m3."""


@dataclass(frozen=True, slots=True)
class DemoCommune:
    """A commune of the demo city."""

    code: str
    name: str
    departement: str


@dataclass(frozen=True, slots=True)
class Staged:
    """One day of a commune as somebody asked for it: the level of its index, and the tier of an official episode.

    The episode is its département's, as every official one. Raises ValueError for a level or tier that there is not.
    """

    commune: str
    day: date
    level: int
    tier: str | None = None

    def __post_init__(self) -> None:
        if self.level not in SCALES["air"].levels or self.tier not in {None, *TIERS}:
            raise ValueError("no such level or tier")


def city_level(day: date) -> int:
    """ATMO level of the city on a day."""
    return CITY_LEVELS[day.toordinal() % len(CITY_LEVELS)]


def commune_level(code: str, day: date) -> int:
    """ATMO level of a commune: the city's, or for one in four a level less."""
    return max(1, city_level(day) - (_draw(f"{code}:{day}") % 4 == 0))


def index_feed(communes: Sequence[DemoCommune], now: datetime, today: date, staged: Collection[Staged] = ()) -> bytes:
    """ATMO indices of today and tomorrow, as Atmo Data publishes them; the staged ones are as they were asked for."""
    asked_for = {(one.commune, one.day): one for one in staged}
    features = []
    for day in (today, today + timedelta(days=1)):
        for commune in communes:
            asked = asked_for.get((commune.code, day))
            level = asked.level if asked else commune_level(commune.code, day)
            driver = ("pm25", "no2", "pm10")[_draw(f"driver:{day}") % 3]
            if asked and asked.tier:
                driver = "pm10"  # as of every episode of the demo city
            parts = {pollutant: max(1, level - 1) for pollutant in _POLLUTANTS} | {driver: level, "so2": 1}
            properties = {
                **_of_zone(commune.code, commune.name, "commune", day, now),
                **{f"code_{pollutant}": part for pollutant, part in parts.items()},
                "code_qual": level,
            }
            features.append({"type": "Feature", "geometry": None, "properties": properties})
    return _geojson(features)


def pollen_feed(communes: Sequence[DemoCommune], now: datetime, today: date) -> bytes:
    """Pollen indices of today and tomorrow, as Atmo Data publishes them."""
    features = []
    for day in (today, today + timedelta(days=1)):
        level = 1 + _draw(f"pollen:{day}") % 3
        for commune in communes:
            properties = {
                **_of_zone(commune.code, commune.name, "commune", day, now),
                **{f"code_{taxon}": level if taxon == "gram" else 1 for taxon in _TAXA},
                "code_qual": level,
                "pollen_resp": "gram",
                "alerte": False,
            }
            features.append({"type": "Feature", "geometry": None, "properties": properties})
    return _geojson(features)


def episodes_feed(
    communes: Sequence[DemoCommune], now: datetime, today: date, staged: Collection[Staged] = ()
) -> bytes:
    """Episodes as Atmo Data publishes them: of particles, at the information tier on the worst days, or as staged."""
    departements = {commune.code: commune.departement for commune in communes}
    features = []
    for day in (today, today + timedelta(days=1)):
        usual = TIERS[:1] if city_level(day) == max(CITY_LEVELS) else ()
        for departement in sorted(set(departements.values())):
            asked = {one.tier for one in staged if one.day == day and departements.get(one.commune) == departement}
            tier = max((tier for tier in (*usual, *asked) if tier), key=TIERS.index, default=None)
            properties = {
                **_of_zone(departement, f"Département {departement}", "departement", day, now),
                "lib_pol": "PM10",
                "code_pol": "5",
                "etat": _STATES[tier],
            }
            features.append({"type": "Feature", "geometry": None, "properties": properties})
    return _geojson(features)


def stations_feed(now: datetime) -> bytes:
    """Hours of one made-up background station, as Atmo Occitanie publishes them: the last 30 that are over."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            *("X", "Y", "nom_dept", "nom_com", "insee_com", "nom_station", "code_station", "typologie", "influence"),
            *("nom_poll", "id_poll_ue", "valeur", "unite", "metrique", "date_debut", "date_fin", "statut_valid"),
        ]
    )
    code, name, lat, lon = _STATION
    last = now.replace(minute=0, second=0, microsecond=0)
    for back in range(30):
        ends_at = last - timedelta(hours=back)
        starts_at = ends_at - timedelta(hours=1)
        for pollutant in _MIDDLES:
            value = _hourly(pollutant, ends_at)
            writer.writerow(
                [
                    *(lon, lat, "PARIS", "PARIS", "75103", name, code, "Urbaine", "Fond", pollutant, ""),
                    *(value, "ug.m-3", "horaire", f"{starts_at:%Y/%m/%d %H:%M:%S}+00"),
                    *(f"{ends_at:%Y/%m/%d %H:%M:%S}+00", "t"),
                ]
            )
    return text.getvalue().encode()


def forecast_feed(now: datetime) -> bytes:
    """Hours of yesterday to the day after tomorrow, as Open-Meteo publishes them."""
    first = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    moments = [first + timedelta(hours=number) for number in range(24 * 4)]
    fields = {"PM2.5": "pm2_5", "PM10": "pm10", "NO2": "nitrogen_dioxide", "O3": "ozone"}
    hourly: dict[str, Any] = {"time": [f"{moment:%Y-%m-%dT%H:%M}" for moment in moments]}
    hourly |= {field: [_hourly(pollutant, moment) for moment in moments] for pollutant, field in fields.items()}
    return json.dumps(
        {
            "latitude": _STATION[2],
            "longitude": _STATION[3],
            "utc_offset_seconds": 0,
            "timezone": "GMT",
            "hourly_units": {"time": "iso8601"} | dict.fromkeys(fields.values(), "μg/m³"),
            "hourly": hourly,
        }
    ).encode()


def vigilance_feed(departements: Sequence[str], now: datetime, days: Sequence[tuple[datetime, datetime]]) -> bytes:
    """A vigilance map of today and tomorrow, as Météo-France publishes it: green, or yellow for heat in summer.

    `days`: when the two begin and end by the clock of Paris, in UTC.
    """
    periods = []
    for name, (starts_at, ends_at) in zip(("J", "J1"), days, strict=True):
        domains = []
        for departement in departements:
            items = []
            for phenomenon, level in (("6", 2 if now.month in {6, 7, 8} else 1), ("3", 1), ("7", 1)):
                window = {"begin_time": _stamp(starts_at), "end_time": _stamp(ends_at), "color_id": level}
                items.append(
                    {"phenomenon_id": phenomenon, "phenomenon_max_color_id": level, "timelaps_items": [window]}
                )
            domains.append({"domain_id": departement, "max_color_id": 1, "phenomenon_items": items})
        periods.append(
            {
                "echeance": name,
                "begin_validity_time": _stamp(starts_at),
                "end_validity_time": _stamp(ends_at),
                "timelaps": {"domain_ids": domains},
            }
        )
    return json.dumps({"product": {"update_time": _stamp(now), "periods": periods}}).encode()


def uv_feed(communes: Sequence[DemoCommune], today: date) -> bytes:
    """UV indices of today and the three days after, by commune, higher in summer."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\n")
    writer.writerow(["insee", "commune", "date", "UV_J0", "UV_J1", "UV_J2", "UV_J3"])
    highest = 4.0 - 3.4 * cos(2 * pi * (today.timetuple().tm_yday + 10) / 365)
    for commune in communes:
        writer.writerow([commune.code, commune.name, today, *(max(1, round(highest)) for _ in range(4))])
    return text.getvalue().encode()


def _draw(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"demo:{text}".encode(), digest_size=4).digest())


def _hourly(pollutant: str, ends_at: datetime) -> float:
    """A value for one hour: morning and evening peaks, ozone in the afternoon."""
    middle, swing = _MIDDLES[pollutant]
    turn = -cos((ends_at.hour - 3) / 24 * 2 * pi) if pollutant == "O3" else cos((ends_at.hour - 8) / 12 * 2 * pi)
    noise = _draw(f"{pollutant}:{ends_at:%Y%m%d%H}") % 100 / 100 - 0.5
    return round(max(1.0, middle + swing * turn + swing * 0.4 * noise), 1)


def _of_zone(code: str, name: str, kind: str, day: date, now: datetime) -> dict[str, Any]:
    return {
        "aasqa": "11",
        "date_maj": f"{now:%Y/%m/%d %H:%M:%S}.000+00",
        "date_dif": f"{now:%Y-%m-%d}",
        "date_ech": f"{day}",
        "code_zone": code,
        "lib_zone": name,
        "type_zone": kind,
        "source": "Ville de démonstration",
    }


def _geojson(features: list[dict[str, Any]]) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
