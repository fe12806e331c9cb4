"""What the tags of a street say, one rule after the other."""

import pytest

from citizen_api.sources.osm_street_tags import shuts_walkers_out, street_tags
from tests.sources.osm_makers import plain


def read(highway="residential", **tags):
    return street_tags({"highway": highway} | plain(tags))


@pytest.mark.parametrize(
    ("highway", "kind"),
    [
        ("primary_link", "primary"),
        ("road", "unclassified"),
        ("bridleway", "path"),
        (" steps ", "steps"),
        ("motorway_link", "motorway"),
        ("x" * 300, "x" * 40),
    ],
)
def test_a_street_is_of_its_class_and_a_link_of_its_road_s(highway, kind):
    assert read(highway).kind == kind


@pytest.mark.parametrize(
    ("tags", "foot"),
    [
        ({}, None),
        ({"access": "private"}, False),
        ({"access": "customers"}, False),
        ({"access": "private", "foot": "yes"}, True),
        ({"foot": "use_sidepath"}, False),
        ({"foot": "permissive", "access": "no"}, True),
        ({"foot": "a word nobody knows", "access": "no"}, False),
        ({"access": "destination"}, None),
        ({"access": "yes"}, None),
        ({"vehicle": "no"}, None),
        ({"motor_vehicle": "no"}, None),
        ({"motorroad": "yes"}, False),
        ({"motorroad": "yes", "access": "yes"}, False),
        ({"motorroad": "yes", "foot": "yes"}, True),
    ],
)
def test_walkers_are_told_by_foot_before_access(tags, foot):
    assert read(**tags).foot is foot


@pytest.mark.parametrize(
    ("tags", "bicycle"),
    [
        ({}, None),
        ({"bicycle": "yes"}, "yes"),
        ({"bicycle": "designated", "access": "no"}, "yes"),
        ({"bicycle": "dismount"}, "push"),
        ({"bicycle": "no"}, "no"),
        ({"bicycle": "use_sidepath"}, "no"),
        ({"vehicle": "no"}, "push"),
        ({"vehicle": "no", "bicycle": "yes"}, "yes"),
        ({"vehicle": "destination", "access": "no"}, None),
        ({"access": "private"}, "no"),
        ({"access": "permissive"}, None),
        ({"vehicle": "destination"}, None),
        ({"motor_vehicle": "no"}, None),
        ({"motorroad": "yes"}, "no"),
    ],
)
def test_bicycles_are_told_by_bicycle_before_vehicle_before_access(tags, bicycle):
    assert read(**tags).bicycle == bicycle


def test_a_bridleway_is_not_for_bicycles_unless_it_says_so():
    assert (read("bridleway").bicycle, read("bridleway", bicycle="yes").bicycle) == ("no", "yes")


@pytest.mark.parametrize(
    ("tags", "oneway"),
    [
        ({}, 0),
        ({"oneway": "yes"}, 1),
        ({"oneway": "-1"}, -1),
        ({"oneway": "no", "junction": "roundabout"}, 0),
        ({"junction": "roundabout"}, 1),
        ({"junction": "circular"}, 1),
        ({"oneway": "yes", "oneway__bicycle": "no"}, 0),
        ({"oneway": "yes", "oneway__bicycle": "yes"}, 1),
        ({"oneway__bicycle": "yes"}, 1),
        ({"oneway": "yes", "oneway__bicycle": "-1"}, -1),
        ({"oneway": "yes", "cycleway": "opposite"}, 0),
        ({"oneway": "yes", "cycleway": "opposite_lane"}, 0),
        ({"oneway": "yes", "cycleway__left": "opposite_track"}, 0),
        ({"oneway": "yes", "cycleway__left": "lane", "cycleway__left__oneway": "-1"}, 0),
        ({"oneway": "yes", "cycleway__left": "lane", "cycleway__left__oneway": "no"}, 0),
        ({"oneway": "yes", "cycleway__right": "lane"}, 1),
        ({"oneway": "reversible"}, 0),
    ],
)
def test_bicycles_have_their_own_directions(tags, oneway):
    assert read(**tags).bike_oneway == oneway


