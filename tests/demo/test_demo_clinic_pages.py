"""The site of the demo clinics: what it publishes only when it changed, and a booking page where nothing is booked."""

import re
from datetime import timedelta

import pytest

from citizen_api.demo import clinic_feed as feed
from citizen_api.demo.clinic_pages import _WORDS, make_site
from citizen_api.demo.clinic_state import TakenSlots
from citizen_api.demo.clinic_webhooks import Told
from tests.demo.clinic_makers import REFERRAL, Ears, make_calendar, make_clinics

MANIFEST = "/demo-video/$bulk-publish"
SLOTS = "/demo-video/Slot.ndjson"
BUTTONS = ("confirm", "move", "cancel", "complete")
OTHER_REFERRAL = "5a1d2c3b-0b6f-4c07-9f3e-8f7a5c1e4a59"


@pytest.fixture
def ears():
    return Ears()


@pytest.fixture
def clinics(tmp_path, clock, ears):
    return make_clinics(tmp_path, clock, ears)


@pytest.fixture
def site(clinics):
    return make_site(clinics).test_client()


@pytest.fixture
def slot(clock):
    """A free slot of tomorrow."""
    slots = feed.slots_between(make_calendar(), clock(), clock() + timedelta(days=2), clock())
    return next(slot for slot in slots if slot.is_free)


@pytest.fixture
def show(site, slot):
    """Open the booking page as somebody who was handed over does."""

    def opened(**changed):
        asked = {"slot": slot.id, "source": "alentours", "booking-referral": REFERRAL, "lang": "en"} | changed
        return site.get("/booking", query_string=asked)

    return opened


@pytest.fixture
def press(site, slot):
    def pressed(action, **changed):
        asked = {"slot": slot.id, "booking-referral": REFERRAL, "lang": "en", "hours": "0", "action": action}
        return site.post("/booking", data=asked | changed)

    return pressed


def buttons(page):
    return re.findall(r'name="action" value="(\w+)"', page.text)


def plain(page):
    """What a page says, its narrow spaces as any other."""
    return re.sub(r"\s", " ", page.text)


def etag(site, path):
    return site.get(path).headers["ETag"]


@pytest.mark.parametrize("path", [MANIFEST, SLOTS, "/demo-video/Location.ndjson", "/demo-video/Schedule.ndjson"])
def test_what_did_not_change_is_not_sent_again(site, path):
    again = site.get(path, headers={"If-None-Match": etag(site, path)})
    assert (again.status_code, again.data) == (304, b"")


def test_the_manifest_changes_with_the_minute(site, clock):
    before = etag(site, MANIFEST)
    clock.moment += timedelta(seconds=59)
    assert etag(site, MANIFEST) == before
    clock.moment += timedelta(seconds=1)
    assert etag(site, MANIFEST) != before


def test_a_slot_that_is_taken_changes_the_manifest_and_the_slots_within_the_minute(site, clinics, slot):
    before = [etag(site, path) for path in (MANIFEST, SLOTS)]
    clinics.taken.take(slot.id)
    assert not set(before) & {etag(site, path) for path in (MANIFEST, SLOTS)}
    assert slot.id not in site.get(SLOTS).text
    clinics.taken.free(slot.id)
    assert [etag(site, path) for path in (MANIFEST, SLOTS)] == before


@pytest.mark.parametrize("path", ["/", "/nobody/$bulk-publish", "/nobody/Slot.ndjson", "/demo-video/Patient.ndjson"])
def test_nothing_else_is_there(site, path):
    assert site.get(path).status_code == 404


@pytest.mark.parametrize(("language", "word"), [("fr", "DÉMO"), ("en", "DEMO")])
def test_the_page_says_that_it_is_a_demo_shows_the_time_and_has_every_button(show, slot, language, word):
    page = show(lang=language)
    assert page.status_code == 200
    assert f'<html lang="{language}">' in page.text
    assert f"{word}" in page.text
    at = slot.start.astimezone(feed.PARIS)
    assert (f"{at.hour} h {at.minute:02d}" if language == "fr" else f"{at.hour}:{at.minute:02d}") in plain(page)
    assert tuple(buttons(page)) == BUTTONS


def test_the_page_has_no_script_and_leads_nowhere_else(show):
    page = show()
    policy = page.headers["Content-Security-Policy"]
    assert "<script" not in page.text
    assert ("default-src 'none'" in policy, "form-action 'self'" in policy) == (True, True)
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"


def test_opening_the_page_tells_nobody_anything(show, ears, clinics):
    show(action="confirm")
    assert (ears.heard, dict(clinics.taken.holders())) == ([], {})


@pytest.mark.parametrize(
    ("action", "kind", "hours"),
    [
        ("confirm", "booking.confirmed", 0),
        ("move", "booking.moved", 1),
        ("cancel", "booking.cancelled", None),
        ("complete", "booking.completed", None),
    ],
)
def test_each_button_tells_alentours_and_shows_its_answer(press, ears, slot, action, kind, hours):
    page = press(action)
    ((provider_id, news, language),) = ears.heard
    assert (provider_id, news.kind, news.referral, language) == ("demo-video", kind, REFERRAL, "en")
    assert news.start == (None if hours is None else slot.start + timedelta(hours=hours))
    assert (kind in page.text, "204" in page.text) == (True, True)


