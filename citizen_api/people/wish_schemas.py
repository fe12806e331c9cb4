"""Wire format of a device's wishes: what it watches, when it is told, what it consents to."""

from __future__ import annotations

import zoneinfo
from datetime import time
from typing import Any, Final

import marshmallow as ma

from citizen_api.people.device_models import VERSION_LENGTH, Consent
from citizen_api.people.device_queries import PURPOSES
from citizen_api.people.wish_actions import MAX_WATCHES, Wish
from citizen_api.people.wishes import DEFAULT_PROFILE, Profile, QuietHours
from citizen_api.web.blueprint import Body
from citizen_api.web.notices import NoticeView
from content.catalogue import LANGUAGES
from content.hazards import SCALES, WATCHED

ZONES: Final = frozenset(zoneinfo.available_timezones() - {"localtime", "Factory"})
WHEN: Final = ("today", "evening_before")
_TIME: Final = "^([01][0-9]|2[0-3]):[0-5][0-9]$"


class OnOneLine(ma.validate.Regexp):
    """A pattern whose `$` is the end of the text, and not also a line break before it."""

    def __call__(self, value: str) -> str:  # type: ignore[override]
        """Refuse what does not match."""
        text = str(super().__call__(value))
        if text.endswith("\n"):
            raise ma.ValidationError("String does not match expected pattern.")
        return text


class WholeNumber(ma.fields.Integer):
    """A JSON number without a fraction: neither text nor true or false."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool | str) or (isinstance(value, float) and not value.is_integer()):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class TrueOrFalse(ma.fields.Boolean):
    """JSON's own true and false, and nothing that stands for them."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class ListView(ma.Schema):
    """What every list has beside its items; these lists are short and come whole."""

    next = ma.fields.String(dump_default=None, required=True, allow_none=True)
    notices = ma.fields.List(ma.fields.Nested(NoticeView), dump_default=list, required=True, metadata={"example": []})


def _known_zone(name: str) -> None:
    if name not in ZONES:
        raise ma.ValidationError("Not a known time zone.")


def zone_field(default: str) -> ma.fields.String:
    """Make the field of a time zone. `default`: what holds where it is left out, in words."""
    return ma.fields.String(
        validate=_known_zone,
        metadata={"description": f"Name of the IANA. Default: {default}.", "example": "Europe/Paris"},
    )


def _time_field(description: str, example: str, **options: Any) -> ma.fields.String:
    return ma.fields.String(
        validate=OnOneLine(_TIME, error="Not a time of day such as 07:15."),
        metadata={"description": description, "example": example},
        **options,
    )


