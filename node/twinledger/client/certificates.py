"""What a client needs to know of certificates: how a pinned one is named, told apart and written.

A node has one self-signed certificate, or two while one replaces the other, and whoever connects
to it trusts exactly those: there is no authority above them. Here they are only bytes.
"""

import hashlib
import ssl


def host_name(node_id: str) -> str:
    """The name in a node's certificate: its id's, so that it is the same at every address."""
    return f"{node_id}.twinledger"


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
