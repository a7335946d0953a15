"""What whoever connects needs to know of a node's certificate: how it is named and told apart.

A node has one self-signed certificate, or two while one replaces the other, and whoever connects
to it trusts exactly one of those: there is no authority above them.
"""

import hashlib
import ssl

from cryptography import x509

from twinledger.ledger.errors import Code, LedgerError


def host_names(der: bytes) -> tuple[str, ...]:
    """The DNS names that a certificate claims.

    The first is the name to connect under, whatever the address is: it tells the node which of its
    certificates is meant.

    Raises:
        LedgerError: BAD_CERTIFICATE when it has none, or is no certificate.
    """
    try:
        extensions = x509.load_der_x509_certificate(der).extensions
        found = extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except ValueError as error:
        raise LedgerError(Code.BAD_CERTIFICATE, f"it is not X.509: {error}") from error
    except x509.ExtensionNotFound as error:
        raise LedgerError(Code.BAD_CERTIFICATE, "it has no DNS name") from error
    names = tuple(found.value.get_values_for_type(x509.DNSName))
    if not names:
        raise LedgerError(Code.BAD_CERTIFICATE, "it has no DNS name")
    return names


def fingerprint(der: bytes) -> str:
    """How people tell certificates apart: the SHA-256 of the DER, hex."""
    return hashlib.sha256(der).hexdigest()


def to_pem(*certificates: bytes) -> bytes:
    """Certificates (DER) as gRPC takes them."""
    return "".join(ssl.DER_cert_to_PEM_cert(der) for der in certificates).encode()


def to_der(pem: bytes) -> bytes:
    """The first certificate of PEM text that a library wrote, DER."""
    text = pem.decode("ascii")
    return ssl.PEM_cert_to_DER_cert(text[: text.index(ssl.PEM_FOOTER) + len(ssl.PEM_FOOTER)])
