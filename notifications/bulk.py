"""Many values in one statement, in the words of the database at hand: an array, or on SQLite a JSON text.

One statement for a whole chunk: no loop in Python, and while it runs other threads do. Statements are put together
once; `values` and `pairs` make what their parameters get.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Integer, String, any_, bindparam, cast, func, select
from sqlalchemy.orm import Session


def is_postgresql(session: Session) -> bool:
    """Whether the database at hand is PostgreSQL."""
    return session.get_bind().dialect.name == "postgresql"


def is_one_of(column: Any, name: str, *, on_postgresql: bool) -> ColumnElement[bool]:
    """Whether a column is one of the `values` that the parameter `name` gets."""
    if on_postgresql:
        found: ColumnElement[bool] = column == any_(bindparam(name, type_=ARRAY(column.type)))
        return found
    listed = func.json_each(bindparam(name, type_=String)).table_valued("value")
    chosen: ColumnElement[bool] = column.in_(select(listed.c.value))
    return chosen


def values(of: Sequence[Any], *, on_postgresql: bool) -> Any:
    """Make the value of the parameter of `is_one_of`."""
    return of if on_postgresql else json.dumps(of)


def numbered_texts(*, on_postgresql: bool) -> Any:
    """Give the `pairs` that the parameters get as a table with the columns `number` (each once) and `text`."""
    if on_postgresql:
        columns = bindparam("numbers", type_=ARRAY(Integer)), bindparam("texts", type_=ARRAY(String))
        return func.unnest(*columns).table_valued("number", "text").render_derived()
    listed = func.json_each(bindparam("pairs", type_=String)).table_valued("key", "value")
    return select(cast(listed.c.key, Integer).label("number"), listed.c.value.label("text")).subquery()


def pairs(numbers: Sequence[int], texts: Sequence[str], *, on_postgresql: bool) -> dict[str, Any]:
    """Make the values of the parameters of `numbered_texts`."""
    if on_postgresql:
        return {"numbers": numbers, "texts": texts}
    return {"pairs": json.dumps(dict(zip(numbers, texts, strict=True)))}
