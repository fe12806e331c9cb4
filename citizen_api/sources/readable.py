"""Registers shout: names, streets and towns in capitals, made readable; a second pass changes nothing.

What already holds a small letter was written by a person and is left as it is. Accents are never guessed.
"""

import re
from collections.abc import Mapping
from typing import Final

from citizen_api.sources.records import clean

_ABBREVIATIONS: Final = """
    AP APAJH APEI APF CAARUD CADA CAJ CAMSP CAT CATTP CHI CHU CIAPA CITL CLIC CMPP CPOA CSAPA CSI DAC
    EHPA EHPAD ESAT ESI EURL FAM GHI GHU GIE HAD HIA IDF IEM IME IMP IMPRO ITEP MAPA MAS PA PEP PMI RATP
    RER SA SAMSAH SARL SAS SAVS SELAFA SELARL SELAS SELASU SELURL SESSAD SMUR SSIAD UATA UGECAM UHSA UMD
    UNAFAM UPI USIS USLD ZA ZAC ZI
"""
_TITLES: Final = "BLD CDT CX DR FBG FG LT MLLE MM MME MR PDT PR PRV ST TH TSSE"
_SMALL_WORDS: Final = "au aux chez de des du en et par pour près sous sur lès"
_WRITTEN_OUT_TYPES: Final = """
    allée allee avenue boulevard chaussée chaussee chemin cour cours esplanade galerie impasse mail parvis
    passage place pont promenade quai résidence residence route rue ruelle sente sentier square villa voie
"""

ABBREVIATIONS: Final = frozenset(_ABBREVIATIONS.split())
"""Initials that hold a vowel; those without one are recognised by that."""
TITLES: Final = frozenset(_TITLES.split())
"""Written without a vowel, yet not initials."""
WORDS_OF_NAMES: Final = {"CTRE": "Centre", "CTR": "Centre", "PHARM": "Pharmacie", "PHIE": "Pharmacie"}
WORDS_OF_STREETS: Final = {
    "CDT": "Commandant",
    "DR": "Docteur",
    "FBG": "Faubourg",
    "FG": "Faubourg",
    "PDT": "Président",
    "PTE": "Porte",
    "ST": "Saint",
    "STE": "Sainte",
}
SMALL_WORDS: Final = frozenset(_SMALL_WORDS.split())
ARTICLES: Final = frozenset({"la", "le", "les"})
BEFORE_AN_ARTICLE: Final = SMALL_WORDS | ARTICLES | {"a"}

STREET_TYPES: Final = {
    "ALL": "allée",
    "AV": "avenue",
    "AVE": "avenue",
    "BD": "boulevard",
    "BLD": "boulevard",
    "BVD": "boulevard",
    "CAR": "carrefour",
    "CHE": "chemin",
    "CHEM": "chemin",
    "CHS": "chaussée",
    "CITE": "cité",
    "COR": "corniche",
    "CRS": "cours",
    "DOM": "domaine",
    "ESP": "esplanade",
    "FBG": "faubourg",
    "FG": "faubourg",
    "GAL": "galerie",
    "GR": "Grande Rue",
    "HAM": "hameau",
    "IMP": "impasse",
    "LD": "lieu-dit",
    "LOT": "lotissement",
    "MTE": "montée",
    "PAS": "passage",
    "PL": "place",
    "PROM": "promenade",
    "QU": "quai",
    "QUA": "quartier",
    "R": "rue",
    "RES": "résidence",
    "RLE": "ruelle",
    "RPT": "rond-point",
    "RTE": "route",
    "SEN": "sente",
    "SENT": "sentier",
    "SQ": "square",
    "TRA": "traverse",
    "VLA": "villa",
}
WRITTEN_OUT_TYPES: Final = frozenset(_WRITTEN_OUT_TYPES.split())

_WORD: Final = re.compile(r"[^\W_]+")
_ROMAN: Final = re.compile(r"(?=[IVX]{2})X{0,2}(?:IX|IV|V?I{0,3})")
_ORDINAL: Final = re.compile(r"\d+(?:ER|ERE|ÈRE|E|EME|ÈME|ND|NDE)")
_VOWEL: Final = re.compile(r"[AEIOUYÀÂÄÉÈÊËÎÏÔÖÙÛÜŸÆŒ]")
_LOST_APOSTROPHE: Final = re.compile(r"\b([DL]) (?=[AEIOUYÀÂÉÈÊÎÔÛH][^\W\d_]{2})")
_HOUSE_NUMBER: Final = re.compile(
    r"(?P<number>\d+(?:[A-Z](?![^\W_]))?)(?:\s*(?P<repeat>BIS|TER|QUATER)\b)?(?P<more>(?:\s*[-/,]\s*\d+[A-Z]?)*)\s*,?\s+"
)
_CEDEX: Final = re.compile(r"\s*\bCEDEX\b.*$", re.IGNORECASE)
_ARRONDISSEMENT: Final = re.compile(r"^(PARIS|LYON|MARSEILLE) (?:\d{1,2})(?:E|EME|ER)?(?: ARRONDISSEMENT)?$")
_SAINT: Final = re.compile(r"\bST(E?)(?=[ -])")
_INITIALS_MAX: Final = 5


