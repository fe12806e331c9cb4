"""The bench of slots measures what it says: small, and without any clock in the assertions."""

from dataclasses import replace
from datetime import UTC, datetime

import httpx
import pytest

from bench import slots, slots_ask, slots_ingest, slots_targets
from bench.slots_files import FolderTransport, Size, host_of, manifest_url, write_publishers
from bench.slots_report import slots_section
from citizen_api.sources.records import RejectedRow
from citizen_api.sources.scheduling_links import read_lines
from citizen_api.sources.scheduling_source import SchedulingLinks
from citizen_api.sources.slot_records import PlaceRecord, ScheduleRecord, SlotRecord
from citizen_api.teleconsult import slot_views
from citizen_api.teleconsult.feed_sync import Turn
from citizen_api.teleconsult.slot_search import Found

SIZE = Size(publishers=3, slots=600)
NOW = datetime(2026, 11, 22, 21, 40, tzinfo=UTC)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench-slots")
    return slots.measure_all(folder, size=SIZE, counts=slots.Counts(questions=2, handoffs=4))


@pytest.fixture
def published(tmp_path):
    write_publishers(tmp_path, SIZE, now=NOW)
    return tmp_path


def read(folder, publisher=0):
    files = sorted((folder / host_of(publisher)).glob("*.ndjson"))
    return [item for file in files for item in read_lines([file.read_bytes()])]


def test_the_publishers_say_so_many_slots_of_the_next_two_weeks_that_the_reader_takes(published):
    items = read(published, publisher=2)
    counts = [sum(isinstance(item, kind) for item in items) for kind in (PlaceRecord, ScheduleRecord, SlotRecord)]
    assert counts == [1, 2, 200]
    assert not [item for item in items if isinstance(item, RejectedRow)]
    starts = [item.start_s - NOW.timestamp() for item in items if isinstance(item, SlotRecord)]
    assert (min(starts) > 0, max(starts) < 15 * 86_400) == (True, True)


def test_the_same_seed_gives_the_same_publishers(published, tmp_path):
    write_publishers(tmp_path / "again", SIZE, now=NOW)
    assert read(tmp_path / "again") == read(published)
    assert read(published, publisher=1) != read(published)


def test_many_slots_of_one_publisher_are_in_several_files(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.slots_files.SLOTS_OF_ONE_FILE", 250)
    write_publishers(tmp_path, Size(publishers=1, slots=600), now=NOW)
    assert len(list((tmp_path / host_of(0)).glob("Slot-*.ndjson"))) == 3
    assert len({item.source_id for item in read(tmp_path) if isinstance(item, SlotRecord)}) == 600


def test_the_transport_serves_files_once_and_then_says_that_they_did_not_change(published):
    transport = FolderTransport(published)
    with httpx.Client(transport=transport) as client:
        source = SchedulingLinks(client, manifest_url(0), max_bytes=10_000_000)
        publication = source.look(None, since=None)
        assert [file.holds_slots for file in publication.files] == [False, False, True]
        assert source.look(publication.state, since=None) is None
        assert (transport.asked, transport.unchanged) == (2, 1)
        assert client.get(f"https://{host_of(0)}/missing").status_code == 404


def test_everything_is_read_once_and_nothing_when_nothing_changed(results):
    for name, publishers in (("one", 1), ("many", SIZE.publishers)):
        run = results[name]
        assert (run["publishers"], run["slots"]) == (publishers, SIZE.slots)
        assert run["questions_again"] == run["unchanged_again"] == publishers
        assert run["memory"]["peak_mb"] >= run["memory"]["before_mb"] > 20


def test_every_kind_of_question_is_asked_and_what_should_be_found_is(results):
    cases = {case["name"]: case for case in results["asked"]["cases"]}
    assert cases.keys() == {case.name for case in slots_ask.CASES}
    assert cases["no specialty, anywhere"]["found"] > 5
    assert results["asked"]["handoffs"]["count"] == 4


def test_a_publisher_that_is_not_read_well_ends_the_bench():
    with pytest.raises(AssertionError, match="down"):
        slots_ingest._check(None, [Turn("p0000", problem="down")], SIZE)


@pytest.mark.parametrize("case", slots_ask.CASES, ids=lambda case: case.name)
def test_the_route_is_asked_what_the_search_is_asked(client, clock, case, monkeypatch):
    heard = []

    def find(_session, question, *_):
        heard.append(question)
        return Found([], 0)

    monkeypatch.setattr(slot_views, "find_with_hidden", find)
    now = clock()
    specialty, here = next(iter(slots_ask._asked(case, 1)))
    slots_ask._get(client, slots_ask._path(case, specialty, here, now))
    expected = slots_ask._question(case, specialty, here, now)
    # Where it stands also tells whose days count and who is offered there.
    told = heard[0]
    assert replace(told, territories=None, zone=expected.zone, remote_first=False) == expected


def test_memory_is_told_by_quarters_of_the_time():
    memory = slots_ingest.Memory()
    memory._samples = [mb * 1_000_000 for mb in (10, 20, 30, 30, 40, 50, 10, 20)]
    assert memory.told() == {"before_mb": 10.0, "peak_mb": 50.0, "quarters_mb": [15.0, 30.0, 45.0, 15.0]}


def test_the_targets_that_are_met_are_said_to_be(results):
    quick = {"slots": 1_000_000, "first_s": 40.0, "again_s": 0.5}
    flat = {"before_mb": 100.0, "peak_mb": 150.0, "quarters_mb": [120.0, 130.0, 140.0, 150.0]}
    asked = results["asked"] | {
        "cases": [case | {"search": {"p50_ms": 1.0, "p99_ms": 2.0}} for case in results["asked"]["cases"]]
    }
    good = results | {"one": results["one"] | quick | {"memory": flat}, "many": results["many"] | quick, "asked": asked}
    text = slots_section(good)
    assert "**no**" not in text
    assert not any(why in text for why in slots_targets.WHY.values())


@pytest.mark.parametrize(
    ("changed", "id_", "said"),
    [
        ({"many": {"slots": 1_000_000, "first_s": 80.0, "again_s": 0.5}}, "many", "| ≥ 20,000 | 12,500 | **no** |"),
        ({"many": {"slots": 1_000_000, "first_s": 40.0, "again_s": 2.0}}, "again", "| ≥ 50 | 20 | **no** |"),
        (
            {"one": {"memory": {"before_mb": 1, "peak_mb": 1, "quarters_mb": [1, 10, 50, 90]}}},
            "flat",
            "+80 MB | **no**",
        ),
    ],
)
def test_a_missed_target_is_said_to_be_missed_and_why(results, changed, id_, said):
    text = slots_section(results | {name: results[name] | values for name, values in changed.items()})
    assert said in text
    assert slots_targets.WHY[id_] in text
