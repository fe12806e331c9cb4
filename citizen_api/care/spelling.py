"""How the same street or the same shop is spelt by two registers. Plain functions: no I/O."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from rapidfuzz import fuzz

from citizen_api.sources.readable import STREET_TYPES, WRITTEN_OUT_TYPES

_LIGATURES: Final = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss"})
_NO_WORD: Final = re.compile(r"[^a-z0-9]+")
_LINK_WORDS: Final = "a au aux d de des du en et l la le les"
_TITLE_WORDS: Final = """
    abbe amiral capitaine colonel commandant docteur general lieutenant marechal monseigneur president professeur
"""
_GENERIC_WORDS: Final = """
    analyse analyses biologie cabinet cab centre clinique dentaire docteur docteurs dr drs etablissement eurl grande
    grand groupe gie hopital infirmier infirmiers labo laboratoire laboratoires maison mme monsieur medecin medecins
    medical medicale medicales mr nouvelle officine parapharmacie paris pharm pharma pharmacie pharmacies phie pole
    sante sarl sas scm sel sela selafa selarl selas selasu selurl service snc societe soins unite
"""
_KIND_WORDS: Final = """
    cabinet centre clinique defibrillateur dentaire dentiste docteur eau fontaine hopital infirmier infirmiere
    kinesitherapeute laboratoire medecin medical officine parapharmacie pharm pharmacie phie potable sage femme sante
    eurl sarl sas selarl selas selasu selurl snc
"""
_TELLING_WORDS: Final = """
    abbaye asile bas basse bis bois chateau clos croix eglise est faubourg ferme fort fosse fosses gare grand grande
    grands haut haute ile mairie marche moulin neuf neuve nord nouveau nouvelle ouest parc petit petite petits pont port
    porte quai sud tour vieille vieux
