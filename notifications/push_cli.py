"""`alentours push`: whether the push services would take our messages."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Final

import click

from citizen_api.core.settings import Settings
from citizen_api.web.command import Context
from notifications.transports.base import Answer, Note, Parcel
from notifications.transports.fcm import FcmTransport
from notifications.transports.fcm_credentials import CredentialsError

_NO_DEVICE: Final = "alentours-push-check:this-is-no-registration-of-any-device"
_GOOD: Final = frozenset({"accepted", "retire", "quarantine"})
"""What FCM says of a made-up device tells that everything before it was right."""

_WHY: Final = {
    "file_missing": "there is no such file; download a key of the service account (docs/fcm.md, step 3).",
    "file_unreadable": "the file cannot be read; give its ownership to the account that runs Alentours.",
    "not_a_service_account": "this is not the JSON key of a service account; google-services.json is another file.",
    "no_project": "the file names no project_id; download the key again.",
    "ca_file": "PUSH_FCM_CA_FILE cannot be read as certificates; correct or empty it.",
    "url": "PUSH_FCM_URL must be https://host, without a path.",
    "token_certificate": "the certificate of Google's token endpoint is not trusted; look for a proxy that opens TLS.",
    "token_unreachable": "Google's token endpoint cannot be reached; allow https to oauth2.googleapis.com.",
    "token_unavailable": "Google's token endpoint is out of order or asks for patience; try again in a minute.",
    "token_refused": "Google gives no access token to this service account; look whether it is disabled.",
    "invalid_grant": "Google refuses the key: it was deleted, or its service account was; make a new key.",
    "clock_skew": "the clock of this machine is more than 5 minutes wrong, so Google refuses the key; set it right.",
    "SERVICE_DISABLED": "the Firebase Cloud Messaging API is off in this project; enable it in Google Cloud's console.",
    "PERMISSION_DENIED": "this service account may not send in this project; give it the role Firebase Cloud Messaging "
    "API Admin, and look whether the API is enabled.",
    "403": "FCM, or a proxy before it, forbids this; look at PUSH_FCM_URL and at the project.",
    "NOT_FOUND": "FCM does not know the project; look at project_id in the file, and at PUSH_FCM_URL.",
    "404": "nothing answers at this address as FCM does; correct PUSH_FCM_URL.",
    "UNAUTHENTICATED": "FCM refuses the access token; look at the clock, then make a new key.",
    "401": "FCM, or a proxy before it, refuses the access token; look at PUSH_FCM_URL.",
    "THIRD_PARTY_AUTH_ERROR": "FCM is refused by Apple or the browser; renew the APNs key in Firebase's console.",
    "QUOTA_EXCEEDED": "the project has used up its quota; wait a minute, and look at PUSH_RATE_PER_S.",
    "INVALID_ARGUMENT": "FCM takes our key and refuses our message; this is an error of Alentours: please report it.",
    "timeout": "FCM did not answer in time; try again, or raise PUSH_TIMEOUT_S.",
    "unreadable": "something answers at this address that is not FCM; correct PUSH_FCM_URL.",
    "name": "the host's name is not known; look at PUSH_FCM_URL and at the name server.",
    "refused": "nobody listens at this address; correct PUSH_FCM_URL, or start the double.",
    "network": "FCM cannot be reached; allow https to fcm.googleapis.com.",
    "certificate": "FCM's certificate is not trusted; correct PUSH_FCM_CA_FILE, or look for a proxy that opens TLS.",
    "tls": "no TLS connection comes about; look at PUSH_FCM_URL, and for a proxy in between.",
    "no_h2": "the server speaks no HTTP/2; look at PUSH_FCM_URL, and for a proxy in between.",
    "cut": "the connection is cut; try again, and look for a proxy in between.",
}
_SAME_AS: Final = {
    "400": "INVALID_ARGUMENT",
    "429": "QUOTA_EXCEEDED",
    "APNS_AUTH_ERROR": "THIRD_PARTY_AUTH_ERROR",
    "IAM_PERMISSION_DENIED": "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED": "QUOTA_EXCEEDED",
}


@click.group()
def push() -> None:
    """Push services: FCM and Web Push."""


@push.command()
@click.pass_obj
def check(context: Context) -> None:
    """Ask FCM whether it would take our messages; nothing reaches anybody."""
    settings = context.settings
    if settings.push_vapid_key_file:
        click.echo("Web Push: configured (each browser's service is asked when a message is sent).")
    if not settings.push_fcm_credentials:
        click.echo("FCM: not configured; ALENTOURS_PUSH_FCM_CREDENTIALS names no file (docs/fcm.md).")
        if not settings.push_vapid_key_file:
            click.echo("No push service is configured: messages are only written to the log.")
            raise SystemExit(1)
        return
    why = _trouble(context)
    if why is not None:
        click.echo(f"FCM: {why}", err=True)
        raise SystemExit(1)


def _trouble(context: Context) -> str | None:
    """Say what stands in the way, in a line, or None."""
    settings = context.settings
    try:
        transport = _transport(context, settings)
    except CredentialsError as error:
        return f"{settings.push_fcm_credentials}: {_WHY[error.code]}"
    except ValueError:
        return _WHY["url"]
    except OSError:
        return _WHY["ca_file"]
    try:
        answers = [answer for batch in transport.validate([_parcel(context)]) for _, answer in batch]
        answer, project, trouble = answers[0], transport.tokens.project_id, transport.trouble
    finally:
        transport.close()
    if answer.verdict in _GOOD:
        click.echo(f"FCM: ready; it would take messages of the project {project}.")
        return None
    return _explained(answer, trouble)


def _transport(context: Context, settings: Settings) -> FcmTransport:
    return FcmTransport(
        Path(settings.push_fcm_credentials),
        origin=settings.push_fcm_url,
        ca_file=Path(settings.push_fcm_ca_file) if settings.push_fcm_ca_file else None,
        connections=1,
        timeout_s=settings.push_timeout_s,
        clock=context.clock,
    )


def _parcel(context: Context) -> Parcel:
    note = Note(
        title="Alentours",
        body="push check",
        language="en",
        tag="push-check",
        kind="check",
        expires_at=context.clock() + timedelta(minutes=5),
        urgent=False,
    )
    return Parcel(0, "fcm_token", _NO_DEVICE, note)


def _explained(answer: Answer, trouble: str | None) -> str:
    code = trouble if answer.code == "unreachable" and trouble else answer.code
    why = _WHY.get(_SAME_AS.get(code, code))
    if why is None and answer.verdict == "again":
        why = "FCM is out of order or asks for patience; try again in a minute."
    why = why or "FCM refuses, for a reason that Alentours does not know; look at PUSH_FCM_URL and at the project."
    wait = f" FCM asks to wait {answer.retry_after_s:.0f} s." if answer.slow_down and answer.retry_after_s else ""
    return f"{why}{wait} ({code})"
