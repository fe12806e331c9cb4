"""What care a slot is for: our own short list of codes, and what outside systems call each.

Nothing here is about a resident: it says what a calendar offers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from citizen_api.sources.practices import slug

GENERAL_PRACTICE: Final = "general-practice"
VACCINATION: Final = "vaccination"
OTHER: Final = "other"
"""What nobody could name: it is kept, and found only by who asks for no specialty."""
SPECIALTIES: Final = (
    GENERAL_PRACTICE,
    "paediatrics",
    "gynaecology",
    "midwifery",
    "dermatology",
    "ophthalmology",
    "dentistry",
    "psychiatry",
    "psychology",
    "cardiology",
    "ear-nose-throat",
    "allergology",
    "endocrinology",
    "gastroenterology",
    "neurology",
    "rheumatology",
    "pulmonology",
    "nursing",
    "physiotherapy",
    "speech-therapy",
    "dietetics",
    "pharmacy",
    VACCINATION,
    OTHER,
)

_SERVICE_TYPES: Final = {
    "53": "dietetics",
    "57": VACCINATION,
    "59": "nursing",
    "60": "dietetics",
    "64": "pharmacy",
    "65": "physiotherapy",
    "68": "speech-therapy",
    **dict.fromkeys(("87", "88", "89", "90", "91", "92", "93", "94"), "dentistry"),
    "124": GENERAL_PRACTICE,
    "141": "psychiatry",
    "142": "psychology",
    "165": "cardiology",
    "168": "dermatology",
    "169": "endocrinology",
    "170": "gastroenterology",
    "172": "allergology",
    "177": "neurology",
    "182": "rheumatology",
    "184": "pulmonology",
    "186": "gynaecology",
    "200": "paediatrics",
    "217": "ophthalmology",
    "219": "ear-nose-throat",
}
"""HL7's service-type (terminology.hl7.org/CodeSystem/service-type)."""
_PROFESSIONS: Final = {
    "21": "pharmacy",
    "40": "dentistry",
    "50": "midwifery",
    "60": "nursing",
    "69": "nursing",
    "70": "physiotherapy",
    "91": "speech-therapy",
    "95": "dietetics",
}
"""ANS's TRE_G15-ProfessionSante. Not 10: a doctor may be of any specialty."""
_ORDINAL: Final = {
    **dict.fromkeys(("SM26", "SM53", "SM54"), GENERAL_PRACTICE),
    **dict.fromkeys(("SM40", "SM87", "SM88", "SM89", "SM90"), "paediatrics"),
    **dict.fromkeys(("SM19", "SM20", "SM51", "SM52"), "gynaecology"),
    "SM15": "dermatology",
    **dict.fromkeys(("SM38", "SM85"), "ophthalmology"),
    **dict.fromkeys(("SCD01", "SCD02", "SCD03"), "dentistry"),
    **dict.fromkeys(("SM42", "SM43", "SM92", "SM93"), "psychiatry"),
    **dict.fromkeys(("SM04", "SM73", "SM79", "SM80", "SM81"), "cardiology"),
    **dict.fromkeys(("SM34", "SM39", "SM86"), "ear-nose-throat"),
    "SM57": "allergology",
    **dict.fromkeys(("SM16", "SM62"), "endocrinology"),
    "SM24": "gastroenterology",
    **dict.fromkeys(("SM32", "SM84"), "neurology"),
    "SM48": "rheumatology",
    **dict.fromkeys(("SM41", "SM91"), "pulmonology"),
    **dict.fromkeys(("SI01", "SI02", "SI03", "SI04", "SI08"), "nursing"),
}
"""ANS's TRE_R38-SpecialiteOrdinale, as its value set JDV_J210 of 2026-07-30 lists it. No other has such codes."""
_BY_SYSTEM: Final = {
    "service-type": _SERVICE_TYPES,
    "tre-g15-professionsante": _PROFESSIONS,
    "tre-r38-specialiteordinale": _ORDINAL,
}
"""By the last part of the system's address: HL7 and the ANS have both moved theirs."""

_WORDS: Final = {
    GENERAL_PRACTICE: r"medecine_generale|medecins?_generalistes?|generalistes?|medecins?_traitants?|gp|"
    r"general_practi(?:ce|tioners?)|family_(?:medicine|practice|doctors?)",
    "paediatrics": r"pa?ediatr(?:ie|es?|ics|icians?|ic_medicine)",
    "gynaecology": r"gyna?eco\w*|obstetri\w*",
    "midwifery": r"sages?_femmes?|maieuti\w*|midwi(?:fe|ves|fery)",
    "dermatology": r"dermato\w*",
    "ophthalmology": r"oph?th?almo\w*",
    "dentistry": r"dent(?:ist|al|aire|o_)\w*|(?:ortho|endo|paro)dont\w*",
    "psychiatry": r"(?:pedo|neuro)?psychiatr\w*",
    "psychology": r"(?:neuro)?psycholog\w*|psychotherap\w*",
    "cardiology": r"cardiolog\w*|medecine_cardiovasculaire|cardiovascular_medicine",
    "ear-nose-throat": r"orl|ent|oto_?rhino\w*|otolaryngo\w*|ear_nose\w*",
    "allergology": r"allergo\w*|allerg(?:y|ists?)",
    "endocrinology": r"endocrino\w*|diabetolog\w*",
    "gastroenterology": r"gastro_?enterolog\w*|hepatolog\w*",
    "neurology": r"neurolog\w*",
    "rheumatology": r"rhe?umatolog\w*",
    "pulmonology": r"pneumolog\w*|pulmonolog\w*|(?:respiratory|thoracic)_medicine",
    "nursing": r"infirmi\w*|nurs(?:es?|ing)",
    "physiotherapy": r"kines?|kinesitherap\w*|physiotherap\w*|physical_therap\w*",
    "speech-therapy": r"orthophon\w*|speech_\w*",
    "dietetics": r"diet(?:etic|ici|iti)\w*|nutrition\w*",
    "pharmacy": r"pharmac(?:ie|y|ien|ist)\w*",
    VACCINATION: r"vaccin\w*|immuni[sz]ation\w*",
}
"""Whole words of a slug (small letters without accents, joined by _), in French and English."""
_SPOKEN: Final = {name: re.compile(rf"(?:^|_)(?:{words})(?:_|$)") for name, words in _WORDS.items()}
_TEXT_LENGTH: Final = 200
"""Of what is read of a text or a code: names are shorter, and what is longer is no name."""


def specialties_of(codings: Iterable[tuple[str, str, str]]) -> tuple[str, ...]:
    """Name the specialties of some codings, (system, code, display or free text) each, "" where there is none.

    Of each coding its code decides, with its system or because only one system has such codes; else the words of its
    text. In the order of SPECIALTIES; OTHER, and only that, where nothing is recognised.
    """
    found = {each for coding in codings for each in _named(*(said[:_TEXT_LENGTH] for said in coding))}
    return tuple(specialty for specialty in SPECIALTIES if specialty in found) or (OTHER,)


@lru_cache(maxsize=4_096)
def _named(system: str, code: str, text: str) -> tuple[str, ...]:
    table = _BY_SYSTEM.get(system.rstrip("/").rpartition("/")[2].lower().replace("_", "-"), _ORDINAL)
    # Documents of the ANS write a profession and a specialty in one: G15_10/SM54.
    if known := table.get(code.strip().upper().rpartition("/")[2]):
        return (known,)
    spoken = slug(text)
    return tuple(name for name, words in _SPOKEN.items() if words.search(spoken))
