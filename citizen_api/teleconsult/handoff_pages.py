"""Pages of a handoff's short link: light, without a script, in the language of the browser.

Whoever opens one is sent on to the booking service, or is told what to do instead. Nothing is sent on, and no state
moves, for what only looks ahead: a prefetch, a preview in a chat, a HEAD.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import flask
from flask import Response, render_template, request
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from citizen_api.core.problems import Problem, TooManyRequests
from citizen_api.teleconsult import calendar_queries
from citizen_api.teleconsult import handoff_actions as actions
from citizen_api.teleconsult import handoff_queries as queries
from citizen_api.teleconsult import handoff_rules as rules
from citizen_api.teleconsult.handoff_models import Handoff
from citizen_api.teleconsult.handoff_present import DEMO, local, say, say_phone, say_time
from citizen_api.teleconsult.handoff_problems import NowhereToBook, SlotGone
from citizen_api.teleconsult.links import with_referral
from citizen_api.teleconsult.models import Provider
from citizen_api.teleconsult.slot_offers import Offer
from citizen_api.teleconsult.slot_rules import ANYWHERE
from citizen_api.web.http import count_against
from citizen_api.web.language import language
from citizen_api.web.services import end_session, now, services
from content.catalogue import catalogue

pages = flask.Blueprint("handoff_pages", __name__, template_folder="templates")

LIMIT: Final = "rate_limit_handoffs"
STYLE: Final = (
    ":root{color-scheme:light dark}"
    "body{font:1.125rem/1.5 system-ui,sans-serif;margin:0;padding:1.25rem;background:Canvas;color:CanvasText}"
    "main,footer{max-width:34rem;margin:0 auto;overflow-wrap:anywhere}"
    "h1{font-size:1.5rem;line-height:1.25}"
    "ul{list-style:none;margin:0;padding:0}"
    "li{border:1px solid GrayText;border-radius:.75rem;margin:1rem 0;padding:1rem}"
    "p{margin:.5rem 0}.when{font-weight:600}.note{border-left:.25rem solid GrayText;padding-left:.75rem}"
    "button,.button{display:block;box-sizing:border-box;width:100%;min-height:3rem;padding:.75rem 1rem;border:0;"
    "border-radius:.75rem;background:#0b57a4;color:#fff;font:inherit;font-weight:600;text-align:center;"
    "margin:.75rem 0;text-decoration:none;cursor:pointer}"
    "button:focus-visible,a:focus-visible{outline:3px solid CanvasText;outline-offset:2px}"
    "footer{border-top:1px solid GrayText;margin-top:2rem;padding-top:.5rem}"
    "footer a{font-weight:600;color:inherit}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'{others}"
)
_AHEAD: Final = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
_PREVIEWER: Final = re.compile(
    # Telephones named Cubot are none.
    r"(?<!cu)bot\b|crawler|spider|preview|facebookexternalhit|facebot|^whatsapp/|skypeuri|embedly|vkshare|^python-requests",
    re.IGNORECASE,
)
_STATUSES: Final[Mapping[str, int]] = {
    "phone": 200,
    "booked": 200,
    "waits": 200,
    "gone": 410,
    "unsafe": 410,
    "cancelled": 410,
    "over": 404,
}


class Recheck(Protocol):
    """Port: asks a publisher again at the moment of a click, if that is quick. Never raises for a publisher's fault."""

    def __call__(self, feed_id: int) -> bool:
        """Whether what is known of a feed is fresh now."""


@pages.get("/h/<token>")
def follow(token: str) -> BaseResponse:
    """Send a resident on, after all was looked at once more."""
    if request.method == "HEAD" or _PREVIEWER.search(request.headers.get("User-Agent", "")):
        return page("waits")
    if any("prefetch" in request.headers.get(name, "").lower() for name in _AHEAD):
        return page("waits", status=503)  # a browser throws this away, and asks again when it is needed
    _recheck(token)
    with services().database.session() as own:
        found = actions.follow(own, token, now=now())
    if found.kind == "link" and found.link and found.handoff:
        source = services().settings.teleconsult_source
        return flask.redirect(with_referral(found.link, source=source, referral=found.handoff.referral), code=303)
    with services().database.session(write=False) as own:
        if found.sought is not None:
            return _gone(own, token, found.sought)
        return page(found.kind, **_about(own, found, token))


@pages.post("/h/<token>/instead")
def instead(token: str) -> BaseResponse:
    """Hand over to another slot, as the page of one that is gone offers."""
    count_against(LIMIT)
    code = request.form.get("slot", "")
    try:
        with services().database.session() as own:
            made = actions.make_instead(own, token, code, now=now())
    except (SlotGone, NowhereToBook):
        with services().database.session(write=False) as own:
            return _gone(own, token, queries.sought_by(queries.known_handoff(own, token)))
    if made is None:
        return page("over")
    return flask.redirect(f"/h/{made}?lang={language()}", code=303)


