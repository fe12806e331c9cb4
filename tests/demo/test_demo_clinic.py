"""The demo clinics from end to end: read by the usual reader, booked on their page, told back, gone without --demo."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from flask import Flask, Response, request
from sqlalchemy import func, select

from citizen_api.core.outgoing import make_client, refusal
from citizen_api.demo import clinic
from citizen_api.demo.clinic_pages import MANIFEST
from citizen_api.demo.clinic_state import FOLDER, TakenSlots
from citizen_api.demo.clinic_webhooks import News, Told, send, signed_headers, teller, told_by
from citizen_api.teleconsult import links
from citizen_api.teleconsult.models import Feed, Provider, Schedule, Slot, SlotPlace
from citizen_api.teleconsult.provider_actions import add_webhook_secret
from citizen_api.teleconsult.slot_ids import slot_code
from citizen_api.teleconsult.webhooks import is_signed
from tests.demo.clinic_makers import FINESS, REFERRAL, make_loop, make_pharmacies
from tests.teleconsult.handoff_makers import follow, hand_over, make_app, state_of, take
from tests.teleconsult.slot_makers import make_feed, make_provider, make_schedule, make_slot


@pytest.fixture
def port():
    """The port of the demo clinics, as `serve --demo` tells it."""
    yield clinic.choose_clinic_port()
    clinic.forget_clinic_from_environment()


@pytest.fixture
def city(database, settings, clock, tmp_path, port):
    """A demo city that was read once."""
    make_pharmacies(database, tmp_path)
    return clinic.read_demo_clinic(settings, database, clock), port


@pytest.fixture
def client(services):
    clinic.allow_clinic_from_environment()
    return make_app(services).test_client()


def slots_of(session, provider_id):
    return session.scalars(
        select(Slot).join(Feed, Feed.id == Slot.feed_id).where(Feed.provider_id == provider_id).order_by(Slot.start_s)
    ).all()


def test_a_start_reads_slots_of_the_coming_week_from_every_clinic(city, session, clock):
    turns, _ = city
    assert [(turn.problem, turn.rejected.total()) for turn in turns] == [(None, 0)] * 3
    for provider_id in (clinic.PRACTICES, clinic.BOOTHS, clinic.VIDEO):
        slots = slots_of(session, provider_id)
        assert len(slots) > 50
        assert slots[0].start_s > clock().timestamp()


@pytest.mark.usefixtures("city")
def test_all_of_it_says_that_it_is_a_demo(session):
    providers = session.scalars(select(Provider)).all()
    assert {row.id[:5] for row in providers} == {"demo-"}
    assert {row.origin for row in providers} == {"demo"}
    for name in [*(row.name for row in providers), *session.scalars(select(SlotPlace.name))]:
        assert "Démo" in name
        assert "fictif" in name or "fictive" in name


@pytest.mark.usefixtures("city")
def test_booths_stand_in_one_pharmacy_of_each_arrondissement_of_the_middle(session):
    booths = session.scalars(select(SlotPlace).where(SlotPlace.source_id.startswith("booth-"))).all()
    assert {row.source_id for row in booths} == {"booth-75101", "booth-75104"}
    assert all(row.facility_id for row in booths)
    assert {row.commune_code for row in booths} == set(FINESS)


def test_without_pharmacies_there_are_no_booths_but_all_the_rest(session):
    calendars = clinic.demo_calendars(session)
    assert {calendar.provider_id for calendar in calendars} == {clinic.PRACTICES, clinic.VIDEO}


@pytest.mark.usefixtures("city")
def test_its_turns_read_it_again_every_minute_and_leave_other_feeds_alone(settings, database, clock, session):
    make_feed(session, make_provider(session), next_try_at=None)
    with make_client(settings) as client, clinic.serving_demo_clinic(settings, database, client, clock) as (turn,):
        assert {each.name for each in turn()} == {clinic.PRACTICES, clinic.BOOTHS, clinic.VIDEO}
        clock.moment += timedelta(seconds=30)
        assert turn() == []
        clock.moment += timedelta(seconds=40)
        assert len(turn()) == 3


def test_a_reading_within_the_minute_finds_nothing_changed(city, settings, database, clock):
    assert city[0][0].written > 0
    clock.moment += timedelta(seconds=1)
    assert [(turn.written, turn.gone) for turn in clinic.read_demo_clinic(settings, database, clock)] == [(0, 0)] * 3


def test_what_somebody_took_is_gone_after_the_next_reading(city, settings, database, clock, session):
    assert city
    gone, *kept = slots_of(session, clinic.VIDEO)
    TakenSlots(settings.data_dir).take(gone.source_id)
    clock.moment += timedelta(seconds=1)
    clinic.read_demo_clinic(settings, database, clock)
    session.expire_all()
    assert {slot.source_id for slot in slots_of(session, clinic.VIDEO)} == {slot.source_id for slot in kept}


def test_another_start_keeps_the_secret_and_moves_to_the_new_port(city, settings, database, clock, session):
    secrets = {row.id: row.webhook_secrets for row in session.scalars(select(Provider))}
    clinic.forget_clinic_from_environment()
    port = clinic.choose_clinic_port()
    clinic.read_demo_clinic(settings, database, clock)
    session.expire_all()
    for row in session.scalars(select(Provider)):
        assert row.webhook_secrets == secrets[row.id]
        assert row.link_template == f"http://127.0.0.1:{port}/booking?slot={{slot}}"
    assert port != city[1]


def test_one_is_handed_over_books_and_is_told_back_moved_and_completed(
    city, client, settings, database, clock, session
):
    site = make_loop(database, settings, clock, client)
    slot = slots_of(session, clinic.VIDEO)[0]
    token = hand_over(client, slot)
    redirect = follow(client, token)
    there = urlsplit(redirect.headers["Location"])
    assert (redirect.status_code, there.netloc) == (303, f"127.0.0.1:{city[1]}")
    page = site.get(f"{there.path}?{there.query}&lang=en")
    form = dict(re.findall(r'type="hidden" name="([\w-]+)" value="([^"]*)"', page.text))
    assert form["booking-referral"] == parse_qs(there.query)["booking-referral"][0]
    told = []
    for action in ("confirm", "move", "complete", "cancel"):
        if action == "complete":  # one cannot have been there before
            clock.moment = datetime.fromtimestamp(slot.start_s, UTC) + timedelta(hours=2)
        answer = site.post("/booking", data=form | {"action": action})
        told.append((re.findall(r"<code>(\d+)</code>", answer.text)[0], state_of(client, token)))
    assert told == [("204", "booked"), ("204", "booked"), ("204", "completed"), ("409", "completed")]


def test_a_booking_frees_its_slot_for_nobody_else(city, client, settings, database, clock, session):
    assert city
    site = make_loop(database, settings, clock, client)
    slot = slots_of(session, clinic.VIDEO)[0]
    asked = parse_qs(urlsplit(follow(client, hand_over(client, slot)).headers["Location"]).query)
    form = {name: asked[name][0] for name in ("slot", "booking-referral")}
    site.post("/booking", data=form | {"action": "confirm"})
    clock.moment += timedelta(seconds=1)
    clinic.read_demo_clinic(settings, database, clock)
    session.expire_all()
    assert form["slot"] not in {each.source_id for each in slots_of(session, clinic.VIDEO)}


def test_where_a_slot_is_gone_three_others_may_be_chosen(city, client, session):
    assert city
    slot = slots_of(session, clinic.VIDEO)[0]
    token = hand_over(client, slot)
    take(session, slot)
    page = follow(client, token)
    assert page.status_code == 410
    assert len(re.findall('name="slot"', page.text)) == 3
    assert slot_code(slot.feed_id, slot.key) not in page.text


def test_only_a_process_that_was_told_hands_over_to_the_demo(port):
    link = f"http://127.0.0.1:{port}/booking?slot=x"
    with pytest.raises(links.UnsafeLinkError):
        links.safe_link(link, allowed_domains=[])
    clinic.allow_clinic_from_environment()
    assert (links.safe_link(link, allowed_domains=[]), refusal(link)) == (link, None)
    with pytest.raises(links.UnsafeLinkError):
        links.safe_link(link.replace(f":{port}/", f":{port + 1}/"), allowed_domains=[])


@pytest.mark.parametrize("said", [None, "", "x", "²"])
def test_without_demo_no_process_is_told(monkeypatch, said):
    monkeypatch.delenv(clinic.PORT_VARIABLE, raising=False)
    if said is not None:
        monkeypatch.setenv(clinic.PORT_VARIABLE, said)
    clinic.allow_clinic_from_environment()
    assert clinic.clinic_port() is None
    assert not links._demo_origins


def test_a_start_without_demo_leaves_nothing_of_it(city, settings, database, session):
    assert city
    other = make_slot(session, make_schedule(session, make_feed(session, make_provider(session))))
    TakenSlots(settings.data_dir).take("synthetic-1")
    session.commit()
    clinic.forget_demo_clinic(database, settings)
    session.expire_all()
    assert session.scalars(select(Provider.id)).all() == ["synthetic-clinic"]
    assert session.scalars(select(Slot.source_id)).all() == [other.source_id]
    assert session.scalar(select(func.count()).select_from(Schedule)) == 1
    assert not (settings.data_dir / FOLDER).exists()


def test_nobody_is_asked_again_where_no_demo_city_runs(database, session, clock):
    make_feed(session, make_provider(session))
    session.commit()
    assert not clinic.ask_clinics_again(database, clock())


def test_the_message_is_signed_and_goes_to_the_product_itself(database, session, clock):
    secret = add_webhook_secret(session, make_provider(session, "demo-video"))
    session.commit()
    heard = []
    product = Flask("product")

    @product.post("/v1/teleconsultations/webhooks/demo-video")
    def hear():
        heard.append((request.get_data(), dict(request.headers)))
        return Response(status=204)

    with clinic.ClinicServer(product) as server:
        tell = teller(database, clock, port=server.port)
        assert tell("demo-video", News("booking.confirmed", REFERRAL), "en") == Told(204)
    ((body, headers),) = heard
    signed = {name: headers[name] for name in ("Webhook-Id", "Webhook-Timestamp", "Webhook-Signature")}
    message_id, timestamp, signatures = signed.values()
    checked = {"message_id": message_id, "timestamp": timestamp, "signatures": signatures, "now": clock()}
    assert is_signed(body, secrets=[secret], **checked)
    assert not is_signed(body + b" ", secrets=[secret], **checked)


def test_a_provider_without_a_secret_tells_nothing(database, session, clock):
    make_provider(session, "demo-video")
    session.commit()
    assert teller(database, clock, port=9)("demo-video", News("booking.confirmed", REFERRAL), "en") == Told(None)


def test_a_product_that_is_down_is_said_not_to_answer(unused_port):
    assert send(f"http://127.0.0.1:{unused_port}/", b"{}", {}, "en") == Told(None)


@pytest.fixture
def unused_port():
    with clinic.ClinicServer(Flask("closed")) as server:
        pass
    return server.port


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"title": "x"}', b"\xff"])
def test_an_answer_that_is_no_problem_is_only_its_status(body):
    assert told_by(502, body) == Told(502)


def test_a_secret_is_read_as_the_product_writes_it(clock):
    headers = signed_headers(b"{}", secret="whsec_c3ludGhldGlj", message_id="msg_1", now=clock())
    assert is_signed(
        b"{}",
        message_id="msg_1",
        timestamp=headers["webhook-timestamp"],
        signatures=headers["webhook-signature"],
        secrets=["whsec_c3ludGhldGlj"],
        now=clock(),
    )


def test_the_server_serves_at_the_port_that_was_chosen_and_frees_it(settings, database, clock, port):
    for _ in range(2):
        with make_client(settings) as client, clinic.serving_demo_clinic(settings, database, client, clock):
            url = f"http://127.0.0.1:{port}/{clinic.VIDEO}/{MANIFEST}"
            assert httpx.get(url, trust_env=False).status_code == 200
