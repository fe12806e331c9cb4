"""The demo city: said to be made up everywhere, and gone without --demo."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import func, select

from citizen_api.care import stocks, sync
from citizen_api.care.importing import ImportRunningError, only_import
from citizen_api.care.models import Facility, FacilityRecordRow, Import
from citizen_api.care.rules import DEMO_SOURCE
from citizen_api.core import outgoing
from citizen_api.demo import city
from citizen_api.demo.rules import demo_hours
from citizen_api.serving import forget_demo
from tests.care.makers import NOW, import_records, make_record

SYNTHETIC_FINESS = [f"99{number:07d}" for number in range(400)]


def make_pharmacies(database, folder, count=40):
    """Import synthetic pharmacies with FINESS numbers."""
    records = [
        make_record(finess, identifiers=(("finess", finess),), lat=48.85 + index / 10_000)
        for index, finess in enumerate(SYNTHETIC_FINESS[:count])
    ]
    import_records(database, folder, records)


@pytest.fixture
def demo_city(database, settings, tmp_path, monkeypatch):
    """A demo city over synthetic pharmacies instead of the bundled sample."""
    make_pharmacies(database, tmp_path)
    monkeypatch.setattr(sync, "never_imported", lambda *_: [])
    said = []
    city.start_demo_city(settings, database, say=said.append)
    return said


def test_most_pharmacies_get_hours_and_some_stay_unknown():
    hours = [demo_hours(finess) for finess in SYNTHETIC_FINESS]
    known = sum(each is not None for each in hours)
    assert len(hours) * 0.7 < known < len(hours)


def test_the_same_pharmacy_gets_the_same_hours_at_every_start():
    assert [demo_hours(finess) for finess in SYNTHETIC_FINESS] == [demo_hours(finess) for finess in SYNTHETIC_FINESS]


def test_the_start_says_that_the_hours_are_made_up(demo_city):
    assert any("MADE UP" in line for line in demo_city)


@pytest.mark.usefixtures("demo_city")
def test_every_answer_with_a_demo_fact_says_so(client):
    answer = client.get("/v1/care/nearest?lat=48.85&lon=2.3524425&category=pharmacy&limit=40&lang=en").json
    timed = [item for item in answer["items"] if item["opening"]["hours"]]
    assert timed
    assert all(item["opening"]["source"] == DEMO_SOURCE for item in timed)
    assert all(DEMO_SOURCE in {source["id"] for source in item["sources"]} for item in timed)
    assert "demo_data" in {notice["code"] for notice in answer["notices"]}
    page = client.get(f"/v1/care/{timed[0]['id']}").json
    assert "demo_data" in {notice["code"] for notice in page["notices"]}


def test_the_feed_is_dated_now_and_names_the_demo_source(tmp_path):
    stock = city.hours_stock(tmp_path / "feed.csv", NOW)
    assert (stock.default_source.id, stock.default_source.date) == (DEMO_SOURCE, NOW.date())


@pytest.mark.usefixtures("demo_city")
def test_a_start_without_demo_leaves_nothing_of_it(database, session, client):
    forget_demo(database)

    session.expire_all()
    assert session.scalars(select(FacilityRecordRow).where(FacilityRecordRow.source_id == DEMO_SOURCE)).all() == []
    assert session.scalars(select(Facility).where(Facility.opening_hours.is_not(None))).all() == []
    answer = client.get("/v1/care/nearest?lat=48.85&lon=2.3524425&category=pharmacy&limit=40").json
    assert len(answer["items"]) == 40
    assert "demo_data" not in {notice["code"] for notice in answer["notices"]}


def test_the_loopback_origin_is_allowed_only_while_the_publishers_run():
    with city.DemoPublishers({"/feed": lambda: b"synthetic"}) as publishers:
        url = publishers.url("/feed")
        assert outgoing.refusal(url) is None
    assert outgoing.refusal(url) is not None


def test_real_hours_are_never_replaced_by_demo_ones(database, settings, session, tmp_path, monkeypatch):
    finess = next(each for each in SYNTHETIC_FINESS if demo_hours(each))
    record = make_record(finess, identifiers=(("finess", finess),), opening_hours="Mo 10:00-11:00")
    import_records(database, tmp_path, [record])
    monkeypatch.setattr(sync, "never_imported", lambda *_: [])
    city.start_demo_city(settings, database, say=lambda _: None)
    session.expire_all()
    assert session.scalars(select(Facility.opening_hours)).all() == ["Mo 10:00-11:00"]


def test_the_bundled_sample_names_only_described_sources():
    assert {source.id for source in stocks.sample_stock().sources} <= {
        chosen.source.id for chosen in stocks.FORMATS.values()
    }


SAMPLE_SOURCES = {source.id: source for source in stocks.sample_stock().sources}
PHARMACIES = "paris-pharmacies-2013"


def records_by_source(session) -> dict[str, int]:
    session.expire_all()
    return dict(
        session.execute(select(FacilityRecordRow.source_id, func.count()).group_by(FacilityRecordRow.source_id)).all()
    )


def test_a_newer_file_of_a_source_of_the_sample_is_not_undone_by_the_demo(database, settings, session, tmp_path):
    newer = replace(SAMPLE_SOURCES[PHARMACIES], date=date(2026, 11, 1))
    record = make_record("750010597", identifiers=(("finess", "750010597"),), name="Newer name")
    import_records(database, tmp_path, [record], source=newer)

    city.start_demo_city(settings, database, say=lambda _: None)

    counted = records_by_source(session)
    assert counted[PHARMACIES] == 1
    assert {source_id for source_id in counted if source_id != DEMO_SOURCE} == set(SAMPLE_SOURCES)
    assert session.scalars(select(FacilityRecordRow.dated).where(FacilityRecordRow.source_id == PHARMACIES)).all() == [
        date(2026, 11, 1)
    ]


def test_nothing_of_the_sample_is_imported_when_each_of_its_sources_was_before(database, settings, session, tmp_path):
    for source in SAMPLE_SOURCES.values():
        import_records(database, tmp_path, [make_record(f"k-{source.id}")], source=source)
    said = []

    city.start_demo_city(settings, database, say=said.append)

    assert records_by_source(session) == dict.fromkeys(SAMPLE_SOURCES, 1)
    assert not any("bundled sample" in line for line in said)


def test_the_sample_that_a_killed_start_left_half_written_is_imported_at_the_next(
    database, settings, session, monkeypatch
):
    write = sync.actions.write_changes

    def die(*args, **kwargs):
        write(*args, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(sync.actions, "write_changes", die)
    with pytest.raises(KeyboardInterrupt):
        city.start_demo_city(settings, database, say=lambda _: None)
    monkeypatch.undo()

    city.start_demo_city(settings, database, say=lambda _: None)

    counted = records_by_source(session)
    assert sum(count for source_id, count in counted.items() if source_id in SAMPLE_SOURCES) == 2990
    assert session.scalars(select(Import).where(Import.finished_at.is_(None))).all() == []


def test_the_demo_does_not_start_while_an_import_runs(database, settings):
    with only_import(database), pytest.raises(ImportRunningError):
        city.start_demo_city(settings, database, say=lambda _: None)
