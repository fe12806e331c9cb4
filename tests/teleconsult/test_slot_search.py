"""Which slots are found, by either plan, in which order, on both databases."""

import random
from datetime import timedelta

import pytest
from sqlalchemy import event, text, update

from citizen_api.core.geo import distance_m
from citizen_api.sources.slot_records import MODALITIES
from citizen_api.teleconsult import slot_search
from citizen_api.teleconsult.feed_rules import freshness
from citizen_api.teleconsult.models import Service
from citizen_api.teleconsult.slot_first import refresh_first_starts
from citizen_api.teleconsult.slot_rules import OF_ONE_CALENDAR, Candidate, Question, lanes, standing
from citizen_api.teleconsult.slot_search import find, find_with_hidden, specialties_of
from tests.conftest import SUNDAY_NIGHT
from tests.teleconsult.slot_makers import make_feed, make_provider, make_schedule, make_slot

NOW_S = int(SUNDAY_NIGHT.timestamp())
DAY_S = 86_400
PARIS = {"lat": 48.8573751, "lon": 2.3524425}
IN_PARIS = (48.8573751, 2.3524425)
NINE = SUNDAY_NIGHT + timedelta(hours=10, minutes=20)


@pytest.fixture(params=["by bound", "walking"])
def plan(request, monkeypatch):
    """Both plans: by what is known of each calendar's first slot, and by a walk, slot by slot, if nothing is."""
    if request.param == "walking":
        monkeypatch.setattr(slot_search, "PAGE", 1)
        monkeypatch.setattr(slot_search, "FEW_UNTOLD", 0)
        monkeypatch.setattr(slot_search, "STEP", 2)
    return request.param


@pytest.fixture
def feed(session):
    return make_feed(session, make_provider(session))


@pytest.fixture
def calendar(session, feed, request):
    """Make a calendar with a slot at each of some starts."""
    told = "plan" not in request.fixturenames or request.getfixturevalue("plan") != "walking"

    def run(source_id, *starts, feed=feed, **changed):
        schedule = make_schedule(session, feed, source_id, **changed)
        for start in starts or (NINE,):
            make_slot(session, schedule, start)
        if told:
            refresh_first_starts(session, feed.id)
        return schedule

    return run


@pytest.fixture
def search(session, settings):
    """Names of the calendars of the slots found, in their order."""

    def run(**asked):
        question = Question(**{"starts_s": NOW_S, "ends_s": NOW_S + 7 * DAY_S} | asked)
        return [offer.schedule.source_id for offer in find(session, question, SUNDAY_NIGHT, settings)]

    return run


