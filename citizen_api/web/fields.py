"""Fields that several capabilities read: moments and positions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final, TypeVar

import marshmallow as ma

from citizen_api.core.problems import PositionMissing

LATITUDE: Final = {"description": "Latitude, WGS84 degrees.", "example": 48.8573751, "minimum": -90, "maximum": 90}
LONGITUDE: Final = {"description": "Longitude, WGS84 degrees.", "example": 2.3524425, "minimum": -180, "maximum": 180}


_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_RFC_3339: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)", re.ASCII | re.IGNORECASE
)
T = TypeVar("T", bound=date)


class _NowOr(ma.fields.Field[T | str]):
    """`now`, or what `_read` reads. In a query, a bare `+` arrives as a space: accept it."""

    default_error_messages = {  # noqa: RUF012 - as marshmallow declares it
        "invalid": "Not a valid datetime.",
        "range": "Not a year of the calendars: 1901 to 2199.",
    }

    def _deserialize(
        self,
        value: Any,
        attr: str | None,  # noqa: ARG002 - marshmallow's interface
        data: Mapping[str, Any] | None,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> T | str:
        if value == "now":
            return "now"
        moment = self._read(re.sub(r" (?=\d\d:\d\d$)", "+", str(value)).upper())
        if moment is None:
            raise self.make_error("invalid")
        if not 1900 < moment.year < 2200:  # noqa: PLR2004 - where calendars make sense
            raise self.make_error("range")
        return moment

    def _read(self, text: str) -> T | None:
        """Read what is not `now`; None for what it is not."""
        raise NotImplementedError


class Moment(_NowOr[datetime]):
    """`now`, or an RFC 3339 moment with its offset."""

    def _read(self, text: str) -> datetime | None:
        return _parsed(datetime.fromisoformat, text) if _RFC_3339.fullmatch(text) else None


class MomentOrDay(_NowOr[date]):
    """`now`, an RFC 3339 moment with its offset, or a day such as 2026-01-06."""

    default_error_messages = {"invalid": "Not a valid datetime or date."}  # noqa: RUF012 - as marshmallow declares it

    def _read(self, text: str) -> date | None:
        if _DAY.fullmatch(text):
            return _parsed(date.fromisoformat, text)
        return _parsed(datetime.fromisoformat, text) if _RFC_3339.fullmatch(text) else None


def _parsed(parse: Callable[[str], T], text: str) -> T | None:
    try:
        return parse(text)
    except ValueError:  # 30 February has the form of a day
        return None


def check_one_place(args: Mapping[str, Any]) -> None:
    """Check that a question stands in one place: `lat` and `lon`, or else `commune`. Raises PositionMissing."""
    if ("lat" in args) != ("lon" in args) or ("lat" in args) == ("commune" in args):
        raise PositionMissing
