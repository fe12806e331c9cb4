"""What an answer shows of waves and messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from citizen_api.people.wishes import Profile
from citizen_api.web.notices import notice
from content.catalogue import catalogue
from notifications.ledger import CATEGORIES, Balance, starts_s_of
from notifications.models import Wave
from notifications.queries import MyMessage, WaveShown, state_of
from notifications.words import Said, words


def wave_view(wave: Wave, *, eligible: int) -> dict[str, Any]:
    """Give what `schemas.WaveView` dumps."""
    return {
        "code": wave.code,
        "number": wave.id,
        "state": state_of(wave),
        **{name: getattr(wave, name) for name in ("lane", "day", "tag", "ailing", "stop_reason", "erased")},
        **{name: getattr(wave, name) for name in ("opened_at", "planned_at", "settled_at", "stopped_at")},
        "eligible": eligible,
        "receipts": {"shown": wave.shown, "opened": wave.opened},
    }


def wave_page_view(shown: WaveShown) -> dict[str, Any]:
    """Give what `schemas.WavePageView` dumps."""
    rate = shown.accepted_per_s
    return wave_view(shown.wave, eligible=shown.balance.eligible) | {
        "balance": balance_view(shown.balance),
        "open_chunks": shown.open_chunks,
        "accepted_per_s": None if rate is None else round(rate, 3),
        "attempts": shown.attempts,
        "notices": [notice("demo_air")] if shown.is_demo else [],
    }


def balance_view(balance: Balance) -> dict[str, Any]:
    """Give what `schemas.BalanceView` dumps."""
    return {
        "eligible": balance.eligible,
        **{category: balance.counts[category] for category in CATEGORIES},
        "missing": balance.missing,
        "balanced": balance.missing == 0,
    }


def message_views(
    found: Sequence[MyMessage], names: Mapping[str, str], *, language: str, profile: Profile
) -> list[dict[str, Any]]:
    """Give what `schemas.MyMessageView` dumps. `names`: of communes, by code."""
    return [_message_view(one, names, language=language, profile=profile) for one in found]


def _message_view(one: MyMessage, names: Mapping[str, str], *, language: str, profile: Profile) -> dict[str, Any]:
    said = [
        Said(
            hazard=part.hazard,
            level=part.level,
            commune_name=names.get(part.commune_code, part.commune_code),
            cause=part.cause,
            tier=part.tier,
            is_demo=part.is_demo,
        )
        for part in one.parts
    ]
    # "Tomorrow" is what it was when it was said.
    said_at = one.message.counted_at or one.wave.opened_at
    day = one.wave.day or one.wave.opened_at.date()
    message = words(
        one.outcome.kind,
        said,
        language=language,
        day=day,
        zone=profile.zone,
        now=said_at,
        starts_s=starts_s_of(one.wave.scope),
    )
    reason, state = one.outcome.reason, one.message.state
    return {
        "id": one.wave.code,
        "opened_at": one.wave.opened_at,
        "day": one.wave.day,
        "kind": one.outcome.kind,
        "title": message.title,
        "body": message.body,
        "reason": {"code": reason, "text": catalogue().why[reason].say(language)},
        "outcome": {"code": state, "text": catalogue().outcomes[state].to_resident.say(language)},
        "expires_at": one.outcome.expires_at,
    }
