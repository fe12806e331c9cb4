"""The page of a rehearsal: it stands alone, says what is made up, and can be read without its plots."""

import re
from datetime import date, timedelta
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from content.rehearsal import rehearsal_words
from content.words import LANGUAGES
from notifications.measurements import Measurements, bundled_week
from notifications.rehearsal import FORECAST_REACH
from notifications.rehearsal_page import Rehearsal, render_page
from notifications.rehearsal_report import Replayed, report_of
from notifications.rehearsal_text import text_of
from notifications.residents import make_synthetic_residents, read_places
from tests.notifications.rehearsal_makers import FIRST, LAST, ZONE, make_values

MAX_BYTES = 150_000
RESIDENTS = make_synthetic_residents(10_000, places=read_places(), today_share=0.25)


class Reader(HTMLParser):
    """Collects the elements of a page, and whether each is closed."""

    VOID = frozenset({"meta", "link", "br", "img", "rect", "path", "circle"})

    def __init__(self, page):
        super().__init__()
        self.elements, self.open, self.mistakes = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.mistakes.append(tag)


def make_rehearsal(values=None, *, asked=(FIRST, LAST), ahead=timedelta(), first=FIRST, last=LAST, **changed):
    replayed = Replayed(
        values=bundled_week().values(first, last, zone=ZONE) if values is None else values,
        groups=RESIDENTS.groups,
        first=first,
        last=last,
        high=changed.pop("high", 200.0),
        zone=ZONE,
        ahead=ahead,
    )
    return Rehearsal(
        replayed=replayed,
        report=report_of(replayed),
        measurements=changed.pop("measurements", bundled_week()),
        residents=RESIDENTS,
        asked=asked,
        today_share=0.25,
    )


def page(language="en", **changed):
    return render_page(make_rehearsal(**changed), rehearsal_words(language))


