"""French texts about opening hours, and what is read from them: all, or nothing."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from citizen_api.care.hours import parse_hours
from citizen_api.sources.french_hours import read_hours_of_day, read_hours_of_week

PARIS = "75056"


def make_minutes(*texts):
    """Ranges such as "09:00-12:30" as pairs of minutes; an end past 24:00 is the next day's."""
    ranges = []
    for text in texts:
        start, end = (int(clock[:2]) * 60 + int(clock[3:]) for clock in text.split("-"))
        ranges.append((start, end))
    return tuple(ranges)


def state_on(expression, when):
    at = datetime.fromisoformat(when).replace(tzinfo=ZoneInfo("Europe/Paris"))
    return parse_hours(expression, insee_code=PARIS).at(at).state


# --- A day --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("9h-12h30/13h30-18h30", ("09:00-12:30", "13:30-18:30")),
        ("08h30–12h00", ("08:30-12:00",)),
        ("8H30 — 12 H", ("08:30-12:00",)),
        ("8:30-17:30", ("08:30-17:30",)),
        ("09:00-12:00, 14:00-18:00", ("09:00-12:00", "14:00-18:00")),
        ("9h-12h 14h-18h", ("09:00-12:00", "14:00-18:00")),
        ("9h-12h ; 14h-18h.", ("09:00-12:00", "14:00-18:00")),
        ("de 9 à 12 et de 14 à 18 h", ("09:00-12:00", "14:00-18:00")),
        ("8h30 à 12h30 - 13h30 à 17h30", ("08:30-12:30", "13:30-17:30")),
        ("9h/12h30 et 13h30/16h30", ("09:00-12:30", "13:30-16:30")),
        ("entre 9h et 12h et entre 14h et 18h", ("09:00-12:00", "14:00-18:00")),
        ("9 h 30 à 12 h puis 14 h à 18 h 15", ("09:30-12:00", "14:00-18:15")),
        ("9\N{NO-BREAK SPACE}h\N{NARROW NO-BREAK SPACE}30 - 12 h", ("09:30-12:00",)),
        ("de 9 heures à 18 heures 30", ("09:00-18:30",)),
        ("14-17H", ("14:00-17:00",)),
        ("10-12h00", ("10:00-12:00",)),
        ("8h30à12h30et14hà18h", ("08:30-12:30", "14:00-18:00")),
        ("09:00:00-12:30:00", ("09:00-12:30",)),
        ("9h jusqu’à 18h", ("09:00-18:00",)),
        ("9h - midi / 14h - minuit", ("09:00-12:00", "14:00-24:00")),
        ("Ouvert de 9h à 18h", ("09:00-18:00",)),
        ("Horaires : 9h-18h", ("09:00-18:00",)),
        ("9h-19h sans interruption", ("09:00-19:00",)),
        ("8h-10h, 11h-12h, 14h-16h, 17h-18h", ("08:00-10:00", "11:00-12:00", "14:00-16:00", "17:00-18:00")),
        ("24h/24", ("00:00-24:00",)),
        ("24 heures sur 24", ("00:00-24:00",)),
        ("H24", ("00:00-24:00",)),
        ("0h-24h", ("00:00-24:00",)),
    ],
)
def test_hours_of_a_day_are_read(text, ranges):
    assert read_hours_of_day(text) == make_minutes(*ranges)


@pytest.mark.parametrize("text", ["fermé", "Fermé", "FERME", "fermée", "Fermé au public", "fermé toute la journée."])
def test_a_closed_day_has_no_hours(text):
    assert read_hours_of_day(text) == ()


@pytest.mark.parametrize("text", ["", " ", "ouvert", "Ouvert :", "non précisé", "N/A", "?", "24h", "sur rendez-vous"])
def test_a_day_without_times_is_unknown(text):
    assert read_hours_of_day(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "9h-12h sur rendez-vous",
        "9h-12h (sauf vacances)",
        "9h-18h fermé de 12h à 14h",
        "fermé de 12h à 14h",
        "fermé le midi",
        "matin 9h-12h",
        "à partir de 9h",
        "dès 9h",
        "jusqu'à 19h",
        "9h",
        "lundi 9h-12h",
        "9h-12h et",
        "9h-12h, 14h",
        "9h-19h30h",
        "9h-12h (14h-18h)",
        "9h-12h, 14h-18 hectares",
    ],
)
def test_a_day_understood_in_part_is_not_read(text):
    assert read_hours_of_day(text) is None


