"""Nobody can make this installation call its own network."""

import socket

import httpcore
import httpx
import pytest

from citizen_api.core import outgoing
from citizen_api.core.outgoing import RefusedError, is_public, make_client, refusal
from citizen_api.core.settings import Settings

PUBLIC = "93.184.215.14"


@pytest.fixture
def client():
    with make_client(Settings()) as client:
        yield client


@pytest.fixture
def connections(monkeypatch):
    """Addresses that a connection was tried to; none answers."""
    tried = []

    def connect(_self, host, *_args, **_kwargs):
        tried.append(host)
        raise httpcore.ConnectError("nobody answers in this test")

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect)
    return tried


@pytest.fixture
def resolve(monkeypatch):
    """Let every name resolve to these addresses, one list for each time it is asked."""

    def to(*answers):
        left = list(answers)

        def getaddrinfo(_host, port, *_args, **_kwargs):
            addresses = left.pop(0) if len(left) > 1 else left[0]
            return [
                (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
                for one in addresses
            ]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return to


def test_the_pool_with_the_checked_backend_is_really_the_one_in_use(client, monkeypatch):
    asked = []
    monkeypatch.setattr(outgoing, "_public_addresses", lambda host, port: asked.append((host, port)) or [])
    with pytest.raises(httpx.ConnectError):
        client.get("https://ville.example/list.csv")
    assert asked == [("ville.example", 443)]


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0.0.0.0/",
        "https://localhost/",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/",
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[::127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[fe80::1]/",
        "https://[fd00::1]/",
        "https://[ff02::1]/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://192.168.0.1:8443/",
        "https://[2606:4700::5efe:a00:1]/",
    ],
)
def test_an_address_of_ours_is_refused_before_any_connection(client, connections, url):
    with pytest.raises(RefusedError, match="not a public address"):
        client.get(url)
    assert connections == []


@pytest.mark.parametrize(
    "address",
    [
        PUBLIC,
        "2606:4700:4700::1111",
        "::ffff:93.184.215.14",
        "192.88.98.255",
        "192.31.197.0",
        "192.175.49.0",
        "2620:4f:8001::",
        "2606:4700::5efe:93.184.215.14",
        "2606:4700::200:5efe:93.184.215.14",
        "2606:4700::5eff:10.0.0.1",
        "2606:4700::5efe:a00:1:1",
    ],
)
def test_a_public_address_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "192.88.99.0",
        "192.88.99.255",
        "192.31.196.0",
        "192.31.196.255",
        "192.175.48.0",
        "192.175.48.255",
        "2001:db8::",
        "2001:db8:ffff::1",
        "2620:4f:8000::",
        "2620:4f:8000:ffff::1",
        "3fff::",
        "3fff:fff::1",
        "::ffff:192.88.99.1",
        "2002:c058:6301::1",
    ],
)
def test_an_address_that_is_set_aside_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("marked", ["2606:4700::5efe", "2606:4700::200:5efe", "2606:4700:1:2:0:5efe"])
@pytest.mark.parametrize("inner", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "192.88.99.1", "224.0.0.1"])
def test_an_address_that_a_router_sends_on_to_a_private_one_is_not_public(marked, inner):
    assert not is_public(f"{marked}:{inner}")


def test_an_address_of_ones_own_network_is_not_public_for_what_it_carries():
    assert not is_public("fe80::5efe:93.184.215.14")


@pytest.mark.parametrize(
    "url", ["http://ville.example/", "ftp://ville.example/", "file:///etc/passwd", "http://127.0.0.1/"]
)
def test_only_https_is_spoken(client, connections, url):
    assert refusal(url) == "only https addresses are fetched"
    with pytest.raises((RefusedError, httpx.UnsupportedProtocol)):
        client.get(url)
    assert connections == []


def test_a_name_with_one_private_address_among_public_ones_is_refused(client, connections, resolve):
    resolve([PUBLIC, "10.0.0.1"])
    with pytest.raises(RefusedError):
        client.get("https://ville.example/")
    assert connections == []


def test_a_name_that_is_public_when_checked_and_private_later_gains_nothing(client, connections, resolve):
    resolve([PUBLIC], ["127.0.0.1"])
    with pytest.raises(httpx.ConnectError):
        client.get("https://rebinding.example/")
    with pytest.raises(RefusedError):
        client.get("https://rebinding.example/")
    assert connections == [PUBLIC]


def test_the_next_address_is_tried_when_the_first_does_not_answer(client, connections, resolve):
    resolve(["2606:4700:4700::1111", PUBLIC])
    with pytest.raises(httpx.ConnectError):
        client.get("https://ville.example/")
    assert connections == ["2606:4700:4700::1111", PUBLIC]


@pytest.mark.parametrize("error", [socket.gaierror("no"), UnicodeError("label too long")])
def test_a_name_that_cannot_be_resolved_is_a_failed_connection(client, monkeypatch, error):
    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(httpx.ConnectError, match="not known"):
        client.get("https://ville.example/")


def test_a_port_of_thirty_digits_is_refused(client):
    with pytest.raises(RefusedError, match="not a port"):
        client.get(f"https://127.0.0.1:{'9' * 30}/")


def test_a_name_without_addresses_is_a_failed_connection(client, resolve):
    resolve([])
    with pytest.raises(httpx.ConnectError, match="no address"):
        client.get("https://ville.example/")


def test_proxies_of_the_environment_are_ignored(connections, resolve, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://10.0.0.1:3128")
    resolve([PUBLIC])
    with make_client(Settings()) as client, pytest.raises(httpx.ConnectError):
        client.get("https://ville.example/")
    assert connections == [PUBLIC]


def test_an_allowed_origin_is_exactly_that_origin():
    outgoing.allow_origin("127.0.0.1", 9)
    try:
        assert refusal("http://127.0.0.1:9/x") is None
        assert refusal("http://127.0.0.1:10/x") is not None
        assert refusal("http://localhost:9/x") is not None
    finally:
        outgoing.forget_origin("127.0.0.1", 9)
    assert refusal("http://127.0.0.1:9/x") is not None
