"""Atmo Data, where the associations that watch the air of France publish: indices, pollen and episodes, as GeoJSON.

Data sets 112 (ATMO index), 122 (pollen), 113 and 114 (episodes), or their paths of version 2. What really comes:
`type_zone` in any case, or absent; zones that are EPCI, or, for episodes, a région; sub-indices of 0 beside a class;
`lib_zone` null; numbers as text; moments with a short offset; a day that is missing; the same zone twice. A file
without any feature is a day without data.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, BinaryIO, Final, TypeVar

import httpx
import ijson

from citizen_api.core.breaker import Monotonic
from citizen_api.sources.air_fetch import (
    AirSourceError,
    BusyError,
    CredentialsError,
    UnreadableError,
    fetch,
    place_of,
    read_whole,
)
from citizen_api.sources.air_records import AirIndexRecord, EpisodeRecord, PollenRecord
from citizen_api.sources.air_values import as_stream, day_of, moment, rejected, text_of
from citizen_api.sources.atmo_fields import index_record, pollen_record, pollutant, tier, zone
from citizen_api.sources.json_events import events, fault_of
from citizen_api.sources.records import BadRowError, RejectedRow, SourceFormatError, clean

API_URL: Final = "https://admindata.atmo-france.org"
LOGIN_PATH: Final = "/api/login"
INDEX_PATH: Final = "/api/v2/data/indices/atmo"
POLLEN_PATH: Final = "/api/v2/data/indices/pollens"
EPISODES_PATH: Final = "/api/v2/data/episodes/3jours"
"""Yesterday, today and tomorrow."""

ANSWER_MAX_BYTES: Final = 100_000_000
LOGIN_MAX_BYTES: Final = 100_000
BARRED_S: Final = 900.0
"""How long no log-in is tried after one was answered 429 without saying how long."""
FAILED_S: Final = 60.0
"""How long none is tried after one failed in another way, so that three data sets in a turn try it once."""

WHAT: Final = "GeoJSON of Atmo Data"

Record = TypeVar("Record", AirIndexRecord, PollenRecord, EpisodeRecord)


def read_index(data: BinaryIO | bytes) -> Iterator[AirIndexRecord | RejectedRow]:
    """Each zone's ATMO index. Raises SourceFormatError when it is no GeoJSON, or breaks off."""
    return _records(data, index_record)


def read_pollen(data: BinaryIO | bytes) -> Iterator[PollenRecord | RejectedRow]:
    """Each zone's pollen index. Raises SourceFormatError when it is no GeoJSON, or breaks off."""
    return _records(data, pollen_record)


def read_episodes(data: BinaryIO | bytes) -> Iterator[EpisodeRecord | RejectedRow]:
    """Each episode; a row that declares none ("pas de dépassement") has no tier, unknown states are rejected.

    Raises SourceFormatError when it is no GeoJSON, or breaks off.
    """
    return _records(data, _episode)


def _episode(properties: Mapping[str, Any]) -> EpisodeRecord:
    if "etat" not in properties:
        raise BadRowError("state", "The row has no state.")
    state = tier(properties["etat"])
    return EpisodeRecord(
        zone=zone(properties),
        day=day_of(properties.get("date_ech")),
        pollutant=pollutant(properties),
        tier=state[0] if state else None,
        persistence=bool(state and state[1]),
        producer=clean(text_of(properties.get("source"))) or None,
        published_at=moment(properties.get("date_maj")) or moment(properties.get("date_dif")),
    )


