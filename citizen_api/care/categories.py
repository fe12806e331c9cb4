"""What a resident can look for, and which codes of the registers mean it.

FINESS codes are those of table TRE_R66 (ANS); RPPS ones are "profession" or "profession:specialty"; OSM ones
are "key=value", several tags of one place joined by "&": a code that holds all of them, in any order, among others,
leads there. A code leads to one category only. No FINESS code says "emergency department" or "maternity" (a
hospital may have either, or neither): those two come only from a source that says so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A kind of place in a resident's words; the hint says what one goes there for."""

    id: str
    fr: str
    en: str
    hint_fr: str
    hint_en: str
    finess: tuple[str, ...] = ()
    rpps: tuple[str, ...] = ()
    osm: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a FINESS code leads to no category."""

    fr: str
    en: str


CATEGORIES: Final[Mapping[str, Category]] = MappingProxyType(
    {
        category.id: category
        for category in (
            Category(
                id="pharmacy",
                fr="Pharmacie",
                en="Pharmacy",
                hint_fr="Médicaments, conseils, vaccins, tests",
                hint_en="Medicines, advice, vaccines, tests",
                finess=("620", "641"),  # a pharmacy, and its branch in a village
                # No RPPS code: a pharmacist is a person, often in a hospital or in industry.
                osm=("amenity=pharmacy", "healthcare=pharmacy"),
            ),
            Category(
                id="general_practitioner",
                fr="Médecin généraliste",
                en="General practitioner",
                hint_fr="Le premier médecin à voir",
                hint_en="The first doctor to see",
                rpps=("10:SM26", "10:SM53", "10:SM54"),
                # A doctor whose speciality is not told may be any specialist.
                osm=(
                    "amenity=doctors&healthcare:speciality=general",
                    "healthcare=doctor&healthcare:speciality=general",
                ),
            ),
            Category(
                id="dentist",
                fr="Dentiste",
                en="Dentist",
                hint_fr="Dents et gencives",
                hint_en="Teeth and gums",
                rpps=("40",),
                osm=("amenity=dentist", "healthcare=dentist"),
            ),
            Category(
                id="nurse",
                fr="Infirmier ou infirmière",
                en="Nurse",
                hint_fr="Pansements, piqûres, prises de sang, vaccins",
                hint_en="Dressings, injections, blood samples, vaccines",
                rpps=("60",),
                osm=("healthcare=nurse",),
            ),
            Category(
                id="midwife",
                fr="Sage-femme",
                en="Midwife",
                hint_fr="Grossesse, contraception, suivi gynécologique",
                hint_en="Pregnancy, contraception, gynaecological follow-up",
                rpps=("50",),
                osm=("healthcare=midwife",),
            ),
            Category(
                id="physiotherapist",
                fr="Kinésithérapeute",
                en="Physiotherapist",
                hint_fr="Mouvements, douleurs du dos et des articulations, rééducation",
                hint_en="Movement, back and joint pain, getting moving again",
                rpps=("70",),
                osm=("healthcare=physiotherapist",),
            ),
            Category(
                id="laboratory",
                fr="Laboratoire d'analyses",
                en="Medical laboratory",
                hint_fr="Prises de sang et analyses",
                hint_en="Blood samples and tests",
                finess=("610", "611", "612"),
                osm=("healthcare=laboratory", "healthcare=sample_collection"),
            ),
            Category(
                id="hospital",
                fr="Hôpital ou clinique",
                en="Hospital or clinic",
                hint_fr="Consultations et hospitalisations ; tous n'ont pas d'urgences",
                hint_en="Consultations and stays; not all have an emergency department",
                finess=("101", "106", "114", "115", "122", "128", "129", "131", "355", "365", "697"),
                osm=("amenity=hospital", "healthcare=hospital"),
            ),
            Category(
                id="emergency_department",
                fr="Urgences",
                en="Emergency department",
                hint_fr="Appelez d'abord le 15",
                hint_en="Call 15 first",
                osm=("amenity=hospital&emergency=yes", "healthcare=hospital&emergency=yes"),
            ),
            Category(
                id="maternity",
                fr="Maternité",
                en="Maternity unit",
                hint_fr="Suivi de grossesse à l'hôpital et accouchement",
                hint_en="Hospital care in pregnancy, and birth",
                osm=("healthcare=birthing_centre", "healthcare=birthing_center"),
            ),
            Category(
                id="health_centre",
                fr="Centre ou maison de santé",
                en="Health centre",
                hint_fr="Plusieurs soignants au même endroit",
                hint_en="Several carers in one place",
                finess=("124", "130", "438", "439", "603", "617", "618", "636"),
                osm=("amenity=clinic", "healthcare=clinic", "healthcare=centre"),
            ),
            Category(
                id="mental_health",
                fr="Santé mentale et addictions",
                en="Mental health and addiction",
                hint_fr="Parler, être écouté, être soigné ; envies suicidaires : 3114",
                hint_en="Talk, be heard, be treated; thoughts of suicide: 3114",
                # 425 and 430 are reached through a CMP, 431 is for alcohol; 701-703 listen to young people.
                finess=(
                    *("156", "161", "178", "189", "197", "221", "292", "425", "430", "431", "444"),
                    *("701", "702", "703"),
                ),
                osm=(
                    "healthcare:speciality=psychiatry",
                    "healthcare=psychotherapist",
                    "healthcare=counselling",
                ),
            ),
            Category(
                id="rehabilitation",
                fr="Rééducation et convalescence",
                en="Rehabilitation and convalescence",
                hint_fr="Se remettre après une opération ou un accident",
                hint_en="Recover after an operation or an accident",
                finess=("108", "109", "135"),
                osm=("healthcare=rehabilitation",),
            ),
            Category(
                id="pmi",
                fr="PMI (mère et enfant)",
                en="Mother-and-child centre (PMI)",
                hint_fr="Grossesse et enfants de moins de six ans, gratuit",
                hint_en="Pregnancy and children under six, free",
                finess=("223", "224", "230"),
            ),
            Category(
                id="elderly_care",
                fr="Personnes âgées",
                en="Elderly care",
                hint_fr="Résidences, EHPAD, accueils de jour, longs séjours, information",
                hint_en="Homes, day centres, long stays, information",
                finess=("202", "207", "362", "381", "463", "500", "501", "502"),
                osm=(
                    "amenity=nursing_home",
                    "social_facility:for=senior",
                ),
            ),
            Category(
                id="disability",
                fr="Handicap",
                en="Disability",
                hint_fr="Accueil, logement, travail adapté, accompagnement ; souvent sur orientation",
                hint_en="Day care, homes, adapted work, support; mostly on referral",
                finess=(
                    *("183", "186", "188", "190", "192", "194", "195", "196", "198"),
                    *("246", "249", "252", "253", "255", "370", "377", "379", "382", "390", "395", "396"),
                    *("402", "437", "445", "446", "448", "449", "464", "609"),
                ),
                osm=("social_facility:for=disabled",),
            ),
            Category(
                id="defibrillator",
                fr="Défibrillateur",
                en="Defibrillator",
                hint_fr="Arrêt cardiaque : appelez le 15, massez, puis défibrillez",
                hint_en="Cardiac arrest: call 15, press the chest, then use it",
                osm=("emergency=defibrillator",),
            ),
            Category(
                id="cool_place",
                fr="Lieu frais",
                en="Cool place",
                hint_fr="Se rafraîchir pendant une forte chaleur",
                hint_en="Cool down in great heat",
                # No OSM code: that a park or a library is cool is for the city to say.
            ),
            Category(
                id="drinking_fountain",
                fr="Fontaine à boire",
                en="Drinking fountain",
                hint_fr="Boire et remplir sa gourde",
                hint_en="Drink and fill a bottle",
                osm=(
                    "amenity=drinking_water",
                    "amenity=fountain&drinking_water=yes",
                    "drinking_water=yes&man_made=water_tap",
                ),
            ),
        )
    }
)

_AT_HOME = Reason(
    "Intervient au domicile, sur prescription ou sur demande : on ne s'y rend pas.",
    "Works at people's homes, on prescription or request: nobody goes there.",
)
_TEAMS = Reason(
    "Coordonne des professionnels ; ne reçoit pas d'habitants.",
    "Coordinates professionals; receives no resident.",
)
_LEGAL = Reason(
    "Forme juridique ou autorisation : ne dit pas quel soin on y trouve.",
    "A legal form or a licence: does not say which care is found there.",
)
_HOUSING = Reason(
    "Logement attribué par une équipe ou un service social : l'adresse de personnes, pas un accueil.",
    "Housing allotted by a team or a social service: people's address, not a reception.",
)
_CHILD_PROTECTION = Reason(
    "Protection de l'enfance : sur décision d'un juge ou du département ; l'adresse n'a pas à être montrée.",
    "Child protection: by decision of a judge or the département; its address is not ours to show.",
)
_PRISON = Reason(
    "Soins aux personnes détenues : fermé au public.",
    "Care for people in prison: closed to the public.",
)
_OWN_PATIENTS = Reason(
    "Réservé aux patients ou adhérents déjà suivis : y envoyer quelqu'un d'autre serait l'égarer.",
    "For its own patients or members only: sending anyone else there would mislead.",
)
_SCHOOL = Reason("École : forme des professionnels.", "A school: trains professionals.")
_NO_WORD_YET = Reason(
    "Soin réel (prévention, vaccination, dépistage, santé sexuelle…), encore sans catégorie ici.",
    "Real care (prevention, vaccination, screening, sexual health…), with no category here yet.",
)
_TRANSFUSION = Reason(
    "Don et distribution du sang : pas un lieu de soin pour l'habitant.",
    "Blood donation and supply: not a place of care for a resident.",
)


def _each(codes: str, reason: Reason) -> dict[str, Reason]:
    return dict.fromkeys(codes.split(), reason)


LEFT_OUT: Final[Mapping[str, Reason]] = MappingProxyType(
    _each("127 182 209 354 422 460 608 632 640", _AT_HOME)
    | _each("461 604 606 614 647 648 650 704", _TEAMS)
    | _each("426 639 642 695 696 698 699", _LEGAL)
    | _each("165 180 213 214 216 219 256 257 258 259 271 412 442 443 462", _HOUSING)
    | _each("166 172 173 175 176 177 236 238 241 286 295 378 411 440 441 643 644", _CHILD_PROTECTION)
    | _each("415 433", _PRISON)
    | _each("141 146 366 627 628 629 631", _OWN_PATIENTS)
    | _each("300 330 374 436", _SCHOOL)
    | _each("126 142 143 228 231 266 267 268 269 270 294 347 630 637 638 645 646 649 700 705", _NO_WORD_YET)
    | _each("132", _TRANSFUSION)
    | _each(
        "616",
        Reason("Médecine du travail : convoque les salariés.", "Occupational health: summons employees."),
    )
    | _each(
        "247",
        Reason("Entreprise adaptée : un employeur, pas un accueil.", "An adapted company: an employer."),
    )
    | _each("624", Reason("Prépare des allergènes sur ordonnance.", "Prepares allergens on prescription."))
)
"""FINESS code -> why no resident is sent there. An import counts these apart from what it does not know."""


def _by_code(codes: Iterable[tuple[str, Iterable[str]]]) -> Mapping[str, str]:
    return MappingProxyType({code: category for category, given in codes for code in given})


_BY_FINESS: Final = _by_code((category.id, category.finess) for category in CATEGORIES.values())
_BY_RPPS: Final = _by_code((category.id, category.rpps) for category in CATEGORIES.values())
_BY_TAGS: Final = sorted(
    ((frozenset(code.split("&")), category.id) for category in CATEGORIES.values() for code in category.osm),
    key=lambda entry: -len(entry[0]),
)
"""Tags that a place must have, and the category; of those that ask for as many, in the order of CATEGORIES."""


def category_of_finess(code: str) -> str | None:
    """Give the category of a FINESS code; None when it is left out or unknown (LEFT_OUT tells which)."""
    return _BY_FINESS.get(code)


def category_of_rpps(profession: str, specialty: str | None = None) -> str | None:
    """Give the category of a professional: by specialty where that decides, else by profession."""
    return _BY_RPPS.get(f"{profession}:{specialty}") or _BY_RPPS.get(profession)


@lru_cache(maxsize=4_096)
def category_of_osm(code: str) -> str | None:
    """Give the category of tags joined by "&": that of the entry that asks for most of them."""
    tags = frozenset(code.split("&"))
    return next((category for needed, category in _BY_TAGS if needed <= tags), None)


def category_of(scheme: str, code: str) -> str | None:
    """Give the category of a source's pair: "finess", "rpps" ("10:SM26"), "osm" or "alentours" (our own id)."""
    if scheme == "alentours":
        return code if code in CATEGORIES else None
    if scheme == "rpps":
        return category_of_rpps(*code.split(":", 1))
    if scheme == "osm":
        return category_of_osm(code)
    return category_of_finess(code) if scheme == "finess" else None
