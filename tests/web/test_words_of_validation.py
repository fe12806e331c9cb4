"""What validation says of a wrong parameter is said in French too, whatever the parameter and whatever is wrong."""

import ast
import importlib
from pathlib import Path

import marshmallow as ma
import pytest

import citizen_api.api
from citizen_api.web import reading
from citizen_api.web.blueprint import Args, Body
from content.catalogue import catalogue
from tests.web.makers import make_client, read_problem

PACKAGE = Path(citizen_api.api.__file__).parent
WRONG_VALUES = ("", "x" * 100_000, [], ["x"] * 1_000, -1e300, 1e300, object())
"""Each validator must refuse at least one of these; together they bring out each of its messages."""


def schemas_read(base):
    """Every schema of ours that reads a request."""
    found = {kind for child in base.__subclasses__() for kind in (child, *schemas_read(child))}
    return {kind for kind in found if kind.__module__.startswith("citizen_api.")}


SCHEMAS = sorted({Args, Body} | schemas_read(Args) | schemas_read(Body), key=lambda kind: kind.__name__)


def fields_inside(field):
    yield field
    inner = [getattr(field, name, None) for name in ("inner", "key_field", "value_field")]
    if isinstance(field, ma.fields.Nested):
        inner += field.schema.fields.values()
    for each in filter(None, inner):
        yield from fields_inside(each)


def said_by(validator):
    """Every message that one validator gives to the wrong values."""
    said = set()
    for value in WRONG_VALUES:
        try:
            validator(value)
        except ma.ValidationError as error:
            said.update(str(message) for message in error.messages)
        except (TypeError, AttributeError):
            pass  # the field would not hand it such a value
    assert said, f"no wrong value for {validator!r}"
    return said


def messages_of(schema):
    said = {str(message) for message in schema.error_messages.values()}
    for top in schema.fields.values():
        for field in fields_inside(top):
            kind = {"obj_type": getattr(field, "OBJ_TYPE", ""), "input": "x", "choices": "x", "regex": "x"}
            kind |= {"awareness": "aware"}
            said |= {str(message).format_map(kind) for message in field.error_messages.values()}
            said = said.union(*(said_by(validator) for validator in field.validators))
    return said


def written_in_the_code():
    """Messages of ours: in `raise ma.ValidationError("…")`, and what reading a request says."""
    said = {reading.TWICE, reading.UNSTORABLE}
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("ValidationError"):
                said |= messages_in(value_in(file, node.args[0]))
    return said


def value_in(file, expression):
    """What a message is: itself, or a constant by its name; None: a function chose it, and has tests of its own."""
    module = importlib.import_module(".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts))
    try:
        return eval(ast.unparse(expression), vars(module))  # noqa: S307 - our own code
    except NameError:
        return None


def messages_in(said):
    if isinstance(said, dict):
        return {message for one in said.values() for message in messages_in(one)}
    if isinstance(said, list):
        return set(said)
    return set() if said is None else {said}


def without_words(messages):
    known = [pattern for pattern, _ in catalogue().validation]
    return sorted(message for message in messages if not any(pattern.fullmatch(message) for pattern in known))


def test_every_schema_that_reads_a_request_is_looked_at():
    names = {kind.__name__ for kind in SCHEMAS}
    assert names >= {"NearestArgs", "WithinArgs", "PlacesArgs", "AuditArgs", "ReportBody", "SettlementBody"}


@pytest.mark.parametrize("kind", SCHEMAS, ids=lambda kind: kind.__name__)
def test_whatever_is_wrong_with_a_parameter_is_said_in_french(kind):
    assert without_words(messages_of(kind())) == []


def test_messages_that_our_code_writes_are_said_in_french():
    assert without_words(written_in_the_code()) == []


def test_a_message_that_lacks_its_words_would_be_noticed():
    class Unforeseen(ma.Schema):
        when = ma.fields.TimeDelta(validate=ma.validate.ContainsOnly("ab"))

    assert len(without_words(messages_of(Unforeseen()))) >= 2


def test_a_box_of_three_numbers_is_explained_in_french(tmp_path):
    answer = make_client(tmp_path).get("/v1/care/within?bbox=1,2,3&category=pharmacy&lang=fr")
    (error,) = read_problem(answer)["errors"]
    assert error == {"field": "bbox", "message": "Doit compter exactement 4 caractères ou éléments."}