def _records(data: BinaryIO | bytes, make: Callable[[Mapping[str, Any]], Record]) -> Iterator[Record | RejectedRow]:
    """Make each feature a record. A row's number is its rank, from 1."""
    rank = 0
    listed = False

    def parsed() -> Iterator[tuple[str, str, Any]]:
        nonlocal listed
        for prefix, event, value in ijson.parse(events(as_stream(data), what=WHAT)):
            listed = listed or (prefix == "features" and event == "start_array")
            yield prefix, event, value

    try:
        for rank, feature in enumerate(ijson.items(parsed(), "features.item"), start=1):
            properties = feature.get("properties") if isinstance(feature, dict) else None
            try:
                if not isinstance(properties, dict):
                    raise BadRowError("no_properties", "The feature has no properties.")  # noqa: TRY301 - one handler
                record = make(properties)
            except BadRowError as error:
                yield rejected(rank, error, properties)
                continue
            if record is not None:
                yield record
    except SourceFormatError:
        raise
    except (ijson.JSONError, ValueError) as error:
        raise SourceFormatError(f"Not whole {WHAT}: it breaks after {rank} features ({fault_of(error)}).") from None
    if not listed:
        raise SourceFormatError(f"Not {WHAT}: it holds no `features`.")


class AtmoData:
    """The API, for one worker at a time. It logs in once for many calls: too often is answered 429.

    Each call raises DownError, BusyError, CredentialsError, UnreadableError.
    """

    def __init__(
        self,
        client: httpx.Client,
        *,
        user: str,
        password: str,
        url: str = API_URL,
        monotonic: Monotonic = time.monotonic,
    ) -> None:
        self._client = client
        self._url = url.rstrip("/")
        self._credentials = {"username": user, "password": password}
        self._monotonic = monotonic
        self._token: str | None = None
        self._barred_until = float("-inf")
        self._failure: AirSourceError | None = None

    def index(self, day: date) -> list[AirIndexRecord | RejectedRow]:
        """The ATMO index of every zone on a day; none where it is not published yet."""
        return read_whole(self._url + INDEX_PATH, read_index, self._get(INDEX_PATH, _on(day)))

    def pollen(self, day: date) -> list[PollenRecord | RejectedRow]:
        """The pollen index of every zone on a day."""
        return read_whole(self._url + POLLEN_PATH, read_pollen, self._get(POLLEN_PATH, _on(day)))

    def episodes(self) -> list[EpisodeRecord | RejectedRow]:
        """Episodes of yesterday, today and tomorrow."""
        return read_whole(self._url + EPISODES_PATH, read_episodes, self._get(EPISODES_PATH, {}))

    def _get(self, path: str, params: Mapping[str, str]) -> bytes:
        fresh = self._token is None
        try:
            return self._ask(path, params)
        except CredentialsError as error:
            if error.status != httpx.codes.UNAUTHORIZED or fresh:
                raise
        self._token = None  # it had grown old
        return self._ask(path, params)

    def _ask(self, path: str, params: Mapping[str, str]) -> bytes:
        if self._token is None:
            self._token = self._log_in()
        return fetch(
            self._client,
            self._url + path,
            params={"format": "geojson", "with_geom": "false", **params},
            headers={"Authorization": f"Bearer {self._token}", "Accept": "application/json"},
            max_bytes=ANSWER_MAX_BYTES,
        )

    def _log_in(self) -> str:
        """Give a token, or raise what the last log-in failed with, while none is to be tried."""
        left_s = self._barred_until - self._monotonic()
        if self._failure is not None and left_s > 0:
            if isinstance(self._failure, BusyError):
                raise BusyError(str(self._failure), left_s)
            raise self._failure.with_traceback(None)
        try:
            token = self._new_token()
        except AirSourceError as error:
            wait_s = (error.retry_after_s or BARRED_S) if isinstance(error, BusyError) else FAILED_S
            self._failure, self._barred_until = error, self._monotonic() + wait_s
            raise
        self._failure = None
        return token

    def _new_token(self) -> str:
        url = self._url + LOGIN_PATH
        body = fetch(self._client, url, json=self._credentials, max_bytes=LOGIN_MAX_BYTES)
        try:
            token = json.loads(body)["token"]
        except (ValueError, TypeError, KeyError, RecursionError):
            token = None
        # A token with anything else in it could not be sent as a header.
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or not token.strip():
            raise UnreadableError(f"{place_of(url)} gave no token")
        return token


def _on(day: date) -> dict[str, str]:
    # `date` alone is the last day of a span whose first is `date_historique`.
    return {"date": day.isoformat(), "date_historique": day.isoformat()}
