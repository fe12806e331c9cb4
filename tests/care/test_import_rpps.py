"""The RPPS in the directory: persons at places, and how they are forgotten."""

import csv
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from citizen_api.care import actions, queries, stocks, sync
from citizen_api.care.models import Facility, FacilityAlias, FacilityIdentifier, FacilityRecordRow, Report
from citizen_api.people.models import AuditEntry
from citizen_api.sources.records import SourceFormatError
from tests.care.linking_makers import MAP, homes, import_from, outcome
from tests.care.makers import NOW, make_record
from tests.care.test_imports import everything, places, version
from tests.sources.rpps_makers import GP, make_extract

LATER = NOW + timedelta(days=1)


def make_person(number, **changed):
    """Make a synthetic doctor with a practice of their own, number in the street."""
    own = {
        "Identifiant PP": f"1000000000{number}",
        "Nom d'exercice": f"PERSONNE{'ABCDEFGHIJ'[number]}",
        "Numéro SIRET site": f"1234567890001{number}",
        "Numéro Voie (coord. structure)": str(number + 1),
        "Indice répétition voie (coord. structure)": "",
    }
    return GP | own | changed


PERSONS = [make_person(number) for number in range(10)]


@pytest.fixture
def run(database, tmp_path):
    def do(*rows, extra=b"", now=NOW, **options):
        path = tmp_path / "extract.txt"
        path.write_bytes(make_extract(*rows, extra=extra))
        stock = stocks.known_stock("rpps", path)
        return sync.run_import(database, stock, now=now, reports_dir=tmp_path / "imports", **options)

    return do


def counts_of(report):
    return {name: report.counts[name] for name in ("created", "updated", "unchanged", "closed", "deleted")}


def records(database) -> set[str]:
    with database.session(write=False) as session:
        return {key.partition("@")[0] for key in session.scalars(select(FacilityRecordRow.key))}


def count(database, table) -> int:
    with database.session(write=False) as session:
        return session.scalar(select(func.count()).select_from(table))


def mentions(database, text) -> list[str]:
    return [name for name, rows in everything(database).items() if any(text in row for row in rows)]


def test_a_doctor_is_found_under_their_name_with_a_category(database, run):
    run(GP)
    (place,) = places(database).values()
    assert (place.name, place.categories, place.street) == (
        "Dr Marie Curie",
        ("general_practitioner",),
        "12 bis rue de la Paix",
    )
    assert place.position_approximate


@pytest.mark.parametrize(
    ("profession", "category"),
    [("40", "dentist"), ("50", "midwife"), ("60", "nurse"), ("70", "physiotherapist")],
)
def test_each_profession_that_residents_look_for_has_its_category(database, run, profession, category):
    run(GP | {"Code profession": profession, "Code savoir-faire": ""})
    assert [place.categories for place in places(database).values()] == [(category,)]


def test_who_is_no_place_is_left_out_and_not_rejected(run):
    report = run(
        PERSONS[0],
        make_person(1, **{"Code profession": "21"}),
        make_person(2, **{"Code mode exercice": "S"}),
        make_person(3, **{"Code savoir-faire": "SM04"}),
        make_person(4, **{"Libellé Voie (coord. structure)": ""}),
    )
    assert (report.rejected, counts_of(report)["created"]) == ({}, 1)
    assert report.left_out == {"21:SM54": 1, "10:S": 1, "10:SM04": 1, "10:no_address": 1}


def test_one_person_at_two_places_is_two_places(database, run):
    run(PERSONS[0], PERSONS[0] | {"Numéro SIRET site": "12345678900029"})
    assert count(database, Facility) == 2


def test_a_doctor_and_the_centre_of_the_same_site_are_two_places(database, run, tmp_path):
    centre = make_record("750000001", identifiers=(("finess", "750000001"),), category_codes=(("finess", "124"),))
    import_from(MAP, centre, database=database, folder=tmp_path)
    site = {"Numéro SIRET site": "", "Numéro FINESS site": "750000001"}
    run(PERSONS[0] | site, PERSONS[1] | site)
    assert count(database, Facility) == 3


