"""What is joined from ready-made parts equals what the schema dumps, place by place."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citizen_api.care import present, reading, stocks, sync
from citizen_api.care.directory import Directory
from citizen_api.care.fragments import distance_part, why_part
from citizen_api.care.nearest import find_nearest
from citizen_api.care.packing import CALL_15, REGULATED
from citizen_api.care.place import SourceMention
from citizen_api.care.schemas import FacilityView, FoundView, NearestView
from tests.care.directory_makers import AT, make_directory, make_place, make_question
from tests.care.makers import NOW

MOMENTS = [AT, datetime(2026, 11, 23, 9, tzinfo=UTC), datetime(2030, 5, 1, 12, tzinfo=UTC)]


def dumped(place, opening, lang, **of_the_question):
    """What marshmallow makes of the reference view."""
    view = present.place_view(place, opening, lang)
    return FoundView().dump(view | of_the_question) if of_the_question else FacilityView().dump(view)


def as_schema_gives_it(directory, place, at, lang):
    number = directory.number_of(place.id)
    why = present.why(lang, "nearest", 3)
    call_first = bool(directory.flags([number]) & (CALL_15 | REGULATED))
    ends = [(distance_part(1234567), why_part(why, call_first=False), why_part(why, call_first=True))]
    fast = json.loads(directory.items_json([number], at, lang, ends=ends))
    slow = dumped(
        place, place.opening_at(at), lang, distance_m=1234.567, why=why, call_first="15" if call_first else None
    )
    assert fast == slow
    assert list(fast) == list(FoundView().fields)
    plain = directory.items_json([number], at, lang)
    assert json.loads(plain) == dumped(place, place.opening_at(at), lang)


def test_for_every_place_of_the_sample_the_fast_path_equals_the_schema(database, session, tmp_path):
    sync.run_import(database, stocks.sample_stock(), now=NOW, reports_dir=tmp_path)
    places = list(reading.places(session))
    directory = Directory.of(places, built_at=AT)
    assert len(places) == len(directory) == 2990
    for place in places:
        for lang in ("fr", "en"):
            as_schema_gives_it(directory, place, AT, lang)


texts = st.none() | st.text(max_size=30) | st.sampled_from(['"categories":[', '","opening":{"', "\\", "é €\u2028"])


@settings(max_examples=150, deadline=None)
@given(
    facts=st.fixed_dictionaries(
        {
            "name": texts.filter(bool),
            "street": texts,
            "phone": texts,
            "website": texts,
            "opening_hours_verbatim": texts,
            "opening_hours": st.sampled_from([None, "24/7", "Mo-Fr 09:05-18:00; PH off", 'Sa 10:00-12:00 "été"', "Su"]),
            "wheelchair": st.sampled_from([None, "yes", "limited", "no"]),
            "services": st.sampled_from([(), ("vaccination",)]),
            "accepts_new_patients": st.sampled_from([None, True, False]),
            "payment_sector": st.sampled_from([None, "1", "2-optam"]),
            "third_party_payment": st.sampled_from([None, "full", "no"]),
            "home_visits": st.sampled_from([None, True, False]),
            "languages": st.sampled_from([(), ("fr", "en")]),
            "call_15_first": st.sampled_from([None, True]),
            "categories": st.sampled_from([(), ("pharmacy",), ("emergency_department", "hospital"), ("dentist",)]),
            "sources": st.just(())
            | st.builds(lambda t: (SourceMention("s", t, date(2020, 1, 2)),), st.text(max_size=9)),
        }
    ),
    at=st.sampled_from(MOMENTS),
    lang=st.sampled_from(["fr", "en"]),
)
def test_whatever_a_source_writes_the_fast_path_equals_the_schema(facts, at, lang):
    place = make_place("a", lat=48.86, lon=2.35, **facts)
    as_schema_gives_it(make_directory([place]), place, at, lang)


@pytest.mark.parametrize("wishes", [{}, {"open_at": AT}, {"radius_m": 10.0}, {"categories": ("emergency_department",)}])
def test_the_whole_answer_is_what_its_schema_says(wishes):
    places = [
        make_place("a", lat=48.86, lon=2.35, opening_hours="24/7"),
        make_place("b", lat=48.87, lon=2.35, position_approximate=True),
        replace(make_place("c", lat=48.88, lon=2.35, categories=("hospital",)), call_15_first=True),
    ]
    directory = make_directory(places)
    question = make_question(**wishes)
    answer = find_nearest(directory, question)
    body = json.loads(present.answer_json(directory, answer, cursor="next", at=question.moment, lang="fr"))
    assert NearestView().validate(body) == {}
    assert set(body) - {"hours_unknown", "instead"} == {"notices", "items", "next", "emergency"}
    assert ("hours_unknown" in body) == ("open_at" in wishes)


def test_unknown_is_said_as_unknown():
    place = make_place("a", lat=48.86, lon=2.35, categories=("general_practitioner",))
    view = json.loads(make_directory([place]).items_json([0], AT, "fr"))
    assert view["practice"] == {
        "new_patients": "unknown",
        "sector": "unknown",
        "third_party_payment": "unknown",
        "home_visits": "unknown",
        "languages": None,
    }
    assert (view["wheelchair"], view["services"], view["opening"]["state"]) == ("unknown", None, "unknown")
