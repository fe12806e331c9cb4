"""Every error of the HTTP face is a problem of RFC 9457, in one shape and in the reader's language."""

import io

import pytest

from tests.web.makers import NOBODY_LISTENS, make_client, read_problem

REPORTS = "/v1/care/some-place/reports"
JSON = "application/json"


def crash(**_):
    raise RuntimeError("secret 48.8573751")


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "name"),
    [
        ("GET", "/no/such/route", {}, 404, "not-found"),
        ("GET", "/v1//care/categories", {}, 404, "not-found"),
        ("GET", "/v1/care/a%00b", {}, 404, "not-found"),
        ("GET", "/problems/no-such-problem", {}, 404, "not-found"),
        ("GET", "/static/no-such-file", {}, 404, "not-found"),
        ("GET", "/static/..%2f..%2fapp.py", {}, 404, "not-found"),
        ("DELETE", "/v1/care/nearest", {}, 405, "method-not-allowed"),
        ("BREW", "/v1/care/nearest", {}, 405, "method-not-allowed"),
        ("POST", "/healthz", {}, 405, "method-not-allowed"),
        ("POST", REPORTS, {"data": "{", "content_type": JSON}, 400, "bad-request"),
        ("POST", REPORTS, {"data": "", "content_type": JSON}, 400, "bad-request"),
        ("POST", REPORTS, {"data": b"\xff\xfe\xfd", "content_type": JSON}, 400, "bad-request"),
        ("POST", REPORTS, {"data": '{"kind": NaN}', "content_type": JSON}, 400, "bad-request"),
        ("POST", REPORTS, {"data": '{"kind": "moved", "kind": "other"}', "content_type": JSON}, 400, "bad-request"),
        ("POST", REPORTS, {"data": "[" * 200_000, "content_type": JSON}, 400, "bad-request"),
        ("POST", REPORTS, {"data": '{"a":' * 30_000, "content_type": JSON}, 400, "bad-request"),
        ("POST", REPORTS, {"data": "kind=moved", "content_type": "text/plain"}, 415, "unsupported-media-type"),
        ("POST", REPORTS, {"data": {"kind": "moved"}}, 415, "unsupported-media-type"),
        ("POST", REPORTS, {}, 415, "unsupported-media-type"),
        ("POST", REPORTS, {"data": b"x" * 300_000, "content_type": JSON}, 413, "body-too-large"),
        ("POST", REPORTS, {"json": []}, 422, "invalid-arguments"),
        ("POST", REPORTS, {"json": {"kind": "moved", "comment": "a\0b"}}, 422, "invalid-arguments"),
        (
            "POST",
            REPORTS,
            {"data": r'{"kind": "moved", "comment": "\ud800"}', "content_type": JSON},
            422,
            "invalid-arguments",
        ),
        ("GET", "/v1/communes?q=a%00b", {}, 422, "invalid-arguments"),
        ("GET", "/v1/communes?q=a&q=b", {}, 422, "invalid-arguments"),
        ("GET", "/v1/communes?q=paris&no_such=1", {}, 422, "invalid-arguments"),
        ("GET", "/healthz?no_such=1", {}, 422, "invalid-arguments"),
        ("GET", "/healthz?lang=xx", {}, 422, "invalid-arguments"),
        ("GET", "/docs?lang=xx", {}, 422, "invalid-arguments"),
        ("GET", "/problems/not-found?lang=xx", {}, 422, "invalid-arguments"),
        ("GET", "/v1/staff/me", {}, 401, "unauthorised"),
        ("GET", "/planted/48.85,2.35", {}, 500, "internal-error"),
    ],
)
def test_an_error_is_a_problem(tmp_path, method, path, options, status, name):
    client = make_client(tmp_path, {"/planted/<where>": crash})
    response = client.open(path, method=method, **options)
    assert (response.status_code, read_problem(response)["type"]) == (status, f"/problems/{name}")


def test_a_wrong_method_says_in_a_header_and_in_words_which_ones_fit(tmp_path):
    response = make_client(tmp_path).delete("/v1/care/nearest?lang=en")
    assert response.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert "GET, HEAD, OPTIONS" in response.get_json()["detail"]


