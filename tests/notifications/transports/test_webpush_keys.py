"""The key with which browsers know this installation is made once, and kept."""

import base64
import stat

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from citizen_api.core.settings import Settings
from citizen_api.people.webpush import is_point
from citizen_api.web.command import Context
from notifications.transports.webpush_cli import keys
from notifications.transports.webpush_keys import VapidError, check_subject, load_key, make_vapid_key, public_key


def pem(key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def run(*arguments, **settings):
    context = Context(Settings(**settings), prepare=lambda _: None, knows_territory=lambda *_: True)
    return CliRunner().invoke(keys, [str(one) for one in arguments], obj=context)


def test_a_key_is_its_owners_only_and_its_public_half_is_what_a_browser_takes(tmp_path):
    file = tmp_path / "vapid.pem"
    made = make_vapid_key(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert is_point(made)
    assert made == public_key(file)
    assert len(base64.urlsafe_b64decode(made + "=")) == 65


def test_a_key_is_never_overwritten(tmp_path):
    file = tmp_path / "vapid.pem"
    made = make_vapid_key(file)
    with pytest.raises(VapidError, match="is there already"):
        make_vapid_key(file)
    assert public_key(file) == made


def test_a_folder_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(VapidError, match="cannot be written: No such file"):
        make_vapid_key(tmp_path / "nowhere" / "vapid.pem")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "cannot be read"),
        (b"nothing", "holds no private key"),
        (pem(ec.generate_private_key(ec.SECP384R1())), "P-256 only"),
        (pem(rsa.generate_private_key(65_537, 2_048)), "P-256 only"),
    ],
)
def test_a_file_without_such_a_key_is_refused_in_one_line(tmp_path, content, why):
    file = tmp_path / "vapid.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(VapidError, match=why) as refusal:
        load_key(file)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("subject", ["mailto:sante@ville.fr", "https://ville.fr", "https://ville.fr/contact?x=1"])
def test_a_subject_is_an_address_that_answers(subject):
    assert check_subject(subject) == subject


def test_the_command_makes_a_key_and_shows_it_again_later(tmp_path):
    file = tmp_path / "vapid.pem"
    first = run(file)
    assert first.exit_code == 0
    assert f"Public key: {public_key(file)}" in first.output
    assert "ALENTOURS_PUSH_VAPID_KEY_FILE=" in first.output
    again = run(push_vapid_key_file=str(file), push_vapid_subject="mailto:sante@ville.fr")
    assert "is kept" in again.output
    assert f"Public key: {public_key(file)}" in again.output


def test_the_command_says_what_is_missing(tmp_path):
    assert "say which FILE" in run().output
    (tmp_path / "vapid.pem").write_text("nothing")
    refused = run(tmp_path / "vapid.pem")
    assert (refused.exit_code, "holds no private key" in refused.output) == (1, True)
