"""What stands on the screen for an appointment or a slot: right by the device's clock, and silent about health."""

from datetime import timedelta

import pytest

from content.catalogue import catalogue, load_catalogue
from content.push import BODY_MOST, PLAIN_KINDS, PLAIN_REASONS, TITLE_MOST
from content.words import ContentError
from notifications.words import words
from tests.content.makers import make_spoilt
from tests.notifications.makers import DAY, at
from tests.notifications.reminder_makers import TOMORROW, utc

PARIS = "Europe/Paris"


def said(kind, starts_at=TOMORROW, *, language="fr", zone=PARIS, now=None):
    return words(
        kind,
        [],
        language=language,
        day=DAY,
        zone=zone,
        now=now or starts_at - timedelta(days=1),
        starts_s=None if starts_at is None else int(starts_at.timestamp()),
    )


@pytest.mark.parametrize(
    ("kind", "language", "title"),
    [
        ("day_ahead", "fr", "Rendez-vous demain à 14:20"),
        ("day_ahead", "en", "Appointment tomorrow at 14:20"),
        ("hour_ahead", "fr", "Rendez-vous dans l'heure, à 14:20"),
        ("hour_ahead", "en", "Appointment within the hour, at 14:20"),
        ("slot_found", "fr", "Un créneau est apparu"),
        ("slot_found", "en", "A slot has appeared"),
    ],
)
def test_a_title_says_when_and_nothing_else(kind, language, title):
    assert said(kind, language=language).title == title


@pytest.mark.parametrize(
    ("zone", "title"),
    [
        ("Europe/Paris", "Rendez-vous demain à 00:30"),
        ("America/Martinique", "Rendez-vous aujourd'hui à 19:30"),
        ("Indian/Reunion", "Rendez-vous demain à 03:30"),
        ("Pacific/Auckland", "Rendez-vous aujourd'hui à 12:30"),
    ],
)
def test_the_clock_of_the_device_says_the_hour_and_the_day(zone, title):
    assert said("day_ahead", at("26 00:30"), zone=zone, now=at("25 13:00")).title == title


@pytest.mark.parametrize(
    ("starts_at", "now", "title"),
    [
        # Summer time ends on 25 October 2026 at 1:00 UTC, and begins on 28 March 2027 at 1:00 UTC.
        (utc(2026, 10, 25, 13, 20), utc(2026, 10, 24, 13, 20), "Rendez-vous demain à 14:20"),
        (utc(2026, 10, 25, 0, 59), utc(2026, 10, 24, 20, 0), "Rendez-vous demain à 02:59"),
        (utc(2026, 10, 25, 1, 0), utc(2026, 10, 24, 20, 0), "Rendez-vous demain à 02:00"),
        (utc(2027, 3, 28, 12, 20), utc(2027, 3, 27, 12, 20), "Rendez-vous demain à 14:20"),
        (utc(2027, 3, 28, 1, 0), utc(2027, 3, 27, 20, 0), "Rendez-vous demain à 03:00"),
    ],
)
def test_when_clocks_change_in_the_night_the_hour_is_that_of_the_appointment(starts_at, now, title):
    assert said("day_ahead", starts_at, now=now).title == title


def test_a_day_reminder_that_comes_late_says_today():
    assert said("day_ahead", now=at("26 07:00")).title == "Rendez-vous aujourd'hui à 14:20"


def test_a_reminder_without_an_appointment_cannot_be_written():
    with pytest.raises(ValueError, match="needs an appointment"):
        said("hour_ahead", None, now=TOMORROW)


def test_a_kind_that_nobody_knows_cannot_be_written():
    with pytest.raises((ValueError, KeyError)):
        said("week_ahead")


def test_no_plain_word_names_health():
    healthy = ("docteur", "médecin", "santé", "consultation", "doctor", "health", "specialty", "spécialité")
    for kind in PLAIN_KINDS:
        for language in ("fr", "en"):
            message = said(kind, language=language)
            assert not any(word in f"{message.title} {message.body}".lower() for word in healthy)


@pytest.mark.parametrize(
    ("section", "kind", "change", "refused"),
    [
        ("plain_titles", "day_ahead", "Rendez-vous", "plain_titles: day_ahead: lacks {day}"),
        ("plain_titles", "slot_found", "à {time}", "plain_titles: slot_found: {time} is no placeholder here"),
        ("plain_titles", "slot_found", "x" * (TITLE_MOST + 1), "is longer than 50 characters"),
        ("plain_bodies", "hour_ahead", "x" * (BODY_MOST + 1), "is longer than 150 characters"),
        ("plain_bodies", "hour_ahead", None, "plain_bodies: lacks hour_ahead"),
    ],
)
def test_plain_words_that_do_not_fit_are_refused(tmp_path, section, kind, change, refused):
    def spoil(data):
        if change is None:
            del data[section][kind]
        else:
            data[section][kind] = {"fr": change, "en": change}

    with pytest.raises(ContentError) as caught:
        load_catalogue(make_spoilt(tmp_path, "push/messages.yaml", spoil))
    assert refused in str(caught.value)


def test_each_reason_of_a_plain_message_has_words():
    assert set(PLAIN_REASONS) <= set(catalogue().why)