def test_the_same_doctor_on_a_map_is_found_again_by_name_and_address(database, run, tmp_path):
    mapped = make_record(
        "n1",
        name="Docteur Marie Curie",
        category_codes=(("alentours", "general_practitioner"),),
        street="12 bis rue de la Paix",
        postcode="75002",
        commune_code="75102",
        lat=48.8690,
        lon=2.3310,
    )
    run(GP)
    alone = homes(database)["rpps", "10000000001@siret:12345678900011"][0]
    import_from(MAP, mapped, database=database, folder=tmp_path)
    assert {place for place, _ in homes(database).values()} == {alone}
    assert [place.position_approximate for place in places(database).values()] == [False]


def test_a_new_extract_forgets_who_left_it(database, run):
    run(*PERSONS)
    before = version(database)
    gone = next(place for place in places(database).values() if place.name == "Dr Marie Personnej")
    with database.session() as session:
        actions.report_facility(session, facility_id=gone.id, kind="closed", comment="Fermé", now=NOW)
        session.add(FacilityAlias(id="a" * 13, facility_id=gone.id))

    report = run(*PERSONS[:9], now=LATER)

    assert counts_of(report) == {"created": 0, "updated": 0, "unchanged": 9, "closed": 0, "deleted": 1}
    assert version(database) > before
    assert [count(database, table) for table in (Facility, Report, FacilityAlias)] == [9, 0, 0]
    assert mentions(database, "10000000009") == mentions(database, "Personnej") == mentions(database, gone.id) == []


def test_what_another_source_says_of_a_deleted_persons_place_stays_without_their_number(database, run, tmp_path):
    mapped = make_record(
        "n1",
        name="Dr Marie Personnej",
        category_codes=(("alentours", "general_practitioner"),),
        street="10 rue de la Paix",
        postcode="75002",
        commune_code="75102",
    )
    import_from(MAP, mapped, database=database, folder=tmp_path)
    alone = outcome(database)
    run(*PERSONS)
    assert count(database, Facility) == 10

    run(*PERSONS[:9])

    assert mentions(database, "10000000009") == []
    assert [row for row in outcome(database)["records"] if "map" in row] == alone["records"]
    with database.session(write=False) as session:
        schemes = session.scalars(select(FacilityIdentifier.scheme).distinct()).all()
    assert set(schemes) == {"rpps", "rpps_site"}


def test_a_dry_run_tells_how_many_would_be_deleted_and_changes_nothing(database, run):
    run(*PERSONS)
    before = everything(database)
    assert counts_of(run(*PERSONS[:9], dry_run=True))["deleted"] == 1
    assert everything(database) == before


def test_more_than_a_fifth_leaving_is_refused_unless_forced(database, run):
    run(*PERSONS)
    with pytest.raises(sync.TooManyVanishingError, match="3 of the 10 known places of rpps"):
        run(*PERSONS[:7])
    assert count(database, Facility) == 10
    assert counts_of(run(*PERSONS[:7], force=True))["deleted"] == 3


def test_the_audit_log_keeps_counts_and_no_person(database, run):
    run(*PERSONS)
    run(*PERSONS[:9], now=LATER)
    with database.session(write=False) as session:
        last = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert last.details == {
        "counts": {"created": 0, "updated": 0, "closed": 0, "unchanged": 9, "deleted": 1},
        "forced": False,
        "file": "extract.txt",
    }


