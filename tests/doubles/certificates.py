"""What a double shows and what shows itself to it: a certificate for 127.0.0.1, and a service account with its key."""

from __future__ import annotations

import functools
import ipaddress
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

VALID_FOR = timedelta(days=365)


def make_certificate(folder: Path) -> Path:
    """Write `ca.pem`, for clients to trust, and give the file of the server's certificate and key.

    What lies in the folder already is used again, so that a client need not be told anew after a restart.
    """
    served = folder / "server.pem"
    if served.exists() and (folder / "ca.pem").exists() and _is_current(served):
        return served
    folder.mkdir(parents=True, exist_ok=True)
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of a test double")])
    authority = (
        _building(name, name, authority_key.public_key(), authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        _building(own, name, key.public_key(), authority_key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]),
            critical=False,
        )
        .sign(authority_key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(authority.public_bytes(Encoding.PEM))
    _write_private(
        served,
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM),
    )
    return served


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """The identity that a sender proves to the token endpoint."""

    project_id: str
    key: rsa.RSAPrivateKey
    key_id: str

    @property
    def email(self) -> str:
        """The issuer of the assertions that it signs."""
        return f"alentours@{self.project_id}.iam.gserviceaccount.com"

    def write(self, folder: Path, token_uri: str) -> Path:
        """Write the file that Google's console would give, readable by its owner only."""
        document = {
            "type": "service_account",
            "project_id": self.project_id,
            "private_key_id": self.key_id,
            "private_key": self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
            "client_email": self.email,
            "client_id": "100000000000000000000",
            "auth_uri": token_uri.removesuffix("/token") + "/auth",
            "token_uri": token_uri,
        }
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "service-account.json"
        _write_private(path, json.dumps(document, indent=2).encode())
        return path


def make_service_account(project_id: str, folder: Path | None = None) -> ServiceAccount:
    """The account whose file lies in `folder`, or else a new one; in one process all new ones share their key."""
    if folder is not None and (folder / "service-account.json").exists():
        written = json.loads((folder / "service-account.json").read_bytes())
        key = load_pem_private_key(written["private_key"].encode(), password=None)
        if written["project_id"] == project_id and isinstance(key, rsa.RSAPrivateKey):
            return ServiceAccount(project_id, key, written["private_key_id"])
    return ServiceAccount(project_id, *_new_key())


@functools.cache
def _new_key() -> tuple[rsa.RSAPrivateKey, str]:
    # Making one takes a tenth of a second, and hundreds of tests start a double.
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048), secrets.token_hex(20)


def _write_private(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content)


def _is_current(served: Path) -> bool:
    certificate = x509.load_pem_x509_certificate(served.read_bytes())
    return certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=1)


def _building(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, signer: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + VALID_FOR)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )
