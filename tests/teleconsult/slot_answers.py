"""Where slots are asked for, and what is looked for in an answer."""

from datetime import timedelta

from tests.conftest import SUNDAY_NIGHT

URL = "/v1/teleconsultations/slots"
PARIS = {"lat": 48.8573751, "lon": 2.3524425}
IN_PARIS = (48.8573751, 2.3524425)
ANTONY = {"commune": "92002"}
"""Short of general practitioners: 2.453 consultations a year and inhabitant."""
IN_ANTONY = (48.7539, 2.2975)
NINE = SUNDAY_NIGHT + timedelta(hours=10, minutes=20)
"""Monday, 9:00 in Paris."""


def codes(answer):
    return [notice["code"] for notice in answer.json["notices"]]


def text_of(answer, code):
    return next(notice["text"] for notice in answer.json["notices"] if notice["code"] == code)


def modalities(answer):
    return [item["modality"]["code"] for item in answer.json["items"]]
