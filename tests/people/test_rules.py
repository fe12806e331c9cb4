"""Rules about staff: territories as they are typed, and what they hold."""

import pytest

from citizen_api.people import rules


@pytest.mark.parametrize(
    ("typed", "territory"),
    [
        ("commune:75056", ("commune", "75056")),
        ("commune:2a004", ("commune", "2A004")),
        (" EPCI : 200054781 ", ("epci", "200054781")),
        ("departement:75", ("departement", "75")),
        ("departement:2A", ("departement", "2A")),
        ("departement:974", ("departement", "974")),
        ("region:11", ("region", "11")),
        ("country", ("country", None)),
    ],
)
def test_a_territory_is_read_as_it_is_typed(typed, territory):
    assert rules.parse_territory(typed) == territory


@pytest.mark.parametrize(
    "typed",
    ["", "Paris", "75", "city:75056", "commune", "commune:", "commune:7505", "departement:Paris", "region:1", "epci:75",
     "country:fr", "commune:75056:1", "departement:٧٥"],
)  # fmt: skip
def test_a_territory_that_cannot_be_is_refused_in_one_line(typed):
    with pytest.raises(ValueError, match=r"(must be one of|needs its official code|takes no code)") as caught:
        rules.parse_territory(typed)
    assert "\n" not in str(caught.value)


PARIS_4 = {("commune", "75104"), ("commune", "75056"), ("departement", "75"), ("region", "11")}


@pytest.mark.parametrize(
    ("kind", "code", "held"),
    [
        ("commune", "75104", True),
        ("commune", "75056", True),
        ("departement", "75", True),
        ("region", "11", True),
        ("country", None, True),
        ("commune", "75105", False),
        ("departement", "92", False),
        ("epci", "75", False),
        ("region", "75", False),
    ],
)
def test_a_territory_holds_what_lies_in_it(kind, code, held):
    assert rules.covers(kind, code, PARIS_4) is held


@pytest.mark.parametrize(("kind", "held"), [("country", True), ("departement", False)])
def test_a_place_that_lies_nowhere_known_is_held_by_the_country_only(kind, held):
    assert rules.covers(kind, None, set()) is held
