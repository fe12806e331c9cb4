"""What is read on schedule: one feed for each publication that the settings switch on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from io import BytesIO
from itertools import chain
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

import httpx
from sqlalchemy import or_, select

from citizen_api.air.sync import COMPLETE, EPISODES, WARNINGS, Answer
from citizen_api.core.db import Database
from citizen_api.core.settings import PREFIX, Settings, SettingsError
from citizen_api.people.device_models import Watch
from citizen_api.sources.air_fetch import DownError, UnreadableError, fetch, read_whole
from citizen_api.sources.air_files import KINDS
from citizen_api.sources.air_records import AirIndexRecord, HourlyForecastRecord
from citizen_api.sources.air_sources import (
    AIRPARIF,
    ATMO_DATA,
    ATMO_EPISODES,
    ATMO_POLLEN,
    METEO_FRANCE,
    OPEN_METEO,
    AirSourceInfo,
)
from citizen_api.sources.airparif import Airparif
from citizen_api.sources.atmo_data import AtmoData
from citizen_api.sources.open_meteo import Centre, OpenMeteo
from citizen_api.sources.records import RejectedRow
from citizen_api.sources.vigilance import Vigilance
from citizen_api.territory.models import Commune

ILE_DE_FRANCE: Final = "11"
FILE_MAX_BYTES: Final = 100_000_000
_PARIS: Final = ZoneInfo("Europe/Paris")
_DAY: Final = timedelta(days=1)
_log = logging.getLogger("alentours.air")

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One publication. `read` is called with the present moment and outside any transaction.

    It raises AirSourceError or SourceFormatError. `may_be_empty`: no fact at all is an answer, too (no episode).
    """

    info: AirSourceInfo
    every: timedelta
    read: Callable[[datetime], Answer]
    may_be_empty: bool = False


def feeds_from(settings: Settings, database: Database, client: httpx.Client) -> list[Feed]:
    """The feeds that the settings switch on: none by default. Raises SettingsError."""
    files = _files(settings)
    feeds: list[Feed] = []
    if settings.air_atmo_data_user:
        feeds += _atmo_data(settings, client)
    if settings.air_airparif_key:
        feeds.append(_airparif(settings, database, client))
    if settings.air_open_meteo_enabled:
        feeds.append(_open_meteo(settings, database, client))
    if settings.air_meteo_france_key:
        vigilance = Vigilance(client, key=settings.air_meteo_france_key, url=settings.air_meteo_france_url)
        feeds.append(
            Feed(
                info=METEO_FRANCE,
                every=timedelta(minutes=20),
                read=lambda _: Answer(items=vigilance.current(), complete=WARNINGS),
            )
        )
    feeds += [_file(kind, url, client) for kind, url in files]
    return _by_source(feeds)


def check_feeds(settings: Settings) -> None:
    """Check what only this part of the product knows of the settings. Raises SettingsError."""
    _files(settings)


def _atmo_data(settings: Settings, client: httpx.Client) -> list[Feed]:
    """Three publications, one log-in."""
    api = AtmoData(
        client,
        user=settings.air_atmo_data_user,
        password=settings.air_atmo_data_password,
        url=settings.air_atmo_data_url,
    )

    def index(now: datetime) -> Answer:
        return Answer(items=_of_two_days(api.index, now, ATMO_DATA))

    def pollen(now: datetime) -> Answer:
        return Answer(items=_of_two_days(api.pollen, now, ATMO_POLLEN))

    def episodes(_now: datetime) -> Answer:
        return Answer(items=api.episodes(), complete=EPISODES)

    hourly = timedelta(hours=1)
    return [
        Feed(info=ATMO_DATA, every=hourly, read=index),
        Feed(info=ATMO_POLLEN, every=hourly, read=pollen),
        Feed(info=ATMO_EPISODES, every=hourly, read=episodes, may_be_empty=True),
    ]


def _airparif(settings: Settings, database: Database, client: httpx.Client) -> Feed:
    api = Airparif(client, key=settings.air_airparif_key, url=settings.air_airparif_url)

    def read(_now: datetime) -> Answer:
        codes = sorted(_centres(database, settings.air_communes, region=ILE_DE_FRANCE))
        return Answer(items=[_as_asked(item, codes) for item in api.communes(codes)])

    return Feed(info=AIRPARIF, every=timedelta(hours=1), read=read, may_be_empty=not settings.air_communes)