@pytest.mark.usefixtures("plan")
class TestEitherPlan:
    """What holds whichever way the slots are looked for."""

    def test_the_soonest_slots_are_found_first(self, calendar, search):
        calendar("later", NINE + timedelta(minutes=15))
        calendar("sooner")
        assert search() == ["sooner", "later"]

    def test_at_the_same_moment_the_order_is_that_of_the_calendars(self, calendar, search):
        calendar("one")
        calendar("other")
        assert search() == ["one", "other"]

    def test_a_window_holds_its_start_and_not_its_end(self, calendar, search):
        calendar("before", NINE - timedelta(seconds=1))
        calendar("start")
        calendar("end", NINE + timedelta(hours=1))
        starts_s = int(NINE.timestamp())
        assert search(starts_s=starts_s, ends_s=starts_s + 3_600) == ["start"]

    def test_of_one_calendar_no_more_than_three_slots_are_found_and_the_first_ones(self, calendar, search):
        calendar("full", *(NINE + timedelta(minutes=15 * number) for number in range(5)))
        calendar("other", NINE + timedelta(hours=9))
        assert search() == ["full", "full", "full", "other"]

    def test_many_slots_of_a_calendar_at_one_moment_are_three_too(self, session, calendar, search):
        full = calendar("full")
        calendar("other", NINE + timedelta(hours=1))
        for number in range(200):
            make_slot(session, full, NINE, source_id=f"chair-{number}")
        assert search() == ["full", "full", "full", "other"]

    def test_no_more_are_found_than_asked_for(self, calendar, search):
        for name in "abc":
            calendar(name)
        assert search(limit=2) == ["a", "b"]

    def test_a_specialty_is_asked_for_by_its_code(self, calendar, search):
        calendar("heart", specialties=("cardiology",))
        calendar("skin", specialties=("dermatology",))
        assert search(specialty="dermatology") == ["skin"]

    def test_a_calendar_of_two_specialties_is_found_once(self, calendar, search):
        calendar("both", specialties=("cardiology", "dermatology"))
        assert search() == ["both"]

    def test_what_nobody_could_name_is_found_by_who_asks_for_no_specialty(self, calendar, search):
        calendar("other", specialties=("other",))
        assert search() == ["other"]

    def test_only_the_modalities_asked_for_are_found(self, calendar, search):
        calendar("video")
        calendar("booth", modality="assisted")
        assert search(modalities=("assisted",)) == ["booth"]

    def test_a_language_is_found_where_it_is_spoken_and_not_where_nobody_says(self, calendar, search, session):
        silent = make_feed(session, make_provider(session, "silent", languages=[]), "silent")
        calendar("unknown", feed=silent)
        calendar("french", languages=["fr"])
        calendar("both", languages=["fr", "en"])
        assert search(language="en") == ["both"]

    @pytest.mark.parametrize("language", ["%", "__", "f", "r"])
    def test_a_language_is_no_pattern(self, calendar, search, language):
        calendar("french", languages=["fr", "en"])
        assert search(language=language) == []

    def test_sector_and_third_party_are_asked_for_by_what_is_known(self, calendar, search):
        calendar("unknown", sector="1")
        calendar("ahead", sector="1", third_party=False)
        calendar("other", sector="2", third_party=True)
        calendar("fits", sector="1", third_party=True)
        assert search(sectors=("1",), third_party=True) == ["fits"]

    def test_slots_for_everybody_are_for_children_too(self, calendar, search):
        calendar("everybody")
        calendar("adults", audience="adults")
        calendar("children", audience="children")
        assert search(audience="children") == ["everybody", "children"]

    def test_slots_of_a_retired_provider_are_not_found(self, calendar, search, session):
        retired = make_feed(session, make_provider(session, "retired", retired_at=SUNDAY_NIGHT), "retired")
        calendar("retired", feed=retired)
        calendar("kept")
        assert search() == ["kept"]

    def test_slots_that_an_aggregator_has_not_read_for_too_long_are_not_found(self, calendar, search):
        calendar("old", synced_at=SUNDAY_NIGHT - timedelta(hours=7))
        calendar("read", synced_at=SUNDAY_NIGHT - timedelta(hours=1))
        assert search(limit=1) == ["read"]

    @pytest.mark.parametrize("age_s", [21_599.0, 21_600.0, 21_600.9, 21_601.0, 30_000.0])
    def test_a_feed_is_left_out_when_the_rule_about_its_age_hides_it(self, calendar, search, session, settings, age_s):
        checked_at = SUNDAY_NIGHT - timedelta(seconds=age_s)
        calendar("aged", feed=make_feed(session, make_provider(session, "aged"), "aged", checked_at=checked_at))
        said = freshness(
            checked_at,
            None,
            SUNDAY_NIGHT,
            stale_s=settings.teleconsult_stale_s,
            hidden_s=settings.teleconsult_hidden_s,
            gone_rate=None,
        )
        assert search() == ([] if said.state == "hidden" else ["aged"])

    def test_a_feed_that_was_never_confirmed_is_left_out(self, calendar, search, session):
        calendar("never", feed=make_feed(session, make_provider(session, "never"), "never", checked_at=None))
        assert search() == []

    def test_who_offers_appointments_elsewhere_only_is_left_out(self, calendar, search, session):
        for name, kind, code in (("hérault", "departement", "34"), ("paris", "departement", "75")):
            provider = make_provider(session, name, territory_kind=kind, territory_code=code)
            calendar(name, feed=make_feed(session, provider, name))
        calendar("country")
        here = frozenset({("departement", "75"), ("commune", "75104")})
        assert search(territories=here) == ["paris", "country"]

    def test_with_a_place_video_counts_from_everywhere_and_the_rest_within_the_radius(self, calendar, search):
        calendar("video", at=(43.6, 3.88))
        calendar("near", modality="practice", at=(48.86, 2.36))
        calendar("far", modality="practice", at=(49.5, 2.36))
        calendar("nowhere", modality="practice")
        assert search(**PARIS) == ["near", "video"]

    def test_in_a_short_commune_remote_slots_stand_first_within_the_day(self, calendar, search):
        calendar("practice", modality="practice", at=IN_PARIS)
        calendar("booth", NINE + timedelta(hours=6), modality="assisted", at=IN_PARIS)
        calendar("tomorrow", NINE + timedelta(days=1))
        assert search(**PARIS, remote_first=True) == ["booth", "practice", "tomorrow"]

    def test_on_a_weak_network_video_stands_after_all_others(self, calendar, search):
        calendar("video")
        calendar("practice", NINE + timedelta(hours=6), modality="practice")
        calendar("tomorrow", NINE + timedelta(days=1), modality="practice")
        assert search(weak_network=True) == ["practice", "tomorrow", "video"]