"""
_LINKS: Final = frozenset(_LINK_WORDS.split())
_APART: Final = frozenset(_TELLING_WORDS.split())
"""A street with such a word is another than the one without: rue Saint-Honoré, rue du Marché Saint-Honoré."""

_TITLES: Final = frozenset(_TITLE_WORDS.split())
_KINDS_OF_PLACE: Final = frozenset(_KIND_WORDS.split())
_GENERIC: Final = frozenset(_GENERIC_WORDS.split())
"""Words that say what a place is, or what firm runs it: not which one it is."""

_WORDS_OF_STREETS: Final = {
    "cap": "capitaine",
    "cdt": "commandant",
    "col": "colonel",
    "cx": "croix",
    "dr": "docteur",
    "fbg": "faubourg",
    "fg": "faubourg",
    "gal": "general",
    "gd": "grand",
    "gde": "grande",
    "gds": "grands",
    "lt": "lieutenant",
    "mal": "marechal",
    "mgr": "monseigneur",
    "nd": "notre dame",
    "pdt": "president",
    "prof": "professeur",
    "pte": "porte",
    "st": "saint",
    "ste": "sainte",
    "sts": "saints",
    "vx": "vieux",
}
_NUMBER: Final = re.compile(
    r"(?P<first>\d{1,4})\s*(?P<repeat>bis|ter|quater|[a-z](?=\s)(?!\s+\d))?"
    r"(?P<more>(?:\s*(?:[-/,&]|et|a)\s*\d{1,4}\s*(?:bis|ter|quater|[a-z](?=\s))?)*)\s*,?\s+"
    # "rue du 8 mai" may come without its "rue": the day is no number of a house.
    r"(?!(?:janvier|fevrier|mars|avril|mai|juin|juillet|aout|septembre|octobre|novembre|decembre)\b)"
)
_DIGITS: Final = re.compile(r"\d+")
_REPEATS: Final = {"b": "bis", "t": "ter", "q": "quater"}

SAME_STREET: Final = 0.85
"""From this similarity on, two spellings are taken for one street of a town."""

LIKE_STREET: Final = 0.7
"""From this similarity on, two may be one street of which a register mistook the kind: worth a look, and no more."""

_WORD_ALIKE: Final = 0.75
_LONE_WORD_ALIKE: Final = 0.9
_LONE_WORD: Final = 6
"""A shorter word that differs by a letter is another word: rue Léon, rue Lebon."""

_TOKENS_IN_COMMON: Final = 0.92
_ANOTHER_STREET: Final = 0.6
_WITHOUT_TITLE: Final = 0.9
_PART_OF_THE_NAME: Final = 0.86


def plain(text: str) -> str:
    """Lower-case ASCII words of a text, one space between: no case, accent, hyphen or apostrophe is left."""
    folded = unicodedata.normalize("NFD", text.lower().translate(_LIGATURES))
    return " ".join(_NO_WORD.sub(" ", "".join(c for c in folded if not unicodedata.combining(c))).split())


@dataclass(frozen=True, slots=True)
class Street:
    """An address in its street, as it is compared.

    `numbers` are (house number, repeat: "", "bis", "a" …), empty where none is given. `kind` is "rue", "avenue"
    …, or "". `name` holds the words that tell the street, `solid` all its letters in one.
    """

    numbers: frozenset[tuple[int, str]]
    kind: str
    name: str
    solid: str

    @property
    def last(self) -> str:
        """The last word of the name: "curie" of "rue Pierre et Marie Curie"."""
        return self.name.rpartition(" ")[2]

    @property
    def figures(self) -> str:
        """The figures in its name, in order of size: those of one street are the same however it is spelt."""
        return "".join(sorted(letter for letter in self.solid if letter.isdigit()))


_KINDS: Final = (
    {plain(short): plain(long) for short, long in STREET_TYPES.items()}
    | {plain(word): plain(word) for word in (*WRITTEN_OUT_TYPES, *STREET_TYPES.values())}
    | {"rpt": "rondpoint", "rondpoint": "rondpoint"}
)


@lru_cache(maxsize=65_536)
def read_street(text: str) -> Street | None:
    """Read "151 bis r. du Fbg St-Denis"; None when no name of a street is in it."""
    folded = unicodedata.normalize("NFD", text.lower().translate(_LIGATURES))
    folded = "".join(c for c in folded if not unicodedata.combining(c)).strip()
    numbers: frozenset[tuple[int, str]] = frozenset()
    if found := _NUMBER.match(folded):
        numbers = _house_numbers(found[0])
        folded = folded[found.end() :]
    words = _NO_WORD.sub(" ", folded).split()
    kind = ""
    if words[:2] == ["rond", "point"]:
        words = ["rondpoint", *words[2:]]
    if words[:3] == ["rue", "grande", "rue"]:
        del words[0]  # a register that keeps the kind apart says it twice
    if words[:2] == ["grande", "rue"]:
        kind, words = "rue", ["grande", *words[2:]]
    elif words and words[0] in _KINDS and words[0] not in {"faubourg", "fbg", "fg"} and len(words) > 1:
        kind, words = _KINDS[words[0]], words[1:]
        if kind == "rue" and len(words) > 1 and words[0] in WRITTEN_OUT_TYPES:
            kind, words = words[0], words[1:]  # "rue mail Victor Jara": whatever the register chose
    spelt = [part for word in words for part in _WORDS_OF_STREETS.get(word, word).split()]
    told = [word for word in spelt if word not in _LINKS] or spelt
    return Street(numbers, kind, " ".join(told), "".join(spelt)) if told else None


def _house_numbers(text: str) -> frozenset[tuple[int, str]]:
    found = re.findall(r"(\d{1,4})\s*(bis|ter|quater|[a-z]\b)?", re.sub(r"\b(?:et|a)\b(?=\s*\d)", " ", text))
    return frozenset((int(number), _REPEATS.get(repeat, repeat)) for number, repeat in found)


def street_similarity(one: Street, other: Street) -> float:
    """How likely two spellings name one street of a town, 0 to 1; their house numbers aside.

    1 is the same name of the same kind; from SAME_STREET on they are taken for the same. Streets whose figures differ
    ("8 mai", "11 novembre") never are.
    """
    if one.name == other.name or one.solid == other.solid:
        alike = 1.0
    else:
        words, others = set(one.name.split()), set(other.name.split())
        if sorted(_DIGITS.findall(one.name)) != sorted(_DIGITS.findall(other.name)) or _APART & (words ^ others):
            return 0.0
        alike = max(_ratio(one.name, other.name), _ratio(one.solid, other.solid))
        if not _is_misspelt(one.name, other.name):
            alike = min(alike, _ANOTHER_STREET)
        short, long = sorted((_without_titles(one.name), _without_titles(other.name)), key=len)
        if short and short == long:
            alike = max(alike, _WITHOUT_TITLE)
        elif short and one.last == other.last and _is_part(short.split(), long.split()):
            alike = max(alike, _PART_OF_THE_NAME)
    if one.kind and other.kind and one.kind != other.kind:
        # An avenue and a rue of one name often stand side by side; "cours" and "boulevard" are mistaken at times.
        alike *= 0.7
    return alike


def _ratio(one: str, other: str) -> float:
    return fuzz.ratio(one, other) / 100


def _is_misspelt(name: str, other: str) -> bool:
    """Whether one name can be the other with a slip: what both have in common says nothing, the rest has to be alike.

    "Faubourg Saint-Antoine" and "Faubourg Saint-Martin" have most letters in common, and are two streets.
    """
    words, others = name.split(), other.split()
    if len(words) == len(others) == 1:
        return min(len(name), len(other)) >= _LONE_WORD and _ratio(name, other) >= _LONE_WORD_ALIKE
    rest = " ".join(word for word in words if word not in others)
    other_rest = " ".join(word for word in others if word not in words)
    return _ratio(rest, other_rest) >= _WORD_ALIKE


def _is_part(short: list[str], long: list[str]) -> bool:
    """Whether one name leaves out words of the other, or all but their initial: "rue G. Clemenceau"."""
    rest = [word for word in long if word not in short]
    unexplained = {word for word in short if word not in long} - {word[0] for word in rest}
    return bool(rest) and not unexplained


def _without_titles(name: str) -> str:
    return " ".join(word for word in name.split() if word not in _TITLES)


def number_agreement(one: Street, other: Street) -> float | None:
    """1 for the same house, 0.9 when only "bis" differs, 0.4 for a neighbour, 0 else; None where one has no number."""
    if not one.numbers or not other.numbers:
        return None
    if one.numbers & other.numbers:
        return 1.0
    mine, theirs = {number for number, _ in one.numbers}, {number for number, _ in other.numbers}
    if mine & theirs:
        return 0.9
    apart = min(abs(a - b) for a in mine for b in theirs)
    return 0.4 if apart <= 4 or _lies_between(mine, theirs) or _lies_between(theirs, mine) else 0.0  # noqa: PLR2004


def _lies_between(numbers: set[int], ends: set[int]) -> bool:
    """Whether a number stands within a range such as 12-18."""
    return len(ends) > 1 and any(min(ends) < number < max(ends) for number in numbers)


def is_generic_name(name: str) -> bool:
    """Whether a name says only what the place is: "Pharmacie", "SELARL Pharmacie", "Cabinet médical"."""
    return _KINDS_OF_PLACE.issuperset(plain(name).split())


@lru_cache(maxsize=65_536)
def telling_words(name: str) -> str:
    """Words of a name that tell which place it is, sorted: "" for "Pharmacie", "SELARL Pharmacie" or no name."""
    return " ".join(sorted({word for word in plain(name).split() if word not in _GENERIC and word not in _LINKS}))


def name_similarity(one: str, other: str) -> float | None:
    """How alike two `telling_words` are, 0 to 1; None when one of them tells nothing."""
    if not one or not other:
        return None
    if one == other:
        return 1.0
    whole = fuzz.ratio(one, other) / 100
    solid = fuzz.ratio(one.replace(" ", ""), other.replace(" ", "")) / 100
    return max(whole, solid, _TOKENS_IN_COMMON * fuzz.token_set_ratio(one, other) / 100)