@pytest.mark.parametrize(("action", "said"), [("cancel", "is cancelled"), ("complete", "took place")])
def test_after_an_ending_nothing_more_is_offered_in_either_language(press, site, action, said):
    page = press(action)
    assert (buttons(page), said in page.text) == ([], True)
    footer = page.text.partition("<footer>")[2]
    form = dict(re.findall(r'type="hidden" name="([\w-]+)" value="([^"]*)"', footer))
    other = site.get("/booking", query_string=form | {"lang": "fr"})
    assert (other.status_code, buttons(other)) == (200, [])
    assert "plus rien à faire ici" in other.text


@pytest.mark.parametrize("action", ["confirm", "move"])
def test_after_what_is_no_ending_every_button_stays(press, action):
    assert tuple(buttons(press(action))) == BUTTONS


def test_an_ending_that_alentours_refuses_leaves_every_button(press, ears):
    ears.answer = Told(409, "Not possible", "It is not booked.")
    assert tuple(buttons(press("cancel"))) == BUTTONS


def test_the_other_language_shows_a_moved_appointment_at_its_new_time(press):
    footer = press("move").text.partition("<footer>")[2]
    assert 'name="hours" value="1"' in footer


@pytest.mark.parametrize(("language", "accepted"), [("fr", "en-GB"), ("en", "fr-FR")])
def test_the_language_of_the_link_counts_before_that_of_the_browser(site, slot, language, accepted):
    asked = {"slot": slot.id, "booking-referral": REFERRAL, "lang": language}
    page = site.get("/booking", query_string=asked, headers={"Accept-Language": accepted})
    assert f'<html lang="{language}">' in page.text


def test_an_appointment_moves_by_an_hour_each_time(press, ears, slot):
    page = press("move", hours="1")
    assert ears.heard[0][1].start == slot.start + timedelta(hours=2)
    assert 'name="hours" value="2"' in page.text


def test_what_alentours_refuses_is_shown_and_is_not_so(press, ears, clinics):
    ears.answer = Told(409, "Not possible <now>", "It was cancelled.")
    page = press("move")
    assert "Not possible &lt;now&gt;" in page.text
    assert 'name="hours" value="0"' in page.text
    assert dict(clinics.taken.holders()) == {}


def test_no_answer_is_said_to_be_none(press, ears):
    ears.answer = Told(None)
    assert "did not answer" in press("confirm").text


def test_a_confirmed_slot_is_published_no_more_until_it_is_cancelled(press, site, slot):
    press("confirm")
    assert slot.id not in site.get(SLOTS).text
    press("cancel")
    assert slot.id in site.get(SLOTS).text


def test_whoever_booked_a_slot_still_sees_it_and_nobody_else_does(press, show):
    press("confirm")
    assert show().status_code == 200
    other = show(**{"booking-referral": OTHER_REFERRAL})
    assert (other.status_code, buttons(other)) == (410, [])


def test_nobody_cancels_what_somebody_else_booked(press, ears, clinics, slot):
    press("confirm")
    assert press("cancel", **{"booking-referral": OTHER_REFERRAL}).status_code == 410
    assert (len(ears.heard), list(clinics.taken.holders())) == (1, [slot.id])


@pytest.mark.parametrize("referral", ["", "x", '"><script>'])
def test_without_a_referral_there_is_nobody_to_tell(show, press, ears, referral):
    page = show(**{"booking-referral": referral})
    assert (page.status_code, buttons(page)) == (200, [])
    press("confirm", **{"booking-referral": referral})
    assert ears.heard == []


@pytest.mark.parametrize(
    "changed", [{"action": "pay"}, {"action": ""}, {"hours": "-1"}, {"hours": "x"}, {"hours": "99"}, {"hours": "²"}]
)
def test_a_form_that_is_made_up_is_answered_with_the_page(press, changed):
    assert press(**{"action": "confirm"} | changed).status_code == 200


@pytest.mark.parametrize("name", ["", "synthetic-1", "../../etc/passwd", "<script>alert(1)</script>", "a" * 5_000])
def test_a_slot_that_is_none_is_not_found_and_not_repeated(show, name):
    page = show(slot=name)
    assert page.status_code == 404
    assert "alert(1)" not in page.text


@pytest.mark.parametrize(
    ("accepted", "language"), [("fr-FR,fr;q=0.9,en;q=0.5", "fr"), ("en-GB", "en"), ("de", "fr"), (None, "fr")]
)
def test_the_browser_says_in_which_language(site, slot, accepted, language):
    headers = {"Accept-Language": accepted} if accepted else {}
    assert f'<html lang="{language}">' in site.get("/booking", query_string={"slot": slot.id}, headers=headers).text


def test_both_languages_have_the_same_words():
    assert _WORDS["fr"].keys() == _WORDS["en"].keys()


def test_of_two_who_take_a_slot_the_first_has_it(tmp_path):
    taken = TakenSlots(tmp_path)
    taken.take("synthetic-1", REFERRAL)
    held = dict(taken.holders())
    taken.take("synthetic-1", OTHER_REFERRAL)
    assert TakenSlots(tmp_path).holders() == held
    assert REFERRAL not in held["synthetic-1"]


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "A", ".hidden", "x" * 101])
def test_only_a_name_of_a_slot_becomes_a_file(tmp_path, name):
    with pytest.raises(ValueError, match="not a name"):
        TakenSlots(tmp_path).take(name)


def test_all_that_was_taken_is_forgotten_without_the_demo(tmp_path):
    taken = TakenSlots(tmp_path)
    taken.take("synthetic-1")
    taken.clear()
    assert list(tmp_path.iterdir()) == []
