"""Who may go along a street, where signs were mapped and where they were not."""

import pytest

from citizen_api.mobility.building_rights import AHEAD, BACK, BOTH, NEITHER, traits_of
from citizen_api.mobility.network import KINDS, Flag
from citizen_api.sources.osm_street_tags import StreetTags, street_tags
from tests.sources.osm_makers import plain

RIDDEN, PUSHED, NO = "ridden", "pushed", "no"


def rights(highway="residential", **tags):
    """(whether one walks, what one does with a bicycle)."""
    traits = traits_of(street_tags({"highway": highway} | plain(tags)))
    if traits is None:
        return False, NO
    return bool(traits.walk), NO if not traits.bike else PUSHED if traits.flags & Flag.PUSH else RIDDEN


@pytest.mark.parametrize(
    ("highway", "walks", "bicycle"),
    [
        ("motorway", False, NO),
        ("trunk", False, NO),
        ("primary", True, RIDDEN),
        ("secondary_link", True, RIDDEN),
        ("tertiary", True, RIDDEN),
        ("unclassified", True, RIDDEN),
        ("residential", True, RIDDEN),
        ("living_street", True, RIDDEN),
        ("service", True, RIDDEN),
        ("pedestrian", True, PUSHED),
        ("footway", True, PUSHED),
        ("cycleway", False, RIDDEN),
        ("path", True, RIDDEN),
        ("track", True, RIDDEN),
        ("bridleway", True, NO),
        ("steps", True, NO),
        ("elevator", True, NO),
        ("corridor", True, NO),
        ("construction", False, NO),
        ("proposed", False, NO),
        ("raceway", False, NO),
    ],
)
def test_without_signs_the_class_decides_as_in_france(highway, walks, bicycle):
    assert rights(highway) == (walks, bicycle)


@pytest.mark.parametrize(
    ("highway", "tags", "expected"),
    [
        ("footway", {"bicycle": "yes"}, (True, RIDDEN)),
        ("footway", {"bicycle": "designated"}, (True, RIDDEN)),
        ("pedestrian", {"bicycle": "permissive"}, (True, RIDDEN)),
        ("pedestrian", {"bicycle": "no"}, (True, NO)),
        ("residential", {"bicycle": "dismount"}, (True, PUSHED)),
        ("residential", {"vehicle": "no"}, (True, PUSHED)),
        ("residential", {"access": "private"}, (False, NO)),
        ("residential", {"access": "no", "bicycle": "yes"}, (False, RIDDEN)),
        ("residential", {"access": "no", "foot": "yes"}, (True, NO)),
        ("residential", {"foot": "no"}, (False, RIDDEN)),
        ("footway", {"foot": "no"}, (False, NO)),
        ("residential", {"bicycle": "dismount", "foot": "no"}, (False, NO)),
        ("cycleway", {"foot": "yes"}, (True, RIDDEN)),
        ("cycleway", {"sidewalk": "right"}, (True, RIDDEN)),
        ("trunk", {"sidewalk": "both"}, (True, NO)),
        ("trunk", {"cycleway": "track"}, (False, RIDDEN)),
        ("trunk", {"bicycle": "yes", "foot": "yes"}, (True, RIDDEN)),
        ("primary", {"motorroad": "yes"}, (False, NO)),
        ("steps", {"bicycle": "yes"}, (True, NO)),
        ("motorway", {"bicycle": "yes"}, (False, NO)),
    ],
)
def test_signs_that_were_mapped_decide_before_the_class(highway, tags, expected):
    assert rights(highway, **tags) == expected


@pytest.mark.parametrize("said", ["yes", "permissive", "destination"])
@pytest.mark.parametrize("of_whom", ["access", "vehicle"])
@pytest.mark.parametrize("highway", KINDS)
def test_what_is_said_of_everybody_allows_nobody_what_the_class_does_not(highway, of_whom, said):
    assert rights(highway, **{of_whom: said}) == rights(highway)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"sidewalk": "separate"}, (False, NO)),
        ({"sidewalk": "separate", "access": "yes"}, (False, NO)),
        ({"sidewalk__left": "separate", "sidewalk__right": "yes"}, (True, NO)),
    ],
)
def test_a_pavement_drawn_elsewhere_sends_nobody_onto_the_road_itself(tags, expected):
    assert rights("trunk", **tags) == expected


def test_who_may_drive_in_though_nobody_else_rides_where_the_class_lets_one():
    told = {"vehicle": "destination", "access": "no"}
    assert (rights("residential", **told), rights("pedestrian", **told)) == ((False, RIDDEN), (False, NO))


def test_who_pushes_goes_both_ways_through_a_one_way_street():
    traits = traits_of(StreetTags(kind="pedestrian", bike_oneway=1))
    assert (traits.walk, traits.bike) == (BOTH, BOTH)


def test_an_escalator_goes_one_way():
    traits = traits_of(StreetTags(kind="steps", foot_oneway=-1))
    assert (traits.walk, traits.bike) == (BACK, NEITHER)


def test_drawn_the_other_way_directions_and_slopes_turn():
    traits = traits_of(StreetTags(kind="residential", bike_oneway=1, incline_pct=4.0))
    turned = traits.reversed()
    assert (turned.walk, turned.bike, turned.incline_pct) == (BOTH, BACK, -4.0)
    assert (traits.bike, turned.reversed()) == (AHEAD, traits)


@pytest.mark.parametrize(
    ("tags", "flags"),
    [
        ({"lit": True}, Flag.LIT),
        ({"lit": False}, Flag.UNLIT),
        ({"cycle": True}, Flag.CYCLE),
        ({"rough": True}, Flag.ROUGH),
        ({"tunnel": True}, Flag.TUNNEL),
        ({"bridge": True}, Flag.BRIDGE),
        ({"indoor": True}, Flag.INDOOR),
        ({"wheelchair": True}, Flag.WHEELCHAIR),
        ({"wheelchair": False}, Flag.NO_WHEELCHAIR),
        ({}, Flag(0)),
        ({"kind": "steps"}, Flag.STEPS | Flag.NO_WHEELCHAIR),
        ({"kind": "steps", "wheelchair": True}, Flag.STEPS | Flag.NO_WHEELCHAIR),
        ({"kind": "footway"}, Flag.PUSH),
    ],
)
def test_what_is_known_is_told_as_flags(tags, flags):
    assert traits_of(StreetTags(**{"kind": "residential"} | tags)).flags == flags


def test_every_class_is_for_somebody():
    assert all(traits_of(StreetTags(kind=kind, foot=True)) for kind in KINDS)
