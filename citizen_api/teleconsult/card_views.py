"""Route of the card that is shown before a handoff."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from citizen_api.care.present import emergency_view
from citizen_api.teleconsult.card_rules import SUBJECT, card_for, card_version
from citizen_api.teleconsult.card_schemas import CardArgs, CardView
from citizen_api.web.blueprint import Blueprint
from citizen_api.web.language import language
from citizen_api.web.notices import notice
from content.catalogue import catalogue

CACHED_S: Final = 3_600
_DOCTOR_ON_DUTY: Final = "116117"

blp = Blueprint(
    "card",
    __name__,
    url_prefix="/v1/teleconsultations/card",
    description="What everybody is shown before being handed over: when to call 15 or 112 instead, and what to expect.",
)


@blp.get("")
@blp.arguments(CardArgs, location="query")
@blp.response(200, CardView)
@blp.cacheable(CACHED_S)
def card(args: dict[str, Any]) -> dict[str, Any]:
    """Show the card before a handoff: signs that mean call now, what the appointment can and cannot do.

    It is no questionnaire: nothing is asked, nothing is kept, and everybody is shown the same signs.
    """
    shown = card_for(**args)
    return {
        "version": card_version(),
        "signs": _lines("sign", shown.signs),
        "can": _lines("can", shown.can),
        "cannot": _lines("cannot", shown.cannot),
        "have_ready": [{"code": code, "text": _say("providers", f"ready_{code}")} for code in shown.have_ready],
        "offers": [
            {"code": code, "text": _say(SUBJECT, f"offer_{code}"), "href": _href(code, args["specialty"])}
            for code in shown.offers
        ],
        "emergency": emergency_view(language(), short=True),
        "notices": [
            notice("card_nothing_asked"),
            *([notice(f"card_{'no' if args['network'] == 'none' else 'weak'}_network")] if shown.offers else []),
        ],
    }


def _lines(kind: str, codes: Iterable[str]) -> list[dict[str, Any]]:
    return [
        {
            "code": code,
            "text": _say(SUBJECT, f"{kind}_{code}"),
            "source": {"name": fact.name, "url": fact.url},
            "reviewed_on": fact.reviewed_on,
        }
        for code in codes
        for fact in (catalogue().card_facts[f"{kind}_{code}"],)
    ]


def _say(subject: str, code: str) -> str:
    return catalogue().booking[subject][code].say(language())


def _href(code: str, specialty: str | None) -> str:
    """Where an offer is found. Neither a position nor a commune: the client adds its own."""
    if code == "phone":
        return f"tel:{_DOCTOR_ON_DUTY}"
    return "/v1/teleconsultations/slots?modality=assisted" + (f"&specialty={specialty}" if specialty else "")
