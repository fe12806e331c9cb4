"""Places are a function of the set of records: whatever their order, and never against a hard fact."""

from collections import defaultdict
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from citizen_api.care import placing
from citizen_api.care.matching import DOUBT, THRESHOLD, Item, compare, excluded, likeness
from citizen_api.care.placing import Placement, likely_pairs, place_records
from citizen_api.care.rules import DEMO_SOURCE, facility_id
from citizen_api.care.spelling import read_street, telling_words

CATEGORIES = (frozenset({"pharmacy"}), frozenset({"pharmacy", "laboratory"}), frozenset({"general_practitioner"}))
STREETS = (
    *(None, "rue du Test", "12 rue du Test", "14 rue du Test", "40 r du Test", "avenue du Test", "12 avenue du Test"),
    *("3 rue Autre", "rue Martin", "rue du 8 Mai 1945", "8 Mai 1945"),
)
NAMES = ("", "Martin", "Dupont", "Pharmacie de la Gare")


@st.composite
def towns_of_records(draw):
    """Records of a small town: three sources, few streets, positions some tens or hundreds of metres apart."""
    items = []
    for rank in range(draw(st.integers(1, 9))):
        source = draw(st.sampled_from(["map", "register", "roll", DEMO_SOURCE]))
        finess = draw(st.sampled_from([None, "1", "2"])) if source in {"register", "map", DEMO_SOURCE} else None
        located = draw(st.booleans())
        street = draw(st.sampled_from(STREETS))
        name = draw(st.sampled_from(NAMES))
        item = Item(
            source_id=source,
            key=f"k{rank}",
            identity=(("finess", finess),) if finess else (),
            categories=draw(st.sampled_from(CATEGORIES)),
            commune=draw(st.sampled_from(["75056", "75056", "69123", None])),
            district=None,
            street=read_street(street) if street else None,
            name=telling_words(name),
            lat=48.85 + draw(st.integers(0, 8)) * 0.0003 if located else None,
            lon=2.35 if located else None,
            exact=located and draw(st.booleans()),
            is_open=draw(st.booleans()),
        )
        same_as = "" if finess else repr(replace(item, key="", is_open=True))
        items.append(replace(item, same_as=same_as))
    return items


def by_place(items, found):
    groups = defaultdict(list)
    for item in items:
        groups[found[item.order].facility_id].append(item)
    return groups


@given(items=towns_of_records(), data=st.data())
@settings(max_examples=400)
def test_the_order_of_records_does_not_matter(items, data):
    assert place_records(data.draw(st.permutations(items))) == place_records(items)


@given(items=towns_of_records())
@settings(max_examples=400)
def test_an_identifier_gathers_and_two_never_meet(items):
    found = place_records(items)
    homes = defaultdict(set)
    for item in items:
        for pair in item.identity:
            homes[pair].add(found[item.order].facility_id)
            assert found[item.order].confidence == 1.0
    assert all(len(places) == 1 for places in homes.values())
    assert len({next(iter(places)) for places in homes.values()}) == len(homes)


@given(items=towns_of_records())
@settings(max_examples=400)
def test_a_source_stands_once_in_a_place_unless_nothing_tells_its_records_apart(items):
    for group in by_place(items, place_records(items)).values():
        loose = defaultdict(set)
        for item in group:
            if not item.identity:
                loose[item.source_id].add(item.same_as or item.key)
        assert all(len(rows) == 1 for rows in loose.values())
        registered = {item.source_id for item in group if item.identity}
        for item in group:
            assert item.identity or item.source_id not in registered


@given(items=towns_of_records())
@settings(max_examples=400)
def test_every_record_that_joined_is_like_one_that_is_there(items):
    found = place_records(items)
    for group in by_place(items, found).values():
        for item in group:
            others = [other for other in group if other.source_id != item.source_id]
            if found[item.order].confidence < 1:
                assert any(likeness(compare(item, other, away(item, other))) >= THRESHOLD for other in others)


def away(one, other):
    """Distance of two records, as placing measures it."""
    faces = placing._faces([placing._Node(item.order, [item]) for item in (one, other)])
    return faces[0].distance_m(faces[1]) if len(faces) == 2 else None


