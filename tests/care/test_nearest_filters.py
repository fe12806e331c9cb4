"""What is filtered inside the search is what looking at every place by hand gives."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from geopy.distance import geodesic
from hypothesis import given, settings
from hypothesis import strategies as st

from citizen_api.care.features import NEW_PATIENTS, WHEELCHAIR, features_of, service
from citizen_api.care.nearest import find_nearest, next_cursor, turn_page
from citizen_api.care.trees import LEAF
from tests.care.directory_makers import AT, ids, make_directory, make_place, make_question

PARIS = ZoneInfo("Europe/Paris")
HOURS = [
    None,
    "24/7",
    "Mo-Fr 09:00-12:30,14:00-19:00; PH off",
    "Mo-Sa 08:50-19:10",
    "Mo-Su 20:07-03:03",
    "Su 10:00-13:00",
    "SH off; Mo-Fr 08:00-18:00",
    "Mo-Fr sunrise-sunset",
    'Mo-Fr 09:00-12:00 "sur rendez-vous"',
    "not hours at all",
]
COMMUNES = ["75104", "57463", "97411", "97209", "2A004", None]
places = st.lists(
    st.builds(
        dict,
        lat=st.floats(48.80, 48.90),
        lon=st.floats(2.25, 2.42),
        opening_hours=st.sampled_from(HOURS),
        commune_code=st.sampled_from(COMMUNES),
        wheelchair=st.sampled_from([None, "yes", "no", "limited"]),
        services=st.sampled_from([(), ("vaccination",), ("vaccination", "naloxone")]),
        accepts_new_patients=st.sampled_from([None, True, False]),
        categories=st.sampled_from([("pharmacy",), ("dentist",), ("pharmacy", "dentist")]),
    ),
    max_size=4 * LEAF,
)
# Within the packed fortnight and far outside it; across the change of clocks of 2026-10-25.
moments = st.integers(0, 70 * 24 * 60).map(
    lambda minute: datetime(2026, 10, 10, tzinfo=UTC) + timedelta(minutes=minute)
)


@settings(max_examples=80, deadline=None)
@given(
    facts=places,
    built_at=st.sampled_from([AT, datetime(2026, 10, 20, 3, tzinfo=UTC)]),
    at=moments,
    states=st.sampled_from([(), ("open",), ("unknown",), ("open", "unknown"), ("closed",)]),
    features=st.sets(
        st.sampled_from([WHEELCHAIR, NEW_PATIENTS, service("vaccination"), service("naloxone"), "no:such"])
    ),
    categories=st.sampled_from([("pharmacy",), ("pharmacy", "dentist"), ("dentist", "hospital")]),
    limit=st.integers(1, 30),
    radius_m=st.sampled_from([float("inf"), 500.0, 3000.0]),
    split=st.integers(0, 20),
)
def test_every_filter_equals_looking_at_every_place(
    facts, built_at, at, states, features, categories, limit, radius_m, split
):
    all_places = [make_place(f"p{rank:03}", **each) for rank, each in enumerate(facts)]
    directory = make_directory(all_places, built_at=built_at)
    here = {"lat": 48.8573751, "lon": 2.3524425}

    def distance_mm(place):
        return directory.distance_mm(directory.number_of(place.id), **here)

    by_hand = sorted(
        (distance_mm(place), directory.rank_of(directory.number_of(place.id)))
        for place in all_places
        if set(place.categories) & set(categories)
        and features <= set(features_of(place))
        and (not states or place.state_at(at) in states)
        and distance_mm(place) <= radius_m * 1000
    )
    after = by_hand[min(split, len(by_hand) - 1)] if split and by_hand else None
    expected = [each for each in by_hand if after is None or each > after][:limit]

    found = directory.nearest(
        **here,
        categories=categories,
        limit=limit,
        features=features,
        states=states,
        at=at,
        radius_m=radius_m,
        after=after,
    )

    assert [(distance, directory.rank_of(number)) for distance, number in found] == expected
    for distance, number in found:
        true = geodesic((here["lat"], here["lon"]), directory.position(number)).meters
        assert abs(distance / 1000 - true) <= 0.001


@pytest.mark.parametrize("count", [1, LEAF, LEAF + 1, 2 * LEAF, 10 * LEAF + 3])
def test_a_tree_of_any_size_finds_all_of_its_places(count):
    directory = make_directory(
        make_place(f"p{rank:04}", lat=48 + (rank * 37 % 101) / 100, lon=2 + (rank * 53 % 97) / 100)
        for rank in range(count)
    )
    found = directory.nearest(lat=48.5, lon=2.5, categories=("pharmacy",), limit=count + 5)
    assert sorted(each.number for each in found) == list(range(count))
    assert found == sorted(found, key=lambda each: (each.distance_mm, directory.rank_of(each.number)))


def test_more_than_sixty_four_features_are_told_apart():
    places = [make_place(f"p{rank:03}", lat=48.86, lon=2.35, languages=(f"x{rank:02}",)) for rank in range(99)]
    directory = make_directory(places)
    for rank in (0, 63, 64, 98):
        found = directory.nearest(
            lat=48.86, lon=2.35, categories=("pharmacy",), limit=5, features={f"language:x{rank:02}"}
        )
        assert [each.number for each in found] == [rank]


@pytest.mark.parametrize(("lat", "lon"), [(-48.86, -177.65), (0.0, 180.0), (90.0, 0.0), (-90.0, 0.0), (35.0, -160.0)])
def test_from_the_other_side_of_the_earth_the_order_is_the_same(lat, lon):
    places = [
        make_place(f"p{rank:03}", lat=48.86 + rank / 1e4, lon=2.35 + (rank * 7 % 11) / 1e3) for rank in range(700)
    ]
    directory = make_directory(places)
    found = directory.nearest(lat=lat, lon=lon, categories=("pharmacy",), limit=20)
    by_hand = sorted((geodesic((lat, lon), (place.lat, place.lon)).meters, place.id) for place in places)[:20]
    for each, (distance, _) in zip(found, by_hand, strict=True):
        assert abs(each.distance_m - distance) <= 0.001


def test_pages_far_away_go_through_everything_once():
    places = [make_place(f"p{rank:03}", lat=48.86, lon=2.35 + rank / 1e5) for rank in range(60)]
    directory = make_directory(places)
    question = make_question(lat=-40.0, lon=175.0, limit=7)
    seen, answer = [], find_nearest(directory, question)
    seen += ids(directory, answer.items)
    while cursor := next_cursor(directory, question, answer):
        question = turn_page(directory, question, cursor)
        answer = find_nearest(directory, question)
        seen += ids(directory, answer.items)
    assert sorted(seen) == [place.id for place in places]


def test_a_moment_beyond_the_packed_days_is_evaluated_exactly():
    directory = make_directory([make_place("a", lat=48.86, lon=2.35, opening_hours="2027 Mar 03 10:00-10:07")])
    for minute, expected in ((9 * 60 + 59, 0), (10 * 60, 1), (10 * 60 + 6, 1), (10 * 60 + 7, 0)):
        at = datetime(2027, 3, 3, tzinfo=PARIS) + timedelta(minutes=minute)
        found = directory.nearest(lat=48.86, lon=2.35, categories=("pharmacy",), limit=1, states=("open",), at=at)
        assert len(found) == expected
