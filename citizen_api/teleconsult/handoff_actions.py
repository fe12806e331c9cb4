"""Writes about handoffs: making one, and the single door through which each of its moves goes. None of them commits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from citizen_api.core.db import insert_or_update
from citizen_api.teleconsult import handoff_queries as queries
from citizen_api.teleconsult import handoff_rules as rules
from citizen_api.teleconsult import handoff_tokens as tokens
from citizen_api.teleconsult.handoff_counts import count
from citizen_api.teleconsult.handoff_models import Handoff, HandoffEvent
from citizen_api.teleconsult.handoff_problems import (
    HandoffMadeAlready,
    HandoffMoveIllegal,
    IdempotencyKeyReused,
    NowhereToBook,
    SlotGone,
)
from citizen_api.teleconsult.links import UnsafeLinkError, safe_link
from citizen_api.teleconsult.models import Provider, Service, Slot
from citizen_api.teleconsult.slot_ids import read_slot_code
from citizen_api.teleconsult.slot_offers import Offer, offer_of
from citizen_api.teleconsult.slot_rules import granularity_of
from citizen_api.teleconsult.watch_models import Reminder

_SLOT_IN_LINK: Final = "{slot}"
_DROPPED_WHEN_GONE: Final = ("device_id", "feed_id", "slot_key", "link", "starts_s", "ends_s")
"""What a handoff forgets when its slot is gone: all but what others are found by."""
_DROPPED: Final = (*_DROPPED_WHEN_GONE, "specialty", "modality")
"""What a handoff forgets when it ends: whoever it was for, and for what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question for a handoff. `slot` (public name) or `provider` (id), not both. `body`: all that the client sent."""

    key: str
    slot: str | None
    provider: str | None
    remind: bool
    device_id: str | None
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Followed:
    """What a short link leads to: the booking service, a phone, another slot, or nothing any more."""

    kind: Literal["link", "phone", "unsafe", "gone", "booked", "cancelled", "over"]
    handoff: Handoff | None = None
    link: str | None = None
    phone: str | None = None
    sought: queries.Sought | None = None


def make(session: Session, asked: Asked, *, now: datetime) -> tuple[Handoff, str]:
    """Make a handoff, or find the one that the same question made: it, and its token.

    Raises IdempotencyKeyReused, HandoffMadeAlready, SlotGone, ProviderUnknown, NowhereToBook.
    """
    hashed = tokens.key_hash(asked.key, asked.device_id)
    if (known := _known(session, asked, hashed, now)) is not None:
        return known
    salt = tokens.new_salt()
    token = tokens.token_of(asked.key, salt)
    row = {
        "id": tokens.new_id(),
        "token_hash": tokens.digest(token),
        "key_hash": hashed,
        "key_salt": salt,
        "asked": tokens.question_digest(asked.body, asked.key, salt),
        "device_id": asked.device_id,
        "referral": tokens.new_referral(),
        "state": rules.MADE,
        "remind": _may_remind(session, asked),
        "sequence": 0,
        "created_at": now,
        "expires_at": rules.expires_at(rules.MADE, now, starts_s=None, ends_s=None),
    } | (_of_slot(session, asked.slot, now) if asked.slot else _of_provider(session, asked.provider or ""))
    # Somebody who presses twice asks twice at once: one of both makes it, the other finds it.
    insert = insert_or_update(session, Handoff).values(row).on_conflict_do_nothing(index_elements=["key_hash"])
    if session.scalar(insert.returning(Handoff.id)) is None:
        found = _known(session, asked, hashed, now)
        assert found is not None  # noqa: S101 - it stood in the way
        return found
    handoff = session.get_one(Handoff, row["id"])
    _note(session, handoff, was=None, by=rules.RESIDENT, now=now)
    count(session, handoff, rules.MADE)
    return handoff, token


def move(
    session: Session,
    handoff: Handoff,
    became: str,
    *,
    by: rules.By,
    now: datetime,
    starts_s: int | None = None,
    ends_s: int | None = None,
) -> bool:
    """Move a handoff to a state: the only way to change one. Gives False for what only repeats what is so.

    `starts_s`, `ends_s`: times of the appointment, where they are told (seconds since 1970); an end is told only with
    a start. Writes its history and counts, sets or drops its reminders, and on an end drops all that tells for whom and
    for what it was. A slot that is booked is offered to nobody else. Raises HandoffMoveIllegal.
    """
    session.refresh(handoff, with_for_update=True)
    same_times = starts_s is None or (starts_s, ends_s) == (handoff.starts_s, handoff.ends_s)
    if rules.is_repeated(handoff.state, became, same_times=same_times):
        return False
    was = rules.state_at(handoff.state, handoff.expires_at, now)
    may_move = rules.may_move(handoff.state if became == rules.EXPIRED else was, became, by)
    if not may_move or rules.is_too_early(became, handoff.starts_s, now):
        raise HandoffMoveIllegal(state=was, move=became)
    is_first = not queries.has_reached(session, handoff, became)
    _take_times(handoff, starts_s, ends_s)
    was, handoff.state = handoff.state, became
    handoff.expires_at = rules.expires_at(became, now, starts_s=handoff.starts_s, ends_s=handoff.ends_s)
    _note(session, handoff, was=was, by=by, now=now)
    if is_first:
        count(session, handoff, became)
    if became == rules.BOOKED and by == rules.PROVIDER:
        # A resident's word alone takes nothing away from others.
        _delete_booked_slot(session, handoff)
    if became == rules.GONE:
        _forget(handoff, _DROPPED_WHEN_GONE)
    if became in rules.ENDS:
        _forget(handoff, _DROPPED)
        _forget_question(handoff)
        handoff.ended_at = now
    set_reminders(session, handoff, now=now)
    session.flush()
    return True


def follow(session: Session, token: str, *, now: datetime) -> Followed:
    """Follow a short link: whatever was true when it was made is looked at again."""
    handoff = queries.handoff_of(session, token)
    if handoff is None:
        return Followed("over")
    session.refresh(handoff, with_for_update=True)
    state = rules.state_at(handoff.state, handoff.expires_at, now)
    if state in rules.ENDS:
        return Followed("cancelled" if state == rules.CANCELLED else "over")
    if state == rules.GONE:
        return Followed("gone", handoff, sought=queries.sought_by(handoff))
    return _follow_open(session, handoff, now)


def _follow_open(session: Session, handoff: Handoff, now: datetime) -> Followed:
    """Follow the link of a handoff that is made, opened or booked."""
    if handoff.slot_key is None:
        provider = session.get_one(Provider, handoff.provider_id)
        link, phone = provider_link(provider), provider.phone
        is_gone = provider.retired_at is not None
    else:
        offer = queries.present_offer(session, handoff)
        # A slot that begins at another time is another slot.
        is_gone = offer is None or is_over(offer, now) or offer.slot.start_s != handoff.starts_s
        link, phone = (checked_link(offer.link, offer.provider), offer.phone) if offer else (None, None)
    if handoff.state == rules.BOOKED:
        return Followed("booked", handoff, phone=phone or session.get_one(Provider, handoff.provider_id).phone)
    if is_gone:
        move(session, handoff, rules.GONE, by=rules.SYSTEM, now=now)
        return Followed("gone", handoff, sought=queries.sought_by(handoff))
    if link is None and (handoff.link is not None or phone is None):
        return Followed("unsafe", handoff, phone=phone)
    handoff.link = link
    session.flush()
    if handoff.state == rules.OPENED:
        handoff.expires_at = rules.expires_at(rules.OPENED, now, starts_s=None, ends_s=None)
    else:
        move(session, handoff, rules.OPENED, by=rules.SYSTEM, now=now)
    return Followed("phone" if link is None else "link", handoff, link=link, phone=phone)


def make_instead(session: Session, token: str, code: str, *, now: datetime) -> str | None:
    """Hand over to another slot after the first was gone, by the confirmation given for that: the token.

    The first ends by it. None where there is nothing to replace. Pressed twice, it makes one.
    Raises SlotGone, NowhereToBook, HandoffMadeAlready.
    """
    handoff = queries.handoff_of(session, token)
    if handoff is None:
        return None
    session.refresh(handoff, with_for_update=True)
    asked = Asked(
        key=tokens.digest("instead", token, code),
        slot=code,
        provider=None,
        remind=False,  # the device was forgotten with the first
        device_id=None,
        body={"instead": code},
    )
    known = _known(session, asked, tokens.key_hash(asked.key, None), now)
    if known is not None:
        return known[1]
    if rules.state_at(handoff.state, handoff.expires_at, now) != rules.GONE:
        return None
    made = make(session, asked, now=now)[1]
    move(session, handoff, rules.EXPIRED, by=rules.SYSTEM, now=now)
    return made


def set_reminders(session: Session, handoff: Handoff, *, now: datetime) -> None:
    """Set the reminders of an appointment that is booked, whoever asked for them; of any other there are none."""
    session.execute(delete(Reminder).where(Reminder.handoff_id == handoff.id))
    wanted = handoff.remind and handoff.state == rules.BOOKED
    if not wanted or handoff.starts_s is None or handoff.device_id is None:
        return
    for kind, due_at in rules.reminders_due(handoff.starts_s, now).items():
        session.add(
            Reminder(
                handoff_id=handoff.id,
                kind=kind,
                device_id=handoff.device_id,
                due_at=due_at,
                starts_s=handoff.starts_s,
            )
        )


def provider_link(provider: Provider) -> str | None:
    """Where a provider may be booked without a slot; None where nothing is safe. A link that needs a slot is none."""
    template = provider.link_template
    return None if template is None or _SLOT_IN_LINK in template else checked_link(template, provider)


def checked_link(link: str | None, provider: Provider) -> str | None:
    """A link as it may be followed now, by the domains that its provider has now; None where it is not safe."""
    try:
        return safe_link(link, allowed_domains=provider.allowed_domains) if link else None
    except UnsafeLinkError:
        return None


def is_over(offer: Offer, now: datetime) -> bool:
    """Whether a slot has begun already."""
    return datetime.fromtimestamp(offer.slot.start_s, UTC) <= now


def _known(session: Session, asked: Asked, hashed: str, now: datetime) -> tuple[Handoff, str] | None:
    """What the same question made. Raises IdempotencyKeyReused, HandoffMadeAlready."""
    handoff = queries.asked_before(session, hashed)
    if handoff is None:
        return None
    if handoff.asked != tokens.question_digest(asked.body, asked.key, handoff.key_salt):
        raise IdempotencyKeyReused
    if not rules.may_repeat(handoff.state, handoff.created_at, now):
        raise HandoffMadeAlready
    return handoff, tokens.token_of(asked.key, handoff.key_salt)


def _may_remind(session: Session, asked: Asked) -> bool:
    return asked.remind and asked.device_id is not None and queries.agreed_to_reminders(session, asked.device_id)


def _of_slot(session: Session, code: str, now: datetime) -> dict[str, Any]:
    ids = read_slot_code(code)
    offer = offer_of(session, *ids) if ids else None
    if offer is None or is_over(offer, now):
        raise SlotGone
    return {
        "provider_id": offer.provider.id,
        "feed_id": offer.slot.feed_id,
        "slot_key": offer.slot.key,
        "specialty": _specialty(session, offer),
        "modality": offer.schedule.modality,
        "granularity": granularity_of(
            offer.provider.granularity,
            own_link=bool(offer.slot.link),
            calendar_link=bool(offer.schedule.link),
            names_slot=_SLOT_IN_LINK in (offer.provider.link_template or ""),
        ),
        "link": _way(checked_link(offer.link, offer.provider), offer.phone),
        "starts_s": offer.slot.start_s,
        "ends_s": offer.slot.end_s,
        "territory_code": offer.territory_code,
    }


def _of_provider(session: Session, provider_id: str) -> dict[str, Any]:
    provider = queries.present_provider(session, provider_id)
    return {
        "provider_id": provider.id,
        # Without a slot it opens no slot, however precise the links of the provider are.
        "granularity": "practice" if provider.granularity == "slot" else provider.granularity,
        "link": _way(provider_link(provider), provider.phone),
        "territory_code": provider.commune_code or "",
    }


def _way(link: str | None, phone: str | None) -> str | None:
    if link is None and phone is None:
        raise NowhereToBook
    return link


def _specialty(session: Session, offer: Offer) -> str | None:
    """The specialty of a calendar, where it has only one: what others may be offered instead."""
    found = session.scalars(select(Service.specialty).where(Service.schedule_id == offer.schedule.id).limit(2)).all()
    return found[0] if len(found) == 1 else None


def _take_times(handoff: Handoff, starts_s: int | None, ends_s: int | None) -> None:
    if starts_s is None or (starts_s, ends_s) == (handoff.starts_s, handoff.ends_s):
        return
    if handoff.starts_s is not None:
        handoff.sequence += 1
    handoff.starts_s, handoff.ends_s = starts_s, ends_s


def _delete_booked_slot(session: Session, handoff: Handoff) -> None:
    """Offer the slot to nobody else, without waiting for its publisher; one that several may book stays.

    Who booked at another time took another slot.
    """
    session.execute(
        delete(Slot).where(
            Slot.feed_id == handoff.feed_id,
            Slot.key == handoff.slot_key,
            Slot.start_s == handoff.starts_s,
            or_(Slot.capacity.is_(None), Slot.capacity <= 1),
        )
    )


def _forget(handoff: Handoff, names: Iterable[str]) -> None:
    for name in names:
        setattr(handoff, name, None)
    handoff.remind = False


def _forget_question(handoff: Handoff) -> None:
    """Keep nothing by which what was asked could be tried: asked again, it is another question."""
    handoff.key_hash, handoff.key_salt, handoff.asked = tokens.digest(tokens.new_salt()), "", ""


def _note(session: Session, handoff: Handoff, *, was: str | None, by: str, now: datetime) -> None:
    session.add(HandoffEvent(handoff_id=handoff.id, at=now, was=was, became=handoff.state, by=by))
    session.flush()
