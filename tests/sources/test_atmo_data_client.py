"""The client of Atmo Data against a publisher on loopback: one log-in for many calls."""

import json
from datetime import date

import pytest

from citizen_api.core.outgoing import make_client
from citizen_api.core.settings import Settings
from citizen_api.sources.air_fetch import BusyError, CredentialsError, DownError, UnreadableError
from citizen_api.sources.atmo_data import EPISODES_PATH, INDEX_PATH, LOGIN_PATH, POLLEN_PATH, AtmoData
from tests.sources.air_makers import Answer, geojson, make_air_publisher, make_episode, make_index, make_pollen

DAY = date(2023, 12, 19)
PASSWORD = "hunter2-synthetic"


class Stopwatch:
    def __init__(self):
        self.s = 0.0

    def __call__(self):
        return self.s


@pytest.fixture
def publisher():
    with make_air_publisher() as running:
        running.answers |= {
            LOGIN_PATH: [Answer(b'{"token": "token-one"}'), Answer(b'{"token": "token-two"}')],
            INDEX_PATH: [Answer(geojson(make_index()))],
            POLLEN_PATH: [Answer(geojson(make_pollen()))],
            EPISODES_PATH: [Answer(geojson(make_episode()))],
        }
        yield running


@pytest.fixture
def stopwatch():
    return Stopwatch()


@pytest.fixture
def atmo(publisher, stopwatch):
    with make_client(Settings()) as client:
        yield AtmoData(client, url=publisher.url, user="city", password=PASSWORD, monotonic=stopwatch)


def tokens(publisher):
    return [call.headers.get("Authorization") for call in publisher.calls if call.method == "GET"]


def test_one_log_in_serves_many_calls(publisher, atmo):
    read = [*atmo.index(DAY), *atmo.pollen(DAY), *atmo.episodes()]
    assert len(read) == 3
    assert publisher.paths() == [LOGIN_PATH, INDEX_PATH, POLLEN_PATH, EPISODES_PATH]
    assert tokens(publisher) == ["Bearer token-one"] * 3


def test_it_logs_in_as_documented(publisher, atmo):
    atmo.index(DAY)
    login = publisher.calls[0]
    assert (login.method, json.loads(login.body)) == ("POST", {"username": "city", "password": PASSWORD})


def test_it_asks_for_one_day_without_geometries(publisher, atmo):
    atmo.index(DAY)
    assert publisher.calls[1].query == {
        "format": ["geojson"],
        "with_geom": ["false"],
        "date": ["2023-12-19"],
        "date_historique": ["2023-12-19"],
    }


def test_a_token_that_grew_old_is_renewed_once(publisher, atmo):
    atmo.index(DAY)
    publisher.answers[INDEX_PATH] = [Answer(b"", 401), Answer(geojson(make_index()))]
    assert len(atmo.index(DAY)) == 1
    assert tokens(publisher) == ["Bearer token-one", "Bearer token-one", "Bearer token-two"]


def test_a_renewed_token_that_is_refused_too_ends_the_call(publisher, atmo):
    atmo.index(DAY)
    publisher.answers[INDEX_PATH] = [Answer(b"", 401)]
    with pytest.raises(CredentialsError):
        atmo.index(DAY)
    assert publisher.paths().count(LOGIN_PATH) == 2


def test_a_fresh_token_that_is_refused_is_not_renewed(publisher, atmo):
    publisher.answers[INDEX_PATH] = [Answer(b"", 401)]
    with pytest.raises(CredentialsError):
        atmo.index(DAY)
    assert publisher.paths().count(LOGIN_PATH) == 1


def test_a_wrong_password_is_a_matter_of_credentials(publisher, atmo):
    publisher.answers[LOGIN_PATH] = [Answer(b'{"code": 401, "message": "Invalid credentials."}', 401)]
    with pytest.raises(CredentialsError) as raised:
        atmo.index(DAY)
    assert PASSWORD not in str(raised.value)


def test_too_many_log_ins_are_not_followed_by_another_until_the_wait_is_over(publisher, atmo, stopwatch):
    publisher.answers[LOGIN_PATH] = [Answer(b"", 429, {"Retry-After": "60"}), Answer(b'{"token": "token-one"}')]
    waits = []
    for _ in range(2):
        with pytest.raises(BusyError) as raised:
            atmo.index(DAY)
        waits.append(raised.value.retry_after_s)
        stopwatch.s += 20.0
    assert (waits, publisher.paths()) == ([60.0, 40.0], [LOGIN_PATH])
    stopwatch.s = 61.0
    assert len(atmo.index(DAY)) == 1


def test_a_busy_log_in_that_says_no_wait_is_left_alone_for_a_quarter_of_an_hour(publisher, atmo, stopwatch):
    publisher.answers[LOGIN_PATH] = [Answer(b"", 429)]
    for stopwatch.s in (0.0, 899.0):
        with pytest.raises(BusyError):
            atmo.index(DAY)
    assert publisher.paths() == [LOGIN_PATH]


@pytest.mark.parametrize(
    ("answer", "error"),
    [(Answer(b"", 500), DownError), (Answer(b"", 401), CredentialsError), (Answer(b"<html>"), UnreadableError)],
    ids=["down", "refused", "page"],
)
def test_a_log_in_that_failed_is_not_tried_again_for_a_minute(publisher, atmo, stopwatch, answer, error):
    publisher.answers[LOGIN_PATH] = [answer, Answer(b'{"token": "token-one"}')]
    for stopwatch.s in (0.0, 59.0):
        with pytest.raises(error):
            atmo.index(DAY)
    assert publisher.paths() == [LOGIN_PATH]
    stopwatch.s = 60.0
    assert len(atmo.index(DAY)) == 1


def test_a_busy_data_set_says_for_how_long(publisher, atmo):
    publisher.answers[INDEX_PATH] = [Answer(b"", 429, {"Retry-After": "5"})]
    with pytest.raises(BusyError) as raised:
        atmo.index(DAY)
    assert raised.value.retry_after_s == 5.0


def test_a_failing_source_is_down_and_keeps_the_token(publisher, atmo):
    publisher.answers[INDEX_PATH] = [Answer(b"", 500), Answer(geojson())]
    with pytest.raises(DownError):
        atmo.index(DAY)
    assert (atmo.index(DAY), publisher.paths().count(LOGIN_PATH)) == ([], 1)


@pytest.mark.parametrize("body", [b"<html>Maintenance</html>", b'{"message": "none"}', b""])
def test_a_page_instead_of_data_is_unreadable(publisher, atmo, body):
    publisher.answers[INDEX_PATH] = [Answer(body)]
    with pytest.raises(UnreadableError):
        atmo.index(DAY)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"token": 3}', b'{"token": "a\\nb"}', b'{"token": ""}'])
def test_a_log_in_without_a_token_is_unreadable(publisher, atmo, body):
    publisher.answers[LOGIN_PATH] = [Answer(body)]
    with pytest.raises(UnreadableError, match="gave no token"):
        atmo.index(DAY)


def test_the_password_is_not_shown(atmo):
    assert PASSWORD not in repr(atmo)
