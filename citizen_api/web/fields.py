"""Fields that several capabilities read: moments and positions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import marshmallow as ma

from citizen_api.core.problems import PositionMissing

LATITUDE: Final = {"description": "Latitude, WGS84 degrees.", "example": 48.8573751, "minimum": -90, "maximum": 90}
LONGITUDE: Final = {"description": "Longitude, WGS84 degrees.", "example": 2.3524425, "minimum": -180, "maximum": 180}


class Moment(ma.fields.Field[datetime | str]):
    """`now`, or an RFC 3339 moment with its offset. In a query, a bare `+` arrives as a space: accept it."""

    _rfc_3339 = re.compile(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)", re.ASCII | re.IGNORECASE
    )

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
    ) -> datetime | str:
        if value == "now":
            return "now"
        text = re.sub(r" (?=\d\d:\d\d$)", "+", str(value)).upper()
        if not self._rfc_3339.fullmatch(text):
            raise self.make_error("invalid")
        try:
            moment = datetime.fromisoformat(text)
        except ValueError as error:
            raise self.make_error("invalid") from error
        if not 1900 < moment.year < 2200:  # noqa: PLR2004 - where calendars make sense
            raise self.make_error("range")
        return moment


def check_one_place(args: Mapping[str, Any]) -> None:
    """Check that a question stands in one place: `lat` and `lon`, or else `commune`. Raises PositionMissing."""
    if ("lat" in args) != ("lon" in args) or ("lat" in args) == ("commune" in args):
        raise PositionMissing
