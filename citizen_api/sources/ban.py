"""The national geocoder (Base Adresse Nationale), through geopy: its answers -> `FoundAddress`.

The text asked for comes from a resident: it is in no log and in no message of ours.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx
from geopy.adapters import AdapterHTTPError, BaseSyncAdapter
from geopy.exc import (
    GeocoderParseError,
    GeocoderQueryError,
    GeocoderQuotaExceeded,
    GeocoderServiceError,
    GeocoderTimedOut,
    GeocoderUnavailable,
    GeopyError,
)
from geopy.geocoders import BANFrance

ASKED = 20
"""Results asked for: enough to choose the nearest among; the same for every caller, so that answers keep."""

ANSWER_MAX_BYTES = 500_000
TEXT_MAX_CHARS = 200
"""The national geocoder refuses longer texts."""

_KINDS = {
    "housenumber": "address",
    "street": "street",
    "locality": "locality",
    "municipality": "commune",
}

# geopy logs addresses with their query at DEBUG, and answers in error, which quote it, at INFO.
logging.getLogger("geopy").setLevel(logging.WARNING)


class GeocoderError(Exception):
    """The geocoder gave no answer."""


class GeocoderDownError(GeocoderError):
    """It is unreachable, too slow, failing, or answers in another form."""


class GeocoderBusyError(GeocoderError):
    """It asks to slow down."""

    def __init__(self, retry_after_s: float | None) -> None:
        super().__init__("the geocoder asks to slow down")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAddress:
    """A place that the geocoder knows. `kind`: address, street, locality, commune. `score`: 0 to 1."""

    kind: str
    label: str
    lat: float
    lon: float
    postcode: str | None
    city: str | None
    commune_code: str | None
    score: float


class BanGeocoder:
    """Asks the national geocoder. `domain` may hold a path: geopy puts it before `/search`."""

    def __init__(self, client: httpx.Client, *, domain: str, timeout_s: float, scheme: str = "https") -> None:
        self._geopy = BANFrance(
            domain=domain,
            scheme=scheme,
            timeout=timeout_s,
            user_agent="alentours",
            adapter_factory=lambda **options: _Adapter(client, **options),
        )

    def search(self, text: str) -> list[FoundAddress]:
        """Find addresses, best first; none when there is no such place or the text is no address.

        Raises GeocoderDownError, GeocoderBusyError.
        """
        try:
            found = self._geopy.geocode(text[:TEXT_MAX_CHARS], limit=ASKED, exactly_one=False)
        except GeocoderQueryError:
            return []  # too short, or not a word of it
        except GeocoderQuotaExceeded as error:
            raise GeocoderBusyError(getattr(error, "retry_after", None)) from None
        except GeopyError as error:
            # From None: messages of geopy quote the address asked for.
            raise GeocoderDownError(type(error).__name__) from None
        return [_address(location.raw) for location in found or ()]


class _Adapter(BaseSyncAdapter):  # type: ignore[misc]
    """geopy's HTTP, on our checked client."""

    def __init__(self, client: httpx.Client, *, proxies: Any, ssl_context: Any) -> None:
        super().__init__(proxies=proxies, ssl_context=ssl_context)
        self._client = client

    def get_text(self, url: str, *, timeout: float, headers: Mapping[str, str]) -> str:
        try:
            return self._read(url, timeout, headers).decode("utf-8")
        except httpx.TimeoutException:
            raise GeocoderTimedOut("timed out") from None
        except httpx.HTTPError:
            raise GeocoderUnavailable("unreachable") from None
        except UnicodeDecodeError:
            raise GeocoderParseError("not UTF-8") from None

    def _read(self, url: str, timeout_s: float, headers: Mapping[str, str]) -> bytes:
        # httpx's timeout is for each step: a server that drips bytes would hold the resident for ever.
        deadline = time.monotonic() + timeout_s
        # A redirect would carry the resident's text to another host.
        with self._client.stream(
            "GET", url, headers=dict(headers), timeout=timeout_s, follow_redirects=False
        ) as answer:
            if answer.status_code >= HTTPStatus.BAD_REQUEST:
                raise AdapterHTTPError("refused", status_code=answer.status_code, headers=answer.headers, text="")
            if answer.status_code != HTTPStatus.OK:
                raise GeocoderServiceError("unexpected status")
            body = bytearray()
            for some in answer.iter_bytes():
                body += some
                if len(body) > ANSWER_MAX_BYTES:
                    raise GeocoderParseError("too large")
                if time.monotonic() > deadline:
                    raise GeocoderTimedOut("timed out")
            return bytes(body)

    def get_json(self, url: str, *, timeout: float, headers: Mapping[str, str]) -> dict[str, Any]:
        try:
            answer = json.loads(self.get_text(url, timeout=timeout, headers=headers))
            features = answer["features"]
            return {"features": [feature for feature in features if _is_readable(feature)]}
        except (ValueError, KeyError, TypeError, RecursionError):
            raise GeocoderParseError("not the expected JSON") from None


def _is_readable(feature: Any) -> bool:
    """Whether a feature has a label and a position; geopy gives up the whole answer for one that has not."""
    try:
        lon, lat = feature["geometry"]["coordinates"][:2]
        label = feature["properties"]["label"]
        on_globe = abs(float(lat)) <= 90 and abs(float(lon)) <= 180  # noqa: PLR2004 - degrees
    except (KeyError, TypeError, ValueError):
        return False
    return isinstance(label, str) and on_globe


def _address(feature: dict[str, Any]) -> FoundAddress:
    properties = feature["properties"]
    lon, lat = feature["geometry"]["coordinates"][:2]
    return FoundAddress(
        kind=_KINDS.get(properties.get("type"), "address"),
        label=properties["label"],
        lat=float(lat),
        lon=float(lon),
        postcode=_text(properties.get("postcode")),
        city=_text(properties.get("city")),
        commune_code=_text(properties.get("citycode")),
        score=_score(properties.get("score")),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _score(value: Any) -> float:
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return 0.0
    return min(max(float(value), 0.0), 1.0)
