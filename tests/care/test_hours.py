"""Opening hours against an independent wall clock, the library, and the calendars of other authors."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opening_hours import OpeningHours, State

from citizen_api.care.hours import (
    UNKNOWN,
    HoursNotUnderstood,
    Opening,
    parse_hours,
)
from tests.care.hours_makers import AJACCIO, LYON, PARIS, STRASBOURG, make_opening, make_state, make_until

DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
MINUTE = timedelta(minutes=1)

# A window of a day and a half around what may go wrong there, each beginning at a UTC midnight.
CLOCKS = [
    pytest.param(PARIS, datetime(2026, 3, 28, 12, tzinfo=UTC), id="Paris, the hour skipped"),
    pytest.param(PARIS, datetime(2026, 10, 24, 12, tzinfo=UTC), id="Paris, the hour repeated"),
    pytest.param("97502", datetime(2026, 3, 7, 18, tzinfo=UTC), id="Saint-Pierre, the hour skipped"),
    pytest.param("97502", datetime(2026, 10, 31, 18, tzinfo=UTC), id="Saint-Pierre, the hour repeated"),
    pytest.param("97411", datetime(2026, 10, 24, 12, tzinfo=UTC), id="La Réunion"),
    pytest.param("97302", datetime(2026, 10, 24, 12, tzinfo=UTC), id="Cayenne"),
    pytest.param("98818", datetime(2026, 12, 31, 6, tzinfo=UTC), id="Nouméa, New Year"),
    pytest.param("98731", datetime(2026, 2, 28, 6, tzinfo=UTC), id="Nuku-Hiva, half an hour off"),
]


# --- An independent oracle: what the wall clock shows, minute by minute -------------------------------------


@st.composite
def weeks(draw):
    """Spans of each weekday, in minutes from its midnight; some end on the next day."""
    week = {}
    for day in range(7):
        starts = draw(st.lists(st.integers(0, 1439), max_size=2, unique=True))
        week[day] = [(start, start + draw(st.integers(1, 1440))) for start in starts]
    return week


def write_week(week) -> str:
    def clock(minute):
        return f"{minute // 60:02}:{minute % 60:02}"

    rules = [
        f"{DAYS[day]} " + ",".join(f"{clock(start)}-{clock(end)}" for start, end in spans)
        for day, spans in week.items()
        if spans
    ]
    return "; ".join(rules) or "24/7 off"


def is_open_by_the_wall(week, wall) -> bool:
    minute = wall.hour * 60 + wall.minute
    today, eve = week[wall.weekday()], week[(wall.weekday() - 1) % 7]
    return any(start <= minute < end for start, end in today) or any(start <= minute + 1440 < end for start, end in eve)


@pytest.mark.parametrize(("insee_code", "start"), CLOCKS)
@settings(max_examples=12, deadline=None)
@given(week=weeks())
@example(week={day: [(22 * 60, 30 * 60)] for day in range(7)})
@example(week={day: [(60, 150)] for day in range(7)})
@example(week={day: [(135, 165)] for day in range(7)})
@example(week={day: [(150, 240), (0, 20)] for day in range(7)})
@example(week={day: [(0, 1440)] if day < 6 else [] for day in range(7)})
def test_state_and_until_are_those_of_the_wall_clock_minute_by_minute(insee_code, start, week):
    hours = parse_hours(write_week(week), insee_code=insee_code)
    instants = [start + n * MINUTE for n in range(36 * 60)]
    expected = [is_open_by_the_wall(week, at.astimezone(hours.zone)) for at in instants]
    changes = [n for n in range(1, len(expected)) if expected[n] != expected[n - 1]]
    upcoming = changes[::-1]
    for n, (at, is_open) in enumerate(zip(instants, expected, strict=True)):
        while upcoming and upcoming[-1] <= n:
            upcoming.pop()
        answer = hours.at(at)
        assert answer.state == ("open" if is_open else "closed"), at
        if upcoming:
            assert answer.until is not None
            assert answer.until.astimezone(UTC) == instants[upcoming[-1]], at
        elif answer.until is not None:
            assert answer.until.astimezone(UTC) > instants[-1], at


VARIED = [
    "Mo-Fr 09:00-12:30,14:00-19:30; Sa 09:00-13:00; PH off",
    "24/7; PH 10:00-12:00",
    "Mo-Sa 20:00-08:00; PH,SH off",
    "SH Mo-Fr 09:00-12:00",
    "Mo-Fr,SH 09:00-12:00; PH -1 day 09:00-10:00",
    "Jul-Aug Mo-Su 10:00-20:00; Sep-Jun Sa-Su 14:00-26:00",
    "week 1-53/2 Mo 09:00-18:00; Sa[1] 22:00-04:00; easter off",
    "Mo 09:00-12:00 || Tu unknown",
    "sunrise-sunset; SH off",
    "Mo-Fr 17:00+ || 02:30-02:45",
    "Oct Su[-1] 00:30-02:20; Mar Su[-1] 02:10-03:20",
    "2027 Dec 24 20:00-30:00",
]
CODES = [PARIS, LYON, STRASBOURG, AJACCIO, "97209", "97502", "98735"]
INSTANTS = st.integers(0, 1248 * 86400).map(lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s))
CHANGES = [datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)]
CHANGES += [datetime(2027, 3, 28, 1, tzinfo=UTC), datetime(2027, 10, 31, 1, tzinfo=UTC)]
NEAR_CHANGES = st.builds(
    lambda change, shift: change + timedelta(seconds=shift),
    st.sampled_from(CHANGES),
    st.integers(-2 * 86400, 2 * 86400),
)


@settings(max_examples=300, deadline=None)
@given(
    expression=st.sampled_from(VARIED),
    insee_code=st.sampled_from(CODES),
    at=st.one_of(INSTANTS, NEAR_CHANGES),
    parts=st.lists(st.floats(0, 1, exclude_max=True), min_size=8, max_size=8),
)
def test_the_state_holds_until_the_instant_given_and_changes_there(expression, insee_code, at, parts):
    hours = parse_hours(expression, insee_code=insee_code, lat=48.85, lon=2.35)
    answer = hours.at(at)
    if answer.until is None:
        return
    until = answer.until.astimezone(UTC)
    assert until > at
    assert hours.at(until).state != answer.state
    for part in (*parts, 1 - 1e-9):
        between = min(at + (until - at) * part, until - timedelta(microseconds=1))
        assert hours.at(between).state == answer.state


@settings(max_examples=100, deadline=None)
@given(
    expression=st.sampled_from(VARIED),
    insee_code=st.sampled_from(CODES),
    at=st.one_of(INSTANTS, NEAR_CHANGES),
    offset=st.integers(-14 * 60, 14 * 60),
)
def test_the_answer_does_not_depend_on_the_zone_in_which_one_asks(expression, insee_code, at, offset):
    hours = parse_hours(expression, insee_code=insee_code, lat=48.85, lon=2.35)
    elsewhere = at.astimezone(timezone(timedelta(minutes=offset)))
    assert hours.at(at) == hours.at(elsewhere) == hours.at(at.astimezone(hours.zone))
    assert hours.state_at(elsewhere) == hours.at(at).state


# --- The library as an oracle, where its reading is not in question -----------------------------------------

SELECTORS = [
    "",
    "Mo-Fr",
    "Sa,Su",
    "Fr-Mo",
    "We",
    "Jul-Aug",
    "Dec 20-Jan 05 Mo",
    "week 10-20 Tu-Th",
    "Mo[1],We",
]
SELECTORS += ["Sa[-1]", "2027", "easter", "Oct Su[2]"]
TIMES = ["", "09:00-12:00", "14:00-18:30", "08:00-20:00", "00:00-24:00", "10:00-11:00,16:00-17:00"]
RULES = st.tuples(st.sampled_from(SELECTORS), st.sampled_from(TIMES), st.sampled_from(["", "off", "unknown"])).map(
    lambda parts: " ".join(part for part in parts if part) or "24/7"
)


@settings(max_examples=300, deadline=None)
@given(
    rules=st.lists(RULES, min_size=1, max_size=4),
    instants=st.lists(INSTANTS, min_size=10, max_size=10),
)
def test_rules_within_a_day_win_over_each_other_as_in_the_library(rules, instants):
    expression = "; ".join(rules)
    hours = parse_hours(expression, insee_code="97411")  # no clock change there
    library = OpeningHours(expression, auto_country=False, auto_timezone=False)
    names = {State.OPEN: "open", State.CLOSED: "closed", State.UNKNOWN: "unknown"}
    for at in instants:
        wall = at.astimezone(hours.zone).replace(tzinfo=None)
        assert hours.at(at).state == names[library.state(wall)[0]], wall


@settings(max_examples=300, deadline=None)
@given(expression=st.text(max_size=40))
@example(expression="\ud800")
@example(expression="\0")
@example(expression='"')
def test_any_text_is_read_or_not_understood(expression):
    try:
        hours = parse_hours(expression, insee_code=PARIS)
    except HoursNotUnderstood:
        return
    hours.at(datetime(2026, 11, 23, 10, tzinfo=UTC))


WORDS = "Mo Tu-We , ; || PH SH Jan 2026 week easter - + / 10:00 -12:00 26:00 off open unknown 24/7 [1]"
WORDS += ' sunset ( ) : "sur rdv" 31 +1 days day 9999 00:00-24:00 mo " '


@settings(max_examples=600, deadline=None)
@given(words=st.lists(st.sampled_from(WORDS.split()), max_size=12), glue=st.sampled_from(["", " "]))
@example(words=["Jan", "01", "+999999999999", "days", "off"], glue=" ")
@example(words=["1900-9999/1", "easter", "-9999", "days", "off"], glue=" ")
def test_any_words_of_the_syntax_are_read_or_not_understood(words, glue):
    try:
        hours = parse_hours(glue.join(words), insee_code=STRASBOURG, lat=48.6, lon=7.7)
    except HoursNotUnderstood:
        return
    for at in (datetime(2026, 4, 3, 10, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)):
        hours.at(at)


# --- Midnight, clock changes, no change ---------------------------------------------------------------------


def test_what_is_open_by_the_wall_clock_is_open_both_times_the_hour_comes():
    answers = [
        make_opening("01:00-02:30", datetime(2026, 10, 25, 0, minute, tzinfo=UTC) + timedelta(hours=hour))
        for hour in (0, 1)
        for minute in (15, 45)
    ]
    assert [answer.state for answer in answers] == ["open", "closed", "open", "closed"]
    assert [answer.until.isoformat(timespec="minutes") for answer in answers] == [
        "2026-10-25T02:30+02:00",
        "2026-10-25T02:00+01:00",
        "2026-10-25T02:30+01:00",
        "2026-10-26T01:00+01:00",
    ]


@pytest.mark.parametrize(
    ("expression", "state", "until"),
    [
        ("01:00-02:30", "open", "2026-03-29T03:00+02:00"),
        ("02:30-04:00", "closed", "2026-03-29T03:00+02:00"),
        ("02:15-02:45", "closed", "2026-03-30T02:15+02:00"),
        ("22:00-06:00", "open", "2026-03-29T06:00+02:00"),
    ],
)
def test_what_falls_in_the_hour_skipped_in_spring_happens_when_the_clock_jumps(expression, state, until):
    answer = make_opening(expression, "2026-03-29T00:50:00+00:00")
    assert (answer.state, answer.until.isoformat(timespec="minutes")) == (state, until)


def test_always_open_has_no_end():
    assert make_opening("24/7", "2026-10-25 02:30") == Opening("open", None, "")


def test_always_closed_has_no_end_either():
    assert make_opening("24/7 off", "2026-10-25 02:30") == Opening("closed", None, "")


def test_a_change_years_away_is_not_announced():
    assert make_opening("2099 Mo 10:00-11:00", "2026-11-23 10:30") == Opening("closed", None, "")


def test_the_night_of_thursday_is_not_cut_by_the_rule_of_friday():
    assert make_until("Mo-Th 18:00-02:00; Fr-Sa 18:00-04:00", "2026-11-27 01:00") == "2026-11-27T02:00+01:00"


def test_nothing_spills_out_of_a_day_off():
    assert make_until("Mo-Su 18:00-02:00; We off", "2026-11-26 01:00") == "2026-11-26T18:00+01:00"
    assert make_state("Mo-Su 18:00-02:00; We off", "2026-11-26 01:00") == "closed"


def test_hours_named_as_closed_do_cut_the_night():
    assert make_state("Mo-Su 18:00-04:00; Th 00:00-03:00 off", "2026-11-26 01:00") == "closed"
    assert make_state("Mo-Su 18:00-04:00; Th 00:00-03:00 off", "2026-11-26 03:30") == "open"


def test_of_two_rules_that_name_the_time_the_later_one_wins_across_midnight_too():
    assert make_state("00:00-24:00; We 22:00-02:00 off", "2026-11-26 01:00") == "closed"
    assert make_state("We 22:00-02:00 off; Th 00:00-24:00", "2026-11-26 01:00") == "open"


def test_the_next_opening_may_be_a_week_or_months_away():
    assert make_until("Mo 10:00-11:00", "2026-11-23 12:00") == "2026-11-30T10:00+01:00"
    assert make_until("PH Sa 10:00-12:00", "2026-12-28 10:00") == "2027-05-01T10:00+02:00"
    assert make_until("24/7; PH off", "2026-12-28 10:00", "98735") == "2027-01-01T00:00-10:00"


def test_seconds_before_opening_it_is_closed():
    at = datetime(2026, 11, 23, 7, 59, 59, 999999, tzinfo=UTC)
    assert make_opening("09:00-12:00", at).state == "closed"
    assert make_opening("09:00-12:00", at + timedelta(microseconds=1)).state == "open"


@pytest.mark.parametrize("year", [1, 1850, 9999])
def test_a_year_without_meaning_is_unknown(year):
    at = datetime(year, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12)))
    assert make_opening("24/7", at) == UNKNOWN


def test_an_instant_without_offset_is_refused():
    with pytest.raises(ValueError, match="offset"):
        parse_hours("24/7", insee_code=PARIS).at(datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test


# --- What the words mean ------------------------------------------------------------------------------------


def test_a_comment_alone_is_unknown_and_kept():
    assert make_opening('"sur rendez-vous; PH, SH"', "2026-11-23 10:00") == Opening(
        "unknown", None, "sur rendez-vous; PH, SH"
    )


def test_a_comment_beside_open_is_open():
    answer = make_opening('Mo-Fr 09:00-12:00 open "sur rendez-vous"; Sa off "congés"', "2026-11-23 10:00")
    assert (answer.state, answer.comment) == ("open", "sur rendez-vous")


def test_a_day_off_says_why():
    assert make_opening('Mo-Su 09:00-12:00; Mo off "congés"', "2026-11-23 10:00").comment == "congés"


def test_a_change_of_comment_is_no_change_of_state():
    expression = 'Mo-Fr 09:00-12:00 open "vaccins", Mo-Fr 12:00-14:00 open "urgences"'
    assert make_until(expression, "2026-11-23 10:00") == "2026-11-23T14:00+01:00"


def test_unknown_in_the_expression_is_unknown():
    assert make_opening('Mo unknown "selon affluence"', "2026-11-23 10:00").state == "unknown"


def test_an_open_end_is_unknown_once_it_begins():
    assert make_until("17:00-19:00+", "2026-11-23 18:00") == "2026-11-23T19:00+01:00"
    assert make_state("17:00-19:00+", "2026-11-23 20:00") == "unknown"
    assert make_state("17:00+", "2026-11-23 17:30") == "unknown"
    assert make_state("12:00+", "2026-11-24 00:30") == "closed"


def test_a_fallback_speaks_where_the_others_are_silent():
    expression = 'Mo 09:00-12:00,22:00-02:00 || "urgences"'
    states = [make_state(expression, f"2026-11-{at}") for at in ("23 10:00", "23 13:00", "24 01:00", "24 03:00")]
    assert states == ["open", "unknown", "open", "unknown"]


def test_a_list_of_days_may_hold_spaces():
    for expression in ("Mo, We 10:00-12:00", "mo , we 10:00-12:00", " Mo,We  10:00-12:00 ; "):
        assert make_state(expression, "2026-11-23 13:00") == "closed"
        assert make_state(expression, "2026-11-25 11:00") == "open"
    assert make_state("Mo-Fr 09:00-12:00; PH, SH off", "2026-12-25 10:00") == "closed"


def test_hours_that_follow_the_sun_follow_it_where_the_place_is():
    assert make_until("sunrise-sunset", "2026-01-05 12:00", lat=48.85, lon=2.35) == "2026-01-05T17:08+01:00"
    noumea = make_until("(sunrise+01:00)-sunset", "2026-07-05 12:00", "98818", lat=-22.27, lon=166.44)
    assert noumea == "2026-07-05T17:22+11:00"


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "9h-12h / 14h-18h",
        "non précisé",
        "Mo-Fr 25:00-99:00",
        "Mo-Fr 09:00-12:00 PH",
        "Mo-Fr SH 09:00-12:00",
        "Jul, Aug off",
        "10:00-16:00/01:30",
        "sunrise-sunset",
        "Jan 01 +99999 days off",
        "Mo 10:00-11:00; " * 100,
    ],
)
def test_what_cannot_be_read_with_certainty_is_not_understood(expression):
    with pytest.raises(HoursNotUnderstood):
        parse_hours(expression, insee_code=PARIS)


@pytest.mark.parametrize("insee_code", ["", "Paris", "98411", "98901", "99100", "7505", "2C001"])
def test_a_place_whose_clock_is_not_known_has_hours_not_understood(insee_code):
    with pytest.raises(HoursNotUnderstood):
        parse_hours("24/7", insee_code=insee_code)
