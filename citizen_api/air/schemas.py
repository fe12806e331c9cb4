"""Wire format of the air."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from citizen_api.sources.air_records import MEASURED
from citizen_api.web.blueprint import Args
from citizen_api.web.fields import LATITUDE, LONGITUDE, MomentOrDay
from citizen_api.web.notices import NoticeView
from content.hazards import TIERS

_POLLUTANT: dict[str, Any] = {"example": "pm25"}


class AirArgs(Args):
    """Where, and when."""

    commune = ma.fields.String(
        validate=ma.validate.Length(1, 10),
        metadata={"description": "INSEE code of a commune or an arrondissement.", "example": "75104"},
    )
    lat = ma.fields.Float(metadata=LATITUDE)
    lon = ma.fields.Float(metadata=LONGITUDE)
    at = MomentOrDay(
        load_default="now",
        metadata={
            "description": "`now`, or an RFC 3339 moment: what was known then of the past, what is known now of a "
            "coming moment; ages are judged at it. A day (2026-01-06): that day, as it was known at its end, in UTC "
            "too.",
            "example": "now",
            "type": "string",
        },
    )


class LevelView(ma.Schema):
    """A level on the scale of its hazard; null is unknown, never good."""

    level = ma.fields.Integer(required=True, allow_none=True, metadata={"example": 3})
    most = ma.fields.Integer(required=True, metadata={"description": "The worst level of the scale.", "example": 6})
    name = ma.fields.String(required=True, metadata={"example": "Dégradé"})
    colour = ma.fields.String(required=True, metadata={"example": "#F0E641"})


class PollutantView(ma.Schema):
    """A pollutant."""

    pollutant = ma.fields.String(
        required=True, allow_none=True, validate=ma.validate.OneOf(MEASURED), metadata=_POLLUTANT
    )
    pollutant_name = ma.fields.String(required=True, allow_none=True, metadata={"example": "Particules fines (PM2.5)"})


class AirSourceView(ma.Schema):
    """Who says so, and what their licence asks to be said."""

    id = ma.fields.String(required=True, metadata={"example": "airparif"})
    title = ma.fields.String(required=True)
    producer = ma.fields.String(required=True, metadata={"example": "Airparif"})
    licence = ma.fields.String(required=True, metadata={"example": "ODbL"})
    url = ma.fields.String(required=True, allow_none=True, metadata={"example": "https://www.airparif.fr"})


class FromSource(ma.Schema):
    """Where a fact comes from and for which area it stands."""

    source = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "Its id in `sources`.", "example": "airparif"}
    )
    resolution = ma.fields.String(
        required=True,
        allow_none=True,
        validate=ma.validate.OneOf(["commune", "epci", "departement", "region", "station", "model"]),
        metadata={"description": "The area for which it is published, a station, or a cell of a model."},
    )


class Published(FromSource):
    """A fact with its age."""

    published_at = ma.fields.AwareDateTime(required=True, allow_none=True, format="iso")
    age_s = ma.fields.Integer(
        required=True, allow_none=True, metadata={"description": "At `at`, in seconds.", "example": 5400}
    )


class Valid(ma.Schema):
    """How long a fact holds."""

    valid_from = ma.fields.AwareDateTime(required=True, format="iso")
    valid_until = ma.fields.AwareDateTime(required=True, format="iso")


class ValueView(PollutantView, FromSource):
    """One concentration and where it was measured."""

    value_ug_m3 = ma.fields.Float(required=True, metadata={"example": 42.1})
    level = ma.fields.Integer(required=True, allow_none=True, metadata={"example": 3})
    level_name = ma.fields.String(required=True, allow_none=True, metadata={"example": "Dégradé"})
    ends_at = ma.fields.AwareDateTime(
        required=True, format="iso", metadata={"description": "End of the last hour that it holds."}
    )
    age_s = ma.fields.Integer(required=True, metadata={"example": 3600})
    hours = ma.fields.Integer(required=True, metadata={"description": "Hours that it rests on.", "example": 24})
    station = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "Null: the median of `stations` stations."}
    )
    stations = ma.fields.Integer(required=True, metadata={"example": 1})
    distance_m = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "From the centre of the commune; null where no position is known.", "example": 1200},
    )
    influence = ma.fields.String(
        required=True, allow_none=True, validate=ma.validate.OneOf(["background", "traffic", "industrial"])
    )
    where = ma.fields.String(required=True, metadata={"example": "à 1,2 km, station de fond"})


class NowView(LevelView, PollutantView, FromSource):
    """The air at the moment asked for."""

    basis = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(["measured", "modelled", "index"]),
        metadata={"description": "measured: by stations; modelled: this hour of a model; index: that of the day."},
    )
    scale = ma.fields.String(required=True, metadata={"example": "EAQI 2017"})
    ends_at = ma.fields.AwareDateTime(required=True, allow_none=True, format="iso")
    age_s = ma.fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Since the hour was measured, or since a model or an index was published."},
    )
    values = ma.fields.List(ma.fields.Nested(ValueView), required=True)


class MeasuredDayView(LevelView, PollutantView):
    """What stations measured over a UTC day, as French daily values count it."""

    utc_day = ma.fields.Date(required=True)
    complete = ma.fields.Boolean(required=True, metadata={"description": "False: the day is still running."})
    above_threshold = ma.fields.String(
        required=True,
        allow_none=True,
        validate=ma.validate.OneOf(TIERS),
        metadata={
            "description": "The tier whose official threshold a background station measured that day alone (two "
            "days at the first may be an alert by persistence); only an authority declares an episode (`episodes`)."
        },
    )
    values = ma.fields.List(ma.fields.Nested(ValueView), required=True)


class DayView(LevelView, PollutantView, Published, Valid):
    """The ATMO index of a day."""

    day = ma.fields.Date(required=True)
    method = ma.fields.String(
        required=True,
        allow_none=True,
        validate=ma.validate.OneOf(["published", "modelled", "measured", "episode"]),
        metadata={"description": "How the level was found; episode: only an official episode is known."},
    )
    levels = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Nested(LevelView),
        required=True,
        metadata={"description": "By pollutant, those that are known."},
    )
    raised_by = ma.fields.String(
        required=True,
        allow_none=True,
        validate=ma.validate.OneOf(["information", "alert"]),
        metadata={"description": "The tier of the official episode that raises the level at least."},
    )
    event = ma.fields.Boolean(
        required=True, metadata={"description": "Published as an exceptional event, without a level."}
    )
    measured = ma.fields.Nested(MeasuredDayView, required=True, allow_none=True)


class HourView(ma.Schema):
    """One hour of the curve: the EAQI level of what is known, and the pollutant that makes it."""

    level = ma.fields.Integer(required=True, allow_none=True, metadata={"example": 2})
    pollutant = ma.fields.String(
        required=True, allow_none=True, validate=ma.validate.OneOf(MEASURED), metadata={"example": "no2"}
    )

    ends_at = ma.fields.AwareDateTime(required=True, format="iso")
    method = ma.fields.String(required=True, validate=ma.validate.OneOf(["measured", "modelled"]))
    sources = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={"description": "Their ids in `sources`.", "example": ["atmo-occitanie"]},
    )
    resolution = ma.fields.String(required=True, validate=ma.validate.OneOf(["station", "model"]))
    age_s = ma.fields.Integer(
        required=True, metadata={"description": "Since it was measured, or since the run of the model was read."}
    )
    values_ug_m3 = ma.fields.Dict(
        keys=ma.fields.String(), values=ma.fields.Float(), required=True, metadata={"example": {"o3": 61.0}}
    )


class EpisodeView(PollutantView, Published, Valid):
    """An official pollution episode that is open."""

    day = ma.fields.Date(required=True)
    tier = ma.fields.String(required=True, validate=ma.validate.OneOf(["information", "alert"]))
    tier_name = ma.fields.String(required=True, metadata={"example": "niveau d'information"})
    persistence = ma.fields.Boolean(required=True, metadata={"description": "Declared because it lasts."})


class HazardDayView(LevelView, Published, Valid):
    """Another hazard on one day."""

    day = ma.fields.Date(required=True)


class TaxonView(LevelView):
    """One pollen."""

    code = ma.fields.String(required=True, metadata={"example": "birch"})
    name = ma.fields.String(required=True, metadata={"example": "bouleau"})
    responsible = ma.fields.Boolean(required=True, metadata={"description": "It makes the index."})


class PollenDayView(HazardDayView):
    """Pollen on one day."""

    taxa = ma.fields.List(ma.fields.Nested(TaxonView), required=True)
    alert = ma.fields.Boolean(required=True, metadata={"description": "The producer raises an alert."})


class UvDayView(HazardDayView):
    """UV on one day."""

    value = ma.fields.Float(required=True, allow_none=True, metadata={"description": "The UV index.", "example": 6.4})


def _known_day(view: type[ma.Schema]) -> Any:
    return ma.fields.Nested(view, required=True, allow_none=True)


class PollenDaysView(ma.Schema):
    """Pollen today and tomorrow."""

    today = _known_day(PollenDayView)
    tomorrow = _known_day(PollenDayView)


class UvDaysView(ma.Schema):
    """UV today and tomorrow."""

    today = _known_day(UvDayView)
    tomorrow = _known_day(UvDayView)


class WarningDaysView(ma.Schema):
    """A weather warning today and tomorrow."""

    today = _known_day(HazardDayView)
    tomorrow = _known_day(HazardDayView)


class AirPlaceView(ma.Schema):
    """The commune that the answer is about."""

    code = ma.fields.String(required=True, metadata={"example": "75104"})
    name = ma.fields.String(required=True, metadata={"example": "Paris 4e Arrondissement"})


class AirView(ma.Schema):
    """The air of a commune. Null, and a null level, mean unknown."""

    notices = ma.fields.List(ma.fields.Nested(NoticeView), required=True)
    commune = ma.fields.Nested(AirPlaceView, required=True)
    at = ma.fields.AwareDateTime(required=True, format="iso")
    now = ma.fields.Nested(NowView, required=True, allow_none=True)
    yesterday = ma.fields.Nested(DayView, required=True)
    today = ma.fields.Nested(DayView, required=True)
    tomorrow = ma.fields.Nested(DayView, required=True)
    hourly = ma.fields.List(
        ma.fields.Nested(HourView), required=True, metadata={"description": "Of today and tomorrow, where known."}
    )
    episodes = ma.fields.List(ma.fields.Nested(EpisodeView), required=True)
    pollen = ma.fields.Nested(PollenDaysView, required=True)
    uv = ma.fields.Nested(UvDaysView, required=True)
    heat = ma.fields.Nested(WarningDaysView, required=True)
    cold = ma.fields.Nested(WarningDaysView, required=True)
    storms = ma.fields.Nested(WarningDaysView, required=True)
    sources = ma.fields.List(ma.fields.Nested(AirSourceView), required=True)
