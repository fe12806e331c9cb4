"""What the demo city makes up: plausible pharmacy hours, the same at every start."""

from __future__ import annotations

import hashlib
from typing import Final

_WEEKS: Final = (
    # (share of the pharmacies in 1/1000, hours)
    (150, None),  # hours unknown, as for many in reality
    (330, "Mo-Fr 09:00-19:30; Sa 09:00-13:00; PH off"),
    (200, "Mo-Fr 08:30-20:00; Sa 09:00-19:30; PH off"),
    (110, "Mo 14:00-19:30; Tu-Sa 09:00-19:30; PH off"),
    (100, "Mo-Fr 09:00-12:30,14:00-19:30; Sa 09:00-12:30; PH off"),
    (60, "Mo-Sa 08:30-20:30; Su 10:00-13:00; PH off"),
    (30, "Mo-Su 08:00-21:00; PH 10:00-19:00"),
    (14, "Mo-Su 08:30-24:00"),
    (4, "Mo-Su 08:00-02:00"),
    (2, "24/7"),
)


def demo_hours(finess: str) -> str | None:
    """Make up the hours of a pharmacy (OSM syntax), or None for the share whose hours stay unknown."""
    draw = int.from_bytes(hashlib.blake2b(f"demo:{finess}".encode(), digest_size=4).digest()) % 1000
    for share, hours in _WEEKS:
        if draw < share:
            return hours
        draw -= share
    raise AssertionError("the shares add up to 1000")
