"""Makes synthetic RPPS extracts in their documented form."""

from collections.abc import Sequence

COLUMNS = (
    """
Type d'identifiant PP|Identifiant PP|Identification nationale PP|Code civilité d'exercice|Libellé civilité d'exercice
Code civilité|Libellé civilité|Nom d'exercice|Prénom d'exercice|Code profession|Libellé profession
Code catégorie professionnelle|Libellé catégorie professionnelle|Code type savoir-faire|Libellé type savoir-faire
Code savoir-faire|Libellé savoir-faire|Code mode exercice|Libellé mode exercice|Numéro SIRET site|Numéro SIREN site
Numéro FINESS site|Numéro FINESS établissement juridique|Identifiant technique de la structure|Raison sociale site
Enseigne commerciale site|Complément destinataire (coord. structure)
Complément point géographique (coord. structure)|Numéro Voie (coord. structure)
Indice répétition voie (coord. structure)|Code type de voie (coord. structure)
Libellé type de voie (coord. structure)|Libellé Voie (coord. structure)|Mention distribution (coord. structure)
Bureau cedex (coord. structure)|Code postal (coord. structure)|Code commune (coord. structure)
Libellé commune (coord. structure)|Code pays (coord. structure)|Libellé pays (coord. structure)
Téléphone (coord. structure)|Téléphone 2 (coord. structure)|Télécopie (coord. structure)
Adresse e-mail (coord. structure)|Code Département (structure)
""".strip()
    .replace("\n", "|")
    .split("|")
)

GP = {
    "Type d'identifiant PP": "8",
    "Identifiant PP": "10000000001",
    "Identification nationale PP": "810000000001",
    "Code civilité d'exercice": "DR",
    "Nom d'exercice": "CURIE",
    "Prénom d'exercice": "MARIE",
    "Code profession": "10",
    "Code catégorie professionnelle": "C",
    "Code type savoir-faire": "S",
    "Code savoir-faire": "SM54",
    "Code mode exercice": "L",
    "Numéro SIRET site": "12345678900011",
    "Numéro Voie (coord. structure)": "12",
    "Indice répétition voie (coord. structure)": "B",
    "Code type de voie (coord. structure)": "R",
    "Libellé type de voie (coord. structure)": "Rue",
    "Libellé Voie (coord. structure)": "DE LA PAIX",
    "Code postal (coord. structure)": "75002",
    "Code commune (coord. structure)": "75102",
    "Libellé commune (coord. structure)": "PARIS 02",
    "Téléphone (coord. structure)": "0142726070",
}
"""A synthetic general practitioner in Paris 2e."""


def make_line(row: dict[str, str], columns: Sequence[str] = COLUMNS, *, end: str = "\n") -> bytes:
    by_name = {column.casefold(): column for column in row}
    plain = {column.replace("é", "e").replace("É", "E").casefold(): column for column in row}
    cells = (row.get(by_name.get(c.casefold()) or plain.get(c.casefold(), ""), "") for c in columns)
    return ("|".join(cells) + end).encode()


def make_extract(
    *rows: dict[str, str],
    columns: Sequence[str] = COLUMNS,
    encoding: str = "utf-8",
    trailing: str = "none",
    extra: bytes = b"",
) -> bytes:
    """`trailing`: which lines end with a `|`: none, header, rows, both."""
    header = "|".join(columns) + ("|\n" if trailing in {"header", "both"} else "\n")
    lines = b"".join(make_line(row, columns, end="|\n" if trailing in {"rows", "both"} else "\n") for row in rows)
    return (header + lines.decode()).encode(encoding) + extra
