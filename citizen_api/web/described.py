"""Describes what our decorators add to a route in the OpenAPI document: problems, caching, examples."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from citizen_api.core.problems import Problem
from citizen_api.web.problems import MEDIA_TYPE, ProblemView
from content.catalogue import catalogue

_HEADERS_OF_STATUS = {
    401: {"WWW-Authenticate": "How to send a key."},
    429: {"Retry-After": "When to come back, in seconds."},
    503: {"Retry-After": "When to come back, in seconds."},
}
_CACHING = {"ETag": "Send it back in If-None-Match.", "Cache-Control": "How long caches may keep the answer."}
_BY_TYPE: tuple[tuple[type[ma.fields.Field[Any]], Any], ...] = (
    (ma.fields.AwareDateTime, "2026-11-22T22:40:00+01:00"),
    (ma.fields.Date, "2026-11-22"),
    (ma.fields.Boolean, False),
    (ma.fields.Integer, 1),
    (ma.fields.Float, 48.85),
    (ma.fields.String, "…"),
)


def describe(doc: dict[str, Any], doc_info: dict[str, Any], *, spec: Any, **_: Any) -> dict[str, Any]:
    """Add to an operation its problems, its caching and its examples (flask-smorest calls this for each)."""
    responses = doc["responses"] = {str(int(status)): said for status, said in doc["responses"].items()}
    _add_examples(doc)
    if "cacheable" in doc_info:
        responses["200"]["headers"] = _headers(_CACHING, required=doc_info["cacheable"] == "always")
        responses["304"] = {"description": "Not changed: keep what you have.", "headers": _headers(_CACHING)}
    by_status: dict[int, list[type[Problem]]] = {}
    for kind in doc_info.get("problems", []):
        by_status.setdefault(kind.status, []).append(kind)
    schema = spec.plugins[1].converter.resolve_nested_schema(ProblemView)
    for status, kinds in sorted(by_status.items()):
        responses[str(status)] = _problem_response(status, sorted({kind.name for kind in kinds}), schema)
    return doc


def example_of(schema: ma.Schema) -> dict[str, Any]:
    """Make an example of a schema from those of its fields; a field without gets one of its type."""
    return {
        field.data_key or name: _example_of_field(field) for name, field in schema.fields.items() if not field.load_only
    }


def _example_of_field(field: ma.fields.Field[Any]) -> Any:
    if "example" in field.metadata:
        return field.metadata["example"]
    if isinstance(field, ma.fields.Nested):
        inside = example_of(field.schema)
        return [inside] if field.many else inside
    if isinstance(field, ma.fields.List):
        return [_example_of_field(field.inner)]
    for rule in field.validators:
        if isinstance(rule, ma.validate.OneOf):
            return next(iter(rule.choices))
    if field.allow_none:
        return None
    return next((example for kind, example in _BY_TYPE if isinstance(field, kind)), {})


def _add_examples(doc: dict[str, Any]) -> None:
    for described in (doc.get("requestBody", {}), *doc["responses"].values()):
        for content in described.get("content", {}).values():
            if isinstance(content.get("schema"), ma.Schema):
                content.setdefault("example", example_of(content["schema"]))


def _problem_response(status: int, names: list[str], schema: Any) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": "; ".join(f"`{name}`: {catalogue().problems[name].title.say('en')}" for name in names),
        "content": {
            MEDIA_TYPE: {
                "schema": schema,
                "examples": {name: {"value": _problem_example(name, status)} for name in names},
            }
        },
    }
    if status in _HEADERS_OF_STATUS:
        response["headers"] = _headers(_HEADERS_OF_STATUS[status])
    return response


def _headers(descriptions: dict[str, str], *, required: bool = True) -> dict[str, Any]:
    return {
        name: {"description": text, "required": required, "schema": {"type": "string"}}
        for name, text in descriptions.items()
    }


def _problem_example(name: str, status: int) -> dict[str, Any]:
    words = catalogue().problems[name]
    return {
        "type": f"/problems/{name}",
        "title": words.title.outline("en"),
        "status": status,
        "detail": words.detail.outline("en"),
        "request_id": "0f7c9c1e5d0b4a0f",
    }
