"""What surrounds every answer: ids, caching, compression, languages, CORS, security headers."""

import gzip
import re

import brotli
import flask_compress.flask_compress
import pytest

from tests.web.makers import make_client, read_problem

CACHEABLE = ["/docs", "/openapi.json", "/problems/not-found", "/static/swagger-ui-bundle.js", "/v1/emergency"]
UUID_HEX = re.compile(r"[0-9a-f]{32}")


@pytest.mark.parametrize(
    "given",
    [
        "0f8fad5b-d9cb-469f-a165-70867728950e",
        "0F8FAD5B-D9CB-469F-A165-70867728950E",
        "0f8fad5bd9cb469fa16570867728950e",
    ],
)
def test_a_request_id_that_is_a_uuid_comes_back(tmp_path, given):
    response = make_client(tmp_path).get("/healthz", headers={"X-Request-ID": given})
    assert response.headers["X-Request-ID"] == given


@pytest.mark.parametrize(
    "given", ["lat48.857-lon2.352", "48-8573751-2-3524425", "rue-de-la-paix", "0f8fad5b-d9cb469f-a165-70867728950e"]
)
def test_a_request_id_that_could_carry_a_position_or_words_is_replaced(tmp_path, given):
    response = make_client(tmp_path).get("/healthz", headers={"X-Request-ID": given})
    assert UUID_HEX.fullmatch(response.headers["X-Request-ID"])


@pytest.mark.parametrize(
    "given", ["short", "x" * 65, "with space 1234", "a;b=c,12345", "é" * 10, "../../etc/passwd", ""]
)
def test_a_request_id_that_could_do_harm_is_replaced(tmp_path, given):
    response = make_client(tmp_path).get("/healthz", headers={"X-Request-ID": given})
    assert UUID_HEX.fullmatch(response.headers["X-Request-ID"])


def test_a_request_id_cannot_bring_a_header_of_its_own(tmp_path):
    environ = {"HTTP_X_REQUEST_ID": "good-id-1\r\nSet-Cookie: evil=1"}
    response = make_client(tmp_path).get("/healthz", environ_overrides=environ)
    assert "Set-Cookie" not in response.headers
    assert UUID_HEX.fullmatch(response.headers["X-Request-ID"])


