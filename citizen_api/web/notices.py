"""What a reader must know beside the data: `"notices": [{"code", "text"}]`."""

from __future__ import annotations

import marshmallow as ma

from citizen_api.web.language import language
from content.catalogue import catalogue


class NoticeView(ma.Schema):
    """What a reader must know beside the data."""

    code = ma.fields.String(required=True, metadata={"example": "demo_data"})
    text = ma.fields.String(required=True)


def notice(code: str, /, **values: object) -> dict[str, str]:
    """Say a notice in the language of the request."""
    return {"code": code, "text": catalogue().notices[code].say(language(), **values)}
