"""OpenStreetMap all the way into the tables, on synthetic files."""

from datetime import date

from sqlalchemy import select

from citizen_api.care import stocks, sync
from citizen_api.care.models import Facility, FacilityCategory
from citizen_api.sources import osm
from citizen_api.sources.generic_csv import SourceInfo
from tests.care.makers import NOW
from tests.sources.osm_makers import make_node, write_pbf

OSM = SourceInfo(id="osm", title="OpenStreetMap", producer="Synthetic", licence="ODbL 1.0", date=date(2026, 6, 1))


def run(database, folder, *objects):
    path = write_pbf(folder / "synthetic.osm.pbf", *objects)
    stock = sync.Stock(path=path, sources=(OSM,), reader=osm.read, complete=True)
    return sync.run_import(database, stock, now=NOW, reports_dir=folder)


def test_a_hospital_with_an_emergency_department_is_first_of_all_a_hospital(database, tmp_path):
    run(database, tmp_path, make_node(1, amenity="hospital", emergency="yes", name="Synthetic"))
    with database.session(write=False) as session:
        ranked = session.scalars(select(FacilityCategory.category).order_by(FacilityCategory.rank)).all()
    assert ranked == ["hospital", "emergency_department"]


def test_a_doctor_of_an_unknown_speciality_is_left_out_and_nothing_is_rejected(database, tmp_path):
    report = run(database, tmp_path, make_node(1, amenity="doctors"), make_node(2, amenity="pharmacy"))
    assert (report.left_out["amenity=doctors"], report.rejected.total(), report.counts["created"]) == (1, 0, 1)


def test_two_objects_under_one_finess_number_are_one_place(database, tmp_path):
    twice = [make_node(number, amenity="pharmacy", ref__FR__FINESS="750010597") for number in (1, 2)]
    run(database, tmp_path, *twice)
    with database.session(write=False) as session:
        assert len(session.scalars(select(Facility.id)).all()) == 1


def test_a_place_that_is_not_for_the_public_any_more_is_closed(database, tmp_path):
    others = [make_node(number, emergency="defibrillator") for number in range(2, 9)]
    run(database, tmp_path, make_node(1, emergency="defibrillator"), *others)
    report = run(database, tmp_path, make_node(1, emergency="defibrillator", access="private"), *others)
    assert (report.counts["closed"], report.left_out["access=private"]) == (1, 1)


def test_the_same_file_again_changes_nothing(database, tmp_path):
    places = [make_node(1, amenity="pharmacy", name="Synthetic", opening_hours="Mo-Fr 09:00-19:00; PH off")]
    run(database, tmp_path, *places)
    assert run(database, tmp_path, *places).counts == {"unchanged": 1}


def test_a_map_says_itself_of_which_day_it_is(tmp_path):
    path = write_pbf(tmp_path / "a.osm.pbf", make_node(1, amenity="pharmacy"), replicated="2026-05-06T00:00:00Z")
    assert stocks.known_stock("osm", path).default_source.date == date(2026, 5, 6)
    assert stocks.known_stock("osm", path, dated=date(2026, 5, 7)).default_source.date == date(2026, 5, 7)


def test_a_map_that_does_not_say_its_day_has_the_usual_one(tmp_path):
    path = write_pbf(tmp_path / "a.osm.pbf", make_node(1, amenity="pharmacy"))
    assert stocks.known_stock("osm", path).default_source.date == stocks.FORMATS["osm"].source.date


def test_a_known_place_whose_object_cannot_be_read_this_time_is_not_closed(database, tmp_path):
    others = [make_node(number, amenity="pharmacy") for number in range(2, 9)]
    run(database, tmp_path, make_node(1, amenity="pharmacy"), *others)
    report = run(database, tmp_path, make_node(1, lat=0.0, lon=0.0, amenity="pharmacy"), *others)
    assert (report.rejected, report.counts["closed"]) == ({"bad_position": 1}, 0)
