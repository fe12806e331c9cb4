"""The words: complete in every language, or the product does not start."""

import shutil
from pathlib import Path

import pytest
import yaml

import content.catalogue as catalogue_module
from app import create_app
from citizen_api.core.problems import Problem, known_problems
from citizen_api.core.settings import Settings
from content.catalogue import LANGUAGES, ContentError, catalogue, load_catalogue, read_words

FOLDER = Path(catalogue_module.__file__).parent


@pytest.fixture
def words(tmp_path):
    """A copy of the words that may be spoilt."""
    folder = tmp_path / "content"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))

    def spoil(name, change):
        data = yaml.safe_load((folder / name).read_text(encoding="utf-8"))
        change(data)
        (folder / name).write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
        return folder

    return spoil


def test_the_words_that_ship_are_complete():
    assert load_catalogue().problems.keys() >= {"not-found", "internal-error"}


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("problems.yaml", lambda d: d["problems"]["not-found"]["title"].pop("en"), "not-found: title"),
        ("problems.yaml", lambda d: d["problems"]["not-found"]["title"].update(de="x"), "not-found: title"),
        ("problems.yaml", lambda d: d["problems"]["not-found"]["title"].update(fr=" "), "empty in fr"),
        ("problems.yaml", lambda d: d["problems"]["not-found"].pop("detail"), "not-found: detail"),
        ("problems.yaml", lambda d: d["problems"].update({"not-found": None}), "expected form"),
        ("problems.yaml", lambda d: d.pop("validation"), "expected form"),
        ("problems.yaml", lambda d: d["validation"][0].update(fr="{0}", en="{0}"), "no group"),
        ("problems.yaml", lambda d: d["validation"][0].update(match="("), "expected form"),
        (
            "problems.yaml",
            lambda d: d["problems"]["body-too-large"]["detail"].update(en="Too large."),
            "different placeholders",
        ),
        ("problems.yaml", lambda d: d["problems"]["not-found"]["title"].update(en="{"), "not-found: title"),
        ("care.yaml", lambda d: d["emergency"][0].pop("tel"), "lacks 'tel'"),
        ("care.yaml", lambda d: d["notices"][next(iter(d["notices"]))].pop("fr"), "needs exactly the languages"),
    ],
    ids=["language missing", "language too many", "empty", "no detail", "no entry", "no section", "no such group",
         "no pattern", "other placeholders", "broken placeholder", "no number", "notice in one language"],
)  # fmt: skip
def test_words_that_are_incomplete_are_refused_in_one_line_that_says_where(words, name, change, said):
    folder = words(name, change)
    with pytest.raises(ContentError) as caught:
        load_catalogue(folder)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("spoilt", [b"\xff\xfe\x00", b"a: [", None])
def test_a_file_that_cannot_be_read_is_refused_in_one_line(words, spoilt):
    folder = words("problems.yaml", lambda _: None)
    (folder / "problems.yaml").unlink() if spoilt is None else (folder / "problems.yaml").write_bytes(spoilt)
    with pytest.raises(ContentError, match=r"^problems.yaml: cannot be read [^\n]*$"):
        load_catalogue(folder)


def test_the_product_does_not_start_with_incomplete_words(words, tmp_path, monkeypatch):
    folder = words("problems.yaml", lambda d: d["problems"]["not-found"]["title"].pop("en"))
    monkeypatch.setattr(catalogue_module, "_FOLDER", folder)
    monkeypatch.setattr(load_catalogue, "__defaults__", (folder,))
    catalogue.cache_clear()
    try:
        with pytest.raises(ContentError):
            create_app(Settings(data_dir=tmp_path))
    finally:
        catalogue.cache_clear()


def test_a_text_says_its_values_and_outlines_itself_without_them():
    words = read_words({"fr": "Au plus {most}.", "en": "At most {most}."}, "here")
    assert (words.say("en", most=3), words.outline("fr")) == ("At most 3.", "Au plus ….")


def test_every_problem_has_words_and_every_word_a_problem():
    assert sorted(kind.name for kind in known_problems()) == sorted(catalogue().problems)


def test_no_two_problems_share_a_name():
    names = [kind.name for kind in known_problems()]
    assert len(names) == len(set(names))
    assert all(issubclass(kind, Problem) and 400 <= kind.status < 600 for kind in known_problems())


def test_a_message_of_the_validation_library_is_said_in_plain_words():
    said = catalogue().validation_message("Must be greater than or equal to 1 and less than or equal to 50.", "fr")
    assert said == "Doit être entre 1 et 50."


def test_a_message_that_nobody_foresaw_stays_as_it_is():
    assert catalogue().validation_message("Something new.", LANGUAGES[0]) == "Something new."


def test_french_signs_stay_with_their_word():
    words = read_words({"fr": "Ouvert ? « lat » : oui", "en": "Open? “lat”: yes"}, "synthetic")
    nbsp = "\N{NO-BREAK SPACE}"
    assert words.say("fr") == f"Ouvert{nbsp}? «{nbsp}lat{nbsp}»{nbsp}: oui"


@pytest.mark.parametrize(
    ("plain", "joined"),
    [
        ("environ 10 % de plus", "environ 10_% de plus"),
        ("à 26 °C le jour", "à 26_°C le jour"),
        ("de 22 h à 7 h", "de 22_h à 7_h"),
        ("il y a {count} min", "il y a {count}_min"),
        ("les 1 000 mètres", "les 1_000 mètres"),
        ("le 0 800 06 66 66 répond", "le 0_800_06_66_66 répond"),
        ("10 habitants, 3 minutes, le 15 ou le 112", "10 habitants, 3 minutes, le 15 ou le 112"),
    ],
)
def test_a_french_number_stays_with_its_unit_and_in_one_piece(plain, joined):
    words = read_words({"fr": plain, "en": plain}, "synthetic")
    assert words.say("fr") == joined.replace("_", "\N{NO-BREAK SPACE}")
    assert words.say("en") == plain
