"""The link to public transport: whose, checked, and what it tells."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import citizen_api.territory.data as territory_data
from citizen_api.core.outgoing import refusal
from citizen_api.core.settings import REGIONS
from citizen_api.mobility.transit import Planner, bundled_planners, planners_of, transit_link

ENDS = {"from_lat": 48.859012, "from_lon": 2.354567, "to_lat": 48.8685, "to_lon": 2.378}


def test_every_planner_that_comes_with_us_is_of_a_region_https_and_told_no_position():
    with (Path(territory_data.__file__).parent / "regions.csv").open(encoding="utf-8") as file:
        regions = {row["code"] for row in csv.DictReader(file)}
    for code, planner in bundled_planners().items():
        assert code in regions
        assert refusal(planner.template) is None
        assert "{" not in planner.template
        assert planner.operator


def test_the_regions_of_the_setting_are_those_of_the_territory():
    with (Path(territory_data.__file__).parent / "regions.csv").open(encoding="utf-8") as file:
        codes = {row["code"] for row in csv.DictReader(file)}
    assert {code for code in codes if len(code) == 2} == REGIONS


def test_the_region_s_own_planner_is_offered():
    link = transit_link(planners_of([]), "11", **ENDS)
    assert (link.operator, link.tells_position) == ("Île-de-France Mobilités", False)


def test_a_region_without_a_planner_has_no_link():
    assert transit_link(planners_of([]), "94", **ENDS) is None


def test_a_setting_goes_before_what_comes_with_us():
    link = transit_link(planners_of(["11=https://planner.example/?q=1=2"]), "11", **ENDS)
    assert (link.operator, link.url) == (None, "https://planner.example/?q=1=2")


def test_a_template_with_places_tells_them_to_ten_metres_and_says_so():
    template = "https://planner.example/?from={from_lat};{from_lon}&to={to_lat};{to_lon}"
    link = transit_link(planners_of([f"11={template}"]), "11", **ENDS)
    assert link.url == "https://planner.example/?from=48.8590;2.3546&to=48.8685;2.3780"
    assert link.tells_position


def test_other_braces_of_a_template_stay_as_they_are():
    assert transit_link({"11": Planner(None, "https://planner.example/{x}")}, "11", **ENDS).url.endswith("{x}")


@pytest.mark.parametrize(
    "template",
    [
        "http://planner.example/",
        "javascript:alert(1)",
        "https://user:word@planner.example/",
        "https://",
        "https://x:port/",
    ],
)
def test_an_address_that_is_never_followed_is_not_offered(template):
    assert transit_link({"11": Planner("Synthetic", template)}, "11", **ENDS) is None
