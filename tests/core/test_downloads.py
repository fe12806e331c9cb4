"""Downloads against a loopback server, allowed by its exact origin."""

import pytest

from citizen_api.core import downloads
from citizen_api.core.downloads import ATTEMPTS, DownloadError, download
from citizen_api.core.locks import file_lock
from citizen_api.core.settings import Settings
from tests.core.publishing import BODY, make_publisher


@pytest.fixture
def publisher():
    with make_publisher() as publisher:
        yield publisher


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(data_dir=tmp_path, outgoing_timeout_s=5)


def ranges(publisher) -> list[str | None]:
    return [request.get("Range") for request in publisher.asked]


def test_a_file_is_fetched_whole_and_tells_how_far_it_is(publisher, settings):
    told = []
    path = download(publisher.url, settings, progress=lambda done, total: told.append((done, total)))
    assert path.read_bytes() == BODY
    assert told[-1] == (len(BODY), len(BODY))


def test_a_cut_connection_is_resumed_where_it_was_cut(publisher, settings):
    publisher.cut_after = [300_000, 200_000]
    assert download(publisher.url, settings).read_bytes() == BODY
    first, second, third = ranges(publisher)
    assert first is None
    assert second != third
    assert all(asked.startswith("bytes=") for asked in (second, third))


def test_a_download_given_up_is_resumed_by_the_next_call(publisher, settings):
    publisher.cut_after = [50_000] * ATTEMPTS
    with pytest.raises(DownloadError, match="could not be read"):
        download(publisher.url, settings)
    assert download(publisher.url, settings).read_bytes() == BODY
    assert ranges(publisher)[-1] is not None


def test_a_file_that_changed_meanwhile_is_fetched_anew(publisher, settings):
    publisher.cut_after = [200_000] * ATTEMPTS
    with pytest.raises(DownloadError):
        download(publisher.url, settings)
    publisher.body, publisher.etag = b"new" * 100_000, '"two"'
    assert download(publisher.url, settings).read_bytes() == publisher.body


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_strong_version_nothing_is_joined(publisher, settings, etag):
    publisher.etag, publisher.cut_after = etag, [300_000]
    assert download(publisher.url, settings).read_bytes() == BODY
    assert ranges(publisher) == [None, None]


def test_a_server_that_sends_another_part_than_asked_is_not_believed(publisher, settings):
    publisher.cut_after, publisher.ranges_lie = [300_000], True
    assert download(publisher.url, settings).read_bytes() == BODY
    assert [asked is None for asked in ranges(publisher)] == [True, False, True]


def test_a_partial_file_longer_than_the_file_is_thrown_away(publisher, settings):
    publisher.cut_after = [200_000] * ATTEMPTS
    with pytest.raises(DownloadError):
        download(publisher.url, settings)
    publisher.body = BODY[:1000]
    assert download(publisher.url, settings).read_bytes() == BODY[:1000]


@pytest.mark.parametrize("says_length", [True, False])
def test_a_file_over_the_cap_is_refused(publisher, tmp_path, says_length):
    publisher.says_length = says_length
    small = Settings(data_dir=tmp_path, import_max_bytes=100_000)
    with pytest.raises(DownloadError, match="larger than 100000 bytes") as caught:
        download(publisher.url, small)
    assert "secret" not in str(caught.value)
    assert sum(path.stat().st_size for path in (tmp_path / "downloads").iterdir()) <= 100_000 + 300


def test_a_resumed_file_over_the_cap_is_refused_too(publisher, settings, tmp_path):
    publisher.cut_after = [200_000] * ATTEMPTS
    with pytest.raises(DownloadError):
        download(publisher.url, settings)
    with pytest.raises(DownloadError, match="larger"):
        download(publisher.url, Settings(data_dir=tmp_path, import_max_bytes=len(BODY) - 1))


@pytest.mark.parametrize("status", [404, 500])
def test_an_error_is_told_in_one_line_without_the_query(publisher, settings, status):
    publisher.status = status
    with pytest.raises(DownloadError) as caught:
        download(publisher.url, settings)
    assert str(caught.value) == f"http://127.0.0.1:{publisher.port}/list.csv answered {status}"
    assert len(publisher.asked) == 1


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("https://10.0.0.1/list.csv", "not a public address"),
        ("https://[::ffff:127.0.0.1]/", "not a public address"),
        ("http://ville.example/list.csv", "only https"),
        ("http://127.0.0.1:1/list.csv", "only https"),
        ("file:///etc/passwd", "only https"),
    ],
)
def test_a_redirect_to_where_we_do_not_call_is_refused(publisher, settings, location, reason):
    publisher.status, publisher.location = 302, location
    with pytest.raises(DownloadError, match=reason):
        download(publisher.url, settings)
    assert len(publisher.asked) == 1


def test_a_circle_of_redirects_ends(publisher, settings):
    publisher.status, publisher.location = 302, publisher.url
    with pytest.raises(DownloadError):
        download(publisher.url, settings)
    assert len(publisher.asked) == 6


@pytest.mark.parametrize(
    "url",
    ["http://ville.example/x", "https://[::1", "https://exa mple/", "https://", "ftp://x/y", "://", "https://\ud800/"],
)
def test_what_is_no_address_of_ours_is_refused_in_one_line(settings, url):
    with pytest.raises(DownloadError) as caught:
        download(url, settings)
    assert "\n" not in str(caught.value)


def test_the_same_address_is_fetched_by_one_process_at_a_time(publisher, settings):
    path = download(publisher.url, settings)
    with file_lock(path.with_suffix(".lock")), pytest.raises(DownloadError, match="is being fetched already"):
        download(publisher.url, settings)
    assert download(publisher.url, settings) == path


def test_a_second_download_replaces_the_first(publisher, settings):
    first = download(publisher.url, settings)
    publisher.body = b"new"
    assert download(publisher.url, settings) == first
    assert first.read_bytes() == b"new"


def test_credentials_and_queries_are_no_public_part():
    assert downloads.public_part("https://me:pass@ville.example:8443/a/b.csv?token=x#y") == (
        "https://ville.example:8443/a/b.csv"
    )
