import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.sources.readable import readable_city, readable_name, readable_street

REGISTER_TEXT = st.text(alphabet="ABCDELSTVÉ '-.\"()&0123456789", max_size=40)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("PHARMACIE DU VILLAGE", "Pharmacie du Village"),
        ("PHARMACIE D ANVERS", "Pharmacie d'Anvers"),
        ("PHARMACIE DE L OLIVIER", "Pharmacie de l'Olivier"),
        ("PHARMACIE DE LA CROIX SAINT SIMON", "Pharmacie de la Croix Saint Simon"),
        ("PHARM DES CLINIQUES", "Pharmacie des Cliniques"),
        ("CMP ADULTES 92G02 (RABELAIS)", "CMP Adultes 92G02 (Rabelais)"),
        ('CMP 92I05 ENFANTS "CHAVISÈVRES"', 'CMP 92I05 Enfants "Chavisèvres"'),
        ('MAS "LE GÎTE FLEURY"', 'MAS "Le Gîte Fleury"'),
        ("CTRE D'ACCUEIL THERAP.A TEMPS PARTIEL", "Centre d'Accueil Therap.A Temps Partiel"),
        ("CHU HENRI MONDOR (AP-HP)", "CHU Henri Mondor (AP-HP)"),
        ("CHI POISSY ST-GERMAIN SITE DE POISSY", "CHI Poissy St-Germain Site de Poissy"),
        ("EHPAD LES JARDINS", "EHPAD Les Jardins"),
        ("HOPITAL JEAN XXIII", "Hopital Jean XXIII"),
        ("CLINIQUE DU 1ER MAI", "Clinique du 1er Mai"),
        ("L'ORANGE EPICEE", "L'Orange Epicee"),
        ("CENTRE HENRI IV", "Centre Henri IV"),
        ("C.H. DE MEAUX", "C.H. de Meaux"),
        ("PHARMACIE LE QUOC", "Pharmacie Le Quoc"),
        ("Pharmacie déjà Lisible SARL", "Pharmacie déjà Lisible SARL"),
        ("  DEUX   ESPACES ", "Deux Espaces"),
        ("", ""),
    ],
)
def test_a_name_in_capitals_is_made_readable(written, read):
    assert readable_name(written) == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("26 RUE DU TEMPLE", "26 rue du Temple"),
        ("10 R DE L'ECLIPSE", "10 rue de l'Eclipse"),
        ("R DES VALANCHARDS", "Rue des Valanchards"),
        ("4  BIS RUE MICHEL", "4 bis rue Michel"),
        ("117B R DU GENERAL DE GAULLE", "117B rue du General de Gaulle"),
        ("259 AV ROGER SALENGRO", "259 avenue Roger Salengro"),
        ("99 BD VICTOR HUGO", "99 boulevard Victor Hugo"),
        ("2 CHE DE MADAME", "2 chemin de Madame"),
        ("10 ALL DU GLACIS", "10 allée du Glacis"),
        ("5 IMP DES LILAS", "5 impasse des Lilas"),
        ("3 SQ IDALION", "3 square Idalion"),
        ("12 QU DE SEINE", "12 quai de Seine"),
        ("26 RTE DE MEAUX", "26 route de Meaux"),
        ("LD FORCILLES", "Lieu-dit Forcilles"),
        ("18 R RUE DE L'AVENIR", "18 rue de l'Avenir"),
        ("90 RUE DU FG ST MARTIN", "90 rue du Faubourg Saint Martin"),
        ("2 R D ORSEL", "2 rue d'Orsel"),
        ("27 BD HENRI IV", "27 boulevard Henri IV"),
        ("12-14 R DE PARIS", "12-14 rue de Paris"),
        ("HALL DE LA GARE DE L EST", "Hall de la Gare de l'Est"),
        ("28b Rue Alexandre Bérard", "28b Rue Alexandre Bérard"),
    ],
)
def test_a_street_in_capitals_is_made_readable(written, read):
    assert readable_street(written) == read


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("VERSAILLES CEDEX", "Versailles"),
        ("PARIS CEDEX 14", "Paris"),
        ("PARIS 16", "Paris"),
        ("LYON 3E ARRONDISSEMENT", "Lyon"),
        ("ST CLOUD", "Saint Cloud"),
        ("STE GENEVIEVE DES BOIS", "Sainte Genevieve des Bois"),
        ("JOUY LE MOUTIER", "Jouy le Moutier"),
        ("LE KREMLIN BICETRE CEDEX", "Le Kremlin Bicetre"),
        ("L'HAY LES ROSES", "L'Hay les Roses"),
        ("Bourg-en-Bresse Cedex", "Bourg-en-Bresse"),
    ],
)
def test_a_town_loses_its_cedex_and_its_capitals(written, read):
    assert readable_city(written) == read


@given(REGISTER_TEXT)
def test_a_name_keeps_every_letter_whatever_its_case(text):
    def letters(written):
        return "".join(character for character in written.casefold() if character.isalnum())

    assert letters(readable_name(text)) == letters(text)


@given(REGISTER_TEXT)
def test_reading_twice_changes_nothing_more(text):
    for readable in (readable_name, readable_city):
        assert readable(readable(text)) == readable(text)