@given(items=towns_of_records())
@settings(max_examples=300)
def test_candidates_are_all_that_comparing_everything_with_everything_would_find(items):
    nodes = placing._nodes(items)
    faces = placing._faces(nodes)
    expected = {}
    for one in faces:
        for other in faces:
            if one.node.order < other.node.order and one.item.source_id != other.item.source_id:
                if one.item.identity and other.item.identity:
                    continue
                figure = likeness(compare(one.item, other.item, one.distance_m(other)))
                if figure >= THRESHOLD:
                    pair = one.node.order, other.node.order
                    expected[pair] = max(figure, expected.get(pair, 0))
    assert placing._likely_pairs(faces) == expected


@given(items=towns_of_records())
@settings(max_examples=300)
def test_doubtful_pairs_are_all_that_comparing_everything_with_everything_would_find(items):
    items = [replace(item, source_id=f"place {rank}") for rank, item in enumerate(items)]
    expected = {}
    for one in items:
        for other in items:
            if one.order < other.order and not (one.identity and other.identity):
                figure = likeness(compare(one, other, away(one, other)))
                if figure >= DOUBT:
                    expected[one.order, other.order] = figure
    assert likely_pairs(items, at_least=DOUBT) == expected


@given(items=towns_of_records())
@settings(max_examples=300)
def test_the_id_is_that_of_the_strongest_identifier_else_of_the_smallest_record(items):
    for name, group in by_place(items, place_records(items)).items():
        first = min(group, key=lambda item: item.order)
        identity = next((item.identity for item in sorted(group, key=lambda item: item.order) if item.identity), ())
        assert name == facility_id(identity, source_id=first.source_id, key=first.key)


def make_row(rank, **facts):
    given_facts = {"street": read_street("rue du Test"), "lat": 48.85, "lon": 2.35, "same_as": "row"} | facts
    return Item(
        source_id="roll", key=f"t#{rank}", categories=CATEGORIES[0], commune="75056", exact=False, **given_facts
    )


def make_registered(key, street, lat=48.85):
    return Item(
        source_id="register",
        key=key,
        identity=(("finess", key),),
        categories=CATEGORIES[0],
        commune="75056",
        street=read_street(street),
        lat=lat,
        lon=2.35,
        exact=True,
    )


def test_of_equal_rows_the_open_ones_confirm_first_and_the_first_key_is_left_over():
    rows = [make_row(1), make_row(2), make_row(3, is_open=False), make_row(10)]
    shop = make_registered("750000001", "12 rue du Test")
    found = place_records([*rows, shop])
    assert found["roll", "t#10"].facility_id == found[shop.order].facility_id
    assert len({found["roll", f"t#{rank}"] for rank in (1, 2, 3)}) == 1


def test_rows_of_two_sources_that_tell_only_a_street_are_one_place():
    rows = [make_row(1), make_row(2), *(replace(make_row(rank), source_id="other roll") for rank in (1, 2, 3))]
    assert len({placed.facility_id for placed in place_records(rows).values()}) == 1


def test_a_row_that_fits_three_places_is_a_third_as_sure_as_one_that_fits_one():
    shops = [make_registered(f"75000000{n}", f"{n * 10} rue du Test") for n in (1, 2, 3)]
    (sure,) = [p.confidence for order, p in place_records([make_row(1), shops[0]]).items() if order[0] == "roll"]
    (torn,) = [p.confidence for order, p in place_records([make_row(1), *shops]).items() if order[0] == "roll"]
    assert torn == round(sure / 3, 4)


def test_what_the_demo_makes_up_joins_by_its_identifier_only():
    shop = make_registered("750000001", "12 rue du Test")
    same = replace(shop, source_id=DEMO_SOURCE, key="d1")
    like = replace(shop, source_id=DEMO_SOURCE, key="d2", identity=())
    found = place_records([shop, same, like])
    assert found[same.order] == found[shop.order] == Placement(found[shop.order].facility_id, 1.0)
    assert found[like.order].facility_id != found[shop.order].facility_id


def test_a_newcomer_may_not_contradict_what_is_there_already():
    # 12 and 40 of one street, both like the nameless row that came by its street: it does not chain them together.
    twelve = replace(make_registered("x", "12 rue du Test"), source_id="map", identity=())
    forty = replace(make_registered("y", "40 rue du Test", lat=48.853), source_id="list", identity=())
    found = place_records([twelve, forty, make_row(1)])
    assert found[twelve.order].facility_id != found[forty.order].facility_id
    assert excluded(compare(twelve, forty, 333.0))