def test_a_body_without_a_length_is_not_read_past_the_limit(tmp_path):
    client = make_client(tmp_path, max_body_bytes=1000)
    response = client.post(
        REPORTS,
        input_stream=io.BytesIO(b'{"kind": "moved"}' + b" " * 5000),
        content_type=JSON,
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert response.status_code == 413


def test_a_wrong_parameter_is_named_and_explained_in_the_readers_language(tmp_path):
    response = make_client(tmp_path).get("/v1/communes?lang=fr&q=paris&limit=many")
    assert read_problem(response)["errors"] == [{"field": "limit", "message": "Doit être un nombre entier."}]


@pytest.mark.parametrize(
    ("query", "accepted", "title"),
    [
        ("", None, "Introuvable"),
        ("", "en-GB,en;q=0.9", "Not found"),
        ("", "de, en;q=0.5", "Not found"),
        ("", "de", "Introuvable"),
        ("?lang=fr", "en", "Introuvable"),
        ("?lang=en", "fr", "Not found"),
        ("?lang=xx", "en", "Not found"),
    ],
)
def test_a_problem_speaks_the_language_of_lang_else_of_accept_language_else_of_the_city(
    tmp_path, query, accepted, title
):
    headers = {"Accept-Language": accepted} if accepted else {}
    response = make_client(tmp_path).get(f"/no/such/route{query}", headers=headers)
    assert read_problem(response)["title"] == title
    assert response.headers["Content-Language"] == ("en" if title == "Not found" else "fr")


def test_the_city_chooses_the_language_of_those_who_name_none(tmp_path):
    assert make_client(tmp_path, default_language="en").get("/no").get_json()["title"] == "Not found"


def test_a_crash_tells_its_reader_nothing_but_where_to_ask(tmp_path):
    client = make_client(tmp_path, {"/crash": crash})
    response = client.get("/crash?lang=en", headers={"X-Request-ID": "0f8fad5b-d9cb-469f-a165-70867728950e"})
    problem = read_problem(response)
    assert (problem["title"], problem["request_id"]) == ("Error on our side", "0f8fad5b-d9cb-469f-a165-70867728950e")
    assert not any(leak in response.text for leak in ("secret", "48.85", "RuntimeError", "Traceback"))


def test_a_crash_after_the_view_is_a_problem_too(tmp_path):
    client = make_client(tmp_path, {"/planted": lambda: "well"})
    client.application.after_request(lambda _response: crash())
    response = client.get("/planted")
    assert (response.status_code, response.get_json()["type"]) == (500, "/problems/internal-error")


@pytest.mark.parametrize("path", ["/readyz", "/v1/communes?q=paris", "/v1/care/nearest?category=pharmacy&lat=48&lon=2"])
def test_a_database_that_is_down_is_said_to_be_unavailable(tmp_path, path):
    response = make_client(tmp_path, database_url=NOBODY_LISTENS).get(path)
    assert (response.status_code, read_problem(response)["type"]) == (503, "/problems/unavailable")
    assert int(response.headers["Retry-After"]) > 0


def test_a_process_that_lives_says_so_even_without_a_database(tmp_path):
    assert make_client(tmp_path, database_url=NOBODY_LISTENS).get("/healthz").get_json() == {"status": "ok"}


@pytest.mark.parametrize(("lang", "title"), [("fr", "Trop de demandes"), ("en", "Too many requests")])
def test_the_page_of_a_problem_explains_it_in_both_languages(tmp_path, lang, title):
    response = make_client(tmp_path).get(f"/problems/too-many-requests?lang={lang}")
    assert response.content_type == "text/html; charset=utf-8"
    assert f'<html lang="{lang}">' in response.text
    assert f"<h1>{title}</h1>" in response.text
    assert response.headers["Content-Language"] == lang


def test_the_page_of_a_problem_shows_no_bare_placeholder(tmp_path):
    assert "{" not in make_client(tmp_path).get("/problems/body-too-large").text