def text(language="en", **changed):
    return "\n".join(text_of(make_rehearsal(**changed), rehearsal_words(language)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_is_well_formed_and_says_its_language(language):
    reader = Reader(page(language))
    assert (reader.mistakes, reader.open) == ([], [])
    assert ("html", {"lang": language}) in reader.elements


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_runs_no_script_and_loads_nothing(language):
    elements = Reader(page(language)).elements
    assert not {tag for tag, _ in elements} & {"script", "link", "img", "iframe", "object", "image", "use"}
    assert not [names for _, names in elements if set(names) & {"src", "href", "onclick", "onload", "style"}]
    assert "url(" not in page(language)
    assert "@import" not in page(language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_plot_has_a_text_and_its_bars_are_beside_their_figures(language):
    elements = Reader(page(language)).elements
    plots = [names for tag, names in elements if tag == "svg" and names.get("role") == "img"]
    bars = [names for tag, names in elements if tag == "svg" and names.get("role") != "img"]
    ids = {names["id"] for _, names in elements if "id" in names}
    assert plots
    assert all(set(names["aria-labelledby"].split()) <= ids for names in plots)
    assert all(names.get("aria-hidden") == "true" for names in bars)


def test_ids_are_unique_and_every_label_leads_to_one():
    elements = Reader(page()).elements
    ids = [names["id"] for _, names in elements if "id" in names]
    assert len(ids) == len(set(ids))
    labels = {part for _, names in elements for part in names.get("aria-labelledby", "").split()}
    assert labels <= set(ids)


def test_headings_do_not_skip_a_level():
    levels = [int(tag[1]) for tag, _ in Reader(page()).elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_table_has_heads_for_its_columns_and_rows():
    elements = Reader(page()).elements
    assert [names.get("scope") for tag, names in elements if tag == "th"].count(None) == 0
    assert sum(tag == "table" for tag, _ in elements) == 5


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_month_is_light(language):
    first, last = date(2023, 2, 1), date(2023, 2, 28)
    days = [(f"{day:02} 07:00", f"{day:02} 12:00", 150.0 + 10 * day) for day in range(1, 29)]
    values = make_values(*days, first=first, last=last)
    assert len(page(language, values=values, first=first, last=last).encode()) < MAX_BYTES


@pytest.mark.parametrize(("language", "words"), [("fr", ("simulés", "inventés")), ("en", ("simulated", "made up"))])
def test_it_says_that_the_residents_are_simulated_and_their_wishes_made_up(language, words):
    assert all(word in page(language) for word in words)


@pytest.mark.parametrize("language", LANGUAGES)
def test_nox_is_said_to_stand_in_for_no2(language):
    assert "NO2" in page(language)
    assert "NO2" in text(language)


def test_no2_itself_is_no_stand_in():
    measured = Measurements(origin="synthetic", names="synthetic", pollutant="no2", hours=bundled_week().hours)
    assert "NOx" not in page(measurements=measured)
    assert "stand-in" not in text(measurements=measured)


def test_a_perfect_forecast_is_said_to_be_synthetic():
    assert "perfect, synthetic forecast" in page(ahead=FORECAST_REACH)
    assert "SYNTHETIC: the next 36 hours" in text(ahead=FORECAST_REACH)
    assert "known only once it is over" in page()


def test_days_that_are_not_measured_are_said_to_be_left_out():
    asked = date(2023, 2, 1), date(2023, 2, 28)
    assert "1 February 2023 to 28 February 2023" in page(asked=asked)
    assert text(asked=asked).startswith("Asked for 2023-02-01 to 2023-02-28, but the bundled week covers only")
    assert "Asked for" not in page()


def test_the_ninth_is_shown_with_its_peak_and_its_moment():
    shown = page()
    assert "382 at 10:00" in shown
    assert "9 February, 07:00" in shown
    assert "382 à 10\u00a0h\u00a000" in page("fr")


def test_source_producer_and_licence_are_named_without_a_path():
    assert "Producer: Airparif, licence ODbL 1.0" in page()
    measured = Measurements(
        origin="/synthetic/path/2023_NOX.csv", names="2023_NOX.csv", pollutant="nox", hours=bundled_week().hours
    )
    assert "/synthetic/path" not in page(measurements=measured)
    assert "2023_NOX.csv" in page(measurements=measured)


def test_clean_air_makes_a_page_that_says_nobody_would_have_been_told():
    clean = page(values=make_values())
    assert "Nobody would have been told." in clean
    assert Reader(clean).mistakes == []
    assert "nobody was told" in text(values=make_values())


def test_a_week_of_which_nothing_is_known_is_said_to_be_unknown():
    values = make_values(last=date(2023, 2, 6))
    later = {at + timedelta(days=1): value for at, value in values.items()}
    assert "No hour is known." in page(values={}, first=FIRST, last=LAST)
    assert "?" not in re.findall("<td>(.*?)</td>", page(values=later))


def test_weeks_in_which_nothing_happens_are_only_counted():
    last = date(2023, 2, 19)
    values = make_values(("15 08:00", "15 12:00", 250.0), last=last)
    shown = page(values=values, last=last)
    assert "Weeks not drawn: 1." in shown
    assert shown.count('role="img"') == 1


def test_a_gap_is_no_line():
    values = make_values()
    broken = {at: value for at, value in values.items() if at.hour != 12}
    curve = re.search('class="v" d="([^"]*)"', page(values=broken))[1]
    assert curve.count("M") == 8


def test_the_evening_after_the_last_day_is_named_as_such():
    assert "Mon 13 February (evening before)" in page(values=make_values(("12 20:00", "12 22:00", 250.0)))
    assert "2023-02-13 (evening before)" in text(values=make_values(("12 20:00", "12 22:00", 250.0)))


def test_the_text_says_why_residents_were_not_told_at_once():
    shown = text()
    assert "held by quiet hours until they end" in shown
    assert "held, then nothing left to say: it was over" in shown


def test_the_row_of_the_bound_that_is_rehearsed_is_marked_in_words():
    assert "200 (this one)" in page()
    assert "<- this one" in text()
    assert "137.5 (this one)" in page(high=137.5)
