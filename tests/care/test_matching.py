"""How two spellings are compared, and how likely two records speak of one place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.care.matching import THRESHOLD, Item, compare, excluded, likeness
from citizen_api.care.spelling import (
    SAME_STREET,
    is_generic_name,
    name_similarity,
    number_agreement,
    read_street,
    street_similarity,
    telling_words,
)

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


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("boulevard Saint-Germain", "BD ST GERMAIN"),
        ("avenue du Général Leclerc", "Av. du Gal Leclerc"),
        ("rue du Chef de la Ville", "R DUCHEFDELAVILLE"),
        ("rue d'Orsel", "RUE D ORSEL"),
        ("rue du Faubourg Saint-Denis", "10 bis r fbg st denis"),
        ("boulevard Richard Lenoir", "boulevard Richar Lenoir"),
        ("boulevard Mac Donald", "boulevard Macdonald"),
        ("rue Fontaine", "rue Pierre Fontaine"),
        ("Grande Rue", "GRANDE RUE"),
        ("rond-point des Champs-Élysées", "RPT DES CHAMPS ELYSEES"),
        ("place du Docteur Hayem", "place Hayem"),
    ],
)
def test_one_street_in_two_spellings(one, other):
    assert street_similarity(read_street(one), read_street(other)) >= SAME_STREET


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("rue Saint-Honoré", "rue du Faubourg Saint-Honoré"),
        ("rue du Temple", "rue Vieille du Temple"),
        ("rue du 8 mai 1945", "rue du 11 novembre 1918"),
        ("rue Blanche", "place Blanche"),
        ("rue Pierre Curie", "rue Marie Curie"),
        ("rue de Paris", "rue de Parme"),
        ("place de la Porte Maillot", "place Maillot"),
        ("rue Monge", "rue Mouge"),
    ],
)
def test_two_streets_of_like_names(one, other):
    assert street_similarity(read_street(one), read_street(other)) < SAME_STREET


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("151 rue Montmartre", {(151, "")}),
        ("10 bis rue X", {(10, "bis")}),
        ("3B av X", {(3, "bis")}),
        ("12-14 rue X", {(12, ""), (14, "")}),
        ("1 à 3 rue X", {(1, ""), (3, "")}),
        ("5 A rue X", {(5, "a")}),
        ("8 mai 1945", set()),
        ("8 rue du 8 mai 1945", {(8, "")}),
        ("rue X", set()),
    ],
)
def test_the_house_number_is_told_from_the_street(text, numbers):
    assert read_street(text).numbers == numbers


def test_what_holds_no_word_is_no_street():
    assert read_street("") is None
    assert read_street("-") is None


@pytest.mark.parametrize(
    ("one", "other", "agreement"),
    [
        ("12 rue X", "12 rue X", 1.0),
        ("12 rue X", "12 bis rue X", 0.9),
        ("12 rue X", "12-14 rue X", 1.0),
        ("13 rue X", "12-18 rue X", 0.4),
        ("12 rue X", "14 rue X", 0.4),
        ("12 rue X", "40 rue X", 0.0),
        ("12 rue X", "rue X", None),
    ],
)
def test_house_numbers_agree_more_or_less(one, other, agreement):
    assert number_agreement(read_street(one), read_street(other)) == agreement


def test_words_that_every_pharmacy_has_tell_nothing():
    assert telling_words("SELARL Pharmacie de la Gare") == "gare"
    assert telling_words("Grande Pharmacie") == ""
    assert name_similarity(telling_words("Pharmacie"), "gare") is None
    assert name_similarity("gare", telling_words("PHARMACIE DE LA GARE")) == 1.0
    assert (is_generic_name("SELARL Pharmacie"), is_generic_name("Pharmacie de Paris")) == (True, False)


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