def test_at_the_same_moment_the_nearest_stands_first(calendar, search):
    calendar("far", modality="practice", at=(48.90, 2.36))
    calendar("near", modality="practice", at=(48.86, 2.36))
    assert search(**PARIS) == ["near", "far"]


def test_by_distance_calendars_stand_by_their_distance_and_video_after_them(calendar, search):
    calendar("video", NINE - timedelta(hours=1))
    calendar("far", modality="practice", at=(48.95, 2.36))
    calendar("near", NINE + timedelta(hours=6), NINE + timedelta(hours=7), modality="practice", at=(48.86, 2.36))
    assert search(**PARIS, order="nearest") == ["near", "near", "far", "video"]


def test_the_radius_is_exact_not_a_box(calendar, search):
    corner = (IN_PARIS[0] + 0.085, IN_PARIS[1] + 0.13)
    beyond_m = distance_m(lat=IN_PARIS[0], lon=IN_PARIS[1], to_lat=corner[0], to_lon=corner[1])
    calendar("corner", modality="practice", at=corner)
    assert search(**PARIS, within_m=beyond_m - 1) == []
    assert search(**PARIS, within_m=beyond_m + 1) == ["corner"]


def test_near_the_antimeridian_both_sides_are_near(calendar, search):
    calendar("east", modality="practice", at=(-14.3, 179.95))
    assert search(lat=-14.3, lon=-179.95) == ["east"]
    assert search(lat=-14.3, lon=179.99) == ["east"]


def test_aggregated_calendars_that_are_too_old_do_not_take_the_place_of_others(calendar, search):
    for number in range(6):
        calendar(f"old-{number}", synced_at=SUNDAY_NIGHT - timedelta(days=1))
    calendar("read", NINE + timedelta(hours=1))
    assert search(limit=1) == ["read"]


def test_publishers_left_out_for_their_age_are_counted_if_they_fit(calendar, session, settings):
    for name, specialty in (("old", "cardiology"), ("older", "cardiology"), ("else", "dermatology")):
        provider = make_provider(session, name)
        feed = make_feed(session, provider, name, checked_at=SUNDAY_NIGHT - timedelta(days=1))
        calendar(name, feed=feed, specialties=(specialty,))
    question = Question(starts_s=NOW_S, ends_s=NOW_S + DAY_S, specialty="cardiology")
    assert find_with_hidden(session, question, SUNDAY_NIGHT, settings).hidden == 2


def test_a_publisher_far_away_is_not_counted_as_left_out(calendar, session, settings):
    for name, place in (("far", (43.6, 3.88)), ("near", IN_PARIS)):
        feed = make_feed(session, make_provider(session, name), name, checked_at=SUNDAY_NIGHT - timedelta(days=1))
        calendar(name, feed=feed, modality="practice", at=place)
    question = Question(starts_s=NOW_S, ends_s=NOW_S + DAY_S, **PARIS)
    assert find_with_hidden(session, question, SUNDAY_NIGHT, settings).hidden == 1


def test_what_calendars_are_for_is_told_in_our_order(calendar, session, settings):
    schedule = calendar("both", specialties=("dermatology", "general-practice"))
    calendar("noise", specialties=("cardiology",))
    question = Question(starts_s=NOW_S, ends_s=NOW_S + DAY_S, specialty="dermatology")
    offers = find(session, question, SUNDAY_NIGHT, settings)
    assert specialties_of(session, offers) == {schedule.id: ["general-practice", "dermatology"]}


def make_many(session, feed, rng):
    """Make calendars and slots at random, many of them at the same moments."""
    kept = []
    for number in range(40):
        modality = rng.choice(MODALITIES)
        at = None if modality == "video" else (48.86 + rng.gauss(0, 0.1), 2.35 + rng.gauss(0, 0.15))
        specialties = tuple(rng.sample(["general-practice", "cardiology", "dermatology"], rng.choice([1, 1, 2])))
        schedule = make_schedule(session, feed, str(number), modality=modality, at=at, specialties=specialties)
        for turn in range(rng.randrange(6)):
            start = NINE + timedelta(days=rng.randrange(3), minutes=30 * rng.randrange(4))
            slot = make_slot(session, schedule, start, source_id=f"{number}-{turn}")
            kept.append((slot, schedule, at, specialties))
    return kept


