"""What may be said of a provider, and where it may lead."""

import pytest

from citizen_api.teleconsult import provider_rules as rules

GOOD_DOMAINS = [
    "www.doctolib.fr",
    ".doctolib.fr",
    "a-b.example",
    "xn--bcher-kva.example",
    "sante.gouv.fr",
    "my-clinic.sharepoint.com",
    "clinic.free.fr",
    "clinic.com.sg",
    ".free-clinic.fr",
    ".clinic-sharepoint.com",
    "a.com.clinic.fr",
    "a.xn--p1ai",
]
NO_DOMAINS = [
    "",
    ".",
    "fr",
    ".fr",
    "localhost",
    "clinic.localhost",
    "clinic.local",
    "router.lan",
    "db.internal",
    "1.2.3.4",
    "0x7f.0.0.1",
    "2130706433",
    "[::1]",
    "::1",
    "Doctolib.fr",
    "bücher.example",
    "doctolib.fr.",
    "doctolib..fr",
    "..doctolib.fr",
    "-doctolib.fr",
    "doctolib-.fr",
    "*.doctolib.fr",
    "doctolib.fr:443",
    "doctolib.fr/",
    "user@doctolib.fr",
    "doctolib.fr\n",
    "a b.fr",
    f"{'a' * 64}.fr",
    f"{'a.' * 130}fr",
]
SHARED_DOMAINS = [
    "co.uk",
    ".co.uk",
    "github.io",
    ".github.io",
    "gouv.fr",
    "gouv.nc",
    "com.sg",
    "or.jp",
    "ngrok-free.app",
    ".s3.amazonaws.com",
    ".my-clinic.sharepoint.com",
    "googleapis.com",
    "sharepoint.com",
    "azureedge.net",
    "free.fr",
    "ovh.net",
    "blogspot.com",
    "blogspot.de",
    "blogspot.co.uk",
    "blogspot.com.br",
    "bit.ly",
]
GOOD_TEMPLATES = [
    "https://clinic.example/",
    "https://clinic.example/book/{slot}",
    "https://clinic.example/book?slot={slot}&again={slot}",
    "https://www.sub.example/x",
]
NO_TEMPLATES = [
    "http://clinic.example/",
    "https://other.example/",
    "https://{slot}.clinic.example/",
    "https://{slot}@clinic.example/",
    "https://clinic.example:{slot}/",
    "https://clinic.example/{id}",
    "https://clinic.example/{slot!r}",
    "https://clinic.example/{slot",
    "https://clinic.example/slot}",
    "https://clinic.example/{{slot}}",
    "https://clinic.example/{}",
    "https://user@clinic.example/",
    "https://clinic.example\\@evil.example/",
    "https://sub.example/x",
    "javascript:alert(1)",
    "https://[",
    "{slot}",
    "clinic.example",
]


@pytest.mark.parametrize("domain", GOOD_DOMAINS)
def test_links_may_be_allowed_to_a_host_by_its_public_name(domain):
    assert rules.domain_fault(domain) is None


@pytest.mark.parametrize("domain", NO_DOMAINS)
def test_links_are_allowed_to_nothing_else(domain):
    assert rules.domain_fault(domain) == rules.NO_DOMAIN


@pytest.mark.parametrize("domain", SHARED_DOMAINS)
def test_a_domain_under_which_anybody_gets_a_name_is_refused(domain):
    assert rules.domain_fault(domain) == rules.SHARED_DOMAIN


@pytest.mark.parametrize("domain", SHARED_DOMAINS)
def test_all_that_is_below_a_shared_domain_is_refused_too(domain):
    assert rules.domain_fault(f".{domain.removeprefix('.')}") == rules.SHARED_DOMAIN
    assert rules.domain_fault(f".a.b.{domain.removeprefix('.')}") == rules.SHARED_DOMAIN


@pytest.mark.parametrize("name", ["nip.io", "sslip.io", "xip.io", "localtest.me", "lvh.me", "lacolhost.com", "vcap.me"])
@pytest.mark.parametrize("below", ["", ".", "clinic.", "10.0.0.1.", ".10-0-0-1."])
def test_a_name_that_leads_to_an_address_of_ones_own_network_is_refused_even_alone(below, name):
    assert rules.domain_fault(f"{below}{name}") == rules.SHARED_DOMAIN


def test_no_domain_that_is_refused_as_shared_is_refused_already_by_its_form():
    assert {rules.domain_fault(domain) for domain in rules._SHARED} == {rules.SHARED_DOMAIN}


@pytest.mark.parametrize("template", GOOD_TEMPLATES)
def test_a_link_template_leads_to_an_allowed_domain(template):
    assert rules.template_fault(template, ["clinic.example", ".sub.example"]) is None


@pytest.mark.parametrize("template", NO_TEMPLATES)
def test_a_link_template_that_could_lead_elsewhere_is_refused(template):
    assert rules.template_fault(template, ["clinic.example", ".sub.example"]) == rules.NO_LINK


def test_without_an_allowed_domain_there_is_no_link():
    assert rules.template_fault("https://clinic.example/", []) == rules.NO_LINK


@pytest.mark.parametrize(
    ("text", "kind", "phone"),
    [
        ("01 45 42 59 59", "practice", "+33145425959"),
        ("+33 1 45 42 59 59", "platform", "+33145425959"),
        ("15", "public_service", "15"),
        ("116 117", "public_service", "116117"),
        ("01 45 42 59 59", "public_service", "+33145425959"),
    ],
)
def test_a_phone_is_stored_as_one_dials_it(text, kind, phone):
    assert rules.read_phone(text, kind) == phone


@pytest.mark.parametrize(
    ("text", "kind", "fault"),
    [
        ("nobody", "practice", rules.NO_PHONE),
        ("99", "public_service", rules.NO_PHONE),
        ("01 45", "practice", rules.NO_SHORT_PHONE),
        ("15", "practice", rules.NO_SHORT_PHONE),
        ("3237", "platform", rules.NO_SHORT_PHONE),
        ("123456789012", "public_service", rules.NO_PHONE),
    ],
)
def test_what_is_no_phone_is_refused_and_short_numbers_are_those_of_public_services(text, kind, fault):
    with pytest.raises(ValueError, match=f"^{fault}$"):
        rules.read_phone(text, kind)


def test_the_two_newest_secrets_are_valid():
    assert rules.next_secrets("c", ["b", "a"]) == ["c", "b"]
    assert rules.next_secrets("a", []) == ["a"]


def test_every_language_is_two_letters_and_french_is_one_of_them():
    assert "fr" in rules.LANGUAGES
    assert len(rules.LANGUAGES) == 183
    assert all(len(code) == 2 and code.isalpha() and code.islower() for code in rules.LANGUAGES)
