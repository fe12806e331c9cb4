"""`alentours network`, as an operator runs it."""

import os
from datetime import date

import pytest
from click.testing import CliRunner

from citizen_api.core.settings import Settings
from citizen_api.core.versions import building
from citizen_api.mobility.network_cli import network
from citizen_api.mobility.network_files import current_version, open_network
from citizen_api.web.command import Context
from tests.mobility.network_makers import BUILT_AT
from tests.mobility.street_makers import make_line
from tests.sources.osm_makers import make_way, write_pbf

EXTRACT = [*make_line(*range(1, 8)), make_way(50, [1, 2, 3, 4], highway="residential", name="Rue A")]


@pytest.fixture
def settings(tmp_path):
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def run(settings):
    def run_it(*words):
        context = Context(settings, prepare=lambda _: None, knows_territory=lambda *_: True, clock=lambda: BUILT_AT)
        return CliRunner().invoke(network, [str(word) for word in words], obj=context)

    return run_it


def extract(folder, name="Ville-Neuve-latest.osm.pbf", **options):
    return write_pbf(folder / name, *EXTRACT, **options)


def opened(settings, city):
    return open_network(current_version(settings.data_dir / "networks" / city))


def grid(folder, value, *, name="grid.csv"):
    path = folder / name
    rows = [f"{48.79 + 0.01 * row:.2f},{2.29 + 0.01 * column:.2f},{value}" for row in range(4) for column in range(4)]
    path.write_text("\n".join(["lat,lon,value", *rows, ""]), encoding="utf-8")
    return path


def test_a_city_is_built_and_told_about(run, settings, tmp_path):
    done = run("build", extract(tmp_path, replicated="2026-11-24T20:21:00Z"))
    assert done.exit_code == 0, done.output
    assert "Done: ville-neuve" in done.output
    assert "0.3 km of the 0.3 km that 1 ways draw" in done.output
    built = opened(settings, "ville-neuve")
    assert (built.title, built.built_on) == ("Ville neuve", BUILT_AT.date())
    assert built.source == "OpenStreetMap, Ville-Neuve-latest.osm.pbf of 2026-11-24"
    assert built.attribution == "© OpenStreetMap contributors (ODbL)"


@pytest.mark.parametrize(
    ("header", "words", "expected"),
    [
        ("2026-11-24T20:21:00Z", (), date(2026, 11, 24)),
        ("2026-11-24T20:21:00Z", ("--extract-date", "2026-11-20"), date(2026, 11, 20)),
        (None, ("--extract-date", "2026-11-20"), date(2026, 11, 20)),
        (None, (), None),
        ("1970-01-01T00:00:00Z", (), None),
        ("2031-01-01T00:00:00Z", (), None),
    ],
)
def test_the_day_of_the_map_is_what_the_operator_says_or_the_file_or_nobody(
    run, settings, tmp_path, header, words, expected
):
    done = run("build", extract(tmp_path, **{"replicated": header} if header else {}), *words)
    assert done.exit_code == 0, done.output
    built = opened(settings, "ville-neuve")
    assert built.extract_date == expected
    assert built.source.endswith(f"of {expected}" if expected else "which does not tell its date")
    assert (f"map of {expected}" if expected else "date of the map not known") in run("list").output


def test_off_a_terminal_no_line_counts_nothing(run, tmp_path):
    told = run("build", extract(tmp_path)).stderr
    assert told.splitlines() == ["reading streets", "reading points", "joining streets", "measuring streets"]


def test_a_city_is_removed_and_no_other(run, settings, tmp_path):
    for city in ("a", "b"):
        run("build", extract(tmp_path), "--city", city)
    assert run("remove", "a").output == "Removed: a\n"
    assert [path.name for path in (settings.data_dir / "networks").iterdir()] == ["b"]
    assert current_version(settings.data_dir / "networks" / "b")


@pytest.mark.parametrize(
    ("city", "code", "says"), [("none", 1, "no network is called none"), ("../b", 2, "CITY is a name")]
)
def test_what_is_no_city_is_not_removed(run, tmp_path, city, code, says):
    run("build", extract(tmp_path), "--city", "b")
    done = run("remove", city)
    assert (done.exit_code, says in done.output) == (code, True), done.output
    assert "b: B" in run("list").output


def test_a_city_that_is_being_built_is_not_removed(run, settings, tmp_path):
    run("build", extract(tmp_path))
    with building(settings.data_dir / "networks" / "ville-neuve"):
        done = run("remove", "ville-neuve")
    assert (done.exit_code, "another process is building it" in done.output) == (1, True)
    assert "ville-neuve: Ville neuve" in run("list").output


def test_the_name_of_a_city_can_be_chosen(run, settings, tmp_path):
    done = run("build", extract(tmp_path), "--city", "vn", "--title", "La Ville Neuve")
    assert done.exit_code == 0, done.output
    assert (opened(settings, "vn").city, opened(settings, "vn").title) == ("vn", "La Ville Neuve")


