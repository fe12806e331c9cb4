"""Nobody is handed over to a place that was not allowed, whatever trick the link plays."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citizen_api.sources.slot_records import LINK_LENGTH
from citizen_api.teleconsult.links import (
    UnsafeLinkError,
    allow_demo_origin,
    forget_demo_origin,
    safe_link,
    with_referral,
)
from tests.shared_data import shared_file

DOMAINS = ("rdv.example", ".clinic.example", "xn--mdecins-bya.example")

TRICKS = {
    "": "length",
    " https://rdv.example/": "characters",
    "https://rdv.example/ ": "characters",
    "https://rdv.example/a b": "characters",
    "https://rdv.example/\ta": "characters",
    "ht\ntps://rdv.example/": "characters",
    "https://rdv.example\r\nSet-Cookie: a=b": "characters",
    "https://rdv.example\x00.evil.example/": "characters",
    "\x01https://rdv.example/": "characters",
    "https://rdv.example/\u202egro.live": "characters",
    "https://rdv.exam\u200dple/": "characters",
    "https://rdv.exam\u00adple/": "characters",
    "https://rdv.example/\u3000a": "characters",
    "https://rdv.example/\ud800": "characters",
    "https://evil.example\\@rdv.example/": "characters",
    "https://rdv.example\\.evil.example/": "characters",
    "https:\\\\rdv.example/": "characters",
    "\\\\evil.example/": "characters",
    "https://rdv.example/\\evil.example": "characters",
    "https://rdv.example/%0d%0aLocation:x": "escape",
    "https://rdv.example/?a=%00": "escape",
    "https://rdv.example/%": "escape",
    "https://rdv.example/?a=%u0040": "escape",
    "//rdv.example/": "form",
    "//evil.example/": "form",
    "/rdv": "form",
    "rdv.example": "form",
    "https:rdv.example/": "form",
    "https:/rdv.example/": "form",
    "javascript:alert(1)": "form",
    "data:text/html,hello": "form",
    "mailto:a@rdv.example": "form",
    "http://rdv.example/": "scheme",
    "javascript://rdv.example/%61lert(1)": "scheme",
    "ftp://rdv.example/": "scheme",
    "file://rdv.example/": "scheme",
    "intent://rdv.example/": "scheme",
    "view-source+https://rdv.example/": "scheme",
    "http://127.0.0.1:8123/": "scheme",
    "https:///rdv.example/": "host",
    "https:////rdv.example/": "host",
    "https://": "host",
    "https://?rdv.example": "host",
    "https://#@rdv.example": "host",
    "https://rdv.example@evil.example/": "userinfo",
    "https://rdv.example:pass@evil.example/": "userinfo",
    "https://evil.example@rdv.example/": "userinfo",
    "https://@rdv.example/": "userinfo",
    "https://rdv.example:443@evil.example/": "userinfo",
    "https://rdv.example%40evil.example/": "host",
    "https://rdv.example%2f.evil.example/": "host",
    "https://rdv.example%2eevil.example/": "host",
    "https://evil.example%23.rdv.example/": "host",
    "https://%72dv.example/": "host",
    "https://rdv.example:80/": "host",
    "https://rdv.example:8443/": "host",
    "https://rdv.example:/": "host",
    "https://rdv.example:0443/": "host",
    "https://rdv.example:443:443/": "host",
    "https://rdv.example:evil.example/": "host",
    "https://[::1]/": "host",
    "https://[::ffff:127.0.0.1]/": "host",
    "https://127.0.0.1/": "host",
    "https://2130706433/": "host",
    "https://0x7f000001/": "host",
    "https://0x7f.1/": "host",
    "https://017700000001/": "host",
    "https://evil.127/": "host",
    "https://evil.0x1/": "host",
    "https://localhost/": "host",
    "https://rdv..example/": "host",
    "https://.rdv.example/": "host",
    "https://rdv.example../": "host",
    "https://-rdv.example/": "host",
    "https://rdv_x.example/": "host",
    "https://rdv.example;evil.example/": "host",
    "https://rdv.example,evil.example/": "host",
    "https://rdv.example*evil.example/": "host",
    "https://rdv。example/": "host",
    "https://rdv．example/": "host",
    "https://rdv｡example/": "host",
    "https://ｒｄｖ.example/": "host",
    "https://rdv.example／evil.example/": "host",
    "https://rdv.exampl℮/": "host",
    "https://straße.clinic.example/": "host",
    "https://xn--.clinic-é.example/": "host",
    "https://" + "a" * 64 + ".clinic.example/": "host",
    "https://" + "a." * 130 + "clinic.example/": "host",
    "https://evil.example/": "domain",
    "https://evil.example/rdv.example": "domain",
    "https://evil.example?rdv.example": "domain",
    "https://evil.example#rdv.example": "domain",
    "https://evil.example/@rdv.example": "domain",
    "https://rdv.example.evil.example/": "domain",
    "https://evilrdv.example/": "domain",
    "https://sub.rdv.example/": "domain",
    "https://clinic.example/": "domain",
    "https://evilclinic.example/": "domain",
    "https://rdv.example.com/": "domain",
    "https://rdν.example/": "domain",
    "https://rdv.exаmple/": "domain",
    "https://xn--rd-0bc.example/": "domain",
    "https://rdv.example/../../evil": "path",
    "https://rdv.example/a/%2e%2e/evil": "path",
    "https://rdv.example/.%2E/evil": "path",
    "https://rdv.example/./": "path",
    "https://rdv.example/?next=https://evil.example/": "redirect",
    "https://rdv.example/?next=//evil.example": "redirect",
    "https://rdv.example/?next=/%5Cevil.example": "redirect",
    "https://rdv.example/?next=https%3A%2F%2Fevil.example": "redirect",
    "https://rdv.example/?next=https%253A%252F%252Fevil.example": "redirect",
    "https://rdv.example/?next=%09//evil.example": "escape",
    "https://rdv.example/?next=+https:evil.example": "redirect",
    "https://rdv.example/?next=https://rdv.example@evil.example": "redirect",
    "https://rdv.example/?a=b;next=//evil.example": "redirect",
    "https://rdv.example/?//evil.example": "redirect",
    "https://rdv.example/?next=javascript:alert(1)": "redirect",
    "https://rdv.example/?next=data:text/html,a": "redirect",
    "https://rdv.example/#next=https://evil.example": "redirect",
    "https://rdv.example/#/?next=//evil.example": "redirect",
    "https://rdv.example/out/https://evil.example": "redirect",
    "https://rdv.example/out/https%3A%2F%2Fevil.example": "redirect",
    "https://rdv.example/out/https%253a%252f%252fevil.example": "redirect",
    "https://rdv.example/out;url=https://evil.example": "redirect",
    "https://rdv.example/out/url=https://evil.example": "redirect",
    "https://rdv.example/out=https://evil.example": "redirect",
    "https://rdv.example//evil.example/": "redirect",
    "https://rdv.example/out//evil.example": "redirect",
    "https://rdv.example/out/https:/evil.example": "redirect",
    "https://rdv.example/%2F%2Fevil.example": "redirect",
    "https://rdv.example/%2Fevil.example": "redirect",
    "https://rdv.example/%5C%5Cevil.example": "redirect",
    "https://rdv.example/%255Cevil.example": "redirect",
    'https://rdv.example/?u={"to":"https://evil.example"}': "redirect",
    'https://rdv.example/?u="https://evil.example': "redirect",
    "https://rdv.example/?a=b=https://evil.example": "redirect",
    "https://rdv.example/?u=,https:evil.example": "redirect",
    "https://rdv.example/?u=to-evil+app:/evil": "redirect",
    "https://rdv.example/?u=[javascript:alert(1)]": "redirect",
    "https://rdv.example/out/x=data:text,a": "redirect",
    "https://rdv.example/?next=https://rdv.example%26@evil.example": "redirect",
    "https://rdv.example/?next=https://rdv.example;@evil.example": "redirect",
    "https://rdv.example/?next=https://rdv.example&.evil.example": "redirect",
    "https://rdv.example/?next=https://rdv.example//evil.example": "redirect",
    "https://rdv.example/?next=https%25252525253A%25252525252F%25252525252Fevil.example": "escape",
    "https://rdv.example/?a=%2525252541": "escape",
    "https://rdv.example/?u=/%2509/evil.example": "escape",
    "https://rdv.example/?u=h%2509ttps://evil.example": "escape",
    "https://rdv.example/?u=java%250Ascript:alert(1)": "escape",
    "https://rdv.example/?u=java%25250Ascript:alert(1)": "escape",
    "https://rdv.example/?u=h%E2%80%8Bttps:evil": "escape",
    "https://rdv.example//rdv.example/": "path",
    "https://rdv.example/;a/b": "path",
    "https://rdv.example/..;/admin": "path",
    "https://rdv.example/a/..%3B/admin": "path",
    "https://rdv.example/a/..%2Fadmin": "path",
    "https://rdv.example/a/..%5Cadmin": "path",
    "https://rdv.example/a/%252e%252e": "path",
}
ACCEPTED = {
    "https://rdv.example": "https://rdv.example/",
    "HTTPS://RDV.Example/Chez/Dr": "https://rdv.example/Chez/Dr",
    "https://rdv.example:443/a": "https://rdv.example/a",
    "https://rdv.example./a": "https://rdv.example/a",
    "https://a.b.clinic.example/x?y=z": "https://a.b.clinic.example/x?y=z",
    "https://médecins.example/": "https://xn--mdecins-bya.example/",
    "https://MÉDECINS.example/": "https://xn--mdecins-bya.example/",
    "https://rdv.example/médecin?lieu=Évry": "https://rdv.example/m%C3%A9decin?lieu=%C3%89vry",
    "https://rdv.example/a?b=1&c=d%20e#part": "https://rdv.example/a?b=1&c=d%20e#part",
    'https://rdv.example/"<b>': "https://rdv.example/%22%3Cb%3E",
    "https://rdv.example/?next=https://a.clinic.example/": "https://rdv.example/?next=https://a.clinic.example/",
    "https://rdv.example/?": "https://rdv.example/?",
    "https://rdv.example/?a=%25252541": "https://rdv.example/?a=%25252541",
    "https://rdv.example/?a=100%25&at=2026-05-01T10:00:00Z": "https://rdv.example/?a=100%25&at=2026-05-01T10:00:00Z",
    "https://rdv.example/a;v=1/b/": "https://rdv.example/a;v=1/b/",
    "https://rdv.example/?metadata:id=urn:uuid:1": "https://rdv.example/?metadata:id=urn:uuid:1",
    "https://rdv.example/#/a/b": "https://rdv.example/#/a/b",
    "https://rdv.example/?next=https%3A%2F%2Fa.clinic.example%2F&b=1": (
        "https://rdv.example/?next=https%3A%2F%2Fa.clinic.example%2F&b=1"
    ),
}


def test_the_tricks_are_many():
    assert len(TRICKS) >= 60


@pytest.mark.parametrize(("link", "reason"), TRICKS.items())
def test_a_trick_is_refused_for_its_reason(link, reason):
    with pytest.raises(UnsafeLinkError) as caught:
        safe_link(link, allowed_domains=DOMAINS)

    assert str(caught.value) == reason


@pytest.mark.parametrize(("link", "written"), ACCEPTED.items())
def test_an_honest_link_is_written_in_one_way(link, written):
    assert safe_link(link, allowed_domains=DOMAINS) == written


def links_of_real_publishers():
    """Addresses where one books, of the availability feeds of April 2021 and of the examples of SMART."""
    feeds = [*shared_file("vaccination").rglob("*.json"), *shared_file("smart/examples").glob("*.ndjson")]
    written = re.compile(r'"(?:url|valueUrl)": *"(https:[^"]+)"')
    return {link for feed in feeds for link in written.findall(feed.read_text("utf-8"))}


def test_every_link_of_real_publishers_may_be_followed():
    links = links_of_real_publishers()

    written = {unquote(link): unquote(safe_link(link, allowed_domains=[urlsplit(link).netloc])) for link in links}
    assert len(links) > 400
    assert [link for link, again in written.items() if link != again] == []


def test_a_link_may_lead_nowhere_when_no_domain_is_allowed():
    with pytest.raises(UnsafeLinkError):
        safe_link("https://rdv.example/", allowed_domains=())


def test_a_link_is_too_long_by_what_it_is_written_as():
    with pytest.raises(UnsafeLinkError):
        safe_link("https://rdv.example/" + "é" * (LINK_LENGTH // 4), allowed_domains=DOMAINS)


def test_a_reason_does_not_show_the_link():
    with pytest.raises(UnsafeLinkError) as caught:
        safe_link("https://evil.example/?patient=synthetic", allowed_domains=DOMAINS)

    assert "evil" not in str(caught.value)


PIECES = st.sampled_from(
    [
        *"/@:?#&=.%;\\ \t。．ｒßé\u202e",
        *("//", "..", ":443", "%40", "%2f", "%5c", "%2e", "next=", "xn--", "0x7f", "127.0.0.1"),
        *("rdv.example", "evil.example", "a.clinic.example", "https:", "https://", "HTTP:"),
    ]
)


@given(st.sampled_from(["", "https://", "https://rdv.example", "https://a.clinic.example/"]), st.lists(PIECES))
def test_what_is_accepted_is_plain_and_leads_to_an_allowed_host(begin, pieces):
    try:
        written = safe_link(begin + "".join(pieces), allowed_domains=DOMAINS)
    except UnsafeLinkError:
        return

    read = urlsplit(written)
    assert read.scheme == "https"
    assert read.netloc in ("rdv.example", "xn--mdecins-bya.example") or read.netloc.endswith(".clinic.example")
    assert written.isascii()
    assert written.isprintable()
    assert not set(written) & set(' "<>\\^`{|}')


@given(st.sampled_from(["https://", "https://rdv.example/"]), st.lists(PIECES))
def test_a_written_link_is_written_the_same_again(begin, pieces):
    try:
        written = safe_link(begin + "".join(pieces), allowed_domains=DOMAINS)
    except UnsafeLinkError:
        return

    assert safe_link(written, allowed_domains=DOMAINS) == written


def test_the_referral_is_added_and_the_rest_stays_byte_for_byte():
    link = "https://rdv.example/a?x=%c3%a9&&y=a+b&z#part"

    assert (
        with_referral(link, source="alentours", referral="r-1")
        == "https://rdv.example/a?x=%c3%a9&y=a+b&z&source=alentours&booking-referral=r-1#part"
    )


@pytest.mark.parametrize(
    "query",
    [
        *("source=a", "SOURCE=a", "%73ource=a", "s%6Furce", "booking-referral=x", "Booking%2Dreferral=x", "+source=a"),
        *("source[]=a", "source%5B%5D=a", "source[0][b]=a", "source+[a=b", "booking-referral[x]=a"),
    ],
)
def test_a_referral_of_somebody_else_is_replaced(query):
    written = with_referral(f"https://rdv.example/?a=1&{query}&b=2", source="alentours", referral="r-1")

    assert parse_qsl(urlsplit(written).query) == [
        ("a", "1"),
        ("b", "2"),
        ("source", "alentours"),
        ("booking-referral", "r-1"),
    ]


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("a=1;source=x&b=2", "a=1&b=2&"),
        ("a=1;source[]=x;b=2", "a=1;b=2&"),
        ("source=x;a=1", "a=1&"),
        (";booking-referral=x", ""),
        ("a=1;b;c=source", "a=1;b;c=source&"),
    ],
)
def test_a_referral_of_somebody_else_is_found_after_a_semicolon(query, kept):
    written = with_referral(f"https://rdv.example/?{query}", source="s", referral="r")

    assert written == f"https://rdv.example/?{kept}source=s&booking-referral=r"


def test_a_parameter_that_only_looks_alike_stays():
    assert "datasource=a&" in with_referral("https://rdv.example/?datasource=a", source="s", referral="r")


def test_what_a_source_holds_does_not_leave_its_parameter():
    written = with_referral("https://rdv.example/", source="a&b#c", referral="r/1")

    assert written == "https://rdv.example/?source=a%26b%23c&booking-referral=r%2F1"


@pytest.fixture
def demo_origin():
    allow_demo_origin("http://127.0.0.1:8123")
    yield "http://127.0.0.1:8123"
    forget_demo_origin("http://127.0.0.1:8123")


def test_the_demo_page_of_this_process_may_be_handed_over_to(demo_origin):
    assert safe_link(f"{demo_origin}/book?slot=1", allowed_domains=()) == "http://127.0.0.1:8123/book?slot=1"


@pytest.mark.usefixtures("demo_origin")
@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1:81234/",
        "http://127.0.0.1:812/",
        "http://localhost:8123/",
        "http://a@127.0.0.1:8123/",
        "http://127.0.0.1:8123@evil.example/",
        "https://127.0.0.1:8123/",
        "http://127.0.0.1:8123/?next=//evil.example",
    ],
)
def test_what_only_looks_like_the_demo_page_is_refused(link):
    with pytest.raises(UnsafeLinkError):
        safe_link(link, allowed_domains=())


@pytest.mark.parametrize(
    "origin", ["http://10.0.0.1:80", "http://evil.example:80", "http://127.0.0.1:80/", "https://127.0.0.1:80", ""]
)
def test_no_origin_but_a_loopback_one_is_ever_allowed(origin):
    with pytest.raises(UnsafeLinkError):
        allow_demo_origin(origin)
