"""How a map looks by day and by night. Where a browser refuses the style sheet, the colours of the day remain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from citizen_api.web.pictures import GROWS, policy_for

WIDTH: Final = 390


@dataclass(frozen=True, slots=True)
class Tone:
    """A colour by day and by night."""

    day: str
    night: str


TONES: Final[Mapping[str, Tone]] = {
    "p": Tone("#FFFFFF", "#14161A"),  # paper
    "g": Tone("#F4F3EF", "#1D2025"),  # ground of the map
    "i": Tone("#1B1C1F", "#F2F3F5"),  # ink
    "s": Tone("#55575E", "#B4B8C0"),  # soft ink
    "sm": Tone("#C9C6BE", "#4A4F59"),  # large streets, small ones, those for people on foot
    "ss": Tone("#DDDAD3", "#363A42"),
    "sf": Tone("#DDDAD3", "#363A42"),
    "gr": Tone("#CFE6CC", "#24402B"),  # parks
    "k": Tone("#1B1C1F", "#000000"),  # outline of a way that is light by itself
    "a": Tone("#1F5FBF", "#8AB8FF"),  # what is reached
    "w": Tone("#1F5FBF", "#8AB8FF"),  # a way of which the streets are not compared
}
"""Colours by class; a class in the drawing is a colour here, so that the night changes all."""

_STROKED: Final = frozenset({"sm", "ss", "sf", "gr", "w"})


def fill(tone: str) -> str:
    """Attributes of what is filled with a tone."""
    return f'class="{tone}" fill="{TONES[tone].day}"'


def stroke(tone: str) -> str:
    """Attributes of what is drawn with a tone."""
    name = tone if tone in _STROKED else f"{tone}l"
    return f'class="{name}" fill="none" stroke="{TONES[tone].day}"'


def haloed(tone: str) -> str:
    """Attributes of a text that is filled with a tone and stands out on what is drawn below it."""
    halo = f'stroke="{TONES["g"].day}" stroke-width="3" stroke-linejoin="round" paint-order="stroke"'
    return f'class="{tone} gl" fill="{TONES[tone].day}" {halo}'


PAPER: Final = fill("p")
GROUND: Final = fill("g")
INK: Final = fill("i")
SOFT: Final = fill("s")


@dataclass(frozen=True, slots=True)
class Step:
    """A class of exposure, from `least` times the city's mean on.

    It has a colour, a width, the tone of its outline, and words (`name`).
    """

    name: str
    least: float
    colour: str
    width: float
    casing: str = "k"


STEPS: Final = (
    Step("air_cleaner", 0.0, "#CDEBFF", 4.0),
    Step("air_mean", 0.85, "#E8B21E", 5.5),
    Step("air_worse", 1.15, "#D9600F", 7.5),
    Step("air_much_worse", 1.5, "#7B1040", 10.0, "i"),
)
"""Light and thin where the air is good, dark and wide where it is bad: also for who sees no colours, and in grey."""
UNKNOWN: Final = Step("air_unknown", float("nan"), "", 5.5, "i")
CASING: Final = 3.0
"""What the outline of a way adds to its width."""
DASHES: Final = ("7 4", "2 4", "11 4 2 4")
"""Of the ways that are not the chosen one, in their order."""

STYLE: Final = (
    f".m{{{GROWS}}}"
    "@media(prefers-color-scheme:dark){.m{background:"
    + TONES["p"].night
    + "}"
    + "".join(
        f".{name}{{stroke:{tone.night}}}"
        if name in _STROKED
        else f".{name}{{fill:{tone.night}}}.{name}l{{stroke:{tone.night}}}"
        for name, tone in TONES.items()
    )
    + "}"
)
"""The style sheet of every map, always the same, so that a policy can name it by its hash."""
CONTENT_SECURITY_POLICY: Final = policy_for(STYLE)
"""What an answer of image/svg+xml sends: nothing is loaded, nothing runs, and only this style sheet holds."""
