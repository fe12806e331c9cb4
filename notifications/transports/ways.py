"""Which ways to reach a device this installation has, for apps and pages that register one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from citizen_api.core.settings import Settings, SettingsError
from notifications.transports.webpush_keys import VapidError, public_key


@dataclass(frozen=True, slots=True)
class Ways:
    """`kinds` of registrations that are sent to. `webpush_public_key`: base64url, None where browsers are not."""

    kinds: tuple[str, ...]
    webpush_public_key: str | None


def ways_from(settings: Settings) -> Ways:
    """Read them from the settings. Raises SettingsError for a key file that cannot be read."""
    kinds = []
    if settings.push_fcm_credentials:
        kinds += ["fcm_token", "fcm_fid"]
    key = None
    if settings.push_vapid_key_file:
        kinds.append("webpush")
        try:
            key = public_key(Path(settings.push_vapid_key_file))
        except VapidError as error:
            raise SettingsError(f"ALENTOURS_PUSH_VAPID_KEY_FILE: {error}") from error
    if settings.push_log_enabled:
        kinds.append("log")
    return Ways(kinds=tuple(kinds), webpush_public_key=key)
