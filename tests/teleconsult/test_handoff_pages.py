"""A short link in a browser: it leads on, or says plainly what to do instead."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from citizen_api.teleconsult.card_rules import card_version
from citizen_api.teleconsult.handoff_models import Handoff
from citizen_api.teleconsult.handoff_pages import Recheck
from citizen_api.teleconsult.models import Provider, Slot
from tests.conftest import SUNDAY_NIGHT
from tests.teleconsult.handoff_makers import (
    BROWSER,
    HANDOFFS,
    ask,
    code_of,
    counts_of,
    follow,
    fresh_key,
    hand_over,
    make_app,
    make_offer,
    state_of,
    store_handoff,
    take,
    token_in,
)

CHROME = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36"}


@pytest.fixture
def app(services):
    return make_app(services)


@pytest.fixture
def slot(session):
    return make_offer(session)


@pytest.fixture
def followed(client, slot):
    """A link that was followed once."""
    token = hand_over(client, slot)
    follow(client, token)
    return token


def test_a_link_leads_to_the_booking_service_with_its_referral(client, slot):
    said = ask(client, slot).get_json()

    response = follow(client, token_in(said["link"]))

    assert response.status_code == 303
    link = urlsplit(response.headers["Location"])
    assert (link.scheme, link.netloc, link.path) == ("https", "synthetic-clinic.example", "/book")
    asked = dict(parse_qsl(link.query))
    assert (asked["source"], asked["booking-referral"]) == ("alentours", said["referral"])
    assert asked["slot"] == slot.source_id


def test_a_redirect_tells_no_referrer_and_is_not_kept(client, slot):
    headers = follow(client, hand_over(client, slot)).headers

    assert (headers["Referrer-Policy"], headers["Cache-Control"]) == ("no-referrer", "no-store")


def test_a_link_that_was_followed_is_opened(client, followed):
    assert state_of(client, followed) == "opened"


def test_a_link_may_be_followed_again_for_a_day_after_the_last_time(client, session, clock):
    slot = make_offer(session, start=SUNDAY_NIGHT + timedelta(days=3))
    token = hand_over(client, slot)
    follow(client, token)
    clock.moment += timedelta(hours=20)
    follow(client, token)
    clock.moment += timedelta(hours=20)

    assert follow(client, token).status_code == 303
    assert counts_of(session) == {"made": 1, "opened": 1}


def test_a_provider_without_a_slot_leads_to_its_own_page(client, session):
    make_offer(session, link_template="https://synthetic-clinic.example/home")
    asked = {"provider": "synthetic-clinic", "card_shown": card_version()}
    made = client.post(HANDOFFS, json=asked, headers=fresh_key()).get_json()

    response = follow(client, token_in(made["link"]))

    assert response.headers["Location"].startswith("https://synthetic-clinic.example/home?source=alentours&")


@pytest.mark.parametrize(
    "headers", [{"Sec-Purpose": "prefetch"}, {"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}]
)
def test_a_browser_that_looks_ahead_opens_nothing(client, slot, headers):
    token = hand_over(client, slot)

    response = follow(client, token, **headers)

    assert response.status_code == 503
    assert "Location" not in response.headers
    assert state_of(client, token) == "made"


@pytest.mark.parametrize(
    "agent",
    [
        "WhatsApp/2.23.20.0",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "TelegramBot (like TwitterBot)",
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "SkypeUriPreview Preview/0.5",
    ],
)
def test_the_preview_of_a_chat_opens_nothing(client, slot, agent):
    token = hand_over(client, slot)

    response = client.get(f"/h/{token}", headers={"User-Agent": agent})

    assert (response.status_code, "Location" in response.headers) == (200, False)
    assert state_of(client, token) == "made"


@pytest.mark.parametrize("agent", [BROWSER["User-Agent"], CHROME["User-Agent"]])
def test_the_browser_of_a_person_is_sent_on(client, slot, agent):
    assert follow(client, hand_over(client, slot), **{"User-Agent": agent}).status_code == 303


def test_head_opens_nothing(client, slot):
    token = hand_over(client, slot)

    response = client.head(f"/h/{token}", headers=BROWSER)

    assert (response.status_code, response.data) == (200, b"")
    assert state_of(client, token) == "made"


def test_a_slot_that_is_gone_gives_the_soonest_three_instead(client, session, slot):
    token = hand_over(client, slot)
    others = [make_offer(session, f"other-{n}", start=SUNDAY_NIGHT + timedelta(hours=12 + n)) for n in range(4)]
    make_offer(session, "dermatology", specialties=("dermatology",), start=SUNDAY_NIGHT + timedelta(hours=11))
    # None begins before the slot itself, and another specialty is not the same.
    take(session, slot)

    response = follow(client, token)

    assert response.status_code == 410
    assert [code_of(other) in response.text for other in others] == [True, True, True, False]
    assert response.text.count("<form") == 3
    assert state_of(client, token) == "gone"
    assert counts_of(session) == {"made": 1, "gone": 1}


def test_the_page_of_what_is_gone_opens_again_for_two_hours(client, session, clock, slot):
    token = hand_over(client, slot)
    other = make_offer(session, "other")
    take(session, slot)
    follow(client, token)
    clock.moment += timedelta(minutes=119)

    again = follow(client, token)
    clock.moment += timedelta(minutes=1)

    assert (again.status_code, code_of(other) in again.text) == (410, True)
    assert follow(client, token).status_code == 404


def test_what_was_cancelled_says_so(client, slot):
    token = hand_over(client, slot)
    client.delete(f"{HANDOFFS}/{token}")

    response = follow(client, token)

    assert (response.status_code, "This was cancelled" in response.text) == (410, True)


def test_slots_of_another_modality_are_offered_after_those_of_the_same(client, session, slot):
    token = hand_over(client, slot)
    booth = make_offer(session, "booth", modality="assisted", start=SUNDAY_NIGHT + timedelta(hours=11))
    video = make_offer(session, "video", start=SUNDAY_NIGHT + timedelta(hours=15))
    take(session, slot)

    page = follow(client, token).text

    assert 0 < page.find(code_of(video)) < page.find(code_of(booth))


def test_without_any_other_slot_the_page_says_what_to_do(client, session, slot):
    token = hand_over(client, slot)
    take(session, slot)

    page = follow(client, token).text

    assert "<form" not in page
    assert "116 117" in page


def test_a_slot_that_moved_is_another_slot(client, session, slot):
    token = hand_over(client, slot)
    session.get_one(Slot, (slot.feed_id, slot.key)).start_s += 900
    session.commit()

    assert follow(client, token).status_code == 410


def test_a_slot_that_has_begun_is_gone(client, session, clock):
    token = hand_over(client, make_offer(session, start=SUNDAY_NIGHT + timedelta(minutes=30)))
    clock.moment += timedelta(minutes=31)

    assert follow(client, token).status_code == 410


def test_a_provider_that_is_offered_no_more_is_gone(client, session, slot):
    token = hand_over(client, slot)
    session.get_one(Provider, "synthetic-clinic").retired_at = SUNDAY_NIGHT
    session.commit()

    assert follow(client, token).status_code == 410


def test_a_link_that_is_not_safe_any_more_is_not_opened(client, session, slot):
    token = hand_over(client, slot)
    session.get_one(Slot, (slot.feed_id, slot.key)).link = "https://evil.example/"
    session.get_one(Provider, "synthetic-clinic").phone = "+33100000001"
    session.commit()

    response = follow(client, token)

    assert (response.status_code, "Location" in response.headers) == (410, False)
    assert 'href="tel:+33100000001">Call 01 00 00 00 01<' in response.text
    assert "evil" not in response.text
    assert state_of(client, token) == "made"


def test_a_domain_that_is_allowed_no_more_is_not_opened(client, session, slot):
    token = hand_over(client, slot)
    session.get_one(Provider, "synthetic-clinic").allowed_domains = ["elsewhere.example"]
    session.commit()

    assert follow(client, token).status_code == 410


def test_where_one_books_by_phone_the_page_says_so(client, session):
    token = hand_over(client, make_offer(session, link="http://synthetic-clinic.example/", phone="+33100000001"))

    response = follow(client, token)

    assert response.status_code == 200
    assert 'href="tel:+33100000001"' in response.text
    assert state_of(client, token) == "opened"


def test_what_is_booked_is_not_booked_again(client, followed):
    client.post(f"{HANDOFFS}/{followed}/feedback", json={"outcome": "booked"})

    response = follow(client, followed)

    assert response.status_code == 200
    assert "Monday 23 November, 9:40" in response.text
    assert "by video" in response.text
    assert f"/h/{followed}.ics" in response.text
    assert state_of(client, followed) == "booked"


@pytest.mark.parametrize("kind", ["unknown", "garbage", "short", "expired", "noted"])
def test_what_leads_nowhere_is_one_page_whatever_the_reason(client, session, clock, slot, kind):
    token = hand_over(client, slot)
    if kind == "expired":
        clock.moment += timedelta(hours=2)
    if kind == "noted":
        session.query(Handoff).one().state = "expired"
        session.commit()
    token = {"unknown": "a" * 32, "garbage": "%E2%80%AE%27%22<b>", "short": "a"}.get(kind, token)

    response = follow(client, token)

    assert response.status_code == 404
    assert response.text == follow(client, "b" * 32).text


@pytest.mark.parametrize(
    ("accepted", "lang", "said"),
    [("fr", None, "Ce lien ne sert plus"), ("fr", "en", "no longer in use"), ("de", None, "Ce lien")],
)
def test_a_page_speaks_the_language_of_the_browser(client, accepted, lang, said):
    response = client.get(
        f"/h/{'a' * 32}", query_string=lang and {"lang": lang}, headers={"Accept-Language": accepted} | CHROME
    )

    assert said in response.text
    assert response.headers["Content-Language"] == (lang or "fr")


def page_of(client, session, kind):
    slot = make_offer(
        session,
        phone="+33100000001" if kind == "phone" else None,
        link="x" if kind == "phone" else "https://synthetic-clinic.example/",
    )
    token = hand_over(client, slot)
    if kind == "gone":
        for number in range(3):
            make_offer(session, f"other-{number}", at=(48.8, 2.3), modality="assisted", name="Cabinet d'essai " * 10)
        take(session, slot)
    if kind == "unsafe":
        session.get_one(Slot, (slot.feed_id, slot.key)).link = None
        session.commit()
    return follow(client, "a" if kind == "over" else token)


@pytest.mark.parametrize("kind", ["gone", "unsafe", "phone", "over"])
def test_every_page_is_light_private_and_says_whom_to_call_in_an_emergency(client, session, kind):
    response = page_of(client, session, kind)

    policy = response.headers["Content-Security-Policy"]
    assert len(response.data) < 10_000
    assert "<script" not in response.text
    assert "http" not in response.text.partition("<main>")[2]
    assert response.text.rstrip().endswith(
        '<a href="tel:15">15</a> or <a href="tel:112">112</a>.</p>\n</footer>\n</body>\n</html>'
    )
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Robots-Tag"] == "noindex, nofollow"


def test_a_form_may_lead_only_to_the_sites_offered(client, session):
    policy = page_of(client, session, "gone").headers["Content-Security-Policy"]

    assert policy.endswith("form-action 'self' https://synthetic-clinic.example")


class FeedReader:
    """Stands in for the reader of feeds: notes what it is asked, and does what a test tells."""

    def __init__(self, services, doing=lambda _session: None):
        self._services, self._doing, self.asked = services, doing, []

    def __call__(self, feed_id: int) -> bool:
        self.asked.append(feed_id)
        with self._services.database.session() as session:
            self._doing(session)
        return True


def test_a_publisher_is_asked_again_at_the_click(client, services, slot):
    reader = services.ports[Recheck] = FeedReader(services, lambda session: session.query(Slot).delete())
    token = hand_over(client, slot)

    assert follow(client, token).status_code == 410
    assert reader.asked == [slot.feed_id]


@pytest.mark.parametrize("token", ["a" * 32, "ended"])
def test_no_publisher_is_asked_for_a_link_that_leads_nowhere(client, services, slot, token):
    reader = services.ports[Recheck] = FeedReader(services)
    if token == "ended":
        token = hand_over(client, slot)
        client.delete(f"{HANDOFFS}/{token}")

    follow(client, token)

    assert reader.asked == []


def test_a_demo_slot_says_so_on_the_page(client, session, slot):
    token = hand_over(client, slot)
    make_offer(session, "demo-clinic", origin="demo")
    take(session, slot)

    assert "Demo city" in follow(client, token).text


def test_a_stored_handoff_of_somebody_else_is_left_alone(client, session, slot):
    other = store_handoff(session, slot)
    follow(client, hand_over(client, slot))

    session.expire_all()
    assert other.state == "made"
