"""The order of "nearest" is that of the geodesic on WGS84, then of the id, and of nothing else."""

from dataclasses import replace
from datetime import date

import pytest
from geopy.distance import geodesic
from hypothesis import given, settings
from hypothesis import strategies as st

from citizen_api.care.nearest import find_nearest, next_cursor, search_of, turn_page
from citizen_api.care.place import SourceMention
from citizen_api.core.cursors import write_cursor
from citizen_api.core.problems import CursorInvalid
from tests.care.directory_makers import AT, ids, make_directory, make_place, make_question

MILLIMETRE = 0.001
CATEGORIES = ("pharmacy", "hospital", "dentist")
SPECIAL = [(90.0, 0.0), (-90.0, 10.0), (0.0, 180.0), (0.0, -180.0), (48.8573751, 2.3524425), (0.0, 0.0)]


def all_pages(directory, question):
    """Items of every page, each page reached by the cursor of the one before."""
    answer = find_nearest(directory, question)
    items = list(answer.items)
    while cursor := next_cursor(directory, question, answer):
        question = turn_page(directory, question, cursor)
        answer = find_nearest(directory, question)
        assert answer.items
        items += answer.items
    return items


latitudes = st.floats(-90, 90, allow_nan=False)
longitudes = st.floats(-180, 180, allow_nan=False)
anywhere = st.one_of(
    st.tuples(latitudes, longitudes),
    st.tuples(st.floats(48.80, 48.90), st.floats(2.25, 2.42)),  # a city
    st.tuples(st.floats(-20, -10), st.sampled_from([179.9999, -179.9999, 180.0, -180.0])),  # the antimeridian
    st.tuples(st.sampled_from([89.99999, -89.99999, 90.0]), longitudes),  # the poles
    st.sampled_from(SPECIAL),  # ties
)
some_categories = st.lists(st.sampled_from(CATEGORIES), min_size=1, max_size=3, unique=True).map(tuple)


@st.composite
def some_places(draw):
    positions = draw(st.lists(anywhere, max_size=150))
    return [
        make_place(f"p{rank:03}", lat=lat, lon=lon, categories=draw(some_categories))
        for rank, (lat, lon) in enumerate(positions)
    ]


@settings(max_examples=120, deadline=None)
@given(
    places=some_places(),
    position=anywhere,
    categories=some_categories,
    limit=st.integers(1, 50),
    radius_m=st.none() | st.floats(1, 2_000_000),
)
def test_every_answer_equals_brute_force_by_geopy(places, position, categories, limit, radius_m):
    question = make_question(lat=position[0], lon=position[1], categories=categories, limit=limit, radius_m=radius_m)
    by_hand = {
        place.id: geodesic(position, (place.lat, place.lon)).meters
        for place in places
        if set(place.categories) & set(categories)
    }
    radius_m = float("inf") if radius_m is None else radius_m

    directory = make_directory(places)
    items = all_pages(directory, question)

    # geopy and PROJ agree to nanometres, so that they may round a distance to two neighbouring millimetres.
    names = ids(directory, items)
    found = {name: item.found.distance_m for name, item in zip(names, items, strict=True)}
    assert all(abs(found[place_id] - by_hand[place_id]) <= MILLIMETRE for place_id in found)
    assert found.keys() <= by_hand.keys()
    assert all(by_hand[place_id] > radius_m - MILLIMETRE for place_id in by_hand.keys() - found.keys())
    # In the order of the distance, then of the id; each once; the first page is the beginning of it.
    order = [(item.found.distance_m, name) for name, item in zip(names, items, strict=True)]
    assert order == sorted(set(order))
    assert find_nearest(directory, question).items == items[:limit]


@settings(max_examples=60, deadline=None)
@given(data=st.data(), count=st.integers(1, 30))
def test_nothing_but_distance_and_id_decides_the_order(data, count):
    spot = st.sampled_from(SPECIAL)
    places = []
    for rank in range(count):
        lat, lon = data.draw(spot)
        places.append(make_place(f"p{rank:03}", lat=lat, lon=lon))
    texts = st.text(max_size=5)
    disguised = [
        replace(
            place,
            name=data.draw(texts),
            phone=data.draw(st.none() | texts),
            website=data.draw(st.none() | texts),
            wheelchair=data.draw(st.sampled_from([None, "yes", "no"])),
            sources=(SourceMention(data.draw(texts), data.draw(texts), date(2020, 1, 1)),),
            categories=data.draw(st.sampled_from([("pharmacy",), ("hospital", "pharmacy")])),
        )
        for place in data.draw(st.permutations(places))
    ]
    plain = all_pages(make_directory(places), make_question(limit=7))
    directory = make_directory(disguised)
    assert ids(directory, all_pages(directory, make_question(limit=7))) == ids(make_directory(places), plain)


