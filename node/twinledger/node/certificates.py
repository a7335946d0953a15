"""Makes and checks the certificates that nodes show when they connect.

Self-signed ECDSA P-256: gRPC's TLS refuses Ed25519. The dates say nothing (the end is in 9999);
until when a certificate counts stands in the ledger's record of the node. It may sign nothing, so
whoever trusts it trusts no other certificate with it.
"""

import hashlib
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from twinledger.client.certificates import host_names
from twinledger.ledger.errors import Code, LedgerError

_NOT_BEFORE: Final = datetime(2020, 1, 1, tzinfo=UTC)
_NOT_AFTER: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""RFC 5280, section 4.1.2.5: a certificate without a good end."""


def host_name(node_id: str) -> str:
    """The name that every certificate of a node has: its id's, so that no address matters."""
    return f"{node_id}.twinledger"


def generate_key() -> bytes:
    """A new ECDSA P-256 private key, PEM (PKCS #8)."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def self_signed(node_id: str, key: bytes) -> bytes:
    """A certificate, DER, for a node and its private key (PEM).

    Raises:
        LedgerError: BAD_CERTIFICATE when the key is no ECDSA P-256 key.
    """
    private = _private_key(key)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, node_id)])
    only_signing = {"digital_signature": True} | dict.fromkeys(_OTHER_USES, False)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOT_BEFORE)
        .not_valid_after(_NOT_AFTER)
        .add_extension(x509.SubjectAlternativeName(_names(node_id, private)), False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(x509.KeyUsage(**only_signing), True)
    )
    return builder.sign(private, hashes.SHA256()).public_bytes(Encoding.DER)


_OTHER_USES: Final = (
    *("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


def check(der: bytes, node_id: str) -> None:
    """Refuses a certificate that connections to this node could not be opened with.

    Raises:
        LedgerError: BAD_CERTIFICATE, saying what is wrong with it.
    """
    certificate = _read(der)
    if not _is_p256(certificate.public_key()):
        raise _bad("its key is not ECDSA P-256")
    try:
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise _bad("it is not signed by its own key") from error
    if host_name(node_id) not in host_names(der):
        raise _bad(f"it does not name {host_name(node_id)}")


def check_pair(der: bytes, key: bytes) -> None:
    """Refuses a certificate and a private key (PEM) that do not belong together.

    Raises:
        LedgerError: BAD_CERTIFICATE.
    """
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    ours = _private_key(key).public_key().public_bytes(*form)
    if _read(der).public_key().public_bytes(*form) != ours:
        raise _bad("it belongs to another private key")


def _names(node_id: str, key: ec.EllipticCurvePrivateKey) -> list[x509.GeneralName]:
    """A name that no other certificate of this node has, then the one that all have.

    A node with two certificates shows the one whose name it is asked for: whoever knows only the
    older still finds it.
    """
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    label = hashlib.sha256(point).hexdigest()[:16]
    names = (f"{label}.{host_name(node_id)}", host_name(node_id))
    return [x509.DNSName(name) for name in names]


def _read(der: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError as error:
        raise _bad(f"it is not X.509: {error}") from error


def _private_key(key: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        private = load_pem_private_key(key, None)
    except (ValueError, TypeError) as error:
        raise _bad(f"its private key is not PEM: {error}") from error
    if not isinstance(private, ec.EllipticCurvePrivateKey) or not _is_p256(private.public_key()):
        raise _bad("its private key is not ECDSA P-256")
    return private


def _is_p256(key: object) -> bool:
    return isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)


def _bad(detail: str) -> LedgerError:
    return LedgerError(Code.BAD_CERTIFICATE, detail)
