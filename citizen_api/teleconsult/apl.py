"""Where general practitioners are short, by the published access to them (accessibilité potentielle localisée, APL)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).parent / "data" / "apl.csv"
YEAR: Final = 2023
SHORT_BELOW: Final = 2.5
"""Consultations a year and inhabitant: DREES, Les Dossiers de la DREES no. 17 (2017), where it defines "sous-dense"."""
_PARIS: Final = "75056"
_ARRONDISSEMENT: Final = "751"


@dataclass(frozen=True, slots=True)
class Access:
    """Consultations a year that general practitioners can give each inhabitant of a commune and its neighbourhood."""

    consultations: float
    year: int

    @property
    def is_short(self) -> bool:
        """Whether that is so little that it counts as a shortage."""
        return self.consultations < SHORT_BELOW


def access_in(commune_code: str) -> Access | None:
    """Access to general practitioners in a commune; None where it is not known, of which nothing follows.

    Paris is published as a whole: its figure holds for its arrondissements.
    """
    known = _published().get(_PARIS if commune_code.startswith(_ARRONDISSEMENT) else commune_code)
    return None if known is None else Access(known, YEAR)


@cache
def _published() -> dict[str, float]:
    with FILE.open(encoding="utf-8", newline="") as file:
        return {row["commune"]: float(row["consultations"]) for row in csv.DictReader(file)}
