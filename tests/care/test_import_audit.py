"""What the audit log keeps of imports."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from citizen_api.care import sync
from citizen_api.people.models import AuditEntry
from citizen_api.sources.generic_csv import SourceInfo
from tests.care.makers import NOW, SYNTHETIC, import_records, make_record, make_records, make_stock

OTHER = SourceInfo(
    id="other-list", title="Another list", producer="The tests", licence="none, synthetic", date=date(2026, 10, 1)
)
LATER = NOW + timedelta(days=1)


def audit(database) -> list[AuditEntry]:
    with database.session(write=False) as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.action == "care.import")))


def test_an_import_is_in_the_audit_log_with_its_counts_and_whether_it_was_forced(database, tmp_path):
    import_records(database, tmp_path, make_records(10))
    import_records(database, tmp_path, make_records(5), force=True, now=LATER)

    first, second = audit(database)
    assert (first.actor, first.subject, first.at) == ("command line", "source synthetic", NOW)
    assert first.details == {
        "counts": {"created": 10, "updated": 0, "closed": 0, "unchanged": 0},
        "forced": False,
        "file": "synthetic.synthetic",
    }
    assert (second.details["counts"]["closed"], second.details["forced"], second.at) == (5, True, LATER)


def test_the_audit_log_keeps_only_the_file_name_of_an_address(database, tmp_path):
    url = "https://ville.example/secret-folder/list.csv?token=secret"
    stock = replace(make_stock(tmp_path, [make_record("a")]), url=url)
    sync.run_import(database, stock, now=NOW, reports_dir=tmp_path)
    assert [entry.details["file"] for entry in audit(database)] == ["list.csv"]


def test_what_changes_nothing_is_not_in_the_audit_log(database, tmp_path):
    import_records(database, tmp_path, make_records(10), dry_run=True)
    assert audit(database) == []
    import_records(database, tmp_path, make_records(10))
    import_records(database, tmp_path, make_records(10), now=LATER)
    with pytest.raises(sync.TooManyVanishingError):
        import_records(database, tmp_path, make_records(1), now=LATER)
    assert len(audit(database)) == 1


def test_newer_dates_alone_are_in_the_audit_log(database, tmp_path):
    import_records(database, tmp_path, [make_record("a")])
    import_records(database, tmp_path, [make_record("a")], source=replace(SYNTHETIC, date=date(2026, 11, 20)))
    assert [entry.details["counts"]["unchanged"] for entry in audit(database)] == [0, 1]