def readable_name(text: str) -> str:
    """Write "PHARMACIE DU VILLAGE" as "Pharmacie du Village"; CMP, EHPAD, 92G02 and XIV stay as they are."""
    name = clean(text)
    return name if _was_written_by_hand(name) else _lowered(name, words=WORDS_OF_NAMES)


def readable_street(text: str) -> str:
    """Write "10 R DE L'ECLIPSE" as "10 rue de l'Eclipse"; without a number the type takes a capital."""
    street = clean(text)
    if _was_written_by_hand(street):
        return street
    start = ""
    if found := _HOUSE_NUMBER.match(street):
        start, street = _readable_number(found), street[found.end() :]
    kind, rest = _street_type(street)
    if kind is None:
        return f"{start}{_lowered(street, words=WORDS_OF_STREETS)}"
    if not start:
        kind = kind[0].upper() + kind[1:]
    return f"{start}{kind} {_lowered(rest, words=WORDS_OF_STREETS, opens=False)}"


def readable_city(text: str) -> str:
    """Write "ST MANDE CEDEX" as "Saint Mande", and "PARIS 16" as "Paris"."""
    city = _CEDEX.sub("", clean(text))
    if _was_written_by_hand(city):
        return city
    city = _ARRONDISSEMENT.sub(r"\1", city)
    return _lowered(_SAINT.sub(r"SAINT\1", city), articles_small=True)


def _was_written_by_hand(text: str) -> bool:
    return any(character.islower() for character in text)


def _street_type(street: str) -> tuple[str | None, str]:
    """Split off the type, written out; "R MAIL VICTOR JARA" is a mail, whatever the register chose."""
    first, _, rest = street.partition(" ")
    kind = STREET_TYPES.get(first.rstrip(".")) or (first.lower() if first.lower() in WRITTEN_OUT_TYPES else None)
    if kind is None or not rest:
        return None, street
    second, _, further = rest.partition(" ")
    if kind == "rue" and further and second.lower() in WRITTEN_OUT_TYPES:
        return second.lower(), further
    return kind, rest


def _readable_number(found: re.Match[str]) -> str:
    repeat = f" {found['repeat'].lower()}" if found["repeat"] else ""
    return f"{found['number']}{repeat}{found['more']} "


def _lowered(
    text: str, *, words: Mapping[str, str] | None = None, opens: bool = True, articles_small: bool = False
) -> str:
    """Each word in its usual case, `words` written out. `opens`: the first word takes a capital."""
    written_out = words or {}
    text = _LOST_APOSTROPHE.sub(r"\1'", text)
    parts: list[str] = []
    end = 0
    previous = ""
    for found in _WORD.finditer(text):
        between = text[end : found.start()]
        starts = (opens and not parts) or any(mark in between for mark in '"(«:') or " - " in between
        word = written_out.get(found[0]) or _word(
            found[0],
            starts=starts,
            elided=text[found.end() : found.end() + 1] in {"'", "\N{RIGHT SINGLE QUOTATION MARK}"},
            article_small=articles_small or previous in BEFORE_AN_ARTICLE or "-" in between,
        )
        parts += [between, word]
        previous, end = word.lower(), found.end()
    return "".join([*parts, text[end:]])


def _word(word: str, *, starts: bool, elided: bool, article_small: bool) -> str:
    lower = word.lower()
    if _ORDINAL.fullmatch(word):
        return lower
    if elided and word in {"D", "L", "QU"}:
        return word.capitalize() if starts else lower
    if _stays_in_capitals(word):
        return word
    if not starts and (lower in SMALL_WORDS or (lower in ARTICLES and article_small)):
        return lower
    return word.capitalize()


def _stays_in_capitals(word: str) -> bool:
    if word in TITLES:
        return False
    return (
        len(word) == 1
        or word in ABBREVIATIONS
        or any(character.isdigit() for character in word)
        or bool(_ROMAN.fullmatch(word))
        or (len(word) <= _INITIALS_MAX and not _VOWEL.search(word))
    )
