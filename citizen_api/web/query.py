"""Reads a query fast where nothing is unusual about it, and leaves everything else to webargs.

webargs and marshmallow take some 45 us for a question of five parameters; the same fields called one by one take 10.
Equal by construction, and by the tests: the values are those that the schema's own fields give, and whatever is
unusual (a name unknown, doubled or missing, a value refused, a text that no database stores) is not judged here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import marshmallow as ma
from flask import Request

from citizen_api.web.reading import is_storable

_PLAIN = re.compile(r"[A-Za-z0-9_.,:~&=-]*", re.ASCII)
"""A query without a letter that stands for another (`%41`, `+`): it can be split as it is."""
_KEPT_OF_A_FIELD = 256
_OURS_TO_CALL = ("load", "_do_load", "_deserialize", "_invoke_field_validators", "handle_error", "set_class")
_Read = Callable[[str, str, dict[str, str]], Any]


class QuickReader:
    """Reads queries of one schema, which must be `is_simple`."""

    def __init__(self, schema: ma.Schema) -> None:
        self._fields: dict[str, tuple[str, _Read]] = {}
        """By name in the query: the name among the arguments, and what reads it."""
        self._required: list[str] = []
        self._defaults: list[tuple[str, str, Any]] = []
        for key, field in schema.load_fields.items():
            name = key if field.data_key is None else field.data_key
            self._fields[name] = (key, _reader_of(field))
            if field.required:
                self._required.append(name)
            elif field.load_default is not ma.missing:
                self._defaults.append((name, key, field.load_default))

    def read(self, request: Request) -> dict[str, Any] | None:
        """Give what `schema.load` would, or None: then something is unusual, and webargs knows what to do."""
        given = _given(request)
        if given is None:
            return None
        for name in self._required:
            if name not in given:
                return None
        args: dict[str, Any] = {}
        fields = self._fields
        try:
            for name, text in given.items():
                key, read = fields[name]
                args[key] = read(text, name, given)
        except (KeyError, ma.ValidationError):
            return None
        for name, key, value in self._defaults:
            if name not in given:
                args[key] = value() if callable(value) else value
        return args


def _reader_of(field: ma.fields.Field[Any]) -> _Read:
    """What reads a field. Lists of a known vocabulary come again and again, and are read once; nothing else is kept."""
    read = field.deserialize
    if not (isinstance(field, ma.fields.List) and "enum" in field.inner.metadata):
        return read

    @lru_cache(maxsize=_KEPT_OF_A_FIELD)
    def known(text: str) -> list[Any]:
        values: list[Any] = read(text)
        return values

    def read_once(text: str, _name: str, _given: dict[str, str]) -> list[Any]:
        return known(text).copy()

    return read_once


def is_simple(schema: ma.Schema) -> bool:
    """Whether loading `schema` is no more than loading its fields, each from one text."""
    kind = type(schema)
    return (
        not any(schema._hooks.get(hook) for hook in ("pre_load", "post_load", "validates", "validates_schema"))  # noqa: SLF001
        and all(getattr(kind, name) is getattr(ma.Schema, name) for name in _OURS_TO_CALL)
        and schema.dict_class is dict
        and (schema.unknown, schema.many, schema.partial) == (ma.RAISE, False, None)
        and all(_is_simple_field(field) for field in schema.load_fields.values())
    )


def _is_simple_field(field: ma.fields.Field[Any]) -> bool:
    several = getattr(field, "is_multiple", isinstance(field, ma.fields.List | ma.fields.Tuple))
    return not several and field.attribute is None


def _given(request: Request) -> dict[str, str] | None:
    """The parameters of a query; None when one stands twice, or is a text that no database stores."""
    query: str = request.environ.get("QUERY_STRING", "")
    if not query:
        return {}
    pairs: Iterable[tuple[str, str]]
    if _PLAIN.fullmatch(query):
        parts = [part.partition("=") for part in query.split("&") if part]
        given = {name: text for name, _, text in parts}
        return given if len(given) == len(parts) else None
    pairs = list(request.args.items(multi=True))
    given = dict(pairs)
    if len(given) < len(pairs) or not all(map(is_storable, given.values())):
        return None
    return given
