"""Simulated residents: spread as the population, the same for the same seed."""

import pytest

from notifications.residents import (
    DEPARTEMENTS,
    SYNTHETIC_LEVELS,
    SYNTHETIC_QUIET,
    make_synthetic_residents,
    read_places,
    spread,
)

PLACES = read_places()


def residents(count=10_000, **changed):
    return make_synthetic_residents(count, places=PLACES, **changed)


def share(simulated, chosen):
    return sum(group.residents for group in simulated.groups if chosen(group)) / simulated.count


def test_they_live_in_the_arrondissements_of_paris_and_the_communes_around_it():
    codes = {place.code for place in PLACES}
    assert {place.departement for place in PLACES} == set(DEPARTEMENTS)
    assert {"75104", "92050", "93066", "94080"} <= codes
    assert "75056" not in codes
    assert len(codes) == len(PLACES) == 142


def test_they_are_spread_as_the_population_is():
    total = sum(place.population for place in PLACES)
    of_paris = sum(place.population for place in PLACES if place.departement == "75")
    simulated = residents(100_000)
    assert sum(simulated.homes.values()) == simulated.count == 100_000
    assert simulated.homes["75"] == pytest.approx(100_000 * of_paris / total, abs=20)


@pytest.mark.parametrize(
    ("count", "populations", "given"),
    [
        (10, [1, 1, 1], [4, 3, 3]),
        (7, [50, 30, 20], [4, 2, 1]),
        (3, [1000, 1, 1], [3, 0, 0]),
        (1, [5, 5], [1, 0]),
        (100, [1, 2, 7], [10, 20, 70]),
    ],
)
def test_the_largest_remainder_gets_what_is_left(count, populations, given):
    assert spread(count, populations) == given


def test_the_same_seed_gives_the_same_residents():
    assert residents(seed=3) == residents(seed=3)
    assert residents(seed=3) != residents(seed=4)


def test_a_single_resident_is_simulated_too():
    [group] = residents(1).groups
    assert (group.residents, residents(1).places) == (1, 1)


@pytest.mark.parametrize("quiet", SYNTHETIC_QUIET, ids=str)
def test_quiet_hours_are_shared_out_as_said(quiet):
    part = share(residents(), lambda group: group.profile.quiet == quiet)
    assert part == pytest.approx(SYNTHETIC_QUIET[quiet], abs=0.02)


@pytest.mark.parametrize("level", SYNTHETIC_LEVELS)
def test_levels_are_shared_out_as_said(level):
    assert share(residents(), lambda group: group.level == level) == pytest.approx(SYNTHETIC_LEVELS[level], abs=0.02)


def test_the_shares_add_up():
    assert sum(SYNTHETIC_QUIET.values()) == pytest.approx(1)
    assert sum(SYNTHETIC_LEVELS.values()) == pytest.approx(1)


@pytest.mark.parametrize("today_share", [0.0, 0.25, 1.0])
def test_some_wish_the_morning_of_the_day(today_share):
    simulated = residents(today_share=today_share)
    assert share(simulated, lambda group: group.watches[0].when == "today") == pytest.approx(today_share, abs=0.02)


def test_some_watch_where_they_work_too_and_that_is_elsewhere():
    simulated = residents()
    with_work = [group for group in simulated.groups if len(group.watches) == 2]
    assert sum(group.residents for group in with_work) == simulated.with_work
    assert all(home.commune != work.commune for home, work in (group.watches for group in with_work))


def test_they_are_few_groups_however_many_they_are():
    assert len(residents(100_000, today_share=0.5).groups) <= 4 * 3 * 2 * 2
