"""Records of several sources become one place, whatever the order in which they came."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import permutations

import pytest

from citizen_api.care import actions, linking, queries, reading
from citizen_api.care.models import Facility, FacilityRecordRow, Linking, Report
from tests.care.linking_makers import (
    MAP,
    REGISTER,
    ROLL,
    aliases,
    facility,
    homes,
    import_from,
    make_registered,
    make_row,
    outcome,
)
from tests.care.makers import NOW, make_record

LATER = NOW + timedelta(days=1)
NEW_REGISTER = replace(REGISTER, id="new register", date=date(2026, 6, 1))
HERE = {"lat": 48.8573751, "lon": 2.3524425}
NEXT_DOOR = {"lat": 48.8573951, "lon": 2.3524625}
FAR = {"lat": 48.8623751, "lon": 2.3524425}


@pytest.fixture
def load(database, tmp_path):
    return partial(import_from, database=database, folder=tmp_path)


def home(database, source, key):
    return homes(database)[source.id, key][0]


def version(database):
    with database.session(write=False) as session:
        return reading.stamp(session)


def test_a_map_without_identifiers_finds_the_registered_place_and_adds_to_it(database, load):
    load(REGISTER, make_registered("a", "750000001", street="12 rue du Test", name="Pharmacie Martin"))
    load(MAP, make_record("n1", name="Pharmacie Martin", website="https://x.fr", street=None, **NEXT_DOOR))

    one, other = home(database, REGISTER, "a"), home(database, MAP, "n1")

    place = facility(database, one)
    assert one == other
    assert homes(database)["map", "n1"][1] >= 0.6
    assert (place.website, place.street) == ("https://x.fr", "12 rue du Test")
    assert place.field_sources["website"] == ["map", "2026-01-01"]
    assert place.field_sources["street"] == ["register", "2013-01-01"]


def test_two_registered_numbers_at_one_address_are_two_places(database, load):
    load(REGISTER, make_registered("a", "750000001"), make_registered("b", "750000002"))
    assert home(database, REGISTER, "a") != home(database, REGISTER, "b")


def test_the_order_of_imports_does_not_matter(database, load):
    sources = {
        REGISTER: [
            make_registered("a", "750000001", street="12 rue du Test", name="Pharmacie Martin"),
            make_registered("b", "750000002", street="30 rue du Test", lat=48.8590, lon=2.3530),
        ],
        ROLL: [make_row(f"t#{rank}") for rank in range(1, 5)],
        MAP: [
            make_record("n1", name="Pharmacie Martin", street=None, **NEXT_DOOR),
            make_record("n2", name="Pharmacie Nouvelle", street="80 rue du Test", lat=48.8650, lon=2.3540),
        ],
    }
    results = []
    for order in permutations(sources):
        for source in order:
            load(source, *sources[source])
        results.append(outcome(database))
        with database.session() as session:
            for source in order:
                actions.remove_source(session, source.id, now=NOW)
    assert all(result == results[0] for result in results)
    # Martin (three sources), the other registered one, the new one on the map, and one more in the street.
    assert len(results[0]["care_facility"]) == 4


def test_the_same_files_again_write_nothing(database, load):
    files = {REGISTER: [make_registered("a", "750000001")], ROLL: [make_row("t#1"), make_row("t#2")]}
    for source, records in files.items():
        load(source, *records)
    before, moved = outcome(database), version(database)
    for source, records in files.items():
        load(source, *records)
    assert (outcome(database), version(database)) == (before, moved)


def test_equal_rows_confirm_as_many_places_as_they_are_and_the_rest_is_one_place_more(database, load):
    load(ROLL, *(make_row(f"t#{rank}") for rank in range(1, 6)))
    assert len({place for place, _ in homes(database).values()}) == 1
    leftover = home(database, ROLL, "t#1")

    load(
        REGISTER,
        make_registered("a", "750000001", street="12 rue du Test"),
        make_registered("b", "750000002", street="30 rue du Test", lat=48.8590, lon=2.3530),
    )

    found = homes(database)
    assert [found["roll", f"t#{rank}"][0] for rank in (1, 2, 3)] == [leftover] * 3
    assert {found["roll", "t#4"][0], found["roll", "t#5"][0]} == {found["register", key][0] for key in "ab"}


def test_one_row_that_fits_two_places_is_half_as_sure(database, load):
    load(
        REGISTER,
        make_registered("a", "750000001", street="12 rue du Test"),
        make_registered("b", "750000002", street="30 rue du Test", lat=48.8575, lon=2.3530),
    )
    load(ROLL, make_row("t#1"))
    alone = homes(database)["roll", "t#1"]
    assert alone[1] < 0.6
    assert alone[0] in {home(database, REGISTER, "a"), home(database, REGISTER, "b")}


def test_a_street_without_number_takes_no_number_away(database, load):
    load(REGISTER, make_registered("a", "750000001", street="12 rue du Test", name="Pharmacie Martin"))
    load(ROLL, make_row("t#1", **FAR))
    place = facility(database, home(database, REGISTER, "a"))
    assert home(database, ROLL, "t#1") == place.id
    assert (place.name, place.street, place.lat) == ("Pharmacie Martin", "12 rue du Test", HERE["lat"])
    assert (place.position_approximate, place.conflicts) == (False, {})


def test_what_the_sources_say_otherwise_is_kept_beside_what_is_believed(database, load):
    finess = (("finess", "750000001"),)
    load(REGISTER, make_registered("a", "750000001", phone="+33142726071", street="12 rue du Test"))
    load(MAP, make_record("n1", identifiers=finess, name="Autre nom", phone="+33142726072", street=None, **FAR))
    place = facility(database, home(database, REGISTER, "a"))
    assert (place.name, place.phone) == ("Autre nom", "+33142726072")
    assert place.conflicts["phone"] == [["+33142726071", "register", "2013-01-01"]]
    assert place.conflicts["name"] == [["Pharmacie a", "register", "2013-01-01"]]
    ((said, source_id, _),) = place.conflicts["position"]
    assert (source_id, said["lat"], said["distance_m"]) == ("register", HERE["lat"], pytest.approx(556, abs=1))


def test_a_list_without_identifiers_neither_closes_nor_reopens_what_a_register_speaks_of(database, load):
    load(REGISTER, make_registered("a", "750000001", street="12 rue du Test"))
    load(MAP, make_record("n1", street="12 rue du Test", **NEXT_DOOR), make_record("n2", **FAR))
    assert home(database, MAP, "n1") == home(database, REGISTER, "a")

    load(MAP, make_record("n2", **FAR), force=True)
    assert facility(database, home(database, REGISTER, "a")).closed_at is None

    load(MAP, make_record("n1", street="12 rue du Test", **NEXT_DOOR), make_record("n2", **FAR))
    load(REGISTER, force=True, now=LATER)
    assert facility(database, home(database, REGISTER, "a")).closed_at == datetime(2013, 1, 1, tzinfo=UTC)


def test_an_old_list_imported_today_closes_nothing_that_a_newer_register_lists(database, load):
    a, b = make_registered("a", "750000001"), make_registered("b", "750000002", street="9 rue Autre", **FAR)
    load(NEW_REGISTER, a, b)
    load(REGISTER, a, b)

    load(REGISTER, b, force=True, now=LATER)
    assert facility(database, home(database, REGISTER, "a")).closed_at is None

    load(NEW_REGISTER, a, force=True, now=LATER)
    assert facility(database, home(database, REGISTER, "b")).closed_at == datetime(2026, 6, 1, tzinfo=UTC)


def test_what_only_a_list_without_identifiers_knew_closes_with_it(database, load):
    load(MAP, make_record("n1", street="12 rue du Test"), make_record("n2", street="1 rue Autre", **FAR))
    load(MAP, make_record("n2", street="1 rue Autre", **FAR), force=True)
    assert facility(database, home(database, MAP, "n1")).closed_at is not None


def test_an_id_that_merged_away_keeps_answering_and_its_reports_move_along(database, load):
    load(MAP, make_record("n1", street="12 rue du Test"))
    old = home(database, MAP, "n1")
    with database.session() as session:
        actions.report_facility(session, facility_id=old, kind="closed", comment="Fermé", now=NOW)
        actions.report_facility(session, facility_id=old, kind="closed", comment="Toujours", now=NOW)

    load(REGISTER, make_registered("a", "750000001", street="12 rue du Test"))

    new = home(database, REGISTER, "a")
    assert new == home(database, MAP, "n1") != old
    with database.session() as session:
        assert (queries.resolve(session, old), queries.resolve(session, new)) == (new, new)
        assert queries.facility(session, old) is None
        assert [(report.facility_id, report.times) for report in session.query(Report)] == [(new, 2)]


def test_two_reports_of_one_kind_that_meet_are_counted_together(database, load):
    load(MAP, make_record("n1", street="12 rue du Test"))
    load(ROLL, make_record("r1", street="12 rue Ailleurs", **FAR))
    ids = [home(database, MAP, "n1"), home(database, ROLL, "r1")]
    with database.session() as session:
        for facility_id, comment in zip(ids, ("A", "B"), strict=True):
            actions.report_facility(session, facility_id=facility_id, kind="closed", comment=comment, now=NOW)

    load(ROLL, make_record("r1", street="12 rue du Test", **NEXT_DOOR))

    assert home(database, MAP, "n1") == home(database, ROLL, "r1")
    with database.session() as session:
        (report,) = session.query(Report).all()
    assert (report.facility_id, report.times, set(report.comments)) == (home(database, MAP, "n1"), 2, {"A", "B"})


def test_places_that_split_again_get_their_ids_back(database, load):
    load(MAP, make_record("n1", street="12 rue du Test"))
    old = home(database, MAP, "n1")
    load(REGISTER, make_registered("a", "750000001", street="12 rue du Test"))
    assert aliases(database) == {old: home(database, REGISTER, "a")}

    load(MAP, make_record("n1", street="1 rue Ailleurs", **FAR))

    assert home(database, MAP, "n1") == old
    assert aliases(database) == {}
    assert facility(database, old).street == "1 rue Ailleurs"


def test_an_alias_follows_the_record_that_it_was_named_for(database, load):
    load(MAP, make_record("n1", street="12 rue du Test"))
    old = home(database, MAP, "n1")
    a = make_registered("a", "750000001", street="12 rue du Test")
    b = make_registered("b", "750000002", street="50 rue Ailleurs", **FAR)
    load(REGISTER, a, b)
    assert aliases(database) == {old: home(database, REGISTER, "a")}

    load(MAP, make_record("n1", street="50 rue Ailleurs", **FAR))

    assert aliases(database) == {old: home(database, REGISTER, "b")}


def test_a_record_whose_number_was_corrected_moves_and_its_old_id_answers(database, load):
    load(REGISTER, make_registered("a", "750000001"))
    old = home(database, REGISTER, "a")
    load(REGISTER, make_registered("a", "750000009"))
    new = home(database, REGISTER, "a")
    assert new != old
    assert aliases(database) == {old: new}


def test_a_place_whose_last_record_is_deleted_goes_and_its_neighbours_are_placed_anew(database, load):
    load(REGISTER, make_registered("a", "750000001", street="12 rue du Test"))
    load(MAP, make_record("n1", street="12 rue du Test", **NEXT_DOOR))
    gone = home(database, REGISTER, "a")
    with database.session() as session:
        session.query(FacilityRecordRow).filter_by(source_id="register").delete()
        actions.merge_facilities(session, {gone}, now=NOW)

    assert linking.link_records(database, now=NOW) == 1

    assert home(database, MAP, "n1") != gone
    assert aliases(database) == {gone: home(database, MAP, "n1")}
    with database.session(write=False) as session:
        assert session.get(Facility, gone) is None


def test_a_linking_cut_short_is_finished_by_the_next_import_even_one_that_changes_nothing(database, load, monkeypatch):
    monkeypatch.setattr(linking, "BATCH_ROWS", 1)
    registered = [
        make_registered(f"a{n}", f"75000000{n}", street=f"{n} rue du Test", lat=48.85 + n / 100, lon=2.35)
        for n in range(1, 6)
    ]
    mapped = [
        make_record(f"n{n}", name=f"Pharmacie a{n}", street=f"{n} rue du Test", lat=48.85 + n / 100, lon=2.35)
        for n in range(1, 6)
    ]
    load(REGISTER, *registered)

    def die(what, done, _total):
        if what == "linking" and done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(MAP, *mapped, progress=die)
    halfway = len({place for place, _ in homes(database).values()})

    load(REGISTER, *registered)

    assert halfway == 8
    assert len({place for place, _ in homes(database).values()}) == 5


def test_nothing_is_read_where_nothing_changed(database, load, monkeypatch):
    load(REGISTER, make_registered("a", "750000001"))
    monkeypatch.setattr(linking, "place_records", None)
    assert linking.link_records(database, now=LATER) == 0


def test_new_rules_merge_every_place_anew(database, load):
    load(REGISTER, make_registered("a", "750000001"))
    with database.session() as session:
        session.query(Facility).update({"field_sources": {}, "conflicts": {}})
        session.query(Linking).update({"rules": 0})
    linking.link_records(database, now=LATER)
    assert facility(database, home(database, REGISTER, "a")).field_sources["name"] == ["register", "2013-01-01"]


def test_a_newer_date_alone_moves_the_date_beside_each_field(database, load):
    load(REGISTER, make_registered("a", "750000001"))
    load(REGISTER, make_registered("a", "750000001", updated_on=date(2020, 5, 5)))
    assert facility(database, home(database, REGISTER, "a")).field_sources["name"] == ["register", "2020-05-05"]


def test_a_dry_run_places_nothing(database, load):
    load(REGISTER, make_registered("a", "750000001", street="12 rue du Test"))
    before = outcome(database)
    load(MAP, make_record("n1", street="12 rue du Test", **NEXT_DOOR), dry_run=True)
    assert outcome(database) == before
