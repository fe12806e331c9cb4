"""From a French text about opening hours to its phrases: times, days, "fermé", what links them.

A text is cut into tokens, each with a letter for its kind; regular expressions over these letters find phrases.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final, NamedTuple

LONGEST_TEXT_CHARS: Final = 1_000
"""Longer texts are left unread: to read a part of one would be to guess."""

MOST_RANGES_A_DAY: Final = 4
LONGEST_NIGHT_MIN: Final = 12 * 60
"""A range across midnight may last as long; longer ones are the two ends of a day, swapped ("18h-9h")."""

DayHours = tuple[tuple[int, int], ...]
"""Open from, to, in minutes after midnight; the last end passes 1440 across midnight. () means closed."""

DAY_MIN: Final = 1440
ALL_WEEK: Final = frozenset(range(7))
"""Days as numbers: 0 is Monday."""
PUBLIC_HOLIDAYS: Final = 7
ALL_DAY: Final[DayHours] = ((0, DAY_MIN),)
_DAY_STARTS: Final = {"lu": 0, "ma": 1, "me": 2, "je": 3, "ve": 4, "sa": 5, "di": 6}

_DASHES: Final = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"), "-")
_APOSTROPHES: Final = dict.fromkeys(map(ord, "\u2018\u2019\u02bc\u00b4`"), "'")
_STOPS: Final = dict.fromkeys(map(ord, ".|"), ";")
_WITHOUT_WEIGHT: Final = frozenset({"Mn", "Cf"})  # accents; marks that nobody sees

_ASIDE: Final = re.compile(r" ?\(((?:sauf|hors|hormis|excepte|y compris|ferme)\b[^()]*)\)")
_ARTICLE: Final = r"(?:(?:tous\ les|les?|du|de|chaque)\ )?"
_TOKEN: Final = re.compile(
    rf"""\ ?(?:
      (?P<always>24\ ?h?\ ?/\ ?7(?:\ ?j(?:ours?)?)?(?![a-z0-9:]))
    | (?P<F>24\ ?(?:h|heures)?\ ?(?:/|sur)\ ?24(?:\ ?(?:h|heures))?(?![a-z0-9:]) | h\ ?24\b)
    | (?P<daily>7\ ?(?:j|jours?)\ ?(?:/|sur)\ ?7(?:\ ?j(?:ours?)?)?(?![a-z0-9:])
        | tous\ les\ jours\b(?!\ feri) | chaque\ jour\b | tlj\b)
    | (?P<t>(?P<noon>midi|minuit)\b
        | (?P<hour>[0-9]{{1,2}})
          (?: \ (?P<unit>heures?|hrs?|h)\ (?P<minute>[0-9]{{2}})(?!\ ?[h:])
            | \ ?(?P<unit_>heures?|hrs?|h)(?P<minute_>[0-9]{{2}})?
            | :(?P<minutes>[0-9]{{2}})(?::00)? )?
          (?! (?!(?:a|et)(?![a-z])) [a-z0-9:] ))
    | (?P<holidays>{_ARTICLE}(?:jours?\ )?feries?\b)
    | (?P<weekdays>en\ semaine\b)
    | (?P<weekend>{_ARTICLE}week[\ -]?ends?\b)
    | {_ARTICLE}(?P<d>(?:(?:lun|mar|mercre|jeu|vendre|same)di|dimanche)s?\b
        | (?:lun|mar|mer|jeu|ven|sam|dim|lu|ma|me|je|ve|sa|di)\b\.?)
    | (?P<x>ferme(?:e|s|es)?\b(?:\ au\ public\b)?(?:\ toute\ la\ journee\b)? | fermetures?\b(?:\ hebdomadaires?\b)?)
    | (?P<o>ouvert(?:e|s|es|ure|ures)?\b(?:\ au\ public\b)? | (?:horaires?|heures)\ d'ouverture\b | horaires?\b)
    | (?P<c>sans\ interruption\b | non[\ -]stop\b | en\ continu\b | (?:en\ )?journee\ continue\b)
    | (?P<E>sauf\b | hors\b | hormis\b | excepte\b | a\ l'exception\ d(?:e|u|es)\b)
    | (?P<I>y\ compris\b)
    | (?P<P>compris(?:es)?\b | inclus(?:es)?\b)
    | (?P<a>(?:jusqu')?a(?![a-z]))
    | (?P<u>(?:jusqu')?au\b)
    | (?P<f>de(?![a-z]))
    | (?P<b>entre\b)
    | (?P<e>et(?![a-z]) | puis\b | ainsi\ que\b | &)
    | (?P<mark>[-/,:;.|])
    )""",
    re.VERBOSE,
)
_DAY_GROUPS: Final = {
    "daily": range(7),
    "weekdays": range(5),
    "weekend": range(5, 7),
    "holidays": range(PUBLIC_HOLIDAYS, PUBLIC_HOLIDAYS + 1),
}

# Letters of tokens: t a time, F round the clock, c "sans interruption", f "de", b "entre", a "à", u "au", e "et",
# d a day, g several days, x closed, o open, E "sauf", I "y compris", P "compris"; marks stand for themselves.
_RANGE: Final = "(?:f?t[-/a]t|btet)"
_DAY_LIST: Final = "(?:d[-ua]d|[dg])(?:(?:,|,?e)(?:d[-ua]d|[dg]))*"
_PHRASE: Final = re.compile(
    rf"(?P<T>c?(?:F|{_RANGE}(?:(?:[-/,]|,?e)?{_RANGE})*)c?)|(?P<D>{_DAY_LIST}(?:,?[EI]{_DAY_LIST})?P?)|."
)
_RANGE_PARTS: Final = re.compile(r"(?P<between>[-/,e]*)(?:f?t(?P<within>[-/a])t|btet)")
_DAY_PARTS: Final = re.compile(r"d(?P<to>[-ua])d|[dgEI]")
_ALWAYS: Final = re.compile("(?:o:?)?c?Fc?")


class NotUnderstoodError(ValueError):
    """Some part of a text has no sure meaning: nothing of it is read."""


class Token(NamedTuple):
    """A word or a mark; `kind` is its letter."""

    kind: str
    minute: int = 0  # of a time, after midnight
    with_unit: bool = False  # of a time: "9h", "9:00", "midi", not a bare "9"
    days: frozenset[int] = frozenset()


class Days(NamedTuple):
    """Days of a list, and those that it takes out again."""

    named: frozenset[int]
    excepted: frozenset[int]


class Phrase(NamedTuple):
    """T times, D days, Q days followed by "compris"; a token that is in no phrase keeps its letter."""

    kind: str
    hours: DayHours = ()
    days: Days = Days(frozenset(), frozenset())


def read_tokens(text: str) -> list[Token]:
    """Cut a text into tokens; NotUnderstoodError for a word that means nothing here, or an hour that is none."""
    plain = _plain(text)
    tokens: list[Token] = []
    place = 0
    while place < len(plain):
        found = _TOKEN.match(plain, place)
        if found is None:
            raise NotUnderstoodError
        place = found.end()
        kind = found.lastgroup or ""
        if kind == "t":
            tokens.append(_read_time(found))
        elif kind == "d":
            tokens.append(Token("d", days=frozenset({_DAY_STARTS[found["d"][:2]]})))
        elif kind == "always":
            tokens += Token("g", days=ALL_WEEK), Token("F")
        elif kind in _DAY_GROUPS:
            tokens.append(Token("g", days=frozenset(_DAY_GROUPS[kind])))
        else:
            tokens.append(Token(found["mark"].translate(_STOPS) if kind == "mark" else kind))
    return tokens


def _plain(text: str) -> str:
    """Small letters without accents, plain dashes, single blanks: what capitals and typography do not change."""
    if len(text) > LONGEST_TEXT_CHARS:
        raise NotUnderstoodError
    apart = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES)).translate(_DASHES)
    kept = "".join(each for each in apart if unicodedata.category(each) not in _WITHOUT_WEIGHT)
    return _ASIDE.sub(r", \1", " ".join(kept.lower().split())).strip(" ;.|")


def _read_time(found: re.Match[str]) -> Token:
    if found["noon"]:
        return Token("t", 12 * 60 if found["noon"] == "midi" else 0, with_unit=True)
    minute = int(found["minute"] or found["minute_"] or found["minutes"] or 0)
    at = int(found["hour"]) * 60 + minute
    if minute >= 60 or at > DAY_MIN:  # noqa: PLR2004 - minutes of an hour
        raise NotUnderstoodError
    return Token("t", at, with_unit=bool(found["unit"] or found["unit_"] or found["minutes"]))


def kinds_of(parts: Sequence[Token | Phrase]) -> str:
    """Letters of tokens or phrases, in their order."""
    return "".join(part.kind for part in parts)


def is_round_the_clock(tokens: Sequence[Token]) -> bool:
    """Whether "24h/24" is all that is said."""
    return _ALWAYS.fullmatch(kinds_of(tokens)) is not None


def read_phrases(tokens: Sequence[Token]) -> list[Phrase]:
    """Gather tokens into phrases; NotUnderstoodError for times and days that cannot be meant."""
    phrases: list[Phrase] = []
    for found in _PHRASE.finditer(kinds_of(tokens)):
        part = tokens[found.start() : found.end()]
        if found["T"]:
            phrases.append(Phrase("T", hours=_read_times(found[0], part)))
        elif found["D"]:
            phrases.append(Phrase("Q" if found[0].endswith("P") else "D", days=_read_days(found[0], part)))
        else:
            phrases.append(Phrase(found[0]))
    return phrases


def _read_times(kinds: str, tokens: Sequence[Token]) -> DayHours:
    """Ranges of a list such as "de 9 à 12 et de 14 à 18 h", ascending; the last may cross midnight."""
    times = [token for token in tokens if token.kind == "t"]
    if not times:
        return ALL_DAY
    pairs = list(zip(times[::2], times[1::2], strict=True))
    parts = list(_RANGE_PARTS.finditer(kinds.strip("c")))
    # In "9h-12h-14h-18h" nothing tells what joins two hours from what parts two ranges.
    confused = {part["within"] for part in parts} & {mark for part in parts[1:] for mark in part["between"]}
    units = all(_has_unit(part["within"], pair) for part, pair in zip(parts, pairs, strict=True))
    ranges = tuple(_read_range(start.minute, end.minute) for start, end in pairs)
    steps = [minute for each in ranges for minute in each]
    orderly = steps == sorted(steps) and steps[-1] - DAY_MIN <= steps[0]
    too_many = len(ranges) > (1 if "c" in kinds else MOST_RANGES_A_DAY)
    if confused or not units or not any(time.with_unit for time in times) or not orderly or too_many:
        raise NotUnderstoodError
    return ranges


def _has_unit(within: str | None, pair: tuple[Token, Token]) -> bool:
    """Whether two numbers are hours: "9-12h", and "9 à 12" beside others that are; "9/12" may be a date."""
    return (
        all(time.with_unit for time in pair)
        or (within == "-" and any(time.with_unit for time in pair))
        or within == "a"
    )


def _read_range(start: int, end: int) -> tuple[int, int]:
    if end <= start and end + DAY_MIN - start <= LONGEST_NIGHT_MIN:
        end += DAY_MIN
    elif end == 0 < start:
        end = DAY_MIN
    if end <= start or start == DAY_MIN:
        raise NotUnderstoodError
    return start, end


def _read_days(kinds: str, tokens: Sequence[Token]) -> Days:
    """Days of a list such as "du lundi au vendredi et le dimanche, sauf le mercredi"."""
    named: set[int] = set()
    excepted: set[int] = set()
    into = named
    for found in _DAY_PARTS.finditer(kinds):
        days = tokens[found.start()].days
        if found["to"]:
            (first,), (last,) = days, tokens[found.end() - 1].days
            if first == last:
                raise NotUnderstoodError
            into.update((first + n) % 7 for n in range((last - first) % 7 + 1))
        elif found[0] == "E":
            into = excepted
        else:
            into.update(days)
    if not excepted <= named | {PUBLIC_HOLIDAYS} or named <= excepted or (excepted and kinds.endswith("P")):
        raise NotUnderstoodError
    return Days(frozenset(named - excepted), frozenset(excepted))
