"""Commands about places of care."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import click

from citizen_api.care import locating, reading, stocks, sync
from citizen_api.care.directory import Directory
from citizen_api.care.directory_files import DamagedError, current_version
from citizen_api.care.doctor_command import doctor
from citizen_api.care.importing import ImportRunningError, only_import
from citizen_api.care.keeper import EXIT_TAKEN, FOLDER, build, choose_compiled_folder, is_stale
from citizen_api.core.downloads import DownloadError, download, public_part
from citizen_api.core.locks import TakenError
from citizen_api.sources.generic_csv import parse_mapping
from citizen_api.sources.records import SourceFormatError
from citizen_api.territory.geocoding import GuardedGeocoder, geocoder_from
from citizen_api.web.command import EXIT_REFUSED, EXIT_REJECTED_ROWS, Context, Progress


class Refused(click.ClickException):
    """What was not done, to protect data."""

    exit_code = EXIT_REFUSED

    def show(self, file: IO[Any] | None = None) -> None:
        """Say it in one line."""
        click.echo(f"Refused: {self.message}", file=file, err=True)


READERS = min(os.cpu_count() or 1, 4)
"""How many processes read the tables when the directory is built: beyond these, the rest takes the time."""

_MOST_WORDS = 10
_FORMATS = "\n\n".join(f"{name}: {chosen.about}" for name, chosen in stocks.FORMATS.items())


@click.group()
def care() -> None:
    """Places of care: import them."""


care.add_command(doctor)


@care.command(
    "import",
    help="Import places of care from FILE: a path, an https address, or the word `sample` for the bundled one.\n\n"
    f"Formats:\n\n{_FORMATS}\n\ncsv: any CSV, described by --mapping (docs/sources.md)\n\n"
    "Importing the same content again changes nothing. A killed import, started again, goes on where it was.",
)
@click.argument("file")
@click.option("--format", "form", type=click.Choice([*stocks.FORMATS, "csv"]), help="What the file is.")
@click.option("--mapping", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Describes a CSV.")
@click.option("--date", "dated", type=click.DateTime(["%Y-%m-%d"]), help="The day the file was true.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; change nothing.")
@click.option(
    "--force",
    is_flag=True,
    help="Import even if over 20 % of the known places vanish, or the list breaks off in its last row.",
)
@click.option(
    "--place/--no-place",
    default=None,
    help="Ask the national geocoder where places without a position are; by default, if it is enabled.",
)
@click.pass_obj
def import_command(
    context: Context,
    file: str,
    form: str | None,
    mapping: Path | None,
    dated: datetime | None,
    *,
    dry_run: bool,
    force: bool,
    place: bool | None,
) -> None:
    """Import a stock."""
    if place is None:
        place = not geocoder_from(context.settings).off
    geocoder = _geocoder(context) if place else None
    with closing(Progress()) as progress:
        try:
            stock = _stock(context, file, form, mapping, dated)
            report = sync.run_import(
                context.database,
                stock,
                now=context.clock(),
                reports_dir=context.settings.data_dir / "imports",
                dry_run=dry_run,
                force=force,
                geocoder=geocoder,
                progress=progress,
            )
        except OSError as error:
            raise click.ClickException(f"{error.filename or file}: {error.strerror or error}") from error
        except (SourceFormatError, DownloadError, ImportRunningError) as error:
            raise click.ClickException(" ".join(str(error).split())) from error
        except sync.TooManyVanishingError as error:
            raise Refused(str(error)) from error
    _say(report, dry_run=dry_run)
    if report.rejected:
        sys.exit(EXIT_REJECTED_ROWS)


def _geocoder(context: Context) -> GuardedGeocoder:
    geocoder = geocoder_from(context.settings)
    if geocoder.off:
        raise click.ClickException("no geocoder is enabled: set ALENTOURS_GEOCODER_BAN_ENABLED=true")
    return geocoder


def _stock(
    context: Context,
    file: str,
    form: str | None,
    mapping: Path | None,
    dated: datetime | None,
) -> sync.Stock:
    if file == "sample":
        return stocks.sample_stock()
    if form is None and mapping is None:
        raise click.UsageError("say what the file is with --format, or describe a CSV with --mapping")
    if (form == "csv") != (mapping is not None) and not (form is None and mapping is not None):
        raise click.UsageError("--mapping goes with --format csv, and --format csv needs it")
    described = parse_mapping(mapping.read_bytes()) if mapping else None
    url = None
    path = Path(file)
    if "://" in file:
        with closing(Progress("bytes", plain_every=50_000_000)) as downloading:
            path = download(
                file, context.settings, progress=lambda done, total: downloading("downloading", done, total)
            )
        url = public_part(file)
    elif path.stat().st_size > context.settings.import_max_bytes:
        raise click.ClickException(f"{file} is larger than ALENTOURS_IMPORT_MAX_BYTES")
    if described is not None:
        return stocks.mapped_stock(path, described, url=url)
    day = dated.date() if dated else None
    if day is None and stocks.FORMATS[str(form)].renewed:
        fetched = datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
        day = min(context.clock(), fetched).date()
    return stocks.known_stock(str(form), path, dated=day, url=url)


def _say(report: sync.ImportReport, *, dry_run: bool) -> None:
    click.echo("Would be, without --dry-run:" if dry_run else "Done:")
    if report.resumed is not None:
        click.echo(f"  resumed: a run that was cut short had written {report.resumed} of these changes")
    for name in dict.fromkeys(("created", "updated", "unchanged", "closed", report.vanished)):
        click.echo(f"  {name:<10}{report.counts[name]:>8}")
    left_out = ", ".join(f"{code}: {n}" for code, n in report.left_out.most_common())
    click.echo(f"  left out  {report.left_out.total():>8}{f'  ({left_out})' if left_out else ''}")
    reasons = ", ".join(f"{code}: {n}" for code, n in report.rejected.most_common())
    click.echo(f"  rejected  {report.rejected.total():>8}{f'  ({reasons})' if reasons else ''}")
    if report.hours_not_understood:
        click.echo(f"  hours not understood, kept word for word: {report.hours_not_understood}")
    if report.services_unknown:
        words = ", ".join(f"{word}: {n}" for word, n in report.services_unknown.most_common(_MOST_WORDS))
        more = ", …" if len(report.services_unknown) > _MOST_WORDS else ""
        click.echo(f"  services not known, left out: {report.services_unknown.total()}  ({words}{more})")
    if report.rejected_file:
        click.echo(f"  rejected rows, with reasons: {report.rejected_file}")
    if report.located is not None:
        _say_located(report.located)


def _say_located(report: locating.LocatingReport) -> None:
    click.echo(f"  placed by their address: {report.places}; addresses not known: {report.not_known}")
    if report.waiting:
        click.echo(f"  addresses still to ask for: {report.waiting} (alentours care place)")


@care.command("place")
@click.option("--minutes", type=click.FloatRange(min=0), help="How long to go on asking; without it, to the end.")
@click.pass_obj
def place_command(context: Context, minutes: float | None) -> None:
    """Ask the national geocoder where the places are that no source positions.

    Professional addresses leave the installation, ten a second at most. What was asked once is remembered.
    """
    geocoder = _geocoder(context)
    with closing(Progress("addresses", plain_every=1_000)) as progress:
        try:
            with only_import(context.database):
                report = locating.locate_places(
                    context.database,
                    geocoder,
                    now=context.clock(),
                    most_s=None if minutes is None else 60 * minutes,
                    progress=progress,
                )
        except ImportRunningError as error:
            raise click.ClickException(str(error)) from error
    click.echo("Done:")
    _say_located(report)


@care.command()
@click.option("--background", is_flag=True, help="At low priority, and only if no other process is at it.")
@click.pass_obj
def directory(context: Context, *, background: bool) -> None:
    """Build the directory that answers "nearest", if it is not up to date.

    `alentours serve` does this by itself, at its start and whenever places change.
    """
    folder = context.settings.data_dir / FOLDER
    choose_compiled_folder(context.settings)
    if background:
        os.nice(10)
    version = None
    while version is None:
        version = _current(context, folder, background=background)
        try:
            found = Directory.open(version)
        except DamagedError:
            version = None  # current no more: it is built anew
    found.warm_up()  # the compiled search is kept on the disk for those that serve
    click.echo(f"{len(found)} places: {version}")


def _current(context: Context, folder: Path, *, background: bool) -> Path:
    """Give the version of the present tables; built if there is none."""
    with context.database.session(write=False) as session:
        stamp = reading.stamp(session)
    version = current_version(folder)
    if version is not None and not is_stale(version, stamp=stamp, now=context.clock()):
        return version
    try:
        return build(
            folder,
            lambda: reading.open_places(context.database),
            now=context.clock(),
            side_by_side=reading.side_by_side(context.database, context.settings, count=READERS),
        )
    except TakenError as error:
        if background:
            sys.exit(EXIT_TAKEN)
        raise click.ClickException("another process is building it") from error
    except OSError as error:  # a full disk, a folder that may not be written
        raise click.ClickException(f"{error.filename or folder}: {error.strerror or error}") from error
