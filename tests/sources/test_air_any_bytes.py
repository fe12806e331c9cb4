"""Whatever the bytes, the readers of air facts give records and rejected rows, or raise SourceFormatError."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.sources.air_files import KINDS, recognise
from citizen_api.sources.records import SourceFormatError
from tests.sources.test_air_files import SYNTHETIC

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["75104", "11", "2026-10-06", "2026-10-06T00:00:00Z", "alerte", "Bon", "μg/m³", "0", "7"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


def lines_of_refusal(kind, content):
    try:
        list(KINDS[kind].read(content))
    except SourceFormatError as error:
        return len(str(error).splitlines())
    return 0


@st.composite
def damaged(draw, content):
    """Draw the content with some bytes cut out and others put in."""
    start = draw(st.integers(0, len(content)))
    end = draw(st.integers(start, min(len(content), start + 40)))
    return content[:start] + draw(st.binary(max_size=20)) + content[end:]


def paths_of(document, path=()):
    if path:
        yield path
    pairs = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in pairs:
        yield from paths_of(value, (*path, key))


@st.composite
def changed(draw, content):
    """Draw the JSON with another value at some place of it."""
    document = json.loads(content)
    *way, last = draw(st.sampled_from(list(paths_of(document))))
    place = document
    for key in way:
        place = place[key]
    place[last] = draw(VALUES)
    return json.dumps(document).encode()


@pytest.mark.parametrize("kind", KINDS)
@given(st.data())
def test_any_bytes_are_read_or_refused(kind, data):
    assert lines_of_refusal(kind, data.draw(st.binary(max_size=200))) <= 1


@pytest.mark.parametrize("kind", KINDS)
@given(st.data())
def test_a_damaged_file_is_read_or_refused(kind, data):
    content = data.draw(damaged(SYNTHETIC[kind]))
    recognise(content)
    assert lines_of_refusal(kind, content) <= 1


@pytest.mark.parametrize("kind", [kind for kind, content in SYNTHETIC.items() if content.startswith(b"{")])
@given(st.data())
def test_any_value_anywhere_is_read_or_refused(kind, data):
    assert lines_of_refusal(kind, data.draw(changed(SYNTHETIC[kind]))) <= 1
