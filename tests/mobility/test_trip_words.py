"""What is said of trips: no gain is invented, nothing cheers on bad days, and what is not known is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from citizen_api.mobility.network import Flag
from citizen_api.mobility.planning import candidates, stress_of
from citizen_api.mobility.trip_drawing import draw_trips
from citizen_api.mobility.trip_parts import Question
from citizen_api.mobility.trip_present import TripPresenter
from citizen_api.mobility.trips import find_trips
from tests.mobility.makers import changed, make_grid
from tests.mobility.network_makers import sample_networks
from tests.mobility.station_makers import make_station
from tests.mobility.trip_makers import (
    NINE,
    FakeNetworks,
    at_junction,
    later,
    make_air,
    make_dirty_row,
    mode,
    row_streets,
)

CITY = make_dirty_row(31, 3, row=1, dirt=3.0)
"""3 km from west to east; the straight row is the dirtiest."""
NIGHT = NINE.replace(hour=20)
OFF = {"from_lat": 48.0, "from_lon": 2.0, "to_lat": 48.02, "to_lon": 2.0}


def make_question(**given):
    ends = {
        "from_lat": float(CITY.lats[31]),
        "from_lon": float(CITY.lons[31]),
        "to_lat": float(CITY.lats[61]),
        "to_lon": float(CITY.lons[61]),
    }
    return Question(**{**ends, "modes": ("walk",), "wishes": frozenset(), "depart_at": NINE, **given})


def find(*networks, air=None, stations=(), **given):
    shown = FakeNetworks(*(networks or (CITY,)))
    return find_trips(shown, make_question(**given), background=air or make_air(), stations=lambda: list(stations))


def presented(found, *, lang="en", at=NINE):
    return TripPresenter(found, lang, at=at, sources={})


def view_of(found, **options):
    return presented(found, **options).view(goal={"facility": None}, transit=None)


def codes(found, **options):
    return {entry["code"] for entry in presented(found, **options).spoken_notices()}


def bad_air(level=6, tier="alert", **warnings):
    air = make_air()
    count = len(air.levels)
    levels = {hazard: np.full(count, value, np.int8) for hazard, value in warnings.items()}
    return replace(air, levels=np.full(count, level, np.int8), tiers=(tier,) * count, warnings=levels)


# ---- what the day says


def test_in_an_alert_no_trip_is_cheered_and_the_episode_and_its_advice_are_told():
    found = find(air=bad_air())
    assert codes(found) >= {"air_episode", "trip_ease"}
    assert "trip_encourage" not in codes(found)
    advice = view_of(found)["items"][0]["advice"]
    assert (advice["code"], advice["text"].startswith("Brief outings")) == ("ease", True)


def test_in_orange_storms_the_trip_is_put_off_and_it_is_said_once():
    notices = presented(find(air=bad_air(3, None, storms=3))).spoken_notices()
    assert [entry["code"] for entry in notices if "storm" in entry["text"]] == ["warning_storms"]


def test_on_a_usual_day_trips_are_encouraged():
    assert "trip_encourage" in codes(find())


def test_a_walk_of_hours_is_not_cheered_in_the_cleanest_air():
    found = find(air=make_air(pm25=5.0), **OFF | {"to_lat": 48.2})
    assert view_of(found)["items"][0]["advice"] is None
    assert "trip_encourage" not in codes(found)


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_a_trip_of_tomorrow_is_not_said_to_be_today_s(lang):
    said = view_of(find(depart_at=later(days=1)), lang=lang)
    assert not any(
        word in entry["text"] for entry in said["notices"] for word in ("aujourd'hui", "aujourd\u2019hui", "today")
    )


# ---- names of trips


def test_one_mode_without_an_alternative_does_not_say_that_no_other_detour_gains():
    stations = [
        make_station(code, lat=float(CITY.lats[node]), lon=float(CITY.lons[node]), age_s=0, bikes=9, ebikes=0, docks=9)
        for code, node in (("take", 33), ("leave", 59))
    ]
    plain = make_grid(31, 3)
    found = find(plain, modes=("walk", "bike"))
    assert "trip_one_way" in codes(found)
    mixed = replace(found, trips=[*found.trips, *find(modes=("bikeshare",), stations=stations).trips])
    assert len(mixed.trips) > len(found.trips)
    assert "trip_one_way" not in codes(mixed)


def test_where_a_wish_costs_a_detour_it_is_not_said_that_none_would_gain():
    found = find(make_grid(31, 3), modes=("walk",))
    (trip,) = found.trips
    assert "trip_one_way" in codes(found)
    wished = replace(found, trips=[replace(trip, labels=("wished", *trip.labels))])
    assert "trip_wished" in codes(wished)
    assert "trip_one_way" not in codes(wished)


def test_the_only_way_that_wishes_leave_is_called_the_best_for_them():
    # The straight row is short and clean, and dark.
    network = make_dirty_row(12, 3, row=1, dirt=0.5, clean=2.0)
    unlit = np.isin(np.arange(len(network.tails)), row_streets(12, 1))
    network = changed(network, flags=np.where(unlit, int(Flag.UNLIT), int(Flag.LIT)).astype(np.uint16))
    ends = {
        "from_lat": float(network.lats[12]),
        "from_lon": float(network.lons[12]),
        "to_lat": float(network.lats[23]),
        "to_lon": float(network.lons[23]),
    }
    wished = find(network, **ends, depart_at=NIGHT, wishes=frozenset({"avoid_unlit"}))
    (trip,) = wished.trips
    assert set(trip.labels) <= {"wished", "calm"}
    assert {"trip_wished"} <= codes(wished)
    assert "trip_one_way" not in codes(wished)
    assert view_of(wished)["items"][0]["title"].startswith("Best for your wishes")
    assert find(network, **ends, depart_at=NIGHT).trips[0].labels == ("fastest", "cleanest", "balanced", "calm")


def test_every_alternative_has_a_name_and_the_cleanest_says_of_what():
    items = view_of(find(modes=("walk", "bike")))["items"]
    assert all(item["labels"] for item in items)
    titles = {item["title"] for item in items if "cleanest" in item["labels"]}
    assert titles
    assert all("nitrogen dioxide" in title for title in titles)
    by_particles = view_of(find(air=make_air(no2=np.nan, pm25=30.0)))["items"]
    assert any("Least fine particles" in item["title"] for item in by_particles)


def in_one_only(*networks, lang="en", **given):
    notices = presented(find(*networks, **given), lang=lang).spoken_notices()
    return [entry["text"].replace("\xa0", " ") for entry in notices if entry["code"] == "trip_in_one_only"]


def with_flat(*pollutants):
    return changed(CITY, factors=dict(CITY.factors) | {name: np.ones_like(CITY.factors[name]) for name in pollutants})


def without(found, label):
    """The same ways, none of which has a label."""
    own = [tuple(one for one in trip.labels if one != label) for trip in found.trips]
    return replace(found, trips=[replace(trip, labels=labels) for trip, labels in zip(found.trips, own, strict=True)])


def test_a_way_that_is_cleaner_in_one_and_dirtier_in_another_says_in_which_and_by_how_much():
    network = with_flat("pm25")
    fastest, cleanest = find(network).trips
    percent = round((round(cleanest.dose_ug["pm25"], 2) / round(fastest.dose_ug["pm25"], 2) - 1) * 100)
    assert percent > 5
    (said,) = in_one_only(network)
    assert said.startswith("“Least nitrogen dioxide, ")
    assert f"on foot”: {percent}% more fine particles (PM2.5) than by the fastest." in said
    assert f"{percent} % de particules fines (PM2.5) en plus" in in_one_only(network, lang="fr")[0]
    assert in_one_only() == []


@pytest.mark.parametrize("label", ["cleanest", "balanced"])
def test_each_name_that_praises_the_air_of_a_way_is_enough_for_that(label):
    found = find(with_flat("pm25"))
    assert "trip_in_one_only" in codes(without(found, label))
    assert "trip_in_one_only" not in codes(without(without(found, "cleanest"), "balanced"))


def test_every_pollutant_that_rises_is_named_and_the_guide_may_be_any():
    (said,) = in_one_only(with_flat("no2", "pm10"), air=make_air(no2=np.nan, pm25=30.0))
    assert "more particles (PM10)" in said
    assert "Least fine particles" in said
    (both,) = in_one_only(with_flat("pm25", "pm10"))
    assert "more fine particles (PM2.5), " in both
    assert "more particles (PM10) than" in both


def test_ozone_is_not_held_against_a_way_away_from_traffic():
    assert in_one_only(with_flat("o3")) == []


def test_next_to_nothing_is_no_gain_however_long_it_takes():
    # Beside the straight row the air is 4 % better at the most.
    network = make_dirty_row(31, 3, row=1, dirt=1.0, clean=0.96, block_m=20.0)
    assert len(find(network, to_lon=float(network.lons[61]), from_lon=float(network.lons[31])).trips) == 1


def test_a_cycle_track_along_a_main_road_is_not_calmer_than_a_street_where_people_live():
    track = make_grid(2, 2, kind="cycleway")
    beside = changed(track, main_road_m=np.full(len(track.tails), 8, np.float32))
    home = make_grid(2, 2, kind="residential")
    for name in ("walk", "bike"):
        assert stress_of(beside, mode(name))[0] > stress_of(home, mode(name))[0] > stress_of(track, mode(name))[0]


def test_a_short_loud_way_is_not_called_the_calmest():
    # A quarter longer through quiet streets, and less is breathed there.
    network = make_dirty_row(9, 3, row=1, dirt=1.8, clean=1.0, block_m=200.0)
    kinds = ["unclassified" if street in row_streets(9, 1) else "residential" for street in range(len(network.tails))]
    network = changed(network, kinds=kinds)
    found = candidates(
        network, mode(), at_junction(network, 9), at_junction(network, 17), background=make_air(), depart_at=NINE
    )
    calm = next(way for way in found if "calm" in way.labels)
    loud = np.isin(calm.route.streets, row_streets(9, 1)).mean()
    assert loud < 0.5


def test_in_paris_the_calmest_ride_is_not_along_the_boulevard():
    ends = {"from_lat": 48.86103, "from_lon": 2.37758, "to_lat": 48.86530, "to_lon": 2.36810}
    found = find_trips(sample_networks(), make_question(**ends, modes=("bike",)), background=make_air(), stations=list)
    calm = next(trip for trip in found.trips if "calm" in trip.labels)
    named = [calm.network.name_of(street) for street in calm.legs[0].route.streets.tolist()]
    assert "Boulevard Voltaire" not in named


# ---- what is missing, far, old or not known


def test_it_is_the_profile_that_keeps_a_child_off_shared_bicycles():
    assert find(modes=("bikeshare",), wishes=frozenset({"child_bike"})).missing == {"bikeshare": "profile"}


def test_a_far_walk_says_that_a_bicycle_takes_less_than_an_hour_and_only_of_what_was_asked():
    far = find(**OFF | {"to_lat": 48.06})
    said = view_of(far, lang="fr")
    assert said["transit"]["reason"] == "far"
    assert "v\u00e9lo" not in said["transit"]["text"]
    assert "trip_try_bike" in codes(far)
    assert "trip_try_bike" not in codes(find(**OFF | {"to_lat": 48.06, "modes": ("walk", "bike")}))
    assert "trip_try_bike" not in codes(find(**OFF | {"to_lat": 48.3}))


def test_a_map_of_an_unknown_day_is_not_said_to_be_new():
    found = find()
    view = view_of(found)
    assert (view["networks"][0]["age_days"], view["networks"][0]["extract_date"]) == (None, None)
    assert "map_age_unknown" in {reason["code"] for reason in view["items"][0]["confidence"]["reasons"]}


@pytest.mark.parametrize(("day", "old"), [(date(2026, 11, 1), False), (date(2019, 1, 1), True)])
def test_the_age_of_a_map_is_that_of_the_extract_and_not_of_the_build(day, old):
    view = view_of(find(replace(CITY, extract_date=day)))
    assert view["networks"][0]["age_days"] == (NINE.date() - day).days
    reasons = {reason["code"] for reason in view["items"][0]["confidence"]["reasons"]}
    assert ("map_old" in reasons, "map_age_unknown" in reasons) == (old, False)


@pytest.mark.parametrize(("centre_m", "doubtful"), [(3_000.0, False), (10_300.0, True)])
def test_where_nobody_knows_of_land_no_activity_is_told_and_nothing_cheers(centre_m, doubtful):
    found = find(**OFF | {"centre_m": centre_m})
    (item,) = view_of(found)["items"]
    assert [item[name] is None for name in ("activity", "advice", "co2e_saved_g")] == [doubtful] * 3
    assert ("trip_land_unknown" in codes(found), "trip_encourage" in codes(found)) == (doubtful, not doubtful)


def test_where_nobody_knows_of_land_neither_public_transport_nor_a_bicycle_is_offered():
    far = {**OFF, "to_lat": 48.06}
    doubtful = find(**far, centre_m=10_300.0)
    assert view_of(find(**far))["transit"]["reason"] == "far"
    assert view_of(doubtful)["transit"] is None
    assert "trip_try_bike" not in codes(doubtful)


def test_a_straight_line_from_a_known_street_says_how_near_that_is():
    (item,) = (view := view_of(find(to_lat=float(CITY.lats[31]) + 0.05)))["items"]
    assert item["approximate"]
    assert view["start"]["snap_m"] == 0
    assert view["goal"]["snap_m"] is None


def test_a_child_s_doses_are_said_to_be_an_adult_s():
    notices = presented(find(modes=("bike",), wishes=frozenset({"child_bike"}))).spoken_notices()
    assert "adult" in next(entry["text"] for entry in notices if entry["code"] == "trip_child_bike")


def test_a_moment_is_told_to_the_nearest_second():
    assert presented(find()).local(NINE + timedelta(microseconds=900_000)).second == 1


@pytest.mark.parametrize(("show", "said"), [("balanced", True), ("fastest", False)])
def test_a_map_says_that_the_trip_asked_for_is_not_there(show, said):
    found = find()
    labels = [tuple(label for label in trip.labels if label != "balanced") for trip in found.trips]
    found = replace(found, trips=[replace(trip, labels=own) for trip, own in zip(found.trips, labels, strict=True)])
    drawn = draw_trips(FakeNetworks(CITY), presented(found), show=show)
    assert ("No trip has that name" in drawn) == said
