"""Firebase Cloud Messaging: one message a request (its only way), many requests at once over a few connections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Final

from citizen_api.core.clock import Clock, system_clock
from notifications.transports.base import Answer, Note, Parcel, Verdict
from notifications.transports.fcm_answers import answer_of
from notifications.transports.fcm_credentials import AccessTokens, CredentialsError
from notifications.transports.fcm_message import (
    FIELDS,
    LONGEST_TARGET,
    LONGEST_TTL_S,
    MalformedNoteError,
    Template,
    template_of,
)
from notifications.transports.http2 import Job, Pool
from notifications.transports.http2_connection import Outcome, Request
from notifications.transports.http2_dial import make_context, read_origin
from notifications.transports.http2_frames import Fields, Lost

ORIGIN: Final = "https://fcm.googleapis.com"
_SLICE: Final = 200
_NEVER_SENT: Final = frozenset({Lost.EXPIRED, Lost.UNREACHABLE, Lost.UNSENT, Lost.REFUSED})

Answers = list[tuple[int, Answer]]


class FcmTransport:
    """Sends to FCM, or to a double of it at `origin`; see docs/fcm.md.

    Raises CredentialsError at once if the file is not that of a service account, ValueError for a wrong `origin`,
    OSError for a wrong `ca_file`.
    """

    platform = "fcm"

    def __init__(
        self,
        credentials_file: Path,
        *,
        origin: str = ORIGIN,
        ca_file: Path | None = None,
        connections: int = 8,
        streams: int = 100,
        timeout_s: float = 10.0,
        clock: Clock = system_clock,
    ) -> None:
        self._clock = clock
        self._timeout_s = timeout_s
        self.tokens = AccessTokens(credentials_file, ca_file=ca_file, timeout_s=timeout_s, clock=clock)
        self._origin = read_origin(origin)
        self._pool = Pool(
            self._origin,
            context=make_context(ca_file),
            connections=connections,
            streams=streams,
            timeout_s=timeout_s,
            epoch_s=lambda: clock().timestamp(),
        )
        self._fields: tuple[str, Fields] = ("", ())

    @property
    def trouble(self) -> str | None:
        """Why FCM cannot be connected to (see http2_dial.DialError), or None."""
        return self._pool.trouble

    def send(self, parcels: Sequence[Parcel]) -> Iterator[Answers]:
        """Send each parcel once; see base.Transport."""
        return self._send(parcels, validate_only=False)

    def validate(self, parcels: Sequence[Parcel]) -> Iterator[Answers]:
        """The same, but FCM only says whether it would take them, and delivers nothing."""
        return self._send(parcels, validate_only=True)

    def close(self) -> None:
        """Let go of connections and threads."""
        self._pool.close()

    def _send(self, parcels: Sequence[Parcel], *, validate_only: bool) -> Iterator[Answers]:
        try:
            token = self.tokens.get()
        except CredentialsError as error:
            verdict: Verdict = "stop_platform" if error.lasting else "again"
            refused = Answer(verdict, error.code, retry_after_s=error.retry_after_s)
            yield [(index, refused) for index in range(len(parcels))]
            return
        job = Job(self._header(token), size=len(parcels), timeout_s=self._timeout_s)
        position = under_way = 0
        try:
            # Bodies are made a little ahead of their sending: memory stays flat, and the time to live true.
            while position < len(parcels) or under_way:
                while position < len(parcels) and under_way < 2 * self._pool.window:
                    until = min(position + _SLICE, len(parcels))
                    requests, answers = self._requests(job, parcels, range(position, until), validate_only)
                    position = until
                    if answers:
                        yield answers
                    if requests:
                        under_way += len(requests)
                        self._pool.submit(job, requests)
                if not under_way:
                    continue
                settled = job.answers.get()
                under_way -= len(settled)
                yield self._answers(settled, token)
        finally:
            job.abandoned = True

    def _requests(
        self,
        job: Job,
        parcels: Sequence[Parcel],
        indexes: range,
        validate_only: bool,  # noqa: FBT001
    ) -> tuple[list[Request], Answers]:
        """Make requests of some parcels; the answers are of those that are not worth sending."""
        if job.over is not None:
            lost = self._lost(job.over)
            return [], [(index, lost) for index in indexes]
        now = self._clock()
        requests: list[Request] = []
        answers: Answers = []
        templates: dict[tuple[Note, str], Template | Answer] = {}
        for index in indexes:
            parcel = parcels[index]
            key = parcel.note, parcel.kind
            template = templates.get(key)
            if template is None:
                ttl_s = int((parcel.note.expires_at - now).total_seconds())
                template = templates[key] = _template(parcel, ttl_s, validate_only=validate_only)
            if isinstance(template, Answer):
                answers.append((index, template))
            elif not 0 < len(parcel.value) <= LONGEST_TARGET:
                answers.append((index, _NO_TARGET))
            else:
                requests.append(Request(job, index, template.body(parcel.value), template.not_after))
        return requests, answers

    def _answers(self, settled: list[tuple[int, Outcome]], token: str) -> Answers:
        answers: Answers = []
        now = self._clock()
        for index, outcome in settled:
            if isinstance(outcome, Lost):
                answers.append((index, self._lost(outcome)))
                continue
            answer = answer_of(*outcome, now)
            if outcome.status == HTTPStatus.UNAUTHORIZED:
                self.tokens.drop(token)
            answers.append((index, answer))
        return answers

    def _lost(self, outcome: Lost) -> Answer:
        if outcome is Lost.UNREACHABLE:
            return Answer("again", outcome.value, retry_after_s=self._pool.retry_after_s())
        return _LOST[outcome]

    def _header(self, token: str) -> Fields:
        """The header of every request: the same object as long as the token is, so that it is encoded once."""
        if self._fields[0] != token:
            self._fields = (
                token,
                (
                    (":method", "POST"),
                    (":scheme", "https"),
                    (":authority", self._origin.authority),
                    (":path", f"/v1/projects/{self.tokens.project_id}/messages:send"),
                    ("authorization", f"Bearer {token}"),
                    ("content-type", "application/json; charset=utf-8"),
                    ("user-agent", "alentours"),
                ),
            )
        return self._fields[1]


_LOST: Final = {lost: Answer("again", lost.value, maybe_delivered=lost not in _NEVER_SENT) for lost in Lost}
_NO_TARGET: Final = Answer("quarantine", "not_a_token")
_EXPIRED: Final = _LOST[Lost.EXPIRED]
_WRONG_KIND: Final = Answer("malformed", "wrong_kind")


def _template(parcel: Parcel, ttl_s: int, *, validate_only: bool) -> Template | Answer:
    field = FIELDS.get(parcel.kind)
    if field is None:
        return _WRONG_KIND
    if ttl_s < 0:
        return _EXPIRED
    try:
        return template_of(parcel.note, min(ttl_s, LONGEST_TTL_S), field, validate_only=validate_only)
    except MalformedNoteError as error:
        return Answer("malformed", error.code)
