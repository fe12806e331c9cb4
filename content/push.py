"""What a push message says: read from `push/` and checked when the product starts, so that every message fits.

Of a hazard it speaks by its parts; what speaks of no hazard is plain (`PLAIN_KINDS`).

Placeholders of `push/messages.yaml`: {facts} what is expected, by commune; {fact} and {commune} one of them; {phrase}
a level in words; {day} today or tomorrow; {level} and {most} its figure and the end of the scale; {cause} the pollutant
or taxon; {tier} of an official episode; {hazard}, {hazards} by name; {tip} the sentence of the day; {time} of an
appointment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import Any, Final, Literal

from content.advice import read_bands
from content.hazards import SCALES, TIERS, WATCHED
from content.names import Names
from content.words import LANGUAGES, ContentError, Words, check_names, read_short, read_template

Kind = Literal["alert", "raised", "lowered", "all_clear"]
When = Literal["today", "tomorrow"]
KINDS: Final[tuple[Kind, ...]] = ("alert", "raised", "lowered", "all_clear")
PlainKind = Literal["day_ahead", "hour_ahead", "slot_found"]
PLAIN_KINDS: Final[tuple[PlainKind, ...]] = ("day_ahead", "hour_ahead", "slot_found")
"""An appointment of the day after, one within the hour, and a slot that somebody was waiting for: with no other word
about it, because a phone that lies on a table is read by others."""
REASONS: Final = (
    "above_wish",
    "raised",
    "lowered",
    "all_clear",
    "no_consent",
    "below_wish",
    "not_due",
    "unknown",
    "as_told",
    "over",
    "not_settled",
    "quiet",
    "quiet_dropped",
    "capped",
)
"""Why a device is told of a hazard or not: every `notifications.rules.Decision.reason`."""
PLAIN_REASONS: Final = ("reminder_asked", "slot_watched")
"""Why it is told something plain; why not, some of REASONS say too."""
WHENS: Final[tuple[When, ...]] = ("today", "tomorrow")
TITLE_MOST: Final = 50
BODY_MOST: Final = 150
TIP_MOST: Final = 75
TIPS_LEAST: Final = 31
"""Tips of a band: with 31, the tip of a day comes back on the 31st day after it at the earliest."""
COMMUNE_LEAST: Final = 10
"""Characters that every message leaves at least for the name of each of its communes."""
_OPEN_ENDED: Final = "uv"
"""The hazard whose last level stands for all above it."""
_LONGEST_TIME: Final = "00:00"
_FILE = "push/messages.yaml"
_REASONS_FILE = "push/reasons.yaml"


@dataclass(frozen=True, slots=True)
class Part:
    """What a message says of one hazard in one commune.

    `level` None: not known, which only an all-clear may say. `pollutant`: that of the air, or the taxon of the pollen,
    that makes the level. `tier`: of the official pollution episode that is open; only of the air.
    """

    hazard: str
    level: int | None
    commune_name: str
    pollutant: str | None = None
    tier: str | None = None

    @property
    def in_episode(self) -> bool:
        """Whether it speaks of an official pollution episode."""
        return self.hazard == "air" and self.tier is not None


@dataclass(frozen=True, slots=True)
class Message:
    """What stands on the screen: a title of at most 50 characters, a body of at most 150."""

    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Templates:
    """The texts of `push/messages.yaml`: titles and bodies by (kind, whether of several hazards), facts by hazard.

    Plain ones by kind.
    """

    titles: Mapping[tuple[str, bool], Words]
    bodies: Mapping[tuple[str, bool], Words]
    plain_titles: Mapping[PlainKind, Words]
    plain_bodies: Mapping[PlainKind, Words]
    facts: Mapping[str, Words]
    days: Mapping[str, Words]
    place: Words
    episode: Words
    cause: Words
    ended: Words
    above: Words
    last: Words


@dataclass(frozen=True, slots=True)
class PushBook:
    """Every message and every tip."""

    names: Names
    tips: Mapping[tuple[str, int], tuple[Words, ...]]
    templates: Templates

    def tip(self, hazard: str, level: int, day: date) -> Words:
        """Give the sentence of a day for a level: none comes back within 30 days. Raises KeyError outside the scale."""
        sentences = self.tips[hazard, level]
        return sentences[day.toordinal() % len(sentences)]

    def compose(self, kind: Kind, *, language: str, parts: Sequence[Part], when: When, day: date) -> Message:
        """Write one message about `parts`, at most one of each hazard, the worst first, for `day` (which is `when`).

        The tip is the day's, or the next that fits. Without one that does, what is too long loses the end of the names
        of its communes. Raises ValueError without a
        part, with two of one hazard, or where a level that must be known is not.
        """
        if not parts or len({part.hazard for part in parts}) < len(parts):
            raise ValueError("a message needs a part, and at most one of each hazard")
        if kind != "all_clear" and any(part.level is None for part in parts):
            raise ValueError("only an all-clear may know no level")
        body = self._body(kind, language, parts, when, tip=self._fitting(kind, language, parts, when, day=day))
        if len(body) > BODY_MOST:
            body = self._body(kind, language, parts, when)
        if len(body) > BODY_MOST:
            body = self._body(kind, language, parts, when, name_most=self._room(kind, language, parts, when))
        return Message(title=self._title(kind, language, parts, when), body=body)

    def plain(self, kind: PlainKind, *, language: str, when: When = "today", time: str = "") -> Message:
        """Write one message that speaks of no hazard. `when` and `time`: of an appointment. Raises KeyError."""
        day = self.templates.days[when].say(language)
        title = self.templates.plain_titles[kind].say(language, day=day, time=time)
        return Message(title=title, body=self.templates.plain_bodies[kind].say(language))

    def _fitting(self, kind: Kind, language: str, parts: Sequence[Part], when: When, *, day: date) -> str:
        """The first tip from the day's on with which the body is not too long; "" without one."""
        worst = parts[0]
        if worst.level is None:
            return ""
        sentences = self.tips[worst.hazard, worst.level]
        room = BODY_MOST - len(self._body(kind, language, parts, when)) - 1
        for later in range(len(sentences)):
            tip = sentences[(day.toordinal() + later) % len(sentences)].say(language)
            if len(tip) <= room:
                return tip
        return ""

    def texts(self) -> Iterator[tuple[str, Words]]:
        """Give each tip once, with its place: levels of one band share theirs."""
        seen: set[int] = set()
        for (hazard, level), sentences in self.tips.items():
            if id(sentences) not in seen:
                seen.add(id(sentences))
                where = f"push/{hazard}.yaml: level {level}"
                yield from ((f"{where}: tip {number}", tip) for number, tip in enumerate(sentences, 1))

    def check_fit(self) -> None:
        """Check that each title fits, and that each body leaves room for its communes. Raises ContentError."""
        for language, when, kind in product(LANGUAGES, WHENS, KINDS):
            for parts in self._longest(language, when):
                where = f"{_FILE}: {kind}, {when}, in {language}: {parts[0].hazard}"
                title = self._title(kind, language, parts, when)
                if len(title) > TITLE_MOST:
                    raise ContentError(f"{where}: “{title}” is longer than {TITLE_MOST} characters")
                if self._room(kind, language, parts, when) < COMMUNE_LEAST:
                    raise ContentError(f"{where}: the body leaves fewer than {COMMUNE_LEAST} characters for a commune")
        for language, when, plain in product(LANGUAGES, WHENS, PLAIN_KINDS):
            where = f"{_FILE}: {plain}, {when}, in {language}"
            message = self.plain(plain, language=language, when=when, time=_LONGEST_TIME)
            for text, most in ((message.title, TITLE_MOST), (message.body, BODY_MOST)):
                if len(text) > most:
                    raise ContentError(f"{where}: “{text}” is longer than {most} characters")

    def _longest(self, language: str, when: When) -> list[list[Part]]:
        """Parts than which no message is longer: the longest of each hazard alone, and all of them together."""
        phrases, facts = [], []
        for hazard in WATCHED:
            causes = {"air": self.names.pollutants, "pollen": self.names.taxa}.get(hazard, {})
            cause = max(causes, key=lambda code: len(self.names.cause(code).say(language)), default=None)
            parts = [
                Part(hazard, level, f"in {hazard}", cause, tier)
                for level, tier in product(SCALES[hazard].levels, (None, *TIERS))
            ]
            phrases.append(max(parts, key=lambda part: len(self._phrase(part, language))))
            facts.append(max(parts, key=lambda part: len(self._fact(part, language, when))))
        return [phrases, *([part] for part in (*phrases, *facts))]

    def _title(self, kind: Kind, language: str, parts: Sequence[Part], when: When) -> str:
        names = [_inside(self.names.hazards[part.hazard].name.say(language)) for part in parts]
        listed = (
            names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {self.templates.last.say(language)} {names[-1]}"
        )
        title = self.templates.titles[kind, len(parts) > 1].say(
            language,
            phrase=self._phrase(parts[0], language),
            day=self.templates.days[when].say(language),
            hazard=listed,
            hazards=listed,
        )
        return _capitalised(title)

    def _body(
        self,
        kind: Kind,
        language: str,
        parts: Sequence[Part],
        when: When,
        *,
        tip: str = "",
        name_most: int = BODY_MOST,
    ) -> str:
        by_commune: dict[str, list[str]] = {}
        for part in parts:
            said = self._phrase(part, language) if len(parts) > 1 else self._fact(part, language, when)
            by_commune.setdefault(part.commune_name, []).append(said)
        facts = ". ".join(
            self.templates.place.say(language, commune=_shortened(commune, name_most), fact=", ".join(said))
            for commune, said in by_commune.items()
        )
        return self.templates.bodies[kind, len(parts) > 1].say(language, facts=facts, tip=tip).rstrip()

    def _room(self, kind: Kind, language: str, parts: Sequence[Part], when: When) -> int:
        """Characters that a message without its tip leaves for the name of each commune."""
        around = len(self._body(kind, language, parts, when, name_most=0))
        return (BODY_MOST - around) // len({part.commune_name for part in parts})

    def _phrase(self, part: Part, language: str) -> str:
        if part.in_episode:
            return self.names.tiers[str(part.tier)].phrase.say(language)
        if part.level is None:
            return self.templates.ended.say(language)
        return self.names.hazards[part.hazard].levels[part.level].phrase.say(language)

    def _fact(self, part: Part, language: str, when: When) -> str:
        if part.level is None and not part.in_episode:
            return self.templates.ended.say(language)
        most = SCALES[part.hazard].most
        figure = str(part.level)
        if part.hazard == _OPEN_ENDED and part.level == most:
            figure = self.templates.above.say(language, level=most)
        template = self.templates.episode if part.in_episode else self.templates.facts[part.hazard]
        fact = template.say(
            language,
            phrase=self._phrase(part, language),
            day=self.templates.days[when].say(language),
            level=figure,
            most=most,
            tier=self.names.tiers[str(part.tier)].name.say(language) if part.in_episode else "",
        )
        if part.pollutant is None:
            return fact
        return fact + self.templates.cause.say(language, cause=self.names.cause(part.pollutant).say(language))


