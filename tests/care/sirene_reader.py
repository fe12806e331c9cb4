"""A small reader of the shared SIRENE extract, for tests that need its rows and not its reader."""

import csv
import hashlib
from collections import Counter
from datetime import date

from citizen_api.care.sync import Stock
from citizen_api.sources.generic_csv import SourceInfo
from citizen_api.sources.readable import readable_city, readable_street
from citizen_api.sources.records import FacilityRecord

SIRENE = SourceInfo(
    id="sirene-idf-2023",
    title="SIRENE, pharmacies d'Île-de-France",
    producer="Insee",
    licence="Licence Ouverte",
    date=date(2023, 1, 1),
)


def read(stream):
    seen = Counter()
    for row in csv.DictReader(line.decode("utf-8-sig") for line in stream):
        digest = hashlib.blake2b(repr(sorted(row.items())).encode(), digest_size=8).hexdigest()
        seen[digest] += 1
        street = f"{row['typeVoieEtablissement']} {row['libelleVoieEtablissement']}".upper()
        yield FacilityRecord(
            key=f"{digest}#{seen[digest]}",
            name="Pharmacie",
            name_verbatim="",
            category_codes=(("alentours", "pharmacy"),),
            street=readable_street(street),
            city=readable_city(row["libelleCommuneEtablissement"]),
            commune_code=row["codeCommuneEtablissement"],
            lat=float(row["lat"]),
            lon=float(row["long"]),
            position_approximate=True,
        )


def sirene_stock(path):
    return Stock(path=path, sources=(SIRENE,), reader=read, complete=True)