@pytest.mark.parametrize(
    ("tags", "oneway"),
    [
        ({"oneway": "yes"}, 0),
        ({"oneway__foot": "yes"}, 1),
        ({"oneway__foot": "-1"}, -1),
        ({"conveying": "forward"}, 1),
        ({"conveying": "backward"}, -1),
        ({"conveying": "reversible"}, 0),
    ],
)
def test_walkers_are_bound_by_escalators_and_by_what_is_said_of_them_only(tags, oneway):
    assert read("steps", **tags).foot_oneway == oneway


@pytest.mark.parametrize(
    ("tags", "field", "value"),
    [
        ({"lit": "yes"}, "lit", True),
        ({"lit": "24/7"}, "lit", True),
        ({"lit": "no"}, "lit", False),
        ({"lit": "perhaps"}, "lit", None),
        ({"surface": "sett"}, "rough", True),
        ({"surface": "asphalt"}, "rough", False),
        ({"surface": "sett", "smoothness": "good"}, "rough", False),
        ({"surface": "asphalt", "smoothness": "very_bad"}, "rough", True),
        ({"tracktype": "grade4"}, "rough", True),
        ({"tracktype": "grade4", "surface": "compacted"}, "rough", False),
        ({"tunnel": "yes"}, "tunnel", True),
        ({"tunnel": "building_passage"}, "tunnel", False),
        ({"bridge": "viaduct"}, "bridge", True),
        ({"bridge": "no"}, "bridge", False),
        ({"indoor": "yes"}, "indoor", True),
        ({"wheelchair": "yes"}, "wheelchair", True),
        ({"wheelchair": "no"}, "wheelchair", False),
        ({"wheelchair": "limited"}, "wheelchair", None),
        ({"cycleway__right": "lane"}, "cycle", True),
        ({"cycleway": "opposite_track"}, "cycle", True),
        ({"cycleway": "opposite"}, "cycle", False),
        ({"cycleway": "share_busway"}, "cycle", False),
        ({"cycleway": "separate"}, "cycle", False),
        ({"bicycle": "designated"}, "cycle", True),
        ({"sidewalk": "both"}, "sidewalk", True),
        ({"sidewalk": "none"}, "sidewalk", False),
        ({"sidewalk": "separate"}, "sidewalk", False),
        ({"sidewalk__left": "separate"}, "sidewalk", False),
        ({"sidewalk__left": "separate", "sidewalk__right": "yes"}, "sidewalk", True),
        ({"incline": "5%"}, "incline_pct", 5.0),
        ({"incline": "-3,5 %"}, "incline_pct", -3.5),
        ({"incline": "45°"}, "incline_pct", None),
        ({"incline": "4°"}, "incline_pct", 7.0),
        ({"incline": "up"}, "incline_pct", None),
        ({"incline": "120%"}, "incline_pct", None),
        ({"name": "Rue  du\u00a0Temple "}, "name", "Rue du Temple"),
        ({"name": " "}, "name", None),
    ],
)
def test_what_is_said_is_read_and_nothing_else(tags, field, value):
    assert getattr(read(**tags), field) == value


def test_a_cycle_track_is_one_by_its_class():
    assert read("cycleway").cycle


@pytest.mark.parametrize(
    ("tags", "shut"),
    [
        ({"barrier": "gate"}, False),
        ({"barrier": "bollard"}, False),
        ({"barrier": "cycle_barrier"}, False),
        ({"barrier": "turnstile"}, True),
        ({"barrier": "turnstile", "foot": "yes"}, False),
        ({"barrier": "wall"}, True),
        ({"barrier": "gate", "access": "private"}, True),
        ({"barrier": "gate", "access": "private", "foot": "yes"}, False),
        ({"barrier": "gate", "locked": "yes"}, True),
        ({"barrier": "gate", "foot": "no"}, True),
    ],
)
def test_what_stands_across_a_street_shuts_out_whom_it_says(tags, shut):
    assert shuts_walkers_out(tags) is shut