@pytest.mark.parametrize("path", CACHEABLE)
@pytest.mark.parametrize("encoding", ["br", "gzip", "identity"])
def test_what_was_read_once_is_not_sent_again(tmp_path, path, encoding):
    client = make_client(tmp_path)
    first = client.get(path, headers={"Accept-Encoding": encoding})
    again = client.get(path, headers={"Accept-Encoding": encoding, "If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.data) == (200, 304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Cache-Control"] == first.headers["Cache-Control"]
    assert re.fullmatch(r"public, max-age=\d+", first.headers["Cache-Control"])


@pytest.mark.parametrize("path", CACHEABLE)
def test_a_cache_keeps_languages_formats_and_encodings_apart(tmp_path, path):
    assert make_client(tmp_path).get(path).vary.as_set() >= {"accept", "accept-language", "accept-encoding"}


def test_the_same_address_in_another_language_has_another_tag(tmp_path):
    client = make_client(tmp_path)
    tags = {client.get("/v1/emergency", headers={"Accept-Language": lang}).headers["ETag"] for lang in ("fr", "en")}
    assert len(tags) == 2


@pytest.mark.parametrize(
    "path", ["/healthz", "/no/such/route", "/v1/emergency?lang=xx", "/v1/care/nearest?lat=1&lon=2"]
)
def test_what_is_not_declared_cacheable_is_kept_nowhere(tmp_path, path):
    response = make_client(tmp_path).get(path)
    assert response.headers["Cache-Control"] == "no-store"
    assert "ETag" not in response.headers


@pytest.mark.parametrize(("encoding", "decode"), [("br", brotli.decompress), ("gzip", gzip.decompress)])
@pytest.mark.parametrize("path", ["/openapi.json", "/static/swagger-ui.css", "/v1/emergency"])
def test_a_long_answer_is_compressed_as_the_client_accepts(tmp_path, path, encoding, decode):
    client = make_client(tmp_path)
    response = client.get(path, headers={"Accept-Encoding": encoding})
    assert response.headers["Content-Encoding"] == encoding
    assert decode(response.data) == client.get(path).data
    assert len(response.data) < len(client.get(path).data) / 2


def test_a_file_is_compressed_once_and_an_answer_to_a_question_is_never_kept(tmp_path, monkeypatch):
    compressed = []
    compress = flask_compress.flask_compress._compress_data

    def counting(app, data, algorithm):
        compressed.append(data)
        return compress(app, data, algorithm)

    monkeypatch.setattr(flask_compress.flask_compress, "_compress_data", counting)
    client = make_client(tmp_path)

    def ask(path):
        before = len(compressed)
        answers = [client.get(path, headers={"Accept-Encoding": "gzip"}) for _ in range(2)]
        assert {answer.headers["Content-Encoding"] for answer in answers} == {"gzip"}
        assert answers[0].data == answers[1].data
        return len(compressed) - before

    assert ask("/static/swagger-ui-bundle.js") == ask("/static/swagger-ui.css") == ask("/openapi.json") == 1
    assert ask("/v1/emergency") == 2
    assert ask("/v1/emergency?lang=en") == 2


def test_head_says_what_get_would_without_sending_it(tmp_path):
    client = make_client(tmp_path)
    head, get = client.head("/v1/emergency"), client.get("/v1/emergency")
    assert (head.status_code, head.data) == (200, b"")
    assert {name: head.headers[name] for name in ("ETag", "Content-Length", "Cache-Control", "Content-Type")} == {
        name: get.headers[name] for name in ("ETag", "Content-Length", "Cache-Control", "Content-Type")
    }


def test_a_range_is_ignored_because_answers_are_small(tmp_path):
    response = make_client(tmp_path).get("/static/swagger-ui.css", headers={"Range": "bytes=999999999-"})
    assert response.status_code == 200


@pytest.mark.parametrize("query", ["?lang=en", "?lang=fr"])
def test_lang_goes_before_accept_language_in_answers_too(tmp_path, query):
    response = make_client(tmp_path).get(f"/v1/emergency{query}", headers={"Accept-Language": "de, fr;q=0.1"})
    assert response.headers["Content-Language"] == query[-2:]


def test_no_other_page_may_call_the_api_by_default(tmp_path):
    response = make_client(tmp_path).get("/healthz", headers={"Origin": "https://ville.example"})
    assert not [name for name in response.headers.keys() if name.startswith("Access-Control-")]  # noqa: SIM118


def test_a_page_of_a_named_origin_may_call_the_api_and_read_its_problems(tmp_path):
    client = make_client(tmp_path, cors_origins=("https://ville.example",))
    response = client.get("/no/such/route", headers={"Origin": "https://ville.example"})
    read_problem(response)
    assert response.headers["Access-Control-Allow-Origin"] == "https://ville.example"
    assert "X-Request-ID" in response.headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in response.headers
    assert "origin" in response.vary.as_set()


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://ville.example.evil.example", "https://villeXexample", "null"]
)
def test_a_page_of_another_origin_may_not(tmp_path, origin):
    client = make_client(tmp_path, cors_origins=("https://ville.example",))
    assert "Access-Control-Allow-Origin" not in client.get("/healthz", headers={"Origin": origin}).headers


def test_a_browser_that_asks_first_is_told_what_it_may_send(tmp_path):
    client = make_client(tmp_path, cors_origins=("*",))
    response = client.options(
        "/v1/care/some-place/reports",
        headers={
            "Origin": "https://ville.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type, authorization",
        },
    )
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    assert response.headers["Access-Control-Allow-Headers"] == "authorization, content-type"


@pytest.mark.parametrize("path", ["/healthz", "/docs", "/no/such/route", "/problems/not-found", "/static/plain.css"])
def test_every_answer_carries_the_security_headers(tmp_path, path):
    headers = make_client(tmp_path).get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(("hsts", "expected"), [(True, "max-age=31536000; includeSubDomains"), (False, None)])
def test_https_only_is_promised_when_the_city_says_so(tmp_path, hsts, expected):
    headers = make_client(tmp_path, hsts=hsts).get("/healthz").headers
    assert headers.get("Strict-Transport-Security") == expected


@pytest.mark.parametrize(
    "path",
    [
        "/v1/communes/" + "9" * 5000,
        "/v1/care/" + "x" * 5000,
        "/v1/care/a%2Fb",
        "/v1/care/%FF",
        "/v1/staff/audit?cursor=" + "9" * 5000,
        "/v1/communes?q=" + "a" * 50_000,
        "/v1/communes?limit=" + "9" * 5000 + "&q=a",
    ],
)
def test_a_strange_address_is_the_callers_mistake(client, path):
    assert 400 <= client.get(path).status_code < 500


def test_bytes_that_are_no_text_find_nothing(client):
    assert client.get("/v1/communes?q=%FF%FE").get_json()["items"] == []


@pytest.mark.parametrize("host", ["evil host", "a" * 300, "[::1", "évil"])
def test_a_strange_host_does_no_harm(tmp_path, host):
    response = make_client(tmp_path).get("/healthz", headers={"Host": host})
    assert response.status_code in {200, 400}
