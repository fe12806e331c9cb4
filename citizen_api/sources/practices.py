"""What a resident asks of a practice, read from the cells that people fill, in French or English.

Nothing here rejects a row: a cell that is not understood says nothing, and what is half understood is not guessed.
"""

import re
import unicodedata
from typing import Final

from citizen_api.sources.records import clean

YES: Final = frozenset({"yes", "y", "oui", "o", "true", "vrai", "1"})
NO: Final = frozenset({"no", "n", "non", "false", "faux", "0"})

_FILLERS: Final = frozenset({"secteur", "sector", "conventionnel", "co"})
_FIGURES: Final = {"i": "1", "ii": "2", "iii": "3", "s1": "1", "s2": "2", "s3": "3", "conventionnee": "conventionne"}
_SECTORS: Final = {
    **dict.fromkeys(("1", "conventionne 1"), "1"),
    **dict.fromkeys(("2", "conventionne 2", "2 sans optam", "2 hors optam", "2 non optam", "2 without optam"), "2"),
    **dict.fromkeys(("2 optam", "optam 2", "conventionne 2 optam", "2 avec optam", "2 with optam"), "2-optam"),
    **dict.fromkeys(("3", "none", "not agreed", "non conventionne", "hors convention", "deconventionne"), "none"),
}
"""Words left of a cell without its fillers -> one of PAYMENT_SECTORS. "OPTAM" alone does not tell the sector."""

_THIRD_PARTY: Final = {
    **dict.fromkeys(("total", "totale", "integral", "integrale", "complet", "full", "whole"), "full"),
    **dict.fromkeys(("partiel", "partielle", "partial", "part obligatoire", "amo"), "partial"),
    **dict.fromkeys(YES, "partial"),  # a bare yes promises the lesser of the two
    **dict.fromkeys((*NO, "aucun", "none", "pas", "pas de", "sans"), "no"),
}
_THIRD_PARTY_WORDS: Final = re.compile(r"\b(?:tiers payant|third party(?: payment)?)\b")

_ISO_639: Final = """
    aa ab af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el
    en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it
    iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt
    my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl
    sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo
    za zh zu bci ber fsl gcf gcr gsw kab rcf rom shi snk zgh
"""
_CODES: Final = frozenset(_ISO_639.split())
"""ISO 639-1, and of the longer ones those that a practice in France may name."""

_NAMES: Final = {
    "ar": "arabe arabic",
    "bg": "bulgare bulgarian",
    "bm": "bambara",
    "ber": "berbere berber",
    "bn": "bengali",
    "br": "breton",
    "bs": "bosniaque bosnian",
    "ca": "catalan",
    "co": "corse corsican",
    "cs": "tcheque czech",
    "da": "danois danish",
    "de": "allemand german deutsch",
    "el": "grec greek",
    "en": "anglais english",
    "es": "espagnol spanish castillan",
    "et": "estonien estonian",
    "eu": "basque",
    "fa": "persan farsi persian dari",
    "ff": "peul pulaar fula fulfulde",
    "fi": "finnois finlandais finnish",
    "fr": "francais french",
    "fsl": "lsf langue_des_signes langue_des_signes_francaise french_sign_language",
    "gcf": "creole_guadeloupeen creole_martiniquais creole_antillais",
    "gcr": "creole_guyanais",
    "gsw": "alsacien alsatian suisse_allemand",
    "he": "hebreu hebrew",
    "hi": "hindi",
    "hr": "croate croatian",
    "ht": "creole_haitien haitian_creole",
    "hu": "hongrois hungarian",
    "hy": "armenien armenian",
    "id": "indonesien indonesian",
    "it": "italien italian",
    "ja": "japonais japanese",
    "ka": "georgien georgian",
    "kab": "kabyle kabylian",
    "km": "khmer cambodgien",
    "ko": "coreen korean",
    "ku": "kurde kurdish kurmandji",
    "lb": "luxembourgeois luxembourgish",
    "ln": "lingala",
    "lo": "lao laotien",
    "lt": "lituanien lithuanian",
    "lv": "letton latvian",
    "mg": "malgache malagasy",
    "mk": "macedonien macedonian",
    "nl": "neerlandais hollandais flamand dutch flemish",
    "no": "norvegien norwegian",
    "oc": "occitan",
    "pa": "pendjabi punjabi",
    "pl": "polonais polish",
    "ps": "pachto pachtou pashto",
    "pt": "portugais portuguese bresilien brazilian",
    "rcf": "creole_reunionnais",
    "ro": "roumain moldave romanian",
    "rom": "romani rromani",
    "ru": "russe russian",
    "sk": "slovaque slovak",
    "sl": "slovene slovenian",
    "snk": "soninke",
    "so": "somali",
    "sq": "albanais albanian",
    "sr": "serbe serbian",
    "sv": "suedois swedish",
    "sw": "swahili",
    "ta": "tamoul tamil",
    "th": "thai",
    "ti": "tigrigna tigrinya",
    "tr": "turc turkish",
    "uk": "ukrainien ukrainian",
    "ur": "ourdou urdu",
    "vi": "vietnamien vietnamese",
    "wo": "wolof",
    "yi": "yiddish",
    "zh": "chinois mandarin chinese",
}
_LANGUAGES: Final = {name: code for code, names in _NAMES.items() for name in names.split()}
_BETWEEN_LANGUAGES: Final = re.compile(r"[,;/|+&]|\s(?:et|and)\s")
_BETWEEN_SERVICES: Final = re.compile(r"[,;|]")


