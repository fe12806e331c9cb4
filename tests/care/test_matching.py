"""How likely two records speak of one place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.care.matching import DOUBT, THRESHOLD, Item, compare, excluded, likeness
from citizen_api.care.spelling import read_street, telling_words

PHARMACY = frozenset({"pharmacy"})


def make_item(source_id="a", *, street=None, name="", exact=True, **facts):
    given_facts = {"key": "k", "categories": PHARMACY, "commune": "75056", "lat": 48.85, "lon": 2.35} | facts
    return Item(
        source_id=source_id,
        street=read_street(street) if street else None,
        name=telling_words(name),
        exact=exact,
        **given_facts,
    )


def likely(one, other, distance_m):
    return likeness(compare(one, other, distance_m)) >= THRESHOLD


def test_the_same_house_is_one_pharmacy_whatever_its_name():
    one = make_item(street="12 rue du Test", name="Pharmacie Martin")
    other = make_item("b", street="12 r. du Test", name="Pharmacie de la Gare")
    assert likely(one, other, 20)


def test_the_same_house_is_two_doctors_when_their_names_differ():
    doctor = frozenset({"general_practitioner"})
    one = make_item(street="12 rue du Test", name="Dr Anne Martin", categories=doctor)
    other = make_item("b", street="12 rue du Test", name="Dr Paul Dupont", categories=doctor)
    unnamed = make_item("b", street="12 rue du Test", categories=doctor)
    same = make_item("b", street="12 rue du Test", name="MARTIN ANNE", categories=doctor)
    assert [likely(one, against, 5) for against in (other, unnamed, same)] == [False, False, True]


def test_the_same_address_holds_even_where_one_position_is_wrong():
    one, other = make_item(street="12 rue du Test"), make_item("b", street="12 rue du Test")
    assert likely(one, other, 30_000)
    assert not likely(one, make_item("b", street="12 rue Autre"), 300)


def test_another_town_another_house_and_another_category_exclude():
    one = make_item(street="12 rue du Test", exact=False)
    for other in (
        make_item("b", street="12 rue du Test", commune="69123"),
        make_item("b", street="40 rue du Test", exact=False),
        make_item("b", street="12 rue du Test", categories=frozenset({"laboratory"})),
    ):
        assert excluded(compare(one, other, 0.0))


def test_arrondissements_exclude_each_other_only_where_both_are_told():
    one, other = make_item(district="75104"), make_item("b", district="75105")
    assert excluded(compare(one, other, 0.0))
    assert not excluded(compare(one, make_item("b"), 0.0))


def test_a_position_of_a_street_needs_the_street():
    street = make_item("b", street="rue du Test", exact=False)
    assert likely(make_item(street="12 rue du Test"), street, 2_000)
    assert not likely(make_item(street="12 rue Autre"), street, 10)
    assert not likely(make_item(), street, 10)


def test_a_town_that_is_not_named_needs_the_same_street_nearby():
    street = make_item("b", street="rue du Test", exact=False, commune=None)
    here = make_item(street="12 rue du Test")
    assert likely(here, street, 400)
    assert not likely(here, street, 600)


@given(
    distance_m=st.floats(0, 10_000) | st.none(),
    streets=st.tuples(*[st.sampled_from([None, "rue X", "12 rue X", "14 rue X", "3 rue Autre"])] * 2),
    names=st.tuples(*[st.sampled_from(["", "Martin", "Dupont"])] * 2),
    exact=st.tuples(st.booleans(), st.booleans()),
)
def test_likeness_is_a_share_and_the_same_both_ways(distance_m, streets, names, exact):
    one, other = (
        make_item(source, street=street, name=name, exact=is_exact and distance_m is not None)
        for source, street, name, is_exact in zip("ab", streets, names, exact, strict=True)
    )
    figure = likeness(compare(one, other, distance_m))
    assert 0 <= figure <= 1
    assert figure == likeness(compare(other, one, distance_m))
    assert not (excluded(compare(one, other, distance_m)) and figure)


def test_a_street_whose_kind_alone_differs_is_doubted_and_never_taken():
    one, other = (
        make_item(source, street=street, exact=False)
        for source, street in (("a", "24 rue Mathurin Moreau"), ("b", "avenue Mathurin Moreau"))
    )
    assert likeness(compare(one, other, 0.0)) == DOUBT < THRESHOLD


@pytest.mark.parametrize(
    "facts",
    [
        {"street": "24 avenue Autre"},
        {"street": "30 avenue Mathurin Moreau"},
        {"street": "avenue Mathurin Moreau", "commune": "69123"},
        {"street": "avenue Mathurin Moreau", "categories": frozenset({"dentist"})},
    ],
    ids=["another street", "another house", "another town", "another category"],
)
def test_what_differs_in_more_than_the_kind_of_its_street_is_not_even_doubted(facts):
    one = make_item(street="24 rue Mathurin Moreau", exact=False)
    assert likeness(compare(one, make_item("b", exact=False, **facts), 0.0)) == 0


def test_of_what_shares_its_house_with_others_no_street_of_another_kind_is_doubted():
    practice = frozenset({"dentist"})
    one, other = (
        make_item(source, street=street, exact=False, categories=practice)
        for source, street in (("a", "24 rue Moreau"), ("b", "avenue Moreau"))
    )
    assert likeness(compare(one, other, 0.0)) == 0