def test_at_the_same_position_the_id_decides():
    places = [make_place(name, lat=48.86, lon=2.35) for name in ("c", "a", "b")]
    directory = make_directory(places)
    assert ids(directory, all_pages(directory, make_question(limit=1))) == ["a", "b", "c"]


def test_ranks_go_on_from_page_to_page():
    places = [make_place(f"p{rank}", lat=48.86 + rank / 100, lon=2.35) for rank in range(5)]
    items = all_pages(make_directory(places), make_question(limit=2))
    assert [item.rank for item in items] == [1, 2, 3, 4, 5]


def test_every_page_speaks_of_the_moment_of_the_first():
    places = [make_place(f"p{rank}", lat=48.86, lon=2.35, opening_hours="Su 22:00-23:00") for rank in range(3)]
    directory = make_directory(places)
    question = make_question(open_at=AT, open_now=True, limit=2)
    cursor = next_cursor(directory, question, find_nearest(directory, question))

    later = AT.replace(hour=22, minute=30)
    turned = turn_page(directory, replace(question, at=later, open_at=later), cursor)

    assert turned.open_at == AT
    assert ids(directory, find_nearest(directory, turned).items) == ["p2"]


@pytest.mark.parametrize(
    "other",
    [
        {"categories": ("hospital",)},
        {"wheelchair": True},
        {"radius_m": 500.0},
        {"open_at": AT},
        {"open_at": AT, "open_now": True},
    ],
)
def test_a_cursor_turns_the_pages_of_its_own_question_only(other):
    question = make_question(limit=1)
    directory = make_directory([make_place(f"p{rank}", lat=48.86, lon=2.35) for rank in range(3)])
    cursor = next_cursor(directory, question, find_nearest(directory, question))
    with pytest.raises(CursorInvalid):
        turn_page(directory, replace(question, **other), cursor)


@pytest.mark.parametrize("moment", ["", "soon", "2026-11-22T21:40:00", "2026-13-01T00:00:00+00:00"])
def test_a_made_up_moment_in_a_cursor_is_refused(moment):
    question = make_question(open_at=AT)
    directory = make_directory([make_place("a", lat=48.86, lon=2.35)])
    with pytest.raises(CursorInvalid):
        turn_page(directory, question, write_cursor(search_of(question), ("a", 1, moment)))


def test_a_cursor_made_with_now_is_not_one_of_an_explicit_moment():
    places = [make_place(f"p{rank}", lat=48.86, lon=2.35, opening_hours="24/7") for rank in range(3)]
    directory = make_directory(places)
    question = make_question(open_at=AT, open_now=True, limit=1)
    cursor = next_cursor(directory, question, find_nearest(directory, question))
    with pytest.raises(CursorInvalid):
        turn_page(directory, replace(question, open_now=False), cursor)


@given(lat=st.floats(48.0, 49.0), lon=st.floats(2.0, 3.0))
def test_a_cursor_is_the_same_wherever_one_stands_as_long_as_the_places_are(lat, lon):
    directory = make_directory([make_place(name, lat=48.5, lon=2.5) for name in ("a", "b")])
    here, there = make_question(limit=1), make_question(limit=1, lat=lat, lon=lon)
    assert next_cursor(directory, here, find_nearest(directory, here)) == next_cursor(
        directory, there, find_nearest(directory, there)
    )


@pytest.mark.parametrize(("place_id", "shown"), [("gone", 1), ("", 1), ("a", 0), ("a", -3)])
def test_a_cursor_after_a_place_that_is_gone_or_was_never_shown_is_refused(place_id, shown):
    question = make_question()
    directory = make_directory([make_place("a", lat=48.86, lon=2.35)])
    with pytest.raises(CursorInvalid):
        turn_page(directory, question, write_cursor(search_of(question), (place_id, shown, "")))


def test_an_empty_directory_answers_that_nothing_is_known():
    answer = find_nearest(make_directory([]), make_question())
    assert (answer.items, answer.notices) == ([], [("nothing_known", {})])


def test_a_place_without_a_known_commune_on_the_mainland_has_its_clock():
    open_place = make_place("a", lat=48.86, lon=2.35, commune_code=None, opening_hours="Su 22:00-23:00")
    assert open_place.opening_at(AT).state == "open"


def test_the_hours_of_a_place_overseas_without_a_commune_are_unknown():
    far = make_place("a", lat=-20.9, lon=55.5, commune_code=None, opening_hours="24/7")
    assert far.opening_at(AT).state == "unknown"


def test_hours_that_cannot_be_read_are_unknown():
    assert make_place("a", lat=48.86, lon=2.35, opening_hours="?!").opening_at(AT).state == "unknown"


def test_a_box_holds_what_lies_on_its_edges():
    directory = make_directory([make_place("a", lat=1.0, lon=2.0), make_place("b", lat=1.5, lon=2.0)])
    found = directory.within(south=1.0, west=2.0, north=1.2, east=3.0, categories=("pharmacy",))
    assert [directory.id_of(number) for number in found] == ["a"]
