"""Commands about the air."""

from __future__ import annotations

import re
import sys
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import click

from citizen_api.air import sync
from citizen_api.air.feeds import feeds_from
from citizen_api.air.keeping import REPORTS, AirKeeper
from citizen_api.core.outgoing import make_client
from citizen_api.sources.air_files import KINDS
from citizen_api.sources.records import SourceFormatError
from citizen_api.web.command import EXIT_REJECTED_ROWS, Context

_YEARS = range(1990, 2101)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class _Moment(click.ParamType[datetime]):
    """A moment with its offset, or a day: then its end, in UTC, as days of measurements are counted."""

    name = "time"

    def convert(self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read `2026-01-06T18:00+01:00` or `2023-09-18`."""
        if isinstance(value, datetime):
            return value
        try:
            written = datetime.fromisoformat(value.upper())
        except ValueError:
            self.fail(
                f"{value!r} is no moment such as 2026-01-06T18:00+01:00, and no day such as 2023-09-18", param, ctx
            )
        if written.year not in _YEARS:
            self.fail(f"{value!r} is not of the years {_YEARS[0]} to {_YEARS[-1]}", param, ctx)
        if _DAY.fullmatch(value):
            return datetime.combine(written, time(), UTC) + timedelta(days=1)
        if written.tzinfo is None:
            self.fail(f"{value!r} lacks its offset, such as +01:00 or Z", param, ctx)
        return written.astimezone(UTC)


@click.group()
def air() -> None:
    """The air: load recorded files, read the sources."""


@air.command(
    help="Load FILE, a recorded file of air facts, as if it had been read at a moment.\n\n"
    "Its form is recognised by its content: " + ", ".join(KINDS) + ". Hours that were not over then are left out, and "
    "`GET /v1/air?at=…` shows what was known at any moment. Loading the same again changes nothing."
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--as-of",
    type=_Moment(),
    help="When it was read: 2026-01-06T18:00+01:00, or a day, which means its end in UTC. By default now.",
)
@click.option("--commune", help="INSEE code of the place of a forecast that names none (open-meteo).")
@click.pass_obj
def load(context: Context, file: Path, as_of: datetime | None, commune: str | None) -> None:
    """Load a recorded file."""
    if commune is not None:
        with context.database.session(write=False) as session:
            if not context.knows_territory(session, "commune", commune):
                raise click.UsageError(f"there is no commune {commune}")
    try:
        kind, report = sync.load_file(
            context.database,
            file,
            as_of=as_of or context.clock(),
            commune=commune,
            reports_dir=context.settings.data_dir / "imports",
        )
    except SourceFormatError as error:
        raise click.ClickException(" ".join(str(error).split())) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename or file}: {error.strerror or error}") from error
    click.echo(f"{kind}: {_said(report)}.")
    if report.rejected:
        reasons = ", ".join(f"{code} {count}" for code, count in report.rejected.most_common())
        click.echo(f"Rejected {report.rejected.total()} rows ({reasons}): {report.rejected_file}", err=True)
        sys.exit(EXIT_REJECTED_ROWS)


@air.command("sync")
@click.pass_obj
def sync_command(context: Context) -> None:
    """Read every source that the settings switch on and that is due, once (`alentours serve` goes on doing it)."""
    with make_client(context.settings) as client:
        feeds = feeds_from(context.settings, context.database, client)
        if not feeds:
            raise click.ClickException("no source of air facts is switched on: see docs/settings.md (ALENTOURS_AIR_…)")
        keeper = AirKeeper(
            context.database, feeds, clock=context.clock, reports_dir=context.settings.data_dir / REPORTS
        )
        turns = keeper.turn()
    for turn in turns:
        click.echo(f"{turn.source_id}: {f'{turn.problem}: {turn.why}' if turn.report is None else _said(turn.report)}")
    if not turns:
        click.echo("Nothing is due.")
    if any(turn.report is None for turn in turns):
        sys.exit(1)


_COUNTED = ("new", "revised", "closed", "unchanged", "older", "duplicate")


def _said(report: sync.AirReport) -> str:
    """Say what a reading left, in one line."""
    counts = Counter(report.facts)
    parts = [f"{counts[name]} facts {name}" for name in _COUNTED if counts[name]]
    parts += [f"{report.readings} readings"] if report.readings else []
    parts += [f"{report.forecast_hours} hours of forecast"] if report.forecast_hours else []
    parts += [f"{report.later} later hours left out"] if report.later else []
    return ", ".join(parts) or "nothing"
