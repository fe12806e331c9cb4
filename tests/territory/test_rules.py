import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.territory.rules import (
    AFTER_KEY,
    CommuneQuery,
    KeyRank,
    KnownCommune,
    PostcodeIndex,
    departements_of_postcode,
    name_keys,
    read_query,
    search_key,
    spellings_of,
)


@pytest.mark.parametrize(
    "text", ["Saint-Denis", "saint denis", "ST DENIS", "St-Dénis", "  saint‐denis ", "SAINT  DENIS"]
)
def test_accents_case_hyphens_and_st_do_not_matter(text):
    assert search_key(text) == "saint denis"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Ste-Geneviève-des-Bois", "sainte genevieve des bois"),
        ("Stes Maries", "saintes maries"),
        ("IVRY S/ SEINE", "ivry sur seine"),
        ("Ivry s/Seine", "ivry sur seine"),
        ("L'Haÿ-les-Roses", "lhay les roses"),
        ("l hay les roses", "lhay les roses"),
        ("L’Haÿ-les-Roses", "lhay les roses"),
        ("Villeneuve-d'Ascq", "villeneuve dascq"),
        ("Œting", "oeting"),
        ("Le Mans", "le mans"),
        ("Paris 4e Arrondissement", "paris 4"),
        ("paris 4ème arr", "paris 4"),
        ("Paris 04", "paris 4"),
        ("Lyon 1er", "lyon 1"),
        ("Paris", "paris"),
        ("Париж", ""),
    ],
)
def test_a_key_is_what_residents_may_write(text, key):
    assert search_key(text) == key


@given(st.text(max_size=40))
def test_a_key_is_its_own_key_and_sorts_before_the_end_mark(text):
    key = search_key(text)
    assert search_key(key) == key
    assert all(character < AFTER_KEY for character in key)


def test_a_name_is_found_without_its_article_and_by_its_inner_words():
    assert dict(name_keys("Le Mont-Saint-Michel")) == {
        "le mont saint michel": KeyRank.NAME,
        "mont saint michel": KeyRank.WITHOUT_ARTICLE,
        "saint michel": KeyRank.INNER,
        "michel": KeyRank.INNER,
    }


def test_an_elided_article_is_an_article():
    assert dict(name_keys("L'Haÿ-les-Roses"))["hay les roses"] == KeyRank.WITHOUT_ARTICLE


def test_nobody_searches_an_arrondissement_by_its_number_alone():
    assert name_keys("Paris 4e Arrondissement") == [("paris 4", KeyRank.NAME)]


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("saint denis", CommuneQuery("saint denis", "")),
        ("75004", CommuneQuery("", "75004")),
        ("75 004", CommuneQuery("", "75004")),
        ("7500", CommuneQuery("", "7500")),
        ("751", CommuneQuery("", "751")),
        ("2a0", CommuneQuery("", "2A0")),
        ("93200 St-Denis", CommuneQuery("saint denis", "93200")),
        ("Saint-Denis, 93200", CommuneQuery("saint denis", "93200")),
        ("saint denis (93)", CommuneQuery("saint denis", "93")),
        ("saint denis 974", CommuneQuery("saint denis", "974")),
        ("paris 4", CommuneQuery("paris 4", "")),
        ("Paris 4e", CommuneQuery("paris 4", "")),
        ("paris 15", CommuneQuery("paris 15", "")),
        ("lyon 3", CommuneQuery("lyon 3", "")),
        ("paris 75", CommuneQuery("paris", "75")),
        ("lyon 69", CommuneQuery("lyon", "69")),
        ("bastia 2b", CommuneQuery("bastia", "2B")),
        ("!", CommuneQuery("", "")),
    ],
)
def test_a_code_is_told_from_a_name(text, query):
    assert read_query(text) == query


def test_only_five_digits_are_a_whole_postcode():
    assert read_query("75004").is_full_postcode
    assert not read_query("7500").is_full_postcode


def make_commune(code, name, postcodes, *, parent=None, population=1000):
    departement = code[:3] if code.startswith("97") else code[:2]
    return KnownCommune(code, search_key(name), departement, parent, population, tuple(postcodes.split()))


@pytest.fixture
def index():
    return PostcodeIndex(
        [
            make_commune("75056", "Paris", "75001 75004 75012", population=2_000_000),
            make_commune("75104", "Paris 4e Arrondissement", "75004", parent="75056"),
            make_commune("75112", "Paris 12e Arrondissement", "75012", parent="75056"),
            make_commune("93066", "Saint-Denis", "93200 93210", population=150_000),
            make_commune("94078", "Villeneuve-Saint-Georges", "94190"),
            make_commune("94080", "Vincennes", "94300"),
            make_commune("95252", "Franconville", "95130"),
            make_commune("01093", "Châtillon-sur-Chalaronne", "01400"),
            make_commune("01412", "Sulignat", "01400"),
            make_commune("91228", "Évry-Courcouronnes", "91000 91080"),
            make_commune("2A004", "Ajaccio", "20000 20090"),
            make_commune("97411", "Saint-Denis", "97400"),
        ],
        [("evry", "91228"), ("courcouronnes", "91228")],
    )


@pytest.mark.parametrize(
    ("postcode", "city", "code"),
    [
        ("75004", "PARIS", "75104"),
        ("75571", "PARIS CEDEX 12", "75112"),
        ("75900", "PARIS CEDEX", "75056"),
        ("75001", "PARIS", "75056"),
        ("93200", "ST DENIS", "93066"),
        ("93205", "ST DENIS CEDEX", "93066"),
        ("97400", "ST DENIS", "97411"),
        ("94195", "VILLENEUVE S GEORGES CEDEX", "94078"),
        ("95130", "FRANCONVILLE LA GARENNE", "95252"),
        ("95139", "FRANCONVILLE LA GARENNE CEDEX", "95252"),
        ("91024", "EVRY CEDEX", "91228"),
        ("01400", "SULIGNAT", "01412"),
        ("01400", "HAMEAU DE NULLE PART", None),
        ("01400", "", None),
        ("94300", "", "94080"),
        ("20700", "AJACCIO CEDEX 9", "2A004"),
        ("99999", "AJACCIO", None),
        ("", "", None),
    ],
)
def test_a_postal_address_gives_its_commune(index, postcode, city, code):
    assert index.commune_of(postcode, city) == code


def test_a_lone_s_is_saint_sur_or_sous():
    assert spellings_of("ivry s seine") == [
        "ivry saint seine",
        "ivry sur seine",
        "ivry sous seine",
        "ivry s seine",
    ]


def test_a_postcode_tells_its_departement():
    assert departements_of_postcode("20000") == ("2A", "2B")
    assert departements_of_postcode("97400") == ("974",)
    assert departements_of_postcode("75004") == ("75",)
