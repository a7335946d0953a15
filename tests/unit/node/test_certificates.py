"""The certificates that nodes make and take."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from twinledger.client.certificates import fingerprint, host_names, to_der, to_pem
from twinledger.ledger.errors import Code, LedgerError
from twinledger.node import certificates

NODE = "utility-1"


@dataclasses.dataclass(frozen=True)
class Pair:
    key: bytes
    der: bytes


@pytest.fixture(scope="module")
def pair() -> Pair:
    key = certificates.generate_key()
    return Pair(key, certificates.self_signed(NODE, key))


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(LedgerError) as refused:
        act()
    assert refused.value.code is Code.BAD_CERTIFICATE
    return refused.value.detail


def other(
    key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey,
    signer: ec.EllipticCurvePrivateKey | None = None,
) -> bytes:
    """A certificate of this node's name that our own maker would not make."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NODE)])
    alternative = x509.SubjectAlternativeName([x509.DNSName(certificates.host_name(NODE))])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=now,
        not_valid_after=now + timedelta(days=1),
    ).add_extension(alternative, critical=False)
    by = signer or key
    algorithm = None if isinstance(by, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(by, algorithm).public_bytes(Encoding.DER)


def test_a_made_certificate_is_taken_for_its_node_and_key(pair):
    certificates.check(pair.der, NODE)
    certificates.check_pair(pair.der, pair.key)
    own, common = host_names(pair.der)
    assert own.endswith(".utility-1.twinledger")
    assert common == "utility-1.twinledger"


def test_a_made_certificate_has_no_end_and_may_sign_no_other(pair):
    made = x509.load_der_x509_certificate(pair.der)
    assert made.not_valid_after_utc == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not made.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign


def test_the_longest_node_id_fits(pair):
    certificates.check(certificates.self_signed("n" * 64, pair.key), "n" * 64)


def test_each_key_of_a_node_has_a_name_of_its_own(pair):
    second = certificates.self_signed(NODE, certificates.generate_key())
    assert host_names(second)[0] != host_names(pair.der)[0]
    assert host_names(second)[1] == host_names(pair.der)[1]


def test_two_certificates_of_one_node_and_key_differ(pair):
    assert fingerprint(certificates.self_signed(NODE, pair.key)) != fingerprint(pair.der)


def test_a_certificate_for_another_node_is_refused(pair):
    assert "does not name other-1" in refusal(lambda: certificates.check(pair.der, "other-1"))


def test_bytes_that_are_no_certificate_are_refused():
    assert "not X.509" in refusal(lambda: certificates.check(b"nonsense", NODE))


def test_a_certificate_of_another_curve_is_refused():
    der = other(ec.generate_private_key(ec.SECP384R1()))
    assert "not ECDSA P-256" in refusal(lambda: certificates.check(der, NODE))


def test_a_certificate_of_ed25519_is_refused():
    der = other(ed25519.Ed25519PrivateKey.generate())
    assert "not ECDSA P-256" in refusal(lambda: certificates.check(der, NODE))


def test_a_certificate_that_another_key_signed_is_refused():
    one, two = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    assert "not signed by its own key" in refusal(lambda: certificates.check(other(one, two), NODE))


def test_a_certificate_without_a_name_is_refused(pair):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    now = datetime.now(UTC)
    bare = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(1))
    der = bare.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    assert "no DNS name" in refusal(lambda: certificates.check(der, NODE))


def test_another_private_key_does_not_belong_to_a_certificate(pair):
    key = certificates.generate_key()
    assert "another private key" in refusal(lambda: certificates.check_pair(pair.der, key))


def test_a_private_key_that_is_none_or_of_another_kind_is_refused():
    form = Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    edwards = ed25519.Ed25519PrivateKey.generate().private_bytes(*form)
    assert "not PEM" in refusal(lambda: certificates.self_signed(NODE, b"nonsense"))
    assert "not ECDSA" in refusal(lambda: certificates.self_signed(NODE, edwards))


def test_pem_keeps_every_byte_and_order(pair):
    second = certificates.self_signed(NODE, pair.key)
    pem = to_pem(pair.der, second)
    assert pem.count(b"BEGIN CERTIFICATE") == 2
    assert to_der(pem) == pair.der
    assert to_der(pem[len(to_pem(pair.der)) :]) == second
