"""Commands about whom we tell."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import click

from citizen_api.people.wishes import DEFAULT_PROFILE
from citizen_api.sources.records import SourceFormatError
from citizen_api.web.command import Context
from content.rehearsal import rehearsal_words
from content.words import LANGUAGES
from notifications.measurements import Measurements, bundled_week, from_files, yearly_files
from notifications.rehearsal import FORECAST_REACH
from notifications.rehearsal_page import Rehearsal, render_page
from notifications.rehearsal_report import Replayed, report_of
from notifications.rehearsal_text import text_of
from notifications.residents import make_synthetic_residents, read_places

MOST_RESIDENTS: Final = 5_000_000
SHARED: Final = Path(__file__).resolve().parents[2] / "shared" / "data" / "air" / "airparif"
"""Shared data beside a checkout of the project."""
_ZONE: Final = DEFAULT_PROFILE.zone
_DAY: Final = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--from", "first", type=_DAY, required=True, help="First day, by the clock of Paris.")
@click.option("--to", "last", type=_DAY, required=True, help="Last day.")
@click.option(
    "--residents", type=click.IntRange(1, MOST_RESIDENTS), default=100_000, show_default=True, help="How many."
)
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Hourly measurements in the form of Airparif's station files.",
)
@click.option(
    "--high",
    type=click.FloatRange(10, 5_000),
    default=200.0,
    show_default=True,
    help="The bound of a bad hour, in ug/m3.",
)
@click.option(
    "--forecast",
    type=click.Choice(["none", "perfect"]),
    default="none",
    show_default=True,
    help="perfect: a synthetic forecast that knows the coming hours without error.",
)
@click.option(
    "--today-share",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="Share of residents who wish to be told on the morning itself, not the evening before.",
)
@click.option(
    "--html", type=click.Path(dir_okay=False, path_type=Path), help="Page to write.  [default: in the data folder]"
)
@click.option("--lang", type=click.Choice(LANGUAGES), help="Language of the page.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Seed of the simulated wishes.")
@click.pass_obj
def rehearse(
    context: Context,
    first: datetime,
    last: datetime,
    residents: int,
    file: Path | None,
    high: float,
    forecast: str,
    today_share: float,
    html: Path | None,
    lang: str | None,
    seed: int,
) -> None:
    """Replay measured days through the rules: who would have been told what, when, and how often.

    Measurements are those of --file; without it `air/<year>_NOX.csv` in the data folder, then in the shared data
    beside the project; without these, the bundled week. Residents are simulated, nobody is told, and no database is
    needed. See docs/rehearsal.md.
    """
    asked = first.date(), last.date()
    if asked[1] < asked[0]:
        raise click.UsageError("--to is before --from")
    if not (math.isfinite(high) and math.isfinite(today_share)):
        raise click.UsageError("--high and --today-share must be numbers")
    measurements = _measurements(context, file, asked)
    days = _covered(measurements, asked)
    simulated = make_synthetic_residents(residents, places=read_places(), today_share=today_share, seed=seed)
    ahead = FORECAST_REACH if forecast == "perfect" else timedelta()
    replayed = Replayed(
        values=measurements.values(*days, zone=_ZONE, ahead=ahead),
        groups=simulated.groups,
        first=days[0],
        last=days[1],
        high=high,
        zone=_ZONE,
        ahead=ahead,
    )
    rehearsal = Rehearsal(
        replayed=replayed,
        report=report_of(replayed),
        measurements=measurements,
        residents=simulated,
        asked=asked,
        today_share=today_share,
    )
    for line in text_of(rehearsal, rehearsal_words("en")):
        click.echo(line)
    page = html or context.settings.data_dir / "rehearsal.html"
    _write(page, render_page(rehearsal, rehearsal_words(lang or context.settings.default_language)))
    click.echo(f"\nPage: {page}")


def _measurements(context: Context, file: Path | None, asked: tuple[date, date]) -> Measurements:
    paths = [file] if file else yearly_files((context.settings.data_dir / "air", SHARED), *asked)
    if not paths:
        return bundled_week()
    try:
        return from_files(paths)
    except SourceFormatError as error:
        raise click.ClickException(" ".join(str(error).split())) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename or paths[0]}: {error.strerror or error}") from error


def _covered(measurements: Measurements, asked: tuple[date, date]) -> tuple[date, date]:
    """The days asked for, as far as something is measured between them."""
    hours = measurements.values(*asked, zone=_ZONE)
    if not hours:
        raise click.ClickException(
            f"nothing is measured from {asked[0]} to {asked[1]} in {measurements.origin}; --file names another file"
        )
    covered = measurements.days(zone=_ZONE)
    return max(asked[0], covered[0]), min(asked[1], covered[1])


def _write(page: Path, text: str) -> None:
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{error.filename or page}: {error.strerror or error}") from error
