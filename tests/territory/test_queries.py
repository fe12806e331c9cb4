"""The territory in the database: loaded from the bundled files, searched, resolved."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from citizen_api.core import geo
from citizen_api.core.problems import CursorInvalid, PositionOutOfRange, PositionSwapped
from citizen_api.territory import queries, sync
from citizen_api.territory.models import Commune, CommuneKey, Edition, FormerCommune
from citizen_api.territory.problems import CommuneUnknown, CommuneWithoutPosition, FarFromCommunes
from citizen_api.territory.rules import KeyRank

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def found(session, text, limit=10):
    return [hit.code for hit in queries.search_communes(session, text, limit=limit)[0]]


def test_loading_again_does_nothing(territory):
    assert sync.load(territory, now=NOW) is False


def test_another_edition_changes_rows_in_place_and_leaves_nothing_old(territory):
    territory.execute(update(Edition).values(digest="of last year"))
    territory.execute(update(Commune).where(Commune.code == "75056").values(population=1, name="Lutèce"))
    territory.add(
        Commune(code="99999", name="Vanished", departement_code="75", region_code="11", centre_approximate=False)
    )
    territory.flush()
    territory.expunge_all()
    assert sync.load(territory, now=NOW) is True
    assert territory.get(Commune, "99999") is None
    assert territory.get(Commune, "75056").name == "Paris"
    assert territory.scalar(select(func.count()).select_from(Commune)) == 35_014
    assert territory.scalar(select(func.count()).select_from(FormerCommune)) == 4_750
    assert territory.scalar(select(func.count()).select_from(Edition)) == 1


@pytest.mark.parametrize("text", ["saint denis", "st denis", "Saint-Dénis", "ST-DENIS"])
def test_saint_denis_is_found_in_both_departements_the_larger_first(territory, text):
    assert found(territory, text)[:2] == ["97411", "93066"]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("75004", ["75104", "75056"]),
        ("75104", ["75104"]),
        ("751", ["75056", "75115"]),
        ("paris", ["75056", "75115"]),
        ("paris 4", ["75104"]),
        ("Paris 4e", ["75104"]),
        ("75004 paris", ["75104", "75056"]),
        ("paris 1", ["75101", "75115"]),
        ("lyon 3", ["69383"]),
        ("2a004", ["2A004"]),
        ("havre", ["76351"]),
        ("cloud", ["92064"]),
        ("l'hay les r", ["94038"]),
        ("hay les roses", ["94038"]),
        ("saint denis 93", ["93066"]),
        ("97400", ["97411"]),
    ],
)
def test_the_best_comes_first(territory, text, codes):
    assert found(territory, text)[: len(codes)] == codes


def test_a_whole_name_comes_before_a_larger_beginning(territory):
    names = [hit.name for hit in queries.search_communes(territory, "mars", limit=10)[0]]
    assert names[:3] == ["Mars", "Mars", "Les Mars"]
    assert "Marseille" in names


def test_a_former_name_and_a_former_code_find_the_commune_of_today(territory):
    assert found(territory, "arbignieu") == ["01015"]
    assert found(territory, "93059") == ["93066"]


def test_a_text_without_letters_or_digits_finds_nothing(territory):
    assert queries.search_communes(territory, "?!\x00", limit=5) == ([], None)


def test_pages_give_each_commune_once_in_one_order(territory):
    pages, cursor = [], None
    while True:
        hits, cursor = queries.search_communes(territory, "saint d", limit=7, cursor=cursor)
        pages += [hit.code for hit in hits]
        if cursor is None:
            break
    whole, following = queries.search_communes(territory, "saint d", limit=500)
    assert following is None
    assert pages == [hit.code for hit in whole]
    assert len(set(pages)) == len(pages) > 100


def test_a_cursor_of_another_search_is_refused(territory):
    _, cursor = queries.search_communes(territory, "saint d", limit=1)
    with pytest.raises(CursorInvalid):
        queries.search_communes(territory, "paris", limit=1, cursor=cursor)


def test_a_commune_comes_with_all_it_belongs_to(territory):
    saint_denis = queries.find_commune(territory, "93066")
    assert saint_denis.ept.name == "Plaine Commune"
    assert saint_denis.epci.name == "Métropole du Grand Paris"
    assert saint_denis.commune.departement.name == "Seine-Saint-Denis"
    assert saint_denis.region.name == "Île-de-France"
    assert (saint_denis.parent, saint_denis.former_code) == (None, None)


def test_an_arrondissement_belongs_to_its_commune(territory):
    fourth = queries.find_commune(territory, "75104")
    assert fourth.commune.kind == "arrondissement"
    assert fourth.parent.code == "75056"
    assert len(queries.find_commune(territory, "75056").arrondissements) == 20


def test_an_old_code_answers_with_the_commune_of_today(territory):
    old = queries.find_commune(territory, "93059")
    assert (old.commune.code, old.former_code) == ("93066", "93059")


@pytest.mark.parametrize("code", ["99999", "7505", "750566", "", "75\x0056", "saint", "２A004"])
def test_a_code_of_no_commune_is_a_problem(territory, code):
    with pytest.raises(CommuneUnknown):
        queries.find_commune(territory, code)


def test_the_position_of_a_commune_says_whether_it_is_borrowed(territory):
    assert queries.position_of_commune(territory, "75104").approximate is False
    lyon = queries.position_of_commune(territory, "69123")
    borrowed = queries.position_of_commune(territory, "69381")
    assert borrowed.approximate is True
    assert (borrowed.lat, borrowed.lon) == (lyon.lat, lyon.lon)


def test_a_commune_without_a_position_is_a_problem(territory):
    with pytest.raises(CommuneWithoutPosition):
        queries.position_of_commune(territory, "97411")
    with pytest.raises(CommuneUnknown):
        queries.position_of_commune(territory, "99999")


def test_centres_come_by_the_code_asked_for(territory):
    centres = queries.centres(territory, ["75104", "93059", "97411", "99999"])
    assert centres.keys() == {"75104", "93059"}
    assert centres["75104"] == (48.8543, 2.3576)


def test_an_arrondissement_lies_in_its_commune_and_all_above(territory):
    assert queries.lies_in(territory, "75104") == {
        ("commune", "75104"),
        ("commune", "75056"),
        ("epci", "200054781"),
        ("departement", "75"),
        ("region", "11"),
    }
    assert ("epci", "200057867") in queries.lies_in(territory, "93059")
    assert queries.lies_in(territory, "99999") == set()


@pytest.mark.parametrize(
    ("lat", "lon", "code"),
    [
        (48.8573751, 2.3524425, "75104"),
        (45.76, 4.83, "69123"),
        (43.3, 5.4, "13055"),
        (48.11, -1.68, "35238"),
    ],
)
def test_a_position_names_the_nearest_commune(territory, lat, lon, code):
    assert queries.nearest_commune(territory, lat=lat, lon=lon)[0].code == code


@pytest.fixture(scope="module")
def known_centres():
    """Positions of the communes that may be named, as arrays: Paris gives way to its arrondissements."""
    rows = [
        (float(row["lat"]), float(row["lon"]))
        for row in sync.read_rows("communes.csv.gz")
        if row["centre"] == "exact" and row["code"] != "75056"
    ]
    return np.array(rows).T


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lat=st.floats(41.0, 51.5), lon=st.floats(-5.5, 10.0))
def test_the_nearest_centre_is_the_nearest_of_all(territory, known_centres, lat, lon):
    nearest_m = float(geo.distances_m(lat=lat, lon=lon, lats=known_centres[0], lons=known_centres[1]).min())
    if nearest_m > queries.AT_RADIUS_M:
        with pytest.raises(FarFromCommunes):
            queries.nearest_commune(territory, lat=lat, lon=lon)
    else:
        assert queries.nearest_commune(territory, lat=lat, lon=lon)[1] == pytest.approx(nearest_m)


@pytest.mark.parametrize(("lat", "lon"), [(-20.9, 55.5), (0.0, 0.0), (47.0, -30.0), (90.0, 0.0), (0.0, 180.0)])
def test_far_from_any_commune_is_a_problem(territory, lat, lon):
    with pytest.raises(FarFromCommunes):
        queries.nearest_commune(territory, lat=lat, lon=lon)


def test_an_impossible_position_is_a_problem(territory):
    with pytest.raises(PositionOutOfRange):
        queries.nearest_commune(territory, lat=91.0, lon=200.0)
    with pytest.raises(PositionSwapped):
        queries.nearest_commune(territory, lat=2.35, lon=48.85)


def test_the_postcode_index_is_made_of_the_tables(territory):
    index = queries.postcode_index(territory)
    assert index.commune_of("93205", "ST DENIS CEDEX") == "93066"
    assert index.commune_of("75571", "PARIS CEDEX 12") == "75112"
    assert index.commune_of("91024", "EVRY CEDEX") == "91228"


def test_a_commune_is_never_found_by_a_former_name_that_is_its_own(territory):
    own = select(CommuneKey).where(CommuneKey.key == "saint denis", CommuneKey.commune_code == "93066")
    assert territory.scalars(own).one().rank == KeyRank.NAME


@pytest.mark.parametrize(
    ("kind", "code", "known"),
    [
        ("commune", "75056", True),
        ("commune", "75104", True),
        ("commune", "99999", False),
        ("epci", "200054781", True),
        ("epci", "75", False),
        ("departement", "2A", True),
        ("departement", "99", False),
        ("region", "11", True),
        ("country", None, True),
        ("planet", "3", False),
    ],
)
def test_a_territory_is_known_or_not(territory, kind, code, known):
    assert queries.knows_territory(territory, kind, code) is known
