"""How two registers spell one street or one shop."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.care.spelling import (
    LIKE_STREET,
    SAME_STREET,
    is_generic_name,
    name_similarity,
    number_agreement,
    read_street,
    street_similarity,
    telling_words,
)


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
        ("rue Sadi-Carnot", "rue S. Carnot"),
        ("1 rue Georges Clemenceau", "G Clemenceau"),
        ("rue Grande Rue", "Grande Rue"),
        ("avenue Marx Dormoy", "avenue Max Dormoy"),
        ("rue de l'Hermitage", "rue de l'Ermitage"),
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
        ("rue du Faubourg Saint-Antoine", "rue du Faubourg Saint-Martin"),
        ("rue Saint-Honoré", "rue du Marché Saint-Honoré"),
        ("rue Saint-Jacques", "rue des Fossés Saint-Jacques"),
        ("rue de Reuilly", "rue de la Gare de Reuilly"),
        ("rue Léon", "rue Lebon"),
        ("rue de la Mare", "rue Delambre"),
        ("rue de l'Arcade", "rue Marcadet"),
        ("rue Jean Jaurès", "rue Jean Moulin"),
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


@pytest.mark.parametrize(("one", "other"), [("rue Blanche", "place Blanche"), ("avenue Moreau", "rue Moreau")])
def test_a_street_of_another_kind_is_like_and_not_the_same(one, other):
    assert LIKE_STREET <= street_similarity(read_street(one), read_street(other)) < SAME_STREET


WORDS = st.lists(
    st.sampled_from(["saint", "antoine", "martin", "faubourg", "jean", "j", "8", "mai", "1945", "docteur", "leon"]),
    min_size=1,
    max_size=4,
).map(" ".join)


@given(one=WORDS, other=WORDS)
def test_similarity_is_a_share_and_the_same_both_ways(one, other):
    streets = read_street(f"rue {one}"), read_street(f"rue {other}")
    if None not in streets:
        figure = street_similarity(*streets)
        assert 0 <= figure <= 1
        assert figure == street_similarity(*streets[::-1])
        assert figure == 1 or one != other


@given(one=WORDS, other=WORDS)
def test_streets_that_can_be_one_have_the_same_figures(one, other):
    streets = read_street(f"rue {one}"), read_street(f"rue {other}")
    if None not in streets and street_similarity(*streets) >= LIKE_STREET:
        assert streets[0].figures == streets[1].figures
