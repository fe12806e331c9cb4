"""Makes demo clinics over synthetic pharmacies, and what they tell Alentours, without any network in between."""

from __future__ import annotations

from citizen_api.demo.clinic import demo_calendars
from citizen_api.demo.clinic_feed import DemoCalendar
from citizen_api.demo.clinic_pages import Clinics, make_site
from citizen_api.demo.clinic_state import TakenSlots
from citizen_api.demo.clinic_webhooks import PATH, Told, signed_headers, told_by
from citizen_api.teleconsult.webhook_actions import webhook_secrets
from tests.care.makers import import_records, make_record

REFERRAL = "0b6f5c1e-8f7a-4c07-9f3e-5a1d2c3b4a59"
FINESS = {"75101": "990000017", "75104": "990000041"}


def make_pharmacies(database, folder):
    """Import synthetic pharmacies: two in one arrondissement, one in another, and one elsewhere."""
    places = [
        ("75101", FINESS["75101"], 48.8625, 2.3360),
        ("75101", "990000099", 48.8626, 2.3361),
        ("75104", FINESS["75104"], 48.8560, 2.3560),
        ("92002", "990000001", 48.7530, 2.2960),
    ]
    records = [
        make_record(finess, identifiers=(("finess", finess),), lat=lat, lon=lon, commune_code=commune)
        for commune, finess, lat, lon in places
    ]
    import_records(database, folder, records)


def make_calendar(code: str = "synthetic", **changed) -> DemoCalendar:
    """Make a calendar of a video doctor."""
    values = {"provider_id": "demo-video", "specialty": "general-practice", "modality": "video"} | changed
    return DemoCalendar(code=code, **values)


class Ears:
    """Hears what the clinics tell, and answers as it is told to."""

    def __init__(self) -> None:
        self.heard = []
        self.answer = Told(204)

    def __call__(self, provider_id, news, language):
        self.heard.append((provider_id, news, language))
        return self.answer


def make_clinics(tmp_path, clock, tell=None, calendars=None) -> Clinics:
    """Make clinics of one calendar, which tell nobody."""
    return Clinics(
        calendars=[make_calendar()] if calendars is None else calendars,
        taken=TakenSlots(tmp_path),
        clock=clock,
        tell=tell or Ears(),
    )


def make_loop(database, settings, clock, client):
    """Make the clinics' site as it runs, whose messages go straight to the app behind `client`."""
    numbers = iter(range(1_000))

    def tell(provider_id, news, language):
        with database.session(write=False) as session:
            (secret, *_) = webhook_secrets(session, provider_id)
        body = news.body()
        headers = signed_headers(body, secret=secret, message_id=f"msg_{next(numbers)}", now=clock())
        sent = {"Content-Type": "application/json", "Accept-Language": language, **headers}
        answer = client.post(f"{PATH}/{provider_id}", data=body, headers=sent)
        return told_by(answer.status_code, answer.data)

    with database.session(write=False) as session:
        calendars = demo_calendars(session)
    clinics = Clinics(calendars=calendars, taken=TakenSlots(settings.data_dir), clock=clock, tell=tell)
    return make_site(clinics).test_client()
