"""Nothing is told of a few handoffs, and nothing from which it could be derived."""

from collections import defaultdict
from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.teleconsult.insight_rules import (
    LEAST,
    Counts,
    Shown,
    is_total_shown,
    shown_commune,
    shown_total,
    week_name,
    weeks_asked,
)

THIS_WEEK = date(2026, 11, 23)
LAST_WEEK = date(2026, 11, 16)


def make_counts(made=0, opened=0, gone=0, booked=0) -> Counts:
    return Counts(made, opened, gone, booked)


def published(parts: tuple[int, ...]) -> tuple:
    """All that is published of the counts of a département: of each commune, and in total."""
    counts = [make_counts(part) for part in parts]
    total = shown_total(counts)
    return *(shown.made if (shown := shown_commune(one)) else None for one in counts), total and total.made


def test_a_count_of_eleven_is_shown_and_one_of_ten_is_not():
    assert shown_commune(make_counts(11)) == Shown(11, None, None)
    assert shown_commune(make_counts(10)) is None


def test_rates_are_rounded_shares_of_those_who_arrived_and_of_those_who_were_sent_on():
    assert shown_commune(make_counts(made=40, opened=29, gone=7, booked=19)) == Shown(40, 0.19, 0.66)


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        (make_counts(made=40, opened=10, gone=0, booked=5), Shown(40, None, None)),
        (make_counts(made=40, opened=10, gone=1, booked=5), Shown(40, 0.09, None)),
        (make_counts(made=40, opened=11, gone=0, booked=0), Shown(40, 0.0, 0.0)),
    ],
)
def test_a_rate_on_fewer_than_eleven_is_not_shown_beside_a_count_that_is(counts, shown):
    assert shown_commune(counts) == shown


@pytest.mark.parametrize(
    ("parts", "is_shown"),
    [
        ([], False),
        ([0, 0], False),
        ([11], True),
        ([11, 0], True),
        ([40, 30], True),
        ([40, 10], False),
        ([40, 5, 5], False),
        ([40, 5, 6], True),
        ([40, 10, 10], False),
        ([40, 9, 10], True),
        ([10, 10, 10], False),
        ([1] * 11, False),
        ([1] * 10 + [2], True),
    ],
)
def test_a_total_is_shown_only_where_its_hidden_parts_stay_hidden(parts, is_shown):
    assert is_total_shown(parts) == is_shown


def test_a_total_of_rates_is_hidden_where_one_part_would_stand_alone():
    many = make_counts(made=40, opened=30, gone=10, booked=20)
    few = make_counts(made=40, opened=4, gone=3, booked=1)
    assert shown_total([many, many]) == Shown(80, 0.25, 0.67)
    assert shown_total([many, few]) == Shown(80, None, None)


def test_a_commune_whose_count_is_hidden_hides_its_part_of_the_rates_too():
    """Ten handoffs of which two were followed twice arrived twelve times, and still are only ten."""
    ten, many = make_counts(made=10, opened=10, gone=2), make_counts(made=40, opened=40)
    two = make_counts(made=2)
    assert shown_total([many, ten, two]) == Shown(52, None, None)


@pytest.mark.parametrize("communes", [2, 3])
def test_whoever_knows_the_rule_and_all_that_is_shown_cannot_derive_a_hidden_count(communes):
    """All there can be: whatever is published, each hidden count may have been one of two numbers at least.

    He who asks knows even which communes had none at all.
    """
    worlds = defaultdict(list)
    for parts in product(range(LEAST + 3), repeat=communes):
        worlds[published(parts), tuple(part == 0 for part in parts)].append(parts)
    for (answer, none), possible in worlds.items():
        hidden = [at for at in range(communes) if answer[at] is None and not none[at]]
        assert all(len({parts[at] for parts in possible}) >= 2 for at in hidden), (answer, possible)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=40))
def test_what_is_hidden_below_a_total_is_never_of_a_few_nor_of_one_commune(parts):
    *shown, total = published(tuple(parts))
    assert all(part is None or part >= LEAST for part in (*shown, total))
    if total is None:
        return
    left = total - sum(part for part in shown if part is not None)
    hidden = [part for part in parts if 0 < part < LEAST]
    assert left == sum(hidden)
    assert left == 0 or (left >= LEAST and len(hidden) >= 2)
    # Exchanging one handoff between two communes gives the same answer: no sum tells them apart.
    for at, part in enumerate(parts):
        if 0 < part < LEAST:
            others = [
                ([*parts[:at], part + step, *parts[at + 1 :]], step) for step in (-1, 1) if 0 < part + step < LEAST
            ]
            assert any(
                published((*changed[:to], changed[to] - step, *changed[to + 1 :])) == (*shown, total)
                for changed, step in others
                for to in range(len(parts))
                if to != at and 0 < changed[to] < LEAST and 0 < changed[to] - step < LEAST
            )


def test_without_days_the_last_eight_whole_weeks_are_asked_for():
    weeks = weeks_asked(None, None, this_week=THIS_WEEK)
    assert (len(weeks), weeks[0], weeks[-1]) == (8, date(2026, 9, 28), LAST_WEEK)


@pytest.mark.parametrize("day", range(7))
def test_any_day_of_a_week_asks_for_the_whole_of_it(day):
    inside = LAST_WEEK + timedelta(days=day)
    assert weeks_asked(inside, inside, this_week=THIS_WEEK) == [LAST_WEEK]


@pytest.mark.parametrize("last", [THIS_WEEK, date(2026, 12, 24)])
def test_a_week_that_is_not_over_is_left_out(last):
    assert weeks_asked(LAST_WEEK, last, this_week=THIS_WEEK) == [LAST_WEEK]


@pytest.mark.parametrize(
    ("first", "last", "count"),
    [
        (LAST_WEEK - timedelta(weeks=52), LAST_WEEK, 53),
        (LAST_WEEK - timedelta(weeks=53), LAST_WEEK, None),
        (LAST_WEEK, LAST_WEEK - timedelta(days=1), None),
        (None, date.min, 1),
        (date.min, date.max, None),
        (date.max, date.max, 0),
    ],
)
def test_a_question_has_one_to_fifty_three_weeks(first, last, count):
    weeks = weeks_asked(first, last, this_week=THIS_WEEK)
    assert (None if weeks is None else len(weeks)) == count


@pytest.mark.parametrize(
    ("monday", "name"),
    [(date(2026, 11, 16), "2026-W47"), (date(2024, 12, 30), "2025-W01"), (date(2026, 12, 28), "2026-W53")],
)
def test_a_week_has_its_name_of_iso_8601(monday, name):
    assert week_name(monday) == name
