"""The picture of the air: what `present` says, chosen for 390 px."""

from __future__ import annotations

from typing import Any, Final

from citizen_api.air.drawing import AirCard, Cell, Hour
from citizen_api.air.present import Presenter
from citizen_api.air.rules import EAQI_2017
from citizen_api.sources.air_records import POLLUTANTS

_ROWS: Final = ("pollen", "uv", "heat", "cold", "storms")
_ALWAYS: Final = ("pollen", "uv", "heat")
_LABEL_EVERY_H: Final = 6
_NOTICES: Final = ("demo_air", "air_episode", "air_unknown")


def card_of(presenter: Presenter) -> AirCard:
    """What is drawn of a page."""
    view = presenter.view()
    names = presenter.words.names.hazards
    at = view["at"]
    curve = _curve(presenter)
    now = view["now"] or presenter.level("air", None) | {"pollutant": None}
    return AirCard(
        language=presenter.language,
        commune=view["commune"]["name"],
        heading=presenter.label("air_of", moment=f"{at:%d/%m/%Y %H:%M}"),
        now=_cell(presenter, presenter.label("now"), now),
        days=[_cell(presenter, presenter.label(name), view[name]) for name in ("today", "tomorrow")],
        hours_title=_hours_title(presenter, curve[0]) if curve else "",
        hours=curve[1] if curve else (),
        rows=[
            _cell(presenter, names[hazard].name.say(presenter.language), said or presenter.level(hazard, None))
            for hazard in _ROWS
            if (said := view[hazard]["today"]) is not None or hazard in _ALWAYS
        ],
        sources=_sources(presenter, view),
        notices=[
            *(notice["text"] for notice in view["notices"] if notice["code"] in _NOTICES),
            *(_episode(presenter, said) for said in view["episodes"]),
        ],
    )


def _cell(presenter: Presenter, label: str, said: dict[str, Any]) -> Cell:
    detail = ""
    if said.get("pollutant"):
        short = presenter.words.names.pollutants[said["pollutant"]].short.say(presenter.language)
        detail = presenter.label("mostly", pollutant=short)
    return Cell(
        label=label,
        level=said["level"],
        most=said["most"],
        word=said["name"],
        colour=said["colour"] if said["level"] is not None else None,
        detail=detail,
    )


def _hours_title(presenter: Presenter, pollutant: str) -> str:
    """Particles are judged by the mean of 24 hours: a high or low bar need not have the colour of its height."""
    name = presenter.words.names.pollutants[pollutant].short.say(presenter.language)
    if EAQI_2017.averaging[pollutant] == "hourly":
        return presenter.label("hours", pollutant=name)
    return presenter.label("hours_of_means", pollutant=name)


def _episode(presenter: Presenter, said: dict[str, Any]) -> str:
    """An open episode in a line: what, which day, how grave."""
    name = presenter.words.names.pollutants[said["pollutant"]].short.say(presenter.language)
    return presenter.label("episode", pollutant=name, day=f"{said['day']:%d/%m}", tier=said["tier_name"])


def _curve(presenter: Presenter) -> tuple[str, list[Hour]] | None:
    """The pollutant that is worst in the hours, and its hours; None where no hour is known."""
    hours = presenter.page.hours
    levels = {
        pollutant: max((hour.result.levels.get(pollutant, 0) for hour in hours), default=0) for pollutant in POLLUTANTS
    }
    told = [pollutant for pollutant in POLLUTANTS if any(pollutant in hour.values_ug_m3 for hour in hours)]
    if not told:
        return None
    shown = max(told, key=lambda pollutant: levels[pollutant])
    drawn = []
    for number, hour in enumerate(hours, start=1):
        clock = presenter.local(hour.ends_at)
        level = hour.result.levels.get(shown)
        drawn.append(
            Hour(
                label=f"{clock:%H} h" if clock.hour % _LABEL_EVERY_H == 0 and number < len(hours) else "",
                value_ug_m3=hour.values_ug_m3.get(shown),
                level=level,
                colour=None if level is None else presenter.words.names.hazards["air"].levels[level].colour,
            )
        )
    return shown, drawn


def _sources(presenter: Presenter, view: dict[str, Any]) -> list[str]:
    """Each producer once, with the age of its youngest word."""
    ages: dict[str, int] = {}
    producers = {source["id"]: source["producer"] for source in view["sources"]}
    now = view["now"]
    told = [view["today"], view["tomorrow"], *(now["values"] if now else ())]
    told += [said for hazard in _ROWS for said in view[hazard].values() if said]
    for said in told:
        if said["source"] is not None and said["age_s"] is not None:
            producer = producers[said["source"]]
            ages[producer] = min(said["age_s"], ages.get(producer, said["age_s"]))
    return [presenter.label("source", source=producer, age=_age(presenter, age)) for producer, age in ages.items()]


def _age(presenter: Presenter, seconds: int) -> str:
    for name, unit_s in (("days_ago", 86_400), ("hours_ago", 3_600), ("minutes", 60)):
        if seconds >= unit_s:
            return presenter.label(name, count=seconds // unit_s)
    return presenter.label("just_now")
