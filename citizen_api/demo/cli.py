"""Commands about the demo city that a running `alentours serve --demo` has."""

# ruff: noqa: PLC0415 - the demo city is loaded only by whoever asks for it

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import click

from citizen_api.web.command import Context
from content.hazards import SCALES, TIERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from citizen_api.core.db import Database
    from citizen_api.demo.air_rules import DemoCommune

PATIENCE_S: Final = 10.0
"""How long a demo city may take to read what was asked of it, before there is none."""
_LOOK_EVERY_S: Final = 0.05
_DAYS: Final = ("today", "tomorrow")
_pause = time.sleep


class WrongError(click.ClickException):
    """What cannot be asked, said in one line."""

    exit_code = 2


@click.group()
def demo() -> None:
    """The demo city of a running `alentours serve --demo`: all of it is made up."""


@demo.command()
@click.option("--commune", required=True, help="INSEE code of a commune or arrondissement of the demo city: 75104.")
@click.option("--level", type=int, help="Level of its index on the ATMO scale, from 1 (good) to 6 (extremely bad).")
@click.option("--tier", type=click.Choice(TIERS), help="Declare an official episode in its département as well.")
@click.option("--day", type=click.Choice(_DAYS), help="Which day, by the clock of Paris; today by default.")
@click.option("--end", is_flag=True, help="Have it as it would be without, on both days.")
@click.pass_obj
def episode(context: Context, commune: str, level: int | None, tier: str | None, day: str | None, *, end: bool) -> None:
    """Raise (or lower) the air index that the demo city publishes for a commune, until its day is over.

    The running demo city reads it within about a second, and tells its residents as it would of any other.

    Exit codes: 0 done; 1 no demo city runs on this database; 2 wrong usage.
    """
    if end and (level, tier, day) != (None, None, None):
        raise WrongError("--end stands alone with --commune")
    if not end and level not in SCALES["air"].levels:
        raise WrongError(f"say --end, or a --level from {SCALES['air'].least} to {SCALES['air'].most} (ATMO)")
    found = _commune(context, commune)
    if level is None:
        _end(context, found)
    else:
        _stage(context, found, level, tier, day or "today")


def _commune(context: Context, code: str) -> DemoCommune:
    """Raises WrongError for a commune of which the demo city publishes nothing."""
    # Without --demo nothing of it exists: no other command has to load it.
    from citizen_api.demo.air import DEPARTEMENTS, demo_communes

    with context.database.session(write=False) as session:
        for commune in demo_communes(session):
            if commune.code == code:
                return commune
        known = context.knows_territory(session, "commune", code)
    where = f"is outside the demo city (départements {', '.join(DEPARTEMENTS)})" if known else "is no commune"
    raise WrongError(f"{code} {where}")


def _stage(context: Context, commune: DemoCommune, level: int, tier: str | None, day: str) -> None:
    from citizen_api.demo.air import ZONE
    from citizen_api.demo.air_rules import Staged
    from citizen_api.demo.staging import Stage
    from citizen_api.people.wishes import local_day

    stage = Stage(context.settings.data_dir)
    today = local_day(context.clock(), zone=ZONE)
    staged = Staged(commune.code, today + timedelta(days=_DAYS.index(day)), level, tier)
    earlier = None
    for other in stage.staged():
        if other.day < today:
            stage.remove(other)
        elif (other.commune, other.day) == (staged.commune, staged.day):
            earlier = other
    before = _shown(context, commune, day)
    stage.put(staged)
    try:
        read_after_s = _have_air_read(context)
    except click.ClickException:  # what is said not to be done is not done later either
        if earlier is None:
            stage.remove(staged)
        else:
            stage.put(earlier)
        raise
    official = f", and an official episode in département {commune.departement} (tier {tier})" if tier else ""
    click.echo(
        f"MADE UP (source “demo”): {commune.name} has air index {level} on {staged.day}{official}; "
        f"read after {read_after_s:.1f} s. It is over with its day, or with --end."
    )
    click.echo(
        f"See GET /v1/air?commune={commune.code}: {day} is level {_shown(context, commune, day)} (it was {before}). "
        "The log of the server says who is told."
    )


def _end(context: Context, commune: DemoCommune) -> None:
    from citizen_api.demo.staging import Stage

    stage = Stage(context.settings.data_dir)
    for staged in stage.staged():
        if staged.commune == commune.code:
            stage.remove(staged)
    read_after_s = _have_air_read(context)
    click.echo(f"{commune.name} is as the demo city makes it up again; read after {read_after_s:.1f} s.")
    click.echo(
        f"See GET /v1/air?commune={commune.code}: today is level {_shown(context, commune, 'today')}. "
        "Who was told of a worse one is told that it got better once that has stood for an hour."
    )


def _shown(context: Context, commune: DemoCommune, day: str) -> int | None:
    """The level that `GET /v1/air` shows, whoever says it: a real source speaks before the demo city."""
    from citizen_api.air.page import air_page

    with context.database.session(write=False) as session:
        found = air_page(session, commune.code, at=context.clock()).days[day].outlook
    return found.level if found else None


def _have_air_read(context: Context) -> float:
    from citizen_api.demo.air import ask_again, was_read

    return _have_it_read(context, ask_again, was_read)


def _have_it_read(
    context: Context,
    ask_again: Callable[[Database, datetime], bool],
    was_read: Callable[[Database, datetime], bool],
) -> float:
    """Have the demo city read what it publishes, and give how long that took, in seconds. Raises ClickException."""
    asked_at = context.clock()
    began_s = time.monotonic()
    if not ask_again(context.database, asked_at):
        raise click.ClickException("no demo city runs on this database: start one with `alentours serve --demo`")
    while not was_read(context.database, asked_at):
        if time.monotonic() - began_s > PATIENCE_S:
            raise click.ClickException(
                f"no demo city runs on this database (none answered within {PATIENCE_S:g} s): "
                "start one with `alentours serve --demo`"
            )
        _pause(_LOOK_EVERY_S)
    return time.monotonic() - began_s


@demo.command("take-slot")
@click.argument("slot")
@click.pass_obj
def take_slot(context: Context, slot: str) -> None:
    """Have somebody take SLOT (`sl_…`, of `GET /v1/teleconsultations/slots`) at the demo clinic that publishes it.

    Whoever was handed over to it before, and opens the short link now, is shown other slots.

    Exit codes: 0 done; 1 no demo city runs on this database; 2 wrong usage.
    """
    from citizen_api.demo.clinic import ask_clinics_again, clinics_were_read, published_id
    from citizen_api.demo.clinic_state import TakenSlots

    taken = TakenSlots(context.settings.data_dir)
    with context.database.session(write=False) as session:
        slot_id = published_id(session, slot)
    if slot_id is None:
        raise WrongError(f"{slot} is no free slot of the demo city: see GET /v1/teleconsultations/slots")
    taken.take(slot_id)
    try:
        read_after_s = _have_it_read(context, ask_clinics_again, clinics_were_read)
    except click.ClickException:  # what is said not to be done is not done later either
        taken.free(slot_id)
        raise
    click.echo(f"MADE UP (source “demo”): somebody took {slot}; read after {read_after_s:.1f} s. It is gone for good.")