def read_push(tips: Mapping[str, Any], messages: Any, names: Names) -> PushBook:
    """Check the tips, by hazard, and the messages: each fits its place, whatever it is filled with."""
    by_level: dict[tuple[str, int], tuple[Words, ...]] = {}
    for hazard, raw in tips.items():
        where = f"push/{hazard}.yaml"
        for levels, band in read_bands(raw["tips"], hazard, where):
            at = f"{where}: levels {levels}"
            sentences = tuple(
                read_short(entry, f"{at}: tip {number}", TIP_MOST) for number, entry in enumerate(band["sentences"], 1)
            )
            if len(sentences) < TIPS_LEAST:
                raise ContentError(f"{at}: {len(sentences)} tips, at least {TIPS_LEAST}")
            by_level.update({(hazard, level): sentences for level in levels})
    book = PushBook(names=names, tips=by_level, templates=_templates(messages))
    book.check_fit()
    return book


def read_reasons(raw: Any) -> dict[str, Words]:
    """Check `push/reasons.yaml`: exactly the REASONS and PLAIN_REASONS."""
    check_names(raw["reasons"], (*REASONS, *PLAIN_REASONS), f"{_REASONS_FILE}: reasons")
    return {code: read_template(entry, f"{_REASONS_FILE}: {code}") for code, entry in raw["reasons"].items()}


