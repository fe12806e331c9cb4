"""Rules about providers of appointments: what may be said of one, and where it may lead. Pure.

A fault is a sentence in English, with French words in `content/problems.yaml`; the registry's files report it as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final
from urllib.parse import urlsplit

import phonenumbers

from citizen_api.sources.phones import booking_phone
from citizen_api.teleconsult.links import UnsafeLinkError, safe_link

PUBLIC_SERVICE: Final = "public_service"
KINDS: Final = ("platform", "practice", "booth", PUBLIC_SERVICE)
GRANULARITIES: Final = ("slot", "practice", "home")
HAVE_READY: Final = (
    "carte_vitale",
    "mutuelle",
    "id",
    "prescriptions",
    "test_results",
    "payment_card",
    "phone_number",
    "camera",
    "quiet_place",
)
FILE: Final = "file"
STAFF: Final = "staff"
DEMO: Final = "demo"
SLUG: Final = "^[a-z0-9]+(-[a-z0-9]+)*$"
"""Of a provider's id and of a feed's name."""
MAX_SECRETS: Final = 2
_LANGUAGES_WRITTEN: Final = (
    # ISO 639-1, as of its code list at the Library of Congress.
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el "
    "en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu "
    "ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na "
    "nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so "
    "sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
)
LANGUAGES: Final = frozenset(_LANGUAGES_WRITTEN.split())

NO_DOMAIN: Final = "Not a host name in lower-case ASCII, such as www.clinic.example."
SHARED_DOMAIN: Final = "Not a domain of one owner: anybody may have a name under it."
NO_LINK: Final = "Not an https address on one of the allowed domains, with nothing between braces but slot."
NO_PHONE: Final = "Not a phone number."
NO_SHORT_PHONE: Final = "Only a public service has a short number."
NO_LANGUAGE: Final = "Not a language of ISO 639-1."
NOTHING: Final = "At least one is needed."

_LABEL: Final = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN: Final = re.compile(rf"\.?(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])")
_LONGEST_DOMAIN: Final = 253
_OWN_NETWORK: Final = frozenset(
    ["localhost", "local", "localdomain", "internal", "intranet", "private", "lan", "home", "corp", "arpa", "onion"]
)
_SHARED_WRITTEN: Final = (
    # No list of public suffixes is among the dependencies: these are suffixes of professions, and services where
    # anybody gets a name. What is missing here is known to whoever keeps the registry, and a link template must lie on
    # an allowed domain all the same.
    "avocat.fr medecin.fr pharmacien.fr chirurgiens-dentistes.fr notaires.fr veterinaire.fr prd.fr tm.fr ltd.uk me.uk "
    "nhs.uk plc.uk eu.org eu.com us.com co.com fr.fo github.io gitlab.io herokuapp.com vercel.app netlify.app "
    "netlify.com pages.dev workers.dev r2.dev web.app firebaseapp.com appspot.com run.app cloudfunctions.net "
    "googleapis.com googleusercontent.com azurewebsites.net azurestaticapps.net azurecontainerapps.io azureedge.net "
    "azurefd.net azure-api.net trafficmanager.net cloudapp.net cloudapp.azure.com windows.net sharepoint.com "
    "powerappsportals.com cloudfront.net amazonaws.com elasticbeanstalk.com amplifyapp.com b-cdn.net akamaihd.net "
    "akamaized.net edgekey.net fastly.net digitaloceanspaces.com ondigitalocean.app ovh.net ovh.org scw.cloud "
    "cleverapps.io scalingo.io wordpress.com wpcomstaging.com wpengine.com myshopify.com wixsite.com webflow.io "
    "framer.app square.site carrd.co weebly.com jimdofree.com jimdosite.com strikingly.com notion.site tumblr.com "
    "over-blog.com canalblog.com e-monsite.com hs-sites.com my.site.com free.fr pagesperso-orange.fr perso.sfr.fr "
    "fly.dev onrender.com up.railway.app deno.dev glitch.me replit.app replit.dev repl.co surge.sh hf.space "
    "streamlit.app ngrok.io ngrok.app ngrok.dev ngrok-free.app ngrok-free.dev trycloudflare.com loca.lt serveo.net "
    "lhr.life readthedocs.io translate.goog duckdns.org dyndns.org no-ip.org ddns.net hopto.org zapto.org myftp.org "
    "mooo.com dynu.net bit.ly t.co tinyurl.com goo.gl cutt.ly rebrand.ly ow.ly is.gd urlz.fr"
)
_SHARED: Final = frozenset(_SHARED_WRITTEN.split())
_SHARED_FORM: Final = re.compile(
    r"(?:ac|asso|co|com|edu|go|gob|gouv|gov|gv|mil|ne|net|nom|or|org)\.[a-z]{2}|blogspot\.(?:com?\.)?[a-z]{2,3}"
)
"""Suffixes that many countries have alike: com.fr, co.uk, gouv.nc."""
_OWN_ADDRESS: Final = frozenset(["nip.io", "sslip.io", "xip.io", "localtest.me", "lvh.me", "lacolhost.com", "vcap.me"])
"""Names below these lead to whatever IP address they say, or to one's own machine."""
_PLACEHOLDER: Final = re.compile(r"\{[^{}]*\}|[{}]")
_SHORT: Final = re.compile(r"[0-9]{2,6}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFacts:
    """What is said of a provider, by a file or by staff, in the words of the columns of `models.Provider`."""

    kind: str
    name: str
    modalities: Sequence[str]
    specialties: Sequence[str]
    languages: Sequence[str]
    sector: str | None
    third_party: bool | None
    audience: str
    link_template: str | None
    allowed_domains: Sequence[str]
    granularity: str
    phone: str | None
    have_ready: Sequence[str]
    territory_kind: str
    territory_code: str | None
    address: str | None
    commune_code: str | None
    lat: float | None
    lon: float | None
    source: str
    as_of: date

    def columns(self) -> dict[str, Any]:
        """Give all of it by column."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def domain_fault(domain: str) -> str | None:
    """Say why links may not be allowed to a domain, or None. A leading dot stands for its subdomains too.

    Never an IP address, a single label, a name of one's own network, or a suffix under which anybody gets a name. Below
    such a suffix only a whole host is one owner's: how deep the suffix is shared (s3.amazonaws.com) is not known here.
    """
    if len(domain) > _LONGEST_DOMAIN or not _DOMAIN.fullmatch(domain):
        return NO_DOMAIN
    labels = domain.removeprefix(".").split(".")
    if labels[-1] in _OWN_NETWORK:
        return NO_DOMAIN
    name, *above = [".".join(labels[begin:]) for begin in range(len(labels))]
    refused = [name, *above] if domain.startswith(".") else [name]
    shared = any(map(_is_shared, refused)) or not _OWN_ADDRESS.isdisjoint([name, *above])
    return SHARED_DOMAIN if shared else None


def _is_shared(name: str) -> bool:
    return name in _SHARED or _SHARED_FORM.fullmatch(name) is not None


def template_fault(template: str, allowed_domains: Sequence[str]) -> str | None:
    """Say why a link template is none, or None: https, on an allowed domain, `{slot}` its only placeholder.

    The placeholder stands after the host, so that no publisher's id can change where a resident is sent.
    """
    if set(_PLACEHOLDER.findall(template)) - {"{slot}"}:
        return NO_LINK
    try:
        if "{" in urlsplit(template).netloc:
            return NO_LINK
        safe_link(template.replace("{slot}", "0"), allowed_domains=allowed_domains)
    except (UnsafeLinkError, ValueError):
        return NO_LINK
    return None


def read_phone(text: str, kind: str) -> str:
    """Give a published phone as it is stored: E.164, or the figures of a short number (15, 116117) of a public service.

    Raises ValueError with the fault.
    """
    figures = "".join(text.split())
    if _SHORT.fullmatch(figures):
        if kind != PUBLIC_SERVICE:
            raise ValueError(NO_SHORT_PHONE)
        if phonenumbers.is_valid_short_number_for_region(phonenumbers.parse(figures, "FR"), "FR"):
            return figures
    phone = booking_phone(text)
    if phone is None:
        raise ValueError(NO_PHONE)
    return phone


def next_secrets(secret: str, kept: Sequence[str]) -> list[str]:
    """Give the secrets that are valid once a new one is: the newest first, the one before it until it is revoked."""
    return [secret, *kept][:MAX_SECRETS]