@pytest.mark.parametrize("text", ["9h-12h-14h-18h", "9h/12h/14h/18h", "9h à 12h - 14h-18h"])
def test_one_mark_that_both_joins_and_parts_tells_nothing(text):
    assert read_hours_of_day(text) is None


@pytest.mark.parametrize("text", ["9-12", "9 à 12", "9/12", "06/07 9h-12h", "9-12, 14-18h", "9/12h"])
def test_numbers_that_may_be_a_date_are_no_hours(text):
    assert read_hours_of_day(text) is None


@pytest.mark.parametrize("text", ["13h30 16h", "9h, 12h"])
def test_two_times_that_nothing_joins_are_no_range(text):
    assert read_hours_of_day(text) is None


@pytest.mark.parametrize("text", ["25h-26h", "24h30-25h", "9h60-12h", "9:75-12:00", "24h-8h", "123h-125h"])
def test_an_hour_that_no_clock_shows_is_not_read(text):
    assert read_hours_of_day(text) is None


@pytest.mark.parametrize("text", ["9h-9h", "00:00-00:00", "minuit-minuit"])
def test_a_range_that_ends_where_it_begins_is_not_read(text):
    assert read_hours_of_day(text) is None


@pytest.mark.parametrize(
    "text", ["9h-14h, 12h-18h", "14h-18h, 9h-12h", "22h-2h, 8h-12h", "1h-4h, 22h-2h", "9h-12h, 9h-12h"]
)
def test_ranges_that_overlap_or_come_out_of_order_are_not_read(text):
    assert read_hours_of_day(text) is None


def test_ranges_may_touch():
    assert read_hours_of_day("9h-12h, 12h-18h") == make_minutes("09:00-12:00", "12:00-18:00")


def test_more_ranges_than_a_day_has_meals_are_not_read():
    assert read_hours_of_day("8h-9h, 10h-11h, 12h-13h, 14h-15h, 16h-17h") is None


def test_two_ranges_without_interruption_contradict_themselves():
    assert read_hours_of_day("9h-12h, 14h-19h sans interruption") is None


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("22h-2h", ("22:00-26:00",)),
        ("20h-8h", ("20:00-32:00",)),
        ("8h-12h, 22h-8h", ("08:00-12:00", "22:00-32:00")),
        ("20h-0h", ("20:00-24:00",)),
        ("9h-00h00", ("09:00-24:00",)),
    ],
)
def test_a_night_of_at_most_twelve_hours_crosses_midnight(text, ranges):
    assert read_hours_of_day(text) == make_minutes(*ranges)


@pytest.mark.parametrize("text", ["18h-9h", "19h-9h", "12h-9h", "17h - 8h30"])
def test_a_longer_night_is_a_day_turned_round_and_not_read(text):
    assert read_hours_of_day(text) is None


