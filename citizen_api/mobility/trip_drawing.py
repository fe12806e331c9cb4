"""Trips on a map without tiles: one chosen, coloured by the air of its streets, its alternatives dashed."""

from __future__ import annotations

import numpy as np

from citizen_api.mobility.map_parts import Line, Marker, Picture
from citizen_api.mobility.maps import draw_map
from citizen_api.mobility.network import FloatArray
from citizen_api.mobility.networks import Networks
from citizen_api.mobility.steps import say_distance
from citizen_api.mobility.trip_parts import Trip
from citizen_api.mobility.trip_present import TripPresenter
from content.catalogue import catalogue


def draw_trips(networks: Networks, presenter: TripPresenter, *, show: str) -> str:
    """An SVG document with the trip that has the label `show`, else the first and says so; its alternatives dashed.

    Without any trip: the two ends alone.
    """
    found, lang = presenter.found, presenter.language
    question, words = found.question, catalogue().moving["trips"]
    markers = [
        Marker(lat=question.from_lat, lon=question.from_lon, kind="start", text=presenter.label("map_start")),
        Marker(lat=question.to_lat, lon=question.to_lon, kind="goal", text=presenter.label("map_goal")),
    ]
    notices = [entry["text"] for entry in presenter.spoken_notices()]
    if not found.trips:
        title = presenter.label("transit_no_way")
        return draw_map(
            networks.all(), Picture(title=title, description=title, markers=markers, notices=notices), lang=lang
        )
    chosen = next((trip for trip in found.trips if show in trip.labels), found.trips[0])
    if show not in chosen.labels and show != "fastest":
        notices.insert(0, presenter.label("map_not_shown"))
    others = [trip for trip in found.trips if trip.mode == chosen.mode and trip is not chosen]
    markers += [
        Marker(
            lat=leg.station.lat,
            lon=leg.station.lon,
            kind="station",
            text=presenter.label("map_station", station=leg.station.name),
        )
        for leg in chosen.legs
        if leg.station is not None
    ]
    mode = presenter.label(chosen.mode)
    picture = Picture(
        title=presenter.label("map_title", mode=mode),
        description=presenter.label(
            "map_description",
            minutes=_minutes(chosen),
            distance=say_distance(chosen.distance_m, words, lang),
            mode=mode,
        ),
        lines=[
            *(_line(trip, presenter, chosen=False) for trip in others),
            _line(chosen, presenter, chosen=True),
        ],
        markers=markers,
        notices=notices,
    )
    return draw_map(networks.all(), picture, lang=lang)


def _line(trip: Trip, presenter: TripPresenter, *, chosen: bool) -> Line:
    names = ", ".join(presenter.named(label, trip) for label in trip.labels) or presenter.label(trip.mode)
    points = np.concatenate([leg.points for leg in trip.legs])
    if len(points) == 1:
        points = np.repeat(points, 2, axis=0)
    return Line(
        points=points,
        values=_values(trip, len(points) - 1),
        chosen=chosen,
        title=presenter.label("map_line", label=names, minutes=_minutes(trip)),
    )


def _values(trip: Trip, count: int) -> FloatArray | None:
    """The air of each segment against the mean of the city; NaN from one leg to the next; None where it is unknown."""
    if trip.network is None or trip.guide is None:
        return None
    factor = trip.network.factors[trip.guide]
    parts = []
    for leg in trip.legs:
        if leg.route is not None:
            parts += [factor[leg.route.streets][leg.pieces].astype(np.float64), np.array([np.nan])]
    values = np.concatenate(parts)[:-1]
    return values if len(values) == count else np.full(count, np.nan)


def _minutes(trip: Trip) -> int:
    return max(1, round(trip.duration_s / 60))