class WatchBody(Body):
    """What to watch, and from which level on. A threshold, not a diagnosis."""

    commune = ma.fields.String(
        required=True,
        validate=ma.validate.Length(5, 5),
        metadata={"description": "INSEE code, present or old; kept as the present one.", "example": "75104"},
    )
    hazard = ma.fields.String(required=True, validate=ma.validate.OneOf(WATCHED), metadata={"example": "air"})
    level = WholeNumber(
        required=True,
        validate=ma.validate.Range(0, max(SCALES[hazard].most for hazard in WATCHED)),
        metadata={
            "description": "Tell from this level on, on the hazard's own scale: "
            + "; ".join(f"{hazard} {SCALES[hazard].least} to {SCALES[hazard].most}" for hazard in WATCHED)
            + ".",
            "example": 3,
        },
    )
    when = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf(WHEN),
        metadata={"description": "On the day itself, or the evening before.", "example": "evening_before"},
    )

    @ma.validates_schema
    def check_level(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse a level that the hazard's scale does not have."""
        scale = SCALES[data["hazard"]]
        on_scale = ma.validate.Range(
            scale.least, scale.most, error=f"Not on the scale of {scale.hazard}: {scale.least} to {scale.most}."
        )
        try:
            on_scale(data["level"])
        except ma.ValidationError as error:
            error.field_name = "level"
            raise

    @ma.post_load
    def as_wish(self, data: dict[str, Any], **_: Any) -> Wish:
        """Give what the actions take."""
        return Wish(data["commune"], data["hazard"], data["level"], data["when"])


class WatchesBody(Body):
    """Everything to watch: what was watched before and is not here is watched no more."""

    items = ma.fields.List(ma.fields.Nested(WatchBody), required=True, validate=ma.validate.Length(0, MAX_WATCHES))


class WatchView(ma.Schema):
    """One thing watched."""

    id = ma.fields.String(required=True, metadata={"example": "Qe81VxWm3ZrT0aKjL7cYpB"})
    commune = ma.fields.String(required=True, attribute="commune_code", metadata={"example": "75104"})
    hazard = ma.fields.String(required=True, validate=ma.validate.OneOf(WATCHED))
    level = ma.fields.Integer(required=True, metadata={"example": 3})
    when = ma.fields.String(required=True, attribute="told_when", validate=ma.validate.OneOf(WHEN))


class WatchesView(ListView):
    """Everything watched."""

    items = ma.fields.List(ma.fields.Nested(WatchView), required=True)


class QuietHoursBody(Body):
    """When nothing is shown, by the device's own clock. They may cross midnight."""

    start = _time_field("Included.", "22:00", required=True)
    end = _time_field("Excluded.", "07:00", required=True)
    zone = zone_field("what it was")

    @ma.validates_schema
    def check_length(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse quiet hours of which nobody can say whether they are never or always."""
        if data["start"] == data["end"]:
            raise ma.ValidationError("Must differ from the start.", "end")


class PreferencesBody(Body):
    """Language, and when the device may be told. What is left out takes its default; language and zone stay."""

    language = ma.fields.String(
        validate=ma.validate.OneOf(LANGUAGES), metadata={"description": "Default: what it was."}
    )
    zone = zone_field("what it was")
    quiet_hours = ma.fields.Nested(
        QuietHoursBody,
        allow_none=True,
        metadata={"description": "null: never quiet. Default: 22:00 to 07:00. Its `zone` is the device's."},
    )
    brief_at = _time_field("When the morning brief comes. Default: 07:15.", "07:15")
    cap_per_day = WholeNumber(
        load_default=DEFAULT_PROFILE.cap_per_day,
        validate=ma.validate.Range(1, 10),
        metadata={"description": "At most so many messages a day.", "example": 3},
    )
    cap_per_week = WholeNumber(
        load_default=DEFAULT_PROFILE.cap_per_week,
        validate=ma.validate.Range(1, 50),
        metadata={"description": "At most so many messages in seven days.", "example": 10},
    )
    alerts_pass_quiet_hours = TrueOrFalse(
        load_default=DEFAULT_PROFILE.alerts_pass_quiet,
        metadata={"description": "Whether an episode at the alert level may be told in quiet hours."},
    )

    @ma.validates_schema
    def check_zones(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse two zones: a device has one clock."""
        if data.get("zone") and (data.get("quiet_hours") or {}).get("zone", data["zone"]) != data["zone"]:
            raise ma.ValidationError("Differs from the zone of the quiet hours.", "zone")


def profile_of(wished: dict[str, Any], *, zone: str) -> Profile:
    """Give the profile of a loaded PreferencesBody. `zone`: where it names none."""
    quiet: QuietHours | None = DEFAULT_PROFILE.quiet
    hours = wished.get("quiet_hours")
    if "quiet_hours" in wished:
        quiet = hours and QuietHours(time.fromisoformat(hours["start"]), time.fromisoformat(hours["end"]))
    return Profile(
        zone=wished.get("zone") or (hours or {}).get("zone") or zone,
        quiet=quiet,
        brief_at=time.fromisoformat(wished["brief_at"]) if "brief_at" in wished else DEFAULT_PROFILE.brief_at,
        cap_per_day=wished["cap_per_day"],
        cap_per_week=wished["cap_per_week"],
        alerts_pass_quiet=wished["alerts_pass_quiet_hours"],
    )


class QuietHoursView(ma.Schema):
    """When nothing is shown, by the device's own clock."""

    start = ma.fields.String(required=True, metadata={"example": "22:00"})
    end = ma.fields.String(required=True, metadata={"example": "07:00"})
    zone = ma.fields.String(required=True, metadata={"example": "Europe/Paris"})


class PreferencesView(ma.Schema):
    """Language, and when the device may be told."""

    language = ma.fields.String(required=True, validate=ma.validate.OneOf(LANGUAGES))
    zone = ma.fields.String(required=True, metadata={"example": "Europe/Paris"})
    quiet_hours = ma.fields.Nested(QuietHoursView, required=True, allow_none=True)
    brief_at = ma.fields.String(required=True, metadata={"example": "07:15"})
    cap_per_day = ma.fields.Integer(required=True, metadata={"example": 3})
    cap_per_week = ma.fields.Integer(required=True, metadata={"example": 10})
    alerts_pass_quiet_hours = ma.fields.Boolean(required=True)


def preferences_shown(language: str, profile: Profile) -> dict[str, Any]:
    """Give what PreferencesView dumps."""
    quiet = profile.quiet
    return {
        "language": language,
        "zone": profile.zone,
        "quiet_hours": quiet and {"start": f"{quiet.start:%H:%M}", "end": f"{quiet.end:%H:%M}", "zone": profile.zone},
        "brief_at": f"{profile.brief_at:%H:%M}",
        "cap_per_day": profile.cap_per_day,
        "cap_per_week": profile.cap_per_week,
        "alerts_pass_quiet_hours": profile.alerts_pass_quiet,
    }


class ConsentBody(Body):
    """Which words the resident agreed to."""

    version = ma.fields.String(
        required=True,
        validate=[ma.validate.Length(1, VERSION_LENGTH), OnOneLine("^[A-Za-z0-9._-]+$")],
        metadata={"description": "The version that was shown, as the app names it.", "example": "2026-11"},
    )


class ConsentView(ma.Schema):
    """Consent to one purpose. Nothing is sent for it unless `given`."""

    purpose = ma.fields.String(required=True, validate=ma.validate.OneOf(PURPOSES))
    given = ma.fields.Boolean(required=True, metadata={"example": True})
    version = ma.fields.String(required=True, allow_none=True, metadata={"example": "2026-11"})
    given_at = ma.fields.AwareDateTime(required=True, allow_none=True, format="iso")
    withdrawn_at = ma.fields.AwareDateTime(
        required=True,
        allow_none=True,
        format="iso",
        metadata={"description": "A withdrawn consent is kept as a proof, until the device is erased."},
    )


class ConsentsView(ListView):
    """Every purpose, given or not."""

    items = ma.fields.List(ma.fields.Nested(ConsentView), required=True)


def consent_shown(purpose: str, consent: Consent | None) -> dict[str, Any]:
    """Give what ConsentView dumps."""
    return {
        "purpose": purpose,
        "given": consent is not None and consent.withdrawn_at is None,
        "version": consent and consent.version,
        "given_at": consent and consent.given_at,
        "withdrawn_at": consent and consent.withdrawn_at,
    }
