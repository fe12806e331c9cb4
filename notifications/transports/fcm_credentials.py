"""The service account with which FCM is used: its file, and access tokens fetched before they are needed.

firebase-admin reads the file and google-auth fetches the tokens; errors say what is wrong in a word, never with what
a file or a server said.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import requests
from firebase_admin import credentials
from google.auth import exceptions, transport
from google.auth.transport.requests import Request

from citizen_api.core.clock import Clock, system_clock

_log = logging.getLogger(__name__)
_AHEAD_S: Final = 300.0
"""How long before its end a token is replaced; Google's last an hour."""
_LONGEST_S: Final = 3_600.0
_AGAIN_S: Final = 5.0
_REFUSED_AGAIN_S: Final = 60.0
_SKEW_S: Final = 300.0
"""Google accepts a signed request for about five minutes around its own time."""


class CredentialsError(Exception):
    """There is no access token. `code`: one of CREDENTIAL_CODES; `lasting`: only a person can change that."""

    def __init__(self, code: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.lasting = code not in ("token_unreachable", "token_unavailable")
        self.retry_after_s = retry_after_s


CREDENTIAL_CODES: Final = (
    "file_missing",
    "file_unreadable",
    "not_a_service_account",
    "no_project",
    "ca_file",
    "token_certificate",
    "token_unreachable",
    "token_unavailable",
    "token_refused",
    "invalid_grant",
    "clock_skew",
)


def read_certificate(file: Path) -> credentials.Certificate:
    """Read a service account's file; raises CredentialsError."""
    try:
        certificate = credentials.Certificate(str(file))
    except FileNotFoundError:
        raise CredentialsError("file_missing") from None
    except OSError:
        raise CredentialsError("file_unreadable") from None
    except (ValueError, AttributeError, TypeError, KeyError):
        raise CredentialsError("not_a_service_account") from None
    if not certificate.project_id:
        raise CredentialsError("no_project")
    return certificate


class _Once(transport.Request):
    """google-auth's way to ask for a token, once: it would ask again after some answers, asleep in between."""

    def __init__(self, session: requests.Session, *, timeout_s: float, clock: Clock) -> None:
        self._request, self._timeout_s, self._clock = Request(session), timeout_s, clock
        self.skewed = False

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002  google-auth's; ours is the one that counts
        **options: Any,
    ) -> transport.Response:
        """Post, and notice what google-auth would hide: an answer it retries, and the server's clock."""
        response: transport.Response = self._request(
            url=url,
            method=method,
            body=body,
            headers=headers,
            timeout=self._timeout_s,
            allow_redirects=False,
            **options,
        )
        self.skewed = _is_skewed(response.headers.get("date"), self._clock())
        if response.status == HTTPStatus.TOO_MANY_REQUESTS or response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise CredentialsError("token_unavailable")
        return response


def _is_skewed(date: str | None, now: datetime) -> bool:
    try:
        theirs = parsedate_to_datetime(date or "")
    except ValueError:
        return False
    theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    return abs((theirs - now).total_seconds()) > _SKEW_S


class AccessTokens:
    """Gives access tokens, of one service account. Safe to use from several threads, and after a fork.

    A token is replaced in a thread of its own while the old one is still good: only the first is waited for.
    """

    def __init__(
        self, file: Path, *, ca_file: Path | None = None, timeout_s: float = 10.0, clock: Clock = system_clock
    ) -> None:
        certificate = read_certificate(file)
        self.project_id = str(certificate.project_id)
        self._credential = certificate.get_credential()
        self._ca_file, self._timeout_s, self._clock = ca_file, timeout_s, clock
        self._token: str | None = None
        # By the monotonic clock: a clock set anew must not keep a dead token.
        self._good_until = 0.0
        self._failure: CredentialsError | None = None
        self._ask_again_at = 0.0
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._refreshing = False

    def get(self) -> str:
        """Give a token that is good now; raises CredentialsError."""
        if self._pid != os.getpid():
            self._begin()  # a lock that was held at the fork would stay so for ever
        now = time.monotonic()
        token = self._token
        if token is not None and now < self._good_until - _AHEAD_S:
            return token
        if token is not None and now < self._good_until:
            self._refresh_aside(now)
            return token
        with self._lock:
            if self._token is not None and time.monotonic() < self._good_until:
                return self._token
            return self._refresh()

    def drop(self, token: str) -> None:
        """Forget a token that FCM refused."""
        if token == self._token:
            self._token = None

    def _refresh_aside(self, now: float) -> None:
        if self._refreshing or now < self._ask_again_at:
            return
        self._refreshing = True
        threading.Thread(target=self._refresh_quietly, name="push-fcm-token", daemon=True).start()

    def _refresh_quietly(self) -> None:
        try:
            with self._lock:
                self._refresh()
        except CredentialsError as error:
            _log.warning("no new access token for FCM: %s", error.code)
        finally:
            self._refreshing = False

    def _refresh(self) -> str:
        now = time.monotonic()
        if self._failure is not None and now < self._ask_again_at:
            raise CredentialsError(self._failure.code, retry_after_s=self._ask_again_at - now)
        try:
            token, life_s = self._fetch()
        except CredentialsError as error:
            wait_s = _REFUSED_AGAIN_S if error.lasting else _AGAIN_S
            self._failure, self._ask_again_at = error, time.monotonic() + wait_s
            raise CredentialsError(error.code, retry_after_s=wait_s) from None
        self._failure, self._ask_again_at = None, now + _AGAIN_S
        self._good_until = now + life_s
        self._token = token
        return token

    def _fetch(self) -> tuple[str, float]:
        with requests.Session() as session:
            # Neither proxies nor certificates from the environment: FCM is reached without them too.
            session.trust_env = False
            session.verify = True if self._ca_file is None else str(self._ca_file)
            once = _Once(session, timeout_s=self._timeout_s, clock=self._clock)
            try:
                self._credential.refresh(once)
            except exceptions.TransportError as error:
                raise CredentialsError(_unreachable(error.args)) from None
            except exceptions.GoogleAuthError as error:
                raise CredentialsError(_refusal(error, skewed=once.skewed)) from None
            except OSError:  # requests tells so of an authority's file that is missing
                raise CredentialsError("ca_file") from None
            except (ValueError, TypeError, AttributeError):
                raise CredentialsError("token_refused") from None
            finally:
                session.close()
        token, expiry = self._credential.token, self._credential.expiry
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise CredentialsError("token_refused")
        life_s = (expiry.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds() if expiry else _LONGEST_S
        return token, min(max(life_s, 0.0), _LONGEST_S)


def _unreachable(causes: tuple[object, ...]) -> str:
    certificate = any(isinstance(cause, requests.exceptions.SSLError) for cause in causes)
    return "token_certificate" if certificate else "token_unreachable"


def _refusal(error: exceptions.GoogleAuthError, *, skewed: bool) -> str:
    refused = any(isinstance(detail, dict) and detail.get("error") == "invalid_grant" for detail in error.args)
    if not refused:
        return "token_refused"
    return "clock_skew" if skewed else "invalid_grant"
