"""A text that lost a placeholder, or a code that lost its words: the product does not start."""

import ast
import inspect
import re
from pathlib import Path
from typing import get_args

import pytest

import citizen_api.air
import notifications.rules
from citizen_api.sources.air_records import Influence
from content.catalogue import AIR_LABELS, ContentError, catalogue, load_catalogue
from content.hazards import WATCHED
from content.outcomes import OUTCOMES
from content.push import KINDS, PLAIN_REASONS, REASONS
from content.words import read_template
from notifications import ledger
from tests.content.makers import make_spoilt

MESSAGES = "push/messages.yaml"
REASON_WORDS = "push/reasons.yaml"
AIR = Path(citizen_api.air.__file__).parent


def without(placeholder, *path):
    """A change of the words that takes a placeholder out of a text, in every language."""

    def change(data):
        entry = data
        for name in path:
            entry = entry[name]
        assert any(f"{{{placeholder}}}" in text for text in entry.values())
        entry.update({language: text.replace(f"{{{placeholder}}}", "x") for language, text in entry.items()})

    return change


def renamed(old, new, *path):
    """A change of the words that gives an entry another code."""

    def change(data):
        section = data
        for name in path:
            section = section[name]
        section[new] = section.pop(old)

    return change


LOST = [
    *((("bodies", kind), "facts") for kind in KINDS),
    *((("bodies_several", kind), "facts") for kind in KINDS),
    *((("bodies", kind), "tip") for kind in KINDS if kind != "all_clear"),
    *((("titles", kind), "phrase") for kind in KINDS if kind != "all_clear"),
    (("titles", "alert"), "day"),
    (("titles", "all_clear"), "hazard"),
    *((("titles_several", kind), "hazards") for kind in KINDS),
    (("titles_several", "alert"), "day"),
    *((("facts", hazard), "phrase") for hazard in WATCHED),
    *((("facts", hazard), "day") for hazard in WATCHED),
    (("place",), "commune"),
    (("place",), "fact"),
    (("cause",), "cause"),
    (("episode",), "tier"),
    (("episode",), "day"),
    (("above",), "level"),
]


def assert_refused(folder, said):
    with pytest.raises(ContentError) as caught:
        load_catalogue(folder)
    assert str(caught.value) == said


@pytest.mark.parametrize(("path", "placeholder"), LOST, ids=lambda value: ".".join(value) if len(value) < 3 else value)
def test_a_message_without_what_it_must_say_is_refused(tmp_path, path, placeholder):
    folder = make_spoilt(tmp_path, MESSAGES, without(placeholder, *path))
    assert_refused(folder, f"{MESSAGES}: {': '.join(path)}: lacks {{{placeholder}}}")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d["reasons"].pop("quiet"), "reasons: lacks quiet"),
        (renamed("capped", "full", "reasons"), "reasons: lacks capped"),
        (lambda d: d["reasons"].update(mood={"fr": "x", "en": "x"}), "reasons: mood is too many"),
        (lambda d: d["reasons"]["over"].update(fr="{day}", en="{day}"), "over: {day} is no placeholder here"),
    ],
    ids=["missing", "renamed", "too many", "placeholder"],
)
def test_reasons_other_than_those_of_a_decision_are_refused(tmp_path, change, said):
    assert_refused(make_spoilt(tmp_path, REASON_WORDS, change), f"{REASON_WORDS}: {said}")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d["labels"].pop("now"), "labels: lacks now"),
        (renamed("traffic", "road", "labels"), "labels: lacks traffic"),
        (lambda d: d["labels"].update(mood={"fr": "x", "en": "x"}), "labels: mood is too many"),
        (without("influence", "labels", "near"), "labels: near: lacks {influence}"),
        (without("count", "labels", "minutes"), "labels: minutes: lacks {count}"),
    ],
    ids=["missing", "renamed", "too many", "near", "minutes"],
)
def test_labels_of_the_air_other_than_those_it_asks_for_are_refused(tmp_path, change, said):
    assert_refused(make_spoilt(tmp_path, "air.yaml", change), f"air.yaml: {said}")


def test_a_text_needs_its_placeholders_and_may_hold_those_allowed():
    raw = {"fr": "{a} {b}", "en": "{a} {b}"}
    assert read_template(raw, "here", ("b",), needed=("a",)).say("en", a=1, b=2) == "1 2"
    with pytest.raises(ContentError, match=r"^here: lacks \{c\}$"):
        read_template(raw, "here", ("b",), needed=("a", "c"))


def test_the_reasons_with_words_are_those_that_a_decision_can_give():
    given = set()
    for node in ast.walk(ast.parse(inspect.getsource(notifications.rules))):
        is_named = isinstance(node, ast.keyword) and node.arg == "reason"
        is_set = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "reason"
        if is_named or is_set:
            given |= {found.value for found in ast.walk(node.value) if isinstance(found, ast.Constant)}
    assert given == set(REASONS)
    assert set(catalogue().why) == {*REASONS, *PLAIN_REASONS}
    assert len(REASONS) == len(set(REASONS))


def test_the_labels_of_the_air_are_those_that_it_asks_for():
    source = "\n".join(path.read_text(encoding="utf-8") for path in AIR.glob("*.py"))
    asked = {*re.findall(r"\blabel\(\"(\w+)\"", source), *get_args(Influence), "station"}
    by_day_and_age = {"today", "tomorrow", "minutes", "hours_ago", "days_ago"}
    assert all(f'"{name}"' in source for name in by_day_and_age)
    assert asked | by_day_and_age == set(AIR_LABELS) == set(catalogue().air)


@pytest.mark.parametrize("section", ["outcomes", "meanings"])
@pytest.mark.parametrize(
    ("new", "said"), [("taken", "lacks accepted"), (None, "needs exactly the languages fr, en")], ids=["code", "empty"]
)
def test_outcomes_without_the_words_of_a_category_are_refused(tmp_path, section, new, said):
    change = renamed("accepted", new, section) if new else (lambda data: data[section].update(accepted={}))
    with pytest.raises(ContentError, match=said):
        load_catalogue(make_spoilt(tmp_path, "push/outcomes.yaml", change))


def test_the_outcomes_with_words_are_the_categories_of_the_ledger():
    assert OUTCOMES == ledger.CATEGORIES
    assert set(catalogue().outcomes) == set(ledger.CATEGORIES)
