"""What reaches what, against a reference."""

import networkx as nx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from citizen_api.mobility.building_graph import Ends, components, left_out, make_graph

STREETS = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11), st.integers(0, 3)), max_size=40)


def make_ends(streets):
    columns = np.array(streets, np.int32).reshape(-1, 3).T
    return Ends(columns[0], columns[1], columns[2].astype(np.uint8))


def reference(streets):
    graph = nx.DiGraph()
    for tail, head, directions in streets:
        if directions & 1:
            graph.add_edge(tail, head)
        if directions & 2:
            graph.add_edge(head, tail)
    return {frozenset(found) for found in nx.strongly_connected_components(graph)}


@settings(max_examples=60, deadline=None)
@given(STREETS)
def test_junctions_of_one_number_are_those_that_reach_each_other(streets):
    found = components(make_ends(streets), 12)
    sets = {frozenset(np.flatnonzero(found == number).tolist()) for number in set(found.tolist()) - {-1}}
    assert sets == reference(streets)


def test_numbers_follow_the_junctions():
    found = components(make_ends([(5, 6, 3), (1, 2, 3), (2, 3, 1)]), 8)
    assert found.tolist() == [-1, 0, 0, 1, -1, 2, 2, -1]


def test_a_long_chain_needs_no_deep_calls():
    count = 20_000
    chain = Ends(np.arange(count, dtype=np.int32), np.arange(1, count + 1, dtype=np.int32), np.full(count, 3, np.uint8))
    assert set(components(chain, count + 1).tolist()) == {0}


def test_the_largest_part_is_kept_however_small():
    split, island = left_out(make_ends([(0, 1, 3), (2, 3, 3), (3, 4, 1)]), 5, np.array([50.0, 60.0, 900.0]))
    assert split.tolist() == [False, False, True]
    assert island.tolist() == [True, False, False]


def test_a_long_part_beside_the_largest_is_kept():
    _, island = left_out(make_ends([(0, 1, 3), (2, 3, 3)]), 4, np.array([1000.0, 5000.0]))
    assert not island.any()


def test_arcs_are_in_order_and_know_their_street():
    graph = make_graph(
        make_ends([(1, 0, 1), (0, 2, 3)]),
        3,
        ahead_s=np.array([10, 20], np.float32),
        back_s=np.array([11, 21], np.float32),
    )
    assert graph.offsets.tolist() == [0, 1, 2, 3]
    assert graph.heads.tolist() == [2, 0, 0]
    assert graph.time_s.tolist() == [20, 10, 21]
    assert (graph.forward_arcs.tolist(), graph.backward_arcs.tolist()) == ([1, 0], [-1, 2])
