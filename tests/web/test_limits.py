"""Too many requests: whom the limits count, where, and what they answer."""

import os
import uuid

import pytest
import redis

from app import create_app
from tests.web.makers import make_client, make_services, read_problem

REDIS_URL = os.environ.get("ALENTOURS_TEST_REDIS_URL", "redis://127.0.0.1:6379/9")


@pytest.fixture
def redis_url():
    connection = redis.Redis.from_url(REDIS_URL, socket_connect_timeout=2)
    try:
        connection.ping()
    except redis.ConnectionError:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no Redis at {REDIS_URL}: make services")
    finally:
        connection.close()
    return REDIS_URL


def ask(client, address, *, headers=None, path="/v1/emergency"):
    return client.get(path, headers=headers or {}, environ_overrides={"REMOTE_ADDR": address})


def statuses(client, *addresses, **options):
    return [ask(client, address, **options).status_code for address in addresses]


def test_one_request_too_many_is_a_problem_that_says_when_to_come_back(tmp_path):
    client = make_client(tmp_path, rate_limit="2 per minute")
    responses = [ask(client, "203.0.113.1") for _ in range(3)]
    assert [response.status_code for response in responses] == [200, 200, 429]
    assert read_problem(responses[2])["type"] == "/problems/too-many-requests"
    assert 1 <= int(responses[2].headers["Retry-After"]) <= 60
    assert "15" in responses[2].get_json()["detail"]


def test_an_answer_within_the_limit_tells_nobody_to_come_back_later(tmp_path):
    assert "Retry-After" not in ask(make_client(tmp_path, rate_limit="2 per minute"), "203.0.113.1").headers


def test_each_client_is_counted_by_itself(tmp_path):
    client = make_client(tmp_path, rate_limit="1 per minute")
    assert statuses(client, "203.0.113.1", "203.0.113.2", "203.0.113.1") == [200, 200, 429]


def test_the_addresses_of_one_ipv6_subscriber_count_as_one(tmp_path):
    client = make_client(tmp_path, rate_limit="1 per minute")
    assert statuses(client, "2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1") == [200, 429, 200]


def test_all_routes_count_together(tmp_path):
    client = make_client(tmp_path, rate_limit="1 per minute")
    assert statuses(client, "203.0.113.1", path="/docs") == [200]
    assert statuses(client, "203.0.113.1", path="/v1/emergency") == [429]


@pytest.mark.parametrize("path", ["/nope", "/v1/care/a/b/c/d", "/a%00b", "/v1//care"])
def test_an_address_that_leads_nowhere_is_counted_too(tmp_path, path):
    client = make_client(tmp_path, rate_limit="2 per minute")
    assert statuses(client, *["203.0.113.1"] * 3, path=path) == [404, 404, 429]
    assert statuses(client, "203.0.113.1") == [429]
    assert statuses(client, "203.0.113.2", path=path) == [404]


def test_a_wrong_method_is_counted_too(tmp_path):
    client = make_client(tmp_path, rate_limit="1 per minute")
    answers = [client.delete("/v1/emergency", environ_overrides={"REMOTE_ADDR": "203.0.113.1"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [405, 429]


def test_a_load_balancer_may_ask_after_the_health_as_often_as_it_likes(tmp_path):
    client = make_client(tmp_path, rate_limit="1 per minute")
    assert statuses(client, *["203.0.113.1"] * 3, path="/healthz") == [200] * 3


def test_a_forwarded_address_is_not_believed_without_a_trusted_proxy(tmp_path):
    client = make_client(tmp_path, rate_limit="1 per minute")
    ask(client, "203.0.113.1", headers={"X-Forwarded-For": "198.51.100.1"})
    assert ask(client, "203.0.113.1", headers={"X-Forwarded-For": "198.51.100.2"}).status_code == 429


def test_behind_one_proxy_only_the_address_that_it_added_is_believed(tmp_path):
    client = make_client(tmp_path, rate_limit="1 per minute", trusted_proxies=1)
    asked = [
        ask(client, "10.0.0.1", headers={"X-Forwarded-For": forwarded}).status_code
        for forwarded in ("made-up, 198.51.100.1", "198.51.100.2", "another lie, 198.51.100.1")
    ]
    assert asked == [200, 200, 429]


def test_reports_have_a_limit_of_their_own(tmp_path, database):
    services = make_services(tmp_path, rate_limit_reports="1 per hour")
    services.database = database
    client = create_app(services=services).test_client()
    answers = [client.post("/v1/care/some-place/reports", json={"kind": "moved"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [404, 429]
    assert int(answers[1].headers["Retry-After"]) > 60
    assert client.get("/v1/emergency").status_code == 200


def test_processes_that_share_a_redis_share_the_count(tmp_path, redis_url):
    address = f"2001:db8:{uuid.uuid4().hex[:4]}:{uuid.uuid4().hex[:4]}::1"
    clients = [make_client(tmp_path, rate_limit="1 per 2 second", redis_url=redis_url) for _ in range(2)]
    assert [ask(client, address).status_code for client in clients] == [200, 429]


def test_a_redis_that_is_down_neither_stops_answers_nor_lifts_the_limit(tmp_path):
    client = make_client(tmp_path, rate_limit="2 per minute", redis_url="redis://127.0.0.1:1/0")
    assert statuses(client, *["203.0.113.1"] * 3) == [200, 200, 429]
