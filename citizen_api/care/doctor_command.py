"""`alentours care doctor`: says what is wrong with the places, with examples; changes nothing."""

from __future__ import annotations

import csv
import sys
from collections import Counter, defaultdict
from contextlib import ExitStack
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any, Final

import click

from citizen_api.care import record_queries
from citizen_api.care.doctor import ABOUT, LOOKS, Finding, Visit
from citizen_api.web.command import EXIT_REJECTED_ROWS, Context

FILE_NAME: Final = "care-doctor.csv"


@click.command("doctor")
@click.option(
    "--csv",
    "target",
    type=click.Path(path_type=Path),
    help=f"Write every finding, one a line, to this file (in a folder: {FILE_NAME}).",
)
@click.option("--kind", "kinds", multiple=True, type=click.Choice(list(LOOKS)), help="Only this; repeatable.")
@click.option("--examples", default=5, show_default=True, type=click.IntRange(0), help="How many of each to show.")
@click.pass_obj
def doctor(context: Context, target: Path | None, kinds: tuple[str, ...], examples: int) -> None:
    """Look for faults: what sources contradict each other in, impossible positions and telephones, duplicates.

    Ends with 0 when there is nothing to look at, with 3 when there is. Nothing is changed.
    """
    counts: Counter[str] = Counter()
    parts: dict[str, Counter[str]] = defaultdict(Counter)
    shown: dict[str, list[Finding]] = defaultdict(list)
    with ExitStack() as stack:
        writer = _writer(stack, target) if target else None
        with context.database.session(write=False) as session:
            visit = Visit(session)
            records = record_queries.count_records(session)
            for word in kinds or LOOKS:
                look, _ = LOOKS[word]
                for finding in look(visit):
                    counts[finding.kind] += 1
                    parts[finding.kind][finding.field] += 1
                    if len(shown[finding.kind]) < examples:
                        shown[finding.kind].append(finding)
                    if writer:
                        writer.writerow(map(_cell, astuple(finding)))
    click.echo(f"{records} records looked at")
    for word in kinds or LOOKS:
        for kind in LOOKS[word][1]:
            _say(kind, counts[kind], parts[kind], shown[kind])
    for what, number in sorted(visit.figures.items()):
        click.echo(f"{number:>8}  {what}")
    if target:
        click.echo(f"Every finding: {_path(target)}")
    if counts:
        sys.exit(EXIT_REJECTED_ROWS)


def _path(target: Path) -> Path:
    return target / FILE_NAME if target.is_dir() else target


def _writer(stack: ExitStack, target: Path) -> Any:
    path = _path(target)
    try:
        file = stack.enter_context(path.open("w", encoding="utf-8", newline=""))
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror or error}") from error
    writer = csv.writer(file)
    writer.writerow([each.name for each in fields(Finding)])
    return writer


def _cell(text: str) -> str:
    """Keep a spreadsheet from computing what a register calls its place; numbers and positions stay as they are."""
    return f"'{text}" if text[:1] in {"=", "@"} or (text[:1] in {"+", "-"} and not text[1:2].isdigit()) else text


def _say(kind: str, number: int, parts: Counter[str], shown: list[Finding]) -> None:
    of = f" ({', '.join(f'{name} {count}' for name, count in parts.most_common())})" if len(parts) > 1 else ""
    click.echo(f"{number:>8}  {kind}: {ABOUT[kind]}{of}")
    for found in shown:
        against = f" | {found.other}" if found.other else ""
        told = " | ".join(filter(None, (found.source, found.says)))
        click.echo(f"            {found.facility_id} {found.where}")
        click.echo(f"              {found.field}: {found.value}{against}{f' | {told}' if told else ''}")