def slug(text: str | None) -> str:
    """Write "Dépistage de l'angine" as "depistage_de_l_angine": lower-case ASCII letters and digits, joined by _."""
    plain = unicodedata.normalize("NFKD", clean(text).casefold().replace("œ", "oe"))
    return "_".join(re.findall(r"[a-z0-9]+", "".join(c for c in plain if not unicodedata.combining(c))))


def parse_yes_no(text: str | None) -> bool | None:
    """Read oui, non, yes, no, vrai, faux, 1, 0 and their first letters; None when it is none of them."""
    word = slug(text)
    return True if word in YES else False if word in NO else None


def parse_payment_sector(text: str | None) -> str | None:
    """Read "1", "Secteur 2", "2 OPTAM", "non conventionné" as one of PAYMENT_SECTORS; several are None."""
    words = (_FIGURES.get(word, word) for word in slug(text).split("_") if word not in _FILLERS)
    return _SECTORS.get(" ".join(words))


def parse_third_party_payment(text: str | None) -> str | None:
    """Read "intégral", "partiel", "non" as one of THIRD_PARTY_PAYMENTS; a bare "oui" is "partial"."""
    words = slug(text).replace("_", " ")
    return _THIRD_PARTY.get(" ".join(_THIRD_PARTY_WORDS.sub(" ", words).split()))


def parse_languages(text: str | None) -> tuple[str, ...]:
    """Read "français, anglais, ar" as ("fr", "en", "ar"): BCP 47, without region, in the order written.

    What names no language that we know is left out: the rest of the cell still says something.
    """
    if parse_yes_no(text) is not None:  # "no" is also Norwegian
        return ()
    found: list[str] = []
    for piece in _BETWEEN_LANGUAGES.split(clean(text).casefold()):
        code = _language(piece)
        codes = [code] if code else [_language(word) for word in piece.split()]
        if all(codes):
            found += [each for each in codes if each]
    return tuple(dict.fromkeys(found))


def parse_services(text: str | None) -> tuple[str, ...]:
    """Slugs of what stands between commas, semicolons and bars, in the order written; `care/services` knows them."""
    words = (slug(piece) for piece in _BETWEEN_SERVICES.split(clean(text)))
    return tuple(dict.fromkeys(word for word in words if word))


def _language(text: str) -> str | None:
    word = slug(text)
    if code := _LANGUAGES.get(word):
        return code
    primary = word.partition("_")[0] if re.fullmatch(r"\s*\w{2,3}(?:[-_]\w{2,4})?\s*", text) else ""
    return primary if primary in _CODES else None
