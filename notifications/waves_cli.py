"""Commands about waves: what was told, to how many devices, and what came of it. None of them names a device."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Final, Never

import click
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tqdm import tqdm

from citizen_api.people.actions import COMMAND_LINE, record_change
from citizen_api.web.command import Context, Progress
from content.catalogue import catalogue
from notifications import queries
from notifications import wave_actions as actions
from notifications.audit import Audited, audits
from notifications.ledger import ACCEPTED, CATEGORIES, Balance
from notifications.models import Wave
from notifications.problems import WaveSettled
from notifications.queries import WaveShown

LISTED: Final = 20
REFRESH_S: Final = 1.0
_NUMBER: Final = click.IntRange(1, 2**31 - 1)
_HEADER: Final = (
    f"{'wave':>6}  {'lane':<9}  {'day':<10}  {'opened':<16}  {'state':<7}  {'eligible':>9}  accepted  {'per s':>8}"
)


@click.group(invoke_without_command=True)
@click.pass_context
def waves(context: click.Context) -> None:
    """List the latest waves; show, stop or audit them."""
    if context.invoked_subcommand is None:
        context.invoke(list_waves)


@waves.command("list")
@click.pass_obj
def list_waves(context: Context) -> None:
    """List the latest 20 waves, newest first. Moments are UTC."""
    now = context.clock()
    with context.database.session(write=False) as session:
        found = queries.waves(session, limit=LISTED)
        audited = audits(session, [wave.id for wave in found])
    click.echo(_HEADER if found else "No wave yet.")
    for wave in found:
        if wave.id not in audited:
            continue  # it concerned nobody, and went between two looks
        balance = audited[wave.id].balance
        rate = queries.accepted_per_s(wave, balance, now=now)
        share = f"{balance.counts[ACCEPTED] / balance.eligible:.1%}" if balance.eligible else "-"
        line = f"{wave.id:>6}  {wave.lane:<9}  {wave.day or '-'!s:<10}  {wave.opened_at:%Y-%m-%d %H:%M}"
        line += f"  {queries.state_of(wave):<7}  {balance.eligible:>9}  {share:>8}  {_rate(rate):>8}"
        click.echo(line + _alarm(audited[wave.id]))


@waves.command("show")
@click.argument("number", type=_NUMBER, required=False)
@click.option("--once", is_flag=True, help="Do not wait for the wave to settle.")
@click.pass_obj
def show(context: Context, number: int | None, *, once: bool) -> None:
    """Show the balance of a wave, the newest without NUMBER; on a terminal, with a bar until it settles or Ctrl-C."""
    if number is None:
        with context.database.session(write=False) as session:
            number = session.scalar(select(func.max(Wave.id)))
        if number is None:
            raise click.ClickException("no wave yet")
    if not once and sys.stderr.isatty():
        _follow(context, number)
    with context.database.session(write=False) as session:
        wave = _wave(session, number)
        shown = queries.show(session, wave, now=context.clock())
    _print(shown, "en")


@waves.command("stop")
@click.argument("number", type=_NUMBER)
@click.option("--reason", help="Why, for whoever asks later.")
@click.pass_obj
def stop(context: Context, number: int, reason: str | None) -> None:
    """Stop a wave: nothing more of it is sent. What went out stays on the screens."""
    if reason is not None and not (0 < len(reason) <= actions.REASON_LENGTH and reason.isprintable()):
        raise click.UsageError(f"--reason must be one line of 1 to {actions.REASON_LENGTH} characters")
    now = context.clock()
    with context.database.session() as session:
        try:
            newly = actions.stop_wave(session, _wave(session, number), reason=reason, now=now)
        except WaveSettled as error:
            raise click.ClickException(f"wave {number} is settled: there is nothing left to stop") from error
        if newly:
            record_change(
                session,
                actor=COMMAND_LINE,
                action="wave.stop",
                subject=f"wave {number}",
                details={"reason": reason},
                now=now,
            )
    stopped = actions.stop_messages(context.database, number, now=now)
    if not newly:
        click.echo(f"Wave {number} was stopped before: `alentours waves show {number}` says when and why.")
        return
    click.echo(
        f"Wave {number} is stopped: {stopped} messages do not go, nor do those of chunks that are being sent now."
    )


@waves.command("audit")
@click.pass_obj
def audit_all(context: Context) -> None:
    """Count every wave whose messages are kept; exit 1 if one does not balance."""
    with context.database.session(write=False) as session:
        numbers = queries.wave_ids_with_messages(session)
    progress, wrong, counted = Progress("waves"), 0, 0
    for done, number in enumerate(numbers, 1):
        with context.database.session(write=False) as session:
            audited = audits(session, [number]).get(number)
        progress("audit", done, len(numbers))
        counted += audited is not None
        if audited is not None and audited.ailing is not None:
            wrong += 1
            progress.close()
            click.echo(f"WAVE {number} DOES NOT BALANCE: {audited.ailing}")
    progress.close()
    if wrong:
        raise click.ClickException(f"{wrong} of {counted} waves do not balance")
    click.echo(f"{counted} {'wave balances' if counted == 1 else 'waves balance'}.")


def _follow(context: Context, number: int) -> None:
    """Draw a bar of what is final until the wave settles, or somebody has seen enough."""
    bar: tqdm[Never] | None = None
    try:
        while True:
            started_s = time.monotonic()
            with context.database.session(write=False) as session:
                wave = _wave(session, number)
                balance = audits(session, [number])[number].balance
            final = balance.eligible - balance.open
            # Its speed is that of what it has seen itself; while the wave is planned, it grows.
            bar = bar if bar is not None else _bar(number, final)
            bar.total = balance.eligible
            bar.n = final
            bar.refresh()
            if wave.settled_at is not None or (wave.stopped_at is not None and not balance.open):
                return
            # A wave that takes long to count is counted less often.
            time.sleep(max(REFRESH_S, 4 * (time.monotonic() - started_s)))
    except KeyboardInterrupt:
        return
    finally:
        if bar is not None:
            bar.close()


def _bar(number: int, final: int) -> tqdm[Never]:
    return tqdm(
        desc=f"wave {number}",
        initial=final,
        unit=" messages",
        # A terminal that tells no width gets one, instead of no bar at all.
        ncols=shutil.get_terminal_size().columns,
        file=sys.stderr,
        leave=False,
    )


def _print(shown: WaveShown, language: str) -> None:
    wave, balance = shown.wave, shown.balance
    click.echo(f"Wave {wave.id} ({wave.code}): {wave.lane}, {queries.state_of(wave)}")
    if shown.is_demo:
        click.echo("  MADE UP: it says what the demo city made up.")
    moments = {"opened": wave.opened_at, "planned": wave.planned_at, "settled": wave.settled_at}
    moments |= {"stopped": wave.stopped_at}
    for name, moment in moments.items():
        if moment is not None:
            click.echo(f"  {name:<16} {moment:%Y-%m-%d %H:%M:%S} UTC")
    if wave.stop_reason:
        click.echo(f"  {'because':<16} {wave.stop_reason}")
    click.echo(f"  {'about':<16} {wave.day or '-'}, {wave.tag}")
    click.echo(f"  {'accepted per s':<16} {_rate(shown.accepted_per_s)} since it opened")
    click.echo(f"  {'open chunks':<16} {shown.open_chunks}")
    click.echo(f"  {'phones reported':<16} {wave.shown} shown, {wave.opened} opened")
    click.echo(f"{balance.eligible:>10}  eligible")
    for category in CATEGORIES:
        meaning = catalogue().outcomes[category].meaning.say(language)
        click.echo(f"{balance.counts[category]:>10}  {category:<16} {meaning}")
    click.echo(_verdict(balance))
    for one in shown.attempts:
        click.echo(f"{one.count:>10}  {one.platform:<8} {one.code:<24} {one.verdict}")


def _verdict(balance: Balance) -> str:
    return "It balances." if balance.missing == 0 else f"IT DOES NOT BALANCE: {balance.missing} missing."


def _alarm(audited: Audited) -> str:
    return f"  DOES NOT BALANCE: {audited.ailing}" if audited.ailing else ""


def _rate(per_s: float | None) -> str:
    return "-" if per_s is None else f"{per_s:.1f}"


def _wave(session: Session, number: int) -> Wave:
    wave = queries.wave_numbered(session, number)
    if wave is None:
        raise click.ClickException(f"no wave has the number {number}")
    return wave