def test_heights_and_maps_of_the_air_are_used(run, settings, tmp_path):
    maps = ("--elevation", grid(tmp_path, 35), "--exposure", f"no2={grid(tmp_path, 20, name='no2.csv')}")
    done = run("build", extract(tmp_path), *maps)
    assert done.exit_code == 0, done.output
    assert "slopes known of 0.3 km" in done.output
    built = opened(settings, "ville-neuve")
    assert (built.elevation_source, built.factor_method, float(built.ascent_m[0])) == ("grid.csv", "raster", 0)


def test_what_was_dropped_is_told_with_its_reason(run, tmp_path):
    closed = make_way(51, [4, 5], highway="service", access="private")
    done = run("build", write_pbf(tmp_path / "a.osm.pbf", *EXTRACT, closed))
    assert "closed to walkers and cyclists: 1, 0.1 km" in done.output


def test_the_sample_is_built_once_and_listed(run):
    assert "None is built." in run("list").output
    assert "Done: paris-centre" in run("build", "--sample").output
    assert "It is built already." in run("build", "--sample").output
    assert (
        "paris-centre: Paris centre, 1114 nodes, 1654 edges, built on 2026-11-25, date of the map not known"
        in run("list").output
    )


def test_a_damaged_network_is_listed_as_such(run, settings):
    run("build", "--sample")
    (current_version(settings.data_dir / "networks" / "paris-centre") / "lats.npy").unlink()
    assert run("list").output == "paris-centre: not whole; build it again\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "name one FILE.osm.pbf, or --sample"),
        (("--sample", "--extract-date", "2026-11-20"), "--sample goes alone"),
        (("x.osm.pbf", "--extract-date", "1970-01-01"), "a day from 2004 to today"),
        (("x.osm.pbf", "--extract-date", "2027-01-01"), "a day from 2004 to today"),
        (("x.osm.pbf", "--sample"), "name one FILE.osm.pbf, or --sample"),
        (("--sample", "--city", "a"), "--sample goes alone"),
        (("x.osm.pbf", "--city", "../a"), "--city is made of"),
        (("x.osm.pbf", "--exposure", "so2=x.tif"), "--exposure is like no2=FILE"),
        (("x.osm.pbf", "--exposure", "no2"), "--exposure is like no2=FILE"),
        (("x.osm.pbf", "--exposure", "no2=a", "--exposure", "no2=b"), "given twice"),
        (("_.osm.pbf",), "say --city"),
        (("x.osm.pbf", "--title", "a\x1b[2J"), "--title is made of"),
        (("x.osm.pbf", "--title", "a\nb"), "--title is made of"),
        (("x.osm.pbf", "--title", "a\u202eb"), "--title is made of"),
        (("x.osm.pbf", "--title", " "), "--title is made of"),
    ],
)
def test_wrong_usage_is_told_in_words(run, words, says):
    done = run("build", *words)
    assert (done.exit_code, says in done.output) == (2, True), done.output


@pytest.mark.parametrize("content", [None, b"", b"<osm/>", b"\x00\x00\x00\x0d\x0a\x09OSMHeader"])
def test_a_bad_file_is_one_line_and_builds_nothing(run, tmp_path, content):
    path = tmp_path / "bad.osm.pbf"
    if content is not None:
        path.write_bytes(content)
    done = run("build", path)
    assert (done.exit_code, done.output.count("\n")) == (1, 1), done.output
    assert done.output.startswith("Error: ")
    assert run("list").output == "None is built.\n"


def test_an_extract_without_a_way_for_us_is_one_line(run, tmp_path):
    motorway = make_way(50, [1, 2], highway="motorway")
    done = run("build", write_pbf(tmp_path / "a.osm.pbf", *make_line(1, 2), motorway))
    assert (done.exit_code, done.output.splitlines()[-1]) == (
        1,
        "Error: no street of the file may be walked or cycled along",
    )


def test_a_bad_raster_is_one_line(run, tmp_path):
    path = tmp_path / "no2.tif"
    path.write_bytes(b"II*\0 nonsense")
    done = run("build", extract(tmp_path), "--exposure", f"no2={path}")
    assert (done.exit_code, done.output.count("\n")) == (1, 1), done.output


def test_two_processes_do_not_build_one_city(run, settings, tmp_path):
    with building(settings.data_dir / "networks" / "ville-neuve"):
        done = run("build", extract(tmp_path))
    assert (done.exit_code, "another process is building it" in done.output) == (1, True)


def test_a_second_build_ends_before_it_has_read_anything(run, settings, tmp_path):
    path = tmp_path / "ville-neuve.osm.pbf"
    path.write_bytes(b"not even an extract")
    with building(settings.data_dir / "networks" / "ville-neuve"):
        done = run("build", path)
    assert (done.exit_code, done.output) == (1, "Error: another process is building it\n")


@pytest.mark.parametrize("words", [(), ("--elevation",), ("--exposure", "no2=")])
def test_a_pipe_is_refused_and_not_waited_for(run, tmp_path, words):
    pipe = tmp_path / "pipe.osm.pbf"
    os.mkfifo(pipe)
    option = [*words[:-1], f"{words[-1]}{pipe}"] if words[1:] else [*words, pipe]
    done = run("build", *([extract(tmp_path)] if words else []), *option)
    assert (done.exit_code, done.output) == (1, f"Error: {pipe}: not a regular file\n")