def by_hand(kept, question):
    """The same by looking at every slot."""
    by_modality = {modality: lane for lane in lanes(question) for modality in lane.modalities}
    fitting = []
    for slot, schedule, at, specialties in kept:
        if question.specialty not in (None, *specialties) or schedule.modality not in by_modality:
            continue
        if not question.starts_s <= slot.start_s < question.ends_s:
            continue
        lane = by_modality[schedule.modality]
        away_m = float("inf")
        if lane.local:
            away_m = distance_m(lat=question.lat, lon=question.lon, to_lat=at[0], to_lon=at[1])
            if away_m > question.within_m:
                continue
        candidate = Candidate(slot.feed_id, slot.key, schedule.id, slot.start_s, away_m)
        fitting.append((standing(candidate, lane, question), candidate))
    found, counts = [], {}
    for _, candidate in sorted(fitting):
        counts[candidate.schedule_id] = counts.get(candidate.schedule_id, 0) + 1
        if counts[candidate.schedule_id] <= OF_ONE_CALENDAR:
            found.append((candidate.feed_id, candidate.key))
    return found[: question.limit]


def make_bounds_lower(session, schedules, rng):
    """Have some bounds earlier than need be, as they are when slots have gone, and some not said at all."""
    for schedule in schedules:
        earlier_s = rng.choice([0, 3_600, DAY_S, None])
        lower = 0 if earlier_s is None else Service.first_start_s - earlier_s
        session.execute(update(Service).where(Service.schedule_id == schedule.id).values(first_start_s=lower))


@pytest.mark.parametrize("bounds", ["near", "lower", "unsaid"])
@pytest.mark.parametrize("sizes", [{}, {"PAGE": 3, "FEW_UNTOLD": 1, "STEP": 4, "STEPS": 3}, {"PAGE": 1, "STEP": 20}])
def test_all_plans_find_what_looking_at_every_slot_finds(session, feed, settings, monkeypatch, bounds, sizes):
    rng = random.Random(5)
    kept = make_many(session, feed, rng)
    if bounds != "unsaid":
        refresh_first_starts(session, feed.id)
    if bounds == "lower":
        make_bounds_lower(session, {schedule for _, schedule, _, _ in kept}, rng)
    for name, value in sizes.items():
        monkeypatch.setattr(slot_search, name, value)
    for _ in range(40):
        place = rng.choice([{}, PARIS])
        starts_s = NOW_S + rng.choice([0, 0, DAY_S + 38_000])
        question = Question(
            starts_s=starts_s,
            ends_s=starts_s + rng.choice([1, 2, 7]) * DAY_S,
            **place,
            specialty=rng.choice([None, "cardiology"]),
            modalities=rng.choice([MODALITIES, ("video",), ("practice", "assisted")]),
            within_m=rng.choice([3_000.0, 15_000.0, 100_000.0]),
            order=rng.choice(["soonest", "nearest"]) if place else "soonest",
            remote_first=rng.random() < 0.3,
            weak_network=rng.random() < 0.3,
            limit=rng.choice([1, 5, 20, 50]),
        )
        found = find(session, question, SUNDAY_NIGHT, settings)
        assert [(offer.slot.feed_id, offer.slot.key) for offer in found] == by_hand(kept, question), question


def plans(session, question, settings):
    """How the database looks for what a question asks: (statement, plan) each."""
    seen = []

    def remember(_connection, _cursor, statement, parameters, *_):
        seen.append((statement, parameters))

    connection = session.connection()
    sqlite = session.get_bind().dialect.name == "sqlite"
    if not sqlite:
        # Of a table that is nearly empty everything is read, whatever its indexes.
        session.execute(text("SET LOCAL enable_seqscan = off"))
    event.listen(connection, "before_cursor_execute", remember)
    find_with_hidden(session, question, SUNDAY_NIGHT, settings)
    event.remove(connection, "before_cursor_execute", remember)
    explain = "EXPLAIN QUERY PLAN" if sqlite else "EXPLAIN"
    for statement, parameters in seen:
        rows = connection.exec_driver_sql(f"{explain} {statement}", parameters)
        yield statement, "\n".join(str(row[-1]) for row in rows)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"specialty": "cardiology"},
        PARIS,
        {**PARIS, "specialty": "cardiology"},
        {**PARIS, "order": "nearest"},
        {"language": "en", "sectors": ("1",), "third_party": True},
    ],
    ids=str,
)
@pytest.mark.usefixtures("plan")
def test_an_index_serves_each_question(calendar, session, settings, asked):
    calendar("a", modality="practice", at=IN_PARIS)
    calendar("b")
    calendar("c", feed=make_feed(session, make_provider(session, "old"), "old", checked_at=None))
    question = Question(starts_s=NOW_S, ends_s=NOW_S + DAY_S, **asked)
    for statement, plan in plans(session, question, settings):
        for table in ("teleconsult_slot", "teleconsult_service", "teleconsult_schedule", "teleconsult_place"):
            assert f"SCAN {table}" not in plan, (statement, plan)
            assert f"Seq Scan on {table}" not in plan, (statement, plan)
