"""French texts about opening hours: schedules written in many styles, and any text at all."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from citizen_api.care.hours import parse_hours
from citizen_api.sources.french_hours import join_days, read_hours_of_day, read_hours_of_week
from citizen_api.sources.french_hours_phrases import LONGEST_TEXT_CHARS

PARIS = "75056"
DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
OSM_DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")

# --- Schedules written in several styles are read back exactly ----------------------------------------------

STYLES = ("{}h{:02}", "{:02}:{:02}", "{}H{:02}", "{} h {:02}", "{} heures {:02}")
JOINS = (("-", " / "), (" – ", ", "), (" à ", " et "), (" à ", " - "), ("/", " ; "), ("-", " "))


@st.composite
def days_of_hours(draw):
    """Ascending ranges of a day; sometimes the last crosses midnight."""
    edges = sorted(draw(st.sets(st.integers(1, 1439), min_size=2, max_size=8)))
    ranges = list(zip(edges[::2], edges[1::2], strict=False))
    last = draw(st.integers(1, ranges[0][0]))
    if draw(st.booleans()) and 1440 + last - ranges[-1][0] <= 720:
        ranges[-1] = ranges[-1][0], 1440 + last
    return tuple(ranges)


def write_day(ranges, style, join):
    within, between = join

    def clock(minute):
        return style.format(minute % 1440 // 60, minute % 60)

    return between.join(f"{clock(start)}{within}{clock(end)}" for start, end in ranges)


def write_osm(ranges):
    return ",".join(f"{a // 60:02}:{a % 60:02}-{b % 1440 // 60:02}:{b % 60:02}" for a, b in ranges)


@given(days_of_hours(), st.sampled_from(STYLES), st.sampled_from(JOINS))
def test_a_day_written_in_any_style_is_read_back(ranges, style, join):
    assert read_hours_of_day(write_day(ranges, style, join)) == ranges


@given(
    st.lists(st.none() | st.just(()) | days_of_hours(), min_size=7, max_size=7).filter(any),
    st.sampled_from(STYLES),
    st.sampled_from([("-", " / "), (" à ", " et de "), (" – ", ", ")]),
    st.sampled_from([" : ", " ", " de ", " - "]),
    st.sampled_from(["\n", " ; ", ". ", ", ", " - ", " / "]),
)
def test_a_week_written_day_by_day_is_read_back(week, style, join, before, after):
    sentences = [
        f"{name}{before}{write_day(ranges, style, join)}" if ranges else f"{name} : fermé"
        for name, ranges in zip(DAYS, week, strict=True)
        if ranges is not None
    ]
    expression = read_hours_of_week(after.join(sentences))
    assert expression is not None
    read = {}
    for rule in expression.split("; "):
        names, state = rule.split(" ", 1)
        for run in names.split(","):
            if run != "PH":
                for n in range(OSM_DAYS.index(run[:2]), OSM_DAYS.index(run[-2:]) + 1):
                    read[n] = state
    assert [read[n] for n in range(7)] == [
        "unknown" if ranges is None else write_osm(ranges) or "off" for ranges in week
    ]


@given(st.lists(st.none() | st.just(()) | days_of_hours(), min_size=7, max_size=7))
def test_days_one_by_one_say_what_the_week_says(week):
    texts = {
        name: write_day(ranges, "{}h{:02}", ("-", "/")) or "fermé"
        for name, ranges in zip(DAYS, week, strict=True)
        if ranges is not None
    }
    whole = " ; ".join(f"{name} {text}" for name, text in texts.items())
    assert join_days(texts)[0] == read_hours_of_week(whole)


# --- Any text at all ----------------------------------------------------------------------------------------

# fmt: off
WORDS = [
    "lundi", "mar.", "mercredis", "ven", "dimanche", "week-end", "fériés", "7j/7", "24h/24", "24/7", "tous les jours",
    "en semaine", "9h", "12h30", "14:00", "18", "22h", "2h", "midi", "minuit", "25h", "9h-12h", "14h-18h", "-", "–",
    "/", ",", ";", ":", ".", "|", "(", ")", "et", "à", "au", "du", "de", "le", "les", "entre", "puis", "fermé",
    "ouvert", "sauf", "hors", "compris", "y compris", "sans interruption", "rendez-vous",
]
# fmt: on
SOUP = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join) | st.text(max_size=80)


@given(SOUP)
@example("lundi\x00mardi")
@example("\ud800")
@example("9h-12h٣")
@example("9h-1²h")
def test_any_text_gives_ranges_or_nothing(text):
    ranges = read_hours_of_day(text)
    assert ranges is None or all(0 <= start < end <= start + 1440 for start, end in ranges)


@given(SOUP)
def test_whatever_is_read_of_a_week_the_evaluator_accepts(text):
    expression = read_hours_of_week(text)
    assert expression is None or parse_hours(expression, insee_code=PARIS)


@given(st.dictionaries(st.sampled_from([*DAYS, "lun", "fériés", "?"]), SOUP))
def test_whatever_is_read_of_days_the_evaluator_accepts(texts):
    expression, _ = join_days(texts)
    assert expression is None or parse_hours(expression, insee_code=PARIS)


@given(st.lists(st.sampled_from(WORDS), max_size=12))
def test_capitals_accents_and_blanks_change_nothing(words):
    plain = " ".join(words)
    other = "\N{NO-BREAK SPACE}\n ".join(words).upper().replace("É", "E").replace("À", "A").replace("–", "-")
    assert (read_hours_of_day(plain), read_hours_of_week(plain)) == (
        read_hours_of_day(other),
        read_hours_of_week(other),
    )


def test_a_text_of_the_longest_length_is_read():
    assert read_hours_of_day("9h-12h".ljust(LONGEST_TEXT_CHARS)) == ((540, 720),)


def test_a_longer_text_is_not_read():
    assert read_hours_of_day("9h-12h".ljust(LONGEST_TEXT_CHARS + 1)) is None


@pytest.mark.parametrize("piece", ["9h-12h, ", "lundi et ", "9h", "lundi 9h ", "e", "de ", "- ", "ﷺ", "9", "24h/"])
@pytest.mark.parametrize("length", [LONGEST_TEXT_CHARS, 10_000, 1_000_000])
def test_a_hostile_text_takes_no_time(piece, length):
    text = (piece * length)[:length]
    started = time.process_time()
    read_hours_of_day(text)
    read_hours_of_week(text)
    assert time.process_time() - started < 0.25