def test_a_run_killed_while_deleting_ends_like_an_uninterrupted_one(database, run, monkeypatch):
    monkeypatch.setattr(sync, "BATCH_ROWS", 1)
    run(*PERSONS)
    delete, deleted = actions.delete_records, []

    def die(*args, **kwargs):
        if deleted:
            raise KeyboardInterrupt
        deleted.append(args)
        delete(*args, **kwargs)

    monkeypatch.setattr(actions, "delete_records", die)
    with pytest.raises(KeyboardInterrupt):
        run(*PERSONS[:8])
    assert count(database, Facility) == 9
    monkeypatch.setattr(actions, "delete_records", delete)

    report = run(*PERSONS[:8])

    assert counts_of(report)["deleted"] == 2
    assert len(records(database)) == count(database, Facility) == 8


def test_who_stands_in_a_row_that_cannot_be_read_is_not_forgotten(database, run):
    run(*PERSONS)
    report = run(*PERSONS[:9], extra=b"8|10000000009|810000000009|DR|Docteur\n")
    assert (counts_of(report)["deleted"], report.rejected) == (0, {"columns": 1})
    assert "10000000009" in records(database)


def test_an_extract_that_breaks_off_in_a_row_is_refused_and_forgets_nobody(database, run):
    run(*PERSONS)
    before = everything(database)
    for options in ({}, {"dry_run": True}):
        with pytest.raises(SourceFormatError, match=r"^The file breaks off in its last row.*--force imports it.*$"):
            run(*PERSONS[:8], extra=make_extract(PERSONS[8]).splitlines()[1][:60], **options)
    assert everything(database) == before


def test_forced_an_extract_that_breaks_off_is_imported_as_if_it_were_whole(database, run):
    run(*PERSONS)
    report = run(*PERSONS[:8], extra=b"8|10000000008|8100", force=True)
    assert (counts_of(report)["deleted"], report.rejected) == (1, {"cut_off": 1})
    assert "10000000008" in records(database)


def test_an_extract_whose_last_row_is_whole_needs_no_line_end(run):
    report = run(*PERSONS[:8], extra=make_extract(PERSONS[8]).splitlines()[1])
    assert (counts_of(report)["created"], report.rejected) == (9, {})


def test_who_is_employed_from_now_on_is_forgotten(database, run):
    run(*PERSONS)
    run(*PERSONS[:9], make_person(9, **{"Code mode exercice": "S"}))
    assert "10000000009" not in records(database)


def test_the_report_of_rejected_rows_names_a_person_by_their_number_only(run):
    report = run(
        make_person(1, **{"Nom d'exercice": ""}), make_person(2, **{"Libellé Voie (coord. structure)": "x" * 400})
    )
    with report.rejected_file.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert [(row[0], row[2]) for row in rows[1:]] == [("2", "10000000001"), ("3", "10000000002")]
    assert "MARIE" not in report.rejected_file.read_text("utf-8").upper()


def test_reports_of_earlier_runs_of_a_register_of_persons_go(run, tmp_path):
    other = tmp_path / "imports" / "rpps-of-a-city-20260101T000000-rejected.csv"
    broken = make_person(9, **{"Nom d'exercice": ""})
    first = run(*PERSONS[:9], broken).rejected_file
    other.touch()

    dry = run(*PERSONS[:9], broken, now=LATER - timedelta(hours=1), dry_run=True).rejected_file
    assert first.exists()
    second = run(*PERSONS[:9], broken, now=LATER).rejected_file

    assert [path.exists() for path in (first, dry, second, other)] == [False, False, True, True]
    run(*PERSONS[:9], now=LATER + timedelta(hours=1))
    assert not second.exists()


def test_the_same_extract_again_changes_nothing(database, run):
    run(*PERSONS)
    before, moved = outcome(database), version(database)
    assert counts_of(run(*reversed(PERSONS), now=LATER))["unchanged"] == 10
    assert (outcome(database), version(database)) == (before, moved)


def test_another_list_still_closes(database, tmp_path):
    import_from(MAP, make_record("a"), database=database, folder=tmp_path)
    report = import_from(MAP, make_record("b"), database=database, folder=tmp_path, force=True)
    assert counts_of(report)["closed"] == 1
    with database.session(write=False) as session:
        assert queries.count_facilities(session) == 1
