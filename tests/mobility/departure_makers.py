"""Makes synthetic air, options and opening hours for departures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from citizen_api.air import actions as air_actions
from citizen_api.care.hours import Opening, parse_hours
from citizen_api.mobility.departure_rules import Option
from citizen_api.mobility.departure_ways import Question
from citizen_api.mobility.exposure import Background
from citizen_api.mobility.network import POLLUTANTS
from citizen_api.mobility.rules import MODES
from tests.air.makers import NOON, SYNTHETIC

HOUR = timedelta(hours=1)
EVENING = datetime(2026, 11, 23, 17, tzinfo=UTC)
"""Monday 18:00 in Paris."""
PARIS = {"lat": 48.852, "lon": 2.352}


def make_air(*, starts_at=EVENING - HOUR, hours=48, basis="hours", levels=None, **values) -> Background:
    """Air that is the same at all hours, `no2=20.0`, or hour by hour from `starts_at` on; the last goes on."""
    told = {pollutant: np.full(hours, np.nan) for pollutant in POLLUTANTS}
    for pollutant, value in values.items():
        line = [value] if isinstance(value, int | float) else list(value)
        told[pollutant][:] = [np.nan if one is None else one for one in (line + line[-1:] * hours)[:hours]]
    line = levels or [0]
    return Background(
        commune_code="75104",
        commune_name="Paris 4e",
        zone="Europe/Paris",
        starts_at=starts_at,
        values_ug_m3=told,
        methods={name: np.full(hours, 0, np.uint8) for name in POLLUTANTS},
        levels=np.array((line + line[-1:] * hours)[:hours], np.int8),
        basis=basis,
        sources=("synthetic",),
        known_at=starts_at,
        made_up=False,
    )


def make_question(*modes, after=EVENING, until=None, **given) -> Question:
    """From Monday 18:00 in Paris on, for a day, on foot unless told otherwise."""
    plain = {"zone": "Europe/Paris", **PARIS} | given
    return Question(
        modes=[MODES[name] for name in modes or ("walk",)], after=after, until=until or after + 24 * HOUR, **plain
    )


def make_option(minutes_later=0, *, minutes=14, burden=1.0, mode="walk", **given) -> Option:
    """Leaving on Monday, so many minutes after 18:00."""
    plain = {"way": 0, "weight": 0.0} | given
    return Option(
        mode=mode,
        depart_at=EVENING + timedelta(minutes=minutes_later),
        duration_s=minutes * 60,
        burden=burden,
        **plain,
    )


def make_opening(expression):
    """What tells whether a place in Paris is open."""
    return parse_hours(expression, insee_code="75104").at


def always(state, until=None):
    """An opening that is the same whenever it is asked."""
    return lambda _at: Opening(state, until, "")


def make_forecast(database, *values, name="no2", hours=40) -> None:
    """Have a model expect this much in the hours from NOON on in every part of Paris; the last value goes on."""
    line = [*values, *values[-1:] * hours][:hours]
    rows = [
        {"pollutant": name, "ends_at": NOON + (hour + 1) * HOUR, "value_ug_m3": value}
        for hour, value in enumerate(line)
        if value is not None
    ]
    with database.session() as session:
        air_actions.keep_source(session, SYNTHETIC)
        for number in range(1, 21):
            air_actions.store_forecast(session, SYNTHETIC.id, f"751{number:02}", rows, known_at=NOON)
