"""`alentours care import` on synthetic files that break off or are made to harm, as an operator sees it."""

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from citizen_api.care.cli import care
from citizen_api.care.models import FacilityRecordRow
from citizen_api.web.command import Context
from tests.sources.osm_makers import make_feature, make_geojson
from tests.sources.rpps_makers import GP, make_extract, make_line
from tests.sources.test_finess_stock import FIRST, make_place, make_position

PERSONS = [GP | {"Identifiant PP": f"1000000000{number}"} for number in range(8)]
NUMBERS = [f"99000000{number}" for number in range(8)]
STOCK = "\n".join(
    [
        FIRST,
        *(make_place(nofinesset=number) for number in NUMBERS),
        *(make_position(finess=number) for number in NUMBERS),
        "",
    ]
).encode()
CITY = """
source: {id: city, title: A synthetic list, producer: The tests, licence: none, date: 2026-11-01}
complete: COMPLETE
columns: {code: key, nom: name, lat: lat, lon: lon}
category: pharmacy
"""


@pytest.fixture
def run(database, settings, clock, tmp_path):
    def do(content, *options):
        path = tmp_path / "synthetic"
        path.write_bytes(content)
        context = Context(settings, prepare=lambda _: None, knows_territory=lambda *_: True, clock=clock)
        context.__dict__["database"] = database
        return CliRunner().invoke(care, ["import", str(path), *options], obj=context)

    return do


def records(database):
    with database.session(write=False) as session:
        located = FacilityRecordRow.facts["lat"].as_float()
        return session.execute(select(func.count(), func.count(located)).select_from(FacilityRecordRow)).one()


@pytest.mark.parametrize(("rows", "kept_bytes"), [(0, 5), (3, 40), (7, 90)])
def test_a_register_that_breaks_off_in_a_row_is_refused_unless_forced(run, database, rows, kept_bytes):
    cut = make_extract(*PERSONS[:rows], extra=make_line(PERSONS[rows])[:kept_bytes])
    refused = run(cut, "--format", "rpps")
    assert (refused.exit_code, records(database)[0]) == (1, 0)
    assert refused.stderr == (
        "Error: The file breaks off in its last row, so more may be missing. Nothing was changed. "
        "--force imports it all the same.\n"
    )
    forced = run(cut, "--format", "rpps", "--force")
    assert (forced.exit_code, "  rejected         1  (cut_off: 1)" in forced.stdout) == (3, True)


@pytest.mark.parametrize(("complete", "code", "kept"), [("true", 1, 0), ("false", 3, 1)])
def test_only_a_list_that_says_to_be_complete_is_refused(run, database, tmp_path, complete, code, kept):
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text(CITY.replace("COMPLETE", complete), encoding="utf-8")
    done = run(b"code;nom;lat;lon\nk1;Un;48;2\nk2;De", "--mapping", str(mapping))
    assert (done.exit_code, records(database)[0]) == (code, kept)


@pytest.mark.parametrize("lost", [30, 5 * 108 + 1, 6 * 108])
def test_a_stock_of_finess_that_breaks_off_among_its_positions_changes_nothing(run, database, lost):
    assert run(STOCK, "--format", "finess-stock").exit_code == 0
    refused = run(STOCK[:-lost], "--format", "finess-stock")
    assert (refused.exit_code, records(database)) == (1, (8, 8))
    assert refused.stderr.startswith("Error: Not a whole FINESS stock: it ")
    assert refused.stderr.count("\n") == 1


def test_a_map_that_nests_without_end_is_refused_in_one_line(run, database):
    assert run(make_geojson(make_feature("node/1", amenity="pharmacy")), "--format", "osm").exit_code == 0
    refused = run(b'{"type":"FeatureCollection","features":[' + b"[" * 200_000, "--format", "osm")
    assert (refused.exit_code, records(database)[0]) == (1, 1)
    assert refused.stderr == "Error: Not GeoJSON of OpenStreetMap: it nests deeper than 50.\n"
