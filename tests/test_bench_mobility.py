"""The bench of trips measures what it says: small, and without any clock in the assertions."""

from dataclasses import replace

import numpy as np
import pytest

from bench import mobility, mobility_run, mobility_targets
from bench.mobility_city import write_city
from bench.mobility_graphs import HOURS, build_graphs, made_up_air
from bench.mobility_report import mobility_section
from citizen_api.mobility import landmarks, search
from citizen_api.sources.osm_streets import read_streets

COUNTS = mobility_run.Counts(pairs=6, trips=2, frontiers=1, matrices=2)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench-mobility")
    return mobility.measure_all(folder, sizes=(900,), counts=COUNTS, real=False, trips_weighed=2)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return next(build_graphs(tmp_path_factory.mktemp("bench-mobility"), sizes=(900,), real=False))


def test_a_generated_city_has_about_as_many_junctions_as_are_asked_for_in_one_part(built):
    network = built.network
    assert 0.85 * 900 < len(network.lats) < 1.15 * 900
    for graph in network.graphs.values():
        known = graph.components[graph.components >= 0]
        assert np.bincount(known).max() > 0.9 * len(network.lats)
    assert built.seconds["whole"] == pytest.approx(
        sum(built.seconds[part] for part in ("reading", "building", "writing"))
    )


def test_the_same_seed_gives_the_same_city(tmp_path):
    first, again = (read_streets(write_city(tmp_path / f"{n}.osm.pbf", junctions=100)) for n in range(2))
    other = read_streets(write_city(tmp_path / "other.osm.pbf", junctions=100, seed=8))
    assert np.array_equal(first.lats_e7, again.lats_e7)
    assert not np.array_equal(first.lats_e7, other.lats_e7)


def test_the_air_of_the_bench_is_nobodys_and_has_a_price_for_each_hour():
    air = made_up_air()
    assert air.made_up
    assert len(set(air.values_ug_m3["no2"][:24].round(6))) > 20
    assert air.values_ug_m3["no2"].shape == (HOURS,)


def test_every_kind_of_question_is_measured_and_agrees_with_igraph(results):
    graph = results["graphs"][0]
    assert graph["single"]["agree"] == graph["single"]["pairs"] == COUNTS.pairs
    assert graph["matrix"]["agree"] == graph["matrix"]["matrices"] == COUNTS.matrices
    assert graph["frontier"]["searches"] == 144
    assert min(each["alternatives"] for each in graph["trips"].values()) >= 1
    assert graph["memory"]["ready_mb"] > 20


def test_without_landmarks_the_search_is_not_guided(built, monkeypatch):
    network, guides = built.network, []
    right = landmarks.no_guide

    def noted(hours):
        guides.append(right(hours))
        return guides[-1]

    monkeypatch.setattr(landmarks, "no_guide", noted)
    roads = network.graphs["walk"]
    inside = mobility_run._inside(roads)
    ends = [(mobility_run._at(network, roads, int(inside[0])), mobility_run._at(network, roads, int(inside[-1])))]
    mobility_run._everywhere(network, ends, mobility_run._costs(network, "walk", 0.0))
    assert [guide.scale for guide in guides] == [0.0]
    assert search._guides.__module__ == search.__name__


def test_brute_force_would_notice_a_wrong_way(built, monkeypatch):
    right = mobility_run.find_route

    def dearer(network, graph, start, goal, costs):
        route = right(network, graph, start, goal, costs)
        return replace(route, cost=1.01 * route.cost)

    monkeypatch.setattr(mobility_run, "find_route", dearer)
    found = mobility_run.measure(built.network, COUNTS)
    assert found["single"]["agree"] == 0


def test_a_graph_that_is_absent_is_said_to_be(results):
    told = {
        **results,
        "graphs": [{"name": "hashcode", "absent": "the shared data folder is absent here"}, *results["graphs"]],
    }
    assert "`hashcode`: the shared data folder is absent here." in mobility_section(told)


def test_a_missed_target_is_said_to_be_missed_and_why(results):
    graph = results["graphs"][0]
    slow = {**graph, "trips": {mode: {**each, "p50_ms": 90.0} for mode, each in graph["trips"].items()}}
    text = mobility_section({**results, "graphs": [slow]})
    assert "| ≤ 60 ms | 90.0 ms (walk), 90.0 ms (bike) | **no** |" in text
    assert mobility_targets.WHY["trip"] in text
