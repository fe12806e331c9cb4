"""How the name of a place is read, and which of several comes first. Plain functions: no I/O."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import product
from typing import NamedTuple

AFTER_KEY = "~"
"""Sorts after every character of a search key: `key >= q AND key < q || '~'` is "starts with q"."""

POSTCODE_LENGTH = 5

_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "ø": "o", "ł": "l"})
_SUR = re.compile(r"\bs\s?/\s?")
_SEPARATORS = re.compile(r"[^a-z0-9]+")
_ELISION = re.compile(r"\b([ld]) (?=[a-z])")  # "l'hay", "l hay" and "lhay" are one word
_ORDINAL = re.compile(r"\b0*(\d{1,2})(?:er|ere|e|eme|ieme|nd|nde)?\b")
_ARRONDISSEMENT = re.compile(r"(?<=\d) (?:arr|arrt|ardt|arro[a-z]*)$")
_SHORT_FORMS = {"st": "saint", "ste": "sainte", "sts": "saints", "stes": "saintes"}

_ARTICLES = frozenset({"l", "le", "la", "les", "los"})
# No resident starts typing inside a name with one of these.
_LINKS = _ARTICLES | frozenset({"d", "de", "du", "des", "et", "en", "sur", "sous", "au", "aux", "a"})

_DIGITS = r"\d{1,5}|2[ab]\d{0,3}"
_ONLY_DIGITS = re.compile(rf"^(?:{_DIGITS})$")
_DIGITS_FIRST = re.compile(r"^(\d{5}|2[ab]\d{3}) (.+)$")
_DIGITS_LAST = re.compile(r"^(.*[a-z]) (\d{2,3}|\d{5}|2[ab](?:\d{3})?)$")
_CEDEX = re.compile(r"\bcedex(?: 0*(\d+))?\b.*$")

CITIES_WITH_ARRONDISSEMENTS = frozenset({"paris", "lyon", "marseille"})
_ARRONDISSEMENT_NUMBERS = frozenset(str(number) for number in range(1, 21))


def search_key(text: str) -> str:
    """Lower-case ASCII words of a name, as both the stored names and the residents' queries are written.

    Accents, case, hyphens and apostrophes vanish, "st" is "saint", "s/" is "sur", an elided article joins its
    word, "4e" and "04" are "4", and the word "arrondissement" after a number is left out.
    """
    return _joined(_words(text))


def _words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFD", text.lower().translate(_LIGATURES))
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    words = _SEPARATORS.sub(" ", _SUR.sub("sur ", plain)).split()
    return [_SHORT_FORMS.get(word, word) for word in words]


def _joined(words: Sequence[str]) -> str:
    key = _ELISION.sub(r"\1", " ".join(words))
    return _ARRONDISSEMENT.sub("", _ORDINAL.sub(r"\1", key))


class KeyRank(IntEnum):
    """Which part of a name a search key is; a lower one makes a better match."""

    NAME = 0
    WITHOUT_ARTICLE = 1
    INNER = 2
    FORMER = 3


class NameKey(NamedTuple):
    """One text under which a commune is found."""

    key: str
    rank: KeyRank


def name_keys(name: str) -> list[NameKey]:
    """Keys of a present name: whole, without its article, and from each inner word that one would type."""
    words = _words(name)
    keys = {_joined(words): KeyRank.NAME}
    for start in range(1, len(words)):
        if words[start] in _LINKS or words[start][0].isdigit() or words[start] == "arrondissement":
            continue
        rank = KeyRank.WITHOUT_ARTICLE if start == 1 and words[0] in _ARTICLES else KeyRank.INNER
        keys.setdefault(_joined(words[start:]), rank)
    return [NameKey(key, rank) for key, rank in keys.items()]


class Score(IntEnum):
    """How well a commune answers a query, best first. Among equals the larger population comes first."""

    EXACT = 0
    EXACT_WITHOUT_ARTICLE = 1
    BEGINNING = 2
    INNER_WORDS = 3
    CITY_OF_ARRONDISSEMENT = 4
    """A full postcode means the arrondissement; its city follows."""
    FORMER = 5
    """Last: old codes of the Seine are today's postcodes of Paris."""


class CommuneQuery(NamedTuple):
    """A resident's text, read: the key of a name, the beginning of a code or postcode, or both."""

    name: str
    digits: str

    @property
    def is_full_postcode(self) -> bool:
        """Whether the digits are a whole code rather than the beginning of one."""
        return len(self.digits) == POSTCODE_LENGTH


