"""Areas reached in some minutes: what they hold, where they end, and what is said beside them."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import shapely

from app import create_app
from citizen_api.core import geo
from citizen_api.mobility.isochrones import BESIDE_M, SIMPLER_M, fastest_costs, isochrones_around, isochrones_on
from citizen_api.mobility.network import Flag
from citizen_api.mobility.networks import Networks
from citizen_api.mobility.reach_schemas import IsochroneView
from citizen_api.mobility.rules import BIKE_SPEED_M_S, MODES, WALK_SPEED_M_S
from citizen_api.mobility.search import reach, snap
from tests.mobility.makers import changed, make_graph, make_grid
from tests.mobility.network_makers import sample_network
from tests.mobility.reach_makers import SomeNetworks, place_at
from tests.web.makers import read_problem

LARGE = make_grid(40, 40)
MIDDLE = 20 * 40 + 20
URL = "/v1/mobility/isochrone"


def as_told(isochrone):
    """On the plane of degrees, longitude first."""
    return shapely.MultiPolygon(
        [shapely.Polygon(rings[0][:, ::-1], [hole[:, ::-1] for hole in rings[1:]]) for rings in isochrone.rings]
    )


def polygons(isochrone):
    """The same as one shape."""
    return shapely.union_all(as_told(isochrone))


def on_plane(isochrone, network):
    """In metres."""
    one = np.array(network.plane(lat=network.origin[0] + 1, lon=network.origin[1] + 1))
    return shapely.transform(polygons(isochrone), lambda degrees: (degrees - network.origin[::-1]) * one)


def areas_from(network, junction, minutes, *, mode="walk", **wishes):
    start = snap(network, MODES[mode].graph, **place_at(network, junction))[0]
    return start, isochrones_on(network, MODES[mode], start, minutes=minutes, **wishes)


def farthest_m(isochrone, junction, network=LARGE):
    here = place_at(network, junction)
    points = np.concatenate([ring for rings in isochrone.rings for ring in rings])
    return geo.distances_m(**here, lats=points[:, 0], lons=points[:, 1]).max()


# --- What an area holds ------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["walk", "bike"])
def test_every_junction_that_is_reached_lies_in_the_area_and_no_other_does(mode):
    network = make_grid(30, 30, seed=7)
    start, (found,) = areas_from(network, 15 * 30 + 15, [3], mode=mode)
    seconds = reach(network, mode, start, fastest_costs(network, MODES[mode]), limit_s=10_000)
    inside = shapely.contains_xy(polygons(found), network.lons, network.lats)
    assert inside[seconds <= 180].all()
    # Shapes are straight while drawn lengths are longer: what is just out of reach may lie beside what is reached.
    beside_s = (BESIDE_M + SIMPLER_M) / 100 * network.graphs[mode].time_s.max()
    assert not inside[seconds > 180 + beside_s].any()


@pytest.mark.parametrize("network", [make_grid(30, 30, seed=5), make_grid(30, 30, block_m=160.0, seed=6)])
def test_all_that_lies_beside_a_street_reached_is_in_the_area(network):
    start, (found,) = areas_from(network, 15 * 30 + 15, [5], mode="bike")
    seconds = reach(network, "bike", start, fastest_costs(network, MODES["bike"]), limit_s=300)
    whole = seconds[network.tails] + network.length_m / BIKE_SPEED_M_S < 299
    ends = [np.column_stack((network.x_m[at], network.y_m[at])) for at in (network.tails[whole], network.heads[whole])]
    streets = shapely.linestrings(np.stack(ends, axis=1).astype(float))
    assert len(streets) > 100
    assert shapely.covers(on_plane(found, network), shapely.buffer(streets, BESIDE_M - SIMPLER_M - 4)).all()


def test_of_the_streets_reached_only_those_at_the_edge_of_the_area_are_made_wide(monkeypatch):
    made, buffer = [], shapely.buffer
    monkeypatch.setattr(
        shapely,
        "buffer",
        lambda lines, *a, **how: made.append(shapely.get_num_geometries(lines).sum()) or buffer(lines, *a, **how),
    )
    areas_from(make_grid(40, 40, block_m=90.0), MIDDLE, [20])
    assert 0 < sum(made) < 400


def test_streets_that_cross_without_a_junction_bound_no_less_than_they_hold():
    cross = make_grid(3, 3)
    lats, lons = cross.shape_lat_e7.copy(), cross.shape_lon_e7.copy()
    lats[1], lons[1] = cross.shape_lat_e7[-1], cross.shape_lon_e7[-1]  # a bridge over the streets between
    network = changed(cross, shape_lat_e7=lats, shape_lon_e7=lons)
    _, (found,) = areas_from(network, 4, [20])
    area = polygons(found)
    assert area.is_valid
    assert shapely.contains_xy(area, network.lons, network.lats).all()


def test_where_all_is_reached_more_time_reaches_no_more():
    _, (less, more) = areas_from(make_grid(4, 4), 5, [20, 30])
    assert polygons(less).equals(polygons(more))


def test_a_street_is_cut_where_the_time_ends():
    _, (found,) = areas_from(LARGE, MIDDLE, [4])
    assert farthest_m(found, MIDDLE) == pytest.approx(240 * WALK_SPEED_M_S + BESIDE_M, abs=SIMPLER_M)


def test_from_a_door_off_the_streets_the_minutes_that_are_left_reach_less_far():
    start = replace(snap(LARGE, "walk", **place_at(LARGE, MIDDLE))[0], distance_m=100.0)
    (found,) = isochrones_on(LARGE, MODES["walk"], start, minutes=[4])
    left_s = 240 - 97.5
    assert farthest_m(found, MIDDLE) == pytest.approx(left_s * WALK_SPEED_M_S + BESIDE_M, abs=SIMPLER_M)


def test_no_area_is_told_for_the_time_in_which_one_is_not_yet_at_a_street():
    start = replace(snap(LARGE, "walk", **place_at(LARGE, MIDDLE))[0], distance_m=100.0)
    found = isochrones_on(LARGE, MODES["walk"], start, minutes=[1, 2])
    assert [(area.minutes, len(area.rings)) for area in found] == [(1, 0), (2, 1)]


@pytest.mark.parametrize(
    ("lat", "lon", "mode"),
    [
        (48.86611, 2.35666, "walk"),
        (48.86394, 2.35773, "bike"),
        (48.86324, 2.37115, "walk"),
        (48.86593651445607, 2.3783492161288504, "bike"),
    ],
)
def test_each_area_as_it_is_told_holds_the_one_before_within_the_rounding(lat, lon, mode):
    network = sample_network()
    start = snap(network, MODES[mode].graph, lat=lat, lon=lon)[0]
    found = isochrones_on(network, MODES[mode], start, minutes=[3, 5, 10, 15])
    assert all(as_told(area).is_valid for area in found)
    areas = [on_plane(area, network) for area in found]
    assert all(more.buffer(1.5).covers(less) for less, more in pairwise(areas))


def test_a_street_on_which_one_starts_is_cut_on_both_sides():
    line = make_grid(2, 1, block_m=1_000.0)
    start = snap(line, "walk", lat=float(line.lats[0]), lon=float(line.lons.mean()))[0]
    (found,) = isochrones_on(line, MODES["walk"], start, minutes=[2])
    west, _, east, _ = polygons(found).bounds
    metres = (east - west) * np.diff([0, 1_000])[0] / float(line.lons[1] - line.lons[0])
    assert metres == pytest.approx(2 * (120 * WALK_SPEED_M_S + BESIDE_M), abs=2 * SIMPLER_M)


def test_a_longer_time_reaches_all_that_a_shorter_one_does():
    network = make_grid(30, 30, seed=3)
    _, found = areas_from(network, 15 * 30 + 15, [9, 3, 6])
    assert [area.minutes for area in found] == [3, 6, 9]
    for less, more in pairwise(map(polygons, found)):
        assert less.difference(more.buffer(2 * SIMPLER_M / 70_000)).is_empty


def test_the_inside_of_a_block_of_less_than_a_hectare_belongs_to_the_area_and_a_larger_one_does_not():
    small, large = make_grid(7, 7), make_grid(7, 7, block_m=200.0)
    _, (whole,) = areas_from(small, 24, [10])
    _, (holed,) = areas_from(large, 24, [15])
    assert (len(whole.rings[0]), len(holed.rings[0]) > 1) == (1, True)


def test_a_bicycle_does_not_go_against_a_one_way_street():
    line = make_grid(3, 1, block_m=400.0)
    s = len(line.tails)
    graph = make_graph(3, line.tails, line.heads, line.length_m / np.float32(BIKE_SPEED_M_S), oneway=range(s))
    _, (found,) = areas_from(changed(line, graphs={**line.graphs, "bike": graph}), 1, [1], mode="bike")
    west, _, east, _ = polygons(found).bounds
    here = float(line.lons[1])
    assert east - here > 3 * (here - west)


def test_who_cannot_take_steps_does_not_get_beyond_them():
    flags = LARGE.flags.copy()
    flags[[MIDDLE - 20 - 1, MIDDLE - 20]] |= np.uint16(Flag.STEPS)  # the streets west and east of the middle
    network = changed(LARGE, flags=flags)
    _, (free,) = areas_from(network, MIDDLE, [2])
    _, (bound,) = areas_from(network, MIDDLE, [2], wishes=["wheelchair"])
    assert polygons(bound).area < polygons(free).area


def test_who_can_go_nowhere_gets_the_place_where_one_stands():
    network = changed(LARGE, flags=np.full_like(LARGE.flags, Flag.STEPS))
    _, (found,) = areas_from(network, MIDDLE, [10], wishes=["wheelchair"])
    assert farthest_m(found, MIDDLE) < BESIDE_M + SIMPLER_M


def test_an_area_that_ends_with_the_known_streets_says_that_it_is_cut():
    _, (inner,) = areas_from(LARGE, MIDDLE, [10])
    _, (outer,) = areas_from(LARGE, 0, [10])
    assert (inner.cut, outer.cut) == (False, True)


@pytest.mark.parametrize(
    ("lat", "lon", "mode", "minutes"),
    [
        (48.86611, 2.35666, "walk", 5),
        (48.86595, 2.35908, "bike", 5),
        (48.86394, 2.35773, "walk", 5),
        (48.86477, 2.36875, "walk", 10),
        (48.86542, 2.35615, "walk", 10),
        (48.86324, 2.37115, "walk", 15),
        (48.86711, 2.37298, "walk", 15),
    ],
)
def test_a_line_of_an_outline_crosses_no_other_where_degrees_are_rounded(lat, lon, mode, minutes):
    network = sample_network()
    start = snap(network, mode, lat=lat, lon=lon)[0]
    (found,) = isochrones_on(network, MODES[mode], start, minutes=[minutes])
    rounded = [[np.round(ring, 5)[:, ::-1] for ring in rings] for rings in found.rings]
    told = shapely.MultiPolygon([shapely.Polygon(rings[0], rings[1:]) for rings in rounded])
    assert shapely.is_valid_reason(told) == "Valid Geometry"


def test_where_no_street_is_known_the_area_is_a_circle_of_the_usual_speed_less_the_detour():
    (found,) = isochrones_around(MODES["bike"], lat=45.0, lon=3.0, minutes=[10])
    ring = found.rings[0][0]
    distances = geo.distances_m(lat=45.0, lon=3.0, lats=ring[:, 0], lons=ring[:, 1])
    assert found.approximate
    assert distances == pytest.approx(np.full(len(ring), 600 * BIKE_SPEED_M_S / 1.3), rel=0.002)


# --- The route ---------------------------------------------------------------------------------------------


@pytest.fixture
def client(services):
    services.ports[Networks] = SomeNetworks(LARGE)
    return create_app(services=services).test_client()


def query(junction=MIDDLE, **more):
    here = {**place_at(LARGE, junction), "lang": "en", **more}
    return f"?{'&'.join(f'{name}={value}' for name, value in here.items())}"


def test_the_answer_is_geojson_of_5_10_and_15_minutes_in_the_form_that_is_documented(client):
    answer = client.get(URL + query())
    body = answer.get_json(force=True)
    assert (answer.content_type, answer.headers["Cache-Control"]) == ("application/geo+json", "no-store")
    assert [feature["properties"]["minutes"] for feature in body["features"]] == [5, 10, 15]
    assert not IsochroneView().validate(body)
    assert (body["snap_m"], body["attribution"]) == (pytest.approx(0, abs=0.1), "synthetic")


def test_outlines_turn_as_geojson_wants_and_are_told_to_a_metre(client):
    (feature,) = client.get(URL + query(minutes=15)).get_json(force=True)["features"]
    outline = shapely.LinearRing(feature["geometry"]["coordinates"][0])
    assert outline.is_ccw
    assert all(round(number, 5) == number for position in outline.coords for number in position)


def test_far_from_every_street_it_is_said_that_the_area_is_a_guess(client):
    body = client.get(f"{URL}?lat=45.0&lon=3.0&minutes=5&lang=en").get_json(force=True)
    assert body["snap_m"] is None
    assert body["features"][0]["properties"]["approximate"]
    assert [notice["code"] for notice in body["notices"]] == ["isochrone_approximate"]


@pytest.mark.parametrize("path", ["", ".svg"])
def test_from_far_off_the_streets_it_is_said_for_which_minutes_there_is_no_area(client, path):
    here = place_at(LARGE, 39 * 40 + 20, north_m=120)  # 117 s on foot
    answer = client.get(URL + path + query(**here, minutes="1,5"))
    assert "In 1 min one is not yet at the nearest known street" in answer.text


def test_an_area_that_holds_nothing_has_no_position_and_is_in_the_form_that_is_documented(client):
    here = place_at(LARGE, 39 * 40 + 20, north_m=120)
    body = client.get(URL + query(**here, minutes=1)).get_json(force=True)
    assert body["features"][0]["geometry"] == {"type": "MultiPolygon", "coordinates": []}
    assert not IsochroneView().validate(body)


@pytest.mark.parametrize("how", [{"path": ".svg"}, {"accept": "image/svg+xml"}])
def test_it_is_drawn_when_asked(client, how):
    answer = client.get(URL + how.get("path", "") + query(), headers={"Accept": how.get("accept", "*/*")})
    assert answer.content_type == "image/svg+xml; charset=utf-8"
    assert "How far you get on foot in 15 min" in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_client_of_plain_json_is_served_too(client):
    assert client.get(URL + query(), headers={"Accept": "application/json"}).json["type"] == "FeatureCollection"


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ("?lat=48.86&lon=2.35&by=bike&profile=wheelchair", "profile-not-by-bike"),
        ("?lat=2.35&lon=48.86", "position-swapped"),
        ("?lat=95&lon=2.35", "position-out-of-range"),
        ("?lat=48.86&lon=2.35&minutes=0", "invalid-arguments"),
        ("?lat=48.86&lon=2.35&minutes=5,5,5,5,5,5", "invalid-arguments"),
        ("?lat=48.86&lon=2.35&by=car", "invalid-arguments"),
        ("?lat=48.86", "invalid-arguments"),
    ],
)
def test_what_cannot_be_answered_is_a_problem_with_a_name(client, wrong, problem):
    assert read_problem(client.get(URL + wrong))["type"] == f"/problems/{problem}"
