"""What a place of care offers, in a resident's words: the ids that `/v1/care/nearest?service=` takes.

That a place is an emergency department or a maternity is no service: those are categories. A source writes services
as it likes (ids, French or English names); `service_of` tells what is meant.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from citizen_api.sources.practices import slug


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A thing that one goes there for. The hint says for whom and what; `also` are other names that sources write."""

    id: str
    fr: str
    en: str
    hint_fr: str
    hint_en: str
    also: tuple[str, ...] = ()


SERVICES: Final[Mapping[str, Service]] = MappingProxyType(
    {
        service.id: service
        for service in (
            Service(
                id="vaccination",
                fr="Vaccination",
                en="Vaccination",
                hint_fr="En pharmacie, à partir de 11 ans",
                hint_en="At a pharmacy, from age 11",
                also=("vaccin", "vaccine", "vaccination grippe", "vaccination covid", "vaccin grippe", "vaccin covid"),
            ),
            Service(
                id="trod_angina",
                fr="Test d'angine",
                en="Sore throat test",
                hint_fr="À partir de 10 ans : savoir en quelques minutes s'il faut un antibiotique",
                hint_en="From age 10: know in minutes whether an antibiotic is needed",
                also=("angine", "TROD angine", "dépistage angine", "test rapide angine", "strep test"),
            ),
            Service(
                id="trod_cystitis",
                fr="Test de cystite",
                en="Cystitis test",
                hint_fr="Femmes de 16 à 65 ans : brûlures en urinant",
                hint_en="Women aged 16 to 65: pain when passing urine",
                also=("cystite", "TROD cystite", "dépistage cystite", "test rapide cystite", "test infection urinaire"),
            ),
            Service(
                id="prevention_check",
                fr="Bilan de prévention",
                en="Prevention check",
                hint_fr="Faire le point sur sa santé et ses habitudes",
                hint_en="Take stock of health and habits",
                also=("Mon bilan prévention",),
            ),
            Service(
                id="medication_review",
                fr="Bilan partagé de médication",
                en="Medication review",
                hint_fr="Revoir ensemble tous ses médicaments, quand on en prend beaucoup",
                hint_en="Go through all your medicines together, when there are many",
                also=("bilan de médication",),
            ),
            Service(
                id="interview_asthma",
                fr="Entretien asthme",
                en="Asthma interview",
                hint_fr="Bien prendre son traitement de l'asthme",
                hint_en="Make the most of an asthma treatment",
                also=("asthme", "entretien pharmaceutique asthme", "accompagnement asthme"),
            ),
            Service(
                id="interview_anticoagulants",
                fr="Entretien anticoagulants",
                en="Anticoagulant interview",
                hint_fr="Prendre en sécurité un fluidifiant du sang (AVK, AOD)",
                hint_en="Take a blood thinner safely",
                also=("anticoagulants", "AVK", "AOD", "AVK/AOD", "entretien AVK", "entretien AOD", "entretien AVK/AOD"),
            ),
            Service(
                id="interview_oral_cancer_drugs",
                fr="Entretien anticancéreux oraux",
                en="Oral cancer medicine interview",
                hint_fr="Vivre avec un traitement du cancer pris chez soi",
                hint_en="Live with a cancer treatment taken at home",
                also=("anticancéreux oraux", "anticancéreux", "entretien anticancéreux", "oral cancer drugs"),
            ),
            Service(
                id="interview_pregnancy",
                fr="Entretien femme enceinte",
                en="Pregnancy interview",
                hint_fr="Médicaments, vaccins et précautions pendant la grossesse",
                hint_en="Medicines, vaccines and precautions in pregnancy",
                also=("femme enceinte", "entretien grossesse"),
            ),
            Service(
                id="colorectal_kit",
                fr="Kit de dépistage colorectal",
                en="Bowel cancer screening kit",
                hint_fr="Un test à faire chez soi",
                hint_en="A test to do at home",
                also=(
                    *("kit colorectal", "dépistage colorectal", "dépistage du cancer colorectal"),
                    *("kit de dépistage du cancer colorectal", "colorectal screening kit"),
                ),
            ),
            Service(
                id="teleconsultation",
                fr="Téléconsultation",
                en="Remote consultation",
                hint_fr="Un médecin à distance, en cabine ou avec quelqu'un à ses côtés",
                hint_en="A doctor at a distance, in a booth or with someone beside you",
                also=("cabine de téléconsultation", "borne de téléconsultation", "téléconsultation assistée"),
            ),
            Service(
                id="naloxone",
                fr="Naloxone",
                en="Naloxone",
                hint_fr="L'antidote d'une surdose d'opioïdes",
                hint_en="The antidote to an opioid overdose",
                also=("kit de naloxone", "kit naloxone"),
            ),
            Service(
                id="drug_return",
                fr="Retour de médicaments",
                en="Medicine return",
                hint_fr="Rapporter ce qui n'a pas servi ou est périmé",
                hint_en="Bring back what is unused or out of date",
                also=("reprise de médicaments", "collecte de médicaments", "médicaments non utilisés", "Cyclamed"),
            ),
            Service(
                id="equipment_rental",
                fr="Location de matériel",
                en="Equipment rental",
                hint_fr="Lit médicalisé, fauteuil roulant, béquilles, tire-lait",
                hint_en="Hospital bed, wheelchair, crutches, breast pump",
                also=("location de matériel médical", "medical equipment rental"),
            ),
            Service(
                id="blood_sample",
                fr="Prise de sang",
                en="Blood sample",
                hint_fr="Prélèvement sur place ; le laboratoire analyse",
                hint_en="Taken on the spot; a laboratory analyses it",
                also=("prélèvement sanguin", "prélèvements sanguins", "blood test"),
            ),
            Service(
                id="contraception",
                fr="Contraception",
                en="Contraception",
                hint_fr="En parler, choisir, renouveler, y compris en urgence",
                hint_en="Talk, choose, renew, emergency contraception included",
                also=("contraception d'urgence", "emergency contraception"),
            ),
            Service(
                id="sti_testing",
                fr="Dépistage des IST",
                en="STI testing",
                hint_fr="Infections sexuellement transmissibles, dont le VIH",
                hint_en="Sexually transmitted infections, HIV included",
                also=("dépistage IST", "dépistage VIH", "dépistage VIH/IST", "test VIH", "HIV test"),
            ),
            Service(
                id="imaging",
                fr="Radio, échographie, scanner",
                en="X-ray, ultrasound, scan",
                hint_fr="Images du corps, le plus souvent sur ordonnance",
                hint_en="Images of the body, mostly on prescription",
                also=("imagerie", "imagerie médicale", "radiologie", "radiology", "medical imaging"),
            ),
        )
    }
)

_SMALL_WORDS: Final = frozenset({"a", "au", "aux", "d", "de", "des", "du", "en", "l", "la", "le", "les", "of", "the"})


def service_of(text: str) -> str | None:
    """Give the id that a text means, itself an id or a name in French or English; None when it is none of ours."""
    return _BY_NAME.get(_telling(text))


def _telling(text: str) -> str:
    """Words of a name without case, accents, small words and plurals."""
    words = (word for word in slug(text).split("_") if word not in _SMALL_WORDS)
    return " ".join(word.removesuffix("s") for word in words)


_BY_NAME: Final[Mapping[str, str]] = MappingProxyType(
    {
        _telling(name): service.id
        for service in SERVICES.values()
        for name in (service.id, service.fr, service.en, *service.also)
    }
)