def read_query(text: str) -> CommuneQuery:
    """Tell the name from the code: "75004", "93200 st-denis", "saint denis 974"; "paris 4e" is a name."""
    key = search_key(text)
    bare = _SEPARATORS.sub("", text.strip().lower())
    if _ONLY_DIGITS.match(bare):
        return CommuneQuery("", bare.upper())
    if first := _DIGITS_FIRST.match(key):
        return CommuneQuery(first[2], first[1].upper())
    last = _DIGITS_LAST.match(key)
    if last and not (last[1] in CITIES_WITH_ARRONDISSEMENTS and last[2] in _ARRONDISSEMENT_NUMBERS):
        return CommuneQuery(last[1], last[2].upper())
    return CommuneQuery(key, "")


@dataclass(frozen=True, slots=True)
class KnownCommune:
    """What `PostcodeIndex` needs of a commune."""

    code: str
    key: str
    departement: str
    parent: str | None
    population: int
    postcodes: tuple[str, ...]


class PostcodeIndex:
    """Finds the commune of a postal address that gives no INSEE code (CEDEX included). Held by an import."""

    def __init__(self, communes: Iterable[KnownCommune], former: Iterable[tuple[str, str]]) -> None:
        """`former`: (search key of a former name, code of the present commune)."""
        self._communes = {commune.code: commune for commune in communes}
        self._by_postcode: dict[str, list[KnownCommune]] = defaultdict(list)
        self._by_departement: dict[str, list[KnownCommune]] = defaultdict(list)
        self._by_parent: dict[str, list[KnownCommune]] = defaultdict(list)
        self._former: dict[str, set[str]] = defaultdict(set)
        for commune in sorted(self._communes.values(), key=lambda known: (-known.population, known.code)):
            for postcode in commune.postcodes:
                self._by_postcode[postcode].append(commune)
            self._by_departement[commune.departement].append(commune)
            if commune.parent:
                self._by_parent[commune.parent].append(commune)
        for key, code in former:
            self._former[key].add(code)

    def commune_of(self, postcode: str, city: str = "") -> str | None:
        """INSEE code, or None when the address does not tell.

        Paris, Lyon and Marseille give the arrondissement when the postcode or the CEDEX number names it.
        The postcode of a CEDEX is in no list: there the département and the city's name decide.
        """
        city = search_key(city)
        cedex = _CEDEX.search(city)
        city = _CEDEX.sub("", city).strip()
        listed = self._by_postcode.get(postcode, [])
        arrondissements = [commune for commune in listed if commune.parent]
        if len(arrondissements) == 1:
            return arrondissements[0].code
        found = _named(listed, city, self._former)
        if found is None and len(listed) == 1:
            found = listed[0]
        if found is None and city:
            nearby = [
                commune
                for departement in departements_of_postcode(postcode)
                for commune in self._by_departement.get(departement, ())
            ]
            found = _named(nearby, city, self._former)
        if found is None:
            return None
        number = cedex[1] if cedex and cedex[1] else city.rpartition(" ")[2]
        for arrondissement in self._by_parent.get(found.code, ()):
            if arrondissement.key.rpartition(" ")[2] == number:
                return arrondissement.code
        return found.code


def _named(communes: Sequence[KnownCommune], city: str, former: dict[str, set[str]]) -> KnownCommune | None:
    """Find by name; else by former name; else when only one name begins the other."""
    if not city:
        return None
    spellings = spellings_of(city)
    past = {code for spelling in spellings for code in former.get(spelling, ())}
    called = [commune for commune in communes if commune.key in spellings]
    called += [commune for commune in communes if commune.code in past]
    if called:
        return called[0]
    begun = [
        commune
        for commune in communes
        if commune.parent is None
        and any(
            commune.key.startswith(spelling + " ") or spelling.startswith(commune.key + " ") for spelling in spellings
        )
    ]
    return begun[0] if len(begun) == 1 else None


def spellings_of(key: str) -> list[str]:
    """Spell out a lone "s", which postal labels write for saint, sur and sous."""
    meanings = [("saint", "sur", "sous", "s") if word == "s" else (word,) for word in key.split()]
    return [" ".join(words) for words in product(*meanings)]


def departements_of_postcode(postcode: str) -> tuple[str, ...]:
    """Départements that a postcode's first digits can mean."""
    if postcode.startswith("20"):
        return ("2A", "2B")
    if postcode.startswith(("97", "98")):
        return (postcode[:3],)
    return (postcode[:2],)
