"""The interactive documentation: everything it needs comes from this installation."""

import re

import pytest

from tests.web.makers import make_client

ASSET = re.compile(r'(?:src|href)="([^"]+)"')


def test_everything_the_page_asks_for_is_served_here(tmp_path):
    client = make_client(tmp_path)
    page = client.get("/docs")
    assets = ASSET.findall(page.text)
    assert len(assets) == 5
    assert all(asset.startswith("/") and not asset.startswith("//") for asset in assets)
    answers = {asset: client.get(asset) for asset in assets}
    assert {answer.status_code for answer in answers.values()} == {200}
    assert {asset.rpartition(".")[2]: answer.mimetype for asset, answer in answers.items()} == {
        "png": "image/png",
        "css": "text/css",
        "js": "text/javascript",
        "json": "application/json",
    }


def test_the_style_sheets_fetch_nothing_from_elsewhere(tmp_path):
    client = make_client(tmp_path)
    for name in ("swagger-ui.css", "plain.css"):
        addresses = re.findall(r"url\(([^)]*)\)", client.get(f"/static/{name}").text)
        assert [found for found in addresses if not found.strip("\"'").startswith("data:")] == []


def test_the_page_describes_the_very_api_that_serves_it(tmp_path):
    client = make_client(tmp_path)
    assert 'url: "/openapi.json"' in client.get("/static/docs.js").text
    described = set(client.get("/openapi.json").get_json()["paths"])
    assert {"/v1/care/nearest", "/v1/communes", "/healthz"} <= described


def test_the_page_runs_no_script_but_files_of_its_own(tmp_path):
    page = make_client(tmp_path).get("/docs")
    assert not re.search(r"<script(?![^>]* src=)", page.text)
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_page_is_in_english_and_says_so_whatever_language_is_asked_for(tmp_path, lang):
    page = make_client(tmp_path).get(f"/docs?lang={lang}")
    assert '<html lang="en">' in page.text
    assert page.headers["Content-Language"] == "en"


def test_the_bare_address_leads_to_the_documentation_and_is_kept_nowhere(tmp_path):
    answer = make_client(tmp_path).get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/docs")
    assert answer.headers["Cache-Control"] == "no-store"


def test_pages_are_found_wherever_the_product_is_started_from(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    client = make_client(tmp_path)
    assert [client.get(path).status_code for path in ("/docs", "/problems/not-found", "/static/docs.js")] == [200] * 3
