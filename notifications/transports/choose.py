"""Which transports the settings ask for. What is not asked for is not even imported."""

from __future__ import annotations

from pathlib import Path

from citizen_api.core.clock import Clock
from citizen_api.core.settings import Settings
from notifications.transports.base import Transport
from notifications.transports.log import LogTransport


def transports_from(settings: Settings, *, clock: Clock) -> list[Transport]:
    """Make them; whoever asks for them closes them. Raises what a transport raises whose files cannot be read."""
    chosen: list[Transport] = []
    if settings.push_log_enabled:
        chosen.append(LogTransport(clock=clock))
    if settings.push_fcm_credentials:
        from notifications.transports.fcm import FcmTransport  # noqa: PLC0415 - see above

        chosen.append(
            FcmTransport(
                Path(settings.push_fcm_credentials),
                origin=settings.push_fcm_url,
                ca_file=Path(settings.push_fcm_ca_file) if settings.push_fcm_ca_file else None,
                connections=settings.push_fcm_connections,
                timeout_s=settings.push_timeout_s,
                clock=clock,
            )
        )
    if settings.push_vapid_key_file:
        from notifications.transports.webpush import WebPushTransport  # noqa: PLC0415 - see above

        chosen.append(
            WebPushTransport(
                Path(settings.push_vapid_key_file),
                subject=settings.push_vapid_subject,
                timeout_s=settings.push_timeout_s,
                clock=clock,
            )
        )
    return chosen
