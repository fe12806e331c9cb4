"""Alerts to a thousand devices each: on an idle system, and while a campaign to everybody is being sent."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import func, insert, literal, select, update
from sqlalchemy.orm import Session

from bench.push_double import Double
from bench.push_product import LEVEL, product, wait_until
from bench.push_store import Residents, fresh_copy
from bench.residents import MARK, Groups, alert_day, communes_of, make_facts
from citizen_api.core.clock import system_clock
from citizen_api.core.db import Database
from citizen_api.people.device_models import Consent, Registration
from notifications import ledger
from notifications.models import Chunk, Message, Outcome, Part, Slice, Wave
from notifications.outbox import CHUNK

RATE_PER_S, CONNECTIONS = 9_000, 8
"""The defaults of the product."""
CAMPAIGNS = "campaigns"
WARM_S = 5.0
"""Of the campaign, before the first alert."""
_PATIENCE_S = 60.0
_SEED = 1


def measure(of: Residents, double: Double, folder: Path, *, groups: Groups) -> dict[str, Any]:
    """Alert every group in turn, on an idle system, then in a campaign: seconds from the opening of each wave."""
    with (
        fresh_copy(of) as database,
        product(database, double, folder, rate_per_s=RATE_PER_S, connections=CONNECTIONS),
    ):
        idle = [_alert(database, double, group, groups.size) for group in range(groups.count)]
    with fresh_copy(of) as database:
        campaign = prepare_campaign(database)
        with (
            product(database, double, folder, rate_per_s=RATE_PER_S, connections=CONNECTIONS),
            _sending(database, campaign),
        ):
            busy = [_alert(database, double, group, groups.size) for group in range(groups.count)]
            left = _pending(database, campaign)
    return {
        "messages": of.devices - groups.count * groups.size,
        "devices": groups.size,
        "idle": idle,
        "busy": busy,
        "campaign_left": left,
    }


def prepare_campaign(database: Database) -> int:
    """Write a campaign for every device of no group, ready to be sent and not yet opened; give its wave.

    Campaigns have no planner yet: this writes what one would. Its words are those of an alert.
    """
    now = system_clock()
    with database.session() as session:
        wave = Wave(
            code="synthetic",
            key="synthetic-campaign",
            lane=CAMPAIGNS,
            day=None,
            tag="campaign-synthetic",
            scope={},
            opened_at=now,
        )
        part = Part(commune_code="75056", hazard="air", level=LEVEL)
        session.add_all([wave, part])
        session.flush()
        outcome = Outcome(wave_id=wave.id, kind="alert", reason="new", counts=False, expires_at=now + timedelta(days=1))
        session.add(outcome)
        session.flush()
        concerned = select(Registration.device_id).where(Registration.value.not_like(f"{MARK}%"))
        values = literal(CAMPAIGNS), literal("1"), literal(now, Consent.given_at.type)
        agreed = concerned.add_columns(*values)
        session.execute(insert(Consent).from_select(["device_id", "purpose", "version", "given_at"], agreed))
        names = ["wave_id", "device_id", "state", "outcome_id", "air", "tried", "maybe_delivered", "receipts"]
        same = (ledger.PENDING, outcome.id, part.id, 0, False, 0)
        of = (Consent.device_id, *map(literal, same))
        rows = select(literal(wave.id), *of).where(Consent.purpose == CAMPAIGNS).order_by(Consent.device_id)
        session.execute(insert(Message).from_select(names, rows))
        last, devices = session.execute(select(func.max(Message.device_id), func.count())).one()
        session.add(
            Slice(wave_id=wave.id, number=1, after="", until=last, eligible=devices, no_consent=0, planned_at=now)
        )
        _cut_chunks(session, wave.id)
        return wave.id


def _cut_chunks(session: Session, wave_id: int) -> None:
    number = func.row_number().over(order_by=Message.device_id)
    numbered = select(Message.device_id, ((number - 1) // CHUNK).label("chunk"))
    numbered_rows = numbered.where(Message.wave_id == wave_id).subquery()
    devices = numbered_rows.c.device_id
    chunks = select(
        literal(wave_id), literal(CAMPAIGNS), func.min(devices), func.max(devices), literal(value=False)
    ).group_by(numbered_rows.c.chunk)
    names = ["wave_id", "lane", "first_device", "last_device", "unsettled"]
    session.execute(insert(Chunk).from_select(names, chunks.order_by(numbered_rows.c.chunk)))


@contextmanager
def _sending(database: Database, campaign: int) -> Iterator[None]:
    """Open the campaign, and see it being sent."""
    now = system_clock()
    with database.session() as session:
        session.execute(update(Wave).where(Wave.id == campaign).values(planned_at=now))
        session.execute(update(Chunk).where(Chunk.wave_id == campaign).values(next_at=now))
    total = _pending(database, campaign)
    wait_until(lambda: _pending(database, campaign) < total, patience_s=_PATIENCE_S)
    time.sleep(WARM_S)
    yield


def _pending(database: Database, wave_id: int) -> int:
    """Messages of a wave in chunks that are not done: asked of the chunks, which are few."""
    with database.session(write=False) as session:
        due = select(func.count()).where(Chunk.wave_id == wave_id, Chunk.next_at.is_not(None))
        return CHUNK * (session.scalar(due) or 0)


def _alert(database: Database, double: Double, group: int, devices: int) -> dict[str, float]:
    """Raise the air of a group's communes, and see its alert arrive."""
    # Not in step with the worker.
    time.sleep(1.0 + Random(_SEED + group).random())
    double.reset()
    with database.session(write=False) as session:
        communes = communes_of(session, group)
        before = session.scalar(select(func.max(Wave.id))) or 0
    now = system_clock()
    make_facts(database.engine, day=alert_day(now), level=LEVEL, now=now, communes=communes)
    arrivals: list[float] = []

    def all_here() -> bool:
        arrivals[:] = double.marked()
        return len(arrivals) >= devices

    try:
        wait_until(all_here, patience_s=_PATIENCE_S)
    except TimeoutError:
        raise TimeoutError(f"only {len(arrivals)} of an alert's {devices} messages arrived") from None
    with database.session(write=False) as session:
        opened_at = session.scalars(select(Wave.opened_at).where(Wave.id > before).order_by(Wave.id)).first()
    assert opened_at is not None
    took_s = sorted(at - opened_at.timestamp() for at in arrivals)
    return {
        "first_s": took_s[0],
        "p50_s": statistics.median(took_s),
        "p99_s": took_s[len(took_s) * 99 // 100],
        "last_s": took_s[-1],
    }
