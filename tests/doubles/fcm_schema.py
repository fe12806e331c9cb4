"""Whether FCM would take a message: Google's own description of it, and the limits that stand beside it in words.

The description is `fcm.v1.json`, as shipped by google-api-python-client. Like Google's JSON reader, this one takes a
field by either of its names (`collapseKey`, `collapse_key`), an enum's value in any case, and `null` as absent.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from datetime import datetime
from importlib import resources
from typing import Any, NamedTuple

import orjson

MAX_MESSAGE_BYTES = 4_096
MAX_TTL_S = 2_419_200
TARGETS = ("token", "fid", "topic", "condition")

_DURATION = re.compile(r"-?\d{1,12}(\.\d{1,9})?s")
_INT32 = range(-(2**31), 2**31)
_RESERVED_KEY = re.compile(r"from|message_type|(google|gcm).*")
_LABEL = re.compile(r"[a-zA-Z0-9-_.~%]{1,50}")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


class Violation(NamedTuple):
    """What is wrong, and where: `message.android.ttl`."""

    field: str
    description: str


Check = Callable[[Any, str, list[Violation]], None]


@functools.cache
def discovery_document() -> dict[str, Any]:
    """Google's description of FCM's interface."""
    path = resources.files("googleapiclient.discovery_cache") / "documents" / "fcm.v1.json"
    document: dict[str, Any] = json.loads(path.read_bytes())
    return document


def schema_violations(request: object) -> list[Violation]:
    """Everything in the body of a `messages:send` that is not as `fcm.v1.json` describes it."""
    found: list[Violation] = []
    _schema_check("SendMessageRequest")(request, "", found)
    return found


def limit_violations(request: dict[str, Any]) -> list[Violation]:
    """Everything in a body as the schema wants it that FCM refuses all the same."""
    message = request.get("message")
    if message is None:
        return [Violation("message", "Message is missing.")]
    found: list[Violation] = []
    _check_limits(message, found)
    return found


def get_either(document: dict[str, Any], camel: str) -> Any:
    """A field by its name in camelCase or in snake_case."""
    value = document.get(camel)
    return document.get(_snake(camel)) if value is None else value


@functools.cache
def _schema_check(name: str) -> Check:
    schema = discovery_document()["schemas"][name]
    # Made when first asked for: a schema may refer to itself.
    properties: dict[str, dict[str, Any]] = schema.get("properties", {})
    names = {spelling: camel for camel in properties for spelling in (camel, _snake(camel))}
    checks: dict[str, Check] = {}

    def check(value: Any, at: str, found: list[Violation]) -> None:
        if not isinstance(value, dict):
            found.append(_wrong_type(at, name, value))
            return
        for key, inner in value.items():
            camel = names.get(key)
            if camel is None:
                text = f"Invalid JSON payload received. Unknown name \"{key}\" at '{at}': Cannot find field."
                found.append(Violation(at, text))
            elif inner is not None:
                if camel not in checks:
                    checks[camel] = _check_of(properties[camel])
                checks[camel](inner, _under(at, _snake(camel)), found)

    return check


def _check_of(schema: dict[str, Any]) -> Check:
    """The check of one property. Raises LookupError for a kind that Google has added and we do not know yet."""
    if "$ref" in schema:
        return _schema_check(schema["$ref"])
    if "enum" in schema:
        return _enum_check(schema["enum"])
    if schema["type"] == "object":
        return _map_check(_check_of(schema["additionalProperties"]))
    if schema["type"] == "array":
        return _list_check(_check_of(schema["items"]))
    kind, test = _LEAVES[schema["type"], schema.get("format")]

    def check(value: Any, at: str, found: list[Violation]) -> None:
        if not test(value):
            found.append(_wrong_type(at, kind, value))

    return check


def _enum_check(values: list[str]) -> Check:
    known = {value.upper() for value in values}

    def check(value: Any, at: str, found: list[Violation]) -> None:
        if not isinstance(value, str) or value.upper() not in known:
            found.append(_wrong_type(at, "TYPE_ENUM", value))

    return check


def _map_check(inner: Check) -> Check:
    def check(value: Any, at: str, found: list[Violation]) -> None:
        if not isinstance(value, dict):
            found.append(_wrong_type(at, "TYPE_MESSAGE", value))
            return
        for place, item in enumerate(value.values()):
            inner(item, f"{at}[{place}].value", found)

    return check


def _list_check(inner: Check) -> Check:
    def check(value: Any, at: str, found: list[Violation]) -> None:
        if not isinstance(value, list):
            found.append(Violation(at, f"Invalid JSON payload received. Expected a list at '{at}'."))
            return
        for place, item in enumerate(value):
            inner(item, f"{at}[{place}]", found)

    return check


def _is_datetime(value: Any) -> bool:
    if not isinstance(value, str) or "T" not in value:
        return False
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


_LEAVES: dict[tuple[str, str | None], tuple[str, Callable[[Any], bool]]] = {
    ("string", None): ("TYPE_STRING", lambda value: isinstance(value, str)),
    ("boolean", None): ("TYPE_BOOL", lambda value: isinstance(value, bool)),
    ("integer", "int32"): ("TYPE_INT32", lambda value: type(value) is int and value in _INT32),
    ("number", "float"): ("TYPE_FLOAT", lambda value: type(value) in {int, float}),
    ("string", "google-duration"): (
        "type.googleapis.com/google.protobuf.Duration",
        lambda value: isinstance(value, str) and _DURATION.fullmatch(value) is not None,
    ),
    ("string", "google-datetime"): ("type.googleapis.com/google.protobuf.Timestamp", _is_datetime),
    ("any", None): ("", lambda _value: True),
}


def _wrong_type(at: str, kind: str, value: Any) -> Violation:
    return Violation(at, f"Invalid value at '{at}' ({kind}), {json.dumps(value, ensure_ascii=False)}")


def _check_limits(message: dict[str, Any], found: list[Violation]) -> None:
    targets = [name for name in TARGETS if message.get(name) is not None]
    if len(targets) != 1:
        found.append(Violation("message", "Exactly one of token, fid, topic or condition must be set."))
    elif not message[targets[0]]:
        found.append(Violation(f"message.{targets[0]}", "Recipient of the message is not set."))
    # Google counts keys and values only; counting the punctuation too errs on the side of refusing.
    size = len(orjson.dumps({name: value for name, value in message.items() if name not in TARGETS}))
    if size > MAX_MESSAGE_BYTES:
        found.append(Violation("message", f"Android message is too big: {size} bytes of {MAX_MESSAGE_BYTES}."))
    for at, part in _parts(message):
        found.extend(
            Violation(f"{at}.data", f"Invalid data payload key: {key}")
            for key in part.get("data") or {}
            if _RESERVED_KEY.fullmatch(key)
        )
        label = get_either(get_either(part, "fcmOptions") or {}, "analyticsLabel")
        if label is not None and not _LABEL.fullmatch(label):
            found.append(Violation(f"{at}.fcm_options.analytics_label", "Invalid analytics label."))
    _check_android(message, found)
    _check_webpush(message.get("webpush") or {}, found)


def _parts(message: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    parts = [("message", message)]
    for name in ("android", "androidV2", "apns", "webpush"):
        part = get_either(message, name)
        if part is not None:
            parts.append((f"message.{_snake(name)}", part))
    return parts


def _check_android(message: dict[str, Any], found: list[Violation]) -> None:
    for name in ("android", "androidV2"):
        android = get_either(message, name) or {}
        at = f"message.{_snake(name)}"
        ttl = android.get("ttl")
        if ttl is not None and not 0 <= float(ttl[:-1]) <= MAX_TTL_S:
            found.append(Violation(f"{at}.ttl", f"TTL must be between 0s and {MAX_TTL_S}s."))
        colour = (android.get("notification") or {}).get("color")
        if colour is not None and not _COLOUR.fullmatch(colour):
            found.append(Violation(f"{at}.notification.color", "Colour must be in the form #rrggbb."))


def _check_webpush(webpush: dict[str, Any], found: list[Violation]) -> None:
    for name, value in (webpush.get("headers") or {}).items():
        if name.lower() == "ttl" and not (value.isdecimal() and int(value) <= MAX_TTL_S):
            found.append(Violation("message.webpush.headers[TTL]", f"TTL must be between 0 and {MAX_TTL_S}."))
    link = get_either(get_either(webpush, "fcmOptions") or {}, "link")
    if link is not None and not link.startswith("https://"):
        found.append(Violation("message.webpush.fcm_options.link", "The link must use HTTPS."))


@functools.cache
def _snake(camel: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", camel).lower()


def _under(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name
