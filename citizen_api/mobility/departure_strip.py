"""What the strip of the coming hours shows, in words and shares, out of a plan."""

from __future__ import annotations

from collections.abc import Mapping

from citizen_api.air.outlook import DEMO_SOURCE
from citizen_api.mobility.departure_drawing import Bar, Look, Strip
from citizen_api.mobility.departure_present import DeparturePresenter
from citizen_api.mobility.departures import Hour
from citizen_api.mobility.exposure import HOUR

_LABEL_EVERY = 3
_FIRST = (
    "demo_air",
    "demo_data",
    "air_episode",
    "closed_for_good",
    "trip_land_unknown",
    "departure_closed_throughout",
    "departure_none_in_time",
    "departure_air_unknown",
    "departure_only_advised_against",
    "departure_hours_unknown",
    "departure_index_only",
    "departure_streets_unknown",
    "old_source",
    "regulated_emergency",
    "approximate",
)
"""Notices that are drawn first: what must be known before the picture is believed."""
_WARNING = "warning_"
_MOVING = ("trip_ease", "trip_shorter", "trip_indoors")
_NOTES = (*_MOVING, "departure_last_useful", "departure_little_gain")
"""Notices that are drawn beside the advice."""


def strip_of(presenter: DeparturePresenter) -> Strip:
    """The strip of the recommended mode, or of the first that was asked for."""
    plan, say, mode = presenter.plan, presenter.say, presenter.trip.label(presenter.plan.shown)
    reference = plan.references.get(plan.shown)
    highest = max((hour.least.burden or 0.0 for hour in plan.hours if hour.least is not None), default=0.0)
    best = plan.best
    air = presenter.trip.air()
    than = "" if reference is None else presenter.clock(reference.depart_at)
    of = presenter.of(plan.guide)
    by_level = presenter.background.basis == "index"
    notices = presenter.notices()
    attributions = dict.fromkeys(way.network.attribution for way in plan.ways if way.network is not None)
    return Strip(
        language=presenter.language,
        title=say("strip_title", mode=mode),
        goal="" if presenter.place is None else say("strip_to", name=presenter.place.name),
        best="" if best is None else say("strip_best", at=presenter.clock(best.depart_at)),
        advice=_advice(presenter),
        bars_title=say("strip_levels") if by_level else say("strip_bars", of=of),
        bars=[
            _bar(presenter, hour, highest, before=before)
            for before, hour in zip((None, *plan.hours), plan.hours, strict=False)
        ],
        legend={
            "less": say("strip_less", at=than, of=of),
            "same": say("strip_same", at=than),
            "more": say("strip_more", at=than),
            "unknown": say("strip_unknown"),
            "closed": say("strip_closed"),
            "late": say("strip_late"),
            "left_out": say("strip_left_out"),
            "night": say("strip_night"),
        },
        night=say("strip_night"),
        notices=[told["text"] for told in notices if told["code"] in _FIRST or told["code"].startswith(_WARNING)],
        notes=[told["text"] for told in notices if told["code"] in _NOTES],
        sources=[
            *(
                say("strip_source", sources=", ".join(_producer(presenter, row) for row in air["sources"]))
                for _ in air["sources"][:1]
            ),
            *attributions,
        ],
    )


def _advice(presenter: DeparturePresenter) -> str:
    """The recommended departure in words, or that none is of use; where nobody knows of land, its notice says why."""
    if presenter.plan.best is not None:
        return presenter.words(presenter.plan.best)
    return "" if presenter.trip.land_unknown else presenter.say("strip_none")


def _producer(presenter: DeparturePresenter, source: Mapping[str, str]) -> str:
    """Who tells the air: made-up facts are called so in the language of the reader."""
    return presenter.say("strip_made_up") if source["id"] == DEMO_SOURCE else source["producer"]


def _bar(presenter: DeparturePresenter, hour: Hour, highest: float, *, before: Hour | None) -> Bar:
    said = presenter.hour(hour)
    local = presenter.trip.local(hour.starts_at)
    look = _look(hour, said["band"])
    share = None
    if hour.least is not None and hour.least.burden is not None and look not in ("closed", "late"):
        share = hour.least.burden / highest if highest else 0.0
    told = _told(presenter, hour, look, said["percent"])
    beside = None if before is None else before.starts_at
    return Bar(
        look=look,
        share=share,
        dark=hour.dark,
        label=presenter.say("strip_hour", hour=local.hour) if local.hour % _LABEL_EVERY == 0 else "",
        said=presenter.say("strip_desc_hour", at=presenter.clock(hour.starts_at, beside=beside), said=told),
        best=said["best"],
        useful=_useful(hour),
        useless="closed" if {"closed", "closes"} & set(hour.hindered) else "late",
    )


def _useful(hour: Hour) -> tuple[float, float]:
    """From which to which share of an hour leaving is of use; all of it where all its departures are."""
    first = 0.0 if hour.not_before is None else (hour.not_before - hour.starts_at) / HOUR
    return first, 1.0 if hour.not_after is None else (hour.not_after - hour.starts_at) / HOUR


def _look(hour: Hour, band: str) -> Look:
    if "closed" in hour.reasons or "closes" in hour.reasons:
        return "closed"
    if "too_late" in hour.reasons:
        return "late"
    if hour.reasons:
        return "left_out"
    looks: dict[str, Look] = {"less": "less", "same": "same", "more": "more"}
    return looks.get(band, "unknown")


def _told(presenter: DeparturePresenter, hour: Hour, look: Look, percent: int | None) -> str:
    """One hour for who hears it."""
    said = [_told_of_air(presenter, hour, look, percent)]
    for code, moment in (("strip_from", hour.not_before), ("strip_until", hour.not_after)):
        if moment is not None:
            said.append(presenter.say(code, at=presenter.clock(moment, beside=hour.starts_at)))
    return ", ".join(said)


def _told_of_air(presenter: DeparturePresenter, hour: Hour, look: Look, percent: int | None) -> str:
    say = presenter.say
    if hour.reasons:
        return ", ".join(say(f"reason_{reason}").rstrip(".") for reason in hour.reasons)
    if hour.least is None or look == "unknown":
        return say("strip_unknown")
    if presenter.background.basis == "index" or percent is None:
        return str(hour.level)
    return presenter.breathed(hour.least)
