"""The bundled streets of central Paris: derived, small, built once, and good for a trip."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from citizen_api.core.versions import is_being_built
from citizen_api.mobility import sample
from citizen_api.mobility.local_factors import read_table
from citizen_api.mobility.network_files import current_version, write_network
from citizen_api.mobility.sample import CITY, HERE, build_sample, derive
from citizen_api.mobility.sample.tables import FILES, read_tables, write_tables
from citizen_api.mobility.search import NO_HOURS, Costs, find_route, snap
from citizen_api.sources.osm_streets import read_streets
from tests.mobility.makers import make_grid
from tests.mobility.network_makers import BUILT_AT, FROM, TO, sample_network, sample_networks
from tests.mobility.street_makers import check
from tests.shared_data import shared_file

MAX_BYTES = 300_000


def test_the_committed_tables_are_what_the_script_derives():
    texts = derive.derive(shared_file("osm").parent)
    assert {name: text.encode() for name, text in texts.items()} == {name: (HERE / name).read_bytes() for name in FILES}


def test_what_the_tables_say_is_what_the_extract_says():
    read = read_streets(shared_file("osm/paris_bss.osm.pbf"))
    kept = read_tables(HERE)
    assert {street.tags for street in kept.streets} <= {street.tags for street in read.streets}
    assert len(kept.parks) == len(read.parks)
    assert len(kept.shut) == len(read.shut)


def test_tables_that_are_read_and_written_again_are_the_same():
    assert write_tables(read_tables(HERE)) == {name: (HERE / name).read_text(encoding="utf-8") for name in FILES}


def test_the_tables_are_small_with_unix_line_ends():
    texts = [(HERE / name).read_bytes() for name in FILES]
    assert sum(map(len, texts)) < MAX_BYTES
    assert not any(b"\r" in text for text in texts)


def test_a_folder_without_the_data_is_refused_in_one_line(tmp_path):
    done = subprocess.run([sys.executable, derive.__file__, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert (done.stderr.count("\n"), done.stderr[:11]) == (1, "derive.py: ")


def test_the_sample_is_a_network_with_its_attribution():
    network = sample_network()
    check(network)
    assert (network.city, network.licence) == ("paris-centre", "ODbL 1.0")
    assert (network.extract_date, "of 2019 or later" in network.source) == (None, True)
    assert network.attribution == "© OpenStreetMap contributors (ODbL)"
    assert (len(network.lats), len(network.tails)) == (1114, 1654)
    assert [found.city for found in sample_networks().around(**FROM)] == ["paris-centre"]


@pytest.mark.parametrize(("graph", "least_s", "most_s"), [("walk", 1_500, 2_100), ("bike", 480, 780)])
def test_both_ends_of_the_first_trip_are_near_it_with_a_way_between(graph, least_s, most_s):
    network = sample_network()
    start, goal = (snap(network, graph, **at)[0] for at in (FROM, TO))
    assert (start.distance_m, goal.distance_m) == (pytest.approx(24.9, abs=0.5), pytest.approx(0.7, abs=0.5))
    plain = np.ones(len(network.tails), np.float32)
    costs = Costs(time_s=network.graphs[graph].time_s, weight=plain, factor=plain, hours=NO_HOURS)
    for begin, end in ((start, goal), (goal, start)):
        route = find_route(network, graph, begin, end, costs)
        assert least_s < route.duration_s < most_s


def test_it_is_built_once(tmp_path):
    assert build_sample(tmp_path, now=BUILT_AT).edges == 1654
    version = current_version(tmp_path / CITY)
    assert build_sample(tmp_path, now=BUILT_AT) is None
    assert current_version(tmp_path / CITY) == version


def test_other_local_factors_build_it_anew(tmp_path):
    build_sample(tmp_path, now=BUILT_AT)
    assert build_sample(tmp_path, now=BUILT_AT, table=replace(read_table(None), decay_m=77.0)) is not None


def test_a_damaged_sample_is_built_anew(tmp_path):
    build_sample(tmp_path, now=BUILT_AT)
    (current_version(tmp_path / CITY) / "lats.npy").write_bytes(b"")
    assert build_sample(tmp_path, now=BUILT_AT) is not None
    assert current_version(tmp_path / CITY) is not None


def test_a_sample_with_damage_that_keeps_its_size_is_built_anew(tmp_path):
    build_sample(tmp_path, now=BUILT_AT)
    path = current_version(tmp_path / CITY) / "cell_streets.npy"
    np.save(path, np.full_like(np.load(path), np.iinfo(np.int32).max))
    assert build_sample(tmp_path, now=BUILT_AT) is not None


def test_the_lock_is_held_while_the_sample_is_made(tmp_path, monkeypatch):
    seen = []

    def reads(here):
        seen.append(is_being_built(tmp_path / CITY))
        return read_tables(here)

    monkeypatch.setattr(sample, "read_tables", reads)
    build_sample(tmp_path, now=BUILT_AT)
    assert seen == [True]


def test_a_network_of_the_same_name_that_a_city_built_is_left_alone(tmp_path):
    own = write_network(tmp_path / CITY, make_grid(), stamp="20261125T120000")
    assert build_sample(tmp_path, now=BUILT_AT) is None
    assert current_version(tmp_path / CITY) == own
