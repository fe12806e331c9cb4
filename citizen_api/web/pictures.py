"""Pictures that the product draws itself: SVG documents that load nothing and run nothing."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from flask import Response

SVG: Final = "image/svg+xml"


def policy_for(style: str) -> str:
    """The Content-Security-Policy of a picture: nothing is loaded, nothing runs, and only this style sheet holds."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def svg_answer(drawing: str, *, policy: str) -> Response:
    """Answer with a picture and its policy."""
    return Response(drawing, content_type=f"{SVG}; charset=utf-8", headers={"Content-Security-Policy": policy})
