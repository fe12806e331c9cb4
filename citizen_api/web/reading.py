"""Reads what a request brings, strictly: what could be read in two ways is refused, not guessed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Never

import marshmallow as ma
from flask import Request
from webargs.flaskparser import FlaskParser

from citizen_api.core import problems
from citizen_api.web.services import services

TWICE = "Given more than once."
UNSTORABLE = "Not a storable text."


class Parser(FlaskParser):
    """webargs' parser of Flask requests, with our reading of queries and JSON bodies."""

    # None: the schema's own choice, which is to refuse unknown names.
    DEFAULT_UNKNOWN_BY_LOCATION = FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION | {"query": None, "json": None}

    def load_querystring(self, req: Request, schema: ma.Schema) -> Any:
        """Refuse a parameter given twice, and text that no database stores."""
        errors: dict[str, list[str]] = {}
        for name, values in req.args.lists():
            if len(values) > 1:
                errors[name] = [TWICE]
            elif not is_storable(values):
                errors[name] = [UNSTORABLE]
        if errors:
            raise problems.InvalidArguments(fields=errors)
        return super().load_querystring(req, schema)

    def load_json(self, req: Request, schema: ma.Schema) -> Any:  # noqa: ARG002 - webargs' interface
        """Refuse a body that is not announced as JSON, instead of reading it as absent."""
        if not req.is_json:
            raise problems.UnsupportedMediaType
        data = req.get_data()
        if req.content_length is None and len(data) >= services().settings.max_body_bytes:
            raise problems.BodyTooLarge(limit_bytes=services().settings.max_body_bytes)  # Werkzeug cut it there
        try:
            body = json.loads(data, object_pairs_hook=_object, parse_constant=_refuse)
            errors = _unstorable_fields(body)
        except (ValueError, RecursionError) as error:
            raise problems.BadRequest from error
        if errors:
            raise problems.InvalidArguments(fields=errors)
        return body


def is_storable(value: Any) -> bool:
    """Whether every text in a JSON value can be stored: no NUL, which PostgreSQL refuses, no half surrogate pair."""
    if isinstance(value, str):
        return "\x00" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
    if isinstance(value, dict):
        return is_storable(list(value)) and is_storable(list(value.values()))
    return all(map(is_storable, value)) if isinstance(value, list) else True


def _unstorable_fields(body: Any) -> dict[str, list[str]]:
    if not isinstance(body, dict):
        return {}  # the schema says what is wrong
    return {name: [UNSTORABLE] for name, value in body.items() if not is_storable([name, value])}


def _object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    pairs = list(pairs)
    body = dict(pairs)
    if len(body) < len(pairs):
        raise ValueError("a name stands twice in an object")
    return body


def _refuse(constant: str) -> Never:
    raise ValueError(f"{constant} is not JSON")