def _open_meteo(settings: Settings, database: Database, client: httpx.Client) -> Feed:
    api = OpenMeteo(client, url=settings.air_open_meteo_url)

    def read(_now: datetime) -> Answer:
        answers = api.forecast(_centres(database, settings.air_communes))
        rejected = [item for items in answers.values() for item in items if isinstance(item, RejectedRow)]
        hours = {
            code: [item for item in items if isinstance(item, HourlyForecastRecord)] for code, items in answers.items()
        }
        return Answer(items=rejected, forecasts=hours)

    return Feed(info=OPEN_METEO, every=timedelta(hours=3), read=read, may_be_empty=not settings.air_communes)


def _files(settings: Settings) -> list[tuple[str, str]]:
    """(kind, address) of the files at addresses, as the setting holds them: `kind=https://…`."""
    files = []
    for named in settings.air_files:
        kind, _, url = named.partition("=")
        # A forecast of Open-Meteo names no place.
        if kind not in KINDS or kind == "open-meteo":
            known = ", ".join(name for name in KINDS if name != "open-meteo")
            raise SettingsError(f"{PREFIX}AIR_FILES: {kind} is no kind of file; known are {known}")
        files.append((kind, url))
    return files


def _file(kind: str, url: str, client: httpx.Client) -> Feed:
    """A file at an address; `{date}` in it is today's (20260131)."""

    def read(now: datetime) -> Answer:
        address = url.replace("{date}", f"{now.astimezone(_PARIS):%Y%m%d}")
        body = fetch(client, address, max_bytes=FILE_MAX_BYTES)
        items = read_whole(address, lambda data: KINDS[kind].read(BytesIO(data)), body)
        return Answer(items=items, complete=COMPLETE.get(kind, ()))

    return Feed(info=KINDS[kind].source, every=timedelta(minutes=30), read=read)


def _by_source(feeds: Sequence[Feed]) -> list[Feed]:
    """One feed for each source: it has one turn, in which all of its publications are read."""
    together: dict[str, Feed] = {}
    for feed in feeds:
        other = together.get(feed.info.id)
        together[feed.info.id] = feed if other is None else _both(other, feed)
    return list(together.values())


def _both(one: Feed, other: Feed) -> Feed:
    def read(now: datetime) -> Answer:
        answers = [one.read(now), other.read(now)]
        return Answer(
            items=list(chain.from_iterable(answer.items for answer in answers)),
            complete=[pair for answer in answers for pair in answer.complete],
            forecasts={**answers[0].forecasts, **answers[1].forecasts},
        )

    return replace(
        one, every=min(one.every, other.every), read=read, may_be_empty=one.may_be_empty and other.may_be_empty
    )


def _of_two_days(read: Callable[[date], Sequence[Item]], now: datetime, info: AirSourceInfo) -> list[Item]:
    """What is said of today and of tomorrow as the sources count them, by the clock of Paris.

    Where tomorrow is answered with an error, today's alone. Raises AirSourceError.
    """
    today = now.astimezone(_PARIS).date()
    found = [*read(today)]
    try:
        found += read(today + _DAY)
    except (DownError, UnreadableError) as error:
        if not found:
            raise
        _log.warning("day after not read", extra={"source": info.id, "why": str(error)})
    return found


def _as_asked(item: AirIndexRecord | RejectedRow, codes: Collection[str]) -> AirIndexRecord | RejectedRow:
    if isinstance(item, RejectedRow) or item.zone.code in codes:
        return item
    return RejectedRow(row=0, reason="not_asked: Nobody asked about this commune.", raw=repr(item.zone))


def _centres(database: Database, always: Collection[str], *, region: str | None = None) -> dict[str, Centre]:
    """Centres of the communes that residents watch and of those that the settings name, by INSEE code."""
    with database.session(write=False) as session:
        watched = select(Watch.commune_code).distinct()
        query = select(Commune.code, Commune.lat, Commune.lon).where(
            or_(Commune.code.in_(watched), Commune.code.in_(list(always)))
        )
        if region is not None:
            query = query.where(Commune.region_code == region)
        return {
            code: Centre(lat=lat, lon=lon)
            for code, lat, lon in session.execute(query)
            if lat is not None and lon is not None
        }
