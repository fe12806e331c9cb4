"""Pictures that the product draws itself: SVG documents that load nothing and run nothing."""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from html import escape
from typing import Final

from flask import Response

SVG: Final = "image/svg+xml"
WIDEST_PX: Final = 560
GROWS: Final = f"display:block;width:100%;max-width:{WIDEST_PX}px;height:auto;margin:auto"
"""How a picture takes the room that there is, for the style of its class: larger letters, up to WIDEST_PX."""
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs"})
_BREAKS: Final = "\t\n\r"
_NO_CHARACTERS: Final = "\ufffe\uffff"
"""Nothing stands for these, and XML cannot hold them."""


def legible(text: str) -> str:
    """A text without what is not seen: controls but tabs and breaks, format characters, and what XML cannot hold.

    By controls of direction a name turns around the words beside it; by other format characters it hides some of its
    own. Joined emoji come apart without them, and words with a soft hyphen lose only that.
    """
    return "".join(
        one for one in text if one in _BREAKS or not (one in _NO_CHARACTERS or unicodedata.category(one) in _UNSEEN)
    )


def safe(text: str) -> str:
    """What is `legible` of a text, as XML."""
    return escape(legible(text))


def policy_for(style: str) -> str:
    """The Content-Security-Policy of a picture: nothing is loaded, nothing runs, and only this style sheet holds."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def svg_answer(drawing: str, *, policy: str) -> Response:
    """Answer with a picture and its policy."""
    return Response(drawing, content_type=f"{SVG}; charset=utf-8", headers={"Content-Security-Policy": policy})