# --- A week -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("Lundi au vendredi : 8h30 - 19h", "Mo-Fr 08:30-19:00; Sa-Su unknown; PH unknown"),
        (
            "lun-ven 9:00-12:30, 14:00-19:00 ; sam 9h-13h",
            "Mo-Fr 09:00-12:30,14:00-19:00; Sa 09:00-13:00; Su unknown; PH unknown",
        ),
        ("Lun. - ven. : 8h-12h", "Mo-Fr 08:00-12:00; Sa-Su unknown; PH unknown"),
        ("lu-ve 8h-12h", "Mo-Fr 08:00-12:00; Sa-Su unknown; PH unknown"),
        ("de lundi à vendredi, de 9h à 18h", "Mo-Fr 09:00-18:00; Sa-Su unknown; PH unknown"),
        ("tous les jours de 8h à 20h", "Mo-Su 08:00-20:00; PH unknown"),
        ("7j/7 de 8h à 20h", "Mo-Su 08:00-20:00; PH unknown"),
        ("8h-20h 7 jours sur 7", "Mo-Su 08:00-20:00; PH unknown"),
        ("les lundis et jeudis 9h-12h", "Mo,Th 09:00-12:00; Tu-We,Fr-Su unknown; PH unknown"),
        (
            "Lundi: 9h-12h\nMardi: fermé\nMercredi: 9h-12h et 14h-18h",
            "Mo 09:00-12:00; Tu off; We 09:00-12:00,14:00-18:00; Th-Su unknown; PH unknown",
        ),
        (
            "9h-18h du lundi au vendredi, 9h-12h le samedi",
            "Mo-Fr 09:00-18:00; Sa 09:00-12:00; Su unknown; PH unknown",
        ),
        (
            "lundi, mardi et jeudi : 8h30-12h30 / 14h-19h30 - mercredi et samedi : 9h-12h30",
            "Mo-Tu,Th 08:30-12:30,14:00-19:30; We,Sa 09:00-12:30; Fr,Su unknown; PH unknown",
        ),
        ("en semaine 9h-18h, le week-end 10h-16h", "Mo-Fr 09:00-18:00; Sa-Su 10:00-16:00; PH unknown"),
        ("vendredi au lundi 22h-4h", "Mo,Fr-Su 22:00-04:00; Tu-Th unknown; PH unknown"),
        ("Horaires d'ouverture : lundi au vendredi 9h-18h", "Mo-Fr 09:00-18:00; Sa-Su unknown; PH unknown"),
        ("lundi au vendredi : ouvert de 9h à 18h", "Mo-Fr 09:00-18:00; Sa-Su unknown; PH unknown"),
        ("du lundi au vendredi sans interruption de 9h à 19h", "Mo-Fr 09:00-19:00; Sa-Su unknown; PH unknown"),
    ],
)
def test_hours_of_a_week_are_read(text, expression):
    assert read_hours_of_week(text) == expression


@pytest.mark.parametrize(
    "text", ["24h/24", "Ouvert 24h/24", "24/7", "24h/24 et 7j/7", "7j/7 - 24h/24", "tous les jours 0h-24h"]
)
def test_round_the_clock_every_day_counts_holidays_in(text):
    assert read_hours_of_week(text) == "24/7"


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("fermé le dimanche", "Mo-Sa unknown; Su off; PH unknown"),
        ("dimanche : fermé", "Mo-Sa unknown; Su off; PH unknown"),
        ("Fermeture hebdomadaire : lundi", "Mo off; Tu-Su unknown; PH unknown"),
        ("lundi au samedi 9h-19h, fermé le dimanche et jours fériés", "Mo-Sa 09:00-19:00; Su off; PH off"),
        ("Fermé le lundi. Mardi au samedi 9h-18h", "Mo off; Tu-Sa 09:00-18:00; Su unknown; PH unknown"),
        (
            "fermé le lundi, ouvert du mardi au samedi de 9h à 18h",
            "Mo off; Tu-Sa 09:00-18:00; Su unknown; PH unknown",
        ),
        ("Ouvert du mardi au samedi 9h-19h. Fermé dimanche et lundi", "Mo,Su off; Tu-Sa 09:00-19:00; PH unknown"),
        (
            "lundi au samedi 9h-19h, fermé le mercredi",
            "Mo-Tu,Th-Sa 09:00-19:00; We off; Su unknown; PH unknown",
        ),
    ],
)
def test_a_closing_is_read_and_carves_out_of_a_longer_list(text, expression):
    assert read_hours_of_week(text) == expression


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("tous les jours sauf le dimanche 9h-18h", "Mo-Sa 09:00-18:00; Su off; PH unknown"),
        ("tous les jours 9h-18h sauf le dimanche", "Mo-Sa 09:00-18:00; Su off; PH unknown"),
        ("tous les jours (sauf le dimanche) 9h-18h", "Mo-Sa 09:00-18:00; Su off; PH unknown"),
        ("tous les jours 9h-18h (hors jours fériés)", "Mo-Su 09:00-18:00; PH off"),
        ("9h-18h tous les jours, sauf dimanche et fériés", "Mo-Sa 09:00-18:00; Su off; PH off"),
        ("tous les jours 9h-18h hors jours fériés", "Mo-Su 09:00-18:00; PH off"),
        (
            "tous les jours sauf mercredi : 9h-18h ; mercredi : 9h-12h",
            "Mo-Tu,Th-Su 09:00-18:00; We 09:00-12:00; PH unknown",
        ),
    ],
)
def test_an_excepted_day_is_closed_unless_its_own_hours_are_told(text, expression):
    assert read_hours_of_week(text) == expression


