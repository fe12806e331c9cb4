"""Opening hours on their way in: OSM syntax as it is, French as it is read, anything else unknown."""

import pytest

from tests.care.makers import make_record
from tests.care.test_imports import facility_of

READ = "Mo-Fr 09:00-12:30,14:00-19:00; Sa 09:00-13:00; Su unknown; PH unknown"
WRITTEN = "lun-ven 9h-12h30 / 14h-19h ; sam 9h-13h"


def hours_of(database, key="a"):
    place = facility_of(database, key)
    return place.opening_hours, place.opening_hours_verbatim


@pytest.mark.parametrize("field", ["opening_hours", "opening_hours_verbatim"])
def test_french_hours_are_read_and_kept_word_for_word(database, imported, field):
    report = imported(make_record("a", **{field: WRITTEN}))
    assert (hours_of(database), report.hours_not_understood) == ((READ, WRITTEN), 0)


@pytest.mark.parametrize("field", ["opening_hours", "opening_hours_verbatim"])
def test_hours_that_nobody_can_read_are_counted_and_kept_as_unknown(database, imported, field):
    report = imported(make_record("a", **{field: "sur rendez-vous"}), make_record("b"))
    assert (hours_of(database), report.hours_not_understood) == ((None, "sur rendez-vous"), 1)


def test_osm_syntax_is_left_as_it_is_with_the_text_beside_it(database, imported):
    imported(make_record("a", opening_hours="Mo-Fr 09:00-18:00", opening_hours_verbatim=WRITTEN))
    assert hours_of(database) == ("Mo-Fr 09:00-18:00", WRITTEN)


def test_osm_syntax_that_is_wrong_gives_way_to_a_text_that_can_be_read(database, imported):
    report = imported(make_record("a", opening_hours="Mo-Xx 09:00", opening_hours_verbatim=WRITTEN))
    assert (hours_of(database), report.hours_not_understood) == ((READ, WRITTEN), 0)


def test_importing_french_hours_again_changes_nothing(imported):
    imported(make_record("a", opening_hours_verbatim=WRITTEN))
    assert imported(make_record("a", opening_hours_verbatim=WRITTEN)).counts == {"unchanged": 1}


def test_an_answer_tells_the_reading_the_source_and_what_was_written(client, imported):
    imported(make_record("a", opening_hours_verbatim=WRITTEN))
    url = "/v1/care/nearest?lat=48.8573751&lon=2.3524425&category=pharmacy"
    (item,) = client.get(f"{url}&open=2026-11-23T10:00:00%2B01:00").json["items"]
    assert item["opening"] == {
        "hours": READ,
        "as_written": WRITTEN,
        "source": "synthetic",
        "state": "open",
        "until": "2026-11-23T12:30:00+01:00",
        "comment": None,
    }


def test_a_day_of_which_the_text_says_nothing_is_unknown_and_not_closed(client, imported):
    imported(make_record("a", opening_hours_verbatim=WRITTEN))
    url = "/v1/care/nearest?lat=48.8573751&lon=2.3524425&category=pharmacy"
    sunday = client.get(f"{url}&open=2026-11-29T10:00:00%2B01:00").json
    assert (sunday["items"], len(sunday["hours_unknown"])) == ([], 1)
