"""What a day says of moving: cheering on usual days, what the authorities ask on others, never a guess."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from citizen_api.mobility.cautions import caution_notices, caution_texts, moving_advice, moving_text
from citizen_api.mobility.exposure import read_background
from content.catalogue import catalogue
from tests.air.makers import NOON, make_episode, make_fact, say
from tests.mobility.trip_makers import NINE, later, make_air, mode

QUARTER_S = 900.0


def a_day(*, level=3, tier=None, warnings=None, **air):
    """The same day for two days, with the level of each warning all the time."""
    background = make_air(**air)
    count = len(background.levels)
    levels = {hazard: np.full(count, value, np.int8) for hazard, value in (warnings or {}).items()}
    return replace(background, levels=np.full(count, level, np.int8), tiers=(tier,) * count, warnings=levels)


def advise(background, *, depart_at=NINE, by="walk", duration_s=QUARTER_S):
    return moving_advice(background, depart_at=depart_at, mode=mode(by), duration_s=duration_s)


@pytest.mark.parametrize("level", [0, 1, 2, 3, 4])
def test_on_a_usual_day_moving_is_encouraged(level):
    assert advise(a_day(level=level)) == "encourage"


@pytest.mark.parametrize(
    ("told", "advice"),
    [
        ({"level": 5}, "ease"),
        ({"level": 6}, "ease"),
        ({"level": 4, "tier": "information"}, "ease"),
        ({"level": 6, "tier": "alert"}, "ease"),
        ({"warnings": {"cold": 3}}, "ease"),
        ({"warnings": {"storms": 3}}, "indoors"),
        ({"warnings": {"storms": 4}, "level": 6}, "indoors"),
        ({"warnings": {"heat": 2, "cold": 2, "storms": 2}}, "encourage"),
    ],
)
def test_what_the_authorities_ask_goes_before_cheering(told, advice):
    assert advise(a_day(**told)) == advice


@pytest.mark.parametrize(
    ("level", "hours", "advice"),
    [(3, 0, "none"), (3, 2, "ease"), (3, 13, "none"), (4, 0, "none"), (4, 1, "indoors"), (4, 12, "indoors")],
)
def test_heat_speaks_against_its_hot_hours_and_silences_the_others(level, hours, advice):
    # NINE is 9:10 in Paris.
    assert advise(a_day(warnings={"heat": level}), depart_at=later(hours=hours)) == advice


def test_a_trip_that_runs_into_storms_is_put_off():
    background = a_day()
    storms = np.zeros(len(background.levels), np.int8)
    storms[1] = 3
    background = replace(background, warnings={"storms": storms})
    assert advise(background, duration_s=QUARTER_S) == "encourage"
    assert advise(background, duration_s=3600) == "indoors"
    assert caution_notices(background, depart_at=NINE) == []
    assert caution_notices(background, depart_at=NINE, duration_s=3600) == ["warning_storms"]


def test_a_walk_of_five_hours_is_not_cheered():
    assert advise(a_day(pm25=8.0), duration_s=5 * 3600) == "none"


@pytest.mark.parametrize("by", ["walk", "bike", "ebike"])
@pytest.mark.parametrize("pm25", [5.0, 15.0, 22.0, 25.0])
@pytest.mark.parametrize("hours", [0.5, 2, 4])
def test_usual_air_discourages_nobody(by, pm25, hours):
    assert advise(a_day(pm25=pm25), by=by, duration_s=hours * 3600) in {"encourage", "none"}


def test_beyond_the_tipping_point_in_heavy_air_a_shorter_way_is_advised():
    assert advise(a_day(pm25=60.0, level=6), by="bike", duration_s=3 * 3600) == "shorter"


def test_where_the_particles_are_not_known_nothing_is_said_but_an_episode_is():
    assert advise(a_day(pm25=np.nan)) == "none"
    assert advise(a_day(pm25=np.nan, tier="alert", level=5)) == "ease"


def test_outside_of_the_known_hours_nothing_is_said():
    background = a_day(level=6, tier="alert", hours=3)
    assert advise(background, depart_at=later(days=3)) == "none"
    assert caution_notices(background, depart_at=later(days=3)) == []


def test_an_episode_and_warnings_are_told_by_their_notices():
    background = a_day(tier="alert", level=5, warnings={"heat": 4, "cold": 2, "storms": 3})
    codes = caution_notices(background, depart_at=NINE)
    assert codes == ["air_episode", "warning_heat", "warning_storms"]
    assert all("112" in catalogue().notices[code].say(lang) for code in codes for lang in ("fr", "en"))


def test_the_short_advice_is_that_of_the_level():
    book = catalogue().advice
    six = caution_texts(a_day(level=6), depart_at=NINE, lang="fr")
    assert six == [book.find("air", 6, "everyone").short.say("fr")]
    heat = caution_texts(a_day(warnings={"heat": 3}), depart_at=NINE, lang="en")
    assert heat == [book.find("heat", 3, "everyone").short.say("en")]
    assert caution_texts(a_day(level=4), depart_at=NINE, lang="fr") == []


def test_an_episode_whose_index_is_not_known_has_the_advice_of_its_tier():
    (text,) = caution_texts(a_day(level=0, tier="alert"), depart_at=NINE, lang="fr")
    assert text == catalogue().advice.find("air", 5, "everyone").short.say("fr")


@pytest.mark.parametrize(
    ("told", "code", "part"),
    [
        ({}, "encourage", "enjoy your trip"),
        ({"level": 6}, "ease", "Brief outings"),
        ({"warnings": {"storms": 3}}, "indoors", "storm"),
        ({"warnings": {"heat": 4}}, "indoors", "heat"),
        ({"pm25": 400.0}, "indoors", "air"),
        ({"warnings": {"cold": 3}}, "ease", "cold"),
    ],
)
def test_the_words_say_the_cause(told, code, part):
    at = later(hours=3)
    text = moving_text(code, a_day(**told), depart_at=at, duration_s=QUARTER_S, lang="en")
    assert part in text


def test_where_nothing_is_to_be_said_there_are_no_words():
    assert moving_text("none", a_day(), depart_at=NINE, duration_s=QUARTER_S, lang="en") is None


# ---- read from what is stored


def test_an_episode_and_a_warning_of_the_place_are_read_with_the_air(database):
    say(
        database,
        make_fact(zone_code="75104", level=6),
        make_episode(tier="alert"),
        make_fact(hazard="storms", zone_kind="departement", zone_code="75", level=3),
    )
    with database.session(write=False) as session:
        background = read_background(session, lat=48.8566, lon=2.3522, at=NOON)
    hour = background.hour(NOON)
    assert (background.levels[hour], background.tiers[hour]) == (6, "alert")
    assert (background.warnings["storms"][hour], background.warnings["heat"][hour]) == (3, 0)
    assert background.tiers[background.hour(NOON + timedelta(hours=20))] is None


def test_a_warning_holds_in_its_hours_only(database):
    fact = make_fact(hazard="storms", zone_kind="departement", zone_code="75", level=3)
    say(database, replace(fact, starts_at=NOON + timedelta(hours=3), ends_at=NOON + timedelta(hours=5, minutes=30)))
    with database.session(write=False) as session:
        background = read_background(session, lat=48.8566, lon=2.3522, at=NOON)
    first = background.hour(NOON)
    assert background.warnings["storms"][first + 2 : first + 7].tolist() == [0, 3, 3, 3, 0]