@pytest.mark.parametrize(
    "text",
    [
        "tous les jours y compris les jours fériés 8h-20h",
        "tous les jours 8h-20h y compris jours fériés",
        "tous les jours 8h-20h, jours fériés compris",
        "8h-20h tous les jours, jours fériés inclus",
        "du lundi au dimanche et jours fériés : 8h-20h",
    ],
)
def test_holidays_counted_in_keep_the_hours_of_the_days(text):
    assert read_hours_of_week(text) == "Mo-Su 08:00-20:00; PH 08:00-20:00"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "9h-18h",
        "ouvert",
        "fermé",
        "7j/7",
        "tous les jours",
        "sur rendez-vous",
        "lundi",
        "lundi ouvert",
        "sauf mercredi",
        "jours fériés",
        "ouvert. lundi 9h-12h",
    ],
)
def test_a_week_without_days_or_without_hours_is_unknown(text):
    assert read_hours_of_week(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "lundi au vendredi 9h-18h sur rendez-vous",
        "lundi au vendredi 9h-18h, samedi sur rendez-vous",
        "lundi au vendredi 9h-18h, fermé le mercredi après-midi",
        "lundi au vendredi 9h-18h sauf vacances scolaires",
        "fermé du 1er au 15 août",
        "le premier lundi du mois 9h-12h",
        "lundi 6 au vendredi 10 9h-12h",
        "dès lundi 9h-12h",
        "tous les jours ouvrables 9h-12h",
        "lundi 9h-12h, mardi",
        "lundi 9h-12h et",
        "lundi 9h-25h ; mardi 9h-12h",
    ],
)
def test_a_week_understood_in_part_is_not_read(text):
    assert read_hours_of_week(text) is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("lundi/vendredi 9h-18h", id="a list or a range"),
        pytest.param("lundi vendredi 9h-18h", id="a list or a range, without a mark"),
        pytest.param("fermé lundi, mardi 9h-18h", id="of which the Tuesday may be either"),
        pytest.param("fermé lundi 12h-14h mardi", id="closed on Monday, or at noon"),
        pytest.param("lundi au vendredi 9h-12h ; lundi 14h-18h", id="also, or instead"),
        pytest.param("tous les jours 8h-20h, dimanche 9h-13h", id="also, or instead, within the longer hours"),
        pytest.param("lundi au vendredi 9h-18h sauf mercredi 14h-16h", id="open then, or closed then"),
        pytest.param("mercredi 9h-12h, fermé mercredi", id="a contradiction"),
        pytest.param("lundi au vendredi, fermé samedi : 9h-18h", id="the days told first, or the last"),
        pytest.param("lundi au vendredi fermé samedi 9h-18h", id="the same without marks"),
        pytest.param("lundi au vendredi (fermé samedi) 9h-18h", id="the same in brackets"),
        pytest.param("tous les jours sauf lundi : fermé", id="of which the Monday would be open, but when?"),
        pytest.param("lundi 9h-12h, mardi 14h-18h y compris jours fériés", id="which hours on holidays?"),
        pytest.param("tous les jours sauf lundi compris 9h-12h", id="in, or out"),
        pytest.param("lundi fermé ouvert", id="another contradiction"),
        pytest.param("lundi au vendredi 9h-18h y compris dimanche", id="a day that is not among them"),
        pytest.param("lundi au lundi 9h-12h", id="a range of one day, or of eight"),
    ],
)
def test_what_has_two_readings_has_none(text):
    assert read_hours_of_week(text) is None


# --- What the evaluator makes of it -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "state"),
    [
        ("2026-10-05T10:00", "open"),
        ("2026-10-05T20:00", "closed"),
        ("2026-10-10T10:00", "unknown"),
        ("2026-11-11T10:00", "unknown"),
    ],
    ids=["Monday", "Monday evening", "Saturday, untold", "11 November, untold"],
)
def test_an_untold_day_is_unknown_to_the_evaluator(when, state):
    assert state_on(read_hours_of_week("Lundi au vendredi 9h-18h"), when) == state


def test_a_night_lasts_into_an_untold_day():
    assert state_on(read_hours_of_week("vendredi 22h-2h"), "2026-10-10T01:00") == "open"
