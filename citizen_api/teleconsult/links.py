"""Where a resident may be handed over to: an https address of a domain that the provider is known by, or nowhere.

A link is read once, strictly, and written again from what was read, in ASCII: what a browser could read otherwise than
we do (WHATWG URL against RFC 3986) is refused, not mended. What is refused costs one tap: the page says whom to call.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from encodings import idna
from typing import Final
from urllib.parse import quote, unquote_plus

from citizen_api.sources.slot_records import LINK_LENGTH

HOST_LENGTH: Final = 253
OURS: Final = frozenset({"source", "booking-referral"})
"""Parameters that `with_referral` adds."""
_LINK: Final = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)"
    r"(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?P<fragment>#.*)?",
    re.DOTALL,
)
_AUTHORITY: Final = re.compile(r"(?P<host>[^:@%\[\]]+)(?P<port>:443)?")
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_LAST_LABEL: Final = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])")
"""Begins with a letter: what ends in a number (1, 0x7f) is an IPv4 address to a browser."""
_DEMO_ORIGIN: Final = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\]):[0-9]{1,5}")
_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_DOTS: Final = frozenset({".", ".."})
_ADDRESS_BEGINS: Final = re.compile(r"(?:https?:|:[/\\]|[/\\]{2})[/\\]*", re.IGNORECASE)
"""What a host follows, as far as browsers go, wherever it stands: `https:`, `any+scheme:/` or two slashes."""
_SCRIPT_BEGINS: Final = re.compile(r"(?<![a-z])(?:javascript|vbscript|data|blob|file):", re.IGNORECASE)
_DECODED_AT_MOST: Final = 4
"""How often the rest of a link is decoded in search of an address in it; what is encoded deeper is refused."""
_PAIR: Final = re.compile("[&;]?[^&;]+")
_PATH_SAFE: Final = "/%:@!$&'()*+,;=-._~"
_QUERY_SAFE: Final = _PATH_SAFE + "?"
_demo_origins: set[str] = set()


class UnsafeLinkError(ValueError):
    """A link leads nowhere that is allowed; the message is the code of the reason, and does not show the link."""


def safe_link(url: str, *, allowed_domains: Sequence[str]) -> str:
    """Give the link, normalised to ASCII, when it leads to an allowed domain over https. Raises UnsafeLinkError.

    An allowed domain is a host name in lower-case ASCII; one that begins with a dot stands for its subdomains only.
    """
    _check_characters(url)
    read = _LINK.fullmatch(url)
    if read is None:
        raise UnsafeLinkError("form")
    origin = f"{read['scheme']}://{read['authority']}"
    if origin not in _demo_origins:
        if read["scheme"].lower() != "https":
            raise UnsafeLinkError("scheme")
        host = _host(read["authority"])
        if not _is_allowed(host, allowed_domains):
            raise UnsafeLinkError("domain")
        origin = f"https://{host}"
    path, query, fragment = read["path"], read["query"] or "", read["fragment"] or ""
    _check_decodings(_decodings(path + query + fragment), allowed_domains)
    _check_path(path)
    written = (
        origin
        + (quote(path, safe=_PATH_SAFE) or "/")
        + query[:1]
        + quote(query[1:], safe=_QUERY_SAFE)
        + fragment[:1]
        + quote(fragment[1:], safe=_QUERY_SAFE)
    )
    if len(written) > LINK_LENGTH:
        raise UnsafeLinkError("length")
    return written


def with_referral(url: str, *, source: str, referral: str) -> str:
    """Add `source` and `booking-referral` to the query of a link that `safe_link` gave, replacing any it has.

    A pair begins after `&` or `;`, as the site may read either. The rest of the query stays byte for byte.
    """
    before, hash_sign, fragment = url.partition("#")
    address, _, query = before.partition("?")
    kept = "".join(pair for pair in _PAIR.findall(query) if _parameter(pair) not in OURS).lstrip("&;")
    added = f"source={quote(source, safe='')}&booking-referral={quote(referral, safe='')}"
    return f"{address}?{kept}{'&' if kept else ''}{added}{hash_sign}{fragment}"


def allow_demo_origin(origin: str) -> None:
    """Allow this process to hand over to one loopback origin (`http://127.0.0.1:8123`). Never from a row or a feed."""
    if not _DEMO_ORIGIN.fullmatch(origin):
        raise UnsafeLinkError("origin")
    _demo_origins.add(origin)


def forget_demo_origin(origin: str) -> None:
    """Take `allow_demo_origin` back."""
    _demo_origins.discard(origin)


def _parameter(pair: str) -> str:
    """Name of a parameter as the most lenient site reads it: `source[]` and `source[0]` are `source`."""
    return unquote_plus(pair.lstrip("&;").partition("=")[0]).partition("[")[0].strip().casefold()


def _check_characters(url: str) -> None:
    if not 0 < len(url) <= LINK_LENGTH:
        raise UnsafeLinkError("length")
    # C: control, bidi and other format characters, surrogates, unassigned; Z: every kind of space.
    if any(unicodedata.category(char)[0] in "CZ" for char in url) or "\\" in url:
        raise UnsafeLinkError("characters")
    if _BROKEN_ESCAPE.search(url):
        raise UnsafeLinkError("escape")


def _host(authority: str) -> str:
    """Give the host in lower-case ASCII, without a trailing dot. Raises UnsafeLinkError."""
    if "@" in authority:
        raise UnsafeLinkError("userinfo")
    read = _AUTHORITY.fullmatch(authority)
    if read is None:
        raise UnsafeLinkError("host")
    labels = read["host"].lower().removesuffix(".").split(".")
    ascii_labels = [label if label.isascii() else _ascii_label(label) for label in labels]
    *others, last = ascii_labels
    if not others or not _LAST_LABEL.fullmatch(last) or not all(_LABEL.fullmatch(label) for label in others):
        raise UnsafeLinkError("host")
    host = ".".join(ascii_labels)
    if len(host) > HOST_LENGTH:
        raise UnsafeLinkError("host")
    return host


def _ascii_label(label: str) -> str:
    """Punycode of a label that no reading would map to another one: full-width letters, ß and 。 are refused."""
    if any(unicodedata.category(char)[0] not in "LMN" and char != "-" for char in label):
        raise UnsafeLinkError("host")
    try:
        written = idna.ToASCII(label)
        known = idna.ToUnicode(written)
    except UnicodeError as error:
        raise UnsafeLinkError("host") from error
    if known != label:
        raise UnsafeLinkError("host")
    return written.decode("ascii")


def _is_allowed(host: str, domains: Sequence[str]) -> bool:
    return any(host.endswith(domain) if domain.startswith(".") else host == domain for domain in domains)


def _check_path(path: str) -> None:
    """Refuse segments of dots and empty ones, which a browser, a proxy and the site need not read alike.

    A segment ends at `;` for some servers: to them `/..;/` is `/../`.
    """
    for decoded in _decodings(path):
        _, *segments = (segment.partition(";")[0] for segment in re.split(r"[/\\]", decoded))
        if not all(segments[:-1]) or not _DOTS.isdisjoint(segments):
            raise UnsafeLinkError("path")


def _check_decodings(decodings: Sequence[str], domains: Sequence[str]) -> None:
    """Refuse an address of somebody else in the link: the allowed site may redirect to whatever it is given."""
    # C: control, bidi and other format characters, which a reader may leave out.
    if _ESCAPE.search(decodings[-1]) or any(unicodedata.category(char)[0] == "C" for char in "".join(decodings)):
        raise UnsafeLinkError("escape")
    if any(_leads_elsewhere(decoded, domains) for decoded in decodings):
        raise UnsafeLinkError("redirect")


def _decodings(value: str) -> list[str]:
    """Give the value, and what it is decoded to, once, twice, until nothing changes or it is deep enough."""
    found = [value]
    for _ in range(_DECODED_AT_MOST):
        decoded = unquote_plus(found[-1])
        if decoded == found[-1]:
            break
        found.append(decoded)
    return found


def _leads_elsewhere(text: str, domains: Sequence[str]) -> bool:
    """Whether an address of a host that is not allowed, or a script, begins anywhere in the text."""
    begun = _ADDRESS_BEGINS.finditer(text)
    return _SCRIPT_BEGINS.search(text) is not None or any(not _is_host_at(text, at.end(), domains) for at in begun)


def _is_host_at(text: str, begin: int, domains: Sequence[str]) -> bool:
    # Only these end a host to a browser; `&` and `;` may be a part of one, or of what stands before `@`.
    authority = re.split(r"[/\\?#]", text[begin:], maxsplit=1)[0]
    try:
        return _is_allowed(_host(authority), domains)
    except UnsafeLinkError:
        return False
