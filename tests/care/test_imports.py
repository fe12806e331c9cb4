"""From a stock to the tables: what is created, updated, left unchanged, closed, rejected."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from citizen_api.care import actions, reading, stocks, sync
from citizen_api.care.importing import ImportRunningError, only_import
from citizen_api.care.models import Facility, FacilityRecordRow, Import, Source
from citizen_api.core.db import Base
from citizen_api.sources.generic_csv import SourceInfo
from citizen_api.sources.records import RejectedRow
from tests.care.makers import NOW, SYNTHETIC, import_records, make_record, make_records, make_stock
from tests.shared_data import shared_file

OTHER = SourceInfo(
    id="other-list", title="Another list", producer="The tests", licence="none, synthetic", date=date(2026, 10, 1)
)
LATER = NOW + timedelta(days=1)


def counts_of(report) -> dict[str, int]:
    return {name: report.counts[name] for name in ("created", "updated", "unchanged", "closed")}


def places(database):
    with database.session(write=False) as session:
        return {place.name: place for place in reading.places(session)}


def version(database) -> int:
    with database.session(write=False) as session:
        return int(reading.stamp(session).partition("-")[0])


def everything(database) -> dict[str, list[tuple]]:
    """Every row of every care table."""
    with database.session(write=False) as session:
        return {
            name: sorted(map(repr, session.execute(select(table))))
            for name, table in Base.metadata.tables.items()
            if name.startswith("care_")
        }


def facility_of(database, key) -> Facility:
    with database.session(write=False) as session:
        record = session.scalar(select(FacilityRecordRow).where(FacilityRecordRow.key == key))
        return session.get_one(Facility, record.facility_id)


def test_the_same_file_twice_changes_nothing_and_moves_no_directory(database, tmp_path):
    records = make_records(30)
    assert counts_of(import_records(database, tmp_path, records)) == {
        "created": 30,
        "updated": 0,
        "unchanged": 0,
        "closed": 0,
    }
    before = version(database)
    facts = everything(database)

    again = import_records(database, tmp_path, records, now=LATER)

    assert counts_of(again) == {"created": 0, "updated": 0, "unchanged": 30, "closed": 0}
    assert version(database) == before
    after = everything(database)
    assert {name for name in facts if facts[name] != after[name]} == {"care_import", "care_source"}


def test_what_a_source_says_anew_is_updated(database, tmp_path):
    import_records(database, tmp_path, [make_record("a"), make_record("b")])
    before = version(database)

    report = import_records(database, tmp_path, [make_record("a", phone="+33142726071"), make_record("b")])

    assert counts_of(report) == {"created": 0, "updated": 1, "unchanged": 1, "closed": 0}
    assert version(database) > before
    assert {place.phone for place in places(database).values()} == {"+33142726071", None}


def test_absent_from_a_complete_stock_is_closed_and_comes_back_under_the_same_id(database, tmp_path):
    records = make_records(10)
    import_records(database, tmp_path, records)
    gone = facility_of(database, "k9")

    report = import_records(database, tmp_path, records[:9], now=LATER)

    assert counts_of(report) == {"created": 0, "updated": 0, "unchanged": 9, "closed": 1}
    assert facility_of(database, "k9").closed_at == datetime(2026, 11, 1, tzinfo=UTC)  # the day of the stock
    assert len(places(database)) == 9

    report = import_records(database, tmp_path, records, now=LATER)

    assert counts_of(report) == {"created": 0, "updated": 1, "unchanged": 9, "closed": 0}
    back = facility_of(database, "k9")
    assert (back.id, back.closed_at) == (gone.id, None)
    assert len(places(database)) == 10


def test_a_place_closed_without_a_position_of_its_own_keeps_its_centre(database, tmp_path):
    records = [*make_records(9), make_record("lost", lat=None, lon=None)]
    import_records(database, tmp_path, records)
    before = facility_of(database, "lost")

    import_records(database, tmp_path, records[:9])

    after = facility_of(database, "lost")
    assert after.closed_at is not None
    assert (after.lat, after.lon, after.position_approximate) == (before.lat, before.lon, True)


def test_what_the_source_itself_declares_closed_is_counted_once(database, tmp_path):
    import_records(database, tmp_path, make_records(2))
    closing = [make_record("k0", closed=True, closed_on=date(2026, 9, 1)), make_record("k1")]

    first = import_records(database, tmp_path, closing)
    second = import_records(database, tmp_path, closing)

    assert counts_of(first) == {"created": 0, "updated": 0, "unchanged": 1, "closed": 1}
    assert counts_of(second) == {"created": 0, "updated": 0, "unchanged": 2, "closed": 0}
    assert facility_of(database, "k0").closed_at == datetime(2026, 9, 1, tzinfo=UTC)


def test_what_was_never_known_but_is_declared_closed_is_remembered_closed(database, tmp_path):
    import_records(database, tmp_path, [make_record("a", closed=True)])
    dry = import_records(database, tmp_path, [make_record("a", closed=True)], dry_run=True)
    assert facility_of(database, "a").closed_at is not None
    assert counts_of(dry)["unchanged"] == 1


def test_more_than_a_fifth_vanishing_is_refused_and_changes_nothing(database, tmp_path):
    import_records(database, tmp_path, make_records(10))
    before = everything(database)

    with pytest.raises(sync.TooManyVanishingError, match="3 of the 10 known places of synthetic"):
        import_records(database, tmp_path, make_records(7))

    assert everything(database) == before


def test_a_fifth_vanishing_is_not_refused(database, tmp_path):
    import_records(database, tmp_path, make_records(10))
    assert counts_of(import_records(database, tmp_path, make_records(8)))["closed"] == 2


def test_forced_even_everything_may_vanish(database, tmp_path):
    import_records(database, tmp_path, make_records(10))
    report = import_records(database, tmp_path, [make_record("new")], force=True)
    assert counts_of(report) == {"created": 1, "updated": 0, "unchanged": 0, "closed": 10}


def test_a_partial_list_closes_nothing(database, tmp_path):
    import_records(database, tmp_path, make_records(10), complete=False)
    report = import_records(database, tmp_path, make_records(1), complete=False)
    assert counts_of(report) == {"created": 0, "updated": 0, "unchanged": 1, "closed": 0}
    assert len(places(database)) == 10


def test_a_dry_run_changes_nothing_at_all_and_tells_the_same_counts(database, tmp_path):
    empty = everything(database)
    first = make_records(10)
    assert counts_of(import_records(database, tmp_path, first, dry_run=True))["created"] == 10
    assert everything(database) == empty

    import_records(database, tmp_path, first)
    before = everything(database)
    second = [
        make_record("k0", phone="+33142726071"),
        make_record("k1", closed=True),
        *first[2:9],
        make_record("new"),
    ]

    foreseen = import_records(database, tmp_path, second, dry_run=True, now=LATER)

    assert everything(database) == before
    done = import_records(database, tmp_path, second, now=LATER)
    assert counts_of(foreseen) == counts_of(done) == {"created": 1, "updated": 1, "unchanged": 7, "closed": 2}


def test_a_run_cut_short_goes_on_and_ends_like_an_uninterrupted_one(database, tmp_path, monkeypatch):
    monkeypatch.setattr(sync, "BATCH_ROWS", 4)
    records = make_records(18)
    import_records(database, tmp_path, records)
    changed = [*(replace(r, phone="+33142726071") for r in records[:15]), make_record("new")]

    def die(what, done, _total):
        if what == "importing" and done >= 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_records(database, tmp_path, changed, progress=die)
    assert Counter(place.phone for place in places(database).values())["+33142726071"] == 8

    report = import_records(database, tmp_path, changed)

    assert report.resumed == 8
    assert counts_of(report) == {"created": 1, "updated": 15, "unchanged": 0, "closed": 3}
    assert len(places(database)) == 16
    again = import_records(database, tmp_path, changed)
    assert again.resumed is None
    assert counts_of(again) == {"created": 0, "updated": 0, "unchanged": 16, "closed": 0}


def test_a_run_killed_while_closing_counts_every_closing(database, tmp_path, monkeypatch):
    monkeypatch.setattr(sync, "BATCH_ROWS", 1)
    records = make_records(10)
    import_records(database, tmp_path, records)
    close, closed = actions.close_records, []

    def die(*args, **kwargs):
        if closed:
            raise KeyboardInterrupt
        closed.append(args)
        close(*args, **kwargs)

    monkeypatch.setattr(actions, "close_records", die)
    with pytest.raises(KeyboardInterrupt):
        import_records(database, tmp_path, records[:8])
    monkeypatch.setattr(actions, "close_records", close)

    assert counts_of(import_records(database, tmp_path, records[:8])) == {
        "created": 0,
        "updated": 0,
        "unchanged": 8,
        "closed": 2,
    }


def test_a_file_read_in_another_way_resumes_nothing(database, tmp_path, monkeypatch):
    monkeypatch.setattr(sync, "BATCH_ROWS", 1)
    stock = make_stock(tmp_path, make_records(3))

    def die(what, *_):
        if what == "importing":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sync.run_import(database, stock, now=NOW, reports_dir=tmp_path, progress=die)

    report = sync.run_import(database, replace(stock, read_as="otherwise"), now=NOW, reports_dir=tmp_path)

    assert report.resumed is None
    assert counts_of(report) == {"created": 2, "updated": 0, "unchanged": 1, "closed": 0}


def test_each_batch_is_one_transaction(database, tmp_path, monkeypatch):
    monkeypatch.setattr(sync, "BATCH_ROWS", 5)
    seen = []

    def look(what, *_):
        if what == "importing":
            seen.append(len(places(database)))

    import_records(database, tmp_path, make_records(12), progress=look)
    assert seen == [5, 10, 12]


def test_two_sources_of_one_place_make_one_place_and_the_older_one_alone_does_not_close_it(database, tmp_path):
    finess = (("finess", "750010597"),)
    ours = [make_record("750010597", identifiers=finess, name="Ours"), *make_records(9)]
    import_records(database, tmp_path, ours)
    before = version(database)
    import_records(database, tmp_path, [make_record("x", identifiers=finess, name="Theirs")], source=OTHER)

    assert version(database) > before
    found = places(database)
    assert len(found) == 10
    assert [source.id for source in found["Ours"].sources] == ["other-list", "synthetic"]

    import_records(database, tmp_path, [make_record("y")], source=OTHER, force=True)

    assert [source.id for source in places(database)["Ours"].sources] == ["synthetic"]


def test_a_newer_list_that_says_the_same_moves_the_date_of_what_is_said(database, tmp_path):
    import_records(database, tmp_path, [make_record("a")])
    before = version(database)
    newer = replace(SYNTHETIC, date=date(2026, 11, 20))

    report = import_records(database, tmp_path, [make_record("a")], source=newer)

    assert counts_of(report)["unchanged"] == 1
    (place,) = places(database).values()
    assert [source.dated for source in place.sources] == [date(2026, 11, 20)]
    assert version(database) > before


def test_taking_a_source_back_leaves_what_the_others_say(database, tmp_path):
    finess = (("finess", "750010597"),)
    import_records(database, tmp_path, [make_record("a", identifiers=finess), make_record("b")])
    import_records(database, tmp_path, [make_record("x", identifiers=finess, website="https://x.fr")], source=OTHER)
    with database.session() as session:
        assert actions.remove_source(session, "synthetic", now=LATER) == 2
    (place,) = places(database).values()
    assert (place.website, [source.id for source in place.sources]) == ("https://x.fr", ["other-list"])
    with database.session() as session:
        assert actions.remove_source(session, "synthetic", now=LATER) == 0


def test_of_two_imports_at_once_the_second_is_refused(database, tmp_path):
    with only_import(database), pytest.raises(ImportRunningError, match="another import is running"):
        import_records(database, tmp_path, [make_record("a")])
    assert counts_of(import_records(database, tmp_path, [make_record("a")]))["created"] == 1


def test_a_source_counts_as_imported_once_an_import_of_it_was_finished(database, tmp_path):
    stock = make_stock(tmp_path, [make_record("a")])

    def die(what, *_):
        if what == "importing":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sync.run_import(database, stock, now=NOW, reports_dir=tmp_path, progress=die)
    assert sync.never_imported(database, stock) == ["synthetic"]
    sync.run_import(database, stock, now=NOW, reports_dir=tmp_path)
    assert sync.never_imported(database, stock) == []
    both = replace(stock, sources=(SYNTHETIC, OTHER), read_as="otherwise")
    assert sync.never_imported(database, both) == ["other-list"]


def test_a_part_of_a_stock_holds_only_what_the_chosen_sources_say(database, tmp_path):
    rejected = RejectedRow(7, "no_name: The row has no name.", "x")
    ours, theirs = make_record("a", source_id="synthetic"), make_record("b", source_id="other-list")
    stock = replace(make_stock(tmp_path, [ours, theirs, rejected]), sources=(SYNTHETIC, OTHER))

    report = sync.run_import(database, stocks.part_of(stock, ["other-list"]), now=NOW, reports_dir=tmp_path)

    assert (counts_of(report)["created"], report.rejected) == (1, {"no_name": 1})
    assert list(places(database)) == ["Synthetic b"]


def test_capitals_and_spaces_that_nobody_reads_change_nothing(database, tmp_path):
    import_records(database, tmp_path, [make_record("a", name_verbatim="A", phone_verbatim="01 42 72 60 71")])
    again = import_records(database, tmp_path, [make_record("a", name_verbatim="a", phone_verbatim="142726071")])
    assert counts_of(again)["unchanged"] == 1


def test_the_runs_and_the_source_are_remembered(database, tmp_path):
    import_records(database, tmp_path, make_records(3))
    with database.session(write=False) as session:
        source, run = session.get_one(Source, "synthetic"), session.scalars(select(Import)).one()
    assert (source.title, source.dated) == ("Synthetic list", date(2026, 11, 1))
    assert (run.finished_at, run.counts["created"]) == (NOW, 3)


@pytest.mark.parametrize(
    ("form", "name", "created", "left_out"),
    [
        ("finess-idf-hospitals", "finess/etablissements_hospitaliers_idf.csv", 1182, 41),
        ("finess-idf-disability", "finess/etab_adultes_handicapes_idf.csv", 821, 37),
        ("paris-pharmacies", "pharmacies/pharmacies_paris_finess.csv", 987, 0),
    ],
)
def test_each_shared_file_is_imported_with_its_report(database, tmp_path, form, name, created, left_out):
    stock = stocks.known_stock(form, shared_file(name))
    report = sync.run_import(database, stock, now=NOW, reports_dir=tmp_path)
    assert (counts_of(report)["created"], report.left_out.total(), report.rejected) == (created, left_out, {})
    with database.session(write=False) as session:
        assert session.scalar(select(func.count()).select_from(Facility)) == created
    assert counts_of(sync.run_import(database, stock, now=NOW, reports_dir=tmp_path))["unchanged"] == created