@pages.errorhandler(Problem)
def on_problem(problem: Problem) -> Response:
    """Say a problem as a page: it is a person who reads it."""
    end_session(success=False)
    words, lang = catalogue().problems[problem.name], language()
    text = _wait(problem) if isinstance(problem, TooManyRequests) else words.detail.say(lang)
    response = page("problem", status=problem.status, title=words.title.say(lang), text=text)
    response.headers.update(problem.headers)
    return response


def _wait(problem: TooManyRequests) -> str:
    """How long somebody who asked too often waits: nobody reads headers."""
    minutes = math.ceil(int(problem.headers["Retry-After"]) / 60)
    return say("page_wait_one" if minutes == 1 else "page_wait", minutes=minutes)


def _recheck(token: str) -> None:
    """Ask the publisher again where the link is one that may be followed. No transaction is open meanwhile.

    Who guesses links is counted; who has one may open it as often as they like. Raises TooManyRequests.
    """
    with services().database.session(write=False) as own:
        handoff = queries.handoff_of(own, token)
        is_open = handoff is not None and handoff.state in (rules.MADE, rules.OPENED) and handoff.expires_at > now()
        feed_id = handoff.feed_id if handoff is not None and is_open else None
    if handoff is None:
        count_against(LIMIT)
    recheck = services().ports.get(Recheck)
    if recheck is not None and feed_id is not None:
        recheck(feed_id)


def _gone(session: Session, token: str, sought: queries.Sought) -> Response:
    offers = queries.instead(session, sought, now(), services().settings)
    links = [actions.checked_link(offer.link, offer.provider) for offer in offers]
    usable = [offer for offer, link in zip(offers, links, strict=True) if link or offer.phone]
    return page(
        "gone",
        origins=filter(None, links),
        text=say("page_gone_text" if usable else "page_gone_none"),
        choices=[_choice(offer) for offer in usable],
        action=f"/h/{token}/instead?lang={language()}",
    )


def _choice(offer: Offer) -> dict[str, Any]:
    at = local(offer.slot.start_s, offer.territory_code)
    place = offer.place
    return {
        "code": offer.code,
        "when": at and say_time(at),
        "name": offer.provider.name,
        "how": catalogue().booking["names"][offer.schedule.modality].say(language()),
        "where": ", ".join(filter(None, (place.name, place.address, place.city))) if place else "",
        "is_demo": offer.provider.origin == DEMO,
    }


def _about(session: Session, found: actions.Followed, token: str) -> dict[str, Any]:
    """What a page says of a handoff that is alive."""
    if found.handoff is None:
        return {}
    provider = session.get_one(Provider, found.handoff.provider_id)
    return {
        "name": provider.name,
        "is_demo": provider.origin == DEMO,
        "when": _when(found.handoff),
        "text": say(f"page_{found.kind}_{'text' if found.phone or found.kind != 'unsafe' else 'none'}"),
        "phone": found.phone and {"tel": found.phone, "text": say("page_call", phone=say_phone(found.phone))},
    } | (_about_booked(session, found.handoff, token) if found.kind == "booked" else {})


def _about_booked(session: Session, handoff: Handoff, token: str) -> dict[str, Any]:
    """Where an appointment is, as far as it is known, and its calendar file where it has one."""
    is_remote = handoff.modality == ANYWHERE
    return {
        "where": catalogue().booking["names"][ANYWHERE].say(language())
        if is_remote
        else calendar_queries.address_of(session, handoff),
        "calendar": None if handoff.starts_s is None else f"/h/{token}.ics?lang={language()}",
    }


def _when(handoff: Handoff) -> str | None:
    at = local(handoff.starts_s, handoff.territory_code)
    return None if at is None else say_time(at)


def page(kind: str, *, status: int | None = None, origins: Iterable[str] = (), **about: Any) -> Response:
    """One page. `origins`: links to whose sites its buttons may lead in the end."""
    if kind != "problem":
        about = {"title": say(f"page_{kind}_title"), "text": say(f"page_{kind}_text")} | about
    body = render_template(
        "handoff.html",
        lang=language(),
        style=Markup(STYLE),  # noqa: S704 - a constant
        demo=catalogue().notices["handoff_demo"].say(language()),
        choose=say("page_choose"),
        calendar_text=say("page_calendar"),
        emergency=say("page_emergency"),
        or_word=say("page_or"),
        **about,
    )
    # A browser holds the redirects that follow a form against this too.
    others = "".join(sorted({f" {site.scheme}://{site.netloc}" for site in map(urlsplit, origins)}))
    response = Response(body, status=status or _STATUSES[kind])
    response.headers["Content-Security-Policy"] = _POLICY.format(others=others)
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response
