"""Commands about street networks."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import click

from citizen_api.core.locks import TakenError
from citizen_api.core.versions import POINTER, DamagedError, building
from citizen_api.mobility.building import About, Air, NoNetworkError, Relief, Report, build_network
from citizen_api.mobility.local_factors import LocalFactors, read_table
from citizen_api.mobility.network import GRAPHS, POLLUTANTS, Network
from citizen_api.mobility.network_files import current_version, is_city, open_network, remove_network, write_held
from citizen_api.mobility.networks import FOLDER
from citizen_api.mobility.sample import ATTRIBUTION, LICENCE, build_sample
from citizen_api.sources.osm_pbf import OLDEST_YEAR
from citizen_api.sources.osm_streets import Progress as Tell
from citizen_api.sources.osm_streets import read_streets
from citizen_api.sources.raster import read_raster
from citizen_api.sources.records import SourceFormatError
from citizen_api.web.command import Context, Progress

_ENDINGS: Final = re.compile(r"(-latest|-\d{6}|-\d{8})?(\.osm)?(\.pbf)?$", re.IGNORECASE)
_TITLE_MAX: Final = 120
_FILE: Final = click.Path(path_type=Path)


@click.group()
def network() -> None:
    """Street networks: build them, one for each city."""


@network.command()
@click.argument("file", type=_FILE, required=False)
@click.option("--sample", is_flag=True, help="Build the bundled one, central Paris, instead of FILE.")
@click.option(
    "--city", help="Its name in addresses and files: a-z, 0-9 and hyphens; by default, from that of the file."
)
@click.option("--title", help="Its name for people.")
@click.option(
    "--extract-date",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day of which the extract is, YYYY-MM-DD; by default, what its header tells.",
)
@click.option("--elevation", type=_FILE, help="A raster of heights in metres: GeoTIFF, or a CSV grid lat,lon,value.")
@click.option(
    "--exposure",
    "exposures",
    multiple=True,
    metavar="POLLUTANT=FILE",
    help=f"A fine raster of a pollutant ({', '.join(POLLUTANTS)}), instead of the table of local factors; repeatable.",
)
@click.pass_obj
def build(
    context: Context,
    file: Path | None,
    city: str | None,
    title: str | None,
    extract_date: datetime | None,
    elevation: Path | None,
    exposures: tuple[str, ...],
    *,
    sample: bool,
) -> None:
    """Build the walking and cycling network of a city from FILE, an OpenStreetMap extract (.osm.pbf).

    A network of the same city is replaced, between two requests. docs/network.md tells where extracts come from.
    """
    if sample == (file is not None):
        raise click.UsageError("name one FILE.osm.pbf, or --sample")
    if sample and (city or title or extract_date or elevation or exposures):
        raise click.UsageError("--sample goes alone")
    if city is not None and not is_city(city):
        raise click.UsageError("--city is made of a-z, 0-9 and single hyphens, 60 at most")
    _check_title(title)
    maps = _maps(exposures)
    _check_files(file, elevation, *maps.values())
    dated = extract_date.date() if extract_date else None
    if dated is not None and not _is_plausible(dated, context):
        raise click.UsageError(f"--extract-date is a day from {OLDEST_YEAR} to today")
    folder = context.settings.data_dir / FOLDER
    table_file = context.settings.mobility_local_factors
    with closing(Progress("objects", plain_every=1_000_000)) as progress:
        try:
            table = read_table(Path(table_file) if table_file else None)
            report = (
                build_sample(folder, now=context.clock(), table=table)
                if file is None
                else _build_held(context, file, city or _city(file), title, dated, elevation, maps, table, progress)
            )
        except OSError as error:
            raise click.ClickException(f"{error.filename or file}: {error.strerror or error}") from error
        except (SourceFormatError, NoNetworkError) as error:
            raise click.ClickException(" ".join(str(error).split())) from error
        except TakenError as error:
            raise click.ClickException("another process is building it") from error
    if report is None:
        click.echo("It is built already.")
    else:
        _say(report)


def _build_held(
    context: Context,
    file: Path,
    city: str,
    *given: *tuple[str | None, date | None, Path | None, dict[str, Path], LocalFactors, Tell],
) -> Report:
    """Build a city, its lock held from the first byte: a second build ends before it has read anything."""
    file.stat()  # what is not there leaves no folder behind
    with building(context.settings.data_dir / FOLDER / city):
        return _build(context, file, city, *given)


def _build(
    context: Context,
    file: Path,
    city: str,
    title: str | None,
    dated: date | None,
    elevation: Path | None,
    maps: dict[str, Path],
    table: LocalFactors,
    tell: Tell,
) -> Report:
    air = Air(
        table=table,
        rasters={pollutant: read_raster(path) for pollutant, path in maps.items()},
        files={pollutant: path.name for pollutant, path in maps.items()},
    )
    relief = Relief(raster=read_raster(elevation), source=elevation.name) if elevation else None
    extract = read_streets(file, progress=tell)
    if dated is None and extract.dated is not None and _is_plausible(extract.dated, context):
        dated = extract.dated
    told = f"of {dated.isoformat()}" if dated else "which does not tell its date"
    now = context.clock()
    about = About(
        city=city,
        title=title or city.replace("-", " ").capitalize(),
        built_on=now.date(),
        source=f"OpenStreetMap, {file.name} {told}",
        licence=LICENCE,
        attribution=ATTRIBUTION,
        extract_date=dated,
    )
    made, report = build_network(extract, about, air=air, relief=relief, progress=tell)
    write_held(context.settings.data_dir / FOLDER / city, made, stamp=f"{now:%Y%m%dT%H%M%S}")
    return report


def _check_title(title: str | None) -> None:
    if title is not None and not (title.strip() and title.isprintable() and len(title) <= _TITLE_MAX):
        raise click.UsageError(f"--title is made of letters that can be seen, {_TITLE_MAX} at most")


def _check_files(*files: Path | None) -> None:
    for path in files:
        if path is not None and path.exists() and not path.is_file():  # reading a pipe would wait for ever
            raise click.ClickException(f"{path}: not a regular file")


def _is_plausible(dated: date, context: Context) -> bool:
    """Whether an extract may be of a day: tools that drop dates leave 1970."""
    return dated.year >= OLDEST_YEAR and dated <= (context.clock() + timedelta(days=1)).date()


def _city(file: Path) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", _ENDINGS.sub("", file.name).lower()).strip("-")
    if not is_city(name):
        raise click.UsageError("the name of the file makes no name of a city: say --city")
    return name


def _maps(exposures: tuple[str, ...]) -> dict[str, Path]:
    maps: dict[str, Path] = {}
    for given in exposures:
        pollutant, _, path = given.partition("=")
        if pollutant not in POLLUTANTS or not path:
            raise click.UsageError(f"--exposure is like no2=FILE, with one of {', '.join(POLLUTANTS)}")
        if pollutant in maps:
            raise click.UsageError(f"--exposure {pollutant} is given twice")
        maps[pollutant] = Path(path)
    return maps


def _say(report: Report) -> None:
    click.echo(f"Done: {report.city}")
    click.echo(f"  nodes     {report.nodes:>10}")
    click.echo(f"  edges     {report.edges:>10}")
    click.echo(f"  kept      {report.kept_km:>10.1f} km of the {report.total_km:.1f} km that {report.ways} ways draw")
    for graph in GRAPHS:
        parts = report.parts_by_graph[graph]
        click.echo(f"    {graph:<14}{report.km_by_graph[graph]:>10.1f} km in {parts} part{'s' if parts != 1 else ''}")
    click.echo("  by class:")
    for kind, km in report.km_by_kind.items():
        click.echo(f"    {kind:<14}{km:>10.1f} km")
    click.echo(f"  slopes known of {report.slopes_km:.1f} km; parks looked at: {report.parks}")
    click.echo(f"  points that the file lacks: {report.missing_points}; ways cut there: {report.gaps}")
    click.echo("  dropped:")
    for why, (count, km) in sorted(report.dropped.items(), key=lambda dropped: -dropped[1][1]):
        click.echo(f"    {why}: {count}, {km:.1f} km")


@network.command()
@click.argument("city")
@click.pass_obj
def remove(context: Context, city: str) -> None:
    """Remove the network of CITY. Processes that serve let go of it by themselves within some seconds."""
    if not is_city(city):
        raise click.UsageError("CITY is a name as `network list` tells it")
    try:
        removed = remove_network(context.settings.data_dir / FOLDER / city)
    except TakenError as error:
        raise click.ClickException("another process is building it") from error
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror or error}") from error
    if not removed:
        raise click.ClickException(f"no network is called {city}")
    click.echo(f"Removed: {city}")


@network.command("list")
@click.pass_obj
def list_command(context: Context) -> None:
    """Tell which cities have a network."""
    folder = context.settings.data_dir / FOLDER
    # A folder without a pointer is that of a build that goes on, or that failed: no city yet.
    cities = sorted(path for path in folder.iterdir() if (path / POINTER).exists()) if folder.exists() else []
    for city in cities:
        found = _opened(city)
        click.echo(f"{city.name}: {_told(found)}" if found else f"{city.name}: not whole; build it again")
    if not cities:
        click.echo("None is built.")


def _opened(city: Path) -> Network | None:
    version = current_version(city)
    try:
        return open_network(version) if version else None
    except DamagedError:
        return None


def _told(found: Network) -> str:
    of = f"map of {found.extract_date.isoformat()}" if found.extract_date else "date of the map not known"
    return (
        f"{found.title}, {len(found.lats)} nodes, {len(found.tails)} edges, "
        f"built on {found.built_on.isoformat()}, {of}\n"
        f"  from {found.source}; {found.attribution}"
    )
