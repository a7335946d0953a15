"""Ed25519 keys, and what libsodium takes and refuses."""

import pytest

from tests.unit.ledger.refusals import refused
from twinledger.ledger.errors import Code
from twinledger.ledger.keys import SigningKey, check_public_key, verify

KEY = SigningKey.load(bytes(range(32)))


def test_a_key_signs_what_its_public_key_verifies():
    verify(KEY.public_key, b"message", KEY.sign(b"message"))


def test_the_first_case_of_rfc_8032_is_signed_as_there():
    key = SigningKey.load(
        bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    )
    assert key.public_key.hex().startswith("d75a980182b10ab7d54bfed3c964073a")
    assert key.sign(b"").hex().startswith("e5564300c360ac729086e2cc806e828a")


def test_a_generated_key_is_loaded_again_from_its_seed():
    key = SigningKey.generate()
    assert SigningKey.load(key.seed).public_key == key.public_key
    assert SigningKey.generate().seed != key.seed


def test_a_printed_key_shows_no_secret():
    assert KEY.seed.hex() not in repr(KEY)
    assert KEY.public_key.hex() in repr(KEY)


@pytest.mark.parametrize("seed", [b"", bytes(31), bytes(33)])
def test_a_seed_has_32_bytes(seed: bytes):
    with refused(Code.BAD_KEY):
        SigningKey.load(seed)


def test_another_message_another_key_and_another_signature_are_refused():
    signature = KEY.sign(b"message")
    other = SigningKey.load(bytes(32))
    flipped = bytes([signature[0] ^ 1]) + signature[1:]
    for case in [
        (KEY.public_key, b"massage", signature),
        (other.public_key, b"message", signature),
        (KEY.public_key, b"message", flipped),
    ]:
        with refused(Code.BAD_SIGNATURE):
            verify(*case)


@pytest.mark.parametrize(
    ("key_size", "signature_size"), [(0, 64), (31, 64), (33, 64), (32, 0), (32, 63), (32, 65)]
)
def test_keys_and_signatures_of_wrong_lengths_are_refused(key_size: int, signature_size: int):
    with refused(Code.BAD_SIGNATURE, "length"):
        verify(KEY.public_key.ljust(33)[:key_size], b"", KEY.sign(b"").ljust(65)[:signature_size])


def test_a_public_key_must_be_a_point_that_can_verify_something():
    check_public_key(KEY.public_key)
    small_order = bytes([1]) + bytes(31)
    not_canonical = b"\xff" * 32
    for key in (b"", KEY.public_key[:31], small_order, not_canonical, bytes(32)):
        with refused(Code.BAD_KEY):
            check_public_key(key)