_PLAIN_NEEDS: Final[Mapping[PlainKind, tuple[str, ...]]] = {
    "day_ahead": ("day", "time"),
    "hour_ahead": ("time",),
    "slot_found": (),
}


def _templates(raw: Any) -> Templates:
    check_names(raw["facts"], WATCHED, f"{_FILE}: facts")
    check_names(raw["days"], WHENS, f"{_FILE}: days")
    for section in ("plain_titles", "plain_bodies"):
        check_names(raw[section], PLAIN_KINDS, f"{_FILE}: {section}")
    small = {
        "place": ("commune", "fact"),
        "episode": ("day", "tier"),
        "cause": ("cause",),
        "ended": (),
        "above": ("level",),
        "last": (),
    }
    return Templates(
        titles={
            **_by_kind(raw, "titles", ("hazard",), needed=("phrase", "day"), of_all_clear=("hazard",)),
            **_by_kind(raw, "titles_several", needed=("hazards", "day"), of_all_clear=("hazards",)),
        },
        bodies={
            **_by_kind(raw, "bodies", needed=("facts", "tip"), of_all_clear=("facts",)),
            **_by_kind(raw, "bodies_several", needed=("facts", "tip"), of_all_clear=("facts",)),
        },
        plain_titles={
            kind: read_template(raw["plain_titles"][kind], f"{_FILE}: plain_titles: {kind}", needed=needed)
            for kind, needed in _PLAIN_NEEDS.items()
        },
        plain_bodies={
            kind: read_template(raw["plain_bodies"][kind], f"{_FILE}: plain_bodies: {kind}") for kind in PLAIN_KINDS
        },
        facts={
            hazard: read_template(entry, f"{_FILE}: facts: {hazard}", ("level", "most"), needed=("phrase", "day"))
            for hazard, entry in raw["facts"].items()
        },
        days={when: read_template(entry, f"{_FILE}: days: {when}") for when, entry in raw["days"].items()},
        **{name: read_template(raw.get(name), f"{_FILE}: {name}", needed=needed) for name, needed in small.items()},
    )


def _by_kind(
    raw: Any, section: str, allowed: Sequence[str] = (), *, needed: Sequence[str], of_all_clear: Sequence[str]
) -> dict[tuple[str, bool], Words]:
    """Read a section of messages, by (kind, whether of several hazards). An all-clear needs less than the others."""
    check_names(raw[section], KINDS, f"{_FILE}: {section}")
    return {
        (kind, section.endswith("_several")): read_template(
            entry,
            f"{_FILE}: {section}: {kind}",
            (*allowed, *needed),
            needed=of_all_clear if kind == "all_clear" else needed,
        )
        for kind, entry in raw[section].items()
    }


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _inside(name: str) -> str:
    """A name as it stands inside a sentence: UV stays, Air becomes air."""
    return name if name.isupper() else name[:1].lower() + name[1:]


def _shortened(name: str, most: int) -> str:
    """Keep as many whole words of a name as fit in `most` characters, with "…" for the rest."""
    if len(name) <= most:
        return name
    kept = name[: max(most - 1, 0)]
    if most and name[len(kept)] not in " -":
        cut = max(kept.rfind(" "), kept.rfind("-"))
        kept = kept[:cut] if cut > 0 else kept
    return kept.rstrip(" -") + ("…" if most else "")
