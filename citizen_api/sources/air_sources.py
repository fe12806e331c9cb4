"""Who publishes the air facts that are read here, and what must be said beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class AirSourceInfo:
    """A publication. Title, producer and licence are in French, as the producer names itself.

    `resolution` is what one fact stands for: commune, departement, station or model (a cell of some 11 km). `url` is
    a page for people.
    """

    id: str
    title: str
    producer: str
    licence: str
    url: str
    resolution: str


ATMO_DATA: Final = AirSourceInfo(
    id="atmo-data",
    title="Indice ATMO, indice pollen et épisodes de pollution",
    producer="Atmo France et les Associations agréées de surveillance de la qualité de l’air",  # noqa: RUF001 - French
    licence="ODbL",
    url="https://www.atmo-france.org/article/les-donnees-air-disponibles",
    resolution="commune",
)
AIRPARIF: Final = AirSourceInfo(
    id="airparif",
    title="Indice ATMO des communes d’Île-de-France et mesures horaires",  # noqa: RUF001 - French
    producer="Airparif",
    licence="ODbL",
    url="https://www.airparif.fr",
    resolution="commune",
)
ATMO_OCCITANIE: Final = AirSourceInfo(
    id="atmo-occitanie",
    title="Mesures horaires des stations d’Occitanie",  # noqa: RUF001 - French
    producer="Atmo Occitanie",
    licence="ODbL",
    url="https://www.atmo-occitanie.org",
    resolution="station",
)
OPEN_METEO: Final = AirSourceInfo(
    id="open-meteo",
    title="Prévisions horaires de la qualité de l’air (modèles Copernicus CAMS)",  # noqa: RUF001 - French
    producer="Open-Meteo, service Copernicus de surveillance de l’atmosphère",  # noqa: RUF001 - French
    licence="CC BY 4.0",
    url="https://open-meteo.com/en/docs/air-quality-api",
    resolution="model",
)
METEO_FRANCE: Final = AirSourceInfo(
    id="meteo-france",
    title="Vigilance météorologique",
    producer="Météo-France",
    licence="Licence Ouverte",
    url="https://vigilance.meteofrance.fr",
    resolution="departement",
)
UV: Final = AirSourceInfo(
    id="uv",
    title="Indice UV par commune",
    producer="Recosanté, ministères sociaux",
    licence="Apache-2.0",
    url="https://recosante.beta.gouv.fr",
    resolution="commune",
)
# Publications of their own: each is read in its own turn.
ATMO_POLLEN: Final = replace(ATMO_DATA, id="atmo-data-pollen")
ATMO_EPISODES: Final = replace(ATMO_DATA, id="atmo-data-episodes", resolution="departement")
AIRPARIF_STATIONS: Final = replace(AIRPARIF, id="airparif-stations", resolution="station")
SOURCES: Final[Mapping[str, AirSourceInfo]] = {
    source.id: source
    for source in (
        *(ATMO_DATA, ATMO_POLLEN, ATMO_EPISODES, AIRPARIF, AIRPARIF_STATIONS),
        *(ATMO_OCCITANIE, OPEN_METEO, METEO_FRANCE, UV),
    )
}
"""By id."""
